"""Where the harness works: a Postgres server of its own that it may pull the rug from under, or one it is given."""

import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from warehouse.cluster import Cluster, Owner, PortTaken
from warehouse.embedded import EXTENSIONS, free_port, prepare
from warehouse.programs import programs

PORTS = (17432, 17931)
STOP_TIMEOUT_S = 20
# A crash of Postgres (not of the machine) loses nothing that was written, so nothing waits for the disk. But commits
# are written before they are answered: synchronous_commit stays on.
SETTINGS: dict[str, str | int] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    "fsync": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
    "client_connection_check_interval": "2s",
    "log_min_messages": "fatal",
}

# Writes down every change of a landed row in the transaction that makes it, for I3 and I4.
AUDIT = """
CREATE SCHEMA watch;
CREATE TABLE watch.audit (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection text, tab text, id text, at text, gone boolean, deed text, run_id uuid
);
CREATE FUNCTION watch.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    new_row jsonb := to_jsonb(NEW);
BEGIN
    INSERT INTO watch.audit (connection, tab, id, at, gone, deed, run_id) VALUES (
        NEW.connection, TG_TABLE_NAME, new_row ->> 'id', coalesce(new_row ->> 'updated_at', new_row ->> 'at'),
        NEW._deleted_at IS NOT NULL,
        CASE WHEN TG_OP = 'INSERT' THEN 'inserted' WHEN NEW._deleted_at IS NOT NULL THEN 'deleted' ELSE 'updated' END,
        NEW._run_id);
    RETURN NULL;
END $$;
CREATE FUNCTION watch.made() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    made record;
BEGIN
    FOR made IN SELECT objid::regclass AS name FROM pg_event_trigger_ddl_commands()
                WHERE object_type = 'table' AND schema_name IN ('quickbooks', 'crash')
                  AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = objid AND attname = '_row_hash') LOOP
        EXECUTE format('CREATE TRIGGER watch AFTER INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION watch.note()',
                       made.name);
    END LOOP;
END $$;
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION watch.made();
GRANT USAGE ON SCHEMA watch TO PUBLIC;
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """A server for databases that live as long as a chapter of the test. ``admin`` is its superuser's address."""

    admin: str
    owner: str
    cluster: Cluster | None
    folder: Path

    @contextmanager
    def database(self) -> Iterator[str]:
        """A fresh database with nothing of Landfall in it but the watch; yields its address, gone afterwards."""
        name = f"landfall_crash_{secrets.token_hex(4)}"
        with closing(psycopg.connect(self.admin, autocommit=True)) as session:
            session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            if self.cluster:
                session.execute(sql.SQL("ALTER DATABASE {} OWNER TO landfall").format(sql.Identifier(name)))
        with closing(psycopg.connect(self.admin, dbname=name, autocommit=True)) as session:
            for extension in EXTENSIONS:
                session.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(extension)))
            session.execute(AUDIT)
        try:
            yield urlsplit(self.owner)._replace(path=f"/{name}").geturl()
        finally:
            with closing(psycopg.connect(self.admin, autocommit=True)) as session:
                session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def watcher(self, url: str) -> "psycopg.Connection[Any]":
        """A session that may see everything of a database."""
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        return psycopg.connect(self.admin, dbname=str(name), autocommit=True, application_name="watcher")

    def restart_immediately(self) -> None:
        """What `pg_ctl restart -m immediate` does: end every process of the server at once, start it, replay."""
        assert self.cluster is not None
        pid = self.cluster.pid()
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self.cluster.pid() is not None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"Postgres (pid {pid}) does not stop; see {self.cluster.log}")
            time.sleep(0.01)
        port = psycopg.conninfo.conninfo_to_dict(self.admin)["port"]
        self.cluster.start(SETTINGS | {"port": str(port)})


@contextmanager
def ground(given: str | None = None) -> Iterator[Ground]:
    """A private server, gone at the end; or the one of this address, whose user must be a superuser."""
    folder = Path(tempfile.mkdtemp(prefix="landfall-crash-", dir="/tmp" if os.geteuid() == 0 else None))  # noqa: S108
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        if given:
            yield Ground(given, given, None, folder)
            return
        owner = Owner(65534, 65534) if os.geteuid() == 0 else None
        cluster = Cluster(folder / "postgres", programs(), owner)
        password = secrets.token_urlsafe(12)
        cluster.create(password)
        port = _start(cluster)
        try:
            admin = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
            prepare(admin, {"landfall": password})
            yield Ground(admin, f"postgresql://landfall:{password}@127.0.0.1:{port}/postgres", cluster, folder)
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(cluster: Cluster) -> int:
    """Start it on a port that nobody has; several parts of the harness look for one at the same time."""
    while True:
        port = free_port(PORTS[0] + secrets.randbelow(PORTS[1] - PORTS[0]), PORTS)
        with suppress(PortTaken):
            cluster.start(SETTINGS | {"port": port})
            return port
