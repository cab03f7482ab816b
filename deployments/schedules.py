"""A Prefect deployment per connection that runs on a schedule of its own; Prefect's schedules are the only ones."""

import re
from collections.abc import Mapping
from typing import Any

import yaml  # type: ignore[import-untyped]
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.utilities.callables import parameter_schema
from pydantic import ValidationError

from deployments import syncs
from deployments.bootstrap import ROOT, WORK_POOL, declared, deployed, switch


class BadSchedule(ValueError):
    """The cron expression or the time zone is not one, or the name is taken."""

    code = "BadSchedule"
    cure = "Write five fields, as in --cron '7 * * * *', and a time zone of the IANA list, as in Europe/Berlin."


def schedule(sync: str, connection: str, cron: str, timezone: str, parameters: Mapping[str, Any] | None = None) -> str:
    """Deploy a sync for one connection on a schedule; return the deployment's full name.

    ``parameters`` are further ones of the flow, for a schedule of a part (one data type): such a one stands beside the
    others of its connection. A schedule of the whole switches off that of prefect.yaml, so that nothing runs twice.
    Raises `BadSchedule`.
    """
    try:
        when = CronSchedule(cron=cron, timezone=timezone)
    except ValidationError as error:
        raise BadSchedule(f"{error.errors()[0]['msg'].removeprefix('Value error, ')}. {BadSchedule.cure}") from None
    flow = syncs.load(sync)
    name = _name(connection, parameters)
    if f"{flow.name}/{name}" in declared():
        raise BadSchedule(f"prefect.yaml has a deployment {flow.name}/{name}: change its schedule there.")
    with get_client(sync_client=True) as client:
        client.create_deployment(
            flow_id=client.create_flow_from_name(flow.name),
            name=name,
            description=flow.description,
            entrypoint=syncs.entrypoint(sync),
            work_pool_name=WORK_POOL,
            pull_steps=_pull_steps(),
            tags=["sync", sync],
            parameters={"connection": connection, **(parameters or {})},
            parameter_openapi_schema=parameter_schema(flow).model_dump(),
            schedules=[DeploymentScheduleCreate(schedule=when, slug=name, active=True)],
        )
        for other in _others(client, flow.name, connection, parameters):
            switch(client, other, on=False)
    return f"{flow.name}/{name}"


def unschedule(sync: str, connection: str, parameters: Mapping[str, Any] | None = None) -> bool:
    """Remove the deployment of one connection, so that prefect.yaml's own runs again; False if there was none."""
    flow_name = syncs.load(sync).name
    with get_client(sync_client=True) as client:
        try:
            found = client.read_deployment_by_name(f"{flow_name}/{_name(connection, parameters)}")
        except ObjectNotFound:
            return False
        client.delete_deployment(found.id)
        for other in _others(client, flow_name, connection, parameters):
            switch(client, other, on=True)
    return True


def times(sync: str, connection: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """When a connection runs on a schedule of its own: ``cron``, ``timezone``, ``active``; None if it has none."""
    flow_name = syncs.load(sync).name
    with get_client(sync_client=True) as client:
        try:
            found = client.read_deployment_by_name(f"{flow_name}/{_name(connection, parameters)}")
        except ObjectNotFound:
            return None
    for each in found.schedules:
        if isinstance(each.schedule, CronSchedule):
            return {"cron": each.schedule.cron, "timezone": each.schedule.timezone, "active": each.active}
    return None


def list_all() -> list[dict[str, Any]]:
    """Every schedule of a sync, ready for JSON: deployment, sync, connection, part, cron, timezone, active, next_run."""
    rows = []
    with get_client(sync_client=True) as client:
        coming = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=200,
        )
        soonest = {run.deployment_id: run.expected_start_time for run in reversed(coming)}
        for full_name, found in sorted(deployed(client).items()):
            part = {name: value for name, value in found.parameters.items() if name != "connection"}
            for each in found.schedules:
                when = each.schedule if isinstance(each.schedule, CronSchedule) else None
                moment = soonest.get(found.id) if each.active else None
                rows.append({
                    "deployment": full_name, "sync": syncs.of_flow(full_name.partition("/")[0]),
                    "connection": found.parameters.get("connection"), "part": part,
                    "cron": when.cron if when else str(each.schedule), "timezone": when.timezone if when else None,
                    "active": each.active, "next_run": moment.isoformat() if moment else None,
                })  # fmt: skip
    return rows


def remove_all(system: str, connection: str) -> list[str]:
    """Remove the schedules of a connection that is about to be deleted; those of prefect.yaml are switched off."""
    ended = []
    with get_client(sync_client=True) as client:
        for full_name, found in deployed(client).items():
            sync = syncs.of_flow(full_name.partition("/")[0])
            if found.parameters.get("connection") != connection or sync not in (system, system.partition("-")[0]):
                continue
            if full_name not in declared():
                client.delete_deployment(found.id)
                ended.append(full_name)
            elif switch(client, found, on=False):
                ended.append(f"the schedule of {full_name}")
    return ended


def _name(connection: str, parameters: Mapping[str, Any] | None) -> str:
    """The deployment's name: the connection, and behind a dot, which no connection's name has, what part it runs."""
    parts = []
    for name, value in sorted((parameters or {}).items()):
        text = (
            value
            if isinstance(value, str)
            else "-".join(map(str, value))
            if isinstance(value, list)
            else f"{name}-{value}"
        )
        parts.append(re.sub("[^a-z0-9_]+", "-", text.lower()).strip("-"))
    return ".".join([connection, *parts])


def _others(
    client: SyncPrefectClient, flow_name: str, connection: str, parameters: Mapping[str, Any] | None
) -> list[DeploymentResponse]:
    """The other deployments that run the same: of a part none."""
    if parameters:
        return []
    same_flow = {name: found for name, found in deployed(client).items() if name.startswith(f"{flow_name}/")}
    same_flow.pop(f"{flow_name}/{connection}", None)
    return [found for found in same_flow.values() if found.parameters == {"connection": connection}]


def _pull_steps() -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())["pull"]
    return steps
