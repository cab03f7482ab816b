"""Between reading and landing: of each record the newest reading stays, and what is gone is found.

All of it happens in staging, outside the transaction that lands. In ``seen``, keys of earlier slices carry no
number: they are there, but are no readings of this slice.
"""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from warehouse.staging import Staging
from warehouse.table import StreamLike

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Settle:
    """The statements on the staging tables of one stream; each method answers how many readings it dropped."""

    connection: Connection
    staging: Staging
    stream: StreamLike

    def collapse_staged(self) -> int:
        """Of several staged readings of a record keep the newest version, of equal ones the later reading."""
        if not self._repeats(self.staging.rows[0]):
            return 0
        version = self.stream.version
        newest = sql.SQL("{} DESC NULLS LAST, ").format(sql.Identifier(version)) if version else sql.SQL("")
        dropped = self._drop_all_but_first(self.staging.rows[0], newest)
        self._drop_orphans()
        return dropped

    def collapse_seen(self) -> int:
        """Of several readings that were as landed keep one."""
        return self._drop_all_but_first(self.staging.seen) if self._repeats(self.staging.seen) else 0

    def collapse_both(self) -> tuple[int, int]:
        """Of a reading that was as landed and a staged one of the same record keep one.

        The newer version stays, of equal ones (or without a version column) the later reading. Answers how many of
        the first and how many of the second kind were dropped.
        """
        stage, seen, same = self.staging.rows[0], self.staging.seen, self._same("s", "e")
        later: sql.Composable = sql.SQL("s._seq > e._seq")
        if self.stream.version:
            # What was as landed has the version of the landed row.
            version = sql.Identifier(self.stream.version)
            later = sql.SQL(
                "EXISTS (SELECT FROM {} t WHERE t.connection = {} AND {}"
                " AND (s.{v} > t.{v} OR (s.{v} < t.{v}) IS NOT TRUE AND s._seq > e._seq))"
            ).format(
                self.staging.tables[0].identifier, sql.Literal(self.staging.connection_name), self._same("t", "s"),
                v=version,
            )  # fmt: skip
        overtaken = self._count(
            sql.SQL("DELETE FROM {} e USING {} s WHERE {} AND {} AND e._seq IS NOT NULL").format(
                seen, stage, same, later
            )
        )
        undone = self._count(
            sql.SQL("DELETE FROM {} s USING {} e WHERE {} AND e._seq IS NOT NULL").format(stage, seen, same)
        )
        if undone:
            self._drop_orphans()
        return overtaken, undone

    def drop_stale(self, connection_name: str) -> int:
        """Drop readings that are older than what has landed: a late answer never sets a row back."""
        assert self.stream.version is not None
        stale = self._count(
            sql.SQL(
                "WITH stale AS (DELETE FROM {stage} s USING {table} t WHERE t.connection = %s AND {same} AND s._known"
                " AND t._deleted_at IS NULL AND s.{version} < t.{version} RETURNING {keys}, s._seq)"
                " INSERT INTO {seen} ({names}, _seq) SELECT * FROM stale"
            ).format(
                stage=self.staging.rows[0], table=self.staging.tables[0].identifier, same=self._same("t", "s"),
                version=sql.Identifier(self.stream.version), keys=self._keys("s."), seen=self.staging.seen,
                names=self._keys(),
            ),
            connection_name,
        )  # fmt: skip
        if stale:
            self._drop_orphans()
        return stale

    def forget_gone(self) -> None:
        """What the source gave again after it had said that it was deleted, is not gone."""
        for name in (self.staging.seen, self.staging.rows[0], self.staging.refused):
            self._count(
                sql.SQL("DELETE FROM {} g USING {} x WHERE {} AND x._seq > g._seq").format(
                    self.staging.gone, name, self._same("x", "g")
                )
            )

    def find_gone(self, connection_name: str) -> int:
        """After a complete enumeration: note the rows whose record did not appear in it, not even refused."""
        absent = sql.SQL(" AND ").join(
            sql.SQL("NOT EXISTS (SELECT FROM {} x WHERE {})").format(name, self._same("x", "t"))
            for name in (self.staging.seen, self.staging.rows[0], self.staging.refused)
        )
        return self._count(
            sql.SQL(
                "INSERT INTO {} ({}) SELECT {} FROM {} t WHERE t.connection = %s AND t._deleted_at IS NULL AND {}"
            ).format(self.staging.gone, self._keys(), self._keys("t."), self.staging.tables[0].identifier, absent),
            connection_name,
        )

    def _drop_orphans(self) -> None:
        """Drop staged children whose parent is no longer staged."""
        for name in self.staging.rows[1:]:
            self._count(
                sql.SQL("DELETE FROM {} c WHERE NOT EXISTS (SELECT FROM {} p WHERE p._seq = c._seq)").format(
                    name, self.staging.rows[0]
                )
            )

    def _repeats(self, table: sql.Identifier) -> bool:
        row = self.connection.execute(
            sql.SQL(
                "SELECT count(*) > (SELECT count(*) FROM (SELECT FROM {0} WHERE _seq IS NOT NULL GROUP BY {1}) d)"
                " FROM {0} WHERE _seq IS NOT NULL"
            ).format(table, self._keys())
        ).fetchone()
        return bool(row and row[0])

    def _drop_all_but_first(self, table: sql.Identifier, order: sql.Composable | None = None) -> int:
        return self._count(
            sql.SQL(
                "DELETE FROM {0} s USING (SELECT _seq, row_number() OVER (PARTITION BY {1} ORDER BY {2}_seq DESC)"
                " AS place FROM {0} WHERE _seq IS NOT NULL) r WHERE r._seq = s._seq AND r.place > 1"
            ).format(table, self._keys(), order or sql.SQL(""))
        )

    def _count(self, statement: sql.Composed, *parameters: str) -> int:
        return self.connection.execute(statement, parameters or None).rowcount

    def _keys(self, prefix: str = "") -> sql.Composed:
        return sql.SQL(", ").join(sql.SQL(prefix + "{}").format(sql.Identifier(name)) for name in self.stream.key)

    def _same(self, left: str, right: str) -> sql.Composed:
        return sql.SQL(" AND ").join(
            sql.SQL("{0}.{2} = {1}.{2}").format(sql.Identifier(left), sql.Identifier(right), sql.Identifier(name))
            for name in self.stream.key
        )
