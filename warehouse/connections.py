"""ops.connection: which systems are connected, without their secrets."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from warehouse.errors import ConnectionChanged

Connection = psycopg.Connection[Any]

_COLUMNS = (
    "kind, name, type, provider, status, identity, settings, created_at::text, updated_at::text,"
    " last_tested_at::text, last_test_ok, last_test_message"
)


def save(conn: Connection, name: str, kind: str, type: str, provider: str, fields: Mapping[str, Any]) -> None:
    """Note a connection and those of its fields that are no secrets; an existing one keeps its status and identity."""
    conn.execute(
        """INSERT INTO ops.connection AS c (kind, name, type, provider, settings) VALUES (%s, %s, %s, %s, %s)
           ON CONFLICT (kind, name) DO UPDATE SET type = excluded.type, provider = excluded.provider,
               settings = excluded.settings, updated_at = now()
           WHERE (c.type, c.provider, c.settings) IS DISTINCT FROM (excluded.type, excluded.provider, excluded.settings)""",
        (kind, name, type, provider, Jsonb(dict(fields))),
    )


def list_all(conn: Connection) -> list[dict[str, Any]]:
    """All connections, ready for JSON."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM ops.connection ORDER BY kind, name").fetchall()  # noqa: S608


def show(conn: Connection, kind: str, name: str) -> dict[str, Any] | None:
    """One connection, or None."""
    return next((row for row in list_all(conn) if (row["kind"], row["name"]) == (kind, name)), None)


def set_status(conn: Connection, kind: str, name: str, status: str) -> None:
    """active, inactive, error or testing."""
    conn.execute(
        "UPDATE ops.connection SET status = %s, updated_at = now() WHERE (kind, name) = (%s, %s) AND status <> %s",
        (status, kind, name, status),
    )


def note_test(conn: Connection, kind: str, name: str, ok: bool, message: str) -> None:
    """Note how a test went."""
    conn.execute(
        "UPDATE ops.connection SET last_tested_at = now(), last_test_ok = %s, last_test_message = %s"
        " WHERE (kind, name) = (%s, %s)",
        (ok, message, kind, name),
    )


def delete(conn: Connection, kind: str, name: str) -> None:
    """Forget a connection and its tokens; what has landed stays."""
    with conn.transaction():
        conn.execute("DELETE FROM ops.connection WHERE (kind, name) = (%s, %s)", (kind, name))
        conn.execute("DELETE FROM ops.oauth_token WHERE connection = %s", (f"{kind}/{name}",))


def check_identity(conn: Connection, kind: str, name: str, identity: str) -> None:
    """Note which company the vendor reports; ConnectionChanged if it was another one before."""
    row = conn.execute(
        """UPDATE ops.connection SET identity = coalesce(identity, %s) WHERE (kind, name) = (%s, %s)
           RETURNING identity""",
        (identity, kind, name),
    ).fetchone()
    if row and row[0] != identity:
        raise ConnectionChanged(
            f"{kind}/{name} landed rows of {row[0]} and now leads to {identity}: give the other company a name of its own"
        )
