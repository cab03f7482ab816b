"""Comparing inspection points with devices: each gets its finding, and nothing is guessed."""

import pytest

from tests.reconciling import PLACEHOLDER, Reconciling, device, point


@pytest.fixture
def world(shared_database: str) -> Reconciling:
    """Clusters and points of a connection of the test's own."""
    return Reconciling(shared_database)


def test_every_point_and_device_has_its_finding(world: Reconciling) -> None:
    """A user sees for each point and each device what it comes to, and why."""
    world.clusters = {
        "traps": [
            device("R1", guid="erp-sync-1"),
            device("R2", guid="erp-sync-2", location=["Alder", "North", "Elsewhere", "R2", "internal", "bait"]),
            device("R3", guid="erp-sync-3", id=PLACEHOLDER),
            device("R4", guid="erp-sync-4", id=PLACEHOLDER, status="pending"),
            device("R5", guid="frontend-1"), device("R5", guid="frontend-2", id="AA"),
            device("R6b", guid="erp-sync-6"), device("R6", guid="x", id="BB"),
            device("R7", guid="erp-sync-7", state={"updateDate": "2020-01-02T03:04:05Z"}),
            device("R99", guid="gone"),
            device("", guid="bare", location=["Alder", "North", "Dock"]),
        ],
        "traps-2": [device("R8", guid="erp-sync-8")],
        "gateways": [device("GW", guid="g", location=["Alder", "North", "Net", "GW"])],
    }  # fmt: skip
    world.points = [point(str(n), f"R{n}") for n in (1, 2, 3, 4, 5, 6, 7, 8, 9)]
    world.points += [point("10", "R10"), point("11", "R10"), point("12", "R12", active="no")]
    world.reconcile()
    assert world.findings() == {
        "point/1": "mapped", "point/2": "drift", "point/3": "placeholder_eui", "point/4": "mapped",
        "point/5": "duplicate_reference", "device/traps/guid:frontend-1": "duplicate_reference",
        "device/traps/guid:frontend-2": "duplicate_reference", "point/6": "ambiguous", "device/traps/guid:x": "ambiguous",
        "device/traps/guid:erp-sync-6": "ambiguous", "point/7": "stale", "point/8": "wrong_cluster",
        "point/9": "unmapped", "point/10": "duplicate_reference", "point/11": "duplicate_reference",
        "device/traps/guid:gone": "orphan", "device/traps/guid:bare": "orphan",
        "device/gateways/guid:g": "not_compared",
    }  # fmt: skip
    assert world.reason("point/2") == "the location differs, and nothing was agreed on before"
    assert world.reason("point/6") == "its guid leads to traps/guid:erp-sync-6, its reference to traps/guid:x"
    assert world.reason("point/8") == "the rules put it in the cluster traps"
    assert world.reason("point/10") == "several inspection points have the reference R10"
    assert world.reason("point/3") == "is active without a real DevEUI"
    waiting = world.rows(
        "SELECT findings FROM microshare.reconciliation WHERE connection = %(name)s AND subject = 'point/4'"
    )
    assert waiting == [{"findings": ["mapped", "placeholder_eui"]}]


def test_gateways_are_compared_once_points_for_gateways_are_given(world: Reconciling) -> None:
    """Without points for gateways none is an orphan; with them, each is compared."""
    world.clusters["gateways"] = [
        device("", guid=f"g{n}", location=["Alder", "North", "Net", f"GW{n}"]) for n in (1, 2)
    ]
    world.points = [point("7", "GW1", kind="gateway", area="Net")]
    world.reconcile()
    assert world.findings() == {"point/7": "drift", "device/gateways/guid:g2": "orphan"}
    assert world.reason("point/7") == "the guid is not the point's"


def test_the_guid_outlives_a_swap_of_references(world: Reconciling) -> None:
    """Two points that exchange their references keep their devices; both are drift, none is lost."""
    world.clusters["traps"] = [device("R1", guid="erp-sync-1"), device("R2", guid="erp-sync-2")]
    world.points = [point("1", "R2"), point("2", "R1")]
    plan = world.reconcile()
    assert world.findings() == {"point/1": "drift", "point/2": "drift"}
    assert [item["device_key"] for item in world.items(plan)] == ["guid:erp-sync-1", "guid:erp-sync-2"]


def test_a_device_that_carries_another_points_guid_is_not_taken(world: Reconciling) -> None:
    """A point whose reference leads to another point's device waits for a person."""
    world.clusters["traps"] = [device("R2", guid="erp-sync-1")]
    world.points = [point("1", "R1"), point("2", "R2")]
    world.reconcile()
    assert world.findings() == {"point/1": "drift", "point/2": "ambiguous"}
    assert world.reason("point/2") == "the device with its reference carries the guid of the point 1"


def test_what_the_erp_does_not_say_and_other_spellings_are_no_drift(world: Reconciling) -> None:
    """Further elements, lower case and short names stay as the field wrote them."""
    world.clusters["traps"] = [
        device("R1", guid="erp-sync-1", location=["Alder", "North", "Dock", "R1", "external", "bait", "", "x"]),
        device("R2", guid="erp-sync-2", location=["Alder", "North", "Dock", "R2"]),
        device("R3", guid="erp-sync-3", location=["Alder", "North", "Gate", "R3", "external", "bait", "", "x"]),
    ]
    world.points = [point("1", "R1", configuration="Bait/Lured"), point("2", "R2"), point("3", "R3")]
    plan = world.reconcile()
    assert world.findings() == {"point/1": "mapped", "point/2": "mapped", "point/3": "drift"}
    (item,) = world.items(plan)
    assert item["after"] == '{"meta": {"location": ["Alder", "North", "Dock", "R3", "external", "bait", "", "x"]}}'


def test_a_quiet_comparison_changes_no_row(world: Reconciling) -> None:
    """Comparing again without a change on either side writes nothing at all, no second plan either."""
    world.clusters["traps"] = [device("R1", guid="erp-sync-1"), device("R2", guid="erp-sync-2", status="pending")]
    world.points = [point("1", "R1"), point("2", "R2", area="Gate"), point("3", "R3"), point("4", "R4", cluster="no")]
    first = world.reconcile()
    assert first is not None
    assert (first.new, first.planned, first.held) == (True, 2, 1)
    before = world.snapshot()
    again = world.reconcile()
    assert again is not None
    assert (again.new, again.id) == (False, first.id)
    assert world.snapshot() == before
