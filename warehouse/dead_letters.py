"""Dead letters: records that could not land, kept until they do."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from warehouse.crypto import decrypt, encrypt
from warehouse.encode import Refused
from warehouse.run_log import Run
from warehouse.staging import Staging

Connection = psycopg.Connection[Any]

MAX_REDACTED = 2000  # enough to see what it is; the whole is in the encrypted payload


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead letters of one stream of one run."""

    connection: Connection
    staging: Staging
    run: Run
    stream: str
    redact: Callable[[str], str]

    def stage(self, refused: Sequence[tuple[Refused, Sequence[str | None]]]) -> None:
        """Put refused records, with the parts of their keys where they have any, into staging."""
        rows = [self._row(item, parts) for item, parts in refused]
        with self.connection.transaction(), self.connection.cursor() as cursor:
            places = sql.SQL(", ").join([sql.Placeholder()] * len(rows[0]))
            cursor.executemany(sql.SQL("INSERT INTO {} VALUES ({})").format(self.staging.refused, places), rows)

    def keep(self) -> None:
        """Move staged dead letters to ops.dead_letter; one that is open already is only counted."""
        self.connection.execute(
            sql.SQL(
                """INSERT INTO ops.dead_letter AS d (sync, connection, stream, key, run_id, last_run_id, stage,
                       reason_code, column_name, message, fingerprint, payload, payload_redacted, payload_sha256)
                   SELECT DISTINCT ON (_key, _sha256) %(sync)s, %(connection)s, %(stream)s, _key, %(run)s::uuid,
                       %(run)s::uuid, _stage, _code, _column, _message, _fingerprint, _payload, _redacted, _sha256
                   FROM {}
                   ON CONFLICT (sync, connection, stream, key, payload_sha256, resolved_at) DO UPDATE SET
                       last_run_id = excluded.last_run_id, last_seen_at = now(), occurrences = d.occurrences + 1,
                       reason_code = excluded.reason_code, message = excluded.message"""
            ).format(self.staging.refused),
            self._parameters(),
        )

    def close_landed(self) -> int:
        """Close the open dead letters of records that have landed in this run; how many."""
        if not self._any_open():
            return 0
        return self.connection.execute(
            sql.SQL(
                """UPDATE ops.dead_letter d SET resolved_at = now(), resolved_by_run_id = %(run)s
                   WHERE (sync, connection, stream) = (%(sync)s, %(connection)s, %(stream)s)
                     AND resolved_at IS NULL AND key <> ''
                     AND (EXISTS (SELECT FROM {stage} s WHERE {key} = d.key)
                          OR EXISTS (SELECT FROM {seen} s WHERE {key} = d.key AND s._seq IS NOT NULL))
                     AND NOT EXISTS (SELECT FROM {refused} r WHERE r._key = d.key)"""
            ).format(
                stage=self.staging.rows[0], seen=self.staging.seen, refused=self.staging.refused, key=self._key_text()
            ),
            self._parameters(),
        ).rowcount

    def _row(self, item: Refused, parts: Sequence[str | None]) -> tuple[object, ...]:
        payload, error = item.record.json, item.error
        text = payload[: 4 * MAX_REDACTED].decode("utf-8", "replace").replace("\x00", "")
        return (
            *parts, item.record.seq, item.record.key, "decode", error.code, error.column,
            self.redact(str(error))[:MAX_REDACTED].replace("\x00", ""),
            hashlib.sha256(f"{self.stream}\0{error.code}\0{error.column}".encode()).hexdigest()[:16],
            encrypt(payload, belongs_to(self.run.sync, self.run.connection, self.stream)),
            self.redact(text)[:MAX_REDACTED], hashlib.sha256(payload).hexdigest(),
        )  # fmt: skip

    def _any_open(self) -> bool:
        row = self.connection.execute(
            "SELECT EXISTS (SELECT FROM ops.dead_letter WHERE resolved_at IS NULL AND"
            " (sync, connection, stream) = (%(sync)s, %(connection)s, %(stream)s))",
            self._parameters(),
        ).fetchone()
        return bool(row and row[0])

    def _key_text(self) -> sql.Composable:
        names = [sql.SQL("s.{}").format(sql.Identifier(name)) for name in self.staging.tables[0].key]
        if len(names) == 1:
            return names[0]
        return sql.SQL("json_build_array({})::text").format(sql.SQL(", ").join(names))

    def _parameters(self) -> dict[str, Any]:
        return {"sync": self.run.sync, "connection": self.run.connection, "stream": self.stream, "run": self.run.run_id}


def belongs_to(sync: str, connection: str, stream: str) -> str:
    """What the encrypted payload of a dead letter is bound to."""
    return f"dead letter of {sync}/{connection}/{stream}"


@dataclass(frozen=True, slots=True)
class Kept:
    """A dead letter as it is kept, its payload decrypted."""

    id: int
    sync: str
    connection: str
    stream: str
    payload: bytes


def overview(conn: Connection, *, resolved: bool = False) -> list[dict[str, Any]]:
    """Dead letters that are open (or all), grouped by cause: how many, since when, and one of them to look at."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """SELECT sync, connection, stream, reason_code, column_name AS "column", fingerprint, count(*) AS letters,
                   min(first_seen_at)::text AS since, min(id) AS example, min(message) AS message
               FROM ops.dead_letter WHERE %s OR resolved_at IS NULL
               GROUP BY sync, connection, stream, reason_code, column_name, fingerprint ORDER BY letters DESC""",
            (resolved,),
        ).fetchall()


def show(conn: Connection, number: int) -> dict[str, Any] | None:
    """One dead letter without what looks secret, or None."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """SELECT id, sync, connection, stream, key, reason_code, column_name AS "column", message, fingerprint,
                   payload_redacted AS payload, occurrences, first_seen_at::text, last_seen_at::text,
                   run_id::text, last_run_id::text, resolved_at::text
               FROM ops.dead_letter WHERE id = %s""",
            (number,),
        ).fetchone()


def open_letters(conn: Connection, *, number: int | None = None, fingerprint: str | None = None) -> list[Kept]:
    """The open dead letters: all, one, or those of one cause. StateCorrupt if they cannot be decrypted."""
    rows = conn.execute(
        """SELECT id, sync, connection, stream, payload FROM ops.dead_letter
           WHERE resolved_at IS NULL AND (%(id)s::bigint IS NULL OR id = %(id)s)
             AND (%(fingerprint)s::text IS NULL OR fingerprint = %(fingerprint)s) ORDER BY id""",
        {"id": number, "fingerprint": fingerprint},
    ).fetchall()
    return [
        Kept(number_, sync, name, stream, decrypt(payload, belongs_to(sync, name, stream)))
        for number_, sync, name, stream, payload in rows
    ]
