"""The ERP connections: what is configured for each data type, whom they serve, and figures of their syncs.

Clients, sites and assignments are in erp_assignments.py. Every change goes to ops.audit_log in its own transaction.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from warehouse import audit
from warehouse.audit import Origin
from warehouse.errors import AssignmentRefused

Connection = psycopg.Connection[Any]
_DEFAULTS = {"direction": "pull", "enabled": True, "on_demand": True, "conflict_rule": "erp_wins"}


def owner(conn: Connection, connection: str) -> dict[str, str]:
    """``client_id`` where a connection serves one client alone, and ``site_id`` where it serves one site alone."""
    row = row_of(
        conn,
        """WITH sites AS (SELECT client_id, site_id FROM erp.effective_assignment WHERE connection = %(name)s),
               clients AS (SELECT client_id FROM sites UNION SELECT client_id FROM erp.client_assignment
                   WHERE connection = %(name)s AND tstzrange(valid_from, valid_to) @> now())
           SELECT (SELECT min(client_id) FROM clients HAVING count(*) = 1) AS client_id,
               (SELECT min(site_id) FROM sites HAVING count(*) = 1) AS site_id""",
        name=connection,
    )
    return {name: value for name, value in (row or {}).items() if value is not None}


def configure(
    conn: Connection, connection: str, data_type: str, changes: Mapping[str, Any], by: Origin
) -> dict[str, Any]:
    """Change what a schedule does not hold (direction, enabled, on_demand, conflict_rule); returns all of it."""
    with conn.transaction():
        check_connection(conn, connection)
        before = row_of(
            conn,
            """SELECT direction, enabled, on_demand, conflict_rule FROM erp.sync_config
               WHERE (connection, data_type) = (%s, %s) FOR UPDATE""",
            connection, data_type,
        )  # fmt: skip
        after = {**(before or _DEFAULTS), **changes}
        if before == after:
            return after
        columns = {"connection": connection, "data_type": data_type, **after}
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        updates = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in after)
        conn.execute(
            sql.SQL(
                """INSERT INTO erp.sync_config ({}) VALUES ({}) ON CONFLICT (connection, data_type)
                   DO UPDATE SET {}, changed_at = clock_timestamp()"""
            ).format(names, sql.SQL(", ").join(map(sql.Placeholder, columns)), updates),
            columns,
        )
        audit.append(
            conn, by, "configuration.changed", f"connection {connection}, {data_type}", before or _DEFAULTS, after
        )
    return after


def configurations(conn: Connection, connection: str | None = None) -> list[dict[str, Any]]:
    """What is configured: connection, data_type, direction, enabled, on_demand, conflict_rule."""
    return rows_of(
        conn,
        """SELECT connection, data_type, direction, enabled, on_demand, conflict_rule FROM erp.sync_config
           WHERE %(name)s::text IS NULL OR connection = %(name)s ORDER BY 1, 2""",
        {"name": connection},
    )


def statistics(conn: Connection, connection: str | None = None) -> list[dict[str, Any]]:
    """erp.sync_statistics, ready for JSON."""
    return rows_of(
        conn,
        """SELECT connection, data_type, total_syncs, successful_syncs, partial_syncs, failed_syncs, cancelled_syncs,
               average_duration_s::float, last_sync_at::text, last_success_at::text, records_processed, records_created,
               records_updated, records_deleted, records_failed
           FROM erp.sync_statistics WHERE %(name)s::text IS NULL OR connection = %(name)s
           ORDER BY connection, data_type = 'all', data_type""",
        {"name": connection},
    )


def check_connection(conn: Connection, name: str) -> None:
    """Raise AssignmentRefused if there is no ERP connection of this name."""
    query = "SELECT name FROM ops.connection WHERE starts_with(kind, 'erp-') ORDER BY 1"
    known = [row[0] for row in conn.execute(query).fetchall()]
    if name not in known:
        raise AssignmentRefused(
            f"There is no ERP connection {name}; there are: {', '.join(known) or 'none yet'} (one that was made in the UI is"
            " known once it has been tested)"
        )


def row_of(conn: Connection, query: Any, *values: Any, **named: Any) -> dict[str, Any] | None:
    """The first row, by name of column."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, named or values).fetchone()


def rows_of(conn: Connection, query: Any, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """All rows, by name of column."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()
