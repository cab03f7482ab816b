"""Three ways through a set without losing a row, each ended by the service itself and guarded against going in circles.

By key, the rule: every query asks for what comes after the last key seen, in the order of the key. A row that is edited
stays where it is, one that vanishes moves no other; whether the service's tokens are offsets does not matter, for none is
followed. Keys are never compared here: their order is the database's (``17`` before ``100`` at SAP, GUIDs in an order of
their own at 1C).

By link, where a service cannot filter by key: its own links are followed, and rows may slide when others vanish; so a
reading counts as complete only if nothing came or went meanwhile. By skip, the same with offsets, each page overlapping
the one before by a row so that a shift is noticed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from connectors.errors import CountMismatch, PagingLoop, SourceError
from connectors.odata.client import ODataClient, Reply
from connectors.odata.dialect import Dialect
from connectors.odata.heads import Head, reader
from connectors.paging import DistinctIds, LoopGuard, located

MOST_RESTARTS = 5  # of one value of a leading key; a table that busy cannot be read by offsets

Chunk = tuple[str, Reply, list[int], list[Head]]
"""A page: where this was, the reply, the positions of the records in it that are new, and the heads of all of them."""


@dataclass(slots=True)
class Walk:
    """One way through a set: ``path``, its ``key`` in order, the conditions and options of every query.

    ``literal`` writes a value of the key's first field in a filter. ``distinct`` counts the records that were met, and
    ``nameless`` those whose key cannot be read: they are bad records, and no reason to take the reading for incomplete.
    """

    client: ODataClient
    dialect: Dialect
    name: str
    path: str
    key: tuple[str, ...]
    changed: str
    condition: str
    options: Mapping[str, str]
    page_size: int
    literal: Callable[[str], str]
    distinct: DistinctIds = field(default_factory=DistinctIds)
    nameless: int = 0
    first: Reply | None = None
    pages: int = 0

    @property
    def read(self) -> int:
        """How many different records were read."""
        return len(self.distinct) + self.nameless

    def by_key(self) -> Iterator[Chunk]:
        """Each page from the last key seen, to the page that is empty."""
        return self._by_one_key() if len(self.key) == 1 else self._by_leading_key()

    def _by_one_key(self) -> Iterator[Chunk]:
        bound = ""
        while True:
            at, reply, heads = self._ask(bound, top=self.page_size)
            if not heads:
                return
            more = self._without_tail(reply, heads, at)
            if not self._count(heads) and more:
                raise PagingLoop(f"The page repeats records that were read before, the last of them {bound}.", at=at)
            yield at, reply, list(range(len(heads))), heads
            if not more:
                return
            bound = f"{self.key[0]} gt {self.literal(heads[-1].key[0])}"

    def _by_leading_key(self) -> Iterator[Chunk]:
        """Of a key of several fields the first one leads: each query begins with the last value of it.

        What was given of that value comes again and is left out. Only inside a value that fills a page offsets are
        used, each page overlapping the one before by a row; if that is another one, the value is read again.
        """
        size = max(self.page_size, 2)
        last, skip, restarts = "", 0, 0
        given: set[tuple[str, ...]] = set()
        border: tuple[str, ...] = ()
        while True:
            bound = f"{self.key[0]} ge {self.literal(last)}" if last else ""
            at, reply, heads = self._ask(bound, top=size, skip=max(skip - 1, 0))
            if skip and (not heads or heads[0].key != border):
                skip, restarts = 0, restarts + 1
                if restarts > MOST_RESTARTS:
                    raise CountMismatch(f"rows of {last} moved again and again while they were read.", at=at)
                continue
            if not heads or (skip and len(heads) == 1 and reply.link is None):
                return
            if skip and len(heads) == 1:
                raise SourceError(
                    "The service gives one record a page; that is too few to tell whether rows move.", at=at
                )
            more = self._without_tail(reply, heads, at)
            new = [n for n, head in enumerate(heads) if head.key not in given]
            self._count(heads)
            yield at, reply, new, heads
            if not more:
                return
            border, ends_in = heads[-1].key, heads[-1].key[0]
            skip = max(skip - 1, 0) + len(heads) if ends_in == last else 0
            given = (given if ends_in == last else set()) | {head.key for head in heads if head.key[0] == ends_in}
            last = ends_in

    def _without_tail(self, reply: Reply, heads: list[Head], at: str) -> bool:
        """Take records without a key off the end, since they come again behind the last key that can be read.

        False, with nothing taken off, for a last page of such records alone.
        """
        if not any(head.key[0] for head in heads):
            if reply.link is None and len(reply.records) < self.page_size:
                return False
            raise SourceError(f"No record of the page has a {self.key[0]}, so nobody can tell what follows.", at=at)
        while not heads[-1].key[0]:
            heads.pop()
        return True

    def by_link(self) -> Iterator[Chunk]:
        """The service's own links, to the page that has none."""
        guard = LoopGuard()
        at, reply, heads = self._ask("")
        while True:
            self._count(heads)
            yield at, reply, list(range(len(heads))), heads
            if not reply.link:
                return
            guard.check(reply.link, at)
            self.pages += 1
            at = f"{self.name} page {self.pages}"
            with located(at):
                reply = self.client.follow(self.dialect, reply.link, reply)
            heads = self._heads(reply)

    def by_skip(self) -> Iterator[Chunk]:
        """Offsets, each page beginning with the last row of the one before; raises `CountMismatch` when it does not."""
        read = 0
        border: Head | None = None
        for _ in count():
            at, reply, heads = self._ask("", top=self.page_size, skip=max(read - 1, 0))
            if border is not None:
                if not heads or heads[0].key != border.key:
                    raise CountMismatch("rows moved while they were read, so some may have slid out of sight.", at=at)
                if len(heads) == 1:
                    return
            elif not heads:
                return
            begin = 0 if border is None else 1
            if not self._count(heads[begin:]):
                raise PagingLoop(f"The page at row {read} repeats records that were read before.", at=at)
            yield at, reply, list(range(begin, len(heads))), heads
            read += len(heads) - begin
            border = heads[-1]

    def at_once(self) -> Iterator[Chunk]:
        """One answer that holds everything, as virtual tables give it."""
        at, reply, heads = self._ask("", ordered=False)
        self._count(heads)
        yield at, reply, list(range(len(heads))), heads

    def _ask(self, bound: str, *, top: int = 0, skip: int = 0, ordered: bool = True) -> tuple[str, Reply, list[Head]]:
        self.pages += 1
        at = f"{self.name} page {self.pages}"
        asked = {
            **self.options,
            "filter": " and ".join(part for part in (self.condition, bound) if part),
            "orderby": ",".join(self.key) if ordered else "",
            "top": str(top) if top else "",
            "skip": str(skip) if skip else "",
        }
        guard = LoopGuard()
        with located(at):
            reply = self.client.page(self.dialect, self.path, asked)
            while reply.link and not reply.records:  # an empty page that is not the end
                guard.check(reply.link, at)
                reply = self.client.follow(self.dialect, reply.link, reply)
        self.first = self.first or reply
        return at, reply, self._heads(reply)

    def _heads(self, reply: Reply) -> list[Head]:
        head = reader(self.key, self.changed)
        return [head(record) for record in reply.records]

    def _count(self, heads: list[Head]) -> int:
        """Count these records; returns how many of those with a key had not been met."""
        before = len(self.distinct)
        named = [each.identity for each in heads if any(each.key)]
        self.distinct.update(named)
        self.nameless += len(heads) - len(named)
        return len(self.distinct) - before
