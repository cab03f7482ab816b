"""Telling people: events that they should hear of, sent through the channel that they have chosen.

An event is on the server's feed as soon as a run says it; that it was told is an event as well. So whoever comes later
knows what people have not heard yet, whatever died or was down in between.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect import task
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import BlockDocument
from prefect.events import Event, emit_event
from prefect.events.filters import EventFilter, EventIDFilter, EventNameFilter, EventOccurredFilter, EventOrder
from prefect.logging import get_run_logger

AUTOMATION = "landfall: tell people"
CHANNEL = "landfall-alerts"
#: What begins so is for people: its payload has a ``message``.
EVENTS = "landfall."
TOLD = "landfall-told"
#: Long enough for a channel to come back (eight hours in all), short enough for a night shift.
RETRY_DELAYS_S: list[float] = [60, 300, *[600] * 47]
#: A channel that hangs is given up, for the time being.
SEND_TIMEOUT_S = 60
LATE = timedelta(minutes=2)
FEED_WAIT_S = 60
_WEEK = timedelta(days=7)  # what the event feed keeps
_AT_A_TIME = 50


class NotTold(Exception):
    """The channel did not take a message."""

    code = "NotTold"


def tell_all(of: UUID | None = None) -> int:
    """Tell what people have not heard yet, oldest first; how many messages that were. Raises `NotTold` when it gives up.

    ``of``: an event that has just happened. The server writes its feed in batches, seconds later, so that is waited for,
    and in the end that the feed has what was told: or the next run would tell it again.
    """
    told: set[UUID] = set()
    with get_client(sync_client=True) as client:
        if of is not None:
            _wait_until(lambda: any(_events(client, EventFilter(id=EventIDFilter(id=[of])))))
        while waiting := [event for event in untold(client) if event.id not in told]:
            for event in waiting:
                _tell.with_options(retries=len(RETRY_DELAYS_S), retry_delay_seconds=RETRY_DELAYS_S)(event)
                told.add(event.id)
        _wait_until(lambda: told.isdisjoint(event.id for event in untold(client)))
    return len(told)


def channel(client: SyncPrefectClient) -> BlockDocument | None:
    """The block that people are told through; None when there is none of a kind that can send."""
    offset = 0
    while page := client.read_block_documents(limit=100, offset=offset):
        for found in page:
            if found.name == CHANNEL and _can_send(found):
                return found
        offset += len(page)
    return None


def untold(client: SyncPrefectClient) -> list[Event]:
    """The events, oldest first, of which people have not been told since there is a channel; `NotTold` without one."""
    found = channel(client)
    if found is None or found.created is None:
        raise NotTold(f"There is no block named {CHANNEL} that could send. Save one, then run this again.")
    since: Any = max(found.created, datetime.now(UTC) - _WEEK)
    when = EventOccurredFilter(since=since)
    told = {_about(event) for event in _events(client, EventFilter(occurred=when, event=EventNameFilter(name=[TOLD])))}
    wanted = EventFilter(occurred=when, event=EventNameFilter(prefix=[EVENTS]), order=EventOrder.ASC)
    return [event for event in _events(client, wanted) if str(event.id) not in told]


@task(name="tell", persist_result=False, cache_policy=NO_CACHE, timeout_seconds=SEND_TIMEOUT_S)
def _tell(event: Event) -> None:
    text = str(event.payload.get("message", ""))
    if datetime.now(UTC) - event.occurred > LATE:
        text += f" (of {event.occurred:%Y-%m-%d %H:%M} UTC, delivered late)"
    with get_client(sync_client=True) as client:
        found = channel(client)
        if found is None:
            raise NotTold(f"The block {CHANNEL} is gone; {text!r} was not told.")
        block: Any = Block._from_block_document(client.read_block_document(found.id, include_secrets=True))
    try:
        _send(block, f"Landfall: {event.event}", text)
    except Exception as error:  # noqa: BLE001 -- whatever a channel of any kind can raise
        # Their texts may hold the channel's address, which is a secret.
        raise NotTold(f"The channel {CHANNEL} did not take a message ({type(error).__name__}).") from None
    get_run_logger().info("told: %s", text)
    emit_event(TOLD, resource={"prefect.resource.id": f"landfall.channel.{CHANNEL}"}, payload={"event": str(event.id)})


def _send(block: Any, subject: str, text: str) -> None:
    if isinstance(block, NotificationBlock):
        notification: Any = block
        with notification.raise_on_failure():
            notification.notify(text, subject)
    else:
        block.call({"text": f"{subject}: {text}"}).raise_for_status()


def _can_send(found: BlockDocument) -> bool:
    """Whether a block is one of Prefect's notification types, or a webhook."""
    notifies = found.block_schema is not None and "notify" in found.block_schema.capabilities
    return notifies or (found.block_type is not None and found.block_type.slug == "webhook")


def _events(client: SyncPrefectClient, wanted: EventFilter) -> Iterator[Event]:
    page = client.read_events(wanted, limit=_AT_A_TIME)
    while True:
        yield from page.events
        if page.next_page is None:
            return
        page = client.read_events_page(str(page.next_page))


def _wait_until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FEED_WAIT_S
    while not there() and time.monotonic() < deadline:
        time.sleep(1)


def _about(told: Event) -> str:
    return str(told.payload.get("event", ""))
