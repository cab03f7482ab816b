"""What `landfall doctor` asks of a database."""

from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

FLOOR = 150000  # Postgres 15: MERGE


def describe(connection: "psycopg.Connection[tuple[object, ...]]") -> dict[str, Any]:
    """Which database this is and what this login may do there: identity, version, new_enough, may_create."""
    row = connection.execute(
        "SELECT current_database(), current_setting('server_version'), current_setting('server_version_num')::int,"
        " has_database_privilege(current_database(), 'CREATE')"
    ).fetchone()
    assert row is not None
    name, version, number, may_create = row
    return {
        "identity": f"{connection.info.host}:{connection.info.port}/{name}",
        "version": version,
        "new_enough": isinstance(number, int) and number >= FLOOR,
        "may_create": may_create,
    }


def last_change(connection: "psycopg.Connection[tuple[object, ...]]", schema: str, name: str) -> datetime | None:
    """When a row that the connection ``name`` landed in ``schema`` was last inserted, changed or deleted."""
    tables = connection.execute(
        "SELECT c.table_name FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE table_schema = %s AND column_name = '_changed_at' AND table_type = 'BASE TABLE'",
        [schema],
    ).fetchall()
    moments = []
    for (table,) in tables:
        query = sql.SQL("SELECT max(_changed_at) FROM {} WHERE connection = %s")
        row = connection.execute(query.format(sql.Identifier(schema, str(table))), [name]).fetchone()
        if row and isinstance(row[0], datetime):
            moments.append(row[0])
    return max(moments, default=None)
