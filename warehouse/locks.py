"""Locks that die with their holder: advisory locks of a session of Postgres."""

import hashlib
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]


def lock_key(*parts: str) -> int:
    """A signed 64-bit number for a name of several parts, the same everywhere."""
    digest = hashlib.sha256("\0".join(("landfall", *parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def try_lock(connection: Connection, key: int) -> bool:
    """Take the lock for this session if nobody has it."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
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
