"""Landed tables in Postgres: made from record types, compared before each landing, widened when a model grows."""

from dataclasses import replace
from functools import partial
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from warehouse.connect import translated
from warehouse.errors import TargetSchemaChanged
from warehouse.locks import take_for_ourselves
from warehouse.table import TAIL, Table
from warehouse.widen import widen

Connection = psycopg.Connection[Any]

FILL = 90  # percent of a page that is filled at first
TURN_TIMEOUT = "15min"
_CONNECTION_DOC = "The connection that the row came through, as named in landfall connect"


def ensure_tables(connection: Connection, tables: tuple[Table, ...]) -> None:
    """Make or extend the tables; TargetSchemaChanged where somebody changed one so that rows no longer fit.

    Without a difference nothing is written and no lock is taken.
    """
    if all(_current(connection, table) for table in tables):
        return
    with translated("widening columns"):
        for table in tables:
            _widen(connection, table)
    with translated("preparing tables"), connection.transaction():
        _wait_for_turn(connection, "SELECT pg_advisory_xact_lock(hashtextextended('landfall:ddl', 0))")
        for table in tables:
            if not _current(connection, table):
                _make(connection, table)


def definition(table: Table) -> dict[str, str]:
    """Column names and types as Landfall makes them, in order."""
    columns = {"connection": 'text COLLATE "C" NOT NULL'}
    columns |= {column.name: column.definition for column in table.columns}
    return columns | {name: kind for name, kind, _ in TAIL}


def _current(connection: Connection, table: Table) -> bool:
    """Whether the table is as it should be; TargetSchemaChanged if somebody else changed it."""
    row = connection.execute(
        "SELECT definition FROM ops.landed_table WHERE table_schema = %s AND table_name = %s",
        (table.schema, table.name),
    ).fetchone()
    if row is None:
        return False
    _compare(connection, table, row[0])
    return bool(row[0] == definition(table))


def _compare(connection: Connection, table: Table, made: dict[str, str]) -> None:
    found = {
        name: (kind, not_null, has_default)
        for name, kind, not_null, has_default in connection.execute(
            """SELECT attname, format_type(atttypid, atttypmod), attnotnull, atthasdef
               FROM pg_attribute
               WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped""",
            (f'"{table.schema}"."{table.name}"',),
        )
    }
    where = f"{table.schema}.{table.name}"
    if not found:
        raise TargetSchemaChanged(
            f"The table {where} has been dropped; delete its row in ops.landed_table to have it made anew"
        )
    for name, kind in made.items():
        if name not in found:
            raise TargetSchemaChanged(f"Somebody dropped or renamed the column {where}.{name}")
        wanted = _bare(kind)
        if found[name][0] != wanted:
            raise TargetSchemaChanged(f"Somebody changed {where}.{name} from {wanted} to {found[name][0]}")
        if found[name][1] and not kind.endswith("NOT NULL"):
            raise TargetSchemaChanged(f"Somebody set {where}.{name} to NOT NULL")
    for name, (_, not_null, has_default) in found.items():
        if name not in made and not_null and not has_default:
            raise TargetSchemaChanged(f"Somebody added the column {where}.{name}, which must not be null")


def _bare(definition_: str) -> str:
    name = definition_.split(" GENERATED ALWAYS ")[0].removesuffix(" NOT NULL").removesuffix(' COLLATE "C"')
    return {"timestamptz": "timestamp with time zone"}.get(name, name)


def _make(connection: Connection, table: Table) -> None:
    wanted = definition(table)
    row = connection.execute(
        "SELECT definition FROM ops.landed_table WHERE table_schema = %s AND table_name = %s",
        (table.schema, table.name),
    ).fetchone()
    if row is None:
        _create(connection, table, wanted)
    else:
        _extend(connection, table, row[0], wanted)
    _document(connection, table)
    connection.execute(
        "INSERT INTO ops.landed_table (table_schema, table_name, definition) VALUES (%s, %s, %s) "
        "ON CONFLICT (table_schema, table_name) DO UPDATE SET definition = excluded.definition, updated_at = now()",
        (table.schema, table.name, Jsonb(wanted)),
    )


def _widen(connection: Connection, table: Table) -> None:
    _wait_for_turn(connection, "SELECT pg_advisory_lock(hashtextextended('landfall:widen', 0))")
    try:
        row = connection.execute(
            "SELECT definition FROM ops.landed_table WHERE table_schema = %s AND table_name = %s",
            (table.schema, table.name),
        ).fetchone()
        for name, kind in definition(table).items():
            if row and name in row[0] and row[0][name] != kind:
                _compare(connection, table, row[0])
                made = row[0] | {name: kind}
                widen(connection, table, name, row[0][name], kind, partial(_widened, connection, table, made))
                row[0][name] = kind
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(hashtextextended('landfall:widen', 0))")


def _wait_for_turn(connection: Connection, lock: LiteralString) -> None:
    """Take a lock that another run may hold for as long as filling a column of a large table takes."""
    usual = connection.execute("SHOW lock_timeout").fetchall()[0][0]
    connection.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(TURN_TIMEOUT)))
    connection.execute(lock)
    connection.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(usual)))


def _widened(connection: Connection, table: Table, made: dict[str, str]) -> None:
    """What belongs to a swap of columns: the view of the table, its documentation, and how it is made now."""
    _view(connection, table)
    # Columns that are new beside come later.
    _document(connection, replace(table, columns=tuple(column for column in table.columns if column.name in made)))
    connection.execute(
        "UPDATE ops.landed_table SET definition = %s, updated_at = now() WHERE table_schema = %s AND table_name = %s",
        (Jsonb(made), table.schema, table.name),
    )


def _create(connection: Connection, table: Table, wanted: dict[str, str]) -> None:
    schema = sql.Identifier(table.schema)
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    doc = f"What Landfall has landed of {table.schema}; see ops.freshness for how current it is"
    connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(schema, sql.Literal(doc)))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO landfall_analyst").format(schema))
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in wanted.items()]
    key = [sql.Identifier(name) for name in ("connection", *table.key)]
    connection.execute(
        # A row that changes finds room on its page then, so that no index has to learn where it is now.
        sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({})) WITH (fillfactor = {})").format(
            table.identifier, sql.SQL(", ").join(columns), sql.SQL(", ").join(key), sql.Literal(FILL)
        )
    )
    connection.execute(sql.SQL("GRANT SELECT ON {} TO landfall_analyst").format(table.identifier))
    _view(connection, table)


def _extend(connection: Connection, table: Table, made: dict[str, str], wanted: dict[str, str]) -> None:
    take_for_ourselves(connection, table.schema, table.name)
    for name, kind in wanted.items():
        if name in made:
            continue
        # A new column is null in old rows; the rows are read again, since the mapping's version changed.
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
                table.identifier,
                sql.Identifier(name),
                sql.SQL(kind.removesuffix(" NOT NULL")),
            )
        )
    for name in made.keys() - wanted.keys():
        # This version knows no such column: it keeps its values, and new rows have none.
        connection.execute(
            sql.SQL("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL").format(table.identifier, sql.Identifier(name))
        )
    _view(connection, table)


def _view(connection: Connection, table: Table) -> None:
    """``<table>_current``: rows that are not deleted. Columns are only ever added at its end."""
    names = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped "
        "ORDER BY attnum",
        (f'"{table.schema}"."{table.name}"',),
    ).fetchall()
    columns = sql.SQL(", ").join(sql.Identifier(name) for (name,) in names)
    view = sql.Identifier(table.schema, f"{table.name}_current")
    connection.execute(
        sql.SQL("CREATE OR REPLACE VIEW {} AS SELECT {} FROM {} WHERE _deleted_at IS NULL").format(
            view, columns, table.identifier
        )
    )
    connection.execute(sql.SQL("GRANT SELECT ON {} TO landfall_analyst").format(view))
    comment = f"{table.doc} Without rows that are deleted at the source."
    connection.execute(sql.SQL("COMMENT ON VIEW {} IS {}").format(view, sql.Literal(comment)))


def _document(connection: Connection, table: Table) -> None:
    comments = [sql.SQL("COMMENT ON TABLE {} IS {}").format(table.identifier, sql.Literal(table.doc))]
    docs = {"connection": _CONNECTION_DOC}
    docs |= {column.name: _column_doc(column.doc, column.unit) for column in table.columns}
    docs |= {name: doc for name, _, doc in TAIL}
    for name, doc in docs.items():
        for relation in (table.name, f"{table.name}_current"):
            column = sql.Identifier(table.schema, relation, name)
            comments.append(sql.SQL("COMMENT ON COLUMN {} IS {}").format(column, sql.Literal(doc)))
    connection.execute(sql.SQL("; ").join(comments))  # at once: a table has a hundred of them


def _column_doc(doc: str, unit: str | None) -> str:
    return f"{doc} (unit: {unit})" if unit else doc
