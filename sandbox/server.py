"""Serves a simulator over real HTTP on loopback, in a thread; with answers that break off as real networks do."""

import asyncio
import gzip
import io
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

START_TIMEOUT_S = 10.0

_transports: dict[tuple[Any, Any], asyncio.Transport] = {}


class _Protocol(H11Protocol):
    """Remembers the socket of each connection, since ASGI has no way to reset one."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _transports[(self.client, self.server)] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        _transports.pop((self.client, self.server), None)
        super().connection_lost(exc)


@contextmanager
def serving(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve ``app`` on 127.0.0.1 (0: a free port) and give its base URL; the server ends with the block."""
    # asyncio sends small packets at once only where the protocol is named; else each answer takes 40 ms.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    try:
        _wait_until_up(server, thread)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_TIMEOUT_S)
        listener.close()


def _wait_until_up(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("The sandbox server did not start; is the port taken?")
        time.sleep(0.005)


class Cut(Response):
    """Sends the head and a part of another answer, then closes or resets the connection.

    ``fraction`` of the body is sent; with a reset and 0 not even the head goes out, so that the client
    never learns that its request was carried out.
    """

    def __init__(self, whole: Response, fraction: float, *, reset: bool) -> None:
        super().__init__(status_code=whole.status_code)
        self.raw_headers = whole.raw_headers
        self.body = bytes(whole.body)[: int(len(whole.body) * fraction)]
        self.fraction, self.reset = fraction, reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.reset or self.fraction > 0:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self.body, "more_body": True})
        if self.reset:
            await asyncio.sleep(0.02)  # lets the sent part reach the client before the reset overtakes it
            _reset(scope)


def _reset(scope: Scope) -> None:
    transport = _transports[(scope["client"], scope["server"])]
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Drip(Response):
    """Sends another answer one byte at a time, so that no single read ever times out."""

    def __init__(self, whole: Response, bytes_per_s: float) -> None:
        super().__init__(status_code=whole.status_code)
        self.raw_headers, self.body, self.pause_s = whole.raw_headers, bytes(whole.body), 1 / bytes_per_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for at in range(len(self.body)):
                await send({"type": "http.response.body", "body": self.body[at : at + 1], "more_body": True})
                await asyncio.wait([gone], timeout=self.pause_s)
                if gone.done():
                    return
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@lru_cache(maxsize=2)
def gzip_bomb(megabytes: int) -> bytes:
    """Return a small gzip body that unpacks to this many megabytes of (valid) JSON blanks."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as archive:
        archive.write(b"{")
        for _ in range(megabytes):
            archive.write(b" " * 1_000_000)
        archive.write(b"}")
    return packed.getvalue()
