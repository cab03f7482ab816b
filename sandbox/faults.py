"""Fault switches: what goes wrong, for which requests, from which one on and how often.

Set from Python (``faults.add("reset", entity="Invoice", page=3)``) or over HTTP with the same names. A simulator
adds kinds of its own as presets: functions from a `Fault` to the status, headers and body it is answered with.
"""

import asyncio
import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from starlette.responses import Response

from sandbox.server import Cut, Drip, gzip_bomb

Answer = tuple[int, Mapping[str, str], bytes]
HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>"
TRANSPORT = ("answer", "html", "unavailable", "latency", "truncate", "reset", "drip", "gzip_bomb")
PAGES = ("repeat_page", "empty_after_rows", "page_rows")


@dataclass
class Fault:
    """One fault.

    Which requests: those whose path contains ``path``; with ``entity`` only queries of it; with ``page`` only the
    k-th request for rows of an entity since the fault was set (a repeated request counts anew). The first
    ``after`` of them pass; then it happens ``times`` times (None: for ever).

    What: ``answer`` (``status``, ``headers``, ``body`` as they are), ``html`` (a sign-in page with status 200),
    ``unavailable`` (503), ``latency`` (``seconds`` before the answer), ``truncate`` and ``reset`` (after
    ``fraction`` of the body; a reset at 0 carries the request out and answers nothing), ``drip`` (``bytes_per_s``),
    ``gzip_bomb`` (``megabytes`` unpacked), ``repeat_page`` (page ``page`` and every later one is that same page),
    ``empty_after_rows`` (nothing more once ``rows`` were given), ``page_rows`` (``rows`` rows in a page, whatever
    was asked). ``retry_after``: the header's value the first time, the second time, … (the last one stays).
    """

    kind: str
    path: str = "/v3/"
    entity: str | None = None
    page: int | None = None
    after: int = 0
    times: int | None = 1
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    retry_after: Sequence[str] = ()
    seconds: float = 0.0
    fraction: float = 0.5
    bytes_per_s: float = 1.0
    megabytes: int = 200
    rows: int = 0
    seen: int = 0
    fired: int = 0
    pages: dict[str, int] = field(default_factory=dict)
    memo: dict[str, bytes] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)

    def meets(self, path: str, entity: str | None, wants_rows: bool) -> bool:
        """Say whether this request is one of the fault's, and count it."""
        if self.path not in path or (self.entity and self.entity.lower() != (entity or "").lower()):
            return False
        if self.kind in PAGES or self.page is not None:
            if not wants_rows or entity is None:
                return False
            self.pages[entity] = self.pages.get(entity, 0) + 1
            if self.page is not None and not self._page_matches(self.pages[entity]):
                return False
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.fired < self.times)

    def _page_matches(self, page: int) -> bool:
        return page >= (self.page or 0) if self.kind == "repeat_page" else page == self.page


OPTIONS = {f.name for f in fields(Fault)} - {"kind", "seen", "fired", "pages", "memo", "given"}


class Faults:
    """The faults that are set, in the order they were set; safe to change from any thread."""

    def __init__(self, presets: Mapping[str, Callable[[Fault], Answer]] | None = None) -> None:
        self.presets = dict(presets or {})
        self._lock = threading.Lock()
        self._set: list[Fault] = []

    def add(self, kind: str, **options: Any) -> Fault:
        """Set a fault (see `Fault`) and return it; ``body`` may be text, or base64 under ``body_base64``."""
        kinds = (*TRANSPORT, *PAGES, *self.presets)
        if kind not in kinds:
            raise ValueError(f"No fault is called {kind!r}; there are: {', '.join(kinds)}.")
        if "body_base64" in options:
            options["body"] = base64.b64decode(options.pop("body_base64"))
        if isinstance(options.get("body"), str):
            options["body"] = options["body"].encode()
        if unknown := sorted(set(options) - OPTIONS):
            raise ValueError(f"A fault has no {', '.join(unknown)}; it has: {', '.join(sorted(OPTIONS))}.")
        if kind in PAGES:
            options.setdefault("times", None)
        fault = Fault(kind, **options)
        with self._lock:
            self._set.append(fault)
        return fault

    def clear(self) -> None:
        """Make everything work again."""
        with self._lock:
            self._set.clear()

    def active(self) -> list[Fault]:
        """Return the faults that are set, worn-out ones included."""
        with self._lock:
            return list(self._set)

    def met_by(self, path: str, entity: str | None, wants_rows: bool) -> list[Fault]:
        """Return the faults that this request runs into, and count them as happened."""
        with self._lock:
            met = [fault for fault in self._set if fault.meets(path, entity, wants_rows)]
            for fault in met:
                fault.fired += 1
            return met

    def instead(self, fault: Fault) -> Response | None:
        """Return the answer that a fault gives in place of the real one, if it is of that kind."""
        if fault.kind == "answer":
            return _response(fault, fault.status, fault.headers, fault.body)
        if fault.kind == "html":
            return _response(fault, 200, {"Content-Type": "text/html;charset=utf-8"}, HTML)
        if fault.kind == "unavailable":
            return _response(fault, 503, {"Content-Type": "text/html"}, b"<h1>503 Service Unavailable</h1>")
        if fault.kind == "gzip_bomb":
            head = {"Content-Type": "application/json;charset=utf-8", "Content-Encoding": "gzip"}
            return _response(fault, 200, head, gzip_bomb(fault.megabytes))
        if fault.kind in self.presets:
            return _response(fault, *self.presets[fault.kind](fault))
        return None


def _response(fault: Fault, status: int, headers: Mapping[str, str], body: bytes) -> Response:
    head = {"Content-Type": "application/json", **headers, **fault.headers}
    if fault.retry_after:
        head["Retry-After"] = fault.retry_after[min(fault.fired, len(fault.retry_after)) - 1]
    return Response(body, status_code=status, headers=head)


async def delay(met: Sequence[Fault]) -> None:
    """Wait as long as the latency faults among these say."""
    await asyncio.sleep(sum(fault.seconds for fault in met if fault.kind == "latency"))


def spoil_transport(response: Response, met: Sequence[Fault]) -> Response:
    """Wrap an answer in the fault, if any, that breaks its way to the client."""
    for fault in met:
        if fault.kind in ("truncate", "reset"):
            return Cut(response, fault.fraction, reset=fault.kind == "reset")
        if fault.kind == "drip":
            return Drip(response, fault.bytes_per_s)
    return response
