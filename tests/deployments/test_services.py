import json
import os
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from deployments import services
from deployments.process import Process, ServiceFailed
from warehouse import embedded


@pytest.fixture
def own_environment() -> Iterator[None]:
    """The environment as it was, since services point the whole process at their server."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def background(reachable_home: Path, own_environment: None) -> Iterator[Path]:
    """A home in which nothing runs yet, and in which nothing is left running."""
    yield reachable_home
    services.down(echo=lambda _: None)


def ask(url: str, body: dict[str, Any] | None = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_up_leaves_a_server_with_its_ui_and_a_worker(background: Path) -> None:
    """`up` brings Postgres, server, UI and worker; a second `up` finds them; a killed server is replaced; `down` ends all."""
    said: list[str] = []
    found = services.up(said.append)
    assert found["ui"] + "/api" == found["api"] == os.environ["PREFECT_API_URL"]
    assert ask(found["ui"] + "/ui-settings")["api_url"] == found["api"]
    assert ask(found["api"] + "/work_pools/landfall")["type"] == "process"
    with psycopg.connect(embedded.start()) as conn:
        assert conn.info.dbname == "landfall"
    assert f"PREFECT_API_URL={found['api']}\n" in (background / "prefect.env").read_text()
    assert len(said) >= 3

    check_surroundings(found)
    check_where_commands_land(found)
    said.clear()
    assert services.up(said.append) == found
    assert services.ensure(said.append) == found["api"] == services.api_url()
    assert said == []

    psutil.Process(found["server"]).kill()
    after_crash = services.up(said.append)
    assert after_crash["server"] != found["server"]
    assert ask(after_crash["api"] + "/ready") == {"message": "OK"}

    pids = [after_crash["server"], after_crash["worker"]]
    assert services.down(said.append) == ["worker", "server", "postgres"]
    assert not any(runs(pid) for pid in pids)
    assert embedded.running_url() is None
    assert services.api_url() is None
    with pytest.raises(urllib.error.URLError):
        ask(found["api"] + "/ready")
    assert services.down(said.append) == []


def check_surroundings(found: dict[str, Any]) -> None:
    """The server listens on loopback alone, calls nobody, and seals blocks with a key that its database lacks."""
    server = psutil.Process(found["server"])
    assert {c.laddr.ip for c in server.net_connections("tcp") if c.status == "LISTEN"} == {"127.0.0.1"}
    assert server.environ()["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    kind = ask(found["api"] + "/block_types/slug/secret")["id"]
    schema = ask(found["api"] + "/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind]}}})[0][
        "id"
    ]
    block = {"name": "sealed", "data": {"value": "canary-secret-1"}, "block_type_id": kind, "block_schema_id": schema}
    ask(found["api"] + "/block_documents/", block)
    with psycopg.connect(embedded.prefect_url().replace("+asyncpg", "")) as conn:
        sealed = conn.execute("SELECT data::text FROM block_document WHERE name = 'sealed'").fetchone()
        assert sealed is not None
        assert "canary" not in sealed[0]
        assert conn.execute("SELECT key FROM configuration WHERE key = 'ENCRYPTION_KEY'").fetchall() == []
    assert psutil.Process(found["worker"]).environ()["PREFECT_API_URL"] == found["api"]


def check_where_commands_land(found: dict[str, Any]) -> None:
    """Commands ask the server itself for the block, which costs them no import of Prefect, and its secret comes in full."""
    kind = ask(found["api"] + "/block_types/", {"name": "Landfall Warehouse", "slug": "landfall-warehouse"})["id"]
    fields = {"title": "W", "type": "object", "properties": {"url": {"type": "string"}}, "secret_fields": ["url"]}
    schema = ask(found["api"] + "/block_schemas/", {"fields": fields, "block_type_id": kind})["id"]
    assert services.warehouse_url() == embedded.running_url()
    elsewhere = "postgresql://lander:only-here@127.0.0.1:9/erp"
    block = {"name": "main", "data": {"url": elsewhere}, "block_type_id": kind, "block_schema_id": schema}
    made = ask(found["api"] + "/block_documents/", block)["id"]
    assert services.warehouse_url() == elsewhere
    gone = urllib.request.Request(f"{found['api']}/block_documents/{made}", method="DELETE")
    urllib.request.urlopen(gone, timeout=10).close()
    assert services.warehouse_url() == embedded.running_url()


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (0, b""), (401, b'{"detail":"Unauthorized"}'), (404, b'{"detail":"Not Found"}'), (404, b"<html>"), (200, b"[]"),
        (200, b'{"data":{}}'), (200, b'{"data":{"url":7}}'), (500, b'{"detail":"Block document not found"}'),
    ],
)  # fmt: skip
def test_what_our_server_does_not_tell_is_left_to_prefects_client(
    background: Path, monkeypatch: pytest.MonkeyPatch, status: int, answer: bytes
) -> None:
    """No unusual answer ever becomes the embedded database, in which nobody would look for the rows."""
    noted = services.Noted(port=4299, server=Process("server", 1, []))
    monkeypatch.setattr(services, "_noted", lambda: noted)
    monkeypatch.setattr(services, "_ask", lambda *_: (status, answer))
    monkeypatch.setattr(embedded, "start", lambda: pytest.fail("an embedded database"))
    assert services.warehouse_url() is None
    monkeypatch.setenv("PREFECT_API_URL", "https://prefect.example.com/api")
    monkeypatch.setattr(services, "_ask", lambda *_: pytest.fail("our server, where another is meant"))
    assert services.warehouse_url() is None


def test_a_server_of_the_users_own_is_used(background: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With PREFECT_API_URL set nothing is started, neither server nor Postgres."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert services.ensure() == services.api_url() == "http://127.0.0.1:9/api"
    assert embedded.running_url() is None
    assert services.status()["server"] is None


def test_a_server_that_does_not_start_shows_its_log(background: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the server cannot start, the end of its log tells why, without the password of its database."""
    address = "postgresql+asyncpg://prefect:canary-password-1@127.0.0.1:9/prefect"
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", address)
    with pytest.raises(ServiceFailed, match=r"(?s)does not start.*server\.log") as caught:
        services.ensure(echo=lambda _: None)
    assert "canary" not in str(caught.value)
    assert services.status()["server"] is None


def test_a_process_of_somebody_else_is_never_stopped(background: Path) -> None:
    """A noted number that now belongs to another program is left alone."""
    with subprocess.Popen(["sleep", "60"]) as other:
        noted = Process("server", other.pid, ["python", "-m", "prefect", "server", "start"])
        services._note(services.Noted(server=noted))
        try:
            assert services.status()["server"] is None
            assert services.down(echo=lambda _: None) == []
            assert other.poll() is None
        finally:
            other.kill()


def test_stop_ends_what_a_process_has_started(background: Path) -> None:
    """Ending a process ends its children too, even those that do not listen."""
    stubborn = "trap '' TERM; sleep 60 & echo started!; while :; do wait; done"
    process = Process.start("stubborn", ["sh", "-c", stubborn], {"LANDFALL_HOME": str(background)})
    assert process.says("started!", 20, echo=lambda _: None)
    family = [process.pid, *(child.pid for child in psutil.Process(process.pid).children())]
    assert len(family) > 1
    assert process.stop(grace_s=0.2)
    assert not any(runs(pid) for pid in family)
    assert not process.stop(grace_s=0.2)


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_strangers_server_is_not_taken_for_ours(background: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever took the port in the meantime and answers there is told apart from the server that was started."""
    with subprocess.Popen(["sleep", "60"]) as idle, HTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        ours = Process("server", idle.pid, ["sleep", "60"])
        monkeypatch.setattr(Process, "_process", lambda self: psutil.Process(self.pid))
        try:
            assert services._ready(stranger.server_port)
            assert not services._answers(services.Noted(port=stranger.server_port, server=ours), timeout_s=0.3)
        finally:
            idle.kill()
            stranger.shutdown()


class Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""
