"""Locks that die with their holder: advisory locks of a session of Postgres."""

import hashlib
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from warehouse.table import Table

Connection = psycopg.Connection[Any]

# Whoever waits for a table for itself keeps all later readers waiting behind it, so it waits for this long at a time,
QUEUE_WAIT_MS, QUEUE_PAUSE_S = 400, 0.4
QUEUE_TRIES = 40  # and for about half a minute in all


def lock_key(*parts: str) -> int:
    """A signed 64-bit number for a name of several parts, the same everywhere."""
    digest = hashlib.sha256("\0".join(("landfall", *parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def try_lock(connection: Connection, key: int, *, shared: bool = False) -> bool:
    """Take the lock for this session if nobody has it; ``shared``, if nobody has it for itself alone."""
    row = connection.execute(
        "SELECT CASE WHEN %s THEN pg_try_advisory_lock_shared(%s) ELSE pg_try_advisory_lock(%s) END", (shared, key, key)
    ).fetchone()
    return bool(row and row[0])


def unlock(connection: Connection, key: int) -> None:
    """Give the lock back."""
    connection.execute("SELECT pg_advisory_unlock(%s)", (key,))


def holder(connection: Connection, key: int) -> int | None:
    """The process id of the backend that holds the lock, if any."""
    row = connection.execute(
        """SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND (classid::bigint << 32 | objid::bigint) = %s""",
        (key,),
    ).fetchone()
    return int(row[0]) if row else None


def blocked_by(connection: Connection, tables: Sequence[Table]) -> str:
    """A sentence that says which of the tables others hold against writers, and which sessions do."""
    names = {f'"{table.schema}"."{table.name}"': f"{table.schema}.{table.name}" for table in tables}
    rows = connection.execute(
        "SELECT name, string_agg(DISTINCT pid::text, ', ') FROM unnest(%s::text[]) name"
        " JOIN pg_locks ON relation = to_regclass(name) AND granted AND pid <> pg_backend_pid() AND mode IN"
        " ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') GROUP BY name ORDER BY name",
        (list(names),),
    ).fetchall()
    held = "; ".join(f"{names[name]} is locked by the session with pid {pids}" for name, pids in rows)
    return f"{held or f'{tables[0].schema}.{tables[0].name} is locked by another session'}; waited 5 s"


def take_for_ourselves(connection: Connection, schema: str, table: str) -> None:
    """Lock a table and its view against everybody until the transaction ends, never keeping readers waiting for long.

    Somebody's long query is let finish while others read on. psycopg.errors.LockNotAvailable if it does not in time.
    """
    view = connection.execute("SELECT to_regclass(%s)", (f'"{schema}"."{table}_current"',)).fetchone()
    # The view first, as its readers do it: the other way round two of us would wait for each other.
    names = [f"{table}_current", table] if view and view[0] else [table]
    relations = sql.SQL(", ").join(sql.Identifier(schema, name) for name in names)
    usual = sql.Literal(connection.execute("SHOW lock_timeout").fetchall()[0][0])
    lock = sql.SQL("SET LOCAL lock_timeout = {}; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE; SET LOCAL lock_timeout = {}")
    for attempt in range(1, QUEUE_TRIES + 1):
        try:
            with connection.transaction():
                connection.execute(lock.format(sql.Literal(f"{QUEUE_WAIT_MS}ms"), relations, usual))
                return
        except psycopg.errors.LockNotAvailable:
            if attempt == QUEUE_TRIES:
                raise
            time.sleep(QUEUE_PAUSE_S)
