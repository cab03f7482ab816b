"""Staging: unlogged tables of one stream of one run, where records wait to be judged and merged.

A page is sent by another thread, so that the next one can be read and encoded meanwhile: whoever uses the connection has to
ask `Staging.sent` first.
"""

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from warehouse.encode import Encoded, Encoder, Record, Refused
from warehouse.errors import BadRow
from warehouse.run_log import Run
from warehouse.table import Table

Connection = psycopg.Connection[Any]

# Separates keys in one text parameter: an array of 1,000 texts costs the driver more than the look-up itself.
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A page that is being sent."""

    done: "Future[None]"
    encoder: Encoder
    records: Sequence[Record]
    refused: Sequence[Refused]


class Staging:
    """The staging tables: one for each landed table, and the keys seen, gone and refused. ``sender`` has one thread."""

    def __init__(
        self, connection: Connection, tables: tuple[Table, ...], lock: int, run: Run, sender: Executor
    ) -> None:
        self._connection = connection
        self._sender = sender
        self._under_way: _UnderWay | None = None
        self.connection_name = run.connection
        self.tables = tables
        self._prefix = f"s{lock & (2**64 - 1):016x}_"
        names = [
            f"{self._prefix}{run.run_id.hex[:8]}_{what}" for what in (*range(len(tables)), "seen", "gone", "refused")
        ]
        self.names = names
        self.view_name = f"{self._prefix}{run.run_id.hex[:8]}_as_if"
        self.rows = [sql.Identifier("staging", name) for name in names[: len(tables)]]
        self.seen, self.gone, self.refused = (sql.Identifier("staging", name) for name in names[len(tables) :])
        self.there = False

    def create(self) -> None:
        """Make the tables, if they are not there yet: most hours bring most streams nothing to stage."""
        if self.there:
            return
        for table, name in zip(self.tables, self.rows, strict=True):
            columns: list[sql.Composable] = [sql.SQL("_seq bigint, _known boolean")]
            columns += [
                sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.definition))
                for column in table.staged
            ]
            columns.append(sql.SQL("_row_hash uuid, _extra jsonb"))
            self._unlogged(name, sql.SQL(", ").join(columns))
        key = self._key_definitions()
        self._unlogged(self.seen, sql.SQL("{}, _seq bigint").format(key))
        self._unlogged(self.gone, sql.SQL("{}, _seq bigint").format(key))
        self._unlogged(
            self.refused,
            sql.SQL(
                "{}, _seq bigint, _key text, _stage text, _code text, _column text, _message text, _fingerprint text,"
                " _payload bytea, _redacted text, _sha256 text"
            ).format(self._key_definitions(required=False)),
        )
        self.there = True

    def drop(self, connection: Connection | None = None) -> None:
        """Remove the tables of this and of all earlier runs of the stream, over another session where one is given."""
        connection = connection or self._connection
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relkind IN ('r', 'v')"
            " AND starts_with(relname, %s) ORDER BY relkind DESC",
            (self._prefix,),
        ).fetchall()
        views = [name for (name,) in names if name.endswith("_as_if")]
        for name in views:
            connection.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(sql.Identifier("staging", name)))
        if rest := [sql.Identifier("staging", name) for (name,) in names if name not in views]:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.SQL(", ").join(rest)))

    def classify(
        self, keys: Sequence[Sequence[str]], digests: Sequence[str], first_seq: int, *, trust: bool = True
    ) -> tuple[set[int], set[int]]:
        """Look keys up in the landed table.

        ``keys`` holds one list for each key column. Answers the positions whose row is as before (they are
        noted as seen) and those whose row exists but differs, or may differ where fingerprints are not to be trusted.
        """
        arrays, parameters = _arrays(keys)
        names = sql.SQL(", ").join(sql.Identifier(name) for name in self.tables[0].key)
        on = sql.SQL(" AND ").join(sql.SQL("t.{0} = i.{0}").format(sql.Identifier(name)) for name in self.tables[0].key)
        inputs = sql.SQL(", ").join(sql.SQL("i.{}").format(sql.Identifier(name)) for name in self.tables[0].key)
        row = self._connection.execute(
            sql.SQL(
                """WITH found AS MATERIALIZED (
                       SELECT {inputs}, i.ord, %(trust)s AND t._row_hash = i.hash::uuid AND t._deleted_at IS NULL AS same
                       FROM unnest({arrays}, string_to_array(%(digests)s, ',')) WITH ORDINALITY AS i ({names}, hash, ord)
                       JOIN {table} t ON t.connection = %(connection)s AND {on}
                   ), noted AS (
                       INSERT INTO {seen} ({names}, _seq) SELECT {names}, ord - 1 + %(seq)s FROM found WHERE same
                   )
                   SELECT array_agg(ord - 1) FILTER (WHERE same), array_agg(ord - 1) FILTER (WHERE NOT same) FROM found"""
            ).format(inputs=inputs, arrays=arrays, names=names, table=self.tables[0].identifier, on=on, seen=self.seen),
            parameters
            | {"digests": ",".join(digests), "connection": self.connection_name, "seq": first_seq, "trust": trust},
        ).fetchone()
        assert row is not None
        return set(row[0] or ()), set(row[1] or ())

    def send(self, encoder: Encoder, records: Sequence[Record], encoded: Encoded) -> None:
        """Begin to send records, all tables in one transaction; the page before must have been sent."""
        # Made here, since memory that another thread asks for is kept apart by the allocator, and kept for long.
        texts = _texts(encoded)
        self._under_way = _UnderWay(
            self._sender.submit(self._copy, encoded.columns, texts), encoder, records, encoded.refused
        )

    def sent(self) -> list[Refused]:
        """Wait until Postgres has what was sent last; answers those of the records that it refuses."""
        page, self._under_way = self._under_way, None
        if page is None:
            return []
        try:
            page.done.result()
        except (psycopg.DataError, psycopg.IntegrityError):
            encoded = page.encoder.encode_carefully(page.records)
            bad = {refused.record.seq for refused in encoded.refused}
            good = [record for record in page.records if record.seq not in bad]
            told = {refused.record.seq for refused in page.refused}
            new = [refused for refused in encoded.refused if refused.record.seq not in told]
            return new + self._one_by_one(page.encoder, good)
        return []

    def _one_by_one(self, encoder: Encoder, records: Sequence[Record]) -> list[Refused]:
        """Halve until the records that Postgres refuses stand alone."""
        if not records:
            return []
        encoded = encoder.encode_carefully(records)
        try:
            self._copy(encoded.columns, _texts(encoded))
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if len(records) == 1:
                reason = str(error).splitlines()[0]
                return [Refused(records[0], BadRow(f"Postgres refused it: {reason}"))]
            half = len(records) // 2
            return self._one_by_one(encoder, records[:half]) + self._one_by_one(encoder, records[half:])
        return encoded.refused

    def _copy(self, columns: Sequence[Sequence[str]], texts: Sequence[bytes]) -> None:
        # Nothing here outlives a crash of Postgres anyway, so no waiting for its log.
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
            for table, names, text in zip(self.rows, columns, texts, strict=True):
                if text:
                    fields = sql.SQL(", ").join(map(sql.Identifier, names))
                    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, fields)) as copy:
                        copy.write(text)

    def mark_gone(self, keys: Sequence[Sequence[str]], after_seq: int) -> None:
        """Note keys that the source says are deleted, after it had given the record with that number."""
        arrays, parameters = _arrays(keys)
        self._connection.execute(
            sql.SQL("INSERT INTO {} SELECT *, %(seq)s FROM unnest({})").format(self.gone, arrays),
            parameters | {"seq": after_seq},
        )

    def holds_changes(self) -> bool:
        """Whether anything is staged that could change the landed table."""
        row = self._connection.execute(
            sql.SQL("SELECT EXISTS (SELECT FROM {}) OR EXISTS (SELECT FROM {})").format(self.rows[0], self.gone)
        ).fetchone()
        return bool(row and row[0])

    def next_slice(self) -> None:
        """Empty the tables for the next slice, but remember the keys of this one."""
        names = sql.SQL(", ").join(sql.Identifier(name) for name in self.tables[0].key)
        with self._connection.transaction():
            self._connection.execute(sql.SQL("UPDATE {} SET _seq = NULL").format(self.seen))
            for source in (self.rows[0], self.refused):
                self._connection.execute(
                    sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE ({}) IS NOT NULL").format(
                        self.seen, names, names, source, names
                    )
                )
            emptied = sql.SQL(", ").join([*self.rows, self.gone, self.refused])
            self._connection.execute(sql.SQL("TRUNCATE {}").format(emptied))

    def note_known_children(self) -> int:
        """Mark staged children that have landed although their parent had not: somebody emptied its table."""
        return sum(
            self._connection.execute(
                sql.SQL(
                    "UPDATE {} s SET _known = true FROM {} t WHERE NOT s._known AND t.connection = %s AND {}"
                ).format(
                    name, table.identifier,
                    sql.SQL(" AND ").join(sql.SQL("t.{0} = s.{0}").format(sql.Identifier(key)) for key in table.key),
                ),
                (self.connection_name,),
            ).rowcount
            for table, name in zip(self.tables[1:], self.rows[1:], strict=True)
        )  # fmt: skip

    def analyze(self) -> None:
        """Tell the planner how much is staged, and what it looks rows up by."""
        key = sql.SQL(", ").join(map(sql.Identifier, self.tables[0].key))
        for table, name in zip(self.tables, self.rows, strict=True):
            known = sql.SQL(", ").join(map(sql.Identifier, (*table.key, "_known")))
            self._connection.execute(sql.SQL("ANALYZE {} ({})").format(name, known))
        for name in (self.seen, self.gone):
            self._connection.execute(sql.SQL("ANALYZE {} ({})").format(name, key))

    def _unlogged(self, name: sql.Identifier, columns: sql.Composable) -> None:
        self._connection.execute(
            sql.SQL("CREATE UNLOGGED TABLE {} ({}) WITH (autovacuum_enabled = false)").format(name, columns)
        )

    def _key_definitions(self, *, required: bool = True) -> sql.Composed:
        return sql.SQL(", ").join(
            sql.SQL('{} text COLLATE "C"' + (" NOT NULL" if required else "")).format(sql.Identifier(name))
            for name in self.tables[0].key
        )


def _texts(encoded: Encoded) -> list[bytes]:
    return ["".join(lines).encode() for lines in encoded.lines]


def _arrays(keys: Sequence[Sequence[str]]) -> tuple[sql.Composed, dict[str, Any]]:
    """An array expression for each key column, and its parameters."""
    parts: list[sql.Composable] = []
    parameters: dict[str, Any] = {}
    for number, values in enumerate(keys):
        joined = _SEPARATOR.join(values)
        name = f"key{number}"
        if values and joined.count(_SEPARATOR) == len(values) - 1 and "" not in values:
            parts.append(sql.SQL("string_to_array({}, E'\\x1f')").format(sql.Placeholder(name)))
            parameters[name] = joined
        else:
            parts.append(sql.SQL("{}::text[]").format(sql.Placeholder(name)))
            parameters[name] = list(values)
    return sql.SQL(", ").join(parts), parameters
