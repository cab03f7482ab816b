"""Events that people should hear of start the flow `tell-people`, which sends them through the block `landfall-alerts`.

Any of Prefect's notification blocks will do (Slack, Teams, mail, custom webhook, …), or a webhook. While there is none,
events are on the server's event feed and nothing is sent. Prefect's own sending tries four times within seconds and then
forgets, which no night's outage survives; a flow has retries, and people see in the UI what became of it.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from tasks import telling

DEPLOYMENT = "tell-people/any"
#: Of earlier versions, which had the server send.
_OUTDATED = "landfall: tell people what they were not told"


def ensure(client: SyncPrefectClient) -> bool:
    """Make the automation, once there is a channel; whether anything was done. The deployment has to be there."""
    if telling.channel(client) is None:
        return False
    for found in client.read_automations_by_name(_OUTDATED):
        client.delete_automation(found.id)
    wanted = _automation(client.read_deployment_by_name(DEPLOYMENT).id)
    for found in client.read_automations_by_name(wanted.name):
        if _does(found) == _does(wanted):
            return False
        client.update_automation(found.id, wanted)
        return True
    client.create_automation(wanted)
    return True


def _automation(deployment: UUID) -> AutomationCore:
    trigger = EventTrigger(
        expect={f"{telling.EVENTS}*"},
        match={"prefect.resource.id": ["landfall.*"]},
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
    )
    about = {"event": {"__prefect_kind": "jinja", "template": "{{ event.id }}"}}
    start = RunDeployment(source="selected", deployment_id=deployment, parameters=about, job_variables=None)
    return AutomationCore(name=telling.AUTOMATION, trigger=trigger, actions=[start])


def _does(automation: AutomationCore) -> Any:
    """What tells two versions of the automation apart: what it waits for and what it starts."""
    started = [getattr(action, "deployment_id", None) for action in automation.actions]
    return started, set(getattr(automation.trigger, "expect", ()))
