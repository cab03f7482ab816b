"""From staging to the landed tables: the statements of the one short transaction.

Rows were classified while they were staged and the run's lock keeps other writers out, so new rows are
plain inserts and known rows updates of what differs: exact counts on every Postgres from 15 on, and no
join at all for a first load.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from warehouse.staging import Staging
from warehouse.table import ChildLike, Column, Table

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Values:
    """What is the same in every row of a landing."""

    connection: str
    run_id: UUID
    identity: str | None


@dataclass(slots=True)
class Merge:
    """The statements for one stream; each method answers how many rows it touched."""

    connection: Connection
    staging: Staging
    children: Sequence[ChildLike]
    values: Values

    @property
    def parent(self) -> Table:
        """The stream's own table."""
        return self.staging.tables[0]

    def insert(self, number: int) -> int:
        """Insert the rows of table ``number`` whose parent has not landed before."""
        return self._insert(number, sql.SQL("NOT s._known"))

    def insert_children_of_known(self, number: int) -> int:
        """Insert new children of parents that have landed before."""
        table = self.staging.tables[number]
        missing = sql.SQL("s._known AND NOT EXISTS (SELECT FROM {} t WHERE {})").format(
            table.identifier, self._match(table)
        )
        return self._insert(number, missing)

    def update(self, number: int, *, also: sql.Composable | None = None) -> int:
        """Update rows of table ``number`` that differ from what is staged or were deleted."""
        table = self.staging.tables[number]
        columns = [sql.Identifier(column.name) for column in self._values_of(table)]
        columns.append(sql.Identifier("_extra"))
        differs = sql.SQL("t._deleted_at IS NOT NULL OR ({}) IS DISTINCT FROM ({})").format(
            _prefixed("t", columns), _prefixed("s", columns)
        )
        if also is not None:
            differs = sql.SQL("{} OR {}").format(differs, also)
        sets = sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(name) for name in columns)
        return self._execute(
            sql.SQL(
                "UPDATE {} t SET {}, _row_hash = s._row_hash, _run_id = %(run_id)s, _changed_at = now(),"
                " _deleted_at = NULL FROM {} s WHERE {} AND s._known AND ({})"
            ).format(table.identifier, sets, self.staging.rows[number], self._match(table), differs)
        )

    def revived(self) -> int:
        """How many of the staged records are marked as deleted; to be asked before they are updated."""
        query = sql.SQL("SELECT count(*) FROM {} t JOIN {} s ON {} WHERE s._known AND t._deleted_at IS NOT NULL")
        counted = query.format(self.parent.identifier, self.staging.rows[0], self._match(self.parent))
        return int(self.connection.execute(counted, {"connection": self.values.connection}).fetchall()[0][0])

    def update_parents(self) -> int:
        """Update known parents that differ, themselves or in their children."""
        touched = [
            sql.SQL("EXISTS (SELECT FROM {} c WHERE {} AND c._run_id = %(run_id)s)").format(
                self.staging.tables[number].identifier, self._of_parent(number, "c", "t")
            )
            for number in range(1, len(self.staging.tables))
        ]
        return self.update(0, also=sql.SQL(" OR ").join(touched) if touched else None)

    def drop_children_no_longer_there(self, number: int) -> int:
        """Mark children as deleted that a known, staged parent no longer has."""
        table = self.staging.tables[number]
        return self._execute(
            sql.SQL(
                "UPDATE {} t SET _deleted_at = now(), _changed_at = now(), _run_id = %(run_id)s FROM {} p"
                " WHERE p._known AND {} AND t._deleted_at IS NULL AND NOT EXISTS (SELECT FROM {} s WHERE {})"
            ).format(
                table.identifier, self.staging.rows[0], self._of_parent(number, "t", "p"),
                self.staging.rows[number], self._match(table),
            )
        )  # fmt: skip

    def delete(self) -> tuple[int, list[int]]:
        """Mark as deleted what is gone, with its children."""
        parents = self._tombstone(
            self.parent, sql.SQL(" AND ").join(_equal("t", name, "g") for name in self.parent.key)
        )
        children = [
            self._tombstone(self.staging.tables[number], self._of_parent(number, "t", "g"))
            for number in range(1, len(self.staging.tables))
        ]
        return parents, children

    def refresh_fingerprints(self) -> int:
        """Note the new fingerprint in rows that are otherwise the same, so that they are skipped again next time."""
        return self._execute(
            sql.SQL(
                "UPDATE {} t SET _row_hash = s._row_hash FROM {} s WHERE {} AND s._known AND t._row_hash <> s._row_hash"
            ).format(self.parent.identifier, self.staging.rows[0], self._match(self.parent))
        )

    def _insert(self, number: int, which: sql.Composable) -> int:
        table = self.staging.tables[number]
        staged = [sql.Identifier(column.name) for column in table.staged]
        constant = [sql.Identifier(column.name) for column in table.columns if column.source == "$identity"]
        return self._execute(
            sql.SQL(
                "INSERT INTO {} (connection, {}, _row_hash, _run_id, _inserted_at, _changed_at, _extra)"
                " SELECT %(connection)s, {}, s._row_hash, %(run_id)s, now(), now(), s._extra FROM {} s WHERE {}"
            ).format(
                table.identifier,
                sql.SQL(", ").join([*staged, *constant]),
                sql.SQL(", ").join(
                    [*(sql.SQL("s.{}").format(name) for name in staged), *([sql.SQL("%(identity)s")] * len(constant))]
                ),
                self.staging.rows[number],
                which,
            )
        )

    def _tombstone(self, table: Table, match: sql.Composable) -> int:
        return self._execute(
            sql.SQL(
                "UPDATE {} t SET _deleted_at = now(), _changed_at = now(), _run_id = %(run_id)s FROM {} g"
                " WHERE t.connection = %(connection)s AND {} AND t._deleted_at IS NULL"
            ).format(table.identifier, self.staging.gone, match)
        )

    def _execute(self, statement: sql.Composed) -> int:
        parameters = {
            "connection": self.values.connection, "run_id": self.values.run_id, "identity": self.values.identity,
        }  # fmt: skip
        return self.connection.execute(statement, parameters).rowcount

    def _match(self, table: Table) -> sql.Composed:
        keys = sql.SQL(" AND ").join(_equal("t", name, "s") for name in table.key)
        return sql.SQL("t.connection = %(connection)s AND {}").format(keys)

    def _of_parent(self, number: int, child: str, parent: str) -> sql.Composed:
        """The condition that a child row belongs to a parent row."""
        table, declared = self.staging.tables[number], self.children[number - 1]
        parts: list[sql.Composable] = [sql.SQL("{}.connection = %(connection)s").format(sql.Identifier(child))]
        for column in table.columns:
            if column.name not in table.key:
                continue
            if column.source.startswith("^"):
                above = next(
                    c.name for c in self.parent.columns if c.source == column.source[1:] and c.name in self.parent.key
                )
                parts.append(_equal(child, column.name, parent, above))
            elif column.source == "$owner":
                owner = sql.Literal(declared.owner or self.parent.name)
                parts.append(sql.SQL("{}.{} = {}").format(sql.Identifier(child), sql.Identifier(column.name), owner))
        return sql.SQL(" AND ").join(parts)

    @staticmethod
    def _values_of(table: Table) -> list[Column]:
        return [column for column in table.staged if column.name not in table.key]


def _equal(left: str, name: str, right: str, other: str = "") -> sql.Composed:
    return sql.SQL("{}.{} = {}.{}").format(
        sql.Identifier(left), sql.Identifier(name), sql.Identifier(right), sql.Identifier(other or name)
    )


def _prefixed(alias: str, columns: Sequence[sql.Identifier]) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.Identifier(alias), name) for name in columns)
