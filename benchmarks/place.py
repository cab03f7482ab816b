"""Where a benchmark runs: a Postgres server to load into, the source, and an installation with its Prefect server.

All of it is private and gone at the end. The Prefect server keeps its things in the installation's own Postgres, so
the server that is measured serves loads alone.
"""

import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg

from warehouse.cluster import Cluster, Owner
from warehouse.embedded import free_port, prepare
from warehouse.programs import programs

ROOT = Path(__file__).resolve().parents[1]
PORTS = (16432, 16931)
START_TIMEOUT_S = 300
# A server for loads. Vacuum runs between the loads and not at random within them.
SETTINGS: dict[str, str | int] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "maintenance_work_mem": "256MB",
    # With Postgres' 4 MB the statement by which dlt deletes children no longer there compares each with each.
    "work_mem": "256MB",
    "autovacuum": "off",
    "timezone": "UTC",
}


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for everything, where the Postgres of root can live too; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="landfall-bench-", dir="/tmp" if os.geteuid() == 0 else None))  # noqa: S108
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Target:
    """The Postgres server that is measured."""

    address: str
    password: str

    @property
    def admin(self) -> str:
        """The address for a superuser, without a database."""
        return f"postgresql://postgres:{self.password}@{self.address}"

    def url(self, name: str) -> str:
        """The address of a database, for the role that loads."""
        return f"postgresql://landfall:{self.password}@{self.address}/{name}"

    def fresh(self, name: str) -> str:
        """Make an empty database, in place of one of the same name; return its address."""
        with psycopg.connect(f"{self.admin}/postgres", autocommit=True) as session:
            session.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
            session.execute(f'CREATE DATABASE "{name}" OWNER landfall TEMPLATE landfall'.encode())
        return self.url(name)

    def settle(self, name: str) -> None:
        """Do what autovacuum would do sooner or later, between two loads."""
        with psycopg.connect(f"{self.admin}/{name}", autocommit=True) as session:
            session.execute("VACUUM (ANALYZE)")


@contextmanager
def target(folder: Path) -> Iterator[Target]:
    """The Postgres server to load into, with the settings of a server for loads."""
    owner = Owner(65534, 65534) if os.geteuid() == 0 else None
    cluster = Cluster(folder / "target", programs(), owner)
    password = secrets.token_urlsafe(16)
    cluster.create(password)
    port = free_port(PORTS[0], PORTS)
    cluster.start(SETTINGS | {"port": port})
    try:
        found = Target(f"127.0.0.1:{port}", password)
        prepare(f"{found.admin}/postgres", {"landfall": password})
        yield found
    finally:
        cluster.stop()


@dataclass(frozen=True, slots=True)
class Source:
    """The page server: its address and process."""

    url: str
    pid: int

    def control(self, **settings: int | str) -> dict[str, int]:
        """Set ``version`` or ``latency_ms``; returns what was asked of it since the last call."""
        query = "&".join(f"{name}={value}" for name, value in settings.items())
        with urlopen(f"{self.url}/control?{query}", timeout=30) as answer:  # noqa: S310
            told: dict[str, int] = json.load(answer)
        return told


@contextmanager
def source(scale: float) -> Iterator[Source]:
    """The page server, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.source", "--scale", str(scale)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)  # noqa: S603
    try:
        assert child.stdout is not None
        port = child.stdout.readline().strip().decode()
        if not port:
            raise RuntimeError("The page server ended at once; its error is above.")
        yield Source(f"http://127.0.0.1:{port}", child.pid)
    finally:
        child.kill()
        child.wait()


LANDFALL = (sys.executable, "-c", "from cli.main import main; main()")


@dataclass(frozen=True, slots=True)
class Installation:
    """A private installation of Landfall."""

    home: Path
    environment: dict[str, str]

    def landfall(self, *words: str, **more: str) -> dict[str, Any]:
        """Run a `landfall` command outside any measurement; its answer where it gives one."""
        done = subprocess.run(  # noqa: S603
            [*LANDFALL, *words], env=self.environment | more, cwd=ROOT, timeout=START_TIMEOUT_S, check=False,
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"landfall {' '.join(words)} ended with {done.returncode}: {done.stderr[-3000:]}")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) if "--json" in words else {}
        return answer

    def api(self) -> str:
        """The address of its Prefect server, which the first connection has started."""
        note = (self.home / "prefect.env").read_text()
        return next(line.partition("=")[2] for line in note.splitlines() if line.startswith("PREFECT_API_URL="))

    def server_pids(self) -> list[int]:
        """The processes that serve Prefect, and its Postgres."""
        found = [json.loads((self.home / "services.json").read_text())["server"]["pid"]]
        for note in (*self.home.rglob("postmaster.pid"), *Path("/var/lib/landfall/homes").rglob("postmaster.pid")):
            found += [int(note.read_text().split()[0])]
        return found


@contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """An installation with a Prefect server that runs; both are gone at the end."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("LANDFALL_", "PREFECT_", "PG"))}
    home = folder / "home"
    ours |= {
        "LANDFALL_HOME": str(home),
        "LANDFALL_ENCRYPTION_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "PYTHONPATH": str(ROOT),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    found = Installation(home, ours)
    try:
        yield found
    finally:
        found.landfall("down")
