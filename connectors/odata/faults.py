"""What an OData service says when it refuses: JSON of three shapes, or XML, and what each means.

Version 2: ``{"error": {"code", "message": {"lang", "value"}, "innererror": {"errordetails": [...]}}}``; version 3 the same
under ``odata.error``; version 4 with a plain message and ``details``. Errors come as XML where JSON was asked for, as
HTML from proxies, as plain text, and with status 200: so the body decides before the status does.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

import msgspec

from connectors.errors import AuthRejected, ConnectorError, RateLimited, SourceError, Unavailable
from connectors.http import Body, retry_after
from connectors.redact import REDACTOR

LONGEST_FAULT = 262_144  # bytes; SAP repeats a message for every item of a document
MOST_WORDS = 300

# No XML parser: there is nothing to resolve or expand in a text that is only searched, and half a document does.
_XML_ERROR = re.compile(rb"<(?:\w+:)?error[\s>]")
_XML_PART = re.compile(r"<(?:\w+:)?(code|message)\b[^>]*>(.*?)</(?:\w+:)?\1>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fault:
    """What a service said: its code, its words, and further ones that it gave beside them."""

    code: str
    message: str
    details: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Code and words on one line, redacted; what is said twice is said once."""
        said = dict.fromkeys(part for part in (self.message, *self.details) if part)
        words = REDACTOR.snippet("; ".join(said), MOST_WORDS)
        return f"{self.code or 'without a code'}: {words}" if words else self.code or "without a code"


Judge = Callable[[Fault, Body], ConnectorError | None]
"""A vendor's own reading of a fault; None leaves it to the status."""


def read_fault(content: bytes) -> Fault | None:
    """The fault in an answer's body, or None if it holds none. Never raises, whatever the body is."""
    if len(content) > LONGEST_FAULT or b"error" not in content[:4096]:
        return None
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"<":
        return _from_xml(content)
    if start == b"{":
        try:
            found = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None
        error = found.get("error", found.get("odata.error"))
        return _from_json(error) if isinstance(error, dict) else None
    return None


def _from_xml(content: bytes) -> Fault | None:
    if not _XML_ERROR.search(content[:4096]):
        return None
    parts: dict[str, str] = {}
    for name, value in _XML_PART.findall(content.decode("utf-8", "replace")):
        parts.setdefault(name, unescape(value).strip())  # the first is the error's own, later ones its details'
    return Fault(parts.get("code", ""), parts.get("message", "")) if parts else None


def _from_json(error: dict[str, Any]) -> Fault:
    inner = error.get("innererror")
    listed = error.get("details") or (inner.get("errordetails") if isinstance(inner, dict) else None)
    details = tuple(_details(listed)) if isinstance(listed, list) else ()
    return Fault(str(error.get("code") or ""), _said(error.get("message")), details)


def _details(listed: list[Any]) -> Iterator[str]:
    for each in listed[:20]:
        if isinstance(each, dict):
            yield _said(each.get("message"))


def _said(message: Any) -> str:
    """A message: plain, or an object with its language beside it."""
    if isinstance(message, dict):
        message = message.get("value")
    return message.strip() if isinstance(message, str) else ""


def to_error(fault: Fault, body: Body, judge: Judge | None = None) -> ConnectorError:
    """The error that a fault stands for."""
    if judge is not None and (own := judge(fault, body)) is not None:
        return own
    said = f"{body.where} answered {body.status} with error {fault.words}"
    wait_s = retry_after(body.headers)
    if body.status == 429:
        asked = "" if wait_s is None else f"; it asks to wait {wait_s:.0f} s"
        return RateLimited(f"{said} (too many requests){asked}.", wait_s=wait_s)
    if body.status in (401, 403):
        return AuthRejected(said)
    if body.status == 408 or body.status >= 500:
        return Unavailable(said, wait_s=wait_s)
    return SourceError(said)
