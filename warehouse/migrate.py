"""Numbered SQL files, each applied once."""

from importlib.resources import files

import psycopg

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('landfall:migrate', 0))"


def migrations() -> list[tuple[str, str]]:
    """Name and text of every migration, in order."""
    folder = files("warehouse") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(name.removesuffix(".sql"), (folder / name).read_text("utf-8")) for name in names]


def pending(connection: "psycopg.Connection[tuple[object, ...]]") -> list[str]:
    """Names of the migrations that this database lacks."""
    if connection.execute("SELECT to_regclass('ops.migration')").fetchone() == (None,):
        return [name for name, _ in migrations()]
    done = {row[0] for row in connection.execute("SELECT name FROM ops.migration")}
    return [name for name, _ in migrations() if name not in done]


def upgrade(connection: "psycopg.Connection[tuple[object, ...]]") -> list[str]:
    """Apply what is missing, all in one transaction; the names of what was applied."""
    if not pending(connection):
        return []
    with connection.transaction():
        connection.execute(_LOCK)
        missing = pending(connection)
        connection.execute("CREATE SCHEMA IF NOT EXISTS ops")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS ops.migration "
            "(name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        for name, text in migrations():
            if name in missing:
                connection.execute(text)
                connection.execute("INSERT INTO ops.migration (name) VALUES (%s)", (name,))
    return missing
