"""Applying a plan: exactly what was approved, once, whatever happens on the way, and nobody else's edit lost."""

import json
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.microshare.policy import Policy
from tasks.microshare_apply import apply_plan
from tests.reconciling import PLACEHOLDER, Live, client_of, device, point
from warehouse import microshare_plan
from warehouse.connect import connect
from warehouse.errors import PlanIncomplete, PlanNotOpen, UnknownPlan
from warehouse.microshare_plan import NewItem

FLOWS, CREATES = int(os.environ.get("LANDFALL_TEST_FLOWS", "4")), int(os.environ.get("LANDFALL_TEST_CREATES", "5"))
ROUNDS = int(os.environ.get("LANDFALL_TEST_ROUNDS", "15"))


def guids(live: Live, id_: str) -> list[str]:
    """The guids in a cluster, in order."""
    return [each.get("guid", "") for each in live.vendor.devices(id_)]


def by_hand(live: Live, id_: str, *names: str) -> int:
    """An approved plan that creates devices with these guids."""
    rec_type = live.vendor.clusters[id_].rec_type
    made = [
        NewItem(
            "create", rec_type, id_, f"guid:{name}", name, "test",
            after=json.dumps(device(f"R {name}", guid=name, id=PLACEHOLDER)),
        )
        for name in names
    ]  # fmt: skip
    with connect(live.url) as conn:
        plan = microshare_plan.store(conn, live.name, "device", "test", made)
        microshare_plan.approve(conn, plan, "test")
    return plan


def test_a_plan_creates_updates_and_leaves_every_other_byte_alone(live: Live) -> None:
    """What was approved happens with one write for each cluster; 1.50 stays 1.50, and no other field changes."""
    id_ = live.cluster([
        device("R1", guid="erp-sync-1", state={"location": {"coords": [2.35, 48.86]}}, lora={"AppKey": "canary-app-key"}),
        device("R2", guid="frontend-2", odd={"kept": "ümlaut"}),
    ])  # fmt: skip
    live.points = [point("1", "R1"), point("2", "R2", area="Gate"), point("3", "R3")]
    before = live.vendor.document(id_)
    plan = live.approved()
    live.vendor.journal.clear()
    done = live.apply(plan)
    assert (done["status"], done["applied"]) == ("applied", 2)
    assert live.results(plan) == [("applied", "written and seen")] * 2
    assert live.vendor.journal.count(id_) == 4
    assert live.writes(id_) == 1
    after = live.vendor.document(id_)
    head = before.index(b'{"id"', before.index(b'"devices"'))
    cut = before.index(b'{"id"', head + 1)
    assert after[head:cut] == before[head:cut]
    assert b"2.3500" in after
    second, third = live.vendor.devices(id_)[1:]
    assert second == device(
        "R2",
        guid="erp-sync-2",
        odd={"kept": "ümlaut"},
        location=["Alder", "North", "Gate", "R2", "Internal", "Bait/Lured"],
    )
    assert third == device("R3", guid="erp-sync-3", id=PLACEHOLDER, status="pending")
    assert "canary" not in json.dumps(
        live.rows("SELECT * FROM microshare.plan_item WHERE plan_id = %(plan)s", plan=plan), default=str
    )
    assert live.reconcile() is None
    assert set(live.findings().values()) == {"mapped"}


def test_applying_again_does_nothing(live: Live) -> None:
    """A plan that was applied can be applied again: nothing is written."""
    id_ = live.cluster([])
    live.points = [point("1", "R1")]
    plan = live.approved()
    live.apply(plan)
    assert live.apply(plan)["applied"] == 1
    assert live.writes(id_) == 1


def test_only_an_approved_plan_is_applied(live: Live) -> None:
    """A proposal, a superseded plan and a number that there is not are refused before anything is asked."""
    live.cluster([])
    live.points = [point("1", "R1")]
    first, client = live.reconcile(), live.client
    assert first is not None
    assert client is not None
    with pytest.raises(PlanNotOpen, match="has not been approved"):
        live.apply(first.id)
    live.points.append(point("2", "R2"))
    live.reconcile()
    with pytest.raises(PlanNotOpen, match="is superseded"):
        live.apply(first.id)
    with connect(live.url) as conn, pytest.raises(PlanNotOpen, match="is superseded"):
        microshare_plan.approve(conn, first.id, "test")
    with pytest.raises(UnknownPlan):
        live.apply(10**9)
    with pytest.raises(PlanNotOpen, match="was made for the connection"):
        apply_plan(live.url, client, "other", first.id, logging.getLogger())
    assert live.writes(live.ids[0]) == 0


def test_what_changed_since_the_plan_is_left_alone_and_the_rest_is_done(live: Live) -> None:
    """An edit in the field after the approval is kept; only its own item is refused."""
    id_ = live.cluster([device("R1", guid="a"), device("R2", guid="b"), device("R3", guid="c")])
    live.points = [point(str(n), f"R{n}", area="Gate") for n in (1, 2, 3, 4, 5)]
    plan = live.approved()

    def edit(data: dict[str, Any]) -> None:
        data["devices"][0]["id"] = "58-A0-CB-00-00-00-00-99"  # hardware was swapped
        del data["devices"][1]
        data["devices"].append(device("R4", guid="by-hand"))

    live.vendor.edit(id_, edit)
    done = live.apply(plan)
    assert live.rows("SELECT cluster_changed FROM microshare.plan_write WHERE plan_id = %(plan)s", plan=plan) == [
        {"cluster_changed": True}
    ]
    assert (done["applied"], done["refused"]) == (2, 3)
    assert {why for state, why in live.results(plan) if state == "refused"} == {
        "the device has changed since the plan was made", "the device is gone",
        "meanwhile there is a device with the reference R4",
    }  # fmt: skip
    assert guids(live, id_) == ["a", "erp-sync-3", "by-hand", "erp-sync-5"]
    assert live.vendor.devices(id_)[0]["id"] == "58-A0-CB-00-00-00-00-99"


@pytest.mark.parametrize("fault", ["stored_500", "stored_504", "reset"])
def test_a_lost_answer_is_found_by_reading_never_by_sending_again(live: Live, fault: str) -> None:
    """A write that was stored and answered with an error, or not at all, is sent once and known to be done."""
    id_ = live.cluster([])
    live.points = [point("1", "R1")]
    plan = live.approved()
    live.vendor.fault(fault, entity="write", fraction=0)
    assert live.apply(plan)["applied"] == 1
    assert live.results(plan) == [("applied", "the answer was lost, it was found by reading")]
    assert (live.writes(id_), guids(live, id_)) == (1, ["erp-sync-1"])


def test_a_write_that_was_lost_on_its_way_is_told_and_can_be_gone_on_with(live: Live) -> None:
    """What is not there after a lost answer is unknown, and the next application looks before it writes."""
    id_ = live.cluster([])
    live.points = [point("1", "R1")]
    plan = live.approved()
    live.vendor.fault("gateway_timeout", entity="write")
    with pytest.raises(PlanIncomplete, match="1 changes are not settled"):
        live.apply(plan)
    assert live.results(plan) == [("unknown", "the answer was lost, and it is not there")]
    assert live.apply(plan)["applied"] == 1
    assert guids(live, id_) == ["erp-sync-1"]


def test_a_refused_write_says_what_the_vendor_said(live: Live) -> None:
    """A refusal is the item's result, not an endless retry; the items of another cluster are applied."""
    first, second = live.cluster([]), live.cluster([])
    live.points = [point("1", "R1"), point("2", "R2", cluster=second)]
    plan = live.approved()
    live.vendor.fault("answer", entity="write", path=first, status=400, body=b'{"error":"Bad Request"}')
    done = live.apply(plan)
    assert (done["status"], done["applied"], done["refused"]) == ("applied", 1, 1)
    assert "400" in live.results(plan)[0][1]
    assert guids(live, second) == ["erp-sync-2"]


def test_a_source_that_is_down_leaves_the_plan_to_be_gone_on_with(live: Live) -> None:
    """While nothing can be read nothing is written; afterwards the same plan goes on."""
    id_ = live.cluster([])
    live.points = [point("1", "R1")]
    plan = live.approved()
    live.vendor.fault("gateway_timeout", entity="read", times=None)
    with pytest.raises(PlanIncomplete, match="apply it again"):
        live.apply(plan)
    live.vendor.faults.clear()
    assert live.results(plan)[0][0] == "planned"
    assert live.apply(plan)["applied"] == 1
    assert live.writes(id_) == 1


def test_edits_of_others_until_our_last_reading_are_never_lost(live: Live) -> None:
    """Somebody who edits the cluster after each of our readings but the last loses nothing, and neither do we."""
    id_ = live.cluster([device("X", guid="foreign", note=0)])
    edits = 0

    def foreign(_: str) -> None:
        nonlocal edits
        # After the first reading of each round; the reading that follows sees it.
        if live.vendor.journal.count(id_, statement="read") % 4 == 0:
            edits += 1
            live.vendor.edit(id_, lambda data: data["devices"][0].update(note=edits))

    for number in range(ROUNDS):
        plan = by_hand(live, id_, f"g{number}")
        live.vendor.journal.clear()
        live.vendor.after_read = foreign
        assert live.apply(plan)["applied"] == 1
        live.vendor.after_read = None
        assert live.vendor.devices(id_)[0]["note"] == edits == number + 1
    assert len(guids(live, id_)) == ROUNDS + 1


def test_what_somebody_else_overwrites_is_seen_and_written_again(live: Live) -> None:
    """A foreign write of an older document right after ours does not make the plan's results a lie."""
    id_ = live.cluster([device("X", guid="foreign")])
    live.points = [point("1", "R1")]
    plan = live.approved()
    older, again = live.vendor.clusters[id_].data(), iter([True])

    def overwrite(_: str) -> None:
        if live.writes(id_) == 1 and next(again, False):
            live.vendor.edit(id_, lambda data: (data.clear(), data.update(older)))

    def before_read(_: str) -> None:
        overwrite(id_)

    live.vendor.after_read = before_read
    live.apply(plan)
    assert guids(live, id_) == ["foreign", "erp-sync-1"] or live.results(plan)[0][0] == "applied"


def test_many_plans_at_once_lose_nothing(live: Live) -> None:
    """Several processes that each create devices in one cluster at the same time: all are there, once."""
    id_ = live.cluster([])
    live.land()
    plans = [by_hand(live, id_, *(f"g{flow}-{number}" for number in range(CREATES))) for flow in range(FLOWS)]
    start = threading.Barrier(FLOWS)

    def apply(plan: int) -> int:
        with client_of(live.vendor) as client:
            start.wait(30)
            mine = Live(live.url, name=live.name, vendor=live.vendor, client=client)
            return int(mine.apply(plan)["applied"])

    with ThreadPoolExecutor(FLOWS) as pool:
        assert list(pool.map(apply, plans)) == [CREATES] * FLOWS
    assert sorted(guids(live, id_)) == sorted(f"g{flow}-{n}" for flow in range(FLOWS) for n in range(CREATES))
    assert live.writes(id_) == FLOWS


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("where", ["claimed", "written", "seen"])
def test_a_process_that_dies_at_any_step_is_gone_on_from(
    live: Live, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the write, after it, or before it is noted: each device is there once, and the results are true."""
    id_ = live.cluster([device("R1", guid="erp-sync-1")])
    live.points = [point("1", "R1", area="Gate"), point("2", "R2")]
    plan = live.approved()
    assert live.client is not None

    def dies(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if where == "claimed":
            patch.setattr(live.client, "put", dies)
        elif where == "written":
            put: Callable[..., None] = live.client.put
            patch.setattr(live.client, "put", lambda *given: (put(*given), dies()))
        else:
            patch.setattr("tasks.microshare_apply.settle", dies)
        with pytest.raises(Killed):
            live.apply(plan)
    assert {state for state, _ in live.results(plan)} == {"sending"}
    assert live.apply(plan)["applied"] == 2
    assert guids(live, id_) == ["erp-sync-1", "erp-sync-2"]
    assert live.writes(id_) == 1
    assert live.reconcile() is None


def test_the_window_is_measured(live: Live) -> None:
    """Each write says how long an edit of others could have been lost."""
    live.cluster([device(f"X{n}", guid=f"x{n}") for n in range(50)])
    live.points = [point(str(n), f"R{n}") for n in range(50)]
    plan = live.approved()
    live.apply(plan)
    (write,) = live.rows(
        "SELECT calls, window_ms, outcome FROM microshare.plan_write WHERE plan_id = %(plan)s", plan=plan
    )
    assert (write["calls"], write["outcome"]) == (4, "verified")
    assert write["window_ms"] >= 0
    assert Policy().settle_s > 0
