"""HTTP for connectors: one client factory, one way to ask.

`make_client` makes a client that only does what its connector is for: bounded in time and size, over verified TLS,
with the methods it was given, never following a redirect. `fetch` sends a request through it, lets the connector
judge the answer, and tries again while that is worth it.
"""

import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from connectors import retrying
from connectors.errors import AuthRejected, RateLimited, SourceError, Transient, Unavailable, UnexpectedContentType
from connectors.redact import REDACTOR
from connectors.transport import Guard, Limiter, Limits, OnCall, place

__all__ = [
    "Body",
    "Limiter",
    "Limits",
    "OnCall",
    "accept",
    "expect_content_type",
    "fetch",
    "make_client",
    "place",
    "retry_after",
    "unexpected",
]

T = TypeVar("T")

TIMEOUT_S = 60.0  # a page of a thousand records takes a vendor a few seconds; a minute is a fault
MAX_BODY_BYTES = 64 * 1024 * 1024  # thirty times the largest page seen
ATTEMPTS = 4  # one and three more: what lasts longer is for the next run
TOTAL_WAIT_S = 300.0  # what a request may spend waiting between attempts; minutes are the task's business
SHORTEST_WAIT_S = 1.0  # "Retry-After: 0" is no invitation to hammer


@dataclass(frozen=True, slots=True)
class Body:
    """An answer: complete, unpacked and within the size limit."""

    url: httpx.URL
    status: int
    headers: httpx.Headers
    content: bytes

    @property
    def where(self) -> str:
        """Host and path, for errors; never the query, which may hold what nobody should read."""
        return place(self.url)


def make_client(
    base_url: str = "",
    *,
    auth: httpx.Auth | None = None,
    headers: Mapping[str, str] | None = None,
    methods: Collection[str] = ("GET",),
    allow_http: bool = False,
    timeout_s: float = TIMEOUT_S,
    max_body_bytes: int = MAX_BODY_BYTES,
    limiter: Limiter | None = None,
    on_call: OnCall | None = None,
    context: ssl.SSLContext | None = None,
) -> httpx.Client:
    """Make the one kind of HTTP client that connectors use; safe to share between threads.

    ``methods``: any other is refused before it leaves (`WriteRefused`), so a reader cannot write by mistake.
    ``timeout_s``: for a whole request, name look-up and last byte included. ``max_body_bytes``: of an answer once
    unpacked. Plain http goes to this machine only, unless ``allow_http``. ``context``: from `connectors.tls`, to show a
    certificate. Answers come back read to the end.
    """
    transport = Guard(frozenset(methods), allow_http, timeout_s, max_body_bytes, limiter, on_call, context)
    ordinary = {"Accept-Encoding": "gzip", "User-Agent": "landfall"}
    return httpx.Client(
        base_url=base_url, auth=auth, headers={**ordinary, **(headers or {})}, transport=transport, timeout=timeout_s
    )


def fetch(
    client: httpx.Client,
    request: httpx.Request,
    read: Callable[[Body], T],
    *,
    attempts: int = ATTEMPTS,
    total_wait_s: float = TOTAL_WAIT_S,
    idempotent: bool | None = None,
) -> T:
    """Send the request and return what ``read`` makes of the answer.

    ``read`` raises where the answer is no good. `Transient` errors, its own and those of the wire, are tried again,
    after the wait that they name or a growing one, up to ``attempts`` requests and ``total_wait_s`` of waiting: a
    wait that does not fit in is not begun. ``idempotent``: False sends once only; by default GET and HEAD are.
    """
    repeatable = request.method in {"GET", "HEAD"} if idempotent is None else idempotent
    waited = 0.0

    def patience(error: Exception) -> bool | float:
        nonlocal waited
        if not isinstance(error, Transient):
            return False
        if error.wait_s is None:
            return True
        waited += error.wait_s
        return error.wait_s if waited <= total_wait_s else False

    rounds = retrying.attempts(
        on=patience, attempts=attempts if repeatable else 1, timeout=total_wait_s, wait_initial=0.5, wait_max=30.0
    )
    for attempt in rounds:
        with attempt:
            return read(_send(client, request))
    raise AssertionError("the last attempt returns or raises")


def _send(client: httpx.Client, request: httpx.Request) -> Body:
    try:
        answer = client.send(request)
    except (httpx.HTTPError, httpx.InvalidURL) as error:  # a redirect to nowhere, say; the wire's own are translated
        raise SourceError(f"{place(request.url)} answered in a way that cannot be followed: {error}.") from error
    # The answer and its stream hold each other: without this, bodies stay until the garbage collector comes by.
    answer.stream = httpx.ByteStream(b"")
    return Body(request.url, answer.status_code, answer.headers, answer.content)


def accept(body: Body, *, default_wait_s: float | None = None) -> Body:
    """The ordinary ``read``: the body itself, or an error for any status but 2xx.

    ``default_wait_s``: how long to wait on 429 when the source does not say.
    """
    status = body.status
    if 200 <= status < 300:
        return body
    said = f"{body.where} answered {status}: {REDACTOR.snippet(body.content) or 'nothing further'}"
    wait_s = retry_after(body.headers)
    if status == 429:
        wait_s = default_wait_s if wait_s is None else wait_s
        asked = "" if wait_s is None else f"; it asks to wait {wait_s:.0f} s"
        raise RateLimited(f"{body.where} answers that there were too many requests{asked}.", wait_s=wait_s)
    if status in (401, 403):
        raise AuthRejected(said)
    if status == 408 or status >= 500:
        raise Unavailable(said, wait_s=wait_s)
    if status in (301, 302, 303, 307, 308):
        to = place(body.url.join(body.headers.get("location", "")))
        raise SourceError(f"{body.where} redirects to {to}; redirects are not followed, use the right address.")
    raise SourceError(said)


def expect_content_type(body: Body, *allowed: str) -> None:
    """Raise `UnexpectedContentType` unless the answer is of one of the kinds (``application/json``)."""
    if _content_type(body) not in allowed:
        raise unexpected(body, allowed[0])


def unexpected(body: Body, wanted: str) -> UnexpectedContentType:
    """The error for an answer of another kind than ``wanted``, with the beginning of what came."""
    got = _content_type(body) or "no content type"
    return UnexpectedContentType(
        f"{body.where} answered {body.status} with {got} instead of {wanted}: {REDACTOR.snippet(body.content)}"
    )


def _content_type(body: Body) -> str:
    return str(body.headers.get("content-type", "")).split(";")[0].strip().lower()


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds that a Retry-After header asks for (number or HTTP date), at least one; None if absent or nonsense."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return max(float(value), SHORTEST_WAIT_S)
    try:
        until = parsedate_to_datetime(value)
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max((until - now).total_seconds(), SHORTEST_WAIT_S)
    except (ValueError, TypeError, OverflowError):  # no date, or one with and one without a zone
        return None
