"""A stand-in for a MySQL server: it speaks as much of the protocol as Landfall's look at databases needs, no more.

It is no database. It lets everybody in, in the clear, and answers questions about the schemas that it was given. The
demo uses it where there is no real server and says so; tests of what MySQL does run on a real MariaDB.
"""

import re
import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

VERSION = b"8.0.0-landfall-stand-in"
PROTOCOL_41, PLAIN_CONNECT, SECURE, PLUGIN_AUTH = 0x200, 0x1, 0x8000, 0x80000
QUIT, QUERY = 0x01, 0x03
OK = b"\x00\x00\x00\x02\x00\x00\x00"
EOF = b"\xfe\x00\x00\x02\x00"
_VAR_STRING, _UTF8MB4 = 0xFD, 45
_LITERAL = re.compile(r"'((?:[^'\\]|\\.|'')*)'")


@dataclass(frozen=True, slots=True)
class StandIn:
    """A running stand-in. ``schemas`` may be changed while it runs; True means: with a table usage_stats."""

    port: int
    schemas: dict[str, bool]
    sessions: list[int]

    def connection(self) -> dict[str, object]:
        """Return all that a client needs to connect."""
        return {"host": "127.0.0.1", "port": self.port, "user": "sandbox", "tls": False}


@contextmanager
def running(schemas: Mapping[str, bool], port: int = 0) -> Iterator[StandIn]:
    """Serve these schemas on loopback (0: a free port) until the block ends."""
    held = dict(schemas)
    sessions: list[int] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            sessions.append(len(sessions) + 1)
            _Session(self.request, held).serve()

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), name="mysql stand-in", daemon=True).start()
        try:
            yield StandIn(server.server_address[1], held, sessions)
        finally:
            server.shutdown()


class _Session:
    def __init__(self, wire: object, schemas: Mapping[str, bool]) -> None:
        self.wire, self.schemas, self.number = wire, schemas, 0

    def serve(self) -> None:
        self._send(_greeting())
        self._receive()  # who it is and with which password: everybody may come in
        self._send(OK)
        while (packet := self._receive()) and packet[0] != QUIT:
            columns, rows = self._answer(packet[1:].decode("utf-8", "replace")) if packet[0] == QUERY else ((), ())
            if not columns:
                self._send(OK)
                continue
            self._send(bytes([len(columns)]))
            for column in columns:
                self._send(_column(column))
            self._send(EOF)
            for row in rows:
                self._send(b"".join(map(_text, row)))
            self._send(EOF)

    def _answer(self, statement: str) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        if "information_schema.SCHEMATA" in statement:
            return ("lower_case_table_names", "SCHEMA_NAME"), [("0", name) for name in self.schemas]
        if "information_schema.TABLES" in statement:
            asked = {re.sub(r"\\(.)", r"\1", text).replace("''", "'") for text in _LITERAL.findall(statement)}
            held = [(name, "usage_stats") for name, with_table in self.schemas.items() if with_table and name in asked]
            return ("TABLE_SCHEMA", "TABLE_NAME"), held
        return (), ()

    def _send(self, payload: bytes) -> None:
        self.wire.sendall(len(payload).to_bytes(3, "little") + bytes([self.number % 256]) + payload)  # type: ignore[attr-defined]
        self.number += 1

    def _receive(self) -> bytes:
        head = self._exactly(4)
        if not head:
            return b""
        self.number = head[3] + 1
        return self._exactly(int.from_bytes(head[:3], "little"))

    def _exactly(self, length: int) -> bytes:
        got = b""
        while len(got) < length:
            part = self.wire.recv(length - len(got))  # type: ignore[attr-defined]
            if not part:
                return b""
            got += part
        return got


def _greeting() -> bytes:
    able = PROTOCOL_41 | PLAIN_CONNECT | SECURE | PLUGIN_AUTH
    low, high = able & 0xFFFF, able >> 16
    head = b"\x0a" + VERSION + b"\0" + struct.pack("<I", 1) + b"12345678\0"
    return (
        head + struct.pack("<HBHHB", low, _UTF8MB4, 2, high, 21) + bytes(10) + b"123456789012\0mysql_native_password\0"
    )


def _column(name: str) -> bytes:
    tail = struct.pack("<BHIBHBH", 12, _UTF8MB4, 1024, _VAR_STRING, 0, 0, 0)
    return b"".join(map(_text, ("def", "", "", "", name, name))) + tail


def _text(value: str) -> bytes:
    data = value.encode()
    return (bytes([len(data)]) if len(data) < 251 else b"\xfc" + struct.pack("<H", len(data))) + data
