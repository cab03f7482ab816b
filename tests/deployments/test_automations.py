"""Automations that really fire, on a real server: people are told, also late, and dead runs are called so."""

import json
import os
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events import emit_event
from prefect.states import Running

from deployments import alerts, bootstrap
from flows.refresh_quickbooks import refresh_quickbooks
from sandbox.quickbooks import QuickBooks
from tests.cli.conftest import company, connected, landfall  # noqa: F401 - fixtures

ATTEMPTS = 4  # one, and three times again at once: so Prefect does it
# How many reminders find the channel down as well; each takes ten seconds and more.
FAILING_REMINDERS = int(os.environ.get("LANDFALL_TEST_FAILING_REMINDERS", "0"))
SOON = timedelta(seconds=10)  # the shortest that Prefect has for "nothing has come since"


class Channel(ThreadingHTTPServer):
    """A channel of people's: it can be down, or hang, and keeps what it was told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.told: list[dict[str, Any]] = []
        self.tried = threading.Semaphore(0)
        self.down = False
        self.answers = threading.Event()
        self.answers.set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait(self, times: int) -> None:
        for _ in range(times):
            assert self.tried.acquire(timeout=60), "nothing was sent"


class Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        channel = self.server
        assert isinstance(channel, Channel)
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not channel.answers.is_set():
            channel.tried.release()
            channel.answers.wait(60)
        if not channel.down:
            channel.told.append(said)
        self.send_response(500 if channel.down else 200)
        self.end_headers()
        channel.tried.release()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def channel() -> Iterator[Channel]:
    with Channel() as server:
        yield server
        server.shutdown()


@pytest.fixture
def client(prefect_api: str, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> Iterator[SyncPrefectClient]:
    """A client of a server whose automations are as bootstrap makes them, only quicker."""
    monkeypatch.setattr(alerts, "RETRY", SOON)
    monkeypatch.setattr(bootstrap, "SILENCE", SOON)
    block = CustomWebhookNotificationBlock(
        name="landfall", url=f"http://127.0.0.1:{channel.server_port}/", json_data={"text": "{{subject}}: {{body}}"}
    )
    block.save(alerts.CHANNEL, overwrite=True)
    names = (alerts.AUTOMATION, alerts.REMINDER, bootstrap.ZOMBIES)
    with get_client(sync_client=True) as client:
        for found in [found for name in names for found in client.read_automations_by_name(name)]:
            client.delete_automation(found.id)
        assert bootstrap._ensure_zombie_automation(client)
        assert alerts.ensure(client)
        yield client
        for found in [found for name in names for found in client.read_automations_by_name(name)]:
            client.delete_automation(found.id)
    CustomWebhookNotificationBlock.delete(alerts.CHANNEL)


def say(message: str) -> None:
    resource = {"prefect.resource.id": "landfall.sync.quickbooks.main"}
    emit_event("landfall.sync.partial", resource=resource, payload={"message": message})


def beat(client: SyncPrefectClient, flow: Any) -> Any:
    """A run that says once that it lives, and then nothing more."""
    run = client.create_flow_run(flow, state=Running())
    emit_event(
        "prefect.flow-run.heartbeat", resource={"prefect.resource.id": f"prefect.flow-run.{run.id}"},
        related=[{"prefect.resource.id": f"prefect.flow.{run.flow_id}", "prefect.resource.role": "flow", "prefect.resource.name": flow.name}],
    )  # fmt: skip
    return run.id


def test_people_are_told_and_dead_runs_are_called_so(client: SyncPrefectClient, channel: Channel) -> None:
    """J1, J7: people hear when the channel is back that it missed something; then messages arrive as ever."""
    dead = beat(client, refresh_quickbooks)
    channel.down = True
    say("3 records could not land")
    channel.wait(ATTEMPTS)
    channel.down = FAILING_REMINDERS > 0
    channel.wait(ATTEMPTS * FAILING_REMINDERS)
    channel.down = False
    channel.wait(1)
    assert channel.told == [{"text": f"{alerts.MISSED_SUBJECT}: {alerts.MISSED}"}]
    say("4 records could not land")
    channel.wait(1)
    assert channel.told[1:] == [{"text": "Landfall: landfall.sync.partial: 4 records could not land"}]
    deadline = time.monotonic() + 60
    while client.read_flow_run(dead).state_name != "Crashed" and time.monotonic() < deadline:
        time.sleep(0.5)
    assert client.read_flow_run(dead).state_name == "Crashed"


def test_a_channel_that_hangs_holds_up_no_run(
    client: SyncPrefectClient,
    channel: Channel,
    company: QuickBooks,  # noqa: F811
    connected: str,  # noqa: F811
) -> None:
    """J7: a run with dead letters ends as Partial while its message still waits for an answer."""
    channel.answers.clear()
    company.store.spoil("Vendor", company.store.ids("Vendor")[0], {"Balance": "N/A"})
    assert refresh_quickbooks("main", return_state=True).name == "Partial"
    channel.wait(1)
    assert channel.told == []
    channel.answers.set()
    channel.wait(1)
    assert "1 records could not land" in channel.told[0]["text"]
