"""What can be read from QuickBooks, and how a whole kind of record is read without losing any.

Paging is by value, on LastUpdatedTime: each query asks for what is not older than the last record seen, so a row that
is touched while we read moves behind us and is met again, and no row slides under an offset. The vendor's times have
a resolution of one second and ties occur: what was given of the border second is remembered and left out, and offsets
are used only inside a second that fills a page, each page overlapping the one before by a row so that a shift is noticed.
(An edit made in the very second that is being read by offsets may be met by the next run only.)
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from connectors.errors import CountMismatch, PagingLoop
from connectors.paging import DistinctIds, located, prefetch
from connectors.quickbooks.answers import Seen, look
from connectors.quickbooks.client import QuickBooksClient
from connectors.quickbooks.models import Address, Customer, Invoice, InvoiceLine, InvoiceLinkedTxn, Item, Vendor
from connectors.stream import Child, Gate, Page, Stream

# Without this the vendor hides inactive customers, vendors and items.
INACTIVE_TOO = "Active IN (true,false)"
# Documented kinds; another one lands as it is and is reported.
ITEM_TYPES = ["Inventory", "Service", "NonInventory", "Category", "Group", "Bundle"]
UPDATED = "MetaData.LastUpdatedTime"
MOST_IDLE_PAGES = 50  # fifty thousand known rows in a row: nobody gets anywhere like that


Version = tuple[str, datetime | None]


@dataclass(slots=True)
class _Walk:
    """Where we are in the records of one entity, ordered by the time of their last change.

    Usually at the beginning of what is not older than ``since``. Inside a second that holds more than a page, at an
    offset in it; then ``beyond`` it, since a row that left the second meanwhile has moved all behind it.
    """

    since: datetime | None = None
    beyond: bool = False
    start: int = 1
    given: set[Version] = field(default_factory=set)
    last_page: list[Version] = field(default_factory=list)
    longest: int = 0
    idle: int = 0
    distinct: DistinctIds = field(default_factory=DistinctIds)

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
        if since is not None and any(head.updated is not None and head.updated < since for head in heads):
            raise PagingLoop(f"The page repeats records from before {since.isoformat()}, which were read already.")
        found = [at for at, head in enumerate(heads) if head.version not in self.given]
        if self.start > 1 and since is not None:  # what is later than this second comes again, from its own beginning
            found = [at for at in found if heads[at].updated in (since, None)]
        for at in found:
            self.distinct.add(heads[at].identity)
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
        versions = [head.version for head in heads]
        same_second = {version for version in versions if version[1] in (self.since, None)}
        if self.start > 1 and self._moved(versions):
            self.given |= same_second
            self.start = 1
            return True
        full = len(heads) >= max(self.longest, 2)
        self.longest, self.last_page = max(self.longest, len(heads)), versions
        last = next((head.updated for head in reversed(heads) if head.updated is not None), self.since)
        # Where no record tells a time there are only offsets and the count to go by.
        timeless_end = last is None and self.start > 1
        if not full and (timeless_end or (self.start == 1 and not anything_new)):
            return False
        if last == self.since and full:
            self.start += len(heads) - 1  # one row twice, to see that it still is where it was
            self.given |= same_second
        elif self.start > 1 and self.since is not None:
            self.given |= same_second
            self.beyond, self.start = True, 1
        elif last == self.since:
            self.given |= same_second
        else:
            self.given = {version for version in versions if version[1] in (last, None)}
            self.since, self.beyond, self.start = last, False, 1
        return True

    def _moved(self, versions: list[Version]) -> bool:
        """Whether rows entered or left the second before our offset, so that rows may have slid past it."""
        if versions and versions == self.last_page and len(versions) > 1:
            raise PagingLoop(f"The page at position {self.start} repeats the one before it.")
        return versions[:1] != self.last_page[-1:]


def _read(client: QuickBooksClient, stream: str, entity: str, where: str) -> Generator[Page, None, None]:
    """All records of an entity, page by page; the last page says that it was all of them.

    The vendor's own count, taken before and after, has to agree: the number of distinct records read must lie
    between the two. A record changed while we read is given in both versions and counted once.
    """
    with located(f"{stream} count"):
        before = client.count(entity, where)
    walk = _Walk()
    for number in count(1):
        at = f"{stream} page {number}"
        with located(at):
            records = client.rows(entity, walk.statement(entity, where, client.page_size))
            heads = [look(record) for record in records]
            new = walk.new(heads)
            more = walk.advance(heads, bool(new))
        if new:
            yield Page(records=[records[n] for n in new], keys=[heads[n].key for n in new], at=at)
        if not more:
            break
    with located(f"{stream} count"):
        after = client.count(entity, where)
    read = len(walk.distinct)
    if not min(before, after) <= read <= max(before, after):
        total = str(after) if before == after else f"{min(before, after)} to {max(before, after)}"
        raise CountMismatch(f"read {read} of {total} {stream} records that QuickBooks counts.", at=at)
    yield Page(at=at, complete=True)


def _pages(stream: str, entity: str, where: str = "") -> Callable[[Any, Mapping[str, Any] | None], Iterator[Page]]:
    def pages(client: QuickBooksClient, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Everything, whatever the cursor: only a whole reading can tell what was deleted."""
        return prefetch(_read(client, stream, entity, where))

    return pages


def _addresses(owner: str, *roles: str) -> Child:
    return Child("address", Address, ("owner_type", "owner_id", "role"), roles=roles, owner=owner)


STREAMS: tuple[Stream, ...] = (
    Stream(
        name="customer",
        schema="quickbooks",
        record=Customer,
        key=("id",),
        pages=_pages("customer", "Customer", INACTIVE_TOO),
        children=(_addresses("customer", "BillAddr", "ShipAddr"),),
        version="updated_at",
    ),
    Stream(
        name="vendor",
        schema="quickbooks",
        record=Vendor,
        key=("id",),
        pages=_pages("vendor", "Vendor", INACTIVE_TOO),
        children=(_addresses("vendor", "BillAddr"),),
        version="updated_at",
    ),
    Stream(
        name="item",
        schema="quickbooks",
        record=Item,
        key=("id",),
        pages=_pages("item", "Item", INACTIVE_TOO),
        version="updated_at",
        gates=(
            # An item without a name cannot be found again; a batch of them is a fault of the source.
            Gate("expect_column_values_to_not_be_null", {"column": "name", "mostly": 0.9}),
            Gate("expect_column_values_to_be_in_set", {"column": "type", "value_set": ITEM_TYPES}, blocks=False),
        ),
    ),
    Stream(
        name="invoice",
        schema="quickbooks",
        record=Invoice,
        key=("id",),
        pages=_pages("invoice", "Invoice"),
        children=(
            Child("invoice_line", InvoiceLine, ("invoice_id", "index"), path="Line"),
            Child("invoice_linked_txn", InvoiceLinkedTxn, ("invoice_id", "index"), path="LinkedTxn"),
            _addresses("invoice", "BillAddr", "ShipAddr", "ShipFromAddr"),
        ),
        version="updated_at",
    ),
)
