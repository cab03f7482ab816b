"""Fields of the source that have no column: which were met, and by which run first."""

import json
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from warehouse.run_log import Run
from warehouse.shape import Path, split_path
from warehouse.staging import Staging
from warehouse.table import StreamLike

Connection = psycopg.Connection[Any]

MIN_VANISHED = 20  # fewer changed rows without a value may well be chance


def known_extras(connection: Connection, run: Run, stream: StreamLike) -> list[tuple[Path, Path]]:
    """The fields met so far: where in the record, and the path there."""
    rows = connection.execute(
        "SELECT scope, path FROM ops.schema_change WHERE (connection, table_schema, stream, change) = (%s, %s, %s, 'new field')"
        " ORDER BY first_seen_at, scope, path",
        (run.connection, stream.schema, stream.name),
    ).fetchall()
    return [(tuple(json.loads(scope)), tuple(json.loads(path))) for scope, path in rows]


def note_extras(connection: Connection, run: Run, stream: StreamLike, found: Sequence[tuple[Path, Path]]) -> None:
    """Note fields that this run met first."""
    if not found:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ops.schema_change (connection, table_schema, stream, scope, path, change, first_run_id)"
            " VALUES (%s, %s, %s, %s, %s, 'new field', %s) ON CONFLICT DO NOTHING",
            [
                (run.connection, stream.schema, stream.name, json.dumps(scope), json.dumps(path), run.run_id)
                for scope, path in found
            ],
        )


def vanished(connection: Connection, staging: Staging, run: Run, stream: StreamLike) -> list[str]:
    """Columns that many changed rows had and that no changed row has any more; noted the first time.

    The rows land with NULL there, as a source that leaves a field out means it; but a field that goes away everywhere
    is more often a change of the source that somebody should know of.
    """
    table = staging.tables[0]
    columns = [column.name for column in table.staged if column.nullable]
    counts: Any = connection.execute(
        sql.SQL(
            "SELECT {} FROM {} s JOIN {} t ON t.connection = %s AND {} WHERE s._known AND t._deleted_at IS NULL"
        ).format(
            sql.SQL(", ").join(
                sql.SQL("count(s.{0}) = 0 AND count(t.{0}) >= %s").format(sql.Identifier(name)) for name in columns
            ),
            staging.rows[0],
            table.identifier,
            sql.SQL(" AND ").join(sql.SQL("t.{0} = s.{0}").format(sql.Identifier(name)) for name in table.key),
        ),
        [*[MIN_VANISHED] * len(columns), run.connection],
    ).fetchone()
    gone = [name for name, is_gone in zip(columns, counts, strict=True) if is_gone]
    for name in gone:
        connection.execute(
            "INSERT INTO ops.schema_change (connection, table_schema, stream, scope, path, change, first_run_id)"
            " VALUES (%s, %s, %s, '[]', %s, 'vanished field', %s) ON CONFLICT DO NOTHING",
            (run.connection, stream.schema, stream.name, json.dumps(split_path(table.column(name).source)), run.run_id),
        )
    return gone
