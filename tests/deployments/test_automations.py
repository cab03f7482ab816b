"""Automations that really fire, on a real server: people are told, also late, and dead runs are called so."""

import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.events import emit_event
from prefect.states import Running

from deployments import alerts, bootstrap
from flows.refresh_quickbooks import refresh_quickbooks
from flows.tell_people import tell_people
from sandbox.quickbooks import QuickBooks
from tasks import telling
from tests.cli.conftest import company, connected, landfall  # noqa: F401 - fixtures

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
    monkeypatch.setattr(telling, "RETRY_DELAYS_S", [1])
    monkeypatch.setattr(bootstrap, "SILENCE", SOON)
    block = CustomWebhookNotificationBlock(
        name="landfall", url=f"http://127.0.0.1:{channel.server_port}/", json_data={"text": "{{subject}}: {{body}}"}
    )
    block.save(telling.CHANNEL, overwrite=True)
    names = (telling.AUTOMATION, bootstrap.ZOMBIES)
    with get_client(sync_client=True) as client:
        for found in [found for name in names for found in client.read_automations_by_name(name)]:
            client.delete_automation(found.id)
        assert bootstrap._ensure_zombie_automation(client)
        deployment = client.create_deployment(client.create_flow(tell_people), "any")
        assert alerts.ensure(client)
        yield client
        client.delete_deployment(deployment)
        for found in [found for name in names for found in client.read_automations_by_name(name)]:
            client.delete_automation(found.id)
    CustomWebhookNotificationBlock.delete(telling.CHANNEL)


def say(message: str) -> UUID:
    resource = {"prefect.resource.id": "landfall.sync.quickbooks.main"}
    said = emit_event("landfall.sync.partial", resource=resource, payload={"message": message})
    assert said is not None
    return said.id


def beat(client: SyncPrefectClient, flow: Any) -> Any:
    """A run that says once that it lives, and then nothing more."""
    run = client.create_flow_run(flow, state=Running())
    emit_event(
        "prefect.flow-run.heartbeat", resource={"prefect.resource.id": f"prefect.flow-run.{run.id}"},
        related=[{"prefect.resource.id": f"prefect.flow.{run.flow_id}", "prefect.resource.role": "flow", "prefect.resource.name": flow.name}],
    )  # fmt: skip
    return run.id


def started(client: SyncPrefectClient, runs: int) -> list[Any]:
    """The parameters of the runs of tell-people that the server has started, waited for until there are so many."""
    deployment = client.read_deployment_by_name(alerts.DEPLOYMENT)
    wanted = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
    deadline = time.monotonic() + 60
    while len(found := client.read_flow_runs(deployment_filter=wanted)) < runs and time.monotonic() < deadline:
        time.sleep(0.5)
    return [run.parameters for run in sorted(found, key=lambda run: run.created)]


def test_people_are_told_and_dead_runs_are_called_so(client: SyncPrefectClient, channel: Channel) -> None:
    """J1, J7: what the channel did not take is told when it is back, once; later messages arrive as ever."""
    dead = beat(client, refresh_quickbooks)
    channel.down = True
    first = say("3 records could not land")
    assert started(client, 1) == [{"event": str(first)}]
    state = tell_people(first, return_state=True)
    assert state.is_failed()
    assert "did not take a message" in state.message
    assert str(channel.server_port) not in state.message
    channel.wait(1 + len(telling.RETRY_DELAYS_S))
    channel.down = False
    assert tell_people(return_state=True).message == "1 delivered"
    assert tell_people(return_state=True).message == "Everything has been delivered"
    assert channel.told == [{"text": "Landfall: landfall.sync.partial: 3 records could not land"}]
    second = say("4 records could not land")
    assert started(client, 2)[1:] == [{"event": str(second)}]
    assert tell_people(second, return_state=True).message == "1 delivered"
    assert channel.told[1:] == [{"text": "Landfall: landfall.sync.partial: 4 records could not land"}]
    deadline = time.monotonic() + 60
    while client.read_flow_run(dead).state_name != "Crashed" and time.monotonic() < deadline:
        time.sleep(0.5)
    assert client.read_flow_run(dead).state_name == "Crashed"


def test_a_late_message_says_of_what_time_it_is(
    client: SyncPrefectClient, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads at six what happened at two is told so."""
    monkeypatch.setattr(telling, "LATE", timedelta(0))
    tell_people(say("5 records could not land"))
    (told,) = channel.told
    assert re.fullmatch(r".* 5 records could not land \(of 20..-..-.. ..:.. UTC, delivered late\)", told["text"])


def test_without_a_channel_the_run_says_what_to_do(client: SyncPrefectClient) -> None:
    """Whoever has removed the block reads in the UI why nothing is told."""
    channel = CustomWebhookNotificationBlock.load(telling.CHANNEL)
    CustomWebhookNotificationBlock.delete(telling.CHANNEL)
    state = tell_people(return_state=True)
    assert state.is_failed()
    assert "Save one" in state.message
    channel.save(telling.CHANNEL)


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
    ((about,)) = started(client, 1)
    later = threading.Thread(target=tell_people, args=[UUID(about["event"])], kwargs={"return_state": True})
    later.start()
    channel.wait(1)
    assert channel.told == []
    channel.answers.set()
    later.join(60)
    assert "1 records could not land" in channel.told[0]["text"]
