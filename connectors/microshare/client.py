"""Talks to Microshare: finds clusters, reads and replaces one, lists events and incidents.

Facts are the vendor's documentation, and how programs in the open use what it leaves out. The only change that can
leave here is one whole cluster sent back in its own place: clusters are never made and never removed.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from math import ceil
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import quote, urlsplit

from connectors.errors import (
    AmbiguousWrite,
    AuthRejected,
    RateLimited,
    RecordNotFound,
    SourceError,
    Transient,
)
from connectors.http import ATTEMPTS, TIMEOUT_S, TOTAL_WAIT_S, Limiter, fetch, make_client
from connectors.microshare import answers
from connectors.microshare.answers import Answer, Doubt
from connectors.microshare.auth import LOGIN_TIMEOUT_S, Account, SignIn, Tokens
from connectors.microshare.document import Document
from connectors.microshare.pace import Pace
from connectors.microshare.policy import Policy
from connectors.microshare.shared import Shared
from connectors.microshare.timings import Timings
from connectors.paging import LoopGuard, located

if TYPE_CHECKING:
    from connectors.microshare.device import Rules
    from connectors.microshare.points import Source

log = logging.getLogger("landfall.microshare")

PAGE_SIZE = 2000  # what the vendor's own pages ask for
LISTING_SIZE = 500  # events are small, and busy lists are answered with 504 when too much is asked for
EMPTY_PAGES = 3  # pages with nothing that the account may see can lie between others; so many in a row are the end
DAY_S = 86400.0


class Calls(Protocol):
    """Keeps count of the requests of a connection."""

    def note(self, method: str, host: str, status: int | None, seconds: float, *, metered: bool) -> None:
        """A request was answered; ``status`` None means that no answer came."""

    def flush(self) -> None:
        """Write down what was counted."""


@dataclass(frozen=True, slots=True)
class Records:
    """Which records beside clusters are pulled, as record types; '' leaves them out. ``days`` is the first look back."""

    incidents: str = ""
    events: str = ""
    days: float = 30.0


class MicroshareClient:
    """One account at Microshare. Use it as a context manager, or close it.

    ``tokens`` keeps the token for all runs; ``limiter`` is asked before every request; ``calls`` counts them.
    ``policy`` says what may be proposed and done.
    ``points`` and ``services`` are where inspection points and service records come from, ``rules`` how a device is
    made from a point. Times are in seconds. Every method raises errors of `connectors.errors` and nothing else.
    """

    def __init__(
        self,
        *,
        base_url: str,
        account: Account,
        tokens: Tokens,
        points: "Source | None" = None,
        services: "Source | None" = None,
        rules: "Rules | None" = None,
        records: Records | None = None,
        policy: Policy | None = None,
        limiter: Limiter | None = None,
        timeout_s: float = TIMEOUT_S,
        retry_attempts: int = ATTEMPTS,
        retry_total_s: float = TOTAL_WAIT_S,
        page_size: int = PAGE_SIZE,
        allow_http: bool = False,
        calls: Calls | None = None,
    ) -> None:
        from connectors.microshare.device import Rules

        self.points, self.services = points, services
        self.rules = rules or Rules()
        self.records = records or Records()
        self.policy = policy or Policy()
        self.page_size = page_size
        self.timings = Timings()
        self.hints: list[str] = []
        self._account, self._base_url = account, base_url.rstrip("/")
        self._calls = calls
        self._pace = Pace(limiter)
        self._times = threading.local()
        self._attempts, self._total_s = retry_attempts, retry_total_s
        self._auth = SignIn(
            account, tokens, allow_http=allow_http, timeout_s=min(timeout_s, LOGIN_TIMEOUT_S),
            on_call=self._count, on_login=lambda seconds: self.timings.note("login", seconds),
        )  # fmt: skip
        self._http = make_client(
            self._base_url, auth=self._auth, headers={"Accept": "application/json"}, methods=("GET", "PUT"),
            allow_http=allow_http, timeout_s=timeout_s, limiter=self._pace, on_call=self._note,
        )  # fmt: skip
        self._shared = Shared(self.discover, readers=2)

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
        for source in (self.points, self.services):
            if source is not None:
                source.close()
        if self._calls:
            self._calls.flush()

    def identity(self) -> str:
        """Whose clusters this connection sees: the account, and the host of the API."""
        return f"{self._account.username.lower()} at {urlsplit(self._base_url).hostname}"

    def discover(self) -> Iterator[Answer]:
        """All clusters that the account may see with their devices, page by page; see `_paged` for how it ends."""
        query = "details=true&page={page}&perPage={size}&discover=true&field=name&search="
        return self._paged("discovery", "/device/*", query, self.page_size)

    def clusters(self, reader: str) -> Iterator[Answer]:
        """The same, asked for once for all readers of a run, since it takes the vendor many seconds."""
        return self._shared.read(reader)

    def cluster(self, rec_type: str, id_: str, known: Document | None = None) -> Document:
        """One cluster as it is now; raises `RecordNotFound` where it is gone or out of sight.

        It is ``known`` itself, without being looked into, where it is that byte for byte.
        """
        path = _cluster_path(rec_type, id_)
        answer = self._get("read", f"{path}?details=true")
        if not answer.records:
            raise RecordNotFound(f"Microshare answered without the cluster {id_}: it is gone or out of sight.")
        raw = bytes(answer.records[0])
        if known is not None and raw == known.raw:
            return known
        document = Document(raw)
        if len(answer.records) > 1 or document.id != id_:
            raise SourceError(
                f"Microshare was asked for the cluster {id_} and answered with {document.id or 'another'}."
            )
        return document

    def put(self, rec_type: str, id_: str, document: Document) -> None:
        """Put a whole document in the place of the cluster's; sent once, whatever happens.

        Raises `AmbiguousWrite` when nobody knows whether it was carried out: then only reading the cluster tells. Any
        other error means that it was not. There is no condition that the vendor would check: the last writer wins.
        """
        self._auth.token()  # what goes wrong with the sign-in leaves no doubt about the change
        path = _cluster_path(rec_type, id_)
        headers = {"Content-Type": "application/json"}
        request = self._http.build_request("PUT", path, content=document.raw, headers=headers)
        try:
            fetch(self._http, request, self.timings.judged("write", answers.written), attempts=1)
        except RateLimited:
            raise
        except (Transient, Doubt) as error:
            raise AmbiguousWrite(
                f"The cluster {id_} was sent, and nobody knows whether it was stored: Microshare {error}"
            ) from error

    @property
    def window_s(self) -> float:
        """How long before the last write of this thread its last reading was answered: edits of others in it are lost."""
        return float(getattr(self._times, "window_s", 0.0))

    def together(self, requests: int) -> AbstractContextManager[None]:
        """Wait for the permission of so many requests at once; the next ones inside go out without a wait between them."""
        if self._calls:
            self._calls.flush()  # now, so that it is not due in between
        return self._pace.together(requests)

    def incidents(self, since: datetime | None = None) -> Iterator[Answer]:
        """Incidents that were written since a moment, newest first; None: as far back as the connection looks."""
        return self._listing(self.records.incidents, since)

    def events(self, since: datetime | None = None) -> Iterator[Answer]:
        """Events of sensors, in the same way."""
        return self._listing(self.records.events, since)

    def test(self) -> dict[str, Any]:
        """Sign in and look at the first page: ``{"clusters", "devices", "milliseconds"}``, and a ``hint`` if any."""
        began = time.monotonic()
        first = next(self.discover())
        documents = [Document(bytes(record)) for record in first.records]
        found = {
            "clusters": len(documents),
            "devices": sum(len(document.devices) for document in documents),
            "milliseconds": round((time.monotonic() - began) * 1000),
        }
        if (first.pages or 1) > 1:
            found["pages"] = first.pages or 1
        hint = self._hint(len(documents), first.total if (first.pages or 1) <= 1 else None)
        return found | ({"hint": hint} if hint else {})

    def _listing(self, rec_type: str, since: datetime | None) -> Iterator[Answer]:
        days = self.records.days if since is None else (datetime.now(UTC) - since).total_seconds() / DAY_S
        # Whole days, for the vendor's clock need not be ours. A list without a bound is answered with 504.
        query = f"details=true&page={{page}}&perPage={{size}}&sort=-tstamp&since={ceil(max(days, 0) + 0.1)}d"
        path = f"/share/{quote(rec_type, safe='')}"
        return self._paged("listing", path, query, LISTING_SIZE, slash_on_403=True)

    def _paged(self, kind: str, path: str, query: str, size: int, *, slash_on_403: bool = False) -> Iterator[Answer]:
        """Page after page until the last one that the vendor names, never by its count of records.

        That counts what the account may not see, and so may its number of pages. A page that comes empty although more
        are named is asked for once more; pages that stay empty are passed over, a few in a row are the end.
        """
        loop = LoopGuard()
        empty = seen = 0
        for number in count(1):
            address = f"{path}?{query.format(page=number, size=size)}"
            with located(f"{kind} page {number}"):
                try:
                    answer = self._get(kind, address)
                except AuthRejected:
                    if not slash_on_403:
                        raise
                    # Some of these lists want a slash at the end, and call its lack a missing right.
                    path, slash_on_403 = f"{path}/", False
                    answer = self._get(kind, f"{path}?{query.format(page=number, size=size)}")
                if not (answer.records or empty) and (answer.pages or 0) >= number and answer.total:
                    answer = self._get(kind, address)
                if answer.records:
                    mark = hashlib.blake2b(bytes(answer.records[0]), digest_size=8).hexdigest()
                    loop.check(f"the one that begins with the record {mark}", f"{kind} page {number}")
            yield answer
            seen += len(answer.records)
            empty = 0 if answer.records else empty + 1
            if answer.is_last(number) or empty >= EMPTY_PAGES:
                break
        if kind == "discovery" and (hint := self._hint(seen, answer.total)):
            log.warning("%s", hint)
            self.hints.append(hint)

    def _hint(self, seen: int, total: int | None) -> str:
        """What may be wrong where fewer records came than are counted; '' if nothing is."""
        if total is None or seen >= total:
            return ""
        return (
            f"Microshare counts {total:,} clusters and shows {seen:,}: the account may not see the others, or the "
            f"address is another tenant's ({urlsplit(self._base_url).netloc}; pest tenants live at pest.microshare.io/api)"
        )

    def _get(self, kind: str, address: str) -> Answer:
        return fetch(
            self._http,
            self._http.build_request("GET", address),
            self.timings.judged(kind, answers.read),
            attempts=self._attempts,
            total_wait_s=self._total_s,
        )

    def _count(self, method: str, host: str, _path: str, status: int | None, seconds: float) -> None:
        if self._calls:
            self._calls.note(method, host, status, seconds, metered=False)

    def _note(self, method: str, host: str, path: str, status: int | None, seconds: float) -> None:
        self._count(method, host, path, status, seconds)
        now = time.perf_counter()
        if method == "PUT":
            self._times.window_s = now - seconds - getattr(self._times, "answered_at", now)
        else:
            self._times.answered_at = now
        kind = "write" if method == "PUT" else "listing" if "/share/" in path else "read"
        self.timings.answered("discovery" if path.endswith("/device/*") else kind, status, seconds)


def _cluster_path(rec_type: str, id_: str) -> str:
    return f"/device/{quote(rec_type, safe='')}/{quote(id_, safe='')}"
