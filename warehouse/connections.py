"""ops.connection: which systems are connected, in which state, without their secrets.

`TRANSITIONS` is the whole of what moves a connection from one state to another. Every change goes to ops.audit_log in
the transaction that makes it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from warehouse import audit
from warehouse.audit import Origin
from warehouse.crypto import fingerprint
from warehouse.errors import AmbiguousConnection, ConnectionChanged

Connection = psycopg.Connection[Any]

_COLUMNS = (
    "kind, name, type, provider, status, identity, settings, created_at::text, updated_at::text,"
    " last_tested_at::text, last_test_ok, last_test_message"
)

#: What happens to a connection, and the state in which that leaves it; whatever is not named leaves it as it was.
#: Nothing but a person ends `inactive`. A new connection is `testing`.
TRANSITIONS: Mapping[str, Mapping[str, str]] = {
    "test passed": {"testing": "active", "error": "active"},
    "test failed": {"testing": "error", "active": "error"},
    "run succeeded": {"testing": "active", "error": "active"},
    "run refused": {"testing": "error", "active": "error"},
    "activated": {"testing": "active", "error": "active", "inactive": "active"},
    "deactivated": {"testing": "inactive", "active": "inactive", "error": "inactive"},
}


def save(
    conn: Connection,
    name: str,
    kind: str,
    type: str,
    provider: str,
    fields: Mapping[str, Any],
    *,
    secrets: Mapping[str, str] | None = None,
    by: Origin | None = None,
) -> list[str]:
    """Note a connection: its fields in clear, of its ``secrets`` keyed fingerprints alone; returns what had changed.

    An existing one keeps its status and identity. The log gets what changed and by whom, of a secret only that it did.
    Raises `AmbiguousConnection` where another kind has a connection of this name and their rows could not be told apart.
    """
    try:
        return _save(conn, (kind, name, type, provider), fields, secrets or {}, by)
    except psycopg.errors.UniqueViolation:
        raise AmbiguousConnection(f"{kind}/{name} has the name of a connection of another kind") from None


def _save(
    conn: Connection,
    what: tuple[str, str, str, str],
    fields: Mapping[str, Any],
    secrets: Mapping[str, str],
    by: Origin | None,
) -> list[str]:
    kind, name, type, provider = what
    settings = msgspec.to_builtins(dict(fields), str_keys=True)
    prints = {each: fingerprint(value, f"{kind}/{name}/{each}") for each, value in secrets.items()}
    with conn.transaction():
        made = conn.execute(
            """INSERT INTO ops.connection (kind, name, type, provider, settings, secrets, identity)
               VALUES (%s, %s, %s, %s, %s, %s, (SELECT identity FROM ops.former_connection WHERE (sync, name) = (%s, %s)))
               ON CONFLICT (kind, name) DO NOTHING RETURNING name""",
            (kind, name, type, provider, Jsonb(settings), Jsonb(prints), _sync(kind), name),
        ).fetchone()
        if made:
            before: dict[str, Any] = {}
            after = {"type": type, "provider": provider, **settings, **dict.fromkeys(prints, "set")}
        else:
            row: Any = conn.execute(
                "SELECT settings, secrets FROM ops.connection WHERE (kind, name) = (%s, %s) FOR UPDATE", (kind, name)
            ).fetchone()
            before, after = _difference(row[0], settings, row[1], prints)
            if not (before or after) and row[1] == prints:
                return []
            conn.execute(
                """UPDATE ops.connection SET type = %s, provider = %s, settings = %s, secrets = %s, updated_at = now()
                   WHERE (kind, name) = (%s, %s)""",
                (type, provider, Jsonb(settings), Jsonb(prints), kind, name),
            )
            if not (before or after):
                return []
        _log(conn, by, "made" if made else "changed", kind, name, before or None, after or None)
    return sorted({*before, *after})


def list_all(conn: Connection) -> list[dict[str, Any]]:
    """All connections, ready for JSON."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM ops.connection ORDER BY kind, name").fetchall()  # noqa: S608


def show(conn: Connection, kind: str, name: str) -> dict[str, Any] | None:
    """One connection, or None."""
    return next((row for row in list_all(conn) if (row["kind"], row["name"]) == (kind, name)), None)


def happened(conn: Connection, kind: str, name: str, event: str, by: Origin | None = None) -> str | None:
    """Move a connection as `TRANSITIONS` says for this event; returns its state then, None when there is none."""
    with conn.transaction():
        row = conn.execute(
            "SELECT status FROM ops.connection WHERE (kind, name) = (%s, %s) FOR UPDATE", (kind, name)
        ).fetchone()
        if row is None:
            return None
        old = str(row[0])
        new = TRANSITIONS[event].get(old, old)
        if new != old:
            conn.execute(
                "UPDATE ops.connection SET status = %s, updated_at = now() WHERE (kind, name) = (%s, %s)",
                (new, kind, name),
            )
            _log(conn, by, event, kind, name, {"status": old}, {"status": new})
    return new


def note_test(conn: Connection, kind: str, name: str, ok: bool, message: str) -> None:
    """Note how a test went."""
    conn.execute(
        "UPDATE ops.connection SET last_tested_at = now(), last_test_ok = %s, last_test_message = %s"
        " WHERE (kind, name) = (%s, %s)",
        (ok, message, kind, name),
    )


def delete(conn: Connection, kind: str, name: str, by: Origin | None = None) -> None:
    """Forget a connection and its tokens; what has landed stays, and so does the knowledge whose it is."""
    with conn.transaction():
        conn.execute(
            """INSERT INTO ops.former_connection (sync, name, identity)
               SELECT c.sync, c.connection, o.identity FROM ops.connection AS o, ops.sync_cursor AS c
               WHERE (o.kind, o.name) = (%s, %s) AND o.identity IS NOT NULL AND (c.sync, c.connection) = (%s, o.name)
               LIMIT 1 ON CONFLICT (sync, name) DO NOTHING""",
            (kind, name, _sync(kind)),
        )
        row = conn.execute(
            "DELETE FROM ops.connection WHERE (kind, name) = (%s, %s) RETURNING status, settings, secrets", (kind, name)
        ).fetchone()
        conn.execute("DELETE FROM ops.oauth_token WHERE connection = %s", (f"{kind}/{name}",))
        if row:
            before = {"status": row[0], **row[1], **dict.fromkeys(row[2] or {}, "set")}
            _log(conn, by, "deleted", kind, name, before, None)


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


def _sync(kind: str) -> str:
    """The sync that lands what connections of this kind lead to: `erp` for each erp-…"""
    return kind.partition("-")[0]


def _difference(
    old: Mapping[str, Any], new: Mapping[str, Any], old_prints: Mapping[str, str] | None, prints: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was and what is, of the fields that differ alone."""
    if old_prints is None:  # noted by a version that kept no fingerprints: there is nothing to compare with yet
        return {}, {}
    names = [name for name in {**old, **new} if old.get(name) != new.get(name) or (name in old) != (name in new)]
    before = {name: old[name] for name in names if name in old}
    after = {name: new[name] for name in names if name in new}
    for name in {**old_prints, **prints}:
        if not _same_secret(old_prints.get(name), prints.get(name)):
            before |= {name: "set"} if name in old_prints else {}
            after |= {name: ("changed" if name in old_prints else "set")} if name in prints else {}
    return before, after


def _same_secret(old: str | None, new: str | None) -> bool:
    if old is None or new is None:
        return old is new
    # Made with another encryption key, they tell nothing.
    return old == new or old.partition(":")[0] != new.partition(":")[0]


def _log(conn: Connection, by: Origin | None, what: str, kind: str, name: str, before: Any, after: Any) -> None:
    action = f"connection.{what.replace(' ', '-')}"
    audit.append(conn, by or Origin.here(), action, f"connection {kind}/{name}", before, after)
