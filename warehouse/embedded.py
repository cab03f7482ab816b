"""The Postgres that comes with Landfall: one server per LANDFALL_HOME, started when somebody needs it.

Everything lies in one folder, `home`: the encryption key, the passwords (`postgres.json`, for the owner's
eyes only) and the data. Postgres refuses to run as root, so root runs it as `nobody`, with a copy of its
programs in /var/lib/landfall, and never changes the mode of a folder that was there before. Where `nobody`
cannot reach the home (a folder of mode 0700, say), the data lie under /var/lib/landfall/homes instead.

LANDFALL_DATABASE_URL is the way round all of this.
"""

import hashlib
import itertools
import os
import pwd
import secrets
import socket
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import psycopg
from psycopg import sql

from warehouse.cluster import Cluster, EmbeddedPostgresError, Owner, PortTaken, explain
from warehouse.home import ROOT_HOME, encryption_key, home, locked, made, write_private
from warehouse.programs import programs

__all__ = ["EmbeddedPostgresError", "encryption_key", "home", "prefect_url", "programs", "running_url", "start", "stop"]

# Below the ports that systems hand out by themselves (32768 and up on Linux, 49152 on macOS).
PORTS = (15432, 15931)
EXTENSIONS = ("pg_trgm", "unaccent")
# For a machine that does other things too. A landing writes much WAL in one go: few, large checkpoints.
SETTINGS: dict[str, str | int] = {
    "listen_addresses": "127.0.0.1",
    "max_connections": 200,
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # A client that died lets go of its locks within seconds, even in the middle of a long statement.
    "client_connection_check_interval": "2s",
}


class State(msgspec.Struct):
    """What `postgres.json` remembers: port and passwords. ``ready`` is set once roles and databases are made."""

    port: int
    postgres: str
    landfall: str
    prefect: str
    ready: bool = False


def start(echo: Callable[[str], None] | None = None) -> str:
    """Start the server if it does not run, make what is missing, and return the address to land at.

    ``echo`` is told in one line what takes long. Safe to call from several processes at once.
    Raises `EmbeddedPostgresError`, or `warehouse.errors.StorageFull`.
    """
    url = running_url()
    if url:
        return url
    say = echo or _silent
    with locked("postgres"):
        url = running_url()
        if url:
            return url
        cluster = _cluster()
        state = _state() or _first_state(cluster)
        if cluster.data.exists():
            say("starting Postgres")
        else:
            say(f"making a Postgres in {cluster.folder}, once")
            state.ready = False
        cluster.create(state.postgres)
        _launch(cluster, state, say)
        if not state.ready:
            try:
                prepare(_url(state, "postgres"), {"landfall": state.landfall, "prefect": state.prefect})
            except psycopg.Error as error:
                raise explain(str(error), f"cannot set up the databases in {cluster.data}") from error
            state.ready = True
            _remember(state)
        return _url(state, "landfall")


def stop() -> bool:
    """Stop the server of this home; False when it was not running."""
    with locked("postgres"):
        return Cluster(_folder(), programs=Path()).pid() is not None and _cluster().stop()


def running_url() -> str | None:
    """The address of the server of this home, or None when it does not answer."""
    state = _state()
    # The process first: a program that has taken the port may never answer.
    if state is None or not state.ready or Cluster(_folder(), programs=Path()).pid() is None:
        return None
    url = _url(state, "landfall")
    return url if _answers(url) else None


def prefect_url() -> str:
    """The address of the database that a Prefect server on this machine keeps its own things in, for asyncpg."""
    state = _state()
    if state is None:
        raise EmbeddedPostgresError("The embedded Postgres was never started here: run `./run landfall up`.")
    return _url(state, "prefect").replace("postgresql://", "postgresql+asyncpg://", 1)


def _cluster() -> Cluster:
    if os.geteuid() != 0:
        return Cluster(_folder(), programs())
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedPostgresError(
            "Postgres does not run as root, and this system has no user `nobody` to run it as: "
            "run as an ordinary user, or set LANDFALL_DATABASE_URL."
        ) from None
    folder = _folder()
    for parent in (ROOT_HOME, folder.parent.parent, folder.parent):
        made(parent)
    return Cluster(folder, programs(), Owner(nobody.pw_uid, nobody.pw_gid))


def _folder() -> Path:
    """Where the server is: in the home, unless it is root's and closed to `nobody`; then under /var/lib/landfall."""
    here = home().resolve()
    if os.geteuid() != 0:
        return here / "postgres"
    away = ROOT_HOME / "homes" / hashlib.sha256(bytes(here)).hexdigest()[:12]
    # What exists decides, so that a later change of modes never leads to a second, empty database.
    reachable = all(path.stat().st_mode & stat.S_IXOTH for path in (here, *here.parents))
    inside = (here / "postgres").exists() or (reachable and not away.exists())
    return (here if inside else away) / "postgres"


def _first_state(cluster: Cluster) -> State:
    if cluster.data.exists():
        raise EmbeddedPostgresError(
            f"{home() / 'postgres.json'}, which holds the passwords for {cluster.data}, is gone: restore it "
            "from a backup, or move the data folder away to begin anew."
        )
    postgres, landfall, prefect = (secrets.token_urlsafe(24) for _ in range(3))
    state = State(free_port(PORTS[0], PORTS), postgres, landfall, prefect)
    _remember(state)
    return state


def _launch(cluster: Cluster, state: State, say: Callable[[str], None]) -> None:
    """Start the server on the port it had last; on another if somebody else listens there now."""
    for _ in range(10):
        if cluster.pid() is None and not is_free(state.port):
            taken, state.port = state.port, free_port(state.port + 1, PORTS)
            if state.ready:
                say(f"port {taken} is taken by another program, so Postgres now listens on {state.port}")
        _remember(state)
        # The path of a unix socket may have about 100 bytes; where the folder's is longer there is none.
        sockets = str(cluster.folder) if len(bytes(cluster.folder)) < 80 else ""
        try:
            cluster.start(SETTINGS | {"port": state.port, "unix_socket_directories": sockets})
        except PortTaken:
            continue
        return
    raise PortTaken(f"Found no free port from {PORTS[0]} to {PORTS[1]}: stop what listens there.")


def prepare(admin: str, passwords: Mapping[str, str]) -> None:
    """Make a role with its database for each of these passwords, and what `landfall` needs beside that.

    ``admin`` is the address of database ``postgres`` for a superuser. Each thing is made only if missing, since
    an earlier attempt may have been cut off.
    """
    with psycopg.connect(admin, autocommit=True) as conn:
        for name, password in passwords.items():
            role = sql.Identifier(name)
            if not conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
                conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            # Sealed here, so that no log of the server can ever show it.
            sealed = conn.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
            conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(sealed)))
            if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                conn.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(role))
            conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(role))
        # Landfall makes the analysts' logins.
        conn.execute("ALTER ROLE landfall CREATEROLE")
    with psycopg.connect(admin, dbname="landfall", autocommit=True) as conn:
        for extension in EXTENSIONS:
            conn.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))


def _url(state: State, role: str) -> str:
    password = {"postgres": state.postgres, "landfall": state.landfall, "prefect": state.prefect}[role]
    return f"postgresql://{role}:{password}@127.0.0.1:{state.port}/{role}"


def _answers(url: str) -> bool:
    # The password is random, so a server that lets us in is ours.
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def free_port(first: int, among: tuple[int, int]) -> int:
    """A port of 127.0.0.1 that nobody listens on, the first one from ``first`` on. Raises `PortTaken`."""
    lowest, highest = among
    for port in itertools.chain(range(first, highest + 1), range(lowest, first)):
        if is_free(port):
            return port
    raise PortTaken(f"Found no free port from {lowest} to {highest}: stop what listens there.")


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _state() -> State | None:
    path = home() / "postgres.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EmbeddedPostgresError(
            f"Cannot read {path} ({error.strerror}): run as the user who made it, or set LANDFALL_HOME."
        ) from error
    except msgspec.DecodeError as error:
        raise EmbeddedPostgresError(f"{path} is damaged ({error}): restore it from a backup.") from error


def _remember(state: State) -> None:
    write_private(home() / "postgres.json", msgspec.json.format(msgspec.json.encode(state)).decode())


def _silent(_: str) -> None:
    """Nobody is listening."""
