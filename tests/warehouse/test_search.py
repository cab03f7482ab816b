"""Search over landed rows: what is found, in which order, and that landing never suffers from it."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest

from connectors.quickbooks.streams import STREAMS
from connectors.stream import Page
from tests import postgres
from tests.oracle import ENCODE
from warehouse import connect as connect_module
from warehouse import search
from warehouse.connect import connect
from warehouse.errors import BadSearch, SearchUnavailable
from warehouse.landing import Landed, Options, land
from warehouse.locks import lock_key
from warehouse.run_log import Run

pytestmark = pytest.mark.both_postgres
STREAM = {stream.name: stream for stream in STREAMS}
Record = dict[str, Any]
Hits = list[Record]
EARLY, LATE = "2026-01-02T00:00:00Z", "2026-04-02T00:00:00Z"


def record(key: int | str, **fields: Any) -> Record:
    """A record as QuickBooks sends it, changed early unless said otherwise."""
    return {"Id": str(key), "MetaData": {"LastUpdatedTime": fields.pop("at", EARLY)}, **fields}


def customer(key: int, name: str, *, email: str = "", **fields: Any) -> Record:
    """A customer."""
    mail = {"PrimaryEmailAddr": {"Address": email}} if email else {}
    return record(key, DisplayName=name, **({"Active": True} | mail | fields))


def item(key: int, name: str, sku: str = "", kind: str = "Inventory", **fields: Any) -> Record:
    """An item."""
    return record(key, Name=name, Type=kind, **({"Active": True} | ({"Sku": sku} if sku else {}) | fields))


def document(key: int, number: str, *custom: tuple[str, str], **fields: Any) -> Record:
    """A sales document with custom fields."""
    own = [{"DefinitionId": str(at), "Name": name, "StringValue": value} for at, (name, value) in enumerate(custom)]
    return record(key, **({"DocNumber": number, "CustomField": own, "CustomerRef": {"value": "10"}} | fields))


CUSTOMERS = [
    customer(1, "Alder Supply", CompanyName="Northern Castings", email="office@alder.example", Balance=12.5),
    customer(2, "ALDER", at=LATE),
    customer(3, "Birch Alder Works"),
    customer(4, "Old Alder Yard", Active=False),
    customer(5, "Müller Stahl"),
    customer(6, "Ship's 100% Steel_Parts \\ Co"),
    customer(7, "Café Zenit"),
    customer(8, "Завод Север"),
    customer(9, "不锈钢管 工厂"),
    customer(10, "Baldersons"),
    customer(11, "Dogwood Bearing"),
    customer(12, "Dogwood Bearings"),
]
ITEMS = [
    item(1, "Ball valve", "BV-100", UnitPrice=29.99, Description="Galvanized, per piece"),
    item(2, "Valve", "V-1", UnitPrice=5, at=LATE),
    item(3, "BV-100", "X-9", "Service"),
    item(4, "Gate valve", "BV-1000", UnitPrice=7.5),
    item(5, "Old valve", Active=False),
    item(6, "Gold bar", "G-1", UnitPrice=Decimal("12345678901234567890.123")),
    item(8, "Rings", "X-WASHER"),
    item(7, "Blocks", "ABV-100-Z", Description="x" * 5000),
    *(item(100 + at, f"Washer {at:03}", f"W-{at:03}", "NonInventory") for at in range(120)),
]
NORTH = {"value": "2", "name": "ALDER"}
INVOICES = [
    document(
        1, "1001", ("P.O. Number", "PO-00613"), ("Sales Rep", "Desk 4"), CustomerRef=NORTH, TotalAmt=10, Balance=4
    ),
    document(2, "1002", ("Customer order no.", 'A "quoted" \\ 7'), TotalAmt=30),
    document(3, "1003", ("Purchase Order", "4500012"), TotalAmt=20, at=LATE),
    document(4, "1004", ("Crew #", "PO-00613")),
]
ESTIMATES = [document(9, "E-1", ("PO#", "PO-00614"), TxnStatus="Accepted", TotalAmt=5)]
ORDERS = [
    record(1, DocNumber="P-77", VendorRef={"value": "3", "name": "Elm Tooling"}, POStatus="Open", TotalAmt=99.5),
    record(2, DocNumber="P-78", VendorRef={"value": "4", "name": "Fir Plastics"}, POStatus="Closed"),
]
VENDORS = [record(3, DisplayName="Elm Tooling", CompanyName="Elm Group", Active=True)]


def put(url: str, stream: str, records: Sequence[Record], connection: str = "main") -> Landed:
    """Land all records of a stream."""
    texts = [msgspec.Raw(ENCODE(each)) for each in records]
    run = Run(uuid4(), "quickbooks", connection, None)
    return land(url, run, STREAM[stream], lambda _cursor: iter([Page(texts, complete=True)]), Options())


@pytest.fixture(scope="module")
def searched(postgres_version: str) -> Iterator["psycopg.Connection[Any]"]:
    """A session with a database where two connections have landed; the tests only look."""
    with postgres.fresh_database(postgres_version, "migrated") as url:
        for stream, records in (
            ("customer", CUSTOMERS), ("vendor", VENDORS), ("item", ITEMS), ("invoice", INVOICES),
            ("estimate", ESTIMATES), ("purchase_order", ORDERS),
        ):  # fmt: skip
            assert put(url, stream, records).warnings == []
        put(url, "customer", [customer(1, "Alder Abroad")], connection="other")
        with connect(url) as session:
            yield session


@pytest.fixture(autouse=True)
def encryption_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Landing may have to keep dead letters."""
    from tests.oracle import KEY

    monkeypatch.setenv("LANDFALL_ENCRYPTION_KEY", KEY)


def names(hits: Hits) -> list[str]:
    """The names of hits, in their order."""
    return [hit["name"] for hit in hits]


@pytest.mark.parametrize(
    ("index", "query", "expected"),
    [
        ("client_names", "lder sup", "Alder Supply"),
        ("client_names", "ALDER SUPPLY", "Alder Supply"),
        ("client_names", "supply alder", "Alder Supply"),
        ("client_names", "northern cast", "Alder Supply"),
        ("client_names", "@alder.example", "Alder Supply"),
        ("client_names", "  alder   supply ", "Alder Supply"),
        ("vendor_names", "elm gr", "Elm Tooling"),
        ("product_names", "all val", "Ball valve"),
        ("part_names", "bv-1000", "Gate valve"),
        ("part_numbers", "g-1", "Gold bar"),
        ("product_descriptions", "galvan", "Ball valve"),
        ("product_descriptions", "ball v", "Ball valve"),
        ("purchase_orders", "p-77", "P-77"),
        ("purchase_orders", "plastics", "P-78"),
        ("invoices", "1002", "1002"),
        ("invoices", "alder", "1001"),
    ],
)
def test_parts_of_names_and_numbers_are_found(
    searched: "psycopg.Connection[Any]", index: str, query: str, expected: str
) -> None:
    """Any part of what an index holds leads to the row, whatever its case and the order of words."""
    assert names(search.find(searched, index, query))[0] == expected


def test_hits_are_ordered_by_how_well_they_fit(searched: "psycopg.Connection[Any]") -> None:
    """All of the name comes first, then its beginning, then a word's, then a part, then what is only similar."""
    hits = search.find(searched, "client_names", "alder", of_connection="main")
    assert [(hit["name"], hit["matched"]) for hit in hits] == [
        ("ALDER", "exact"), ("Alder Supply", "prefix"), ("Birch Alder Works", "word"), ("Baldersons", "partial"),
    ]  # fmt: skip
    found = search.find(searched, "client_names", "dogwood bearings")
    assert [(hit["name"], hit["matched"]) for hit in found] == [
        ("Dogwood Bearings", "exact"), ("Dogwood Bearing", "similar"),
    ]  # fmt: skip


def test_part_numbers_come_before_names(searched: "psycopg.Connection[Any]") -> None:
    """Whoever looks for a part number gets every SKU that holds it before any name that does."""
    assert [hit["sku"] for hit in search.find(searched, "part_numbers", "bv-100")] == [
        "BV-100", "BV-1000", "ABV-100-Z", "X-9",
    ]  # fmt: skip
    assert [hit["sku"] for hit in search.find(searched, "part_names", "bv-100")][:2] == ["X-9", "BV-100"]
    # However many names begin so.
    assert names(search.find(searched, "part_numbers", "washer"))[:2] == ["Rings", "Washer 000"]
    assert "Rings" not in names(search.find(searched, "part_names", "washer"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("blal valve", "Ball valve"), ("gate vlave", "Gate valve"), ("vlave", "Valve"), ("gold baar", "Gold bar"),
        ("wsaher 007", "Washer 007"), ("wascher 007", "Washer 007"), ("ball valv3", "Ball valve"),
    ],
)  # fmt: skip
def test_typing_errors_are_forgiven(searched: "psycopg.Connection[Any]", query: str, expected: str) -> None:
    """A wrong, missing, doubled or swapped letter still leads to the row, marked as similar."""
    hits = search.find(searched, "product_names", query)
    assert expected in names(hits)
    assert hits[0]["matched"] == "similar"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("100%", 6), ("steel_p", 6), ("\\", 6), ("ship's", 6), ("%", 6), ("_", 6), ("'", 6), ("muller", 5), ("MÜLLER", 5),
        ("mu\u0308ller", 5), ("cafe", 7), ("CAFÉ", 7), ("завод", 8), ("СЕВЕР", 8), ("ев", 8), ("锈钢", 9), ("工", 9), ("不锈钢管", 9),
    ],
)  # fmt: skip
def test_signs_and_letters_of_every_script_stand_for_themselves(
    searched: "psycopg.Connection[Any]", query: str, expected: int
) -> None:
    """Nothing that can be typed is a pattern, and neither accents nor scripts are in the way."""
    assert [hit["id"] for hit in search.find(searched, "client_names", query)] == [str(expected)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [("звод север", 8), ("завдо север", 8), ("заводд", 8), ("СЕВРЕ", 8), ("不锈钢瓶 工厂", 9), ("mülller stahl", 5)],
)
def test_typing_errors_are_forgiven_in_every_script(
    searched: "psycopg.Connection[Any]", query: str, expected: int
) -> None:
    """So it is where the database knows the letters of others than English, which a locale of C does not."""
    hits = search.find(searched, "client_names", query)
    known = _knows_letters(searched) or expected == 5
    assert [(hit["id"], hit["matched"]) for hit in hits] == ([(str(expected), "similar")] if known else [])


@pytest.mark.parametrize(
    ("words", "reach"),
    [("abc", "anywhere"), ("ab", "beginnings"), ("ab c", "beginnings"), ("%", "nothing"), ("-ab", "nothing"), ("a-bcd", "anywhere")],
)  # fmt: skip
def test_what_an_index_can_find_depends_on_letters_and_not_on_their_script(
    searched: "psycopg.Connection[Any]", words: str, reach: str
) -> None:
    """Two letters of any script are the beginning of a word; from three on they are found within words."""
    cyrillic = words.translate(str.maketrans("abcd", "абвг"))
    found = [searched.execute("SELECT ops.search_reach(%s)", (text,)).fetchall()[0][0] for text in (words, cyrillic)]
    assert found == [reach, reach if _knows_letters(searched) else "nothing"]


def _knows_letters(session: "psycopg.Connection[Any]") -> bool:
    """Whether the database knows others than those of ASCII; test_embedded.py says that ours does where it can."""
    rows = session.execute("SELECT datctype FROM pg_database WHERE datname = current_database()").fetchall()
    return bool(rows[0][0] != "C")


@pytest.mark.parametrize(
    "query",
    ["'; DROP TABLE quickbooks.customer; --", "$1", "%s", "{}", "\0", "\ud800", "a" * 100_000, "\n\t", "(((", "🦀"],
)
def test_nothing_that_is_typed_breaks_out(searched: "psycopg.Connection[Any]", query: str) -> None:
    """The oddest text is looked for, and nothing else happens."""
    assert search.find(searched, "client_names", query, of_connection=query, of_type=query) == []
    assert len(search.find(searched, "client_names", "", of_connection="main")) == len(CUSTOMERS) - 1


def test_one_and_two_letters_find_beginnings_of_words_first(searched: "psycopg.Connection[Any]") -> None:
    """The first letters that somebody types give something to choose from."""
    assert names(search.find(searched, "product_names", "v"))[0] == "Valve"
    hits = search.find(searched, "client_names", "al", of_connection="main")
    assert [(hit["name"], hit["matched"]) for hit in hits] == [
        ("ALDER", "prefix"), ("Alder Supply", "prefix"), ("Birch Alder Works", "word"), ("Baldersons", "partial"),
    ]  # fmt: skip
    # Müller Stahl has it within a word, as well.
    assert names(search.find(searched, "client_names", "ah")) == ["Müller Stahl"]


def test_an_empty_text_lists_what_there_is(searched: "psycopg.Connection[Any]") -> None:
    """Without words the filters alone choose, in the order of names; items without a number have no part number."""
    assert names(search.find(searched, "product_names", "", limit=3)) == ["Ball valve", "Blocks", "BV-100"]
    assert names(search.find(searched, "client_names", " ", updated_since="2026-03-01")) == ["ALDER"]
    assert "5" not in [hit["id"] for hit in search.find(searched, "part_numbers", "", limit=100, active=None)]


def test_filters_leave_out_what_is_not_wanted(searched: "psycopg.Connection[Any]") -> None:
    """Inactive rows are there by choice; type, time and connection narrow the hits."""
    find = search.find
    assert "Old valve" not in names(find(searched, "product_names", "valve"))
    assert names(find(searched, "product_names", "valve", active=False)) == ["Old valve"]
    assert set(names(find(searched, "product_names", "valve", active=None))) >= {"Old valve", "Valve"}
    assert names(find(searched, "product_names", "bv-100", of_type="SERVICE")) == ["BV-100"]
    assert find(searched, "product_names", "valve", of_type="customer") == []
    assert names(find(searched, "product_names", "valve", updated_since="2026-03-01")) == ["Valve"]
    assert names(find(searched, "client_names", "alder", of_connection="other")) == ["Alder Abroad"]
    assert names(find(searched, "purchase_orders", "p-7", of_type="open")) == ["P-77"]


def test_hits_can_be_sorted_by_any_column(searched: "psycopg.Connection[Any]") -> None:
    """An analyst orders all hits by name, time or amount, either way; what has no value comes last."""
    find = search.find
    assert names(find(searched, "product_names", "valve", sort="name")) == ["Ball valve", "Gate valve", "Valve"]
    assert names(find(searched, "product_names", "valve", sort="-unit_price")) == ["Ball valve", "Gate valve", "Valve"]
    assert names(find(searched, "product_names", "valve", sort="unit_price")) == ["Valve", "Gate valve", "Ball valve"]
    assert names(find(searched, "product_names", "valve", sort="-updated_at"))[0] == "Valve"
    assert names(find(searched, "invoices", "", sort="-amount")) == ["1002", "1003", "1001", "1004"]
    assert names(find(searched, "product_names", "vlave", sort="-name")) == ["Valve", "Gate valve", "Ball valve"]
    with pytest.raises(BadSearch, match=r"cannot sort by.*relevance, id, name"):
        find(searched, "product_names", "valve", sort="name; DROP TABLE x")


def test_at_most_a_hundred_hits_are_given(searched: "psycopg.Connection[Any]") -> None:
    """Fifteen unless more are asked for, and never more than a hundred or less than one."""
    asked = {None: 15, 1: 1, 100: 100, 500: 100, 0: 1, -3: 1}
    for limit, given in asked.items():
        more = {} if limit is None else {"limit": limit}
        assert len(search.find(searched, "product_names", "washer", **more)) == given


def test_customers_order_numbers_are_found_on_invoices_and_estimates(searched: "psycopg.Connection[Any]") -> None:
    """Custom fields named like an order number count, whatever a company calls them; other fields do not."""
    hits = search.find(searched, "client_pos", "po-0061")
    assert [(hit["type"], hit["name"], hit["customer_po"]) for hit in hits] == [
        ("invoice", "1001", "PO-00613"), ("estimate", "E-1", "PO-00614"),
    ]  # fmt: skip
    assert hits[0]["customer"] == "ALDER"
    assert names(search.find(searched, "client_pos", "po-0061", of_type="estimate")) == ["E-1"]
    assert names(search.find(searched, "client_pos", "po-0061", of_type="accepted")) == ["E-1"]
    assert names(search.find(searched, "client_pos", 'a "quoted" \\ 7')) == ["1002"]
    assert names(search.find(searched, "client_pos", "4500012")) == ["1003"]
    assert search.find(searched, "client_pos", "desk") == []


def test_hits_hold_what_the_old_service_gave_and_exact_money(searched: "psycopg.Connection[Any]") -> None:
    """A hit has the fields that its callers know, and no cent is lost."""
    (hit,) = search.find(searched, "part_numbers", "g-1")
    expected = {"id": "6", "name": "Gold bar", "type": "item", "active": True, "sku": "G-1", "kind": "Inventory"}
    assert hit.items() >= expected.items()
    assert hit["unit_price"] == Decimal("12345678901234567890.123")
    row = searched.execute(
        "SELECT id, name, type, active, sku, unit_price FROM quickbooks.search('part_numbers', 'g-1')"
    )
    assert row.fetchone() == ("6", "Gold bar", "item", True, "G-1", Decimal("12345678901234567890.123"))


def test_analysts_search_in_sql_and_write_nothing(searched: "psycopg.Connection[Any]", postgres_version: str) -> None:
    """The role of analysts may call the function with names for its arguments; what it sets is as before afterwards."""
    admin = postgres.server(postgres_version)
    with psycopg.connect(admin, dbname=searched.info.dbname, autocommit=True) as session:
        session.execute("SET ROLE landfall_analyst; SET default_transaction_read_only = on")
        query = "SELECT name FROM quickbooks.search('product_names', 'vlave', \"limit\" => 2, active => NULL, sort => '-name')"
        assert session.execute(query).fetchall() == [("Valve",), ("Old valve",)]
        settings = "SELECT current_setting('enable_indexscan'), current_setting('pg_trgm.word_similarity_threshold')"
        assert session.execute(settings).fetchone() == ("on", "0.6")
        session.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("DELETE FROM ops.search_index")


def test_an_index_that_is_not_there_is_answered_with_those_that_are(searched: "psycopg.Connection[Any]") -> None:
    """A mistyped index or time is told in one sentence."""
    with pytest.raises(BadSearch, match=r"no search index parts.*client_names.*vendor_names"):
        search.find(searched, "parts", "x")
    with pytest.raises(psycopg.errors.UndefinedObject, match="no search index"):
        searched.execute("SELECT quickbooks.search('parts', 'x')")
    with pytest.raises(BadSearch, match="yesterdayish"):
        search.find(searched, "client_names", "x", updated_since="yesterdayish")


def test_the_indexes_are_used_and_listed(searched: "psycopg.Connection[Any]") -> None:
    """Search reads its indexes and not the whole table, and status says how large they are."""
    used = "SELECT coalesce(sum(idx_scan), 0) FROM pg_stat_user_indexes WHERE indexrelname LIKE 'item_search_%'"
    before = searched.execute(used).fetchall()[0][0]
    search.find(searched, "product_names", "valve")
    searched.execute("SELECT pg_stat_force_next_flush()")
    assert searched.execute(used).fetchall()[0][0] >= before + 2
    listed = {(row["index"], row["table"]): row for row in search.indexes(searched)}
    assert len(listed) == 10
    assert all(row["ready"] and row["bytes"] > 0 for row in listed.values())
    assert listed["part_numbers", "item"]["rows"] == len(ITEMS)


def test_search_follows_each_landing(database: str) -> None:
    """A new name is found at once, the old one no more, and what is gone at the source is gone here."""
    put(database, "customer", CUSTOMERS)
    renamed = [customer(1, "Cedar Mills", at=LATE), *CUSTOMERS[1:-1]]
    put(database, "customer", renamed)
    with connect(database) as session:
        assert names(search.find(session, "client_names", "cedar")) == ["Cedar Mills"]
        assert search.find(session, "client_names", "supply") == []
        assert names(search.find(session, "client_names", "dogwood bearings")) == ["Dogwood Bearing"]
        # Not landed yet: nothing found, no error.
        assert search.find(session, "purchase_orders", "p-77") == []


def test_without_the_extension_landing_goes_on_and_search_says_what_to_do(database: str, postgres_version: str) -> None:
    """Rows land with a warning; once an administrator has made the extension, in any schema, the next landing mends it."""
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    with psycopg.connect(postgres.server(postgres_version), dbname=name, autocommit=True) as admin:
        put(database, "customer", CUSTOMERS[:-1])
        admin.execute("DROP EXTENSION pg_trgm CASCADE")
        admin.execute(f'REVOKE CREATE ON DATABASE "{name}" FROM landfall'.encode())
        landed = put(database, "customer", CUSTOMERS)
        assert landed.counts.inserted == 1
        assert "CREATE EXTENSION pg_trgm" in landed.warnings[0]
        with connect(database) as session, pytest.raises(SearchUnavailable, match="pg_trgm"):
            search.find(session, "client_names", "alder")
        admin.execute('CREATE SCHEMA "Else where"')
        admin.execute('GRANT USAGE ON SCHEMA "Else where" TO landfall')
        admin.execute('CREATE EXTENSION pg_trgm SCHEMA "Else where"')
        assert put(database, "customer", CUSTOMERS).warnings == []
        with connect(database) as session:
            assert names(search.find(session, "client_names", "alder supplly")) == ["Alder Supply"]
            assert all(row["ready"] for row in search.indexes(session))


def test_an_owner_gets_the_extension_made(database: str, postgres_version: str) -> None:
    """Whoever owns the database needs no administrator: the first landing makes the extension."""
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    with psycopg.connect(postgres.server(postgres_version), dbname=name, autocommit=True) as admin:
        admin.execute("DROP EXTENSION pg_trgm")
    assert put(database, "customer", CUSTOMERS).warnings == []
    with connect(database) as session:
        assert names(search.find(session, "client_names", "cafe")) == ["Café Zenit"]


def test_an_index_that_cannot_be_made_now_is_made_by_the_next_landing(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writing to the table for long delays the index, not the landing."""
    put(database, "customer", CUSTOMERS)
    monkeypatch.setattr(search, "LOCK_WAIT", "100ms")
    with connect(database) as session, connect(database) as other:
        for (index,) in session.execute(
            "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'customer_search_%'"
        ).fetchall():
            session.execute(f"DROP INDEX quickbooks.{index}".encode())
        with other.transaction():
            other.execute("LOCK TABLE quickbooks.customer IN ROW EXCLUSIVE MODE")
            landed = put(database, "customer", [*CUSTOMERS, customer(13, "Elm Cutters")])
            assert landed.counts.inserted == 1
            assert "the next landing tries again" in landed.warnings[0]
            assert not any(row["ready"] for row in search.indexes(session))
        assert names(search.find(session, "client_names", "elm cutt")) == ["Elm Cutters"]
        assert put(database, "customer", [*CUSTOMERS, customer(13, "Elm Cutters")]).warnings == []
        assert all(row["ready"] for row in search.indexes(session))


def test_indexes_are_mended_beside_other_connections(database: str, postgres_version: str) -> None:
    """A half-made index is made anew, one that no declaration asks for any more goes, and other landings are not in the way."""
    put(database, "customer", CUSTOMERS)
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    put(database, "customer", [customer(1, "Alder Abroad")], connection="other")
    with connect(database) as session:
        session.execute("CREATE INDEX customer_search_earlier ON quickbooks.customer (company_name)")
        with psycopg.connect(postgres.server(postgres_version), dbname=name, autocommit=True) as admin:
            admin.execute(
                "UPDATE pg_index SET indisvalid = false FROM pg_class c WHERE c.oid = indexrelid AND c.relname LIKE 'customer_search_%'"
            )
        assert put(database, "customer", CUSTOMERS).warnings == []
        assert all(row["ready"] for row in search.indexes(session))
        assert session.execute("SELECT to_regclass('quickbooks.customer_search_earlier')").fetchone() == (None,)
        assert len(search.find(session, "client_names", "alder")) == 5


def test_a_landing_waits_for_an_index_that_another_connection_makes(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index of a large table takes longer than anything else may hold a table; it costs nobody their landing."""
    monkeypatch.setitem(connect_module._SETTINGS, "lock_timeout", "300ms")
    put(database, "item", [item(1, "Alder")], connection="first")
    with connect(database) as maker:
        maker.autocommit = False
        maker.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key("search", "quickbooks", "item"),))
        maker.execute("LOCK TABLE quickbooks.item IN SHARE MODE")
        with ThreadPoolExecutor(1) as pool:
            landing = pool.submit(put, database, "item", [item(2, "Birch")], connection="second")
            time.sleep(1.5)
            assert not landing.done()
            maker.rollback()
            assert landing.result(20).counts.inserted == 1
