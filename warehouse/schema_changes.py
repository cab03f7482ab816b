"""Fields of the source that have no column: which were met, and by which run first."""

import json
from collections.abc import Sequence
from typing import Any

import psycopg

from warehouse.run_log import Run
from warehouse.shape import Path
from warehouse.table import StreamLike

Connection = psycopg.Connection[Any]


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
