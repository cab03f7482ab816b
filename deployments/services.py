"""What runs in the background on one machine: Postgres, a Prefect server with its UI, and a worker.

`up` starts all of it, `ensure` what a command needs, `down` stops it. Each process has a session of its own, so it
survives the terminal; `services.json` in the home of the installation notes it, and a note only counts while the
process under its number still is the one that was started. With PREFECT_API_URL set, that server is used and none
is started here.
"""

import os
import re
import sys
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any

import msgspec

from deployments.process import Process
from warehouse import embedded
from warehouse.home import home, kept_key, locked, made, write_private

WORK_POOL = "landfall"
PORTS = (4200, 4299)
# A first start migrates the server's database: 8 s on two idle cores, far more on a busy machine.
SERVER_START_TIMEOUT_S = 180
WORKER_START_TIMEOUT_S = 90
# How long a server that runs may be silent before it is taken for stuck and started anew.
STUCK_AFTER_S = 30
# After an outage every run that was missed is due at once, and each is a process of some 200 MB and seconds of CPU.
RUNS_AT_ONCE = max(4, 2 * (os.cpu_count() or 1))
Echo = Callable[[str], None]
# No part calls home; and what is on this machine is not asked for through a proxy.
QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "GX_ANALYTICS_ENABLED": "false"}


class Noted(msgspec.Struct):
    """What `services.json` holds; ``database`` is the address that the server was started with, without its secret."""

    port: int = PORTS[0]
    database: str = ""
    server: Process | None = None
    worker: Process | None = None


class _Block(msgspec.Struct):
    """A block as the API tells it, secrets included."""

    data: dict[str, str]


def up(echo: Echo = print) -> dict[str, Any]:
    """Start whatever of Postgres, server and worker does not run; returns `status`."""
    if not os.environ.get("LANDFALL_DATABASE_URL"):
        embedded.start(echo)
    ensure(echo, worker=True)
    return status()


def ensure(echo: Echo = print, *, worker: bool = False) -> str:
    """Start what is missing for Prefect (and, if asked, a worker), point this process at it, and return its address.

    Says so in a line each and leaves it running. Others who call it meanwhile wait. Call it before Prefect is
    imported, which reads its settings then. Raises `ServiceFailed` or `warehouse.cluster.EmbeddedPostgresError`.
    """
    with locked("services"):
        noted = _noted()
        url = _given_url(noted)
        if url is None:
            url = _ensure_server(noted, echo)
        use(url)
        if worker:
            _ensure_worker(noted, url, echo)
    return url


def down(echo: Echo = print) -> list[str]:
    """Stop what was started here, the worker first; returns the names of what was stopped."""
    stopped = []
    with locked("services"):
        noted = _noted()
        # A server with an open page of its UI would wait for that page for ever.
        for name, process, grace_s in (("worker", noted.worker, 15), ("server", noted.server, 5)):
            if process and process.stop(grace_s):
                echo(f"stopped the Prefect {name}")
                stopped.append(name)
        if _is_own(os.environ.get("PREFECT_API_URL", ""), noted):
            del os.environ["PREFECT_API_URL"]
        _note(Noted(port=noted.port))
        if embedded.stop():
            echo("stopped Postgres")
            stopped.append("postgres")
    if not stopped:
        echo("nothing was running")
    return stopped


def status() -> dict[str, Any]:
    """What runs: the addresses of API and UI, whether Postgres answers, the process ids, where the logs are."""
    noted = _noted()
    url = api_url()
    return {
        "api": url,
        "ui": url.removesuffix("/api") if url else None,
        "postgres": embedded.running_url() is not None,
        "server": noted.server.pid if noted.server and noted.server.is_alive() else None,
        "worker": noted.worker.pid if noted.worker and noted.worker.is_alive() else None,
        "logs": str(home() / "logs"),
    }


def api_url() -> str | None:
    """The address of the Prefect API that commands use: PREFECT_API_URL, else the server here if it runs."""
    noted = _noted()
    given = _given_url(noted)
    if given:
        return given
    return _own_url(noted.port) if noted.server and noted.server.is_alive() else None


def warehouse_url() -> str | None:
    """Where commands land, asked of our own server over its API; None where only Prefect's own client can tell.

    That client comes with all of Prefect, whose import takes a second of every command. It is needed for a server of
    somebody else, whose login its settings hold, and for an answer that is not as expected.
    """
    noted = _noted()
    if _given_url(noted) or noted.server is None:
        return None
    place = "/api/block_types/slug/landfall-warehouse/block_documents/name/main?include_secrets=true"
    status, answer = _ask(noted.port, place)
    try:
        if status == 404:
            told = msgspec.json.decode(answer, type=dict[str, str])
            return embedded.start() if told == {"detail": "Block document not found"} else None
        return msgspec.json.decode(answer, type=_Block).data["url"] if status == 200 else None
    except (msgspec.DecodeError, KeyError):
        return None


def use(url: str) -> None:
    """Point this process, and what it starts, at this Prefect API."""
    os.environ.update(_surroundings(url, own=_is_own(url, _noted())))


def _ensure_server(noted: Noted, echo: Echo) -> str:
    own_database = os.environ.get("PREFECT_SERVER_DATABASE_CONNECTION_URL")
    if not own_database:
        embedded.start(echo)
    database = own_database or embedded.prefect_url()
    if noted.server and noted.server.is_alive():
        if noted.database == _without_secret(database) and _answers(noted, STUCK_AFTER_S):
            return _own_url(noted.port)
        echo("starting the Prefect server anew: it no longer answers, or its database has moved")
        noted.server.stop(5)
    echo("starting the Prefect server (a first start takes half a minute)")
    while True:
        wanted, noted.port = noted.port, embedded.free_port(noted.port, PORTS)
        if noted.port != wanted:
            echo(f"port {wanted} is taken, so the Prefect server gets {noted.port}")
        server = _start_server(noted, database)
        if _answers(noted, SERVER_START_TIMEOUT_S, echo):
            break
        # Somebody else may have taken the port in the seconds until the server wanted it; then the next one.
        if embedded.is_free(noted.port):
            raise server.failed("The Prefect server does not start")
        server.stop(5)
    url = _own_url(noted.port)
    write_private(home() / "prefect.env", f"PREFECT_API_URL={url}\nPREFECT_HOME={home() / 'prefect'}\n")
    return url


def _start_server(noted: Noted, database: str) -> Process:
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(noted.port)]
    server = Process.start("server", command, _server_environment(database, _own_url(noted.port)))
    noted.server, noted.database = server, _without_secret(database)
    _note(noted)
    return server


def _ensure_worker(noted: Noted, url: str, echo: Echo) -> None:
    if noted.worker and noted.worker.is_alive():
        if noted.worker.environment_value("PREFECT_API_URL") == url:
            return
        noted.worker.stop(15)
    echo("starting a worker")
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", WORK_POOL, "--type", "process"]
    command += ["--limit", str(RUNS_AT_ONCE)]
    # LANDFALL_LOCAL_WORKER: this worker may use the embedded Postgres of its machine, which others must not.
    # TMPDIR: Prefect's runner puts its files into a folder of a fixed name there, which in /tmp belongs to whichever
    # user of the machine was first.
    environment = _surroundings(url, own=_is_own(url, noted))
    environment |= {"LANDFALL_LOCAL_WORKER": "1", "TMPDIR": str(made(home() / "tmp"))}
    # Prefect's ten seconds between two looks are for servers far away and shared by many; here somebody waits.
    environment.setdefault("PREFECT_WORKER_QUERY_SECONDS", "2")
    noted.worker = Process.start("worker", command, environment)
    _note(noted)
    if not noted.worker.says("started!", WORKER_START_TIMEOUT_S, echo):
        raise noted.worker.failed("The worker does not start")


def _server_environment(database: str, url: str) -> dict[str, str]:
    # Without one Prefect would keep the key that seals blocks in the same database. It takes base64 with - and _.
    own_key = kept_key("prefect.key").translate(str.maketrans("+/", "-_"))
    return _surroundings(url, own=True) | {
        "PREFECT_API_URL": "",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        "PREFECT_SERVER_ENCRYPTION_KEY": os.environ.get("PREFECT_SERVER_ENCRYPTION_KEY") or own_key,
        "PREFECT_SERVER_UI_API_URL": url,
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # What Landfall seals with is none of the server's business.
        "LANDFALL_ENCRYPTION_KEY": "",
        "LANDFALL_DATABASE_URL": "",
    }


def _surroundings(url: str, *, own: bool) -> dict[str, str]:
    """What every process that talks to this API is told, over what this one was told."""
    direct = [os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or "", "127.0.0.1", "localhost"]
    no_proxy = ",".join(dict.fromkeys(name for part in direct for name in part.split(",") if name))
    told = QUIET | {"PREFECT_API_URL": url, "LANDFALL_HOME": str(home()), "NO_PROXY": no_proxy, "no_proxy": no_proxy}
    if own:
        # The user's own profile may hold the key to another server, which is not for this one.
        told["PREFECT_HOME"] = os.environ.get("PREFECT_HOME") or str(made(home() / "prefect"))
    return told


def _given_url(noted: Noted) -> str | None:
    """The server that the user chose; not the address of our own, which `use` has set or a file has told."""
    given = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    return given if given and not _is_own(given, noted) else None


def _is_own(url: str, noted: Noted) -> bool:
    return noted.server is not None and url == _own_url(noted.port)


def _own_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/api"


def _without_secret(database: str) -> str:
    return re.sub(r"//[^@/]*@", "//", database)


def _answers(noted: Noted, timeout_s: float, echo: Echo | None = None) -> bool:
    """Whether our server, not another one on its port, answers: asked until it does, dies, or time is up."""
    server, port = noted.server, noted.port
    return server is not None and server.wait(lambda: server.listens(port) and _ready(port), timeout_s, echo)


def _ready(port: int) -> bool:
    return _ask(port, "/api/ready")[0] == 200


def _ask(port: int, place: str) -> tuple[int, bytes]:
    """Status and body of an answer of the server on this machine; status 0 where there is none."""
    # Not through an HTTP library: this is asked at the start of every command, and their import would cost 0.1 s.
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", place)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, HTTPException):
        return 0, b""
    finally:
        connection.close()


def _noted() -> Noted:
    try:
        return msgspec.json.decode((home() / "services.json").read_bytes(), type=Noted)
    except (FileNotFoundError, msgspec.DecodeError):
        return Noted()


def _note(noted: Noted) -> None:
    write_private(home() / "services.json", msgspec.json.format(msgspec.json.encode(noted)).decode())
