"""Rows from a REST endpoint that answers with a list in JSON, in one answer or in several."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from connectors.errors import BlockedAddress, IncompleteBody, SourceError
from connectors.http import ATTEMPTS, Body, accept, fetch, make_client, unexpected
from connectors.microshare.points import Mapped, Row, Update, Written
from connectors.paging import LoopGuard
from connectors.redact import REDACTOR

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


@dataclass
class RestSource:
    """``address`` answers with a list of objects, or has one at ``path`` (``data.items``).

    ``next_path`` is where an answer names the address of the next part, on the same host. ``token`` is sent as a bearer
    token, or as it is in the header that ``token_header`` names.
    """

    address: str
    path: str = ""
    next_path: str = ""
    token: str = field(default="", repr=False)
    token_header: str = ""
    mapping: Mapped = field(default_factory=dict)
    timeout_s: float = 60.0
    retry_attempts: int = ATTEMPTS
    allow_http: bool = False
    writable: bool = False

    def __post_init__(self) -> None:
        REDACTOR.add(self.token)
        named = {self.token_header: self.token} if self.token_header else {"Authorization": f"Bearer {self.token}"}
        headers = {"Accept": "application/json", **(named if self.token else {})}
        self._http = make_client(headers=headers, timeout_s=self.timeout_s, allow_http=self.allow_http)

    def rows(self) -> Iterator[Sequence[Row]]:
        """The rows of each answer, until one names no next."""
        loop, address = LoopGuard(), self.address
        while address:
            loop.check(address, "inspection points or service records")
            request = self._http.build_request("GET", address)
            answer = fetch(self._http, request, _read, attempts=self.retry_attempts)
            yield self._rows(answer)
            address = self._next(answer, address)

    def write_back(self, updates: Sequence[Update]) -> list[Written]:
        """Refused: how an endpoint takes changes, it alone knows."""
        return [Written(each.id, False, "A REST source takes no updates.") for each in updates]

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _rows(self, answer: Any) -> Sequence[Row]:
        rows = _at(answer, self.path)
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            where = f"at {self.path}" if self.path else "at its top; `path` says where it is"
            raise SourceError(f"The answer of {urlsplit(self.address).netloc} has no list of objects {where}.")
        return rows

    def _next(self, answer: Any, address: str) -> str:
        named = _at(answer, self.next_path) if self.next_path else None
        if not isinstance(named, str) or not named:
            return ""
        following = urljoin(address, named)
        if urlsplit(following)[:2] != urlsplit(self.address)[:2]:  # the token is for one host alone
            raise BlockedAddress(f"{urlsplit(self.address).netloc} sends us on to {urlsplit(following).netloc}.")
        return following


def _read(body: Body) -> Any:
    accept(body)
    if body.content[:64].lstrip()[:1] not in (b"[", b"{"):
        raise unexpected(body, "application/json")
    try:
        return _DECODER.decode(body.content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise IncompleteBody(f"The answer of {body.where} is no whole JSON document: {error}.") from error


def _at(value: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
