"""Orders that must reach the vendor exactly once, sent through the product's outbox.

Shows how a sync that writes is put under the harness: what is asked for (`enqueue`), one delivery in a process that may
die anywhere (`send_all`), and what must hold afterwards.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from benchmarks.crash.doors import Doors
from benchmarks.crash.world import World
from connectors.errors import Transient
from connectors.http import Body, accept, fetch, make_client
from warehouse import outbox
from warehouse.connect import connect
from warehouse.migrate import upgrade
from warehouse.outbox import Lane, Message, Outcome

NEW_ORDERS = 2
LANE = Lane("orders", "crash", "order")


def enqueue(world: World) -> None:
    """Ask for some more orders to be sent."""
    with closing(connect(world.url)) as session:
        upgrade(session)
        for _ in range(NEW_ORDERS):
            world.enqueued += 1
            amount = json.dumps({"amount": str(10 + world.enqueued)})
            outbox.enqueue(session, LANE, [(f"order-{world.enqueued}", f"order-{world.enqueued}", amount)])
        # What waits for its next attempt would take minutes.
        session.execute("UPDATE ops.outbox SET next_attempt_at = now() - interval '1 minute'")


def send_all(world: World, _: Doors) -> None:
    """Send what waits, and settle what an earlier process left undecided."""
    with (
        closing(connect(world.url)) as session,
        make_client(world.source.url, methods=("GET", "POST"), timeout_s=20) as client,
    ):
        upgrade(session)

        def send(messages: Sequence[Message]) -> Mapping[int, Outcome]:
            return {message.id: give(client, message) for message in messages}

        def look(messages: Sequence[Message]) -> Mapping[int, str]:
            return {message.id: "found" for message in messages if there(client, message.subject)}

        # An order that was on its way when its process died has arrived by the time the next one looks.
        outbox.deliver(world.url, LANE, send, look, settle_s=0)


def give(client: Any, message: Message) -> Outcome:
    """Give the vendor an order; where its answer is lost, what is there decides."""
    try:
        post(client, message.subject, json.loads(message.payload)["amount"])
    except Transient as error:
        return Outcome("acked", "found") if there(client, message.subject) else Outcome("unknown", str(error))
    return Outcome("acked", "answered")


def post(client: Any, external_id: str, amount: str) -> None:
    """Give the vendor an order."""
    request = client.build_request("POST", "/orders", json={"external_id": external_id, "amount": amount})
    fetch(client, request, accept, idempotent=False)


def there(client: Any, external_id: str) -> bool:
    """Whether the vendor has the order."""

    def found(body: Body) -> bool:
        return bool(json.loads(accept(body).content))

    return fetch(client, client.build_request("GET", f"/orders?external_id={external_id}"), found, attempts=1)


def sent_means_there_once(world: World) -> Iterator[str]:
    """I6: the vendor has each order at most once, and what we call sent is there."""
    there = [order["external_id"] for order in world.orders]
    for external_id in {name for name in there if there.count(name) > 1}:
        yield f"I6: the vendor has {external_id} {there.count(external_id)} times"
    for external_id, status in world.rows("SELECT subject, status FROM ops.outbox WHERE sync = 'orders'"):
        if status == "acked" and external_id not in there:
            yield f"I6: {external_id} is called sent, and the vendor does not have it"
        if status == "pending" and external_id in there:
            yield f"I6: {external_id} is called pending, and the vendor has it"


def everything_sent(world: World) -> Iterator[str]:
    """At the end every order has been sent."""
    for external_id, status in world.rows("SELECT subject, status FROM ops.outbox WHERE sync = 'orders'"):
        if status != "acked":
            yield f"I6: {external_id} is still {status} although nothing was in the way"
