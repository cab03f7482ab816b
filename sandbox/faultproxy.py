"""A TCP proxy that spoils connections as networks do: for HTTP, Postgres, MySQL and SFTP alike.

with faultproxy.running("127.0.0.1", 5432) as proxy:
    proxy.toxics.add("reset", at=2_000, way="up")
    connect(port=proxy.port)
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

Way = Literal["up", "down"]
KINDS = ("latency", "bandwidth", "reset", "fin", "blackhole", "corrupt", "drop_reply")
START_TIMEOUT_S = 10.0
CHUNK = 65_536


@dataclass
class Toxic:
    """One thing that goes wrong, on the way ``up`` (client to server) or ``down``.

    ``latency`` (``seconds`` before each piece that passes), ``bandwidth`` (``bytes_per_s``; 1 is a drip), ``reset`` and
    ``fin`` (the connection breaks off before byte ``at`` of that way, counted from 0 in each connection), ``blackhole``
    (from byte ``at`` on nothing passes and nothing breaks), ``corrupt`` (byte ``at`` arrives with its bits turned over),
    ``drop_reply`` (once the client has sent ``pattern`` for the ``at``-th time, from 0, what the server answers is
    swallowed and the client's connection is reset: the server did it, the client never learns).

    It happens to ``times`` connections (None: to all).
    """

    kind: str
    way: Way = "down"
    at: int = 0
    seconds: float = 0.0
    bytes_per_s: float = 1.0
    pattern: bytes = b""
    times: int | None = None
    hit: set[int] = field(default_factory=set)

    def takes(self, number: int) -> bool:
        """Say whether connection ``number`` is one that this happens to."""
        return number in self.hit or self.times is None or len(self.hit) < self.times


class Toxics:
    """What is set; may be changed from any thread while connections are open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set: tuple[Toxic, ...] = ()

    def add(self, kind: str, **options: Any) -> Toxic:
        """Set a toxic (see `Toxic`) and return it; ValueError for a kind that there is not."""
        if kind not in KINDS:
            raise ValueError(f"No toxic is called {kind!r}; there are: {', '.join(KINDS)}.")
        toxic = Toxic(kind, **options)
        with self._lock:
            self._set = (*self._set, toxic)
        return toxic

    def clear(self) -> None:
        """Let everything pass again."""
        with self._lock:
            self._set = ()

    def on(self, way: Way, number: int) -> list[Toxic]:
        """Return what a connection runs into on one way."""
        return [toxic for toxic in self._set if toxic.way == way and toxic.takes(number)]


class _Broken(Exception):
    """This connection has been broken off."""


@dataclass(eq=False)
class _Link:
    """One connection: both sockets, the bytes that came so far on each way, and how it ends."""

    number: int
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    came: dict[Way, int] = field(default_factory=lambda: {"up": 0, "down": 0})
    heard: dict[int, tuple[bytes, int]] = field(default_factory=dict)  # id(toxic) -> last bytes, times met
    answer_lost: bool = False

    def reset(self) -> None:
        """Break both ends off the hard way."""
        for writer in (self.client, self.server):
            with suppress(OSError):
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()


class Proxy:
    """A running proxy: connect to ``port``, set ``toxics``, look at ``connections`` and ``passed`` (bytes each way)."""

    def __init__(self, host: str, port: int) -> None:
        self.toxics = Toxics()
        self.port = 0
        self.connections = 0
        self.passed: dict[Way, int] = {"up": 0, "down": 0}
        self._upstream = host, port
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()

    def cut(self) -> None:
        """Reset every open connection now."""
        for link in list(self._links):
            self._loop.call_soon_threadsafe(link.reset)

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        number = self.connections
        try:
            back, server = await asyncio.open_connection(*self._upstream)
        except OSError:
            client.transport.abort()
            return
        link = _Link(number, client, server)
        self._links.add(link)
        try:
            await asyncio.gather(self._pump("up", reader, server, link), self._pump("down", back, client, link))
        except (_Broken, OSError, asyncio.CancelledError):  # cancelled: the proxy ends
            link.reset()
        finally:
            self._links.discard(link)
            self._tasks.discard(task)
            for writer in (client, server):
                writer.close()

    async def _pump(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: _Link) -> None:
        while data := await reader.read(CHUNK):
            begin = link.came[way]
            link.came[way] += len(data)
            await self._pass(way, data, begin, writer, link)
        with suppress(OSError):
            writer.write_eof()

    async def _pass(self, way: Way, data: bytes, begin: int, writer: asyncio.StreamWriter, link: _Link) -> None:
        toxics = {toxic.kind: toxic for toxic in self.toxics.on(way, link.number)}
        self._listen(way, data, link)
        if link.answer_lost and way == "down":
            raise _Broken
        if (slow := toxics.get("latency")) is not None:
            slow.hit.add(link.number)
            await asyncio.sleep(slow.seconds)
        end = begin + len(data)
        if (wrong := toxics.get("corrupt")) is not None and begin <= wrong.at < end:
            wrong.hit.add(link.number)
            at = wrong.at - begin
            data = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        stop = next((toxics[kind] for kind in ("reset", "fin", "blackhole") if kind in toxics), None)
        if stop is not None and stop.at < end:
            stop.hit.add(link.number)
            data = data[: max(0, stop.at - begin)]
        await self._write(way, data, writer, toxics.get("bandwidth"), link)
        if stop is not None and stop.at < end:
            self._stop(stop, link)

    def _listen(self, way: Way, data: bytes, link: _Link) -> None:
        """Look for the pattern in what the client says, also where it lies across two pieces."""
        for toxic in self.toxics.on("down", link.number):
            if way == "up" and toxic.kind == "drop_reply":
                tail, met = link.heard.get(id(toxic), (b"", 0))
                met += (tail + data).count(toxic.pattern)
                link.heard[id(toxic)] = (tail + data)[-len(toxic.pattern) + 1 :], met
                if met > toxic.at:
                    toxic.hit.add(link.number)
                    link.answer_lost = True

    async def _write(
        self, way: Way, data: bytes, writer: asyncio.StreamWriter, slow: Toxic | None, link: _Link
    ) -> None:
        if slow is not None:
            slow.hit.add(link.number)
        step = len(data) if slow is None else max(1, int(slow.bytes_per_s / 50))
        for at in range(0, len(data), step or 1):
            piece = data[at : at + step]
            writer.write(piece)
            await writer.drain()
            self.passed[way] += len(piece)
            if slow is not None:
                await asyncio.sleep(len(piece) / slow.bytes_per_s)

    def _stop(self, toxic: Toxic, link: _Link) -> None:
        if toxic.kind == "reset":
            raise _Broken
        if toxic.kind == "fin":
            for writer in (link.client, link.server):
                with suppress(OSError):
                    writer.write_eof()

    def _run(self, ready: threading.Event, over: asyncio.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(ready, over))
        self._loop.close()

    async def _serve(self, ready: threading.Event, over: asyncio.Event) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await over.wait()
        server.close()
        for link in list(self._links):
            link.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextmanager
def running(host: str, port: int) -> Iterator[Proxy]:
    """Pass connections on to ``host:port`` until the block ends; all that are open are reset then."""
    proxy, ready, over = Proxy(host, port), threading.Event(), asyncio.Event()
    thread = threading.Thread(target=proxy._run, args=(ready, over), name="faultproxy", daemon=True)
    thread.start()
    if not ready.wait(START_TIMEOUT_S):
        raise RuntimeError("The fault proxy did not start.")
    try:
        yield proxy
    finally:
        proxy._loop.call_soon_threadsafe(over.set)
        thread.join(START_TIMEOUT_S)
