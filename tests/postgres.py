"""Private Postgres servers for the tests: the embedded 18, and 15, the oldest that Landfall supports.

One server a version serves all tests of a run, in all processes; each test gets a database of its own.
"""

import fcntl
import functools
import hashlib
import hmac
import os
import pwd
import secrets
import signal
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

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
    url = address(admin, "landfall", name)
    _KEPT[url] = _Kept()
    try:
        yield url
    finally:
        _KEPT.pop(url).close()
        _WORKER.submit(_drop, admin, name)


def ask(url: str, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """The rows of a query, if it gives any, in a transaction of its own.

    The session is kept as long as a database of `fresh_database`: what a test looks at takes less than to connect.
    """
    kept = _KEPT.get(url)
    if kept is None or not kept.free.acquire(blocking=False):  # A query that waits in one thread holds up no other.
        with psycopg.connect(url, autocommit=True) as conn:
            return _rows(conn, statement, parameters)
    try:
        return _rows(kept.open(url), statement, parameters)
    except psycopg.OperationalError:
        if kept.session is None or not kept.session.broken:
            raise
        # Its server has ended it since the last query, as some tests want of all sessions.
        return _rows(kept.open(url), statement, parameters)
    finally:
        kept.free.release()


class _Kept:
    """A session that is opened when first needed, and again when it has broken."""

    def __init__(self) -> None:
        self.free = threading.Lock()
        self.session: psycopg.Connection[Any] | None = None

    def open(self, url: str) -> "psycopg.Connection[Any]":
        if self.session is None or self.session.closed:
            # Prepared statements would not survive that a test changes a table.
            self.session = psycopg.connect(url, autocommit=True, prepare_threshold=None)
        return self.session

    def close(self) -> None:
        if self.session is not None:
            self.session.close()


_KEPT: dict[str, _Kept] = {}


def _rows(conn: "psycopg.Connection[Any]", statement: str, parameters: Any) -> list[tuple[Any, ...]]:
    cursor = conn.execute(statement, parameters or None)
    return cursor.fetchall() if cursor.description else []


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
        cluster = Cluster(folder, programs, owner, libraries, initdb_options=("--locale=C", "--no-sync"), letters="C")
    stop_all(folder)  # One that an earlier attempt has started, but not finished.
    cluster.create(PASSWORD)
    for _ in range(20):
        port = _some_port()
        with suppress(PortTaken):
            cluster.start(SETTINGS | {"port": port})
            break
    admin = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
    embedded.prepare(admin, {"landfall": PASSWORD})
    with psycopg.connect(admin, autocommit=True) as conn:
        for role in ("landfall", "postgres"):
            conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), _quickly_checked(PASSWORD)))
    return admin


def _quickly_checked(password: str) -> str:
    """What Postgres keeps of a password (RFC 5803), hashed once: the usual 4,096 times are most of what connecting takes."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    client, server = (hmac.digest(salted, what, "sha256") for what in (b"Client Key", b"Server Key"))
    shown = [b64encode(part).decode() for part in (salt, hashlib.sha256(client).digest(), server)]
    return "SCRAM-SHA-256$1:{}${}:{}".format(*shown)


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
