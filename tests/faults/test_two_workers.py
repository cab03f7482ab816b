"""K-2: two workers share a pool of scheduled syncs; each scheduled time is done once, whoever takes it.

`LANDFALL_TEST_K2_SECONDS=60 LANDFALL_TEST_K2_DEPLOYMENTS=6` is the full size. It is for whoever changes deployments or
the lock of a run: a run more or less is a process of seconds, and two workers and a server of its own take minutes.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import IntervalSchedule

from blocks import systems
from deployments import bootstrap, schedules
from sandbox.quickbooks import QuickBooks
from tests.cli.conftest import Landfall, company, landfall  # noqa: F401 - fixtures

ROOT = Path(__file__).parents[2]
SECONDS = int(os.environ.get("LANDFALL_TEST_K2_SECONDS", "0"))
pytestmark = pytest.mark.skipif(not SECONDS, reason="takes minutes; LANDFALL_TEST_K2_SECONDS=60 says that it is wanted")
DEPLOYMENTS = int(os.environ.get("LANDFALL_TEST_K2_DEPLOYMENTS", "1"))
EVERY_S = 20
PATIENCE_S = 180 + 15 * SECONDS  # each run is a process of some seconds, on a machine that others use too


@contextmanager
def workers(count: int, log: Path) -> Iterator[None]:
    """So many processes of Prefect's worker, ended with what they have started."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", bootstrap.WORK_POOL, "--type", "process"]
    command += ["--limit", "3"]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT), "PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_WORKER_PREFETCH_SECONDS": "1",
        "TMPDIR": str(log.parent),
    }  # fmt: skip
    with log.open("ab") as out:
        processes = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out) for _ in range(count)]
        try:
            yield
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(30)


@pytest.fixture
def slots(landfall: Landfall, company: QuickBooks) -> Iterator[tuple[SyncPrefectClient, list[FlowRun]]]:  # noqa: F811
    """The scheduled runs of several connections, all at the same times."""
    names = [f"company-{number}" for number in range(DEPLOYMENTS)]
    now = datetime.now(UTC)
    often = IntervalSchedule(interval=timedelta(seconds=EVERY_S), anchor_date=now)
    with get_client(sync_client=True) as client:
        bootstrap._ensure_work_pool(client)
        made = []
        for name in names:
            systems.save("quickbooks", name, company.connection())
            deployment = client.read_deployment_by_name(schedules.schedule("quickbooks", name, "0 0 1 1 *", "UTC"))
            client.create_deployment_schedules(deployment.id, [(often, True)])
            span = {"start_time": now.isoformat(), "end_time": (now + timedelta(seconds=SECONDS)).isoformat()}
            client._client.post(f"/deployments/{deployment.id}/schedule", json=span).raise_for_status()
            made.append(deployment.id)
        runs = client.read_flow_runs(deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=made)))
        end = now + timedelta(seconds=SECONDS)
        yield client, [run for run in runs if run.expected_start_time and run.expected_start_time <= end]
        for name in names:
            schedules.unschedule("quickbooks", name)
            systems.delete("quickbooks", name)


def test_each_scheduled_time_is_done_once(
    slots: tuple[SyncPrefectClient, list[FlowRun]], database: str, tmp_path: Path
) -> None:
    """K-2: every slot ends well, has one run in the run log, and no two runs of a connection overlap."""
    client, planned = slots
    assert len(planned) >= DEPLOYMENTS * max(1, SECONDS // EVERY_S)
    deadline = time.monotonic() + PATIENCE_S
    with workers(2, tmp_path / "workers.log"):
        ended: dict[Any, FlowRun] = {}
        while len(ended) < len(planned) and time.monotonic() < deadline:
            time.sleep(0.5)
            for run in (client.read_flow_run(run.id) for run in planned if run.id not in ended):
                if run.state is not None and run.state.is_final():
                    ended[run.id] = run
    names = Counter(run.state_name for run in ended.values())
    assert sum(names[name] for name in ("Completed", "Skipped")) == len(planned), (
        f"{names}\n{(tmp_path / 'workers.log').read_text()[-3000:]}"
    )
    with psycopg.connect(database) as conn:
        log = conn.execute(
            "SELECT flow_run_id, count(DISTINCT run_id), array_agg(DISTINCT status) FROM ops.sync_run GROUP BY 1"
        ).fetchall()
        overlaps = conn.execute(
            "SELECT count(*) FROM ops.sync_run a JOIN ops.sync_run b USING (sync, connection, stream) WHERE"
            " a.run_id < b.run_id AND a.status = 'success' AND b.status = 'success' AND"
            " (a.started_at, a.finished_at) OVERLAPS (b.started_at, b.finished_at)"
        ).fetchone()
    wanted = {"Completed": ["success"], "Skipped": ["skipped"]}
    assert {row[0]: row[1:] for row in log} == {key: (1, wanted[run.state_name or ""]) for key, run in ended.items()}
    assert overlaps == (0,)
    landed = {run.deployment_id for run in ended.values() if run.state_name == "Completed"}
    assert len(landed) == DEPLOYMENTS
    print(f"{len(planned)} slots of {DEPLOYMENTS} deployments: {dict(names)}")
