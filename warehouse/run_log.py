"""The run log: one row for each stream of each run, true under every crash."""

from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from warehouse.locks import lock_key

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a sync for a connection."""

    run_id: UUID
    sync: str
    connection: str
    flow_run_id: UUID | None = None


@dataclass(slots=True)
class Counts:
    """What became of the records of a stream; see the comments on ops.sync_run."""

    fetched: int = 0
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    dead_lettered: int = 0
    duplicates_collapsed: int = 0
    children: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, other: "Counts") -> None:
        """Add the counts of a further slice (not ``fetched``, which is of the whole stream)."""
        for name, value in other.numbers().items():
            if name != "fetched":
                setattr(self, name, getattr(self, name) + value)
        for table, counts in other.children.items():
            mine = self.children.setdefault(table, dict.fromkeys(counts, 0))
            for name, value in counts.items():
                mine[name] += value

    @property
    def status(self) -> str:
        """success, or partial when there are dead letters."""
        return "partial" if self.dead_lettered else "success"

    def numbers(self) -> dict[str, int]:
        """The counts without those of the children."""
        return {name: value for name, value in asdict(self).items() if name != "children"}


def stream_lock(run: Run, stream: str) -> int:
    """The lock that whoever writes a stream of a connection holds."""
    return lock_key("stream", run.sync, run.connection, stream)


def run_lock(sync: str, connection: str, *part: str) -> int:
    """The lock of a whole run, or of a part of one where runs of different parts may go side by side."""
    return lock_key("run", sync, connection, *part)


def start(connection: Connection, run: Run, stream: str, mapping_version: str) -> None:
    """Say that a stream has begun; the session must hold its lock.

    Whoever said so before must be dead, since the lock was free: those rows become crashed.
    """
    connection.execute(
        """UPDATE ops.sync_run_log SET status = 'crashed', finished_at = clock_timestamp()
           WHERE status = 'running' AND (sync, connection, stream) = (%s, %s, %s) AND run_id <> %s""",
        (run.sync, run.connection, stream, run.run_id),
    )
    connection.execute(
        """INSERT INTO ops.sync_run_log
               (run_id, sync, connection, stream, flow_run_id, status, mapping_version, lock_key, backend_pid)
           VALUES (%s, %s, %s, %s, %s, 'running', %s, %s, pg_backend_pid())
           ON CONFLICT (run_id, stream) DO UPDATE SET status = 'running', finished_at = NULL, error_code = NULL,
               error_message = NULL, fetched = 0, backend_pid = pg_backend_pid()""",
        (run.run_id, run.sync, run.connection, stream, run.flow_run_id, mapping_version, stream_lock(run, stream)),
    )


def read_from(connection: Connection, run: Run, stream: str, cursor: object) -> None:
    """Say from which mark on a stream is read."""
    connection.execute(
        "UPDATE ops.sync_run_log SET cursor_from = %s WHERE run_id = %s AND stream = %s",
        (Jsonb(cursor), run.run_id, stream),
    )


def landed(connection: Connection, run: Run, stream: str) -> tuple[Counts, bool]:
    """What this run has landed of a stream in earlier attempts, and whether that was all of it.

    All: its COMMIT arrived although the answer did not. Not all: slices of a long first load.
    """
    row = connection.execute(
        """SELECT fetched, read, inserted, updated, unchanged, deleted, dead_lettered, duplicates_collapsed,
               child_counts, status FROM ops.sync_run_log WHERE run_id = %s AND stream = %s""",
        (run.run_id, stream),
    ).fetchone()
    return (Counts(*row[:9]), row[9] in ("success", "partial")) if row else (Counts(), False)


def finish(
    connection: Connection, run: Run, stream: str, counts: Counts, cursor: object | None, *, slice_only: bool = False
) -> None:
    """Say that a stream, or a slice of it, has landed; belongs in the transaction that lands it."""
    connection.execute(
        """UPDATE ops.sync_run_log SET status = %(status)s, slices = slices + 1,
               finished_at = CASE WHEN %(status)s = 'running' THEN NULL ELSE clock_timestamp() END, fetched = %(fetched)s,
               read = %(read)s, inserted = %(inserted)s, updated = %(updated)s, unchanged = %(unchanged)s,
               deleted = %(deleted)s, dead_lettered = %(dead_lettered)s,
               duplicates_collapsed = %(duplicates_collapsed)s, child_counts = %(children)s, cursor_to = %(cursor)s
           WHERE run_id = %(run_id)s AND stream = %(stream)s""",
        counts.numbers()
        | {
            "status": "running" if slice_only else counts.status,
            "children": Jsonb(counts.children),
            "cursor": None if cursor is None else Jsonb(cursor),
            "run_id": run.run_id,
            "stream": stream,
        },
    )


def fail(connection: Connection, run: Run, stream: str, status: str, code: str, message: str, fetched: int = 0) -> None:
    """Say that a stream ended without landing: failed, cancelled or skipped."""
    connection.execute(
        """INSERT INTO ops.sync_run_log
               (run_id, sync, connection, stream, flow_run_id, status, finished_at, error_code, error_message, fetched)
           VALUES (%(run_id)s, %(sync)s, %(connection)s, %(stream)s, %(flow_run_id)s, %(status)s, clock_timestamp(),
               %(code)s, %(message)s, %(fetched)s)
           ON CONFLICT (run_id, stream) DO UPDATE SET status = excluded.status, finished_at = excluded.finished_at,
               error_code = excluded.error_code, error_message = excluded.error_message, fetched = excluded.fetched
           WHERE ops.sync_run_log.status = 'running'""",
        {
            "run_id": run.run_id, "sync": run.sync, "connection": run.connection, "stream": stream,
            "flow_run_id": run.flow_run_id, "status": status, "code": code, "message": message, "fetched": fetched,
        },
    )  # fmt: skip


def reap(connection: Connection, sync: str | None = None, name: str | None = None) -> int:
    """Turn running rows whose lock is gone into crashed ones; how many there were."""
    return connection.execute(
        """UPDATE ops.sync_run_log l SET status = 'crashed', finished_at = clock_timestamp()
           FROM ops.sync_run r
           WHERE l.status = 'running' AND r.status = 'crashed' AND (r.run_id, r.stream) = (l.run_id, l.stream)
             AND (%(sync)s::text IS NULL OR (l.sync, l.connection) = (%(sync)s, %(name)s))""",
        {"sync": sync, "name": name},
    ).rowcount
