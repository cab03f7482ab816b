"""A private MariaDB server for the tests, with TLS of its own authority, over TCP and a socket; one for a whole run."""

import functools
import json
import os
import pwd
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import pymysql

from sandbox.cetec import SENTINEL
from tests.authority import write_certificates
from tests.debian import unpacked
from tests.postgres import exclusive, scratch

USER, PASSWORD = "landfall", "canary-mysql-password"
BLIND = "blind"  # a login without any right
OWN = {"information_schema", "performance_schema", "mysql", "sys", SENTINEL}
PROGRAMS = ("/usr", "/opt/homebrew/opt/mariadb", "/usr/local/opt/mariadb")
START_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class MariaDB:
    """A running server and how to reach it. ``blind`` may sign in and see nothing."""

    port: int
    socket: str
    ca_file: str
    host: str = "127.0.0.1"
    user: str = USER
    password: str = PASSWORD

    def root(self) -> Any:
        """A session that may do everything; close it."""
        return pymysql.connect(unix_socket=self.socket, user="root", autocommit=True, ssl_disabled=True)

    def execute(self, *statements: str) -> None:
        """Run statements as root."""
        with closing(self.root()) as session, session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def make(self, schemas: Mapping[str, bool]) -> None:
        """Have exactly these schemas, beside the server's own and the sentinel; True: with a table usage_stats."""
        with closing(self.root()) as session, session.cursor() as cursor:
            cursor.execute("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")
            for (name,) in cursor.fetchall():
                if name not in OWN:
                    cursor.execute(f"DROP DATABASE {quoted(name)}")
            for name, with_table in schemas.items():
                cursor.execute(f"CREATE DATABASE {quoted(name)}")
                if with_table:
                    cursor.execute(f"CREATE TABLE {quoted(name)}.usage_stats (day date)")

    @contextmanager
    def locked(self, schema: str) -> Iterator[None]:
        """Hold the table usage_stats of a schema as a long rebuild does: whoever looks at it waits."""
        with closing(self.root()) as session:
            statement = f"CREATE OR REPLACE TABLE {quoted(schema)}.usage_stats AS SELECT SLEEP(300) AS day"
            worker = threading.Thread(target=_killed, args=(session, statement), daemon=True)
            worker.start()
            self._wait_for_sleeper(session.thread_id())
            try:
                yield
            finally:
                self.execute(f"KILL QUERY {session.thread_id()}")
                worker.join(10)
        self.execute(f"CREATE TABLE IF NOT EXISTS {quoted(schema)}.usage_stats (day date)")

    def _wait_for_sleeper(self, session_id: int) -> None:
        deadline = time.monotonic() + 10
        with closing(self.root()) as session, session.cursor() as cursor:
            while time.monotonic() < deadline:
                cursor.execute("SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = %s", (session_id,))
                if cursor.fetchall()[0][0] == "User sleep":
                    return
                time.sleep(0.01)
        raise TimeoutError("the table was not locked")


def quoted(name: str) -> str:
    """A name as an identifier."""
    return "`" + name.replace("`", "``") + "`"


@functools.cache
def server() -> MariaDB:
    """The server of this run, started by whoever needs it first; the test is skipped where there is none to be had."""
    with exclusive(scratch() / "mariadb.lock"):
        known = scratch() / "mariadb.json"
        if not known.exists():
            known.write_text(json.dumps(asdict(_start(scratch() / "mariadb"))))
        return MariaDB(**json.loads(known.read_text()))


def stop_all(folder: Path) -> None:
    """Stop every server whose data lie under this folder, at once: the data are not worth keeping."""
    for found in folder.glob("**/mariadbd.pid"):
        with suppress(OSError, ValueError, psutil.Error):
            process = psutil.Process(int(found.read_text()))
            if process.name() == "mariadbd":
                process.send_signal(signal.SIGKILL)
                process.wait(10)


def _killed(session: Any, statement: str) -> None:
    with suppress(pymysql.MySQLError), session.cursor() as cursor:
        cursor.execute(statement)


def _start(folder: Path) -> MariaDB:
    base, libraries = _programs()
    folder.mkdir()
    write_certificates(folder)
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for path in (folder, *folder.iterdir()):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LD_LIBRARY_PATH": libraries}
    options = ["--no-defaults", f"--basedir={base}", f"--datadir={folder / 'data'}"]
    install = [str(base / "bin/mariadb-install-db"), *options, "--skip-test-db"]
    install += ["--auth-root-authentication-method=normal"]
    common = {"env": environment, "cwd": folder, "stdin": subprocess.DEVNULL, **as_user}
    subprocess.run(install, check=True, capture_output=True, timeout=120, **common)
    found = MariaDB(_some_port(), str(folder / "mariadb.sock"), str(folder / "ca.pem"))
    with (folder / "log").open("wb") as log:
        command = [str(base / "sbin/mariadbd"), *options, *_settings(folder, base, found)]
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **common)
    _wait_until_up(found, folder / "log")
    _accounts(found)
    return found


def _settings(folder: Path, base: Path, found: MariaDB) -> list[str]:
    return [
        f"--port={found.port}",
        f"--socket={found.socket}",
        f"--pid-file={folder / 'mariadbd.pid'}",
        f"--lc-messages-dir={base / 'share/mysql'}",
        f"--ssl-ca={folder / 'ca.pem'}",
        f"--ssl-cert={folder / 'server.pem'}",
        f"--ssl-key={folder / 'server.key'}",
        "--bind-address=127.0.0.1",
        "--character-set-server=utf8mb4",
        "--innodb-buffer-pool-size=16M",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--skip-name-resolve",
        "--max-connections=300",
    ]


def _accounts(found: MariaDB) -> None:
    found.execute(
        f"CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}'",
        f"CREATE USER {BLIND}@'%' IDENTIFIED BY '{PASSWORD}'",
        f"GRANT SELECT ON *.* TO {USER}@'%'",
        f"CREATE DATABASE {SENTINEL}",
        f"CREATE TABLE {SENTINEL}.usage_stats (day date)",
    )


def _wait_until_up(found: MariaDB, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(pymysql.MySQLError):
            found.root().close()
            return
        time.sleep(0.05)
    raise TimeoutError(f"MariaDB did not start: {log.read_text()[-1000:]}")


def _programs() -> tuple[Path, str]:
    """Where MariaDB lies, and the path of its libraries."""
    for place in map(Path, PROGRAMS):
        if (place / "sbin/mariadbd").exists() and (place / "bin/mariadb-install-db").exists():
            return place, ""
    reason = f"no MariaDB in {', '.join(PROGRAMS)}"
    packages = ["mariadb-server-core", "mariadb-client-core", "mariadb-common"]
    place, libraries = unpacked("test-mariadb", packages, reason)
    return place / "usr", libraries


def _some_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
