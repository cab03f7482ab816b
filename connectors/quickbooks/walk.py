"""Paging through one kind of QuickBooks record by value, losing none.

Each query asks for what is not older than the last record seen, so a row that is touched while we read moves behind us
and is met again, and no row slides under an offset. The vendor's filter has a resolution of one second and ties occur,
so a border is a whole second, rounded down, whatever fractions a record tells. What was given of the border second is
remembered and left out, and offsets are used only inside a second that fills a page, each page overlapping the one
before by a row so that a shift is noticed. (An edit made in the very second that is being read by offsets may be met
by the next run only.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.errors import PagingLoop
from connectors.paging import DistinctIds
from connectors.quickbooks.answers import Seen

UPDATED = "MetaData.LastUpdatedTime"
MOST_IDLE_PAGES = 50  # fifty thousand known rows in a row: nobody gets anywhere like that

Version = tuple[str, datetime | None]


@dataclass(slots=True)
class Walk:
    """Where we are in the records of one entity, ordered by the time of their last change.

    Usually at the beginning of what is not older than ``since``. Inside a second that holds more than a page, at an
    offset in it; then ``beyond`` it, since a row that left the second meanwhile has moved all behind it. ``recent``
    remembers what was given that changed at ``recent_from`` or later, for `again`.
    """

    since: datetime | None = None
    beyond: bool = False
    start: int = 1
    given: set[Version] = field(default_factory=set)
    last_page: list[Version] = field(default_factory=list)
    longest: int = 0
    idle: int = 0
    distinct: DistinctIds = field(default_factory=DistinctIds)
    pages: int = 0
    began: datetime | None = None  # the vendor's clock in its first answer
    recent_from: datetime | None = None
    recent: set[Version] = field(default_factory=set)

    def again(self) -> bool:
        """Go back to ``recent_from``, for what became visible behind us; False if the last query began before it."""
        if self.recent_from is None or self.since is None or self.since <= self.recent_from:
            return False
        self.since, self.beyond, self.start, self.given = self.recent_from, False, 1, set()
        self.last_page, self.idle, self.recent_from = [], 0, None
        return True

    def statement(self, entity: str, where: str, size: int) -> str:
        """The query of the next page."""
        bound = f"{UPDATED} {'>' if self.beyond else '>='} '{self.since.isoformat()}'" if self.since else ""
        condition = " AND ".join(part for part in (where, bound) if part)
        return (  # the vendor's language; what is put in comes from this file and from a parsed time
            f"SELECT * FROM {entity}{' WHERE ' + condition if condition else ''}"  # noqa: S608
            f" ORDERBY {UPDATED} ASC STARTPOSITION {self.start} MAXRESULTS {size}"
        )

    def new(self, heads: Sequence[Seen]) -> list[int]:
        """The positions of the records in a page that are to be given now: not yet given in the version they have."""
        since = self.since
        moments = [head.updated for head in heads if head.updated is not None]
        if since is not None and moments and min(moments) < since:
            raise PagingLoop(f"The page repeats records from before {since.isoformat()}, which were read already.")
        known = self.given | self.recent if self.recent else self.given
        # Nearly all ids of a page are new, and hashing a moment costs more than all else that is done here.
        ids = {identity for identity, _ in known}
        found = [at for at, head in enumerate(heads) if head.identity not in ids or head.version not in known]
        if self.start > 1 and since is not None:  # what is later than this second comes again, from its own beginning
            found = [at for at in found if _second(heads[at].updated) in (since, None)]
        new = [heads[at] for at in found]
        self.distinct.update(head.identity for head in new)
        if (recent := self.recent_from) is not None and moments and max(moments) >= recent:
            self.recent.update(head.version for head in new if head.updated is not None and head.updated >= recent)
        self.idle = 0 if found else self.idle + 1
        if self.idle > MOST_IDLE_PAGES:
            raise PagingLoop(f"{self.idle} pages in a row brought nothing new.")
        return found

    def advance(self, heads: Sequence[Seen], anything_new: bool) -> bool:
        """Move behind this page; False when it was the end.

        A short page is no end, only one that brings nothing new. But when a page is as long as any before and all
        of it is known, its second may go on behind it: look there. A short page of a single second is asked for
        again from its beginning, since what changed in it meanwhile would be before an offset.
        """
        versions = [(head.identity, head.updated) for head in heads]
        if self.start > 1 and self._moved(versions):
            self.given |= self._of_this_second(versions)
            self.start = 1
            return True
        full = len(heads) >= max(self.longest, 2)
        self.longest, self.last_page = max(self.longest, len(heads)), versions
        last = _second(next((head.updated for head in reversed(heads) if head.updated is not None), self.since))
        # Where no record tells a time there are only offsets and the count to go by.
        timeless_end = last is None and self.start > 1
        if not full and (timeless_end or (self.start == 1 and not anything_new)):
            return False
        if last == self.since and full:
            self.start += len(heads) - 1  # one row twice, to see that it still is where it was
            self.given |= self._of_this_second(versions)
        elif self.start > 1 and self.since is not None:
            self.given |= self._of_this_second(versions)
            self.beyond, self.start = True, 1
        elif last == self.since:
            self.given |= self._of_this_second(versions)
        else:
            # What is later than the last one, in a page out of order, has been given as well.
            self.given = {version for version in versions if last is None or version[1] is None or version[1] >= last}
            self.since, self.beyond, self.start = last, False, 1
        return True

    def _of_this_second(self, versions: list[Version]) -> set[Version]:
        return {version for version in versions if _second(version[1]) in (self.since, None)}

    def _moved(self, versions: list[Version]) -> bool:
        """Whether rows entered or left the second before our offset, so that rows may have slid past it."""
        if versions and versions == self.last_page and len(versions) > 1:
            raise PagingLoop(f"The page at position {self.start} repeats the one before it.")
        return versions[:1] != self.last_page[-1:]


def _second(moment: datetime | None) -> datetime | None:
    """The whole second that a moment lies in."""
    return moment.replace(microsecond=0) if moment else None
