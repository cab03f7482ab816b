"""After an outage of the workers: one run catches up, the others have nothing left to do, and none is left out wrongly."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.sorting import FlowRunSort
from prefect.flow_engine import run_flow
from prefect.states import Completed, Running

from deployments import bootstrap, schedules
from flows.refresh_quickbooks import refresh_quickbooks
from sandbox.quickbooks import QuickBooks
from tests.cli.conftest import company, connected, landfall  # noqa: F401 - fixtures

MISSED = 3


@pytest.fixture
def client(connected: str) -> Iterator[SyncPrefectClient]:  # noqa: F811 - the fixture
    """A client of the server that has the schedule of `main`."""
    with get_client(sync_client=True) as client:
        bootstrap._ensure_work_pool(client)
        schedules.schedule("quickbooks", "main", "7 * * * *", "UTC")
        yield client
        schedules.unschedule("quickbooks", "main")


def late(client: SyncPrefectClient) -> list[FlowRun]:
    """The runs of the last hours, which no worker was there for; the oldest first."""
    deployment = client.read_deployment_by_name("refresh-quickbooks/main")
    now = datetime.now(UTC)
    missed = {"start_time": (now - timedelta(hours=MISSED)).isoformat(), "end_time": now.isoformat()}
    client._client.post(f"/deployments/{deployment.id}/schedule", json=missed).raise_for_status()
    runs = client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
    )
    found: list[FlowRun] = [run for run in runs if run.expected_start_time and run.expected_start_time < now]
    assert len(found) == MISSED
    assert all(run.auto_scheduled for run in found)
    return found


def start(run: FlowRun) -> State[Any]:
    """Do what the process does that a worker starts for a run, only in this one."""
    state: State[Any] = run_flow(refresh_quickbooks, flow_run=run, parameters=run.parameters, return_type="state")  # type: ignore[assignment]
    return state


def log(database: str) -> list[tuple[Any, ...]]:
    """What the run log says of the runs: how many streams of which ended how."""
    with psycopg.connect(database) as conn:
        question = "SELECT flow_run_id, status, error_code, count(*) FROM ops.sync_run GROUP BY 1, 2, 3"
        return conn.execute(question).fetchall()


def test_after_an_outage_one_run_catches_up(client: SyncPrefectClient, database: str) -> None:
    """J6: three times were missed: the first late run lands, the others say by whom they were overtaken."""
    runs = late(client)
    states = [start(run) for run in runs]
    assert [state.name for state in states] == ["Completed", "Skipped", "Skipped"]
    assert runs[0].name in (states[1].message or "")
    assert set(log(database)) == {
        (runs[0].id, "success", None, 4),
        *((run.id, "skipped", "Overtaken", 1) for run in runs[1:]),
    }


def test_what_a_failed_run_leaves_the_next_one_does(client: SyncPrefectClient, company: QuickBooks) -> None:  # noqa: F811
    """J6: a late run is left out only if another has landed; one with other parameters, or by hand, is not left out."""
    first, second, third = late(client)
    company.faults.add("html", entity="Item", times=None)
    assert start(first).is_failed()
    company.faults.clear()
    assert start(second).name == "Completed"
    client.update_flow_run(third.id, parameters={"connection": "main", "full": True})
    assert start(client.read_flow_run(third.id)).name == "Completed"
    assert third.deployment_id is not None
    by_hand = client.create_flow_run_from_deployment(third.deployment_id)
    assert start(by_hand).name == "Completed"


def test_a_run_that_is_just_ending_is_waited_for(client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """J6: a run gives its lock back before Prefect hears how it ended; one whose process died is not waited for long."""
    first, second, third = late(client)
    client.set_flow_run_state(first.id, Running(), force=True)
    with ThreadPoolExecutor(1) as pool:
        overtaken = pool.submit(start, second)
        while not overtaken.done() and client.read_flow_run(second.id).state_name != "Running":
            time.sleep(0.05)
        client.set_flow_run_state(first.id, Completed(), force=True)
        assert overtaken.result(60).name == "Skipped"
    client.set_flow_run_state(first.id, Running(), force=True)
    monkeypatch.setattr("tasks.catch_up.SETTLE_S", 0.5)
    assert start(third).name == "Completed"
