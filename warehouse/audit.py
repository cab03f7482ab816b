"""ops.audit_log: who changed what, when, from where; each row chained to the one before and sealed.

A row's hash covers the row and the hash before it, so a row that is changed, removed, added or moved breaks the
chain. The seal is a MAC of the hash with a key that is not in the database: whoever can write there but has not the
key cannot make a new chain that holds. What cannot be found: rows cut off at the end together with
``ops.audit_head`` set back to what it was then. Whoever wants to find that too keeps the mark that `verify` gives
somewhere else and asks for it later.
"""

import hashlib
import hmac
import os
import pwd
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from warehouse.crypto import derived_key, key_id
from warehouse.errors import StateCorrupt

Connection = psycopg.Connection[Any]

_HASHED = (
    "id", "previous", "at", "actor", "via", "host", "address", "user_agent", "action", "object", "before", "after",
)  # fmt: skip
_TEXTS = (
    "id, encode(previous, 'hex') AS previous, (extract(epoch FROM at) * 1000000)::bigint AS at, actor, via, host,"
    " address, user_agent, action, object, before::text AS before, after::text AS after,"
    " encode(hash, 'hex') AS hash, seal, key_id"
)
_TRIGGERS = {"audit_log_only_grows", "audit_head_stays"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Who does something, and from where. ``via`` says by what: ``cli``, ``flow sync-acme``, ``api``."""

    actor: str
    via: str
    host: str | None = field(default_factory=socket.gethostname)
    address: str | None = None
    user_agent: str | None = None

    @classmethod
    def here(cls, via: str = "cli") -> "Origin":
        """The person at this machine: the user of the operating system, behind sudo too."""
        try:
            user = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            user = f"uid {os.geteuid()}"  # a container knows no names
        behind = os.environ.get("SUDO_USER")
        return cls(f"{user} (sudo by {behind})" if behind else user, via)


@dataclass(slots=True)
class Verdict:
    """What a look at the whole chain came to. ``mark`` names its end; keep it elsewhere to ask for it later."""

    rows: int = 0
    mark: str = "0:" + "00" * 32
    findings: list[str] = field(default_factory=list)
    other_keys: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def append(
    conn: Connection,
    by: Origin,
    action: str,
    object: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> int:
    """Add a row; returns its number. Belongs in the transaction of the change, as its last statement.

    Last, because until the end of that transaction every other writer waits. ``before`` and ``after`` hold no secret.
    Raises `NotConfigured` without an encryption key, `StateCorrupt` if the end of the chain is gone.
    """
    with conn.transaction():
        head = conn.execute("SELECT id, encode(hash, 'hex') FROM ops.audit_head FOR UPDATE").fetchone()
        if head is None:
            raise StateCorrupt("The end of the audit log (ops.audit_head) is gone; see `landfall audit verify`")
        # Asked after the lock is held: before, it would be the time at which the waiting began.
        row: Any = conn.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").fetchone()
        entry = {
            "id": int(head[0]) + 1, "previous": str(head[1]), "at": int(row[0]), "actor": by.actor, "via": by.via,
            "host": by.host, "address": by.address, "user_agent": by.user_agent, "action": action, "object": object,
            "before": _json(before), "after": _json(after),
        }  # fmt: skip
        digest = _hash(entry)
        key = derived_key("audit log")
        conn.execute(
            """INSERT INTO ops.audit_log (id, previous, at, actor, via, host, address, user_agent, action, object,
                   before, after, hash, seal, key_id)
               VALUES (%(id)s, decode(%(previous)s, 'hex'), 'epoch'::timestamptz + %(at)s * interval '1 microsecond',
                   %(actor)s, %(via)s, %(host)s, %(address)s, %(user_agent)s, %(action)s, %(object)s, %(before)s,
                   %(after)s, decode(%(hash)s, 'hex'), %(seal)s, %(key_id)s)""",
            {**entry, "hash": digest, "seal": _seal(key, digest), "key_id": key_id(key)},
        )
        conn.execute("UPDATE ops.audit_head SET id = %s, hash = decode(%s, 'hex')", (entry["id"], digest))
    return int(head[0]) + 1


def entries(
    conn: Connection, limit: int = 50, *, object: str | None = None, action: str | None = None
) -> list[dict[str, Any]]:
    """The latest rows first, ready for JSON; ``object`` and ``action`` are prefixes."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """SELECT id, at::text, actor, via, host, address, user_agent, action, object, before, after
               FROM ops.audit_log
               WHERE starts_with(object, coalesce(%s, '')) AND starts_with(action, coalesce(%s, ''))
               ORDER BY id DESC LIMIT %s""",
            (object, action, limit),
        ).fetchall()


def verify(conn: Connection, mark: str | None = None) -> Verdict:
    """Walk the whole chain and say what is wrong with it. ``mark`` is one that an earlier call gave.

    Sees one moment of the log, so writers may go on meanwhile. Needs the encryption key.
    """
    verdict, key = Verdict(), derived_key("audit log")
    number, last = 0, "00" * 32
    expected, _, expected_hash = (mark or "").partition(":")
    met = mark is None or mark == verdict.mark
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for row in _walk(conn):
            verdict.rows += 1
            verdict.findings += _faults(row, number, last, key)
            verdict.other_keys += row["key_id"] != key_id(key)
            number, last = row["id"], row["hash"]
            met = met or (str(number) == expected and last == expected_hash)
        head = conn.execute("SELECT id, encode(hash, 'hex') FROM ops.audit_head").fetchone()
        verdict.findings += _faults_at_the_end(head, number, last) + _guards_off(conn)
    if not met:
        verdict.findings.append(f"row {expected or mark} is not there any more as it was when its mark was taken")
    verdict.mark = f"{number}:{last}"
    return verdict


def _walk(conn: Connection) -> Iterator[dict[str, Any]]:
    with conn.cursor("audit_walk", row_factory=dict_row) as cursor:
        cursor.itersize = 5_000
        yield from cursor.execute(f"SELECT {_TEXTS} FROM ops.audit_log ORDER BY id")  # noqa: S608 -- fixed names


def _faults(row: Mapping[str, Any], number: int, last: str, key: bytes) -> list[str]:
    """What is wrong with one row, given the number and the hash of the one before."""
    found = []
    own = _hash(row)
    if row["id"] != number + 1:
        gap = f"row {number + 1} is" if row["id"] == number + 2 else f"rows {number + 1} to {row['id'] - 1} are"
        found.append(f"{gap} missing")
    elif row["previous"] != last:
        found.append(f"row {row['id']} does not follow the row before it")
    if own != row["hash"]:
        found.append(f"row {row['id']} was changed")
    elif row["key_id"] == key_id(key) and not hmac.compare_digest(_seal(key, own), bytes(row["seal"])):
        found.append(f"row {row['id']} was written by somebody without the encryption key")
    return found


def _faults_at_the_end(head: tuple[Any, ...] | None, number: int, last: str) -> list[str]:
    if head is None:
        return ["the end of the chain (ops.audit_head) is gone"]
    if head[0] > number:
        return [f"the last rows are missing: {number} are there of {head[0]}"]
    if (head[0], head[1]) != (number, last):
        return [f"the chain ends at row {number}, but ops.audit_head names row {head[0]}"]
    return []


def _guards_off(conn: Connection) -> list[str]:
    rows = conn.execute(
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
        " AND tgrelid IN ('ops.audit_log'::regclass, 'ops.audit_head'::regclass)"
    ).fetchall()
    off = sorted(_TRIGGERS - {str(name) for (name,) in rows})
    return [f"the guard against changes is off: trigger {name}" for name in off]


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value, order="sorted", enc_hook=str).decode()


def _hash(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode([entry[name] for name in _HASHED])).hexdigest()


def _seal(key: bytes, digest: str) -> bytes:
    return hmac.digest(key, bytes.fromhex(digest), "sha256")
