"""Incidents and the service records that answer them: many to many, by place and time; what is left over is listed."""

import json
from typing import Any

import pytest

from connectors.microshare.points import service_record
from connectors.microshare.records import share_record
from sandbox import microshare_data as data
from tests.reconciling import Reconciling, point
from warehouse import microshare_back, microshare_incidents
from warehouse.connect import connect

START = "2026-03-02T08:00:00Z"


@pytest.fixture
def world(shared_database: str) -> Reconciling:
    """An empty connection."""
    return Reconciling(shared_database)


def incident(id_: str, *numbers: int, at: str = START) -> bytes:
    """An incident that bundles what the traps of these points said."""
    made = {"_id": id_, "recType": data.INCIDENTS, "tstamp": 1_772_500_000_000}
    told = [(f"{id_}-{number}", number, at) for number in numbers]
    return share_record(json.dumps(made | {"data": data.incident(numbers[0], told, at)}).encode())[0]


def visit(id_: str, at: str, **fields: Any) -> bytes:
    """A service record."""
    return service_record({"id": id_, "performed_at": at, **fields}, {})


def test_incidents_and_visits_find_each_other(world: Reconciling) -> None:
    """One visit answers two incidents, one incident bundles two traps; too late, too early and elsewhere is no answer."""
    one, two, three = (data.reference(number) for number in (1, 2, 3))
    world.points = [point("p3", three)]
    world.land()
    world.land_records(
        {
            "incident": [incident("A", 1, 2), incident("B", 2, at="2026-03-02T09:00:00Z"), incident("C", 4)],
            "service_record": [
                visit("v1", "2026-03-02T10:30:00Z", reference=one), visit("v2", "2026-03-03T09:00:00Z", reference=two),
                visit("early", "2026-03-02T07:59:59Z", reference=one), visit("late", "2026-03-09T08:00:00Z", reference=two),
                visit("by-point", "2026-03-02T12:00:00Z", point_id="p3"),
            ],
        }
    )  # fmt: skip

    def match() -> dict[str, int]:
        with connect(world.url) as conn, conn.transaction():
            return microshare_incidents.match(conn, world.name, None, window_hours=72)

    assert match() == {"incident_unmatched": 1, "matched": 3, "service_unmatched": 3}
    query = (
        "SELECT subject, reference, hours_between FROM microshare.incident_match WHERE connection = %(name)s ORDER BY 1"
    )
    found = world.rows(query)
    assert [row["subject"] for row in found] == [
        "A/v1", "A/v2", "B/v2", "incident/C", "service/by-point", "service/early", "service/late",
    ]  # fmt: skip
    assert (found[0]["reference"], float(found[0]["hours_between"])) == (one, 2.5)
    assert found[4]["reference"] == three
    places = world.rows("SELECT ctid::text FROM microshare.incident_match WHERE connection = %(name)s ORDER BY 1")
    match()
    assert (
        world.rows("SELECT ctid::text FROM microshare.incident_match WHERE connection = %(name)s ORDER BY 1") == places
    )


def test_a_point_is_told_of_its_device_once_and_again_when_that_changes(world: Reconciling) -> None:
    """The ERP hears of real hardware and its state, not of placeholders, and not twice of the same."""
    from tests.reconciling import PLACEHOLDER, device

    world.clusters["traps"] = [
        device("R1", guid="erp-sync-1", id="58-A0-CB-00-00-00-00-01"),
        device("R2", guid="erp-sync-2", id=PLACEHOLDER, status="pending"),
        device("R3", guid="erp-sync-3", id="58A0CB0000000003"),
    ]
    world.points = [
        point("1", "R1"),
        point("2", "R2"),
        point("3", "R3", device_id="58-a0-cb-00-00-00-00-03", status="active"),
    ]

    def note() -> int:
        world.reconcile()
        with connect(world.url) as conn:
            return microshare_back.note(conn, "microshare", world.name)

    def settle(status: str) -> None:
        world.rows(
            "UPDATE ops.outbox SET status = %(status)s, sent_at = now(), settled_at = now(), last_error = 'x'"
            " WHERE connection = %(name)s AND status = 'pending' RETURNING id", status=status,
        )  # fmt: skip

    assert note() == 1
    assert note() == 0
    settle("acked")
    assert note() == 0
    world.clusters["traps"][0]["id"] = "58-A0-CB-00-00-00-00-09"
    assert note() == 1
    settle("acked")
    world.clusters["traps"][0]["id"] = "58-A0-CB-00-00-00-00-01"
    assert note() == 1, "hardware that comes back is news as well"
    settle("rejected")
    assert note() == 0, "a refusal is not repeated at once"
    world.points[0]["area"] = "Gate"
    assert note() == 1, "but when the point has changed"
    payloads = world.rows("SELECT payload FROM ops.outbox WHERE connection = %(name)s ORDER BY id")
    assert payloads[0]["payload"] == {
        "id": "1",
        "reference": "R1",
        "device_id": "58-A0-CB-00-00-00-00-01",
        "state": "active",
    }
