"""Talks to the customer list of one Cetec ERP instance. It reads and nothing else: no request but GET can leave.

The vendor publishes no reference of this API; what is written here is how programs in the open use it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import msgspec

from connectors.errors import AuthRejected, IncompleteBody, SecretRefused, SourceError
from connectors.http import (
    ATTEMPTS,
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
from connectors.mysql import Server
from connectors.redact import REDACTOR

# What the vendor's own program asks for, without techx_password, which opens the customer's instance.
DEFAULT_COLUMNS = (
    "id", "name", "domain", "ok_to_bill", "priority_support", "resident_hosting", "test_environment",
    "itar_hosting_bc", "num_prod_users", "num_full_users",
)  # fmt: skip
# A database's state cannot be decided without these, so they are always asked for.
NEEDED_COLUMNS = ("id", "domain", "ok_to_bill", "resident_hosting", "itar_hosting_bc")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which customers, and which of their columns: empty means all customers, or the default columns."""

    id: str = ""
    name: str = ""
    external_key: str = ""
    columns: tuple[str, ...] = ()

    @property
    def filtered(self) -> bool:
        """Whether this asks for some of the customers only."""
        return bool(self.id or self.name or self.external_key)

    def names(self) -> tuple[str, ...]:
        """The columns to ask for; raises `SecretRefused` and `SourceError` for those that never are."""
        given = [part.strip() for column in self.columns for part in column.split(",")]
        chosen = [name for name in given if name] or list(DEFAULT_COLUMNS)
        for name in chosen:
            if "passw" in name.lower():
                raise SecretRefused(
                    f"The column {name} is a live login of the customer's instance: it is neither asked for nor stored."
                )
            if not name.replace("_", "").isalnum():
                raise SourceError(f"{name[:40]!r} is no name of a column.")
        filter_key = ("external_key",) if self.external_key else ()
        return tuple(dict.fromkeys((*NEEDED_COLUMNS, *chosen, *filter_key) if self.columns else (*chosen, *filter_key)))


class CetecClient:
    """One Cetec instance, read-only. Use it as a context manager, or close it.

    ``databases`` is the MySQL server that holds the customers' backups, None if there is none; ``required`` says
    whether a run fails when it cannot be asked. ``excluded_ids`` are customers that stand for the vendor itself.
    """

    def __init__(
        self,
        *,
        base_url: str,
        preshared_token: str,
        databases: Server | None = None,
        required: bool = False,
        excluded_ids: Sequence[str] = (),
        limiter: Limiter | None = None,
        timeout_s: float = TIMEOUT_S,
        retry_attempts: int = ATTEMPTS,
        retry_total_s: float = TOTAL_WAIT_S,
        allow_http: bool = False,
        on_call: OnCall | None = None,
    ) -> None:
        REDACTOR.add(preshared_token)
        self.databases = databases
        self.required = required
        self.excluded_ids = frozenset(excluded_ids)
        self._token = preshared_token
        self._host = urlsplit(base_url).hostname or base_url
        self._attempts, self._total_s = retry_attempts, retry_total_s
        self._http = make_client(
            base_url,
            headers={"Accept": "application/json"},
            allow_http=allow_http,
            timeout_s=timeout_s,
            limiter=limiter,
            on_call=on_call,
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

    def identity(self) -> str:
        """The instance that this connection reads: its host name."""
        return self._host

    def customers(self, asked: Asked | None = None) -> list[msgspec.Raw]:
        """The customers, undecoded, in the vendor's order. The list comes in one answer; no paging is known."""
        asked = asked or Asked()
        given = {"id": asked.id, "name": asked.name, "external_key": asked.external_key}
        parameters = {**{name: value for name, value in given.items() if value}, "columns": ",".join(asked.names())}
        return self._get("/api/customer", parameters)

    def test(self) -> dict[str, Any]:
        """Ask for the customers' ids: ``{"customers", "milliseconds"}``."""
        began = time.monotonic()
        number = len(self._get("/api/customer", {"columns": "id"}))
        return {"customers": number, "milliseconds": round((time.monotonic() - began) * 1000)}

    def _get(self, path: str, parameters: dict[str, str]) -> list[msgspec.Raw]:
        # Percent-encoded by hand: tokens hold characters such as ";", "|" and "[".
        pairs = {**parameters, "preshared_token": self._token}
        query = "&".join(f"{name}={quote(value, safe=',')}" for name, value in pairs.items())
        request = self._http.build_request("GET", f"{path}?{query}")
        return fetch(self._http, request, _read, attempts=self._attempts, total_wait_s=self._total_s)


class _Wrapped(msgspec.Struct):
    """The shape that the vendor's own program once gave its front end."""

    customers: list[msgspec.Raw]


def _read(body: Body) -> list[msgspec.Raw]:
    """The records of an answer, or an error for each way in which Cetec says no."""
    if body.status in (301, 302, 303, 307, 308) and "login" in (to := body.headers.get("location", "")):
        where = place(body.url.join(to))
        raise AuthRejected(f"{body.where} sends us to its login page {where}: the preshared token is not accepted.")
    accept(body)
    start = body.content[:64].lstrip()[:1]
    if start not in (b"[", b"{"):
        raise unexpected(body, "application/json")
    try:
        if start == b"[":
            return msgspec.json.decode(body.content, type=list[msgspec.Raw])
        return msgspec.json.decode(body.content, type=_Wrapped).customers
    except msgspec.ValidationError:
        said = REDACTOR.snippet(body.content)
        raise SourceError(f"{body.where} answered with something else than a list of customers: {said}") from None
    except ValueError as error:
        raise IncompleteBody(f"The answer of {body.where} is no whole JSON document: {error}.") from error
    except RecursionError as error:
        raise SourceError(f"The answer of {body.where} is nested too deeply to be read.") from error
