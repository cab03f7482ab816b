"""Orders that must reach the vendor exactly once, sent through an outbox.

The outbox here is the harness's own, a page of code: claim, look whether a lost answer was a yes, send, record. It
holds the place of the product's outbox, and shows how one is put under the harness.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from benchmarks.crash.doors import Doors
from benchmarks.crash.world import World
from connectors.errors import Transient
from connectors.http import Body, accept, fetch, make_client
from warehouse.connect import connect

NEW_ORDERS = 2


def enqueue(world: World) -> None:
    """Ask for some more orders to be sent."""
    for _ in range(NEW_ORDERS):
        world.enqueued += 1
        world.execute(
            "INSERT INTO watch.outbox VALUES (%s, %s, 'pending')", f"order-{world.enqueued}", 10 + world.enqueued
        )


def send_all(world: World, _: Doors) -> None:
    """Send what waits, and settle what an earlier process left undecided."""
    with (
        closing(connect(world.url, "landfall orders")) as session,
        make_client(world.source.url, methods=("GET", "POST"), timeout_s=20) as client,
    ):
        waiting = session.execute(
            "SELECT external_id, amount, status FROM watch.outbox WHERE status <> 'sent' ORDER BY external_id"
        ).fetchall()
        for external_id, amount, status in waiting:
            deliver(session, client, str(external_id), str(amount), undecided=status == "sending")


def deliver(session: Any, client: Any, external_id: str, amount: str, *, undecided: bool) -> None:
    """Send one order, never twice: what may have arrived is looked up first."""
    if not undecided:
        record(session, external_id, "sending")
    if not (undecided and there(client, external_id)):
        try:
            post(client, external_id, amount)
        except Transient:
            if not there(client, external_id):
                return  # the next process decides
    record(session, external_id, "sent")


def post(client: Any, external_id: str, amount: str) -> None:
    """Give the vendor an order."""
    request = client.build_request("POST", "/orders", json={"external_id": external_id, "amount": amount})
    fetch(client, request, accept, idempotent=False)


def there(client: Any, external_id: str) -> bool:
    """Whether the vendor has the order."""

    def found(body: Body) -> bool:
        return bool(json.loads(accept(body).content))

    return fetch(client, client.build_request("GET", f"/orders?external_id={external_id}"), found, attempts=1)


def record(session: Any, external_id: str, status: str) -> None:
    """Write down how far an order is; committed when this returns."""
    session.execute("UPDATE watch.outbox SET status = %s WHERE external_id = %s", (status, external_id))


def sent_means_there_once(world: World) -> Iterator[str]:
    """I6: the vendor has each order at most once, and what we call sent is there."""
    there = [order["external_id"] for order in world.orders]
    for external_id in {name for name in there if there.count(name) > 1}:
        yield f"I6: the vendor has {external_id} {there.count(external_id)} times"
    for external_id, status in world.rows("SELECT external_id, status FROM watch.outbox"):
        if status == "sent" and external_id not in there:
            yield f"I6: {external_id} is called sent, and the vendor does not have it"
        if status == "pending" and external_id in there:
            yield f"I6: {external_id} is called pending, and the vendor has it"


def everything_sent(world: World) -> Iterator[str]:
    """At the end every order has been sent."""
    for external_id, status in world.rows("SELECT external_id, status FROM watch.outbox WHERE status <> 'sent'"):
        yield f"I6: {external_id} is still {status} although nothing was in the way"
