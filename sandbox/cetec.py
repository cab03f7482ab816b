"""A simulator of a Cetec ERP instance's customer list, and of which databases its customers' backups should have.

It answers as the vendor's instances were seen to::

    with cetec.running() as vendor:
        vendor.refuse("login_page")
        ...
        assert vendor.journal.count("/api/customer") == 1
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.cetec_data import CUSTOMERS, Customer, databases, make, resident
from sandbox.faults import HTML, Answer, Fault, Faults, delay, spoil_transport
from sandbox.journal import Journal, as_json
from sandbox.server import serving

TOKEN = "sandbox;preshared|token[1]"  # noqa: S105 - the odd characters are those that real ones have
SENTINEL = "landfall_sentinel"  # a schema that a MySQL login must always see
JSON = {"Content-Type": "application/json;charset=UTF-8"}
MESSAGE = b'{"message":"token expired please generate a new token"}'
REFUSALS: dict[str, Answer] = {
    "unauthorized": (401, JSON, MESSAGE),
    "forbidden": (403, JSON, b'{"message":"IP is not Authorized"}'),
    "login_page": (200, {"Content-Type": "text/html;charset=UTF-8"}, HTML),
    "login_redirect": (302, {"Location": "/auth/login?from=%2Fapi%2Fcustomer"}, b""),
    "error_object": (200, JSON, b'{"success":0,"message":"Invalid preshared token"}'),
}


@dataclass
class Cetec:
    """A running simulator: address and token to connect with, and the parts that tests turn and read.

    ``customers`` may be changed at any time. ``refusal`` is how a wrong token is answered (a key of `REFUSALS`).
    ``filters`` and ``columns``: whether the instance's version honours these parameters. ``wrapped``: the list comes
    in an object. ``cut_at``: the list ends there. ``token`` is the one that is accepted.
    """

    customers: list[Customer]
    base_url: str = ""
    token: str = TOKEN
    refusal: str = "unauthorized"
    filters: bool = True
    columns: bool = True
    wrapped: bool = False
    cut_at: int | None = None
    faults: Faults = field(default_factory=lambda: Faults({name: _always(name) for name in REFUSALS}))
    journal: Journal = field(default_factory=Journal)

    def fault(self, kind: str, **options: Any) -> Fault:
        """Set a fault on the customer list: one of `sandbox.faults`, or a way of refusing (`REFUSALS`)."""
        return self.faults.add(kind, **{"path": "/api/", **options})

    def refuse(self, how: str) -> None:
        """Refuse every token from now on, in one of the ways that the vendor has."""
        self.refusal, self.token = how, "a token that nobody has"

    def customer(self, id_: int) -> Customer:
        """Return a customer, to change it."""
        return next(each for each in self.customers if each["id"] == id_)

    @property
    def databases(self) -> dict[str, bool]:
        """The schemas that MySQL should have for these customers; True: with a table usage_stats."""
        return databases(self.customers)

    @property
    def resident(self) -> dict[str, str]:
        """The schema of each resident customer's domain that has one."""
        return resident(self.customers)

    def connection(self) -> dict[str, str]:
        """Return all that a client needs to connect."""
        return {"base_url": self.base_url, "preshared_token": self.token}


@contextmanager
def running(*, customers: int = CUSTOMERS, port: int = 0) -> Iterator[Cetec]:
    """Serve an instance with so many customers on loopback (0: a free port) until the block ends."""
    vendor = Cetec(make(customers))
    with serving(_app(vendor), port) as base_url:
        vendor.base_url = base_url
        yield vendor


def _always(name: str) -> Any:
    return lambda _fault: REFUSALS[name]


def _app(vendor: Cetec) -> Starlette:
    async def customer(request: Request) -> Response:
        met = vendor.faults.met_by(request.url.path, "customer", True)
        await delay(met)
        response = next(filter(None, map(vendor.faults.instead, met)), None) or _answer(vendor, request)
        asked = {name: value for name, value in request.query_params.items() if name != "preshared_token"}
        vendor.journal.add(
            at=time.time(),
            method=request.method,
            path=request.url.path,
            statement=json.dumps(asked),
            status=response.status_code,
            fault=met[0].kind if met else None,
        )
        return spoil_transport(response, met)

    async def journal(request: Request) -> Response:
        return Response(json.dumps(as_json(vendor.journal.entries())), media_type="application/json")

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[Route("/api/customer", customer, methods=methods), Route("/_sandbox/journal", journal)])


def _answer(vendor: Cetec, request: Request) -> Response:
    if request.method != "GET":
        return Response(b'{"message":"method not allowed"}', 405, JSON)
    asked = request.query_params
    if asked.get("preshared_token") != vendor.token:
        status, headers, body = REFUSALS[vendor.refusal]
        return Response(body, status, headers)
    rows = vendor.customers
    if vendor.filters:
        for name in ("id", "name", "external_key"):
            if wanted := asked.get(name):
                rows = [row for row in rows if str(row.get(name)) == wanted]
    rows = rows[: vendor.cut_at]
    if vendor.columns and (names := [name for name in asked.get("columns", "").split(",") if name]):
        rows = [{name: row[name] for name in names if name in row} for row in rows]
    return Response(json.dumps({"customers": rows} if vendor.wrapped else rows), 200, JSON)
