"""Reading all of a company's records: none lost, none silently doubled, whatever happens meanwhile."""

import json
import random
import re
import tracemalloc
from collections import defaultdict
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from connectors.errors import CountMismatch, PagingLoop
from connectors.quickbooks.answers import Rows
from connectors.quickbooks.reading import Reading
from connectors.quickbooks.streams import STREAMS, streams

ZONES = [timezone(timedelta(hours=-7)), timezone(timedelta(hours=-8))]


class Books:
    """A company's records in memory, answering the queries that the streams ask; ``now`` is its clock in seconds."""

    def __init__(self, page_size=10, cap=1000):
        self.page_size = page_size
        self.cap = cap
        self.now = 0
        self.records = {}
        self.statements = []
        self.between = lambda: None
        self.answer = lambda statement, rows: rows
        self.counts = []

    def put(self, key, at=None, **fields):
        self.now = self.now + 1 if at is None else max(at, self.now)
        self.records[key] = (self.now if at is None else at, fields)

    def text(self, key):
        at, fields = self.records[key]
        moment = datetime.fromtimestamp(at, UTC).astimezone(ZONES[at // 100 % 2])
        return json.dumps({"Id": key, "MetaData": {"LastUpdatedTime": moment.isoformat()}} | fields).encode()

    def rows(self, entity, statement):
        self.statements.append(statement)
        since = re.search(r"LastUpdatedTime (>=?) '([^']+)'", statement)
        low = datetime.fromisoformat(since[2]).timestamp() + (since[1] == ">") if since else 0
        start, size = map(int, re.search(r"STARTPOSITION (\d+) MAXRESULTS (\d+)$", statement).groups())
        keys = sorted(
            (key for key in self.records if self.records[key][0] >= low), key=lambda k: (self.records[k][0], k)
        )
        page = [self.text(key) for key in keys[start - 1 :][: min(size, self.cap)]]
        page = self.answer(statement, page)
        self.between()
        return Rows(msgspec.Raw(each) for each in page)

    def count(self, entity, where=""):
        self.counts.append(where)
        return len(self.records)


def read(books, where=""):
    """All pages of a reading, and each record's versions in the order given."""
    pages = list(Reading("invoice", "Invoice", where).everything(books))
    given = {}
    for page in pages:
        assert len(page.records) == len(page.keys or [])
        for record, key in zip(page.records, page.keys or [], strict=True):
            given.setdefault(key, []).append(json.loads(bytes(record)))
    return pages, given


def fill(books, many, spacing=1):
    for number in range(many):
        books.put(str(number + 1), at=1000 + number // spacing)


@pytest.mark.parametrize("many", [0, 1, 9, 10, 11, 19, 20, 21, 100])
@pytest.mark.parametrize("spacing", [1, 3, 10, 25, 1000])
@pytest.mark.parametrize("cap", [1000, 4])
def test_every_record_once(many, spacing, cap):
    """Every record arrives exactly once, with ties, at page borders, and when pages are shorter than asked for."""
    books = Books(cap=cap)
    fill(books, many, spacing)
    pages, given = read(books)
    assert {key: len(versions) for key, versions in given.items()} == {str(n + 1): 1 for n in range(many)}
    assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]


def test_a_reading_costs_few_requests():
    """One request a page, one that brings nothing new, and two counts."""
    books = Books(page_size=100)
    fill(books, 1000)
    read(books)
    assert len(books.statements) <= 13
    assert len(books.counts) == 2


def test_the_statements():
    """The first query has no bound, later ones ask from the last second seen, with its offset."""
    books = Books()
    fill(books, 15)
    read(books, "Active IN (true,false)")
    order = "ORDERBY MetaData.LastUpdatedTime ASC STARTPOSITION 1 MAXRESULTS 10"
    assert books.statements[:2] == [
        f"SELECT * FROM Invoice WHERE Active IN (true,false) {order}",
        "SELECT * FROM Invoice WHERE Active IN (true,false)"
        f" AND MetaData.LastUpdatedTime >= '1969-12-31T17:16:49-07:00' {order}",
    ]
    assert set(books.counts) == {"Active IN (true,false)"}


def test_pages_are_named():
    """Every page says where it is from, for errors."""
    books = Books()
    fill(books, 25)
    assert [page.at for page in read(books)[0]][:3] == ["invoice page 1", "invoice page 2", "invoice page 3"]


@pytest.mark.parametrize("seed", range(200))
def test_records_that_change_while_being_read(seed):
    """Edits, new records and ties during a reading: nothing is lost, and what changed is given in its last version."""
    picker = random.Random(seed)
    books = Books(page_size=picker.choice([3, 7, 10]))
    fill(books, picker.randrange(5, 80), picker.choice([1, 2, 5]))
    books.now = 5000
    edits = picker.randrange(0, 25)
    edited_twice = defaultdict(set)

    def edit():
        nonlocal edits
        for _ in range(picker.randrange(0, 3)):
            if edits <= 0:
                return
            edits -= 1
            key = picker.choice([*books.records, str(1000 + edits)])
            before = books.records.get(key, (None,))[0]
            books.put(key, at=books.now + picker.randrange(0, 2), V=edits)
            if books.records[key][0] == before:
                edited_twice[key].add(before)

    books.between = edit
    at_the_end = {}

    def remember(statement, rows):
        at_the_end.clear()
        at_the_end.update(books.records)
        return rows

    books.answer = remember
    _, given = read(books)
    for key, (at, fields) in at_the_end.items():
        versions = [
            (datetime.fromisoformat(v["MetaData"]["LastUpdatedTime"]).timestamp(), v.get("V")) for v in given[key]
        ]
        assert len(versions) == len(set(versions))
        # Two things cannot be seen, and are by the next run: a second edit within the second of the version given,
        # and an edit within a second that fills a page by itself, so that offsets are needed in it.
        crowded = sum(other == at for other, _ in at_the_end.values()) >= books.page_size
        assert versions[-1] == (at, fields.get("V")) or at in edited_twice[key] or crowded


def test_deleted_records_shift_nothing():
    """A record deleted on a page already read moves no other out of sight."""
    books = Books()
    fill(books, 55)
    doomed = iter(["3", "14", "15"])
    books.between = lambda: books.records.pop(next(doomed, "none"), None)
    _, given = read(books)
    assert set(books.records) <= set(given)


def test_a_page_that_repeats():
    """A source that hands out one page for ever is found out at once, by name."""
    for first in ("1", "2"):
        books = Books()
        fill(books, 50)
        memory = {}

        def stuck(statement, rows, books=books, first=int(first), memory=memory):
            memory.setdefault("page", rows) if len(books.statements) == first else None
            return memory.get("page", rows)

        books.answer = stuck
        with pytest.raises(PagingLoop, match=rf"records from before .* \(at invoice page {int(first) + 1}\)"):
            read(books)


def test_a_page_of_one_second_that_repeats():
    """The same when all its records are of one second, where offsets are in use."""
    books = Books()
    fill(books, 40, 1000)
    kept = []
    books.answer = lambda statement, rows: kept or kept.extend(rows) or rows
    with pytest.raises(PagingLoop, match="repeats"):
        read(books)
    assert len(books.statements) <= 4


def test_a_source_that_dries_up():
    """An answer that is empty too early is not the end: read 30 of 100 is an error with both numbers."""
    books = Books()
    fill(books, 100)
    books.answer = lambda statement, rows: rows if len(books.statements) <= 3 else []
    with pytest.raises(CountMismatch, match=r"read 2[0-9] of 100 invoice records"):
        read(books)


def test_records_that_are_held_back():
    """Records that the source counts but does not give are missed."""
    books = Books()
    fill(books, 50)
    books.answer = lambda statement, rows: [row for row in rows if b'"Id": "7"' not in row]
    with pytest.raises(CountMismatch, match="read 49 of 50"):
        read(books)


def test_new_records_meanwhile_are_no_mismatch():
    """Records made while reading are told by the two counts."""
    books = Books()
    fill(books, 30)
    made = iter(range(100, 105))
    books.between = lambda: (number := next(made, 0)) and books.put(str(number))
    _, given = read(books)
    assert len(given) == 35


def test_damaged_records_are_handed_on():
    """Records without a readable id or time go on with what is known of them, once, and the rest is read."""
    books = Books()
    fill(books, 35)
    damage = {
        b'"Id": "5"': b'{"Id": null, "MetaData": {"LastUpdatedTime": "1970-01-01"}}',
        b'"Id": "20"': b'{"Id": "20", "MetaData": {}}',
        b'"Id": "35"': b'{"Name": "nothing else"}',
    }
    books.answer = lambda statement, rows: [
        next((bad for mark, bad in damage.items() if mark + b"," in row), row) for row in rows
    ]
    pages, given = read(books)
    assert len(given[""]) == 2
    assert len(given["20"]) == 1
    assert sum(len(page.records) for page in pages) == 35


def test_a_whole_page_without_times():
    """Even if a page tells no time at all, reading goes on behind it."""
    books = Books()
    fill(books, 30)
    books.answer = lambda statement, rows: [json.dumps({"Id": json.loads(row)["Id"]}).encode() for row in rows]
    _, given = read(books)
    assert len(given) == 30


def test_memory_does_not_grow_with_the_company():
    """Four times the records need hardly more memory."""

    def peak(many):
        books = Books(page_size=500)
        fill(books, many)
        tracemalloc.start()
        for page in Reading("invoice", "Invoice").everything(books):
            del page
        books.statements.clear()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    # The in-memory company itself sorts its keys for each page; that part is measured with it and grows.
    assert peak(8000) < peak(2000) + 1_500_000


ENTITIES = [
    "account",
    "bill",
    "bill_payment",
    "budget",
    "class",
    "company_info",
    "credit_memo",
    "customer",
    "customer_type",
    "department",
    "deposit",
    "employee",
    "estimate",
    "invoice",
    "item",
    "journal_entry",
    "payment",
    "payment_method",
    "purchase",
    "purchase_order",
    "refund_receipt",
    "sales_receipt",
    "tax_agency",
    "tax_code",
    "tax_rate",
    "term",
    "time_activity",
    "transfer",
    "vendor",
    "vendor_credit",
]
RECORDS = {child.table: child.record for stream in STREAMS for child in stream.children}
RECORDS |= {stream.name: stream.record for stream in STREAMS}


def test_the_streams_that_there_are():
    """Every entity lands in schema quickbooks, in its own versions, with its lines, taxes, links and addresses."""
    assert sorted(each.name for each in STREAMS) == ENTITIES
    assert {(each.schema, each.key, each.version) for each in STREAMS} == {("quickbooks", ("id",), "updated_at")}
    children = {stream.name: [child.table for child in stream.children] for stream in STREAMS}
    for name in ("invoice", "estimate", "credit_memo", "sales_receipt", "refund_receipt"):
        parts = ("line", "line_bundle", "tax_line", "linked_txn")
        assert children[name] == [*(f"{name}_{part}" for part in parts), "address"]
    assert children["payment"] == ["payment_line", "payment_line_linked_txn"]
    assert children["item"] == ["bundle_item"]


def test_a_connection_reads_what_it_names():
    """Whoever needs two kinds of records pays for two."""
    assert [each.name for each in streams(("item", "bill"))] == ["item", "bill"]
    assert streams() == STREAMS


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_every_column_is_described(record):
    """Every table and column says what it means, where it comes from, and amounts in what unit."""
    assert record.__doc__
    sources = []
    for field in msgspec.inspect.type_info(record).fields:
        about = field.type
        assert isinstance(about, msgspec.inspect.Metadata), field.name
        assert about.extra_json_schema["description"]
        assert about.extra["source"]
        names = {type(part).__name__ for part in getattr(about.type, "types", (about.type,))}
        if "DecimalType" in names:
            assert about.extra["unit"], f"{field.name} has no unit"
        # Lines of bundles tell some things under both of the names that Fivetran gives them.
        if not (record in BUNDLES and field.name.startswith("sales_item_")):
            sources.append(about.extra["source"])
    assert len(sources) == len(set(sources))


BUNDLES = [record for table, record in RECORDS.items() if table.endswith("_line_bundle")]


def test_gates_block_and_warn():
    """One stream shows both kinds of gates."""
    assert {True, False} in [{gate.blocks for gate in stream.gates} for stream in STREAMS]
