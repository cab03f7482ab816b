"""Read-only logins for people who query what has landed."""

import secrets
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]

STATEMENT_TIMEOUT = "60s"  # a query that takes longer is a mistake more often than not; each may set its own


def add(conn: Connection, name: str) -> str:
    """Make a login that reads what landfall_analyst may read, or give it a new password; answers the password."""
    password = secrets.token_urlsafe(18)
    login = sql.Identifier(name)
    with conn.transaction():
        exists = conn.execute(
            "SELECT pg_has_role(oid, 'landfall_analyst', 'member') FROM pg_roles WHERE rolname = %s", (name,)
        ).fetchone()
        if exists is not None and not exists[0]:
            raise ValueError(f"{name} is a login of this server already, and no analyst's: choose another name")
        verb = sql.SQL("ALTER ROLE") if exists else sql.SQL("CREATE ROLE")
        conn.execute(sql.SQL("{} {} LOGIN PASSWORD {}").format(verb, login, sql.Literal(password)))
        conn.execute(sql.SQL("GRANT landfall_analyst TO {}").format(login))
        conn.execute(sql.SQL("ALTER ROLE {} SET statement_timeout = {}").format(login, sql.Literal(STATEMENT_TIMEOUT)))
        conn.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(login))
    return password
