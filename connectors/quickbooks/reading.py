"""How one kind of QuickBooks record is read: everything, or what changed since the last reading.

The marks that pass from run to run are the vendor's own times: the clock of the first answer of a reading, less an
overlap for what commits late. Never this machine's clock, and never a record's time, which may lie in the future.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from connectors.errors import CountMismatch, NotOffered
from connectors.paging import located, prefetch
from connectors.quickbooks.answers import Changes, look, moment
from connectors.quickbooks.capture import CAPTURE_OBJECTS
from connectors.quickbooks.client import QuickBooksClient
from connectors.quickbooks.walk import Walk
from connectors.stream import Page

OVERLAP = timedelta(minutes=2)  # what is stamped now may show itself a little later
CAPTURE_DAYS = 29  # the vendor tells of deletions for 30 days, and clocks differ
IDS_A_QUERY = 100  # they stand in the address, and addresses of more than some thousand characters are refused


@dataclass(frozen=True, slots=True)
class _Mark:
    """Everything changed before ``since`` has been handed over; ``full_at`` is the mark of the last full reading."""

    since: datetime
    full_at: datetime

    @classmethod
    def of(cls, cursor: Mapping[str, Any] | None) -> "_Mark | None":
        since, full_at = (moment((cursor or {}).get(name)) for name in ("since", "full_at"))
        return cls(since, full_at) if since and full_at else None

    def too_old(self, now: datetime) -> bool:
        """Whether change data capture reaches back so far no more."""
        return now - self.since > timedelta(days=CAPTURE_DAYS)

    def needs_full(self, now: datetime, every_hours: float) -> bool:
        """Whether at this time of the vendor changes alone will not do; a mark in the future is no mark."""
        return self.too_old(now) or now < self.since or now - self.full_at >= timedelta(hours=every_hours)

    def cursor(self) -> dict[str, str]:
        """As the next run gets it back."""
        return {"since": self.since.isoformat(), "full_at": self.full_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Reading:
    """How an entity is read. ``where`` is a condition for all its queries; ``deletable`` says that change data capture
    tells of deletions: lists of names know none, there a record is made inactive.
    """

    stream: str
    entity: str
    where: str = ""
    deletable: bool = False

    def pages(self, client: QuickBooksClient, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """What changed since the cursor, or everything: without one, once a day, and where changes cannot be had."""
        mark = _Mark.of(cursor)
        # Only to spare the vendor a question that it may refuse; what counts is its own clock, in `changes`.
        if mark is None or mark.too_old(datetime.now(UTC)):
            return prefetch(_if_offered(self.stream, self.everything(client)))
        return prefetch(_if_offered(self.stream, self.changes(client, mark)))

    def everything(self, client: QuickBooksClient) -> Generator[Page, None, None]:
        """All records, page by page; the last page says that it was all of them.

        At the end the last minutes are read once more, for a record whose change became visible behind us. The vendor's
        own count, taken before and after, has to agree: the number of distinct records read must lie between the two.
        A record changed while we read is given in both versions and counted once.
        """
        with located(f"{self.stream} count"):
            before = client.count(self.entity, self.where)
        walk = Walk()
        yield from self._walk(client, walk, catch_up=True)
        with located(f"{self.stream} count"):
            after = client.count(self.entity, self.where)
        read = len(walk.distinct)
        at = f"{self.stream} page {walk.pages}"
        if not min(before, after) <= read <= max(before, after):
            total = str(after) if before == after else f"{min(before, after)} to {max(before, after)}"
            raise CountMismatch(f"read {read} of {total} {self.stream} records that QuickBooks counts.", at=at)
        since = _since(walk.began)
        yield Page(at=at, complete=True, cursor=_Mark(since, since).cursor() if since else None)

    def changes(self, client: QuickBooksClient, mark: _Mark) -> Generator[Page, None, None]:
        """Records changed since the mark, then those that are gone; everything, where the vendor cannot tell."""
        common = client.capture.of(self.entity, mark.since)
        if common is not None and common.time is not None and not common.objects:
            if mark.needs_full(common.time, client.full_every_hours):
                yield from self.everything(client)
            else:
                yield Page(at=f"{self.stream} changes", cursor=_Mark(_mark_at(common.time), mark.full_at).cursor())
            return
        told = common or Changes((), 0, None)
        if common is None and self.deletable:
            with located(f"{self.stream} deletions"):
                told = client.changes(self.entity, mark.since)
        walk = Walk(since=mark.since)
        pages = self._walk(client, walk)
        first = next(pages, None)
        now = told.time or walk.began
        if told.objects >= CAPTURE_OBJECTS or (now and mark.needs_full(now, client.full_every_hours)):
            pages.close()
            yield from self.everything(client)
            return
        if first is not None:
            yield first
            yield from pages
        yield from self._gone(client, told.deleted)
        if since := _since(now):
            yield Page(at=f"{self.stream} page {walk.pages}", cursor=_Mark(since, mark.full_at).cursor())

    def _walk(self, client: QuickBooksClient, walk: Walk, *, catch_up: bool = False) -> Generator[Page, None, None]:
        """Pages of what the walk has not given yet; with ``catch_up`` it ends with the last minutes once more."""
        for walk.pages in count(1):
            at = f"{self.stream} page {walk.pages}"
            with located(at):
                records = client.rows(self.entity, walk.statement(self.entity, self.where, client.page_size))
                if walk.pages == 1:
                    walk.began = records.time
                    walk.recent_from = _since(walk.began) if catch_up else None
                heads = [look(record) for record in records]
                new = walk.new(heads)
                more = walk.advance(heads, bool(new))
            if new:
                yield Page(records=[records[n] for n in new], keys=[heads[n].key for n in new], at=at)
            if not more and not walk.again():
                return

    def _gone(self, client: QuickBooksClient, ids: Sequence[str]) -> Generator[Page, None, None]:
        """Pages of what really is gone: an id that still has a record, whatever was told, is given with it."""
        for begin in range(0, len(ids), IDS_A_QUERY):
            at = f"{self.stream} deletions from {begin + 1}"
            left = list(dict.fromkeys(ids[begin : begin + IDS_A_QUERY]))
            while left:
                with located(at):
                    records = client.rows(self.entity, self._by_id(left))
                keys = [look(record).key for record in records]
                found = set(keys)
                if not found & set(left):
                    yield Page(deleted=left, at=at)
                    break
                # An answer may hold less than was asked for, so what is left is asked for again.
                yield Page(records=records, keys=keys, at=at)
                left = [id_ for id_ in left if id_ not in found]

    def _by_id(self, ids: Sequence[str]) -> str:
        quoted = ",".join("'" + id_.replace("\\", "\\\\").replace("'", "\\'") + "'" for id_ in ids)
        condition = " AND ".join(part for part in (self.where, f"Id IN ({quoted})") if part)
        return f"SELECT * FROM {self.entity} WHERE {condition} STARTPOSITION 1 MAXRESULTS {IDS_A_QUERY}"  # noqa: S608


def _since(began: datetime | None) -> datetime | None:
    """The mark that a reading leaves which began at this time of the vendor's clock."""
    return _mark_at(began) if began else None


def _mark_at(began: datetime) -> datetime:
    return began.astimezone(UTC).replace(microsecond=0) - OVERLAP


def _if_offered(stream: str, pages: Generator[Page, None, None]) -> Generator[Page, None, None]:
    """The pages; what the company's plan does not have is a warning and no reason for the run to fail, hour after hour."""
    try:
        yield from pages
    except NotOffered as error:
        yield Page(at=error.at, warning=f"{error} Nothing of {stream} was read, and what has landed stays as it is.")


@dataclass(frozen=True, slots=True)
class CompanyReading:
    """How the record of the company itself is read: there is one, and it is given each time."""

    stream: str

    def pages(self, client: QuickBooksClient, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """The one record."""
        with located(self.stream):
            yield Page(records=[client.company()], at=self.stream, complete=True)
