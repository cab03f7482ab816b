"""A Prefect deployment per connection that runs on a schedule of its own; Prefect's schedules are the only ones."""

from typing import Any

import yaml  # type: ignore[import-untyped]
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound
from prefect.utilities.callables import parameter_schema
from pydantic import ValidationError

from deployments import syncs
from deployments.bootstrap import ROOT, WORK_POOL, declared, deployed, switch


class BadSchedule(ValueError):
    """The cron expression or the time zone is not one, or the name is taken."""

    code = "BadSchedule"
    cure = "Write five fields, as in --cron '7 * * * *', and a time zone of the IANA list, as in Europe/Berlin."


def schedule(sync: str, connection: str, cron: str, timezone: str) -> str:
    """Deploy a sync for one connection on a schedule; return the deployment's full name.

    Where prefect.yaml already runs this connection, that schedule is switched off, so that nothing runs twice.
    Raises `BadSchedule`.
    """
    try:
        when = CronSchedule(cron=cron, timezone=timezone)
    except ValidationError as error:
        raise BadSchedule(f"{error.errors()[0]['msg'].removeprefix('Value error, ')}. {BadSchedule.cure}") from None
    flow = syncs.load(sync)
    full_name = f"{flow.name}/{connection}"
    if full_name in declared():
        raise BadSchedule(f"prefect.yaml has a deployment {full_name}: change its schedule there.")
    with get_client(sync_client=True) as client:
        client.create_deployment(
            flow_id=client.create_flow_from_name(flow.name),
            name=connection,
            description=flow.description,
            entrypoint=syncs.entrypoint(sync),
            work_pool_name=WORK_POOL,
            pull_steps=_pull_steps(),
            tags=["sync", sync],
            parameters={"connection": connection},
            parameter_openapi_schema=parameter_schema(flow).model_dump(),
            schedules=[DeploymentScheduleCreate(schedule=when, slug=connection, active=True)],
        )
        for other in _others(client, flow.name, connection):
            switch(client, other, on=False)
    return full_name


def unschedule(sync: str, connection: str) -> bool:
    """Remove the deployment of one connection, so that prefect.yaml's own runs again; False if there was none."""
    flow_name = syncs.load(sync).name
    with get_client(sync_client=True) as client:
        try:
            client.delete_deployment(client.read_deployment_by_name(f"{flow_name}/{connection}").id)
        except ObjectNotFound:
            return False
        for other in _others(client, flow_name, connection):
            switch(client, other, on=True)
    return True


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


def _others(client: SyncPrefectClient, flow_name: str, connection: str) -> list[DeploymentResponse]:
    same_flow = {name: found for name, found in deployed(client).items() if name.startswith(f"{flow_name}/")}
    same_flow.pop(f"{flow_name}/{connection}", None)
    return [found for found in same_flow.values() if found.parameters.get("connection") == connection]


def _pull_steps() -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())["pull"]
    return steps
