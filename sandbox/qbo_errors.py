"""The simulated QuickBooks' refusals: both fault shapes and the throttle's XML.

The shapes are facts of the vendor (facts/quickbooks.md: Faults, Limits and metering).
"""

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import quoteattr

import msgspec

from sandbox.clock import pacific


class Refusal(Exception):
    """A request that the vendor answers with a fault instead of data."""

    def __init__(
        self, code: str, message: str, detail: str, *, status: int = 400, element: str | None = None, timed: bool = True
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.message, self.detail = code, message, detail
        self.status, self.element, self.timed = status, element, timed

    def body(self, now: float) -> bytes:
        """Return the JSON that the vendor sends; ``now`` in Unix seconds."""
        error = {"Message": self.message, "Detail": self.detail, "code": self.code}
        if self.element is not None:
            error["element"] = self.element
        fault: dict[str, Any] = {"Fault": {"Error": [error], "type": "ValidationFault"}}
        if self.timed:
            fault["time"] = pacific(now, millis=True)
        return msgspec.json.encode(fault)


def parse_error(kind: str, image: str, column: int, expected: str) -> Refusal:
    """A statement outside the grammar: 4000, in the words of the vendor's generated parser; ``column`` from 1."""
    detail = (
        f'QueryParserError: Encountered " {kind} "{image} "" at line 1, column {column}.\n'
        f"Was expecting:\n    {expected} ...\n    "
    )
    return Refusal("4000", "Error parsing query", detail)


def invalid_query(detail: str) -> Refusal:
    """A statement that is well formed and asks what cannot be asked: 4001."""
    return Refusal("4001", "Invalid query", f"QueryValidationError: {detail}")


def not_found() -> Refusal:
    """No such record, or an inactive one is referred to: 610."""
    detail = (
        "Object Not Found : Something you're trying to use has been made inactive."
        " Check the fields with accounts, customers, items, vendors or employees."
    )
    return Refusal("610", "Object Not Found", detail, element="")


def stale() -> Refusal:
    """The SyncToken sent is not the current one: 5010."""
    detail = (
        "Stale Object Error : You and Another User were working on this at the same time."
        " Another User finished before you did, so your work was not saved."
    )
    return Refusal("5010", "Stale Object Error", detail, element="")


def duplicate_name() -> Refusal:
    """The name is taken: 6240."""
    return Refusal("6240", "Duplicate Name Exists Error", "The name supplied already exists. : null")


def required(name: str) -> Refusal:
    """A field that must be there is not: 2020."""
    message = "Required param missing, need to supply the required value for the API"
    return Refusal("2020", message, f"Required parameter {name} is missing in the request", element=name)


def unknown_property(entity: str, name: str, known: Iterable[str]) -> Refusal:
    """A posted record has a field that its entity does not: 2010, with a long list of those it has."""
    names = ", ".join(f'"{field}"' for field in known)
    detail = (
        f'Property Name:Unrecognized field "{name}" (class com.intuit.schema.finance.v3.{entity}), not marked as'
        f" ignorable ({names.count(',') + 1} known properties: {names} [truncated]])\n"
        " specified is unsupported or invalid"
    )
    return Refusal("2010", "Request has invalid or unsupported property", detail)


def not_entitled() -> Refusal:
    """The company's product does not have this feature: 5020."""
    return Refusal("5020", "Permission Denied Error", "You do not have permission to access this feature.")


def bad_id(value: str) -> Refusal:
    """An id in the path that is no number: 2030, without a time."""
    detail = f"Id should be a valid number. Supplied value:{value}"
    return Refusal("2030", "Invalid ID", detail, element="Id", timed=False)


def unsupported(path: str) -> Refusal:
    """A path or an operation that does not exist: 500 (with HTTP status 400)."""
    detail = (
        f"Operation Could not find resource for relative : {path}"
        f" of full path: https://sandbox.invalid{path} is not supported."
    )
    return Refusal("500", "Unsupported Operation", detail)


def gateway_fault(code: str, name: str, detail: str, *, kind: str, status: int, now: float) -> bytes:
    """The gateway's own shape, in lower case and with the time in milliseconds: 3200 (401) and 3100 (403)."""
    error = {
        "message": f"message={name}; errorCode=00{code}; statusCode={status}",
        "detail": detail,
        "code": code,
        "element": None,
    }
    return msgspec.json.encode(
        {
            "warnings": None,
            "intuitObject": None,
            "fault": {"error": [error], "type": kind},
            "report": None,
            "queryResponse": None,
            "batchItemResponse": [],
            "attachableResponse": [],
            "syncErrorResponse": None,
            "requestId": None,
            "time": int(now * 1000),
            "status": None,
            "cdcresponse": [],
        }
    )


def unauthorized(detail: str, now: float) -> bytes:
    """The body of a 401; the vendor repeats the refused token in ``detail``."""
    return gateway_fault("3200", "AuthenticationFailed", detail, kind="AUTHENTICATION", status=401, now=now)


def throttled(now: float) -> bytes:
    """The body of a 429: XML, although JSON was asked for."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<IntuitResponse time={quoteattr(pacific(now, millis=True))} xmlns="http://schema.intuit.com/finance/v3">'
        '<Fault type="SERVICE"><Error code="3001">'
        "<Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</Message>"
        "<Detail>The request limit was reached.  Try again later</Detail>"
        "</Error></Fault></IntuitResponse>"
    ).encode()
