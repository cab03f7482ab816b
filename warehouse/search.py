"""Search over landed tables: the indexes that a landing keeps, and looking into them.

What is searched is declared in ops.search_index; how hits are found and ranked is in migrations/0031_search.sql. An
index is made after the landing that needs it, outside its transaction, and kept by Postgres from then on. Whatever goes
wrong with one is a warning: rows that have landed are worth more than a quick search.
"""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.rows import dict_row

from warehouse.careful import clean
from warehouse.errors import BadSearch, SearchUnavailable
from warehouse.locks import holder, lock_key, try_lock, unlock
from warehouse.table import Table

Connection = psycopg.Connection[Any]
logger = logging.getLogger(__name__)

# CREATE INDEX CONCURRENTLY waits for every older transaction. Longer ones (a backup) are not worth a run's waiting: the
# next landing tries again.
CONCURRENT_WAIT, LOCK_WAIT = "60s", "5s"
INDEX_WAIT_S = 900.0  # what another connection's first landing waits at most for an index that is being made
DEFAULT_LIMIT, MAX_LIMIT = 15, 100


def keep_indexes(connection: Connection, tables: Sequence[Table], name: str) -> list[str]:
    """Make the indexes that search needs of landed tables, and drop those that it no longer does.

    ``name`` is the connection that has just landed in them, whose lock this session holds. Answers what went wrong, in
    words. Where nothing is to be done this is one query.
    """
    warnings = []
    try:
        unready = {index.table for index in _wanted(connection, tables) if not index.valid}
    except psycopg.Error as error:
        return [f"the search indexes could not be looked at: {_first_line(error)}"]
    for table in (table for table in tables if table.name in unready):
        try:
            _keep(connection, table, name)
        except psycopg.Error as error:
            what = f"the search indexes of {table.schema}.{table.name} are not ready; the next landing tries again"
            missing = not connection.closed and not available(connection)
            warnings.append(f"{what}: {_first_line(error)}{f'. {SearchUnavailable.cure}' if missing else ''}")
    return warnings


def wait_for_indexes(connection: Connection, tables: Sequence[Table]) -> bool:
    """Wait until nobody makes a search index of these tables any more; False if nobody did, or not in time."""
    keys = [lock_key("search", table.schema, table.name) for table in tables]
    deadline = time.monotonic() + INDEX_WAIT_S
    waited = False
    while any(holder(connection, key) for key in keys):
        if time.monotonic() > deadline:
            return False
        waited = True
        time.sleep(0.5)
    return waited


def find(
    connection: Connection, index: str, query: str, *, limit: int = DEFAULT_LIMIT, of_connection: str | None = None,
    active: bool | None = True, of_type: str | None = None, updated_since: str | None = None, sort: str = "relevance",
) -> list[dict[str, Any]]:  # fmt: skip
    """The best hits first: id, name, type, active, what their index shows besides, kind, connection, updated_at, matched.

    ``active`` None: inactive ones too. ``of_type`` is a type or a kind, ``updated_since`` a time as Postgres reads it,
    ``sort`` a column of the hits, with - before it the other way round. Raises BadSearch and SearchUnavailable.
    """
    asked = (_schema(connection, index), index, query, limit, of_connection, active, of_type, updated_since, sort)
    with connection.cursor(row_factory=dict_row) as cursor:
        try:
            found = cursor.execute(
                """SELECT h.id, h.name, h.type, h.active, h.shown::text, h.kind, h.connection, h.updated_at::text, h.matched
                   FROM ops.search(%s, %s, %s, %s, %s, %s, %s, %s::timestamptz, %s) WITH ORDINALITY AS h
                   ORDER BY h.ordinality""",
                [clean(value) if isinstance(value, str) else value for value in asked],
            ).fetchall()
        except (pg.UndefinedObject, pg.InvalidParameterValue) as error:
            raise BadSearch(f"{error.diag.message_primary}. {error.diag.message_hint}.") from None
        except pg.DataError as error:
            raise BadSearch(f"{error.diag.message_primary}.") from None
        except pg.FeatureNotSupported as error:
            raise SearchUnavailable(str(error.diag.message_primary)) from None
    return [_hit(row) for row in found]


def indexes(connection: Connection) -> list[dict[str, Any]]:
    """A row for each index and table that has landed: index, table, rows (not deleted), bytes on disk, ready."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "SELECT index_name AS index, table_schema AS schema, table_name AS table, bytes, ready"
            " FROM ops.search_status ORDER BY table_schema, index_name, table_name"
        ).fetchall()
    counts = {(row["schema"], row["table"]): 0 for row in rows}
    for schema, table in counts:
        query = sql.SQL("SELECT count(*) FROM {} WHERE _deleted_at IS NULL").format(sql.Identifier(schema, table))
        counts[schema, table] = connection.execute(query).fetchall()[0][0]
    return [{**row, "rows": counts[row["schema"], row["table"]]} for row in rows]


def available(connection: Connection) -> bool:
    """Whether the database has the extension that search needs."""
    return connection.execute("SELECT FROM pg_extension WHERE extname = 'pg_trgm'").fetchone() is not None


@dataclass(frozen=True, slots=True)
class _Index:
    """An index on disk that search wants. ``valid``: None where there is none, False where it was left half-made."""

    table: str
    name: str
    definition: str
    valid: bool | None


def _wanted(connection: Connection, tables: Sequence[Table]) -> list[_Index]:
    rows = connection.execute(
        """SELECT w.table_name, w.name, min(w.definition), bool_or(x.indisvalid)
           FROM ops.search_wanted() AS w
           LEFT JOIN pg_index AS x ON x.indexrelid = to_regclass(format('%%I.%%I', w.table_schema, w.name))
           WHERE w.table_schema = %s AND w.table_name = ANY (%s) GROUP BY 1, 2 ORDER BY 1, 2""",
        (tables[0].schema, [table.name for table in tables]),
    ).fetchall()
    return [_Index(*row) for row in rows]


def _keep(connection: Connection, table: Table, name: str) -> None:
    if not available(connection):
        # Whoever owns the database may do this without being a superuser.
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    key = lock_key("search", table.schema, table.name)
    if not try_lock(connection, key):
        return  # another run is making them
    try:
        wanted = _wanted(connection, [table])
        for index in wanted:
            if not index.valid:
                logger.info("making the search index %s of %s.%s", index.name, table.schema, table.name)
                _make(connection, table, name, index)
        _drop_others(connection, table, [index.name for index in wanted])
    finally:
        if not connection.closed:
            unlock(connection, key)


def _make(connection: Connection, table: Table, name: str, index: _Index) -> None:
    """Make one index; beside other connections' landings, which must not wait for it, in the slower way."""
    if index.valid is not None:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(table.schema, index.name)))
    # The ends of the key's index; asked whether there is another connection, Postgres reads a table that it has not analyzed.
    row = connection.execute(
        sql.SQL("SELECT min(connection) < %(name)s OR max(connection) > %(name)s FROM {}").format(table.identifier),
        {"name": name},
    ).fetchone()
    shared = bool(row and row[0])
    connection.execute("SELECT set_config('lock_timeout', %s, false)", (CONCURRENT_WAIT if shared else LOCK_WAIT,))
    try:
        connection.execute(
            sql.SQL("CREATE INDEX {} {} ON {} USING {} WHERE _deleted_at IS NULL").format(
                sql.SQL("CONCURRENTLY" if shared else ""),
                sql.Identifier(index.name),
                table.identifier,
                sql.SQL(index.definition),
            )
        )
    finally:
        if not connection.closed:
            connection.execute("SELECT set_config('lock_timeout', %s, false)", (LOCK_WAIT,))


def _drop_others(connection: Connection, table: Table, wanted: Sequence[str]) -> None:
    """Drop indexes that earlier declarations asked for."""
    rows = connection.execute(
        "SELECT c.relname::text FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid"
        " WHERE x.indrelid = to_regclass(%s) AND starts_with(c.relname, %s) AND c.relname <> ALL (%s)",
        (f'"{table.schema}"."{table.name}"', f"{table.name[:40]}_search_", list(wanted)),
    ).fetchall()
    for (index,) in rows:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(table.schema, index)))


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _schema(connection: Connection, index: str) -> str:
    rows = connection.execute("SELECT DISTINCT table_schema, index_name FROM ops.search_index ORDER BY 1, 2").fetchall()
    for schema, name in rows:
        if name == index:
            return str(schema)
    raise BadSearch(f"There is no search index {index}. There are {', '.join(name for _, name in rows)}.")


def _hit(row: dict[str, Any]) -> dict[str, Any]:
    """A hit with what its index shows besides in its place; numbers are exact."""
    shown = json.loads(row.pop("shown"), parse_float=Decimal)
    first = {name: row.pop(name) for name in ("id", "name", "type", "active")}
    return {**first, **shown, **row}
