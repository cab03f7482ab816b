"""Rows from Odoo, over its XML-RPC interface: one model, some of its fields, those records that a domain picks.

Odoo answers False where a text is empty; only fields that it calls boolean mean it.
"""

import xmlrpc.client
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.parsers.expat import ExpatError

from connectors.errors import AuthRejected, ConnectorError, IncompleteBody, SourceError
from connectors.http import ATTEMPTS, Body, accept, fetch, make_client
from connectors.microshare.points import Mapped, Row, Update, Written, column_of
from connectors.redact import REDACTOR

CHUNK = 500
FIELDS = ("id", "name", "default_code", "barcode", "description", "active")
# What the fields of a product mean, as the vendor's sample uses them: `name` is "<customer-site> - <area>".
MAPPING: Mapped = {
    "id": "id",
    "reference": "default_code",
    "device_id": "barcode",
    "customer": {"column": "name", "pattern": r"^(.*?)(?: - .*)?$"},
    "area": {"column": "name", "pattern": r" - (.*)$"},
    "active": "active",
}


@dataclass
class OdooSource:
    """``address`` is that of the server, ``password`` a password or an API key of the user.

    ``domain`` picks records in Odoo's own way; archived ones come too, with ``active`` false. ``writable`` says whether
    device ids (and states, where a field is mapped to them) may be written to the records.
    """

    address: str
    database: str
    user: str
    password: str = field(repr=False)
    model: str = "product.product"
    domain: Sequence[Any] = field(default_factory=list)
    fields: Sequence[str] = FIELDS
    mapping: Mapped = field(default_factory=lambda: MAPPING)
    timeout_s: float = 60.0
    retry_attempts: int = ATTEMPTS
    allow_http: bool = False
    writable: bool = False

    def __post_init__(self) -> None:
        REDACTOR.add(self.password)
        self._uid: int | None = None
        self._http = make_client(
            self.address.rstrip("/"), headers={"Content-Type": "text/xml"}, methods=("POST",), timeout_s=self.timeout_s,
            allow_http=self.allow_http,
        )  # fmt: skip

    def rows(self) -> Iterator[Sequence[Row]]:
        """All records that the domain picks, in the order of their ids, so that none is missed while others are made."""
        flags = {name for name, kind in self._types().items() if kind == "boolean"}
        last = 0
        while True:
            found = self._call(
                "search_read", [[*self.domain, ["id", ">", last]]],
                fields=list(dict.fromkeys(["id", *self.fields])), limit=CHUNK, order="id", context={"active_test": False},
            )  # fmt: skip
            if not isinstance(found, list) or not all(isinstance(row, dict) and "id" in row for row in found):
                raise SourceError(f"Odoo answered search_read on {self.model} with something else than records.")
            yield [{name: _plain(value, name in flags) for name, value in row.items()} for row in found]
            if len(found) < CHUNK:
                return
            last = max(row["id"] for row in found)

    def write_back(self, updates: Sequence[Update]) -> list[Written]:
        """Write each device id, and each state where a field is mapped to it, to the record of the point."""
        if not self.writable:
            return [Written(each.id, False, "This source may not be written.") for each in updates]
        return [self._write(each) for each in updates]

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _write(self, update: Update) -> Written:
        values = {column_of(self.mapping, "device_id"): update.device_id} if update.device_id else {}
        if update.state and "state" in self.mapping:
            values[column_of(self.mapping, "state")] = update.state
        if not values:
            return Written(update.id, True, "Nothing of it has a field.")
        try:
            if not update.id.isdigit():
                return Written(update.id, False, f"{update.id!r} is no id of Odoo.")
            self._call("write", [[int(update.id)], values], repeatable=True)
        except SourceError as error:
            return Written(update.id, False, error.message)
        return Written(update.id, True)

    def _types(self) -> dict[str, Any]:
        answer = self._call("fields_get", [list(self.fields)], attributes=["type"])
        known = answer if isinstance(answer, Mapping) else {}
        if unknown := [name for name in self.fields if name not in known and name != "id"]:
            raise SourceError(f"Odoo's {self.model} has no field {', '.join(unknown)}.")
        return {name: each.get("type") for name, each in known.items() if isinstance(each, Mapping)}

    def _call(self, method: str, arguments: list[Any], *, repeatable: bool = True, **options: Any) -> Any:
        if self._uid is None:
            self._uid = self._signed_in()
        whole = (self.database, self._uid, self.password, self.model, method, arguments, options)
        return self._send("object", "execute_kw", whole, repeatable=repeatable)

    def _signed_in(self) -> int:
        uid = self._send("common", "authenticate", (self.database, self.user, self.password, {}))
        if not isinstance(uid, int) or isinstance(uid, bool):
            raise AuthRejected(f"Odoo at {self.address} refuses the sign-in of {self.user} to {self.database}.")
        return uid

    def _send(self, service: str, method: str, arguments: tuple[Any, ...], *, repeatable: bool = True) -> Any:
        body = xmlrpc.client.dumps(arguments, method, allow_none=True).encode()
        request = self._http.build_request("POST", f"/xmlrpc/2/{service}", content=body)
        # Reading again does no harm, and neither does setting the same value again.
        return fetch(self._http, request, _read, attempts=self.retry_attempts, idempotent=repeatable)


def _read(body: Body) -> Any:
    accept(body)
    try:
        (value,), _ = xmlrpc.client.loads(body.content, use_builtin_types=True)
    except xmlrpc.client.Fault as fault:
        raise _fault(fault) from None
    except (ExpatError, xmlrpc.client.Error, ValueError, TypeError, LookupError) as error:
        raise IncompleteBody(f"The answer of {body.where} is no whole XML-RPC document: {error}.") from None
    return value


def _fault(fault: xmlrpc.client.Fault) -> ConnectorError:
    # Odoo sends the traceback of its server; the last line says what happened.
    said = next(iter(reversed(str(fault.faultString).strip().splitlines())), "nothing further")
    said = REDACTOR.snippet(said, 200)
    if "AccessDenied" in said or "AccessError" in said or fault.faultCode in (3, 4):
        return AuthRejected(f"Odoo refuses: {said}")
    return SourceError(f"Odoo answers with a fault: {said}")


def _plain(value: Any, is_flag: bool) -> Any:
    return None if value is False and not is_flag else value
