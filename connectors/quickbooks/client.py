"""Talks to the QuickBooks Online accounting API. It reads and nothing else: no request but GET can leave.

Facts are the vendor's documentation, and recorded answers where the two differ.
"""

import re
import time
from collections.abc import Callable, Collection
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import quote

import msgspec

from connectors.errors import IncompleteBody, QuotaReached, SourceError
from connectors.http import (
    ATTEMPTS,
    TIMEOUT_S,
    TOTAL_WAIT_S,
    Body,
    Limiter,
    accept,
    fetch,
    make_client,
    unexpected,
)
from connectors.quickbooks import answers
from connectors.quickbooks.auth import REFRESH_MARGIN_S, TOKEN_TIMEOUT_S, TokenAuth, Tokens
from connectors.quickbooks.capture import CAPTURED, Capture
from connectors.quickbooks.faults import read_fault, to_error

T = TypeVar("T")

MINOR_VERSION = 75  # since August 2025 the vendor runs everything as this one
PAGE_SIZE = 1000  # the most that a query returns
RATE_LIMIT_WAIT_S = 60.0  # the documentation's advice on 429; a Retry-After is not documented
FULL_EVERY_HOURS = 24.0  # what changes and deletes leave out (merges, records restored) is set right once a day


class Calls(Protocol):
    """Keeps count of the requests of a connection."""

    def note(self, method: str, host: str, status: int | None, seconds: float, *, metered: bool) -> None:
        """A request was answered; ``status`` None means that no answer came."""

    def used_up(self) -> str | None:
        """A sentence when the month's ceiling of metered calls is reached, else None."""

    def flush(self) -> None:
        """Write down what was counted."""


class QuickBooksClient:
    """One company's books, read-only. Use it as a context manager, or close it.

    ``limiter`` is asked before every request, so that all runs share the vendor's limits; ``tokens`` keeps what
    rotates; ``calls`` counts. Times are in seconds. ``full_every_hours`` is how often streams read everything instead
    of changes. ``entities`` are the names of the streams that are wanted, none means all, and ``dbt_views`` says whether
    dbt shall find them. Every method raises errors of `connectors.errors` and nothing else.
    """

    def __init__(
        self,
        *,
        base_url: str,
        token_url: str,
        realm_id: str,
        client_id: str,
        client_secret: str,
        tokens: Tokens,
        limiter: Limiter | None = None,
        timeout_s: float = TIMEOUT_S,
        retry_attempts: int = ATTEMPTS,
        retry_total_s: float = TOTAL_WAIT_S,
        rate_limit_wait_s: float = RATE_LIMIT_WAIT_S,
        refresh_margin_s: float = REFRESH_MARGIN_S,
        page_size: int = PAGE_SIZE,
        full_every_hours: float = FULL_EVERY_HOURS,
        allow_http: bool = False,
        calls: Calls | None = None,
        entities: Collection[str] = (),
        dbt_views: bool = False,
    ) -> None:
        self.realm_id = realm_id
        self.dbt_views = dbt_views
        self.entities = frozenset(entities)
        wanted = [entity for entity in CAPTURED if not entities or _stream_name(entity) in self.entities]
        self.capture = Capture(self._changes, wanted)
        self.page_size = page_size
        self.full_every_hours = full_every_hours
        self._calls = calls
        self._retry_attempts = retry_attempts
        self._retry_total_s = retry_total_s
        self._rate_limit_wait_s = rate_limit_wait_s
        self._auth = TokenAuth(
            token_url=token_url,
            client_id=client_id,
            client_secret=client_secret,
            tokens=tokens,
            margin_s=refresh_margin_s,
            allow_http=allow_http,
            timeout_s=min(timeout_s, TOKEN_TIMEOUT_S),
            on_call=self._note,
        )
        self._http = make_client(
            base_url,
            auth=self._auth,
            headers={"Accept": "application/json"},
            allow_http=allow_http,
            timeout_s=timeout_s,
            limiter=limiter,
            on_call=self._note,
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
        self._auth.close()
        if self._calls:
            self._calls.flush()

    def rows(self, entity: str, statement: str) -> answers.Rows:
        """The records that a query of one entity (``Customer``) returns: undecoded, in the vendor's order."""
        return self._get("query", lambda content: answers.rows(content, entity), query=statement)

    def company(self) -> msgspec.Raw:
        """The record of the company itself, undecoded."""
        return self._get(f"companyinfo/{quote(self.realm_id, safe='')}", _COMPANY_RECORD.decode).CompanyInfo

    def changes(self, entity: str, since: datetime) -> answers.Changes:
        """What change data capture tells of an entity since a moment, at most 30 days back.

        Of the 1,000 records that one answer holds the deleted ones come last: of more, deletes are missing.
        """
        return self._changes((entity,), since)[entity]

    def _changes(self, entities: tuple[str, ...], since: datetime) -> dict[str, answers.Changes]:
        parameters = {"entities": ",".join(entities), "changedSince": since.isoformat()}
        return self._get("cdc", lambda content: answers.changes(content, entities), **parameters)

    def count(self, entity: str, where: str = "") -> int:
        """How many records the vendor has of an entity; ``where`` is a condition in its query language."""
        condition = f" WHERE {where}" if where else ""
        statement = f"SELECT COUNT(*) FROM {entity}{condition}"  # noqa: S608  no SQL, and no text of others
        total = self._get("query", lambda content: answers.total(content, entity), query=statement)
        if total is None:
            raise SourceError(f"QuickBooks answered a count of {entity} without a number.")
        return total

    def identity(self) -> str:
        """The company that this connection reads, as the vendor knows it."""
        return self.realm_id

    def test(self) -> dict[str, Any]:
        """Sign in and read the company's name: ``{"company", "country", "realm_id", "milliseconds"}``."""
        began = time.monotonic()
        company = self._get(f"companyinfo/{quote(self.realm_id, safe='')}", _COMPANY.decode).CompanyInfo
        return {
            "company": company.CompanyName,
            "country": company.Country,
            "realm_id": self.realm_id,
            "milliseconds": round((time.monotonic() - began) * 1000),
        }

    def _note(self, method: str, host: str, path: str, status: int | None, seconds: float) -> None:
        if self._calls:
            # Successful reads of production companies are metered, sandboxes and tokens are not.
            read = path.startswith("/v3/") and status is not None and 200 <= status < 300
            self._calls.note(method, host, status, seconds, metered=read and not host.startswith("sandbox-"))

    def _get(self, path: str, decode: Callable[[bytes], T], **parameters: str) -> T:
        if self._calls and (sentence := self._calls.used_up()):
            raise QuotaReached(sentence)
        address = f"/v3/company/{quote(self.realm_id, safe='')}/{path}"
        # Percent-encoded by hand: in a form-encoded query a space becomes "+", which the vendor takes for a plus.
        pairs = {**parameters, "minorversion": str(MINOR_VERSION)}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items())
        return fetch(
            self._http,
            self._http.build_request("GET", f"{address}?{query}"),
            lambda body: _read(body, decode, self._rate_limit_wait_s),
            attempts=self._retry_attempts,
            total_wait_s=self._retry_total_s,
        )


def _read(body: Body, decode: Callable[[bytes], T], rate_limit_wait_s: float) -> T:
    """Decode an answer, or raise what it means. The body decides: a fault may come with any status, 200 included."""
    fault = read_fault(body.content)
    if fault is not None:
        raise to_error(fault, body, rate_limit_wait_s)
    accept(body, default_wait_s=rate_limit_wait_s)
    start = body.content[:64].lstrip()[:1]
    if start and start != b"{":
        raise unexpected(body, "application/json")
    try:
        return decode(body.content)
    except msgspec.ValidationError as error:
        raise SourceError(f"{body.where} answered in a shape that is not documented: {error}.") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise IncompleteBody(f"The answer of {body.where} is no whole JSON document: {error}.") from error
    except RecursionError as error:
        raise SourceError(f"The answer of {body.where} is nested too deeply to be read.") from error


class _Company(msgspec.Struct):
    CompanyName: str = ""
    Country: str = ""


class _CompanyAnswer(msgspec.Struct):
    CompanyInfo: _Company


class _CompanyRecord(msgspec.Struct):
    CompanyInfo: msgspec.Raw


_COMPANY = msgspec.json.Decoder(_CompanyAnswer)
_COMPANY_RECORD = msgspec.json.Decoder(_CompanyRecord)


def _stream_name(entity: str) -> str:
    """``BillPayment`` to ``bill_payment``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", entity).lower()
