"""S/4HANA and 1C all the way into Postgres: what a source holds is what analysts find, after every fault and every run."""

import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from connectors.erp import onec as onec_connector
from connectors.erp import sap_s4 as sap_connector
from connectors.erp.mapping import load
from connectors.erp.odata import Settings
from connectors.erp.streams import stream
from connectors.errors import CountMismatch
from connectors.odata.auth import Basic
from sandbox import onec, sap_s4
from warehouse.errors import SuspiciousShrink
from warehouse.landing import Options, land
from warehouse.run_log import Run

NOTHING = {"inserted": 0, "updated": 0, "deleted": 0, "dead_lettered": 0}


class Hub:
    """A client, its mapping and the database that it lands in."""

    def __init__(self, url: str, client: Any, mapping: Any) -> None:
        self.url, self.client, self.mapping = url, client, mapping

    def run(self, data_type: str, **options: Any) -> Mapping[str, int]:
        """Land a data type; returns the counts."""
        one = stream(self.mapping.binding(data_type))
        run = Run(uuid.uuid4(), "erp", "main")
        landed = land(self.url, run, one, lambda cursor: one.pages(self.client, cursor), Options(**options))
        return landed.counts.numbers()

    def settles(self, data_type: str) -> None:
        """Another run changes nothing."""
        counts = self.run(data_type)
        assert {name: counts[name] for name in NOTHING} == NOTHING

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as conn:
            return conn.execute(query).fetchall()  # type: ignore[call-overload]  # written here


@pytest.fixture(scope="module")
def served_sap():
    with sap_s4.running(orders=40, products=50, bills=20, stocked=20) as running:
        yield running


@pytest.fixture(scope="module")
def served_1c():
    with onec.running(orders=40, products=90, invoices=12, employees=15) as running:
        yield running


@pytest.fixture
def sap(served_sap, database):
    """An S/4HANA system and where it lands."""
    served_sap.reset()
    client = sap_connector.client(
        base_url=served_sap.base_url, auth=Basic(sap_s4.USER, sap_s4.PASSWORD), sap_client="100", retry_total_s=30.0,
        settings=Settings(page_size=15),
    )  # fmt: skip
    with client:
        hub = Hub(database, client, load("sap-s4"))
        hub.system = served_sap
        yield hub


@pytest.fixture
def base(served_1c, database):
    """A 1C base and where it lands."""
    served_1c.reset()
    client = onec_connector.client(
        base_url=served_1c.connection()["base_url"], auth=Basic(onec.USER, onec.PASSWORD), retry_total_s=30.0,
        settings=Settings(service=onec_connector.SERVICE, version="v3", guid_keys=True, page_size=16),
    )  # fmt: skip
    with client:
        hub = Hub(database, client, load("1c"))
        hub.system = served_1c
        yield hub


def test_sap_lands_as_it_is(sap):
    """Every data type of S/4HANA lands whole, amounts to the last digit, and a second run changes nothing."""
    counts = {name: sap.run(name)["inserted"] for name in sap.mapping.data_types}
    system = sap.system
    assert counts == {
        "orders": 40, "order_status": 40, "products": 50, "invoices": 20, "inventory": len(system.stock.records),
    }  # fmt: skip
    landed = dict(sap.rows("SELECT source_key, subtotal::text FROM erp.sales_order"))
    assert landed == {key[0]: str(row["TotalNetAmount"]) for key, row in system.orders.records.items()}
    assert landed["4"].endswith("0") or "." in landed["4"]
    (line,) = sap.rows(
        "SELECT quantity, currency, order_source_key FROM erp.sales_order_line WHERE order_source_key = '4' AND index = 3"
    )
    assert line == (Decimal("5.000"), "KWD", "4")
    (dates,) = sap.rows(
        "SELECT order_date::text, requested_date, source_updated_at FROM erp.sales_order WHERE source_key = '6'"
    )
    row = system.orders.records[("6",)]
    assert dates == (str(row["SalesOrderDate"]), None, row["LastChangeDateTime"])
    assert sap.rows("SELECT name, source_deleted FROM erp.product WHERE source_key = '50'") == [
        ("Amber Lamp's best №49", True)
    ]
    stock = sap.rows("SELECT sum(on_hand), count(DISTINCT source_key) FROM erp.inventory_level")
    assert stock == [
        (sum(r["MatlWrhsStkQtyInMatlBaseUnit"] for r in system.stock.records.values()), len(system.stock.records))
    ]
    assert sap.rows("SELECT status, grand_total FROM erp.invoice WHERE source_key = '90000024'") == []
    assert sap.rows("SELECT count(*) FROM erp.sales_order WHERE _extra ?| array['to_Text', '__metadata']") == [(0,)]
    for name in sap.mapping.data_types:
        sap.settles(name)


def test_both_versions_land_the_same(sap):
    """Orders read over version 4 are the rows of version 2: whoever changes the setting changes nothing but versions."""
    columns = "source_key, subtotal, order_date, requested_date, status, source_updated_at, currency, customer_key"
    lines = "SELECT order_source_key, index, quantity, line_total, sku FROM erp.sales_order_line ORDER BY 1, 2"
    sap.run("orders")
    before = sap.rows(f"SELECT {columns} FROM erp.sales_order ORDER BY 1"), sap.rows(lines)
    sap.mapping = load("sap-s4", variant="v4")
    assert sap.run("orders")["inserted"] == 0
    assert (sap.rows(f"SELECT {columns} FROM erp.sales_order ORDER BY 1"), sap.rows(lines)) == before


def test_changes_of_sap(sap):
    """A change, an order entered late and one deleted: the first two come at once, the third with the next whole reading."""
    sap.run("orders")
    sap.system.touch("17", PurchaseOrderByCustomer="W-new")
    late = sap.system.add_order(77, changed=sap.system.now() - timedelta(minutes=4))
    sap.system.delete_order("5")
    counts = sap.run("orders")
    assert (counts["inserted"], counts["updated"], counts["deleted"]) == (1, 1, 0)
    assert counts["read"] < 40
    assert sap.rows(f"SELECT count(*) FROM erp.sales_order WHERE source_key = '{late}'") == [(1,)]
    assert sap.run("orders", full=True)["deleted"] == 1
    assert sap.rows("SELECT source_key FROM erp.sales_order WHERE _deleted_at IS NOT NULL") == [("5",)]
    sap.settles("orders")


def test_statuses_of_sap(sap):
    """A status that changes becomes an event, one that is only touched does not, and events stay when orders go."""
    sap.run("order_status")
    sap.system.touch("1", OverallSDProcessStatus="C")
    sap.system.touch("2")
    assert sap.run("order_status")["inserted"] == 1
    sap.system.delete_order("1")
    sap.run("order_status", full=True)
    events = sap.rows(
        "SELECT status FROM erp.order_status_event WHERE order_source_key = '1' AND _deleted_at IS NULL ORDER BY _inserted_at"
    )
    assert [status for (status,) in events] == ["open", "completed"]


def test_bad_records_of_sap(sap):
    """Three bad records become dead letters with their keys, and all others land."""
    for number, net in (("10", "N/A"), ("11", "1,5")):
        sap.system.orders.spoil(number, text=json.dumps({"SalesOrder": number, "TotalNetAmount": net}))
    sap.system.orders.spoil("12", text='{"SalesOrder":null}')
    counts = sap.run("orders")
    assert (counts["inserted"], counts["dead_lettered"]) == (37, 3)
    letters = sap.rows("SELECT key, reason_code FROM ops.dead_letter")
    assert sorted(code for _, code in letters) == ["BadNumber", "BadNumber", "MissingKey"]
    sap.system.reset()
    assert sap.run("orders", full=True)["dead_lettered"] == 0
    sap.settles("orders")


def test_a_reading_that_is_not_whole(sap):
    """A count that does not match, and a system that suddenly holds a third, leave everything as it was."""
    sap.run("products")
    sap.system.switches.count_off_by = 3
    with pytest.raises(CountMismatch):
        sap.run("products", full=True)
    sap.system.switches.count_off_by = 0
    for _, key in sap.system.products.ordered()[:35]:
        sap.system.products.delete(*key)
    with pytest.raises(SuspiciousShrink):
        sap.run("products", full=True)
    assert sap.rows("SELECT count(*) FROM erp.product_current") == [(50,)]
    assert sap.run("products", full=True, accept_shrink=True)["deleted"] == 35


def test_1c_lands_as_it_is(base):
    """Every data type of 1C lands whole: padding gone, zero GUIDs and years of one no values, groups told from products."""
    counts = {name: base.run(name)["inserted"] for name in base.mapping.data_types}
    assert counts == {
        "orders": 40, "products": 90, "order_status": 40, "inventory": 45, "employees": 15, "invoices": 12,
    }  # fmt: skip
    guid = base.system.guid
    product = base.rows(
        f"SELECT sku, is_group, uom, source_deleted FROM erp.product WHERE source_key = '{guid('product', 29)}'"
    )
    assert product == [("A-29", False, guid("unit", 2), True)]
    assert base.rows("SELECT count(*) FROM erp.product WHERE is_group") == [(3,)]
    assert base.rows("SELECT status, count(*) FROM erp.product GROUP BY 1 ORDER BY 1") == [
        ("active", 87),
        ("deleted", 3),
    ]
    assert base.rows(f"SELECT uom FROM erp.product WHERE source_key = '{guid('product', 7)}'") == [(None,)]
    order = base.rows(
        f"SELECT order_number, requested_date, order_date::text, grand_total::text FROM erp.sales_order WHERE source_key = '{guid('order', 3)}'"
    )
    total = base.system.orders.records[(guid("order", 3),)]["СуммаДокумента"]
    assert order == [("ЗК-0000003", None, "2026-01-12", str(total))]
    stock = base.rows("SELECT sum(on_hand) FROM erp.inventory_level")
    assert stock == [(sum(row["КоличествоBalance"] for row in base.system.balances.records.values()),)]
    for name in base.mapping.data_types:
        base.settles(name)


def test_changes_of_1c(base):
    """Without any time of change, an edit, a new record and a deletion are found by comparing."""
    base.run("products")
    guid = base.system.guid
    base.system.products.change(guid("product", 3), Description="Другое имя", DataVersion="AAAAB000003=")
    base.system.products.delete(guid("product", 5))
    counts = base.run("products")
    assert (counts["inserted"], counts["updated"], counts["deleted"]) == (0, 1, 1)
    base.settles("products")
