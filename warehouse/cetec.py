"""The tables of the schema cetec that no stream lands: pulls of backups, mapped schemas, summaries of runs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

Connection = psycopg.Connection[Any]
_EXTRA = msgspec.json.Decoder(dict[str, msgspec.Raw])

# The states of a customer and the columns that count them; the names of the columns are those of the program that
# this replaces, where it had them.
_COUNTS = {"true": "existing_databases", "false": "no_database", "invalid_domain": "invalid_domains"}


def earlier(conn: Connection, connection: str) -> dict[str, dict[str, Any]]:
    """The customers of a connection as they landed last, by id; empty before the first landing.

    Under ``_extra`` the fields without a column, undecoded, so that numbers stay as they are.
    """
    if conn.execute("SELECT to_regclass('cetec.customer')").fetchone() == (None,):
        return {}
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "SELECT *, coalesce(_extra::text, '{}') AS extra FROM cetec.customer WHERE connection = %s", (connection,)
        ).fetchall()
    return {row["id"]: row | {"_extra": _EXTRA.decode(row["extra"])} for row in rows}


def pulls(conn: Connection, connection: str) -> dict[str, datetime]:
    """When each customer's backup was last pulled, by id."""
    rows = conn.execute(
        "SELECT customer_id, max(pulled_at) FROM cetec.backup_pull WHERE connection = %s GROUP BY 1", (connection,)
    ).fetchall()
    return dict(rows)


def resident(conn: Connection, connection: str) -> dict[str, str]:
    """The schema of each mapped resident domain (in lower case)."""
    rows = conn.execute(
        "SELECT domain, database_schema FROM cetec.resident_database WHERE connection = %s ORDER BY 1", (connection,)
    ).fetchall()
    return dict(rows)


def map_resident(conn: Connection, connection: str, domain: str, schema: str | None) -> None:
    """Map a resident customer's domain to a schema, or to none."""
    key = (connection, domain.strip().lower())
    if schema is None:
        conn.execute("DELETE FROM cetec.resident_database WHERE (connection, domain) = (%s, %s)", key)
        return
    conn.execute(
        """INSERT INTO cetec.resident_database (connection, domain, database_schema) VALUES (%s, %s, %s)
           ON CONFLICT (connection, domain)
           DO UPDATE SET database_schema = excluded.database_schema, changed_at = clock_timestamp()""",
        (*key, schema),
    )


def record_pull(
    conn: Connection, connection: str, customer_id: str, *, at: datetime, by: str, note: str | None = None
) -> bool:
    """Note that a customer's backup was pulled; False when just this pull is noted already."""
    return bool(
        conn.execute(
            """INSERT INTO cetec.backup_pull (connection, customer_id, pulled_at, pulled_by, note)
               VALUES (%s, %s, %s, %s, %s) ON CONFLICT (connection, customer_id, pulled_at) DO NOTHING""",
            (connection, customer_id, at, by, note),
        ).rowcount
    )


def customer_name(conn: Connection, connection: str, customer_id: str) -> str | None:
    """The name of a landed customer (empty if it has none), None when there is no such customer."""
    if conn.execute("SELECT to_regclass('cetec.customer')").fetchone() == (None,):
        return None
    row = conn.execute(
        "SELECT coalesce(name, '') FROM cetec.customer WHERE (connection, id) = (%s, %s)", (connection, customer_id)
    ).fetchone()
    return str(row[0]) if row else None


def note_summary(
    conn: Connection, run_id: UUID, connection: str, states: Mapping[str, int], others: Mapping[str, Any]
) -> None:
    """Write the summary of a run: customers in each state, and the other columns of cetec.run_summary by name."""
    row: dict[str, Any] = {"run_id": run_id, "connection": connection, "total_customers": sum(states.values())}
    row |= {_COUNTS.get(state, state): number for state, number in states.items()} | dict(others)
    conn.execute(
        sql.SQL("INSERT INTO cetec.run_summary ({}) VALUES ({}) ON CONFLICT (run_id) DO NOTHING").format(
            sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Placeholder, row))
        ),
        row,
    )


def summaries(conn: Connection, connection: str, limit: int = 10) -> Sequence[dict[str, Any]]:
    """The latest summaries of a connection, newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT * FROM cetec.run_summary WHERE connection = %s ORDER BY checked_at DESC LIMIT %s",
            (connection, limit),
        ).fetchall()
