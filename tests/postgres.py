"""Private Postgres servers for the tests: the embedded 18, and 15, the oldest that Landfall supports.

One server a version serves all tests of a run, in all processes; each test gets a database of its own.
"""

import fcntl
import functools
import os
import pwd
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql

from tests.debian import unpacked
from warehouse import embedded
from warehouse.cluster import Cluster, Owner, PortTaken

PASSWORD = "only-for-tests"
# Nothing here outlives the run, so nothing has to reach the disk.
SETTINGS: dict[str, str | int] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": 200,
    "shared_buffers": "128MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "client_connection_check_interval": "2s",
}
PROGRAMS_15 = (
    "/usr/lib/postgresql/15/bin",
    "/usr/pgsql-15/bin",
    "/opt/homebrew/opt/postgresql@15/bin",
    "/usr/local/opt/postgresql@15/bin",
)


def scratch() -> Path:
    """The folder of this test run, shared by its processes; other users may pass through it."""
    return Path(os.environ["LANDFALL_TEST_SCRATCH"])


def address(admin: str, role: str, database: str) -> str:
    """The address of a database of the server that ``admin`` leads to."""
    port = psycopg.conninfo.conninfo_to_dict(admin)["port"]
    return f"postgresql://{role}:{PASSWORD}@127.0.0.1:{port}/{database}"


@functools.cache
def server(version: str) -> str:
    """The address, for the superuser, of the server of this major version, started by whoever needs it first."""
    folder = scratch() / f"postgres-{version}"
    with exclusive(scratch() / f"postgres-{version}.lock"):
        known = scratch() / f"postgres-{version}.url"
        if not known.exists():
            known.write_text(_start(version, folder))
        return known.read_text()


@contextmanager
def fresh_database(version: str, template: str) -> Iterator[str]:
    """A database made from this template, gone afterwards; yields its address for its owner, the role landfall.

    The next one is made while the test runs, and what it leaves is dropped while the next test runs: both is mostly
    waiting for files.
    """
    admin, ready = server(version), _ready(version, template)
    made = ready.pop() if ready else _WORKER.submit(_create, admin, version, template)
    name = made.result()
    ready.append(_WORKER.submit(_create, admin, version, template))
    try:
        yield address(admin, "landfall", name)
    finally:
        _WORKER.submit(_drop, admin, name)


_WORKER = ThreadPoolExecutor(1, "databases")


@functools.cache
def _ready(version: str, template: str) -> list[Future[str]]:
    return []


def _create(admin: str, version: str, template: str) -> str:
    name = f"test_{secrets.token_hex(6)}"
    _made_template(version, template)
    with psycopg.connect(admin, autocommit=True) as conn:
        make = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER landfall STRATEGY file_copy")
        _when_unused(conn, make.format(sql.Identifier(name), sql.Identifier(template)))
    return name


def _drop(admin: str, name: str) -> None:
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock among the processes of a run."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def stop_all(folder: Path) -> None:
    """Stop every server whose data lie under this folder, at once: the data are not worth keeping."""
    for found in folder.glob("**/postmaster.pid"):
        cluster = Cluster(found.parent.parent, programs=Path())
        pid = cluster.pid()
        if pid is None:
            continue
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 10
        while cluster.pid() is not None and time.monotonic() < deadline:
            time.sleep(0.02)


def _start(version: str, folder: Path) -> str:
    nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    owner = Owner(nobody.pw_uid, nobody.pw_gid) if nobody else None
    if version == "18":
        cluster = Cluster(folder, embedded.programs(), owner)
    else:
        programs, libraries = _programs_15()
        cluster = Cluster(folder, programs, owner, libraries, initdb_options=("--locale=C", "--no-sync"))
    stop_all(folder)  # One that an earlier attempt has started, but not finished.
    cluster.create(PASSWORD)
    for _ in range(20):
        port = _some_port()
        with suppress(PortTaken):
            cluster.start(SETTINGS | {"port": port})
            break
    admin = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
    embedded.prepare(admin, {"landfall": PASSWORD})
    return admin


@functools.cache
def _made_template(version: str, template: str) -> None:
    """Make the template if it is a migrated one and not there yet; ``landfall`` itself is always there."""
    if template != "migrated":
        return
    admin = server(version)
    with exclusive(scratch() / f"template-{version}.lock"), psycopg.connect(admin, autocommit=True) as conn:
        if conn.execute("SELECT 1 FROM pg_database WHERE datname = 'migrated'").fetchone():
            return
        # What an attempt that was cut off has left.
        conn.execute("DROP DATABASE IF EXISTS migrating WITH (FORCE)")
        _when_unused(conn, sql.SQL("CREATE DATABASE migrating TEMPLATE landfall OWNER landfall"))
        from warehouse.migrate import upgrade

        with psycopg.connect(address(admin, "landfall", "migrating"), autocommit=True) as inside:
            upgrade(inside)
        _when_unused(conn, sql.SQL("ALTER DATABASE migrating RENAME TO migrated"))


def _when_unused(conn: psycopg.Connection, statement: sql.Composable) -> None:
    """Run what needs a database that nobody is connected to; on a busy machine a session takes its time to end."""
    for attempt in range(10):
        try:
            conn.execute(statement)
        except psycopg.errors.ObjectInUse:  # Postgres itself has waited five seconds by then.
            if attempt == 9:
                raise
        else:
            return


def _some_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _programs_15() -> tuple[Path, str]:
    """The programs of Postgres 15 and where their libraries are; fetched on Debian, else the test is skipped."""
    for place in PROGRAMS_15:
        if (Path(place) / "postgres").exists():
            return Path(place), ""
    place, libraries = unpacked("test-postgresql-15", ["postgresql-15"], f"no Postgres 15 in {', '.join(PROGRAMS_15)}")
    return place / "usr/lib/postgresql/15/bin", libraries
