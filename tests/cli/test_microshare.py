"""`landfall run microshare` and `landfall microshare`: from findings over a plan to devices, and back."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from blocks import systems
from deployments import syncs
from flows.apply_microshare_plan import apply_microshare_plan
from sandbox import microshare
from tests.cli.conftest import Landfall, answer
from tests.reconciling import PLACEHOLDER, TRAPS, device, point
from warehouse.errors import PlanNotOpen, UnknownDevice

NAME = "main"


class Erp:
    """Inspection points in a CSV file that can be written back to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def hold(self, points: list[dict[str, Any]]) -> None:
        """Have these points, with columns for what comes back."""
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, [*points[0], "device_id", "status"], restval="")
            writer.writeheader()
            writer.writerows(points)

    def rows(self) -> list[dict[str, str]]:
        """What is in the file now."""
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def vendor() -> Iterator[microshare.Microshare]:
    """A tenant; each test adds clusters of its own."""
    with microshare.running(clusters=0) as running:
        yield running


@pytest.fixture
def erp(landfall: Landfall, vendor: microshare.Microshare, tmp_path: Path) -> Iterator[Erp]:
    """The connection `main` to the tenant, with points from a CSV file that takes what is written back."""
    vendor.clusters.clear()
    made = Erp(tmp_path / "points.csv")
    systems.save("record-source", "points", {"kind": "csv", "address": str(made.path), "write_back": "yes"})
    rules = [{"kind": "trap", "cluster": "Traps"}]
    fields = {
        **vendor.connection(),
        "points": "points",
        "cluster_rules": rules,
        "settle_s": 0.2,
        "incident_rec_type": "",
        "event_rec_type": "",
    }
    systems.save("microshare", NAME, fields)
    yield made
    systems.delete("microshare", NAME)
    systems.delete("record-source", "points")


def rows(url: str, query: str) -> list[dict[str, Any]]:
    """Rows of a query."""
    with psycopg.connect(url, row_factory=dict_row) as conn:
        return conn.execute(query.encode()).fetchall()


def test_a_plan_from_findings_to_devices_and_back(
    landfall: Landfall, vendor: microshare.Microshare, erp: Erp, database: str
) -> None:
    """Run, look, approve, apply, run again: nothing is left to do; undo takes it back; the ERP knows what is deployed."""
    id_ = vendor.add(TRAPS, [device("R1", guid="erp-sync-1"), device("R9", guid="nobody")], "Traps")
    erp.hold([point("1", "R1"), point("2", "R2"), point("3", "R3", area="Gate")])
    ran = landfall("run", "microshare", "--json")
    assert ran.exit_code == 0, ran.output
    assert vendor.journal.count(statement="write") == 0
    found = rows(database, "SELECT finding, count(*) FROM microshare.reconciliation GROUP BY 1 ORDER BY 1")
    assert {row["finding"]: row["count"] for row in found} == {"mapped": 1, "orphan": 1, "unmapped": 2}

    (listed,) = answer(landfall("microshare", "plan", "list", "--json"))["plans"]
    plan = str(listed["id"])
    assert (listed["status"], listed["creates"], listed["planned"]) == ("proposed", 2, 2)
    assert "no device has its guid or reference" in landfall("microshare", "plan", "show", plan).output
    refused = landfall("microshare", "plan", "apply", plan, "--json")
    assert isinstance(refused.exception, PlanNotOpen)
    approved = landfall("microshare", "plan", "approve", plan, "--by", "night-shift")
    assert f"landfall microshare plan apply {plan}" in approved.stderr
    applied = landfall("microshare", "plan", "apply", plan, "--json")
    assert applied.exit_code == 0, applied.output
    assert (answer(applied)["plan"]["applied"], answer(applied)["plan"]["approved_by"]) == (2, "night-shift")
    assert [each["guid"] for each in vendor.devices(id_)] == ["erp-sync-1", "nobody", "erp-sync-2", "erp-sync-3"]

    again = answer(landfall("run", "microshare", "--json"))
    assert again["streams"]["device"]["inserted"] == 2
    before = rows(database, "SELECT ctid::text, t::text FROM microshare.reconciliation t ORDER BY 2")
    quiet = answer(landfall("run", "microshare", "-p", "apply=true", "--json"))
    assert all(row["inserted"] + row["updated"] + row["deleted"] == 0 for row in quiet["streams"].values())
    assert rows(database, "SELECT ctid::text, t::text FROM microshare.reconciliation t ORDER BY 2") == before
    assert len(answer(landfall("microshare", "plan", "list", "--json"))["plans"]) == 1
    assert vendor.journal.count(statement="write") == 1

    told = {row["id"]: (row["device_id"], row["status"]) for row in erp.rows()}
    assert told == {"1": (vendor.devices(id_)[0]["id"], "active"), "2": ("", ""), "3": ("", "")}
    (message,) = rows(database, "SELECT subject, status, attempts FROM ops.outbox")
    assert message == {"subject": "1", "status": "acked", "attempts": 1}

    undone = landfall("microshare", "plan", "undo", plan)
    assert undone.exit_code == 0, undone.output
    assert [each["guid"] for each in vendor.devices(id_)] == ["erp-sync-1", "nobody"]
    assert isinstance(landfall("microshare", "plan", "undo", plan).exception, PlanNotOpen)


def test_a_single_device_by_hand(landfall: Landfall, vendor: microshare.Microshare, erp: Erp) -> None:
    """Create, change and delete one device from the command line; each is a plan of one."""
    id_ = vendor.add(TRAPS, [device("R1", guid="erp-sync-1")], "Traps")
    erp.hold([point("1", "R1")])
    assert landfall("run", "microshare").exit_code == 0
    where = [f"--location={part}" for part in ("Alder", "North", "Dock", "R7")]
    made = landfall(
        "microshare", "device", "create", "--cluster", "Traps", "--guid", "by-hand", *where, "--apply", "--json"
    )
    assert made.exit_code == 0, made.output
    assert vendor.devices(id_)[1] == {
        "id": PLACEHOLDER, "meta": {"location": ["Alder", "North", "Dock", "R7"]}, "status": "pending", "guid": "by-hand",
    }  # fmt: skip
    assert landfall("run", "microshare").exit_code == 0
    where[2] = "--location=Gate"
    assert landfall("microshare", "device", "update", "R7", *where, "--apply").exit_code == 0
    assert vendor.devices(id_)[1]["meta"]["location"][2] == "Gate"
    planned = landfall("microshare", "device", "delete", "by-hand", "--json")
    assert answer(planned)["plan"]["status"] == "proposed"
    assert len(vendor.devices(id_)) == 2
    unknown = landfall("microshare", "device", "delete", "nothing", "--json")
    assert isinstance(unknown.exception, UnknownDevice)


def test_apply_true_does_it_at_once_and_goes_on_where_it_stopped(
    landfall: Landfall, vendor: microshare.Microshare, erp: Erp
) -> None:
    """Whoever trusts the rules needs no second command; what could not be finished is finished by the next run."""
    id_ = vendor.add(TRAPS, [], "Traps")
    erp.hold([point("1", "R1"), point("2", "R2")])
    vendor.fault("gateway_timeout", entity="write")
    failed = landfall("run", "microshare", "-p", "apply=true", "--json")
    assert failed.exit_code == 1
    assert "apply it again" in answer(failed)["error"]["message"]
    assert vendor.devices(id_) == []
    assert landfall("run", "microshare", "-p", "apply=true").exit_code == 0
    assert [each["guid"] for each in vendor.devices(id_)] == ["erp-sync-1", "erp-sync-2"]


def test_applying_is_no_sync() -> None:
    """`landfall run` lists syncs; applying a plan is none, and has a deployment of its own."""
    assert "microshare" in syncs.modules()
    assert syncs.of_flow(apply_microshare_plan.name) is None
