"""The S/4HANA connector and the simulated system over real HTTP: every data type, in both versions."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from connectors.erp.mapping import load
from connectors.erp.odata import system_of
from connectors.errors import (
    ConnectorError,
    CountMismatch,
    MappingInvalid,
    NotMapped,
)
from tests.connectors.erp.sap_s4_parts import DATA_TYPES, MAPPINGS, keys, pages, records, set_of


@pytest.mark.parametrize(
    ("paging", "links"), [("key", "absolute"), ("link", "absolute"), ("link", "relative"), ("link", "encoded")]
)
def test_everything_is_read_once(system, sap, paging, links):
    """All records of every data type arrive, each once, however the server pages and writes its links."""
    system.switches.page_size, system.switches.links = 7, links
    for name in DATA_TYPES:
        given = pages(sap(paging=paging), name)
        found = keys(given, name)
        assert len(found) == len(set(found)) == len(set_of(system, name).records), name
        assert [page.complete for page in given] == [False] * (len(given) - 1) + [True]
    assert {entry.method for entry in system.host.journal.entries("/sap/")} == {"GET"}


@pytest.mark.parametrize("size", [59, 60, 61, 30, 1])
def test_the_end_is_where_nothing_comes(system, sap, size):
    """A set that is an exact multiple of the page, or one more or less, is read whole."""
    for paging in ("key", "link"):
        system.switches.page_size = size
        assert len(keys(pages(sap(page_size=size, paging=paging)))) == 60


def test_both_versions_are_one(system, sap):
    """Orders read over version 4 are those of version 2, numbers as texts or as numbers, lines with them."""
    old, new = records(pages(sap())), records(pages(sap(), version="v4"))
    for one, other in zip(old, new, strict=True):
        assert (one["SalesOrder"], one["TotalNetAmount"]) == (other["SalesOrder"], other["TotalNetAmount"])
        assert [line["NetAmount"] for line in one["to_Item"]["results"]] == [
            line["NetAmount"] for line in other["_Item"]
        ]
    system.switches.texts = False
    raw = [bytes(record) for page in pages(sap(), version="v4") for record in page.records]
    assert f'"TotalNetAmount":{old[0]["TotalNetAmount"]}'.encode() in raw[0]


@pytest.mark.parametrize("version", ["v2", "v4"])
def test_lists_that_are_cut_short(system, sap, version):
    """The lines of large orders that come in pieces are put together, to the last digit."""
    whole = records(pages(sap(), version=version))
    system.switches.nested = 1
    assert _without_links(records(pages(sap(), version=version))) == _without_links(whole)
    assert system.host.journal.count("_Item" if version == "v4" else "/to_Item") > 60


def _without_links(orders):
    return [[{k: v for k, v in line.items() if k[0] not in "_@"} for line in _lines(order)] for order in orders]


def _lines(order):
    return order["_Item"] if "_Item" in order else order["to_Item"]["results"]


def test_a_second_reading_asks_for_changes(system, sap):
    """With the cursor of the last run only what changed since comes, and what lies in the overlap."""
    cursor = pages(sap())[-1].cursor
    again = pages(sap(), cursor=cursor)
    assert "19" not in keys(again)
    assert not again[-1].complete
    system.touch("19", PurchaseOrderByCustomer="W-new")
    changed = pages(sap(), cursor=again[-1].cursor)
    assert {"19"} <= set(keys(changed)) <= {"19", *keys(again)}
    assert next(each for each in records(changed) if each["SalesOrder"] == "19")["PurchaseOrderByCustomer"] == "W-new"


def test_a_change_that_shows_itself_late(system, sap):
    """A record that is stamped within the overlap, and visible only after the run, comes with the next one."""
    system.touch("7")
    cursor = pages(sap())[-1].cursor
    late = system.add_order(200, changed=system.now() - timedelta(minutes=5))
    assert late in keys(pages(sap(), cursor=cursor))


def test_the_mark_is_behind_what_was_read(system, sap):
    """A cursor is never ahead of a time that was read, nor of the system's clock, whatever the future holds."""
    system.touch("3")
    at = datetime.fromisoformat(pages(sap())[-1].cursor["since"])
    assert at <= system.orders.records[("3",)]["LastChangeDateTime"] - timedelta(minutes=10)
    system.orders.touch("5", at=datetime(2999, 1, 1, tzinfo=UTC))
    assert datetime.fromisoformat(pages(sap())[-1].cursor["since"]) <= datetime.now(UTC) - timedelta(minutes=9)
    quiet = pages(sap(), cursor={"since": "2026-11-01T00:00:00+00:00", "full_at": datetime.now(UTC).isoformat()})
    assert datetime.fromisoformat(quiet[-1].cursor["since"]).year < 2999


@pytest.mark.parametrize("cursor", [
    {}, {"since": "nonsense", "full_at": "2026-01-01T00:00:00Z"}, {"since": "2999-01-01T00:00:00+00:00", "full_at": "2999-01-01T00:00:00+00:00"},
    {"since": "2026-11-01T00:00:00", "full_at": "2026-11-01T00:00:00"}, {"since": "2026-01-05T08:00:00+00:00", "full_at": "2026-01-05T08:00:00+00:00"},
])  # fmt: skip
def test_everything_is_read_when_the_mark_is_old_or_none(sap, cursor):
    """Without a mark that makes sense, or a day after the last whole reading, everything is read."""
    assert pages(sap(), cursor=cursor)[-1].complete


def test_many_records_of_one_moment(system, sap):
    """Fifty records changed in one moment, with pages of seven, arrive once each, first and next time."""
    system.tie(system.orders, 50)
    cursor = {"since": (system.now() - timedelta(hours=2)).isoformat(), "full_at": system.now().isoformat()}
    for given in (pages(sap(page_size=7)), pages(sap(page_size=7), cursor=cursor)):
        found = keys(given)
        assert len(found) == len(set(found)) >= 50


@pytest.mark.parametrize("name", ["orders", "inventory"])
def test_rows_touched_and_deleted_while_reading(system, sap, name):
    """Nothing slides out of sight when rows behind us are edited, deleted or added while we read."""
    entities = set_of(system, name)
    order = [key for _, key in entities.ordered()]
    stay = set(order[4:])

    def meddle(_set, page):
        if page == 2:
            for key in order[:4]:
                entities.delete(*key)
            if entities.changed:
                entities.touch(*order[5], at=system.now())

    system.host.on_page(meddle)
    found = keys(pages(sap(page_size=10), name), name)
    assert len(found) == len(set(found))
    if name == "orders":
        assert {key[0] for key in stay} <= set(found)
    assert len(found) == len(order)


def test_stock_with_more_rows_than_a_page(system, sap):
    """A material with more levels than fit a page is read whole, at any size of page."""
    for size in (1, 3, 5):
        found = keys(pages(sap(page_size=size), "inventory"), "inventory")
        assert len(found) == len(set(found)) == len(system.stock.records)


def test_stock_that_moves_inside_a_material(system, sap):
    """Levels that vanish while a material of many pages is read let no other slide out of sight."""
    row = system.stock.records[system.stock.ordered()[0][1]]
    system.stock.put(*({**row, "Batch": f"X{n:03}"} for n in range(40)))
    order = [key for _, key in system.stock.ordered() if key[0] == row["Material"]]
    system.host.on_page(lambda _set, page: [system.stock.delete(*order[n]) for n in (1, 2, 3)] if page == 3 else None)
    found = keys(pages(sap(page_size=9), "inventory"), "inventory")
    left = {"/".join(key[at] for at in (0, 1, 2, 3, 10)) for _, key in system.stock.ordered()}
    assert left <= set(found)
    assert len(found) == len(set(found))


def test_changes_by_links(system, sap):
    """Changes that are read by links are counted too, since a row that vanishes may let another slide past."""
    cursor = pages(sap())[-1].cursor
    system.tie(system.orders, 30, at=system.now())
    system.switches.page_size = 10
    assert len(keys(pages(sap(paging="link"), cursor=cursor))) >= 30
    system.host.on_page(lambda _set, page: system.delete_order("1") if page == 2 else None)
    with pytest.raises(CountMismatch):
        pages(sap(paging="link"), cursor=cursor)


def test_an_empty_system(sap, system):
    """A system without orders answers completely that there are none."""
    for number in range(1, 61):
        system.delete_order(str(number))
    (only,) = pages(sap())
    assert only.complete
    assert not only.records


def test_streams_side_by_side(system, sap):
    """All data types are read at a time through one client; metadata is asked for once."""
    client, found, failed = sap(page_size=26), {}, []

    def read(name):
        try:
            found[name] = len(records(pages(client, name)))
        except ConnectorError as error:
            failed.append(error)

    threads = [threading.Thread(target=read, args=(name,)) for name in DATA_TYPES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert found == {name: len(set_of(system, name).records) for name in DATA_TYPES}
    assert system.host.journal.count("$metadata") == 1


@pytest.mark.parametrize("version", ["v2", "v4"])
def test_a_connection_can_be_tested(sap, version):
    """A test reads one record of each data type, compares the mapping with the metadata, and tells clock and times."""
    mapping = MAPPINGS[version]
    told = sap().test([mapping.binding(name) for name in mapping.data_types])
    assert abs(told["clock_difference_s"]) < 60
    assert told["data_types"]["orders"]["version"] == version
    assert told["encrypted"] is False
    assert all(each["sample"] for each in told["data_types"].values())


def test_a_mapping_that_names_what_is_not_there(sap):
    """A path that the system does not have is told with the line of the mapping that names it."""
    own = "orders:\n  fields:\n    notes: TextOfTheOrder\n  lines:\n    fields:\n      sku: Materiel\n"
    with pytest.raises(MappingInvalid) as caught:
        sap().test([load("sap-s4", own).binding("orders")])
    assert "line 3" in str(caught.value)
    assert "TextOfTheOrder" in str(caught.value)
    assert "line 6" in str(caught.value)
    assert "perhaps" in str(caught.value)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("products: {read: {set: A_Produkt}}", "A_Produkt is not among what"),
        ("products: {read: {expand: to_Nowhere}}", "to_Nowhere leads nowhere"),
        ("products: {read: {pagging: key}}", "pagging"),
        ("products: {read: {paging: sideways}}", "paging"),
        ("products: {read: {version: v5}}", "version"),
    ],
)
def test_a_mapping_that_asks_wrongly(sap, own, said):
    """What `read` says wrongly is told with its line, before anything is read."""
    with pytest.raises(MappingInvalid, match=said) as caught:
        sap().test([load("sap-s4", own).binding("products")])
    assert "line 1" in str(caught.value)


def test_what_is_not_mapped(sap):
    """A data type that says nowhere which set holds it cannot be read."""
    nowhere = load("sap-s4", "products:\n  read: ~\n").binding("products")
    with pytest.raises(NotMapped):
        sap().pages("products", None, nowhere)


def test_identity(sap, system):
    """Another host or another client is another system."""
    assert sap().identity() == "127.0.0.1/100"
    assert system_of("https://sap.example.com:44300/", "100") == "sap.example.com:44300/100"
    assert sap(sap_client="").identity() != sap().identity()
