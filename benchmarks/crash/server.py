"""Serves the model over HTTP, in a process of its own, and lets it change between the requests.

Beside what a vendor has (a token host, queries, orders) there is `/control`, through which the harness looks at the
truth and pulls strings.
"""

import json
import multiprocessing
import os
import re
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psutil

from benchmarks.crash.model import KINDS, Model, Version, moment, second
from benchmarks.crash.vendor import TokenHost, record

CHANGE_SHARE = 0.25  # of the requests have something happen before them
FAULT_SHARE = 0.004  # of the requests are answered 503
LOST_REPLY_SHARE = 0.1  # of the orders are taken without an answer
_FROM = re.compile(r"FROM (\w+)")
_SINCE = re.compile(r"LastUpdatedTime (>=?) '([^']+)'")
_IDS = re.compile(r"Id IN \(([^)]*)\)")
_AFTER = re.compile(r"\(at, id\) > \((-?\d+), '(\w*)'\)")
_START = re.compile(r"STARTPOSITION (\d+)")
_SIZE = re.compile(r"MAXRESULTS (\d+)")


class Lost(Exception):
    """The answer does not arrive."""


@dataclass
class Vendor:
    """The system as a whole: records, tokens, orders, and whom to kill when."""

    model: Model
    tokens: TokenHost = field(default_factory=TokenHost)
    orders: list[dict[str, Any]] = field(default_factory=list)
    victim: tuple[int, int, float] | None = None  # process (with all below it), at which request, how long after
    killed: int = 0

    def answer(self, method: str, target: str, authorization: str, content: bytes) -> tuple[int, bytes]:
        """Status and JSON body; Lost where there is none."""
        parts = urlsplit(target)
        if parts.path == "/token":
            form = parse_qs(content.decode())
            return self.tokens.exchange(form.get("refresh_token", [""])[0])
        if parts.path == "/orders":
            return self._order(method, parse_qs(parts.query), content)
        self.model.asked += 1
        self._strike()
        if not self.tokens.admits(authorization):
            return 401, b'{"fault":{"error":[{"message":"AuthenticationFailed","code":"3200"}]}}'
        if self.model.random.random() < CHANGE_SHARE:
            self.model.change()
        if self.model.active and self.model.random.random() < FAULT_SHARE:
            return 503, b"out to lunch"
        told: dict[str, Any] = {"time": moment(self.model.clock)}
        if parts.path.endswith("/cdc"):
            asked = parse_qs(parts.query)
            kinds, since = asked["entities"][0].split(","), asked["changedSince"][0]
            told["CDCResponse"] = [{"QueryResponse": [self._capture(kind, since) for kind in kinds]}]
        else:
            statement = unquote(parts.query.partition("query=")[2].partition("&")[0])
            told["QueryResponse"] = self._query(statement)
        return 200, json.dumps(told).encode()

    def control(self, wish: dict[str, Any]) -> Any:
        """What the harness asks for."""
        if wish["do"] == "begin":
            self.__init__(Model(wish["seed"]))  # type: ignore[misc]
        elif wish["do"] == "change":
            self.model.change(wish["times"])
        elif wish["do"] == "quiet":
            self.model.quiet()
        elif wish["do"] == "accepts":
            return self.tokens.accepts(wish["token"])
        elif wish["do"] == "kill":
            self.victim, self.killed = (wish["pid"], self.model.asked + wish["at"], wish["after_s"]), 0
        return {
            "asked": self.model.asked,
            "journal": self.model.journal[wish.get("since", 0) :],
            "orders": self.orders,
            "killed": self.killed,
        }

    def _query(self, statement: str) -> dict[str, Any]:
        found = _FROM.search(statement)
        kind = found[1] if found and found[1] in KINDS else "Customer"
        rows = self.model.now[kind].values()
        size = int(match[1]) if (match := _SIZE.search(statement)) else 1000
        if kind == "Ledger":
            match = _AFTER.search(statement)
            after = (int(match[1]), match[2]) if match else (-1, "")
            listed = sorted((row for row in rows if (row.at, row.id) > after), key=_order_of)
            return {kind: [record(row) for row in listed[:size]]}
        live = [row for row in rows if not row.deleted]
        if "COUNT(*)" in statement:
            return {"totalCount": len(live)}
        since = second(match[2]) + (match[1] == ">") if (match := _SINCE.search(statement)) else 0
        ids = set(re.findall(r"\w+", match[1])) if (match := _IDS.search(statement)) else None
        start = int(match[1]) - 1 if (match := _START.search(statement)) else 0
        listed = sorted((row for row in live if row.at >= since and (ids is None or row.id in ids)), key=_order_of)
        return {kind: [record(row) for row in listed[start : start + size]]}

    def _capture(self, kind: str, since: str) -> dict[str, Any]:
        """What has changed since then, and what is gone; nothing of a kind that is not in this world."""
        if kind not in self.model.now:
            return {}
        found = [row for row in self.model.now[kind].values() if row.at >= second(since)]
        return {kind: [{"Id": row.id, "status": "Deleted"} if row.deleted else record(row) for row in found]}

    def _order(self, method: str, query: dict[str, list[str]], content: bytes) -> tuple[int, bytes]:
        if method == "GET":
            wanted = query["external_id"][0]
            return 200, json.dumps([order for order in self.orders if order["external_id"] == wanted]).encode()
        self.orders.append(json.loads(content))
        if self.model.active and self.model.random.random() < LOST_REPLY_SHARE:
            raise Lost
        return 201, content

    def _strike(self) -> None:
        if self.victim is None or self.model.asked < self.victim[1]:
            return
        pid, _, after_s = self.victim
        self.victim = None
        self.killed = self.model.asked

        def strike() -> None:
            time.sleep(after_s)
            with suppress(psutil.Error):
                root = psutil.Process(pid)
                for process in (root, *root.children(recursive=True)):
                    process.kill()

        threading.Thread(target=strike, daemon=True).start()


def _order_of(row: Version) -> tuple[int, str]:
    return row.at, row.id


def start() -> tuple[int, "multiprocessing.process.BaseProcess"]:
    """Start the vendor in a process of its own; its port and the process, which ends with this one."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, os.getpid()), daemon=True)
    process.start()
    return int(here.recv()), process


def _serve(pipe: Any, parent: int) -> None:
    vendor, lock = Vendor(Model(0)), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            self._do("GET")

        def do_POST(self) -> None:
            self._do("POST")

        def _do(self, method: str) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            try:
                with lock:
                    if len(content) < length:  # the sender was killed in the middle
                        raise Lost  # noqa: TRY301
                    if self.path == "/control":
                        status, body = 200, json.dumps(vendor.control(json.loads(content))).encode()
                    else:
                        authorization = self.headers.get("Authorization", "")
                        status, body = vendor.answer(method, self.path, authorization, content)
            except Lost:
                self.close_connection = True
                return
            self.send_response_only(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

        def handle(self) -> None:
            with suppress(ConnectionError):  # whoever was killed does not say goodbye
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    pipe.send(server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while os.getppid() == parent:
        time.sleep(0.5)
