"""Telling people: the automation that sends events on to a channel of theirs."""

from collections.abc import Iterator

import pytest
from prefect.blocks.notifications import SlackWebhook
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient, get_client

from deployments import alerts
from tasks import cetec


@pytest.fixture
def client(prefect_api: str) -> Iterator[SyncPrefectClient]:
    """A client of a real Prefect server without the automation."""
    with get_client(sync_client=True) as client:
        yield client
        for found in client.read_automations_by_name(alerts.AUTOMATION):
            client.delete_automation(found.id)


@pytest.fixture
def channel(client: SyncPrefectClient) -> Iterator[SlackWebhook]:
    """The block that people are told through."""
    block = SlackWebhook(url="https://hooks.example.com/canary-hook")
    block.save(alerts.CHANNEL, overwrite=True)
    yield block
    SlackWebhook.delete(alerts.CHANNEL)


def test_without_a_channel_nothing_is_made(client: SyncPrefectClient) -> None:
    """Where nobody has said whom to tell, no automation is made that would fail."""
    assert not alerts.ensure(client)
    assert client.read_automations_by_name(alerts.AUTOMATION) == []


def test_the_channel_hears_of_databases_and_dead_letters(client: SyncPrefectClient, channel: SlackWebhook) -> None:
    """Saving one block is enough to hear of databases that disappear; doing it again changes nothing."""
    assert alerts.ensure(client)
    assert not alerts.ensure(client)
    (made,) = client.read_automations_by_name(alerts.AUTOMATION)
    assert made.enabled
    assert {cetec.GONE, cetec.BACK} <= set(made.trigger.expect)  # type: ignore[union-attr]
    assert made.actions[0].block_document_id == channel._block_document_id  # type: ignore[union-attr]


def test_another_channel_takes_its_place(client: SyncPrefectClient, channel: SlackWebhook) -> None:
    """When the channel becomes a block of another kind, the same automation sends there."""
    alerts.ensure(client)
    SlackWebhook.delete(alerts.CHANNEL)
    webhook = Webhook(url="https://hooks.example.com/canary-hook")
    webhook.save(alerts.CHANNEL, overwrite=True)
    try:
        assert alerts.ensure(client)
        (made,) = client.read_automations_by_name(alerts.AUTOMATION)
        assert made.actions[0].type == "call-webhook"
    finally:
        Webhook.delete(alerts.CHANNEL)
        channel.save(alerts.CHANNEL, overwrite=True)
