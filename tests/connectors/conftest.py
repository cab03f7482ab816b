"""A web server that answers with exactly the bytes a test wants, and waits that take no time."""

import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import tenacity.nap

RESET = b"\0reset\0"
"""Sent as a chunk, breaks the connection off the hard way."""


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


Answer = bytes | Iterable[bytes]


@dataclass
class Wire:
    """Listens on loopback; ``answer`` makes the bytes to send for each request."""

    answer: Callable[[Asked], Answer]
    asked: list[Asked] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer: socket.socket) -> None:
        with peer, suppress(OSError):
            peer.settimeout(10)
            asked = self.read(peer)
            if asked is None:
                return
            self.asked.append(asked)
            answer = self.answer(asked)
            for chunk in [answer] if isinstance(answer, bytes) else answer:
                if chunk == RESET:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                peer.sendall(chunk)

    def read(self, peer: socket.socket) -> Asked | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = peer.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        while len(body) < int(headers.get("content-length", "0")):
            body += peer.recv(65536)
        method, target, _ = first.split(" ")
        return Asked(method, target, headers, body)

    def close(self) -> None:
        self.stopped.set()
        self.listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Asked], Answer]], Wire]]:
    """Start servers that answer as told; they end with the test."""
    wires: list[Wire] = []

    def start(answer: Callable[[Asked], Answer]) -> Wire:
        wires.append(Wire(answer))
        return wires[-1]

    yield start
    for wire in wires:
        wire.close()


@pytest.fixture
def reply() -> Callable[..., bytes]:
    """Write an answer: body, status and further headers."""

    def write(body: bytes | str = b"{}", status: int = 200, **headers: str) -> bytes:
        content = body.encode() if isinstance(body, str) else body
        fields = {"Content-Type": "application/json", "Content-Length": str(len(content)), "Connection": "close"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + content

    return write


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been waited between attempts; none of them is."""
    seconds: list[float] = []
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=seconds.append))
    return seconds


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of recorded vendor answers."""
    import os

    folder = (
        Path(os.environ.get("LANDFALL_FIXTURES") or Path(__file__).parents[3] / "shared" / "fixtures") / "quickbooks"
    )
    if not folder.is_dir():
        pytest.skip(f"recorded answers are not at {folder}; set LANDFALL_FIXTURES to where they are")
    return folder
