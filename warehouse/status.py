"""What people ask of the run log: freshness, runs, tables. Rows come ready for JSON."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

Connection = psycopg.Connection[Any]

_COUNTS = ("fetched", "read", "inserted", "updated", "unchanged", "deleted", "dead_lettered", "duplicates_collapsed")


def freshness(conn: Connection) -> list[dict[str, Any]]:
    """A row a stream: last_success (time), age_s, rows, last_status, last_error (code and message, or None)."""
    return _rows(
        conn,
        """SELECT sync, connection, stream, last_success_at::text AS last_success, extract(epoch FROM age)::bigint AS age_s,
               rows, last_status, last_error_code || ': ' || last_error AS last_error, last_error_at::text
           FROM ops.freshness ORDER BY sync, connection, stream""",
    )


def runs(conn: Connection, limit: int, sync: str | None = None, connection: str | None = None) -> list[dict[str, Any]]:
    """A row a run, the latest first: its streams added up, the worst status, the first error."""
    sums = ", ".join(f"sum({name})::bigint AS {name}" for name in _COUNTS)
    return _rows(
        conn,
        f"""SELECT run_id::text, sync, connection, max(flow_run_id::text) AS flow_run_id,
                (array_agg(status ORDER BY array_position(
                    ARRAY['running', 'failed', 'crashed', 'cancelled', 'partial', 'success', 'skipped'], status)))[1] AS status,
                min(started_at)::text AS started_at, max(finished_at)::text AS finished_at, {sums},
                (array_agg(error_code ORDER BY started_at) FILTER (WHERE error_code IS NOT NULL))[1] AS error_code,
                (array_agg(error_message ORDER BY started_at) FILTER (WHERE error_code IS NOT NULL))[1] AS error_message
            FROM ops.sync_run
            WHERE (%(sync)s::text IS NULL OR sync = %(sync)s)
              AND (%(connection)s::text IS NULL OR connection = %(connection)s)
            GROUP BY run_id, sync, connection ORDER BY min(started_at) DESC LIMIT %(limit)s""",  # noqa: S608 -- fixed names
        {"sync": sync, "connection": connection, "limit": limit},
    )


def run_streams(conn: Connection, run_id: str | UUID) -> dict[str, dict[str, Any]]:
    """The streams of one run: status, counts, child_counts, error ({code, message} or None)."""
    rows = _rows(conn, "SELECT * FROM ops.sync_run WHERE run_id = %(run_id)s ORDER BY started_at", {"run_id": run_id})
    answer = {}
    for row in rows:
        error = {"code": row["error_code"], "message": row["error_message"]} if row["error_code"] else None
        counts = {name: row[name] for name in _COUNTS}
        answer[row["stream"]] = {"status": row["status"], **counts, "child_counts": row["child_counts"], "error": error}
    return answer


def tables(conn: Connection) -> list[dict[str, Any]]:
    """A row a landed table: schema, table, rows that are not deleted, size in bytes and that of its indexes, last change,
    what it holds.
    """
    names = conn.execute(
        """SELECT table_schema, table_name, obj_description(to_regclass(format('%I.%I', table_schema, table_name))),
               pg_total_relation_size(to_regclass(format('%I.%I', table_schema, table_name))),
               pg_indexes_size(to_regclass(format('%I.%I', table_schema, table_name)))
           FROM ops.landed_table WHERE to_regclass(format('%I.%I', table_schema, table_name)) IS NOT NULL ORDER BY 1, 2"""
    ).fetchall()
    answer = []
    for schema, name, doc, size, indexes in names:
        row = conn.execute(
            sql.SQL("SELECT count(*) FILTER (WHERE _deleted_at IS NULL), max(_changed_at)::text FROM {}").format(
                sql.Identifier(schema, name)
            )
        ).fetchone()
        assert row is not None
        answer.append(
            {
                "schema": schema,
                "table": name,
                "rows": row[0],
                "bytes": size,
                "index_bytes": indexes,
                "last_change": row[1],
                "holds": doc,
            }
        )
    return answer


def tokens(conn: Connection) -> list[dict[str, Any]]:
    """A row a connection with tokens: state (good, refused, expired), until when, what was refused; nothing secret."""
    return _rows(
        conn,
        """SELECT connection, state, obtained_at::text, expires_at::text, refresh_expires_at::text,
               consent_expires_at::text, refusal, rotations, saved_at::text
           FROM ops.token_status ORDER BY connection""",
    )


def api_calls(conn: Connection) -> list[dict[str, Any]]:
    """A row a connection: its requests to the vendor in this month (UTC), how many metered, failed, and seconds."""
    return _rows(
        conn,
        """SELECT connection, month::text, calls, metered, failed, round(seconds::numeric, 1)::float AS seconds
           FROM ops.api_call_month WHERE month = date_trunc('month', now() AT TIME ZONE 'UTC')::date ORDER BY connection""",
    )


def _rows(conn: Connection, query: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()
