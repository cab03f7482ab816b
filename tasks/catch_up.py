"""Catching up: after an outage of the workers a schedule's late runs are one run, not one for each missed time.

Prefect submits every late run. The first to land has read the source after the scheduled times of all others, so they
have nothing left to do. A run is left out only when that is certain: one of the same schedule began later than the
moment that this one was for, with the same parameters, and landed.
"""

import time
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterStartTime,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext
from prefect.types import DateTime

LANDED = {"Completed", "Partial"}
# The one before gives its lock back a moment before Prefect hears how it ended.
SETTLE_S, LOOK_AGAIN_S = 10.0, 0.25
CANDIDATES = 50


def overtaken_by() -> FlowRun | None:
    """The run that has done the work of the present one, None if this one has to do it.

    To be asked by the holder of the run's lock, since then no other run of the sync is under way.
    """
    context = FlowRunContext.get()
    me = context.flow_run if context else None
    if me is None or not me.auto_scheduled or me.deployment_id is None or me.expected_start_time is None:
        return None  # started by a person, who wants it now
    if me.run_count > 1:
        return None  # tried again, by a person too
    deadline = time.monotonic() + SETTLE_S
    with get_client(sync_client=True) as client:
        while True:
            others = _begun_since(client, me.deployment_id, me.expected_start_time)
            same = [other for other in others if other.id != me.id and other.parameters == me.parameters]
            landed = next((other for other in same if other.state_name in LANDED), None)
            ending = any(other.state is not None and other.state.is_running() for other in same)
            if landed or not ending or time.monotonic() > deadline:
                return landed
            time.sleep(LOOK_AGAIN_S)


def _begun_since(client: SyncPrefectClient, deployment: UUID, moment: DateTime) -> list[FlowRun]:
    found: list[FlowRun] = client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        flow_run_filter=FlowRunFilter(start_time=FlowRunFilterStartTime(after_=moment)),
        sort=FlowRunSort.START_TIME_DESC,
        limit=CANDIDATES,
    )
    return found
