"""What `landfall doctor` asks of a database."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from warehouse.connect import refuse_transaction_pooling
from warehouse.errors import SearchUnavailable, SessionPooling
from warehouse.migrate import pending

Connection = psycopg.Connection[Any]

# A refresh token lives 100 days from its last use, so one that is near its end belongs to a sync that stands still.
WARN_OF_TOKEN_DAYS = 14
WARN_OF_CONSENT_DAYS = 60  # after five years; whoever may consent is not always at hand
FLOOR = 150000  # Postgres 15: NULLS NOT DISTINCT, and the oldest that is tested


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a landing needs of its database: whether it is there, and what makes it so."""

    what: str
    ok: bool
    found: str
    cure: str = ""


def describe(connection: Connection) -> dict[str, Any]:
    """Which database this is and what this login may do there: identity, version, new_enough, may_create."""
    row = connection.execute(
        "SELECT current_database(), current_setting('server_version'), current_setting('server_version_num')::int,"
        " has_database_privilege(current_database(), 'CREATE')"
    ).fetchone()
    assert row is not None
    name, version, number, may_create = row
    return {
        "identity": f"{connection.info.host}:{connection.info.port}/{name}",
        "version": version,
        "new_enough": isinstance(number, int) and number >= FLOOR,
        "may_create": may_create,
    }


def needs(connection: Connection) -> Iterator[Need]:
    """Look at everything that a landing needs of this database, changing nothing."""
    info = connection.info
    row: Any = connection.execute(
        """SELECT current_setting('server_version'), current_setting('server_version_num')::int,
               has_database_privilege(current_database(), 'CREATE'), rolcreaterole OR rolsuper,
               EXISTS (SELECT FROM pg_roles WHERE rolname = 'landfall_analyst'),
               current_setting('server_encoding')
           FROM pg_roles WHERE rolname = current_user"""
    ).fetchone()
    version, number, creates, roles, analyst, encoding = row
    me, database = sql.Identifier(info.user), sql.Identifier(info.dbname)
    yield Need("Postgres version", number >= FLOOR, version, "Landfall needs Postgres 15 or newer.")
    yield Need(
        "encoding", encoding == "UTF8", encoding, "Make the database with ENCODING 'UTF8': others lose characters."
    )
    grant = sql.SQL("GRANT CREATE ON DATABASE {} TO {};").format(database, me).as_string(connection)
    yield Need("may make schemas", creates, "yes" if creates else "no", f"Let its owner run: {grant}")
    login = sql.SQL("CREATE ROLE landfall_analyst NOLOGIN; ALTER ROLE {} CREATEROLE;").format(me).as_string(connection)
    yield Need("role for analysts", analyst or roles, "there" if analyst else "may be made" if roles else "missing", f"Let an administrator run: {login}")  # fmt: skip
    yield _owned(connection, info.user)
    try:
        refuse_transaction_pooling(connection)
        yield Need("sessions", True, "keep their backend")
    except SessionPooling as error:
        yield Need("sessions", False, str(error), SessionPooling.cure)
    found = connection.execute("SELECT FROM pg_extension WHERE extname = 'pg_trgm'").fetchone()
    yield Need(
        "search", found is not None, "pg_trgm is there" if found else "pg_trgm is missing", SearchUnavailable.cure
    )
    waiting = pending(connection)
    yield Need(
        "migrations", not waiting, ", ".join(waiting) or "current", "Run `landfall upgrade`; runs do it by themselves."
    )


def _owned(connection: Connection, user: str) -> Need:
    """Tables that another login has made cannot be altered by this one."""
    foreign = connection.execute(
        """SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind = 'r' AND NOT pg_has_role(c.relowner, 'USAGE')
             AND n.nspname IN ('ops', 'staging') ORDER BY 1"""
    ).fetchall()
    names = ", ".join(name for (name,) in foreign[:5])
    cure = f"Use the login that made them, or let it run: REASSIGN OWNED BY … TO {user};"
    return Need("owns what has landed", not foreign, names or "yes", cure)


def tokens(connection: Connection) -> Iterator[Need]:
    """Whether each connection's tokens last: somebody has to sign in again before they end, which takes a person."""
    rows = connection.execute(
        """SELECT connection, refusal, refresh_expires_at, consent_expires_at,
               coalesce(refresh_expires_at < now() + make_interval(days => %s), false),
               coalesce(consent_expires_at < now() + make_interval(days => %s), false)
           FROM ops.token_status ORDER BY connection""",
        (WARN_OF_TOKEN_DAYS, WARN_OF_CONSENT_DAYS),
    ).fetchall()
    for name, refusal, token_ends, consent_ends, token_soon, consent_soon in rows:
        kind, _, own = name.partition("/")
        again = f"Sign in again: `landfall connect {kind} --name {own} --sign-in`."
        run = f"Run its sync: every refresh prolongs it. If that does not help: {again}"
        if refusal:
            yield Need(f"tokens of {name}", False, f"refused: {refusal}", again)
        elif consent_soon:
            yield Need(f"tokens of {name}", False, f"the consent ends on {consent_ends:%Y-%m-%d}", again)
        elif token_soon:
            yield Need(f"tokens of {name}", False, f"the refresh token ends on {token_ends:%Y-%m-%d}", run)
        else:
            ends = [end for end in (token_ends, consent_ends) if end]
            until = f"good until {min(ends):%Y-%m-%d}, longer if used" if ends else "good"
            yield Need(f"tokens of {name}", True, until)


def last_change(connection: Connection, schema: str, name: str) -> datetime | None:
    """When a row that the connection ``name`` landed in ``schema`` was last inserted, changed or deleted."""
    tables = connection.execute(
        "SELECT c.table_name FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE table_schema = %s AND column_name = '_changed_at' AND table_type = 'BASE TABLE'",
        [schema],
    ).fetchall()
    moments = []
    for (table,) in tables:
        query = sql.SQL("SELECT max(_changed_at) FROM {} WHERE connection = %s")
        row = connection.execute(query.format(sql.Identifier(schema, str(table))), [name]).fetchone()
        if row and isinstance(row[0], datetime):
            moments.append(row[0])
    return max(moments, default=None)
