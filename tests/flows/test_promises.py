"""What a sync promises, shown on the whole flow: a company in the sandbox, a real Postgres, a Prefect server."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sandbox import quickbooks
from tests.flows.conftest import UNLIMITED
from warehouse import connections
from warehouse.locks import try_lock
from warehouse.run_log import run_lock

TABLES = ("customer", "vendor", "item", "invoice", "invoice_line", "invoice_linked_txn", "address")
PACE = {"requests_per_second": 0, "requests_per_minute": 0, "max_in_flight": 0}


@pytest.fixture
def small(connect: Any) -> Iterator[quickbooks.QuickBooks]:
    """A small company without limits of pace, connected as `main`."""
    with quickbooks.running(customers=60, vendors=45, items=40, invoices=150, limits=UNLIMITED) as running:
        connect(running, **PACE)
        yield running


def last_run(landed: Any) -> dict[str, dict[str, Any]]:
    """The rows of the last run in ops.sync_run, by stream."""
    rows = landed.execute(
        "SELECT * FROM ops.sync_run WHERE run_id = (SELECT run_id FROM ops.sync_run ORDER BY started_at DESC LIMIT 1)"
    ).fetchall()
    return {row["stream"]: row for row in rows}


def checksums(landed: Any) -> list[Any]:
    """Every landed table, to compare."""
    query = "SELECT count(*) AS rows, md5(string_agg(t::text, '|' ORDER BY t::text)) AS sum FROM quickbooks.{} t"
    return [landed.execute(query.format(table)).fetchone() for table in TABLES]


def test_a_second_run_changes_no_row(small: Any, landed: Any, refresh: Any) -> None:
    """What has not changed at QuickBooks is not touched, read in part or whole, so `_changed_at` means something."""
    assert refresh().name == "Completed"
    before = checksums(landed)
    assert all(row["rows"] for row in before)
    for full in (False, True):
        assert refresh(full=full).name == "Completed"
        assert checksums(landed) == before
        assert {row["inserted"] + row["updated"] + row["deleted"] for row in last_run(landed).values()} == {0}


def test_changes_and_deletions_at_the_source_arrive(small: Any, landed: Any, refresh: Any) -> None:
    """An edited customer is updated; a deleted invoice is marked, and its lines with it."""
    refresh()
    customer, invoice = small.store.ids("Customer")[0], small.store.ids("Invoice")[0]
    small.store.update("Customer", customer, {"Notes": "called on Monday"})
    small.store.delete("Invoice", invoice)
    assert refresh().name == "Completed"
    rows = last_run(landed)
    assert rows["customer"]["updated"] >= 1
    assert rows["invoice"]["deleted"] == 1
    note = landed.execute("SELECT notes FROM quickbooks.customer WHERE id = %s", (customer,)).fetchone()
    assert note["notes"] == "called on Monday"
    gone = landed.execute(
        "SELECT (SELECT count(*) FROM quickbooks.invoice_current WHERE id = %(id)s) AS invoices,"
        " (SELECT count(*) FROM quickbooks.invoice_line_current WHERE invoice_id = %(id)s) AS lines,"
        " (SELECT count(*) FROM quickbooks.invoice WHERE id = %(id)s AND _deleted_at IS NOT NULL) AS marked",
        {"id": invoice},
    ).fetchone()
    assert gone == {"invoices": 0, "lines": 0, "marked": 1}


def test_the_run_log_accounts_for_every_record(small: Any, landed: Any, refresh: Any) -> None:
    """ops.sync_run says for each stream what was read and what became of it, and belongs to the run in Prefect."""
    state = refresh()
    rows = last_run(landed)
    assert {name: row["inserted"] for name, row in rows.items()} == {
        "customer": 60, "vendor": 45, "item": 40, "invoice": 150,
    }  # fmt: skip
    assert {row["flow_run_id"] for row in rows.values()} == {state.state_details.flow_run_id}
    assert all(row["read"] == row["inserted"] for row in rows.values())
    assert landed.execute("SELECT sum(rows) AS n FROM ops.freshness").fetchone()["n"] == 295


def test_a_second_run_at_the_same_time_is_skipped(small: Any, database: str, landed: Any, refresh: Any) -> None:
    """Whoever starts a sync twice gets one landing and one run named Skipped, which is no failure."""
    refresh()
    with psycopg.connect(database, autocommit=True) as other:
        assert try_lock(other, run_lock("quickbooks", "main"))
        state = refresh()
    assert (state.type.value, state.name) == ("COMPLETED", "Skipped")
    row = next(iter(last_run(landed).values()))
    assert (row["status"], row["error_code"]) == ("skipped", "AlreadyRunning")
    assert refresh().name == "Completed"


def test_an_inactive_connection_is_refused(small: Any, database: str, refresh: Any) -> None:
    """A connection that somebody deactivated is not read, and the message says how to activate it."""
    with psycopg.connect(database, autocommit=True) as session:
        connections.save(session, "main", "quickbooks", "accounting", "quickbooks", {})
        connections.happened(session, "quickbooks", "main", "deactivated")
    state = refresh()
    assert state.type.value == "FAILED"
    assert "connections activate quickbooks main" in state.message
    assert small.journal.entries() == []


def test_another_company_under_the_same_name_is_refused(small: Any, connect: Any, landed: Any, refresh: Any) -> None:
    """Rows of two companies never mix under one connection."""
    refresh()
    connect(small, **PACE, realm_id="9999999999")
    state = refresh()
    assert state.type.value == "FAILED"
    assert "now leads to 9999999999" in str(state.message)
    assert landed.execute("SELECT status FROM ops.connection").fetchone()["status"] == "error"
    assert landed.execute("SELECT count(*) AS n FROM quickbooks.customer").fetchone()["n"] == 60
