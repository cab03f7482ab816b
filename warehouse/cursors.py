"""How far a stream has landed: written in the transaction that lands, never ahead of it."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from warehouse.errors import StateCorrupt
from warehouse.run_log import Run

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class State:
    """Where a stream stands: the connector's mark, the rows that are not deleted, the mapping they were read with."""

    cursor: dict[str, Any] | None
    live_rows: int
    mapping_version: str


def load(connection: Connection, run: Run, stream: str) -> State | None:
    """The state after the last landing, None before the first; StateCorrupt if it was changed by hand."""
    row = connection.execute(
        "SELECT cursor, live_rows, mapping_version, checksum FROM ops.sync_cursor"
        " WHERE (sync, connection, stream) = (%s, %s, %s)",
        (run.sync, run.connection, stream),
    ).fetchone()
    if row is None:
        return None
    cursor, live_rows, version, checksum = row
    if checksum != _checksum(run, stream, cursor, live_rows):
        raise StateCorrupt(f"The cursor of {run.sync}/{run.connection}, stream {stream}, was changed by hand")
    return State(cursor, live_rows, version)


def save(connection: Connection, run: Run, stream: str, state: State) -> None:
    """Store the state; belongs in the transaction that lands the rows."""
    connection.execute(
        """INSERT INTO ops.sync_cursor
               (sync, connection, stream, cursor, live_rows, mapping_version, checksum, run_id)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
           ON CONFLICT (sync, connection, stream) DO UPDATE SET cursor = excluded.cursor,
               live_rows = excluded.live_rows, mapping_version = excluded.mapping_version,
               checksum = excluded.checksum, run_id = excluded.run_id, updated_at = now()
           WHERE (sync_cursor.cursor, sync_cursor.live_rows, sync_cursor.mapping_version, sync_cursor.checksum)
               IS DISTINCT FROM (excluded.cursor, excluded.live_rows, excluded.mapping_version, excluded.checksum)""",
        (
            run.sync, run.connection, stream, None if state.cursor is None else Jsonb(state.cursor), state.live_rows,
            state.mapping_version, _checksum(run, stream, state.cursor, state.live_rows), run.run_id,
        ),
    )  # fmt: skip


def _checksum(run: Run, stream: str, cursor: object, live_rows: int) -> str:
    # As jsonb gives it back: 1e16 comes as 10000000000000000.
    text = json.dumps([run.sync, run.connection, stream, _plain(cursor), live_rows], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(value: object) -> object:
    """The value with whole numbers written as such."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
