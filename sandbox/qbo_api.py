"""The simulated data API: query, read, CDC and company info, with tokens, limits and faults in front of them."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox import qbo_errors, qbo_schema
from sandbox.clock import Clock, pacific, parse_time
from sandbox.faults import Fault, Faults, delay, spoil_transport
from sandbox.journal import Journal
from sandbox.qbo_edit import Company
from sandbox.qbo_errors import Refusal
from sandbox.qbo_oauth import OAuth
from sandbox.qbo_query import Query, parse
from sandbox.qbo_store import Row
from sandbox.qbo_writes import write
from sandbox.throttle import Throttle

JSON, JSON_UTF8 = "application/json", "application/json;charset=utf-8"
CDC_MOST_ROWS, CDC_DAYS = 1000, 30
_SELECT = re.compile(r"\s*select\s+(count\b)?.*?\bfrom\s+(\w+)", re.IGNORECASE | re.DOTALL)
_COMPANY = re.compile(r"/v3/company/([^/]+)(/.*)")

PageHook = Callable[[str, int], None]


@dataclass
class Api:
    """Everything under /v3, for one company.

    ``cdc_too_old`` says what happens to a changedSince over 30 days back: ``clamp`` (told are 30 days, silently),
    ``error``, or ``serve`` (everything, as one recorded answer shows).
    """

    realm_id: str
    company: Company
    oauth: OAuth
    faults: Faults
    journal: Journal
    throttle: Throttle
    clock: Clock
    cdc_too_old: str = "clamp"
    not_offered: frozenset[str] = frozenset()  # entities that the company's plan does not have
    _hook: PageHook | None = None
    _pages: dict[str, int] = field(default_factory=dict)
    _done: dict[str, bytes] = field(default_factory=dict)

    def on_page(self, hook: PageHook | None) -> None:
        """Call ``hook(entity, k)`` after the k-th page of rows from now on is made and before it is sent.

        It runs in the server's thread: change the company in it, but send the server no request.
        """
        self._hook, self._pages = hook, {}

    async def __call__(self, request: Request) -> Response:
        """Answer one request, note it in the journal, and let the faults that are set happen to it."""
        at, body = self.clock.now(), await request.body()
        statement = _statement(request, body)
        found = _SELECT.match(statement)
        entity = found[2] if found else None
        if not self.throttle.enter():
            response = Response(qbo_errors.throttled(at), 429, media_type="text/xml;charset=UTF-8")
            self.note(request, at, statement, response, [])
            return response
        try:
            met = self.faults.met_by(request.url.path, entity, bool(found and not found[1]))
            await delay(met)
            response = next(filter(None, map(self.faults.instead, met)), None) or self._answer(request, body, met)
            self.note(request, at, statement, response, met)
        except BaseException:
            self.throttle.leave()
            raise
        return _Leaving(spoil_transport(response, met), self.throttle)

    def note(self, request: Request, at: float, statement: str, response: Response, met: Sequence[Fault]) -> None:
        """Give an answer the vendor's transaction id and write the request into the journal."""
        response.headers["intuit_tid"] = f"1-{secrets.token_hex(4)}-{secrets.token_hex(12)}"
        self.journal.add(
            at=at,
            method=request.method,
            path=request.url.path,
            statement=statement,
            status=response.status_code,
            fault=met[0].kind if met else None,
        )

    def _answer(self, request: Request, body: bytes, met: Sequence[Fault]) -> Response:
        now = self.clock.now()
        if (refused := self.oauth.refusal(request.headers.get("authorization", ""))) is not None:
            head = {"WWW-Authenticate": 'Bearer realm="Intuit", error="invalid_token"'}
            return Response(qbo_errors.unauthorized(refused, now), 401, head, JSON)
        path = _COMPANY.fullmatch(request.url.path)
        if path and path[1] != self.realm_id:
            detail = f"The app has no consent for company {path[1]}"
            name = "ApplicationAuthorizationFailed"
            text = qbo_errors.gateway_fault("3100", name, detail, kind="AUTHORIZATION", status=403, now=now)
            return Response(text, 403, media_type=JSON)
        try:
            if path is None:
                raise qbo_errors.unsupported(request.url.path)
            text = self._route(request, path[2], body, met)
        except Refusal as refusal:
            return Response(refusal.body(now), refusal.status, media_type=JSON)
        return Response(text, 200, {"QBO-Version": "1990.101"}, JSON_UTF8)

    def _route(self, request: Request, path: str, body: bytes, met: Sequence[Fault]) -> bytes:
        kind, _, rest = path.strip("/").partition("/")
        entity = qbo_schema.ENTITIES.get(kind.lower())
        if kind == "query" and not rest:
            return self._query(parse(_statement(request, body)), met)
        if kind == "cdc" and not rest and request.method == "GET":
            return self._changes(request.query_params)
        if entity and rest and request.method == "GET":
            return self._read(entity, rest, request.url.path)
        if entity and not rest and request.method == "POST":
            key = request.query_params.get("requestid", "")
            if key not in self._done:
                text = self._timed(write(self.company, entity, request.query_params.get("operation"), body))
                if not key:
                    return text
                self._done[key] = text
            return self._done[key]
        raise qbo_errors.unsupported(request.url.path)

    def _timed(self, text: bytes) -> bytes:
        return b'{%b,"time":"%b"}' % (text, pacific(self.clock.now(), millis=True).encode())

    def _read(self, entity: str, id_: str, path: str) -> bytes:
        if "/" in id_:
            raise qbo_errors.unsupported(path)
        if entity == "CompanyInfo":
            id_ = next(iter(self.company.ids(entity)), id_)
        elif not id_.isdecimal():
            raise qbo_errors.bad_id(id_)
        row = self.company.row(entity, id_)
        if row is None:
            raise qbo_errors.not_found()
        return self._timed(b'"%b":%b' % (entity.encode(), row.served))

    def _query(self, query: Query, met: Sequence[Fault]) -> bytes:
        if query.entity in self.not_offered:
            raise qbo_errors.not_entitled()
        if query.count:
            return self._timed(b'"QueryResponse":{"totalCount":%d}' % self.company.count(query))
        for fault in met:
            if fault.kind == "page_rows":
                query = replace(query, rows=fault.rows)
        rows = self.company.select(query)
        for fault in met:
            if fault.kind == "empty_after_rows":
                given = fault.given.get(query.entity, 0)
                rows = rows[: max(0, fault.rows - given)]
                fault.given[query.entity] = given + len(rows)
        text = self._timed(b'"QueryResponse":%b' % _envelope(query.entity, query.start, rows))
        for fault in met:
            if fault.kind == "repeat_page":
                text = fault.memo.setdefault(query.entity, text)
        if self._hook is not None:
            self._pages[query.entity] = self._pages.get(query.entity, 0) + 1
            self._hook(query.entity, self._pages[query.entity])
        return text

    def _changes(self, params: Mapping[str, str]) -> bytes:
        names = [name for name in params.get("entities", "").split(",") if name.strip()]
        entities = [qbo_schema.ENTITIES.get(name.strip().lower()) for name in names]
        if not entities:
            raise qbo_errors.required("entities")
        try:
            since = parse_time(params.get("changedSince", ""))
        except ValueError:
            raise qbo_errors.required("changedSince") from None
        oldest = int(self.clock.now()) - CDC_DAYS * 86_400
        if since < oldest and self.cdc_too_old == "error":
            raise Refusal("2040", "Invalid changedSince", f"changedSince is more than {CDC_DAYS} days ago")
        if self.cdc_too_old != "serve":
            since = max(since, oldest)
        groups, left = [], CDC_MOST_ROWS
        for name, entity in zip(names, entities, strict=True):
            if entity in self.not_offered:
                raise qbo_errors.not_entitled()
            if entity is None or entity in qbo_schema.WITHOUT_CDC:
                raise qbo_errors.invalid_query(f"invalid context declaration: {name}")
            texts = self._changed(entity, since)[:left]
            left -= len(texts)
            groups.append(_group(entity, 1, texts, counted=entity in qbo_schema.WITH_TOTAL_COUNT))
        return self._timed(b'"CDCResponse":[{"QueryResponse":[%b]}]' % b",".join(groups))

    def _changed(self, entity: str, since: int) -> list[bytes]:
        with self.company.lock:
            table = self.company.table(entity)
            texts = [row.served for row in table.by_change() if row.updated >= since]
            gone = sorted((at, id_) for id_, at in table.deleted.items() if at >= since)
        stub = '{"domain":"QBO","status":"Deleted","Id":"%s","MetaData":{"LastUpdatedTime":"%s"}}'
        return texts + [(stub % (id_, pacific(at))).encode() for at, id_ in gone]


class _Leaving(Response):
    """Sends another answer and then frees its place among those in flight."""

    def __init__(self, inner: Response, throttle: Throttle) -> None:
        self.inner, self.throttle = inner, throttle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.inner(scope, receive, send)
        finally:
            self.throttle.leave()


def _statement(request: Request, body: bytes) -> str:
    if not request.url.path.endswith("/query"):
        return ""
    if request.method == "POST":
        return body.decode("utf-8", "replace")
    # Read strictly as a form: an unescaped + becomes a blank, as at the vendor.
    return parse_qs(request.url.query).get("query", [""])[0]


def _envelope(entity: str, start: int, rows: Sequence[Row]) -> bytes:
    return _group(entity, start, [row.served for row in rows], counted=entity in qbo_schema.WITH_TOTAL_COUNT)


def _group(entity: str, start: int, texts: Sequence[bytes], *, counted: bool) -> bytes:
    if not texts:
        return b"{}"
    # totalCount repeats the rows of this page: whoever takes it for the whole loses rows, as the facts warn.
    total = b',"totalCount":%d' % len(texts) if counted else b""
    head = b'"%b":[%b],"startPosition":%d,"maxResults":%d' % (entity.encode(), b",".join(texts), start, len(texts))
    return b"{%b%b}" % (head, total)
