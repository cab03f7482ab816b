"""Who only reads can read everything that is meant for them, and change and see nothing else."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from tests import postgres
from tests.oracle import World
from warehouse import analyst

DENIED = (
    "INSERT INTO lab.thing (id) VALUES ('x')",
    "UPDATE lab.thing SET name = 'x'",
    "DELETE FROM lab.thing",
    "TRUNCATE lab.thing",
    "DROP TABLE lab.thing",
    "ALTER TABLE lab.thing ADD COLUMN x text",
    "CREATE INDEX ON lab.thing (name)",
    "DO $$ BEGIN LOCK TABLE lab.thing IN ACCESS EXCLUSIVE MODE; END $$",
    "INSERT INTO lab.thing_current (id) VALUES ('x')",
    "DROP VIEW lab.thing_current",
    "CREATE TABLE public.mine (x int)",
    "CREATE TABLE lab.mine (x int)",
    "CREATE TABLE ops.mine (x int)",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TRIGGER mine AFTER INSERT ON lab.thing EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "SELECT * FROM ops.oauth_token",
    "SELECT token FROM ops.oauth_token",
    "SELECT payload FROM ops.dead_letter",
    "SELECT payload_redacted FROM ops.dead_letter",
    "SELECT * FROM ops.dead_letter",
    "INSERT INTO ops.sync_run_log (run_id) VALUES (gen_random_uuid())",
    "UPDATE ops.sync_cursor SET cursor = NULL",
    "UPDATE ops.connection SET status = 'inactive'",
    "DELETE FROM ops.dead_letter",
    "SELECT * FROM staging.waiting",
    "CREATE TABLE staging.mine (x int)",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "COPY lab.thing TO PROGRAM 'cat'",
    "COPY (SELECT 1) TO '/tmp/landfall-analyst'",
    "COPY lab.thing FROM STDIN",
    "SET ROLE landfall",
    "SET SESSION AUTHORIZATION postgres",
    "GRANT landfall TO landfall_analyst",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'landfall'",
    "SELECT ops.reserve('quickbooks', 1, 1)",
    "ALTER SYSTEM SET log_statement = 'all'",
    "CREATE EXTENSION dblink",
)


@pytest.fixture
def reader(world: World) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """A session of a new analyst who has switched off what only keeps the careless from writing."""
    world.run()
    name = f"ana_{psycopg.conninfo.conninfo_to_dict(world.url)['dbname']}"
    with psycopg.connect(world.url, autocommit=True) as conn:
        conn.execute("CREATE TABLE staging.waiting (x int)")
        password = analyst.add(conn, name)
    parts = psycopg.conninfo.conninfo_to_dict(world.url) | {"user": name, "password": password}
    try:
        with psycopg.connect(psycopg.conninfo.make_conninfo("", **parts), autocommit=True) as session:
            session.execute("SET default_transaction_read_only = off")
            yield session
    finally:
        with psycopg.connect(postgres.server("18"), autocommit=True) as admin:
            admin.execute(f"DROP ROLE {name}")


def test_an_analyst_can_read_and_nothing_else(world: World, reader: "psycopg.Connection[tuple[object, ...]]") -> None:
    """K6: what is denied is denied also to who means it; reading works; an endless query is ended."""
    allowed = [statement for statement in DENIED if _works(reader, statement)]
    assert allowed == []
    for table in (
        "lab.thing",
        "lab.thing_current",
        "lab.place",
        "ops.sync_run",
        "ops.freshness",
        "ops.connection",
        "ops.schema_change",
    ):
        reader.execute(f"SELECT * FROM {table}").fetchall()  # type: ignore[arg-type]
    reader.execute("SELECT key, reason_code, message FROM ops.dead_letter").fetchall()
    assert reader.execute("SHOW statement_timeout").fetchone() == ("1min",)
    assert world.query("SELECT count(*) FROM lab.thing") == [(250,)]


def _works(session: "psycopg.Connection[tuple[object, ...]]", statement: str) -> bool:
    try:
        if statement.endswith("FROM STDIN"):
            with session.cursor().copy(statement):  # type: ignore[call-overload]
                pass
        else:
            rows = (
                session.execute(statement).fetchall() if statement.startswith("SELECT") else session.execute(statement)
            )  # type: ignore[call-overload]
            return not statement.startswith("SELECT pg_terminate") or bool(rows)
    except errors.InsufficientPrivilege:
        return False
    return True
