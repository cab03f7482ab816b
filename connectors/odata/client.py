"""Asks an OData service. It reads and nothing else: no request but GET can leave."""

import ssl
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, unquote, urljoin

import httpx
import msgspec

from connectors.errors import AuthRejected, IncompleteBody, SourceError
from connectors.http import (
    ATTEMPTS,
    MAX_BODY_BYTES,
    TIMEOUT_S,
    TOTAL_WAIT_S,
    Body,
    Limiter,
    OnCall,
    accept,
    fetch,
    make_client,
    place,
    unexpected,
)
from connectors.odata import envelope
from connectors.odata.dialect import Dialect
from connectors.odata.faults import Judge, read_fault, to_error
from connectors.odata.metadata import Metadata
from connectors.odata.metadata import parse as parse_metadata

T = TypeVar("T")


class Reply(msgspec.Struct, frozen=True):
    """A page and what HTTP said of it: the address asked, and the service's clock (None if it does not tell).

    ``cut`` says that a list inside of some record may go on elsewhere.
    """

    records: list[msgspec.Raw]
    link: str | None
    address: str
    time: datetime | None
    cut: bool = False


class ODataClient:
    """One service host, read-only. Use it as a context manager, or close it; safe to share between threads.

    ``parameters`` go with every request (``sap-client``). ``judge`` is the vendor's own reading of a fault. Every method
    raises errors of `connectors.errors` and nothing else; ``seconds`` is what all requests so far have taken.
    """

    def __init__(
        self,
        *,
        base_url: str,
        auth: httpx.Auth | None = None,
        parameters: Mapping[str, str] | None = None,
        judge: Judge | None = None,
        limiter: Limiter | None = None,
        timeout_s: float = TIMEOUT_S,
        retry_attempts: int = ATTEMPTS,
        retry_total_s: float = TOTAL_WAIT_S,
        max_body_bytes: int = MAX_BODY_BYTES,
        allow_http: bool = False,
        on_call: OnCall | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._parameters = dict(parameters or {})
        self._judge = judge
        self._attempts, self._total_s = retry_attempts, retry_total_s
        self._auth = auth
        self._http = make_client(
            auth=auth,
            allow_http=allow_http,
            timeout_s=timeout_s,
            max_body_bytes=max_body_bytes,
            limiter=limiter,
            on_call=on_call,
            context=context,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; requests after this fail."""
        self._http.close()
        closing = getattr(self._auth, "close", None)
        if closing is not None:
            closing()

    def page(self, dialect: Dialect, path: str, options: Mapping[str, str]) -> Reply:
        """The records that a query of a set (``…/A_SalesOrder``) returns, undecoded, in the service's order.

        ``options`` are query options without their ``$`` (``{"top": "100"}``); an empty one is left out.
        """
        return self._page(dialect, self._address(path, {f"${k}": v for k, v in options.items()}))

    def follow(self, dialect: Dialect, link: str, reply: Reply) -> Reply:
        """The page that a reply points to, asked for exactly as the service wrote it, but only on its own host.

        Links may be relative, and some servers percent-encode them whole. Raises `SourceError` for another host.
        """
        if "?" not in link and "%3f" in link.lower():
            link = unquote(link)
        address = httpx.URL(urljoin(reply.address, link))
        asked = httpx.URL(reply.address)
        if (address.scheme, address.host, address.port) != (asked.scheme, asked.host, asked.port):
            raise SourceError(
                f"{place(asked)} points to its next page at {address.host}, another host; it is not followed. Correct "
                "the host name that the service has of itself, or let the connection page by key."
            )
        missing = {name: value for name, value in self._parameters.items() if name not in address.params}
        written = str(address)
        return self._page(
            dialect, f"{written}{'&' if '?' in written else '?'}{_query(missing)}" if missing else written
        )

    def count(self, path: str, condition: str = "") -> int:
        """How many records a set has, or how many of them meet a condition (``Set/$count``)."""
        address = self._address(f"{path}/$count", {"$filter": condition})
        return self._get(address, {"Accept": "text/plain, */*"}, _number)

    def metadata(self, service: str) -> Metadata:
        """What the service says of itself."""
        address = self._address(f"{service}/$metadata", {})
        return self._get(address, {"Accept": "application/xml"}, lambda body: _described(body))

    def clock(self, dialect: Dialect, path: str, options: Mapping[str, str]) -> tuple[Reply, float, float | None]:
        """Ask for a page: the reply, seconds that took, and by how many seconds the service's clock is ahead."""
        began, asked_at = time.monotonic(), time.time()
        reply = self.page(dialect, path, options)
        seconds = time.monotonic() - began
        # The clock is told to the second, at some moment between question and answer.
        ahead = reply.time.timestamp() + 0.5 - (asked_at + seconds / 2) if reply.time else None
        return reply, seconds, ahead

    def _address(self, path: str, options: Mapping[str, str]) -> str:
        given = {name: value for name, value in options.items() if value}
        query = _query({**given, **self._parameters})
        # Percent-encoded by hand: names are Cyrillic at 1C, and "+" for a space is not everywhere understood.
        address = f"{self.base_url}/{quote(path.lstrip('/'), safe='/()$=,;')}"
        return f"{address}?{query}" if query else address

    def _page(self, dialect: Dialect, address: str) -> Reply:
        def read(body: Body) -> Reply:
            found = self._decoded(body, lambda content: envelope.answer(content, dialect))
            links = body.content.count(f'{dialect.nested_link}"'.encode())
            own = found.link is not None and dialect.link.endswith(dialect.nested_link)
            return Reply(found.records, found.link, address, _clock(body), links > own)

        return self._get(address, dialect.headers, read)

    def _decoded(self, body: Body, decode: Callable[[bytes], T]) -> T:
        start = body.content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if start and start not in (b"{", b"["):
            raise unexpected(body, "application/json")
        try:
            return decode(body.content.removeprefix(b"\xef\xbb\xbf"))
        except msgspec.ValidationError as error:
            raise SourceError(f"{body.where} answered in a shape that is no list of records: {error}.") from error
        except (msgspec.DecodeError, ValueError, IndexError, KeyError) as error:
            raise IncompleteBody(f"The answer of {body.where} is no whole JSON document: {error}.") from error
        except RecursionError as error:
            raise SourceError(f"The answer of {body.where} is nested too deeply to be read.") from error

    def _get(self, address: str, headers: Mapping[str, str], read: Callable[[Body], T]) -> T:
        request = self._http.build_request("GET", address, headers=dict(headers))

        def judged(body: Body) -> T:
            self._check(body)
            return read(body)

        return fetch(self._http, request, judged, attempts=self._attempts, total_wait_s=self._total_s)

    def _check(self, body: Body) -> None:
        """Raise what an answer means if it is a refusal: by its own words first, then by its kind, then its status."""
        fault = read_fault(body.content)
        if fault is not None:
            raise to_error(fault, body, self._judge)
        if body.status == 401:
            raise AuthRejected(f"{body.where} does not accept the login of this connection (401).")
        html = "html" in str(body.headers.get("content-type", "")).lower()
        if html and body.status < 500 and body.status not in (403, 408, 429):
            raise unexpected(body, "application/json")  # a 404 as well: it is a proxy that says so, not the service
        accept(body)


def _query(pairs: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items())


def _clock(body: Body) -> datetime | None:
    try:
        return parsedate_to_datetime(body.headers["date"])
    except (KeyError, ValueError, TypeError):
        return None


def _number(body: Body) -> int:
    text = body.content.removeprefix(b"\xef\xbb\xbf").strip()
    if not text.isdigit() or len(text) > 15:
        raise unexpected(body, "text/plain")
    return int(text)


def _described(body: Body) -> Metadata:
    if body.content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"<":
        raise unexpected(body, "application/xml")
    return parse_metadata(body.content, body.where)
