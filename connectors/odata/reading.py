"""How one entity set is read: everything, or what changed since the last reading.

The mark that passes from run to run is never ahead of a time that the service itself wrote into a record, nor of its
clock when the reading began, and stays behind both by an overlap for what commits late. This machine's clock only says
when everything is to be read again.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from connectors.errors import CountMismatch
from connectors.odata.client import ODataClient
from connectors.odata.dialect import Dialect
from connectors.odata.heads import moment
from connectors.odata.paging import Chunk, Walk
from connectors.odata.rest import completed
from connectors.paging import located, prefetch
from connectors.stream import Page

Way = Literal["key", "link", "skip", "once"]

PAGE_SIZE = 1000
OVERLAP = timedelta(minutes=10)  # what is stamped now may show itself a little later


@dataclass(frozen=True, slots=True)
class _Mark:
    """Everything changed before ``since`` has been handed over; ``full_at`` is when everything was last read."""

    since: datetime
    full_at: datetime

    @classmethod
    def of(cls, cursor: Mapping[str, Any] | None) -> "_Mark | None":
        since, full_at = (moment((cursor or {}).get(name)) for name in ("since", "full_at"))
        return cls(since, full_at) if since and full_at else None

    def cursor(self) -> dict[str, str]:
        """As the next run gets it back."""
        return {"since": self.since.isoformat(), "full_at": self.full_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Reading:
    """One entity set and how it is read.

    ``path`` begins at the service's host. ``key`` are its key properties in order; ``guid`` says that the first is a
    GUID. ``changed`` is the property with the moment of the last change, '' where none can be trusted: then every
    reading is a whole one. ``way`` is one of those in paging.py. ``counted`` says that the service can count the set.
    ``full_every_hours`` is how often everything is read all the same, to find what vanished or changed unmarked.
    """

    name: str
    path: str
    dialect: Dialect
    key: tuple[str, ...]
    guid: bool = False
    changed: str = ""
    expand: str = ""
    condition: str = ""
    way: Way = "key"
    counted: bool = True
    page_size: int = PAGE_SIZE
    full_every_hours: float = 24.0
    overlap: timedelta = OVERLAP

    def pages(self, client: ODataClient, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """What changed since the cursor; everything without one, once a day, and where changes are not marked."""
        mark = _Mark.of(cursor) if self.changed else None
        now = datetime.now(UTC)
        # A mark in the future is none.
        if mark is None or not mark.since <= now or now - mark.full_at >= timedelta(hours=self.full_every_hours):
            return prefetch(self.everything(client))
        return prefetch(self.changes(client, mark))

    def everything(self, client: ODataClient) -> Generator[Page, None, None]:
        """All records, page by page; the last page says that it was all of them.

        Where the service cannot count, that is said only of a reading by key, which ends when nothing comes any more.
        """
        walk = self._walk(client, self.condition)
        latest = yield from self._checked(client, walk)
        mark = self._mark(walk, latest, None)
        complete = self.counted or self.way in ("key", "once")
        yield Page(at=f"{self.name} page {walk.pages}", complete=complete, cursor=mark.cursor() if mark else None)

    def changes(self, client: ODataClient, mark: _Mark) -> Generator[Page, None, None]:
        """Records changed since the mark. What vanished is left for the next whole reading."""
        since = f"{self.changed} ge {self.dialect.moment(mark.since)}"
        walk = self._walk(client, f"{self.condition} and {since}" if self.condition else since)
        latest = yield from (self._given(client, walk) if self.way == "key" else self._checked(client, walk))
        after = self._mark(walk, latest, mark)
        yield Page(at=f"{self.name} page {walk.pages}", cursor=(after or mark).cursor())

    def _checked(self, client: ODataClient, walk: Walk) -> Generator[Page, None, datetime | None]:
        """As `_given`; raises `CountMismatch` where the service's own counts, before and after, say otherwise.

        Read by key, the number of different records must lie between the two. Read otherwise, it has to be both: a row
        that vanished meanwhile may have let another slide out of sight.
        """
        before = self._count(client, walk)
        latest = yield from self._given(client, walk)
        after = self._count(client, walk)
        if before is None or after is None:
            return latest
        low, high = min(before, after), max(before, after)
        if not low <= walk.read <= high or (self.way != "key" and low != high):
            total = f"{low}" if low == high else f"{low} to {high}"
            said = f"read {walk.read} of {total} {self.name} records that the service counts."
            raise CountMismatch(said, at=f"{self.name} page {walk.pages}")
        return latest

    def _count(self, client: ODataClient, walk: Walk) -> int | None:
        if not self.counted:
            return None
        with located(f"{self.name} count"):
            return client.count(self.path, walk.condition)

    def _walk(self, client: ODataClient, condition: str) -> Walk:
        return Walk(
            client=client,
            dialect=self.dialect,
            name=self.name,
            path=self.path,
            key=self.key,
            changed=self.changed,
            condition=condition,
            options={"expand": self.expand},
            page_size=self.page_size,
            literal=self.dialect.guid if self.guid else self.dialect.text,
        )

    def _given(self, client: ODataClient, walk: Walk) -> Generator[Page, None, datetime | None]:
        """Pages of what the walk meets; returns the time of the latest change among them."""
        latest: datetime | None = None
        for at, reply, new, heads in _chunks(walk, self.way):
            times = [head.changed for head in heads if head.changed is not None]
            latest = max([*times, latest] if latest else times, default=None)
            records = [reply.records[n] for n in new]
            if reply.cut and self.expand:
                with located(at):
                    records = [completed(client, self.dialect, each, reply) for each in records]
            if records:
                yield Page(records=records, at=at)
        return latest

    def _mark(self, walk: Walk, latest: datetime | None, before: _Mark | None) -> _Mark | None:
        """The mark after a reading: behind the latest change that was read, and behind the clock at its beginning."""
        began = walk.first.time if walk.first else None
        known = [each for each in (latest, began) if each is not None]
        if not self.changed or not known or (before and latest is None):
            return None
        since = min(known) - self.overlap
        if before is not None:
            return _Mark(max(since, before.since), before.full_at)
        return _Mark(since, datetime.now(UTC).replace(microsecond=0))


def _chunks(walk: Walk, way: Way) -> Iterator[Chunk]:
    ways = {"key": walk.by_key, "link": walk.by_link, "skip": walk.by_skip, "once": walk.at_once}
    return ways[way]()
