"""Brings a Prefect server to what Landfall needs: block types, work pool, automation, deployments.

Running it again changes nothing: what is there is left alone, and deployments are made again only when their sources
changed.
"""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import prefect
import yaml  # type: ignore[import-untyped]
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from prefect.variables import Variable

from blocks import systems
from deployments import alerts, syncs
from tasks import telling

ROOT = Path(__file__).resolve().parents[1]
WORK_POOL = "landfall"
ZOMBIES = "landfall: mark runs whose process died"
# A dead run may hold a slot of a pool for less than five minutes. The pool's runs tell every HEARTBEAT_S that they live,
# so this is three heartbeats and a minute for a busy server; runs elsewhere do so every 180 s, Prefect's default.
SILENCE = timedelta(seconds=240)
HEARTBEAT_S = 60
DEPLOY_TIMEOUT_S = 180
_DONE = "landfall_bootstrap"


class DeployFailed(Exception):
    """`prefect deploy --all` did not succeed."""

    code = "DeployFailed"
    cure = "Run `./run prefect deploy --all` and read what it says."


def bootstrap(echo: Callable[[str], None] = print) -> list[str]:
    """Make what is missing on the server that PREFECT_API_URL names; return what was made, each told to ``echo``."""
    made: list[str] = []

    def note(what: str) -> None:
        made.append(what)
        echo(what)

    with get_client(sync_client=True) as client:
        if _ensure_work_pool(client):
            note(f"work pool {WORK_POOL}")
        if _ensure_zombie_automation(client):
            note("automation for runs whose process died")
        if not _is_current(client):
            systems.register()
            note(f"block types {', '.join(systems.names())}")
            _deploy_all()
            for name, deployment in deployed(client).items():
                if not _connected(name, deployment):
                    # It would fail at every tick; `landfall connect` switches it on.
                    switch(client, deployment, on=False)
            note(f"deployments {', '.join(sorted(declared()))}")
            Variable.set(_DONE, _fingerprint(), overwrite=True)
        if alerts.ensure(client):
            note(f"automations that tell people through the block {telling.CHANNEL}")
    return made


def declared() -> set[str]:
    """Return the full names (``flow/deployment``) of what prefect.yaml declares."""
    return {f"{entry['entrypoint'].rpartition('.')[2].replace('_', '-')}/{entry['name']}" for entry in _entries()}


def start_schedules(connection: str) -> list[str]:
    """Switch on the schedules of a connection that has just been made; return the deployments that were off."""
    started = []
    with get_client(sync_client=True) as client:
        for full_name, deployment in deployed(client).items():
            mine = deployment.parameters.get("connection") == connection
            if mine and _connected(full_name, deployment) and switch(client, deployment, on=True):
                started.append(full_name)
    return started


def deployed(client: SyncPrefectClient) -> dict[str, DeploymentResponse]:
    """Return the deployments that the server has, by full name."""
    flow_names = {flow.id: flow.name for flow in client.read_flows()}
    return {f"{flow_names.get(found.flow_id)}/{found.name}": found for found in client.read_deployments()}


def switch(client: SyncPrefectClient, deployment: DeploymentResponse, *, on: bool) -> bool:
    """Switch the schedules of a deployment on or off; return whether that changed anything."""
    # The schedules, not the deployment: a pause of the deployment would not outlive `prefect deploy --all`.
    different = [schedule for schedule in deployment.schedules if schedule.active is not on]
    for schedule in different:
        client.update_deployment_schedule(deployment.id, schedule.id, active=on)
    return bool(different)


def _entries() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    return entries


def _ensure_work_pool(client: SyncPrefectClient) -> bool:
    try:
        client.read_work_pool(WORK_POOL)
    except ObjectNotFound:
        from prefect.workers.process import ProcessWorker

        template = ProcessWorker.get_default_base_job_template()
        template["variables"]["properties"]["env"]["default"] = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S)}
        pool = WorkPoolCreate(name=WORK_POOL, type=ProcessWorker.type, base_job_template=template)
        client.create_work_pool(pool)
        return True
    return False


def _ensure_zombie_automation(client: SyncPrefectClient) -> bool:
    # A run whose process was killed stays "Running" for ever: nobody is left to report. Its heartbeats stop, though.
    wanted = _zombie_automation()
    for found in client.read_automations_by_name(ZOMBIES):
        if _watches_the_same(found.trigger, wanted.trigger):
            return False
        client.update_automation(found.id, wanted)
        return True
    client.create_automation(wanted)
    return True


def _zombie_automation() -> AutomationCore:
    ended = [f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")]
    trigger = EventTrigger(
        after={"prefect.flow-run.heartbeat"},
        expect={"prefect.flow-run.heartbeat", *ended},
        match={"prefect.resource.id": ["prefect.flow-run.*"]},
        # Other flows of the server may have other heartbeats, or none.
        match_related={"prefect.resource.role": "flow", "prefect.resource.name": _flow_names()},
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=SILENCE,
    )
    action = ChangeFlowRunState(
        state=StateType.CRASHED, name="Crashed", force=False, message="The process of this run died without a word."
    )
    return AutomationCore(name=ZOMBIES, trigger=trigger, actions=[action])


def _flow_names() -> list[str]:
    stems = {entry["entrypoint"].rpartition(".")[2] for entry in _entries()} | set(syncs.modules().values())
    return sorted(stem.replace("_", "-") for stem in stems)


def _watches_the_same(one: Any, other: Any) -> bool:
    return all(getattr(one, part, None) == getattr(other, part) for part in ("expect", "within", "match_related"))


def _fingerprint() -> str:
    digest = hashlib.sha256(prefect.__version__.encode())
    sources = [ROOT / "prefect.yaml", *sorted(ROOT.glob("flows/*.py")), *sorted(ROOT.glob("blocks/*.py"))]
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _is_current(client: SyncPrefectClient) -> bool:
    stored = client.read_variable_by_name(_DONE)
    return stored is not None and stored.value == _fingerprint() and declared() <= deployed(client).keys()


def _deploy_all() -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(  # noqa: S603 - our own interpreter and arguments
        command, cwd=ROOT, capture_output=True, text=True, timeout=DEPLOY_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise DeployFailed(f"{(done.stderr or done.stdout).strip()[-500:]} {DeployFailed.cure}")


def _connected(full_name: str, deployment: DeploymentResponse) -> bool:
    # A deployment that names no connection, such as test-connection/any, needs none.
    sync = syncs.of_flow(full_name.partition("/")[0])
    connection = deployment.parameters.get("connection")
    return not (sync and connection) or connection in syncs.connections(sync)
