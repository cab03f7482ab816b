"""Telling people: the automation that sends events on to a channel of theirs."""

from collections.abc import Iterator

import pytest
from prefect.blocks.notifications import SlackWebhook
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.actions import DoNothing
from prefect.events.schemas.automations import AutomationCore

from deployments import alerts
from flows.tell_people import tell_people
from tasks import cetec, telling


@pytest.fixture
def client(prefect_api: str) -> Iterator[SyncPrefectClient]:
    """A client of a real Prefect server without the automation."""
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(client.create_flow(tell_people), "any")
        yield client
        client.delete_deployment(deployment)
        for found in client.read_automations_by_name(telling.AUTOMATION):
            client.delete_automation(found.id)


@pytest.fixture
def channel(client: SyncPrefectClient) -> Iterator[SlackWebhook]:
    """The block that people are told through."""
    block = SlackWebhook(url="https://hooks.example.com/canary-hook")
    block.save(telling.CHANNEL, overwrite=True)
    yield block
    SlackWebhook.delete(telling.CHANNEL)


def test_without_a_channel_nothing_is_made(client: SyncPrefectClient) -> None:
    """Where nobody has said whom to tell, no automation is made that would fail."""
    assert not alerts.ensure(client)
    assert client.read_automations_by_name(telling.AUTOMATION) == []


def test_the_channel_hears_of_databases_and_dead_letters(client: SyncPrefectClient, channel: SlackWebhook) -> None:
    """Saving one block is enough to hear of databases that disappear; doing it again changes nothing."""
    assert alerts.ensure(client)
    assert not alerts.ensure(client)
    (made,) = client.read_automations_by_name(telling.AUTOMATION)
    assert made.enabled
    assert made.trigger.expect == {"landfall.*"}  # type: ignore[union-attr]
    assert all(event.startswith("landfall.") for event in (cetec.GONE, cetec.BACK))
    assert not telling.TOLD.startswith("landfall.")  # or telling would be news itself


def test_another_channel_takes_its_place(client: SyncPrefectClient, channel: SlackWebhook) -> None:
    """The channel may be a block of another kind, such as a webhook; nothing has to be made for that."""
    alerts.ensure(client)
    SlackWebhook.delete(telling.CHANNEL)
    with pytest.raises(telling.NotTold):
        telling.untold(client)
    Webhook(url="https://hooks.example.com/canary-hook").save(telling.CHANNEL, overwrite=True)
    try:
        assert not alerts.ensure(client)
        assert telling.untold(client) == []
    finally:
        Webhook.delete(telling.CHANNEL)
        channel.save(telling.CHANNEL, overwrite=True)


def test_what_an_earlier_version_made_is_replaced(client: SyncPrefectClient, channel: SlackWebhook) -> None:
    """An automation of the same name that does something else is made to do this."""
    alerts.ensure(client)
    (made,) = client.read_automations_by_name(telling.AUTOMATION)
    older = AutomationCore(name=made.name, trigger=made.trigger, actions=[DoNothing()])
    client.update_automation(made.id, older)
    assert alerts.ensure(client)
    (now,) = client.read_automations_by_name(telling.AUTOMATION)
    assert now.actions[0].type == "run-deployment"
