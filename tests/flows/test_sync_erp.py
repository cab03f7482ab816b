"""The flow `sync-erp`: one for all kinds of ERP, a task for each data type."""

from collections.abc import Iterator
from typing import Any, get_args

import psycopg
import pytest

from blocks import systems
from connectors.erp.mapping import DATA_TYPES
from flows import sync_erp
from sandbox import onec
from tests.cli.conftest import Landfall, answer
from tests.flows.erp_parts import connect, ok, rows, run
from warehouse.run_log import run_lock

FEW = {"orders": 8, "products": 10, "invoices": 3, "employees": 4}


@pytest.fixture
def base(landfall: Landfall, monkeypatch: pytest.MonkeyPatch) -> Iterator[onec.OneC]:
    """A small 1C base, connected as `plant`."""
    with onec.running(**FEW) as running:
        connect(landfall, monkeypatch, "erp-1c", "plant", running.connection(), "--no-test")
        yield running
    if "plant" in systems.connections("erp-1c"):
        systems.delete("erp-1c", "plant")


def test_the_ui_offers_the_data_types_that_there_are() -> None:
    """The form in the UI is a list of the six data types."""
    assert get_args(sync_erp.DataType) == tuple(DATA_TYPES)


def test_one_flow_lands_what_was_asked_for(landfall: Landfall, base: onec.OneC, database: str) -> None:
    """A run reads the data types asked for, for the site that the connection serves; a second one changes nothing."""
    ok(landfall, "erp", "client", "add", "acme")
    ok(landfall, "erp", "site", "add", "foundry", "--client", "acme")
    ok(landfall, "erp", "assign", "site", "foundry", "--connection", "plant")
    first = run(landfall, "plant", "data_types=products,orders")
    assert {name: stream["inserted"] for name, stream in first["streams"].items()} == {"product": 10, "sales_order": 8}
    owners = rows(database, "SELECT DISTINCT connection, client_id, site_id FROM erp.sales_order")
    assert owners == [{"connection": "plant", "client_id": "acme", "site_id": "foundry"}]
    assert rows(database, "SELECT status FROM ops.connection") == [{"status": "active"}], (
        "that it can be read is known now"
    )
    again = run(landfall, "plant", "full=true")
    assert set(again["streams"]) == {stream.table for stream in DATA_TYPES.values()}
    assert all(again["streams"][name]["unchanged"] == count for name, count in (("product", 10), ("sales_order", 8)))
    ok(landfall, "erp", "site", "add", "mill", "--client", "acme")
    ok(landfall, "erp", "assign", "site", "mill", "--connection", "plant")
    assert run(landfall, "plant", "data_types=orders")["streams"]["sales_order"]["updated"] == 8
    owners = rows(database, "SELECT DISTINCT client_id, site_id FROM erp.sales_order")
    assert owners == [{"client_id": "acme", "site_id": None}], "which of the two it is, 1C does not say"
    figures = {row["data_type"]: row for row in answer(landfall("erp", "statistics", "--json"))["statistics"]}
    assert (figures["orders"]["total_syncs"], figures["orders"]["records_processed"]) == (3, 24)
    assert figures["all"]["successful_syncs"] == 9
    assert figures["orders"]["average_duration_s"] > 0


def test_runs_of_different_data_types_go_side_by_side(landfall: Landfall, base: onec.OneC, database: str) -> None:
    """What another run has under way is left to it, the rest lands; with nothing left the run is skipped, not failed."""
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock_shared(%s)", (run_lock("erp", "plant"),))
        other.execute("SELECT pg_advisory_lock(%s)", (run_lock("erp", "plant", "product"),))
        beside = run(landfall, "plant", "data_types=products,employees")
        assert (beside["status"], beside["streams"]["employee"]["status"]) == ("success", "success")
        assert beside["streams"]["product"]["status"] == "skipped"
        skipped = run(landfall, "plant", "data_types=products", exit_code=4)
        assert skipped["status"] == "skipped"
        assert "product under way" in skipped["error"]["message"]
    assert run(landfall, "plant", "data_types=products")["streams"]["product"]["inserted"] == 10


def test_dead_letters_are_replayed_by_the_mapping_of_their_connection(
    landfall: Landfall, base: onec.OneC, database: str
) -> None:
    """Records that a mapping refused land once it is corrected, as a run would have landed them."""
    ok(landfall, "erp", "client", "add", "acme")
    ok(landfall, "erp", "assign", "client", "acme", "--connection", "plant")
    values = systems.saved_values("erp-1c", "plant")
    strict = "orders: {fields: {status: {from: Статус, values: {Нет: open}, unknown: reject}}}"
    systems.save("erp-1c", "plant", values | {"mapping": strict})
    assert run(landfall, "plant", "data_types=orders", exit_code=3)["streams"]["sales_order"]["dead_lettered"] == 8
    systems.save("erp-1c", "plant", values)
    assert answer(landfall("dead-letters", "replay", "--json"))["replayed"][0]["inserted"] == 8
    landed = rows(database, "SELECT DISTINCT client_id, status IS NULL AS lost FROM erp.sales_order")
    assert landed == [{"client_id": "acme", "lost": False}]
    assert run(landfall, "plant", "data_types=orders")["streams"]["sales_order"]["unchanged"] == 8


def test_what_is_switched_off_is_not_read(landfall: Landfall, base: onec.OneC) -> None:
    """A data type that is configured off is left out, and refused in a sentence when asked for; so is an unknown one."""
    for data_type in DATA_TYPES:
        ok(landfall, "erp", "config", "set", data_type, "--connection", "plant", "--disabled")
    ok(landfall, "erp", "config", "set", "employees", "--connection", "plant", "--enabled")
    ok(landfall, "erp", "config", "set", "orders", "--connection", "plant", "--enabled", "--scheduled-only")
    assert set(run(landfall, "plant")["streams"]) == {"employee"}
    for asked, why in {"products": "is switched off", "orders": "runs on its schedule alone"}.items():
        refused = run(landfall, "plant", f"data_types={asked}", exit_code=1)
        assert (refused["error"]["code"], why in refused["error"]["message"]) == ("NotEnabled", True)
    wrong = landfall("run", "erp", "--connection", "plant", "-p", "data_types=payroll", "--json")
    assert (wrong.exit_code, answer(wrong)["error"]["code"]) == (2, "BadParameter")


def test_an_inactive_erp_is_refused(landfall: Landfall, base: onec.OneC) -> None:
    """A connection that was switched off is not read, whatever a test of it says."""
    ok(landfall, "connections", "deactivate", "erp-1c", "plant")
    ok(landfall, "connections", "test", "erp-1c", "plant")
    base.host.journal.clear()
    assert run(landfall, "plant", exit_code=1)["error"]["code"] == "ConnectionInactive"
    assert base.host.journal.entries() == []


def test_a_name_is_one_erp_whatever_its_kind(landfall: Landfall, base: onec.OneC, monkeypatch: Any) -> None:
    """Two kinds of ERP cannot share a name, at which their rows would mix: neither here nor by way of the UI."""
    monkeypatch.setenv("PASSWORD", "canary-password")
    given = ["--set=base_url=https://sap.example.com", "--set=user=X", "--secret=password=PASSWORD"]
    taken = landfall("connect", "erp-sap-s4", "--name=plant", *given, "--no-test", "--json")
    assert (taken.exit_code, answer(taken)["error"]["code"]) == (2, "NameTaken")
    systems.save("erp-sap-s4", "plant", {"base_url": "https://sap.example.com", "user": "X", "password": "canary-p"})
    try:
        refused = run(landfall, "plant", exit_code=1)
    finally:
        systems.delete("erp-sap-s4", "plant")
    assert refused["error"]["code"] == "AmbiguousConnection"
    assert "erp-1c/plant and erp-sap-s4/plant" in refused["error"]["message"]
