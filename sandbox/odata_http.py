"""Serves simulated OData services over HTTP: sign-in, faults and journal around what `sandbox.odata` answers."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Answer, Fault, Faults, delay, spoil_transport
from sandbox.journal import Journal, as_json
from sandbox.odata import Refusal, Service, Switches

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "MERGE", "DELETE"]
JSON = {"Content-Type": "application/json;charset=utf-8"}
PLAIN = {"Content-Type": "text/plain;charset=utf-8"}
HTML_404 = b"<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"

ErrorBody = Callable[[str, str], bytes]


@dataclass
class Door:
    """Who may enter: a user with a password, a key in a header, or a token for a client id and secret.

    ``lifetime_s`` is what tokens are said to live; `expire_tokens` ends them at once.
    """

    user: str
    password: str
    api_key: str = ""
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret-1"  # noqa: S105  a made-up one, for loopback
    lifetime_s: int = 3600
    issued: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers may enter."""
        if self.api_key and headers.get("apikey") == self.api_key:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            return _credentials(given) == (self.user, self.password)
        with self.lock:
            return scheme == "Bearer" and given in self.issued

    def token(self, headers: Mapping[str, str], form: Mapping[str, str]) -> Answer:
        """Answer a request for a token."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme != "Basic" or _credentials(given) != (self.client_id, self.client_secret):
            return 401, JSON, b'{"error":"invalid_client"}'
        if form.get("grant_type") != "client_credentials":
            return 400, JSON, b'{"error":"unsupported_grant_type"}'
        token = f"sandbox-access-{secrets.token_hex(8)}"
        with self.lock:
            self.issued.add(token)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime_s}
        return 200, JSON, json.dumps(answer).encode()

    def expire_tokens(self) -> None:
        """End all tokens now."""
        with self.lock:
            self.issued.clear()


def _credentials(given: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(given).decode("utf-8").partition(":")
    except ValueError:
        return "", ""
    return user, password


@dataclass
class Host:
    """A running host of services, and the parts that tests turn and read."""

    services: Sequence[Service]
    door: Door
    switches: Switches
    error_of: Callable[[Service], ErrorBody]
    unauthorized: Answer
    faults: Faults
    journal: Journal = field(default_factory=Journal)
    base_url: str = ""

    def fault(self, kind: str, **options: Any) -> Fault:
        """Set a fault (see `sandbox.faults`), on pages of a set (``entity``, ``page``) or on a path."""
        return self.faults.add(kind, **{"path": "/", **options})

    def on_page(self, hook: Callable[[str, int], None] | None) -> None:
        """Call this before each page of rows is made, with the set and the number of its pages so far; None: nothing."""
        for service in self.services:
            service.hook = hook
            service.pages.clear()

    def calm(self) -> None:
        """Take back all faults, hooks and switches, and forget the journal."""
        self.faults.clear()
        self.on_page(None)
        self.journal.clear()
        for name, given in vars(Switches()).items():
            setattr(self.switches, name, given)


def app(host: Host) -> Starlette:
    """The web application of a host."""

    async def ask(request: Request) -> Response:
        path, options = _asked(request)
        service, below = _service(host, path)
        entity = below.split("/$count")[0] if below and below != "$metadata" else None
        wants_rows = entity is not None and not below.endswith("/$count")
        met = host.faults.met_by(path, entity, wants_rows)
        await delay(met)
        response = next(filter(None, map(host.faults.instead, met)), None)
        response = response or _answer(host, request, service, below, options)
        response = _repeated(met, response, entity)
        host.journal.add(
            at=time.time(),
            method=request.method,
            path=path,
            statement=json.dumps(options, ensure_ascii=False),
            status=response.status_code,
            fault=met[0].kind if met else None,
        )
        return spoil_transport(response, met)

    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        status, headers, body = host.door.token(request.headers, form)
        host.journal.add(
            at=time.time(), method="POST", path="/oauth/token", statement=form.get("grant_type", ""), status=status
        )
        return Response(body, status, dict(headers))

    async def journal(_request: Request) -> Response:
        return Response(json.dumps(as_json(host.journal.entries())), media_type="application/json")

    return Starlette(
        routes=[
            Route("/oauth/token", token, methods=["POST"]),
            Route("/_sandbox/journal", journal),
            Route("/{rest:path}", ask, methods=METHODS),
        ]
    )


def _asked(request: Request) -> tuple[str, dict[str, str]]:
    query = request.scope["query_string"].decode()
    return unquote(request.url.path), dict(parse_qsl(query, keep_blank_values=True))


def _service(host: Host, path: str) -> tuple[Service | None, str]:
    for service in host.services:
        if path.startswith(service.root + "/"):
            return service, path[len(service.root) + 1 :]
    return None, ""


def _answer(host: Host, request: Request, service: Service | None, below: str, options: dict[str, str]) -> Response:
    if not host.door.admits(request.headers):
        status, headers, body = host.unauthorized
        return Response(body, status, dict(headers))
    if service is None:
        return Response(HTML_404, 404, {"Content-Type": "text/html;charset=utf-8"})
    if request.method not in ("GET", "HEAD"):
        return Response(b"CSRF token validation failed", 403, {**PLAIN, "x-csrf-token": "Required"})
    if host.switches.sap_client not in ("", options.get("sap-client")):
        return Response(host.error_of(service)("CLIENT", "Client does not exist or is locked"), 401, JSON)
    try:
        media, text = service.answer(below, options, request.headers.get("accept", ""), host.base_url)
    except Refusal as refusal:
        return Response(host.error_of(service)(refusal.code, refusal.words), refusal.status, JSON)
    # What a record was spoiled with may hold half a pair of surrogates.
    return Response(text.encode("utf-8", "surrogatepass"), 200, {"Content-Type": media})


def _repeated(met: Sequence[Fault], response: Response, entity: str | None) -> Response:
    """The page that a ``repeat_page`` fault gives again and again, else the answer as it is."""
    for fault in met:
        if fault.kind == "repeat_page" and entity is not None:
            return Response(fault.memo.setdefault(entity, bytes(response.body)), response.status_code, JSON)
    return response
