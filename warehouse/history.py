"""History: every version of a record that a stream with ``history`` has landed, and what was valid when."""

from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from warehouse.connect import translated
from warehouse.staging import Staging
from warehouse.table import StreamLike, Table, table_of
from warehouse.widen import widen

Connection = psycopg.Connection[Any]

_DOCS = {
    "valid_from": "When this version landed",
    "valid_to": "When the next version landed or the record was found gone; null while it is current",
    "_run_id": "The run that landed this version (ops.sync_run.run_id)",
    "_extra": "Source fields without a column, as in the table itself",
}


def ensure(connection: Connection, stream: StreamLike) -> None:
    """Make ``<table>_history`` and ``<table>_as_of(time)``, or add the columns that the table has got since.

    A new history begins with the rows as they have landed.
    """
    table = table_of(stream.schema, stream.name, stream.record, stream.key)
    found = _found(connection, table)
    _widen(connection, table, found)
    lacking = {name: kind for name, kind in _columns(table).items() if name not in found}
    if not lacking:
        return
    with translated("preparing history"), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('landfall:ddl', 0))")
        if len(lacking) == len(_columns(table)):
            _create(connection, table)
        else:
            for name, kind in lacking.items():
                connection.execute(
                    sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(_name(table), sql.Identifier(name), sql.SQL(kind))
                )
        _document(connection, table)


def record(connection: Connection, staging: Staging) -> None:
    """Close the versions that ended in this transaction and add those that began; after the table is merged."""
    table = staging.tables[0]
    for source in (staging.rows[0], staging.gone):
        connection.execute(
            sql.SQL(
                "UPDATE {history} h SET valid_to = now() FROM {source} s JOIN {table} t ON {same} WHERE {matches}"
                " AND h.connection = %(connection)s AND t.connection = %(connection)s AND h.valid_to IS NULL"
                " AND t._changed_at = now()"
            ).format(
                history=_name(table), source=source, table=table.identifier, same=_same(table, "t", "s"),
                matches=_same(table, "h", "s"),
            ),
            {"connection": staging.connection_name},
        )  # fmt: skip
    names = _names(table)
    connection.execute(
        sql.SQL(
            "INSERT INTO {} (connection, {}, _run_id, _extra, valid_from) SELECT t.connection, {}, t._run_id, t._extra, now()"
            " FROM {} s JOIN {} t ON {} WHERE t.connection = %(connection)s AND t._changed_at = now()"
            " AND t._deleted_at IS NULL"
        ).format(
            _name(table), sql.SQL(", ").join(names), sql.SQL(", ").join(sql.SQL("t.{}").format(name) for name in names),
            staging.rows[0], table.identifier, _same(table, "t", "s"),
        ),
        {"connection": staging.connection_name},
    )  # fmt: skip


def _columns(table: Table) -> dict[str, str]:
    columns = {"connection": 'text COLLATE "C" NOT NULL'}
    columns |= {column.name: column.pg_type for column in table.columns}
    return columns | {
        "_run_id": "uuid NOT NULL",
        "_extra": "jsonb",
        "valid_from": "timestamptz NOT NULL",
        "valid_to": "timestamptz",
    }


def _found(connection: Connection, table: Table) -> dict[str, str]:
    """The columns of the history as it is, with their types; empty if there is none."""
    rows = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
        (f'"{table.schema}"."{table.name}_history"',),
    ).fetchall()
    return {name: "timestamptz" if kind == "timestamp with time zone" else kind for name, kind in rows}


def _widen(connection: Connection, table: Table, found: dict[str, str]) -> None:
    """Follow the table where a column has become wider."""
    for column in table.columns:
        wanted = column.pg_type.removesuffix(' COLLATE "C"')
        if found.get(column.name, wanted) != wanted:
            with translated("widening history"):
                widen(connection, replace(table, name=f"{table.name}_history"), column.name, found[column.name], wanted)


def _create(connection: Connection, table: Table) -> None:
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in _columns(table).items()]
    key = sql.SQL(", ").join(sql.Identifier(name) for name in ("connection", *table.key, "valid_from"))
    names = sql.SQL(", ").join(_names(table))
    as_of = sql.Identifier(table.schema, f"{table.name}_as_of")
    for statement in (
        sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({}))").format(_name(table), sql.SQL(", ").join(columns), key),
        sql.SQL(
            "INSERT INTO {} (connection, {}, _run_id, _extra, valid_from)"
            " SELECT connection, {}, _run_id, _extra, _changed_at FROM {} WHERE _deleted_at IS NULL"
        ).format(_name(table), names, names, table.identifier),
        sql.SQL(
            "CREATE FUNCTION {}(at timestamptz) RETURNS SETOF {} LANGUAGE sql STABLE AS $$"
            " SELECT * FROM {} WHERE valid_from <= $1 AND (valid_to IS NULL OR valid_to > $1) $$"  # a column may be called at
        ).format(as_of, _name(table), _name(table)),
        sql.SQL("COMMENT ON FUNCTION {} IS {}").format(
            as_of, sql.Literal(f"The rows of {table.schema}.{table.name} as they had landed at a time")
        ),
        sql.SQL("GRANT SELECT ON {} TO landfall_analyst").format(_name(table)),
    ):
        connection.execute(statement)


def _document(connection: Connection, table: Table) -> None:
    doc = f"Every version of {table.schema}.{table.name} that has landed. {table.doc}"
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(_name(table), sql.Literal(doc)))
    docs = {column.name: column.doc for column in table.columns} | _DOCS
    docs["connection"] = "The connection that the row came through"
    for name, text in docs.items():
        column = sql.Identifier(table.schema, f"{table.name}_history", name)
        connection.execute(sql.SQL("COMMENT ON COLUMN {} IS {}").format(column, sql.Literal(text)))


def _name(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema, f"{table.name}_history")


def _names(table: Table) -> list[sql.Identifier]:
    return [sql.Identifier(column.name) for column in table.columns]


def _same(table: Table, left: str, right: str) -> sql.Composed:
    return sql.SQL(" AND ").join(
        sql.SQL("{0}.{2} = {1}.{2}").format(sql.Identifier(left), sql.Identifier(right), sql.Identifier(name))
        for name in table.key
    )
