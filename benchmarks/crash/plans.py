"""Plans for the devices of a Microshare tenant, applied by a process that may die anywhere: each change once, and told true."""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from pydantic import SecretStr

from benchmarks.crash.doors import Doors
from benchmarks.crash.tenant import FOREIGN, Tenant
from benchmarks.crash.world import World
from blocks.microshare import Microshare
from sandbox.microshare_data import PLACEHOLDER, TRAPS
from tasks.microshare_apply import apply_plan
from warehouse import microshare_plan
from warehouse.connect import connect
from warehouse.errors import PlanIncomplete
from warehouse.microshare_plan import NewItem
from warehouse.migrate import upgrade

CONNECTION = "crash"
CREATES = 3  # in each plan; the devices of the plan before are changed and deleted
# A killed process's request has ended in milliseconds here; the next process waits for as long as it must anywhere.
SETTLE_S = 0.1
MOST_OPEN = 2
tenant = Tenant()
logger = logging.getLogger("landfall.crash")


def propose(world: World) -> None:
    """Approve one more plan: devices to create, and one of an earlier plan to change and one to delete."""
    tenant.begin(world.url, world.seed)
    with closing(connect(world.url)) as conn:
        upgrade(conn)
        # A life takes as long as its plans, and what waits has been waiting for a kill.
        if len(_due(conn)) >= MOST_OPEN:
            return
        number = _count(world)
        id_ = tenant.ids[number % len(tenant.ids)]
        items = [_create(id_, f"plan{number}-{each}") for each in range(CREATES)]
        before = {device["guid"]: device for device in tenant.devices()[id_]}
        earlier = f"plan{number - len(tenant.ids)}-"
        if f"{earlier}0" in before and f"{earlier}1" in before:
            changed, gone = before[f"{earlier}0"], before[f"{earlier}1"]
            patch = {"meta": {"location": ["Alder", "North", f"Area {number}", changed["guid"]]}}
            items += [
                NewItem("update", TRAPS, id_, f"guid:{changed['guid']}", changed["guid"], "crash", before=json.dumps(changed), after=json.dumps(patch)),
                NewItem("delete", TRAPS, id_, f"guid:{gone['guid']}", gone["guid"], "crash", before=json.dumps(gone)),
            ]  # fmt: skip
        plan = microshare_plan.store(conn, CONNECTION, "device", "crash", items)
        microshare_plan.approve(conn, plan, "crash")


def apply_all(world: World, doors: Doors) -> None:
    """Apply what has been approved, and go on with what an earlier process left; what the run with apply=true does."""
    with closing(connect(world.url, "landfall plans")) as session:
        upgrade(session)
        due = _due(session)
    with block().client() as client:
        for plan in due:
            try:
                apply_plan(world.url, client, CONNECTION, plan, logger)
            except PlanIncomplete as error:
                doors.failed(error.code, str(error))


def _due(session: Any) -> list[int]:
    """The plans that are approved and not applied to their end, oldest first."""
    latest = microshare_plan.plans(session, CONNECTION, 2 * MOST_OPEN)
    return sorted(row["id"] for row in latest if row["status"] in ("approved", "applying", "incomplete"))


def quiet() -> None:
    """Let nothing more get lost."""
    if tenant.ids:
        tenant.quiet()


def block() -> Microshare:
    """The connection to the tenant, as Prefect would give it."""
    given = dict(tenant.connection) | {"settle_s": SETTLE_S, "retry_attempts": 1}
    found = Microshare(**given | {"password": SecretStr(given["password"])})
    found._block_document_name = CONNECTION
    return found


def each_change_once(world: World) -> Iterator[str]:
    """I6: the tenant has each device at most once, the foreign ones untouched, and what a plan says of it is so."""
    if not tenant.ids:
        return
    held = tenant.devices()
    for id_, devices in held.items():
        for guid, times in Counter(device["guid"] for device in devices).items():
            if times > 1:
                yield f"I6: the cluster {id_} has the device {guid} {times} times"
        if devices[0] != FOREIGN:
            yield f"I6: a device that no plan names has changed in the cluster {id_}"
    there = {device["guid"]: device for devices in held.values() for device in devices}
    last = _last_said(world)
    for guid, (action, state, after) in last.items():
        done = (guid in there) == (action != "delete") and (
            action != "update" or there[guid]["meta"]["location"] == json.loads(after)["meta"]["location"]
        )
        if state == "applied" and not done:
            yield f"I6: the {action} of {guid} is called applied, and the tenant says otherwise"
        if state == "planned" and action == "create" and done:
            yield f"I6: the {action} of {guid} is called planned, and it has been done"


def everything_applied(world: World) -> Iterator[str]:
    """At the end every plan has been applied, every item with it."""
    for plan, status in world.rows("SELECT id, status FROM microshare.plan WHERE status <> 'applied'"):
        yield f"I6: plan {plan} is still {status} although nothing was in the way"
    for plan, number, state in world.rows(
        "SELECT plan_id, number, state FROM microshare.plan_item WHERE state <> 'applied'"
    ):
        yield f"I6: item {number} of plan {plan} is {state} although nothing was in the way"


def _last_said(world: World) -> dict[str, tuple[str, str, str]]:
    """The last item about each device: action, state, what it should be."""
    rows = world.rows("SELECT guid, action, state, after FROM microshare.plan_item ORDER BY plan_id, number")
    return {guid: (action, state, after) for guid, action, state, after in rows}


def _create(id_: str, guid: str) -> NewItem:
    made = {
        "id": PLACEHOLDER,
        "meta": {"location": ["Alder", "North", "Dock", guid]},
        "status": "pending",
        "guid": guid,
    }
    return NewItem("create", TRAPS, id_, f"guid:{guid}", guid, "crash", after=json.dumps(made))


def _count(world: World) -> int:
    return int(world.rows("SELECT count(*) FROM microshare.plan")[0][0])
