"""A simulator of Odoo's XML-RPC interface, as far as one model is read and written.

It answers as Odoo does: False where a text is empty, a fault with a traceback where something is wrong::

    with odoo.running(products) as erp:
        erp.records[7]["barcode"]
"""

import time
import xmlrpc.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Faults, delay, spoil_transport
from sandbox.journal import Journal
from sandbox.server import serving

DATABASE, USER, PASSWORD, UID = "sandbox", "sync@erp.example", "canary-odoo-key", 7
MODEL = "product.product"
TYPES = {"id": "integer", "name": "char", "default_code": "char", "barcode": "char", "description": "text",
         "active": "boolean", "categ_id": "many2one"}  # fmt: skip


@dataclass
class Odoo:
    """A running simulator; ``records`` are the products by id, and may be changed at any time."""

    records: dict[int, dict[str, Any]]
    base_url: str = ""
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)

    def connection(self) -> dict[str, Any]:
        """All that a record source needs to connect."""
        return {
            "kind": "odoo", "address": self.base_url, "database": DATABASE, "user": USER, "password": PASSWORD,
            "query": '[["categ_id", "=", 4]]', "write_back": "yes",
        }  # fmt: skip

    def call(self, method: str, arguments: Sequence[Any]) -> Any:
        """What a call comes to; raises `xmlrpc.client.Fault`."""
        if method == "authenticate":
            database, user, password, _ = arguments
            return UID if (database, user, password) == (DATABASE, USER, PASSWORD) else False
        database, uid, password, model, name, positional, *rest = arguments
        if (database, uid, password) != (DATABASE, UID, PASSWORD):
            raise _fault(3, "odoo.exceptions.AccessDenied: Access Denied")
        if model != MODEL:
            raise _fault(1, f"KeyError: '{model}'")
        options = rest[0] if rest else {}
        if name == "fields_get":
            return {field: {"type": TYPES[field]} for field in positional[0] if field in TYPES}
        if name == "search_read":
            return self._search(positional[0], options)
        if name == "write":
            return self._write(positional[0], positional[1])
        raise _fault(1, f"AttributeError: {name}")

    def _search(self, domain: Sequence[Any], options: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = [each for _, each in sorted(self.records.items()) if all(_meets(each, *part) for part in domain)]
        if options.get("context", {}).get("active_test", True):
            found = [each for each in found if each.get("active", True)]
        return [
            {name: _plain(each.get(name), name) for name in options["fields"]} for each in found[: options["limit"]]
        ]

    def _write(self, ids: Sequence[int], values: Mapping[str, Any]) -> bool:
        if unknown := sorted(set(values) - set(TYPES)):
            raise _fault(1, f"ValueError: Invalid field {unknown[0]!r} on model {MODEL!r}")
        if missing := [each for each in ids if each not in self.records]:
            raise _fault(2, f"odoo.exceptions.MissingError: Record does not exist or has been deleted. {missing}")
        for each in ids:
            self.records[each] |= values
        return True


@contextmanager
def running(records: Sequence[Mapping[str, Any]], port: int = 0) -> Iterator[Odoo]:
    """Serve these products on loopback (0: a free port) until the block ends."""
    erp = Odoo({int(each["id"]): dict(each) for each in records})
    with serving(_app(erp), port) as base_url:
        erp.base_url = base_url
        yield erp


def products(points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Inspection points as products, in the way that the vendor's sample has them."""
    return [
        {
            "id": int(each["id"]), "name": f"{each['customer']} - {each['area']}", "default_code": each["reference"],
            "barcode": each.get("device_id"), "description": None, "active": True, "categ_id": 4,
        }
        for each in points
    ]  # fmt: skip


def _app(erp: Odoo) -> Starlette:
    async def answer(request: Request) -> Response:
        met = erp.faults.met_by(request.url.path, None, False)
        await delay(met)
        arguments, method = xmlrpc.client.loads((await request.body()).decode())
        name = str(arguments[4]) if method == "execute_kw" else str(method)
        response = next(filter(None, map(erp.faults.instead, met)), None)
        if response is None:
            try:
                body = xmlrpc.client.dumps((erp.call(str(method) if name == method else "execute_kw", arguments),),
                                           methodresponse=True, allow_none=True)  # fmt: skip
            except xmlrpc.client.Fault as fault:
                body = xmlrpc.client.dumps(fault)
            response = Response(body, media_type="text/xml")
        erp.journal.add(
            at=time.time(), method="POST", path=request.url.path, statement=name, status=response.status_code,
            fault=met[0].kind if met else None,
        )  # fmt: skip
        return spoil_transport(response, met)

    return Starlette(routes=[Route("/xmlrpc/2/{service}", answer, methods=["POST"])])


def _meets(record: Mapping[str, Any], name: str, operator: str, value: Any) -> bool:
    have = record.get(name)
    if operator == ">":
        return have is not None and bool(have > value)
    if operator == "!=":
        return bool(have != value)
    return bool(have == value)


def _plain(value: Any, name: str) -> Any:
    return value if value is not None or TYPES.get(name) == "boolean" else False


def _fault(code: int, said: str) -> xmlrpc.client.Fault:
    return xmlrpc.client.Fault(code, f'Traceback (most recent call last):\n  File "/odoo/http.py", line 1\n{said}\n')
