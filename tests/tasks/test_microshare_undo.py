"""What is not done without a person: deletions, conflicts; and taking back what was done."""

import json

import pytest

from tests.reconciling import Live, device, point
from tests.tasks.test_microshare_apply import guids
from warehouse import microshare_apply, microshare_plan
from warehouse.connect import connect
from warehouse.errors import PlanNotOpen
from warehouse.microshare_plan import Deletions


def test_deletions_are_off_by_default_and_capped(live: Live) -> None:
    """A device goes only when allowed, when both sides once agreed on it, when its point is gone, and within a ceiling."""
    id_ = live.cluster([device(f"R{n}", guid=f"erp-sync-{n}") for n in range(4)] + [device("Z", guid="erp-sync-99")])
    live.points = [point(str(n), f"R{n}") for n in range(4)]
    live.reconcile()
    live.points = [point("0", "R0"), point("1", "R1"), point("2", "R2", active="no")]
    assert live.reconcile() is None
    held = live.reconcile(Deletions(True, 10, 20), land=False)
    assert held is not None
    assert (held.planned, held.held) == (0, 2)
    assert "more than the ceiling of 10 devices or 20 percent" in live.items(held)[0]["reason"]
    plan = live.approved(Deletions(True, 10, 50))
    assert live.apply(plan)["applied"] == 2
    assert guids(live, id_) == ["erp-sync-0", "erp-sync-1", "erp-sync-99"]


def test_an_empty_source_deletes_nothing(live: Live) -> None:
    """Points that were never read, or are all gone at once, are no reason to delete a device."""
    live.cluster([device(f"R{n}", guid=f"erp-sync-{n}") for n in range(3)])
    live.points = []
    assert live.reconcile(Deletions(True, 10, 100)) is None
    assert set(live.findings().values()) == {"not_compared"}


def test_a_change_on_both_sides_is_held_for_a_person(live: Live) -> None:
    """Neither side is overwritten until somebody decides; approving the item by its number takes the ERP's side."""
    id_ = live.cluster([device("R1", guid="erp-sync-1")])
    live.points = [point("1", "R1")]
    live.reconcile()
    live.points = [point("1", "R1", area="Gate")]
    live.vendor.edit(id_, lambda data: data["devices"][0]["meta"]["location"].__setitem__(2, "Yard"))
    held = live.reconcile()
    assert held is not None
    assert (held.planned, held.held) == (0, 1)
    assert live.reason("point/1") == "both sides changed the location"
    with connect(live.url) as conn:
        with pytest.raises(PlanNotOpen, match="not all of the items"):
            microshare_plan.approve(conn, held.id, "test", held=[2])
        microshare_plan.approve(conn, held.id, "test", held=[1])
    live.apply(held.id)
    assert live.vendor.devices(id_)[0]["meta"]["location"][2] == "Gate"


def test_undo_brings_everything_back_byte_for_byte(live: Live) -> None:
    """Created devices go, changed ones are as before, deleted ones are back with their keys; once, and for a stated time."""
    id_ = live.cluster([
        device("R1", guid="erp-sync-1", lora={"AppKey": "canary-app-key"}, x=1.5), device("R2"), device("R3", guid="erp-sync-3"),
    ])  # fmt: skip
    live.points = [point(str(n), f"R{n}") for n in (1, 3)]
    live.reconcile()
    live.points = [point("1", "R1", active="no"), point("2", "R2", area="Gate"), point("3", "R3"), point("4", "R4")]
    before = live.vendor.devices(id_)
    plan = live.approved(Deletions(True, 10, 50))
    assert live.apply(plan)["applied"] == 3
    assert guids(live, id_) == ["erp-sync-2", "erp-sync-3", "erp-sync-4"]
    with connect(live.url) as conn:
        back = microshare_apply.undo(conn, plan, "test")
        assert back is not None
        with pytest.raises(PlanNotOpen, match=f"by plan {back} already"):
            microshare_apply.undo(conn, plan, "test")
        microshare_plan.approve(conn, back, "test")
    done = live.apply(back)
    assert done["applied"] == 3, live.results(back)
    after = live.vendor.devices(id_)
    assert sorted(after, key=json.dumps) == sorted(before, key=json.dumps)
    live.rows(
        "UPDATE microshare.plan SET undo_until = now() - interval '1 s' WHERE id = %(plan)s RETURNING id", plan=back
    )
    with connect(live.url) as conn, pytest.raises(PlanNotOpen, match="could be taken back until"):
        microshare_apply.undo(conn, back, "test")


def test_undo_leaves_alone_what_the_field_has_changed_since(live: Live) -> None:
    """A device that was deployed after the plan had created it is not removed by the undo."""
    id_ = live.cluster([])
    live.points = [point("1", "R1"), point("2", "R2")]
    plan = live.approved()
    live.apply(plan)
    live.vendor.edit(id_, lambda data: data["devices"][0].update(id="58-A0-CB-00-00-00-00-01", status="active"))
    with connect(live.url) as conn:
        back = microshare_apply.undo(conn, plan, "test")
        assert back is not None
        microshare_plan.approve(conn, back, "test")
    done = live.apply(back)
    assert (done["applied"], done["refused"]) == (1, 1)
    assert guids(live, id_) == ["erp-sync-1"]
