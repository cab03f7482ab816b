"""The tables of the schema cetec that no stream lands."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from warehouse import cetec

OTHERS: dict[str, Any] = {
    "checked_at": datetime(2026, 5, 4, tzinfo=UTC), "filtered": False, "mysql_enabled": True,
    "mysql_status": "completed", "mysql_message": None, "stale": 0, "without_usage_stats": 1, "excluded": 0,
    "warnings": ["a list that may be cut"],
}  # fmt: skip
STATES = {
    "true": 5, "false": 2, "resident_hosting": 0, "itar_hosting": 1, "unavailable": 0, "mysql_error": 0,
    "batch_timeout": 0, "invalid_domain": 1, "mysql_disabled": 0, "not_billing": 3,
}  # fmt: skip


@pytest.mark.both_postgres
def test_a_summary_is_kept_once(database: str) -> None:
    """A run has one summary, however often it is written, and its counts add up."""
    run = uuid4()
    with psycopg.connect(database, autocommit=True) as conn:
        for _ in range(2):
            cetec.note_summary(conn, run, "main", STATES, OTHERS)
        (row,) = cetec.summaries(conn, "main")
    assert (row["total_customers"], row["existing_databases"], row["invalid_domains"]) == (12, 5, 1)


def test_counts_that_do_not_add_up_cannot_be_written(database: str) -> None:
    """The database itself refuses a summary that has lost a customer."""
    with psycopg.connect(database, autocommit=True) as conn:
        cetec.note_summary(conn, uuid4(), "main", STATES, OTHERS)
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute("UPDATE cetec.run_summary SET no_database = no_database - 1")


def test_analysts_read_and_do_not_write(database: str) -> None:
    """An analyst sees pulls, mappings and summaries, and changes none."""
    may = (
        "SELECT has_table_privilege('landfall_analyst', %s, 'SELECT'), has_table_privilege('landfall_analyst', %s, %s)"
    )
    with psycopg.connect(database, autocommit=True) as conn:
        for table in ("cetec.backup_pull", "cetec.resident_database", "cetec.run_summary"):
            for verb in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
                assert conn.execute(may, (table, table, verb)).fetchone() == (True, False)


def test_nothing_is_known_before_the_first_landing(database: str) -> None:
    """A first run knows of no customer, no pull and no mapping."""
    with psycopg.connect(database, autocommit=True) as conn:
        assert cetec.earlier(conn, "main") == {}
        assert cetec.pulls(conn, "main") == {}
        assert cetec.resident(conn, "main") == {}
        assert cetec.customer_name(conn, "main", "1") is None
