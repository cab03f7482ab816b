"""Sends events that people should hear of to a channel of theirs: the block named `landfall-alerts`.

Any of Prefect's notification blocks will do (Slack, Teams, mail, custom webhook, …), or a webhook, of which Prefect
takes every answer for success. While there is none, events are on the server's event feed and nothing is sent.

The Prefect server sends, so that a channel that is down or hangs costs no run a second. What it could not deliver it does
not send again; but a second automation notices, and says so through the same channel until that takes it.
"""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.events.actions import CallWebhook, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

AUTOMATION = "landfall: tell people"
REMINDER = "landfall: tell people what they were not told"
CHANNEL = "landfall-alerts"
#: A billing customer's database disappeared or came back; records that could not land.
EVENTS = {"landfall.cetec.database-disappeared", "landfall.cetec.database-came-back", "landfall.sync.partial"}
SUBJECT = "Landfall: {{ event.event }}"
BODY = "{{ event.payload.message }}"
#: Long enough for a channel to come back, short enough for a night shift.
RETRY = timedelta(minutes=10)
MISSED_SUBJECT = "Landfall: messages were not delivered"
MISSED = (
    "What happened meanwhile is in `landfall runs` and `landfall dead-letters list`, and on the event feed of the Prefect "
    "server (events landfall.*)."
)


def ensure(client: SyncPrefectClient) -> bool:
    """Make the automations, or point them at the channel that there is now; return whether anything was done."""
    channel = _channel(client)
    if channel is None:
        return False
    teller, changed = _ensure(client, AUTOMATION, _automation(channel), channel)
    reminder, made = _ensure(client, REMINDER, _reminder(channel, [teller]), channel)
    if made:  # it watches itself too, and has a number only now
        client.update_automation(reminder, _reminder(channel, [teller, reminder]))
    return changed or made


def _ensure(client: SyncPrefectClient, name: str, wanted: AutomationCore, channel: BlockDocument) -> tuple[UUID, bool]:
    for found in client.read_automations_by_name(name):
        if any(getattr(action, "block_document_id", None) == channel.id for action in found.actions):
            return found.id, False
        client.update_automation(found.id, wanted)
        return found.id, True
    return client.create_automation(wanted), True


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
    return AutomationCore(name=AUTOMATION, trigger=trigger, actions=[_action(channel, SUBJECT, BODY)])


def _reminder(channel: BlockDocument, watched: list[UUID]) -> AutomationCore:
    """Fires when a message was due and none was delivered since; again, when that was not delivered either."""
    trigger = EventTrigger(
        after={"prefect.automation.triggered"},
        expect={"prefect.automation.action.executed"},
        match={"prefect.resource.id": [f"prefect.automation.{automation}" for automation in watched]},
        posture=Posture.Proactive,
        threshold=1,
        within=RETRY,
    )
    return AutomationCore(name=REMINDER, trigger=trigger, actions=[_action(channel, MISSED_SUBJECT, MISSED)])


def _action(channel: BlockDocument, subject: str, body: str) -> Any:
    if "notify" in _capabilities(channel):
        return SendNotification(block_document_id=channel.id, subject=subject, body=body)
    text = body.replace(" }}", " | tojson }}") if "{{" in body else json.dumps(body)
    return CallWebhook(block_document_id=channel.id, payload=f'{{"text": {text}}}')


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
