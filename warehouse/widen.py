"""Widening a column of a landed table while people read it.

ALTER COLUMN … TYPE would rewrite the table and keep every reader out meanwhile. Here a second column is filled in
small steps, and only the swap, which touches no row, takes the table for itself.
"""

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql

from warehouse.errors import TargetSchemaChanged
from warehouse.locks import take_for_ourselves
from warehouse.table import Table

Connection = psycopg.Connection[Any]

STEP_ROWS = 20_000  # a step of some 100 ms, after which waiting writers get their turn
# Every value of the first type is a value of the second.
WIDER = {
    ("integer", "bigint"), ("integer", "numeric"), ("bigint", "numeric"), ("date", "timestamptz"),
    ("integer", "text"), ("bigint", "text"), ("numeric", "text"), ("boolean", "text"), ("date", "text"),
}  # fmt: skip


def widen(
    connection: Connection, table: Table, name: str, old: str, new: str, finish: Callable[[], None] = lambda: None
) -> None:
    """Change the type of a column from ``old`` to ``new``, which must be wider; ``finish`` belongs to the swap.

    TargetSchemaChanged if it is not, or if a view that somebody made reads the column: views are never dropped.
    ``<table>_current`` is, and the caller makes it anew.
    """
    where = f"{table.schema}.{table.name}.{name}"
    bare_old, bare_new = old.removesuffix(" NOT NULL"), new.removesuffix(" NOT NULL")
    if bare_old != bare_new and (bare_old, bare_new) not in WIDER:
        raise TargetSchemaChanged(f"{where} is {old} and this version of Landfall wants {new}; that needs a migration")
    _refuse_views(connection, table, name, where)
    column, wide = sql.Identifier(name), sql.Identifier(f"_wide_{name}"[:63])
    parts = {"table": table.identifier, "column": column, "wide": wide, "type": sql.SQL(bare_new)}
    with connection.transaction():
        take_for_ourselves(connection, table.schema, table.name)
        connection.execute(sql.SQL("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {wide} {type}").format(**parts))
    fill = sql.SQL(
        "UPDATE {table} SET {wide} = {column}::{type} WHERE ctid = ANY(ARRAY("
        "SELECT ctid FROM {table} WHERE {wide} IS NULL AND {column} IS NOT NULL LIMIT %s))"
    ).format(**parts)
    while connection.execute(fill, (STEP_ROWS,)).rowcount:
        pass
    current = sql.Identifier(table.schema, f"{table.name}_current")
    with connection.transaction():
        # What others have landed meanwhile, new or changed; readers are not kept out for that.
        connection.execute(sql.SQL("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE").format(**parts))
        connection.execute(
            sql.SQL(
                "UPDATE {table} SET {wide} = {column}::{type} WHERE {wide} IS DISTINCT FROM {column}::{type}"
            ).format(**parts)
        )
        take_for_ourselves(connection, table.schema, table.name)
        connection.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(current))
        connection.execute(sql.SQL("ALTER TABLE {table} DROP COLUMN {column}").format(**parts))
        connection.execute(sql.SQL("ALTER TABLE {table} RENAME COLUMN {wide} TO {column}").format(**parts))
        if new.endswith(" NOT NULL"):
            connection.execute(sql.SQL("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL").format(**parts))
        finish()


def _refuse_views(connection: Connection, table: Table, name: str, where: str) -> None:
    row = connection.execute(
        """SELECT string_agg(DISTINCT v.relname, ', ') FROM pg_depend d
           JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
           JOIN pg_class v ON v.oid = r.ev_class
           JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
           WHERE ((a.attname = %s AND d.refobjid = to_regclass(%s)) OR d.refobjid = to_regclass(%s))
             AND v.oid <> to_regclass(%s)""",
        (
            name, f'"{table.schema}"."{table.name}"', f'"{table.schema}"."{table.name}_current"',
            f'"{table.schema}"."{table.name}_current"',
        ),
    ).fetchone()  # fmt: skip
    if row and row[0]:
        raise TargetSchemaChanged(
            f"{where} must become wider, but a view reads it ({row[0]}): drop the view, run again, and make it anew"
        )
