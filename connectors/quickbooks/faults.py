"""What QuickBooks says when it refuses: four shapes of one thing, and what each means.

The shapes are recorded ones: ``{"Fault": {"Error": [{"Message", "Detail", "code"}]}}``; on 401 the same in lower case;
on throttling XML although JSON was asked for; any of them may come with status 200. So the body decides.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

import msgspec

from connectors.errors import AuthRejected, ConnectorError, NotOffered, RateLimited, SourceError, Unavailable
from connectors.http import Body, retry_after
from connectors.redact import REDACTOR

LONGEST_FAULT = 65536  # bytes; the longest one recorded has 2,000

THROTTLED = "3001"
TOKEN_EXPIRED = "3200"  # noqa: S105  a vendor's code
SYSTEM_FAILURE = "10000"
# What the company's product is not entitled to, and what is switched off (the vendor's list of error codes).
NOT_OFFERED = ("5020", "5030")
_HINTS = {
    "120": "the user who connected the company lost access to it",
    "3100": "this app is not authorised for this company; sandbox keys do not open production companies",
    TOKEN_EXPIRED: "the access token is refused although it is new",
}

# No XML parser: there is nothing to resolve or expand in a text that is only searched, and half a document does.
_XML_CODE = re.compile(r"""<Error\b[^>]*\bcode\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
_XML_TEXT = re.compile(r"<(Message|Detail)>(.*?)</\1>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fault:
    """The first error of an answer: the vendor's code without leading zeros, and its words."""

    code: str
    message: str
    detail: str = ""


def read_fault(content: bytes) -> Fault | None:
    """The fault in an answer's body, or None if it holds none. Never raises, whatever the body is."""
    if len(content) > LONGEST_FAULT or b"ault" not in content:
        return None
    start = content.lstrip()[:1]
    if start == b"<":
        return _from_xml(content.decode("utf-8", "replace"))
    if start == b"{":
        try:
            return _from_json(msgspec.json.decode(content))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None
    return None


def _from_xml(text: str) -> Fault | None:
    code = _XML_CODE.search(text)
    if code is None:
        return None
    words = {name.lower(): unescape(value).strip() for name, value in _XML_TEXT.findall(text)}
    return Fault(_plain(code[1]), words.get("message", ""), words.get("detail", ""))


def _from_json(answer: Any) -> Fault | None:
    fault = _either(answer, "Fault")
    if not isinstance(fault, Mapping):
        return None
    errors = _either(fault, "Error")
    first = errors[0] if isinstance(errors, list) and errors else {}
    words = [str(_either(first, name) or "") for name in ("code", "Message", "Detail")]
    return Fault(_plain(words[0]), words[1], words[2])


def _either(record: Any, name: str) -> Any:
    """A field under its name with a capital or without."""
    if not isinstance(record, Mapping):
        return None
    return record.get(name, record.get(name.lower()))


def _plain(code: str) -> str:
    return code.strip().lstrip("0")


def to_error(fault: Fault, body: Body, rate_limit_wait_s: float) -> ConnectorError:
    """The error that a fault stands for; ``rate_limit_wait_s`` is waited on throttling without Retry-After."""
    said = f"{body.where} answered {body.status} with fault {fault.code or 'without a code'}"
    words = REDACTOR.snippet(f"{fault.message}: {fault.detail}" if fault.detail else fault.message)
    if fault.code == THROTTLED or body.status == 429:
        wait_s = retry_after(body.headers) or rate_limit_wait_s
        return RateLimited(f"{said} (too many requests); it asks to wait {wait_s:.0f} s.", wait_s=wait_s)
    if fault.code in NOT_OFFERED:
        return NotOffered(f"{said} (not in the company's plan or settings): {words}")
    if fault.code in _HINTS:
        return AuthRejected(f"{said} ({_HINTS[fault.code]}): {words}")
    if body.status in (401, 403):
        return AuthRejected(f"{said}: {words}")
    if fault.code == SYSTEM_FAILURE or body.status >= 500:
        return Unavailable(f"{said}: {words}", wait_s=retry_after(body.headers))
    return SourceError(f"{said}: {words}")
