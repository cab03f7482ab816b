"""Streams of events: rows that are only ever added, and events that are made by looking at a state again and again."""

from typing import Any

import psycopg
from psycopg import sql

from warehouse.connect import translated
from warehouse.staging import Staging
from warehouse.table import StreamLike, table_of

Connection = psycopg.Connection[Any]


def ensure(connection: Connection, stream: StreamLike) -> None:
    """An index to find the last event of a subject by."""
    if not stream.subject:
        return
    table = table_of(stream.schema, stream.name, stream.record, stream.key)
    name = f"{stream.name}_subject"
    found = connection.execute("SELECT to_regclass(%s)", (f'"{stream.schema}"."{name}"',)).fetchone()
    if found and found[0]:
        return
    columns = sql.SQL(", ").join(sql.Identifier(each) for each in ("connection", *stream.subject, "_inserted_at"))
    with translated("preparing events"), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('landfall:ddl', 0))")
        connection.execute(
            sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} ({})").format(sql.Identifier(name), table.identifier, columns)
        )


def drop_known(connection: Connection, staging: Staging, stream: StreamLike) -> None:
    """Drop what has landed before from staging: an event never changes."""
    keys = sql.SQL(", ").join(sql.Identifier(name) for name in stream.key)
    connection.execute(
        sql.SQL(
            "WITH known AS (DELETE FROM {stage} WHERE _known RETURNING {keys}, _seq)"
            " INSERT INTO {seen} ({keys}, _seq) SELECT * FROM known"
        ).format(stage=staging.rows[0], seen=staging.seen, keys=keys)
    )
    _drop_orphans(connection, staging)


def drop_unchanged(connection: Connection, staging: Staging, stream: StreamLike) -> None:
    """Drop looks that found what the look or event before had found, in the order of their versions.

    So a look that comes late, such as a dead letter that lands after all, finds its place among the others.
    """
    names = {"subject": stream.subject, "observed": stream.observed}
    parts: dict[str, sql.Composable] = {
        what: sql.SQL(", ").join(sql.Identifier(name) for name in columns) for what, columns in names.items()
    }
    version = sql.Identifier(stream.version) if stream.version else sql.SQL("NULL")
    connection.execute(
        sql.SQL(
            """WITH looks AS (
                   SELECT {subject}, ROW({observed}) AS state, {version} AS version, NULL::timestamptz AS landed, _seq
                   FROM {stage}
                   UNION ALL
                   SELECT {subject}, ROW({observed}), {version}, _inserted_at, NULL FROM {table}
                   WHERE connection = %s AND ({subject}) IN (SELECT {subject} FROM {stage})
               ), judged AS (
                   SELECT _seq, row_number() OVER before > 1 AND state IS NOT DISTINCT FROM lag(state) OVER before AS same
                   FROM looks
                   WINDOW before AS (PARTITION BY {subject} ORDER BY version NULLS FIRST, landed NULLS LAST, _seq)
               )
               DELETE FROM {stage} s USING judged j WHERE j._seq = s._seq AND j.same"""
        ).format(**parts, version=version, stage=staging.rows[0], table=staging.tables[0].identifier),
        (staging.connection_name,),
    )
    _drop_orphans(connection, staging)


def _drop_orphans(connection: Connection, staging: Staging) -> None:
    for name in staging.rows[1:]:
        connection.execute(
            sql.SQL("DELETE FROM {} c WHERE NOT EXISTS (SELECT FROM {} p WHERE p._seq = c._seq)").format(
                name, staging.rows[0]
            )
        )
