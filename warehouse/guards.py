"""Guards: what makes a landing stop rather than land what is probably not so, each with its way to be accepted."""

from typing import Any

import psycopg
from psycopg import sql

from warehouse.errors import SchemaDrift, SuspiciousShrink
from warehouse.staging import Staging
from warehouse.table import Table

Connection = psycopg.Connection[Any]

MAX_SHRINK = 0.3
MAX_BAD_SHARE, MIN_BAD = 0.1, 20


def has_landed(connection: Connection, table: Table, name: str) -> bool:
    """Whether the connection of this name has rows in the table, deleted ones too."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE connection = %s)").format(table.identifier)
    return bool(connection.execute(query, (name,)).fetchall()[0][0])


def live_rows(connection: Connection, table: Table, name: str) -> int:
    """How many rows of the connection of this name are not deleted."""
    query = sql.SQL("SELECT count(*) FROM {} WHERE connection = %s AND _deleted_at IS NULL").format(table.identifier)
    return int(connection.execute(query, (name,)).fetchall()[0][0])


def check_drift(connection: Connection, staging: Staging, refused: int, read: int) -> None:
    """Raise SchemaDrift where too many of the records read do not fit, with the column that most of them fail by."""
    if refused < MIN_BAD or refused <= MAX_BAD_SHARE * read:
        return
    query = sql.SQL("SELECT _column, min(_message), count(*) FROM {} GROUP BY 1 ORDER BY 3 DESC LIMIT 1")
    column, message, failed = connection.execute(query.format(staging.refused)).fetchall()[0]
    raise SchemaDrift(
        f"{refused:,} of {read:,} records do not fit; most ({failed:,}) because of column {column or 'none'}, for"
        f" example: {message}. To land the others all the same, run once with -p accept_drift=true"
    )


def check_shrink(what: str, present: int, before: int) -> None:
    """Raise SuspiciousShrink where a source that was read whole holds far fewer records than have landed from it."""
    if before == 0 or present >= (1 - MAX_SHRINK) * before > 0:
        return
    raise SuspiciousShrink(
        f"The source holds {present:,} of {before:,} {what} records (limit -{MAX_SHRINK:.0%}); nothing was landed."
        " If that is right, run once with --accept-shrink"
    )
