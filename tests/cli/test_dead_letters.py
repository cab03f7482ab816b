"""`landfall dead-letters`: what could not land is kept, shown, and lands after a fix as if it had been read then."""

import psycopg
import pytest

from sandbox.quickbooks import QuickBooks
from tests.cli.conftest import Landfall, answer


def test_what_could_not_land_lands_after_a_fix(
    landfall: Landfall, company: QuickBooks, connected: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replayed record has all its columns, also those that come from the connection and not from the record."""
    key = company.store.ids("Customer")[0]
    company.store.put("Customer", {**company.store.get("Customer", key), "Notes": "long " * 1000})
    with monkeypatch.context() as patch:
        patch.setattr("warehouse.encode.MAX_RECORD_BYTES", 4500)
        assert landfall("run", "quickbooks", "--json").exit_code == 3
        [letter] = answer(landfall("dead-letters", "list", "--json"))["dead_letters"]
        assert (letter["reason_code"], letter["stream"], letter["letters"]) == ("RowTooLarge", "customer", 1)
        number = str(letter["example"])
        assert landfall("dead-letters", "replay", number, "--json").exit_code == 3, "the cause is still there"
    assert landfall("dead-letters", "show", number).exit_code == 0
    assert landfall("dead-letters", "replay", number, "--json").exit_code == 0
    with psycopg.connect(database) as conn:
        rows = conn.execute("SELECT realm_id, count(*) FROM quickbooks.customer GROUP BY 1").fetchall()
    assert rows == [(company.realm_id, 12)], "the replayed row names the company like all others"
    assert answer(landfall("dead-letters", "list", "--json"))["dead_letters"] == []
