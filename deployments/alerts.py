"""Sends events that people should hear of to a channel of theirs: the block named `landfall-alerts`.

Any of Prefect's notification blocks will do (Slack, Teams, mail, …), or a webhook. While there is none, events are on
the server's event feed and nothing is sent.
"""

from datetime import timedelta
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.events.actions import CallWebhook, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

AUTOMATION = "landfall: tell people"
CHANNEL = "landfall-alerts"
#: A billing customer's database disappeared or came back; records that could not land.
EVENTS = {"landfall.cetec.database-disappeared", "landfall.cetec.database-came-back", "landfall.sync.partial"}
SUBJECT = "Landfall: {{ event.event }}"
BODY = "{{ event.payload.message }}"


def ensure(client: SyncPrefectClient) -> bool:
    """Make the automation, or point it at the channel that there is now; return whether anything was done."""
    channel = _channel(client)
    if channel is None:
        return False
    wanted = _automation(channel)
    for found in client.read_automations_by_name(AUTOMATION):
        if any(getattr(action, "block_document_id", None) == channel.id for action in found.actions):
            return False
        client.update_automation(found.id, wanted)
        return True
    client.create_automation(wanted)
    return True


def _automation(channel: BlockDocument) -> AutomationCore:
    trigger = EventTrigger(
        expect=set(EVENTS),
        match={"prefect.resource.id": ["landfall.*"]},
        # Each thing speaks for itself: ten databases that disappear at once are ten messages.
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
    )
    return AutomationCore(name=AUTOMATION, trigger=trigger, actions=[_action(channel)])


def _action(channel: BlockDocument) -> Any:
    if "notify" in _capabilities(channel):
        return SendNotification(block_document_id=channel.id, subject=SUBJECT, body=BODY)
    return CallWebhook(block_document_id=channel.id, payload='{"text": {{ event.payload.message | tojson }}}')


def _channel(client: SyncPrefectClient) -> BlockDocument | None:
    """The block that people are told through; None when there is none of a kind that can send."""
    offset = 0
    while page := client.read_block_documents(limit=100, offset=offset, include_secrets=False):
        for found in page:
            if found.name == CHANNEL and {"notify", "call"} & _kinds(found):
                return found
        offset += len(page)
    return None


def _kinds(found: BlockDocument) -> set[str]:
    is_webhook = found.block_type is not None and found.block_type.slug == "webhook"
    return _capabilities(found) | ({"call"} if is_webhook else set())


def _capabilities(found: BlockDocument) -> set[str]:
    return set(found.block_schema.capabilities) if found.block_schema else set()
