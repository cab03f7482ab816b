"""Clusters, devices, points, incidents and service records through the whole flow, into their tables."""

import csv
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from blocks import systems
from flows.reconcile_microshare import reconcile_microshare
from sandbox import microshare, odoo
from sandbox.microshare import data
from tests.flows.conftest import NAME, fixtures_folder

Landed = "psycopg.Connection[dict[str, Any]]"
Run = Callable[..., Any]
STREAMS = ("cluster", "device", "inspection_point", "incident", "sensor_event", "service_record")


@pytest.fixture(scope="module")
def vendor() -> Iterator[microshare.Microshare]:
    """A tenant with two clusters of traps and one of gateways; tests leave it as they found it, or add."""
    with microshare.running(clusters=2, devices=6) as running:
        yield running


@pytest.fixture
def connect(landfall: object, tmp_path: Path) -> Iterator[Run]:
    """Points the connection `main` at a tenant, with inspection points and service records from CSV files."""
    made: list[tuple[str, str]] = []

    def save(system: str, name: str, values: dict[str, Any]) -> None:
        systems.save(system, name, values)
        made.append((system, name))

    def point(vendor: microshare.Microshare, points: list[dict[str, Any]], **fields: Any) -> None:
        save("record-source", "points", {"kind": "csv", "address": write(tmp_path / "points.csv", points)})
        visits = [{"id": "v1", "reference": data.reference(1), "performed_at": "2026-03-02T10:00:00Z", "van": "7"}]
        save("record-source", "visits", {"kind": "csv", "address": write(tmp_path / "visits.csv", visits)})
        sources = {"points": "points", "service_records": "visits"}
        save("microshare", NAME, {**vendor.connection(), **sources, **fields})

    yield point
    for system, name in dict.fromkeys(made):
        systems.delete(system, name)


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    """Write rows to a CSV file, and return where it is."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def counts(landed: Any) -> dict[str, int]:
    """How many rows each table has that are not deleted."""
    found = {}
    for table in STREAMS:
        [row] = landed.execute(f"SELECT count(*) FROM microshare.{table}_current").fetchall()
        found[table] = row["count"]
    return found


def check_keys(landed: Any) -> None:
    """Whoever can read tables cannot speak as a device: the values of its network keys are masked, and only they."""
    rows = landed.execute("SELECT lora FROM microshare.device WHERE lora IS NOT NULL").fetchall()
    assert {row["lora"]["AppKey"] for row in rows} == {"***"}
    assert all(row["lora"]["DevEUI"] for row in rows)
    for table in ("device", "device_history"):
        texts = landed.execute(f"SELECT t::text AS text FROM microshare.{table} t").fetchall()
        assert not [row for row in texts if "canary" in row["text"]]


def test_everything_lands_and_a_second_run_changes_nothing(
    vendor: microshare.Microshare, connect: Run, landed: Any
) -> None:
    """An analyst finds clusters, devices, points, incidents and visits; a run without a change at the source writes none."""
    vendor.happen([1, 2])
    vendor.journal.clear()
    connect(vendor, data.points(8), cluster_rules=[{"kind": "trap", "cluster": "Traps 2 | Motion"}])
    state = reconcile_microshare(NAME, return_state=True)
    assert state.name == "Completed", state.message
    # 16 devices of the traps' clusters and 2 gateways; the incident has bundled two events.
    assert counts(landed) == {
        "cluster": 3, "device": 18, "inspection_point": 8, "incident": 1, "sensor_event": 2, "service_record": 1,
    }  # fmt: skip
    [device] = landed.execute("SELECT * FROM microshare.device WHERE reference = %s", (data.reference(1),)).fetchall()
    assert (device["key"], device["customer"]) == ("guid:erp-sync-1001", "Harbour Cold Store")
    assert device["eui"] == data.eui(1, 1)
    assert json.loads(device["raw"])["guid"] == "erp-sync-1001"
    assert "4.88600e1" in device["raw"]
    [point] = landed.execute(
        "SELECT state #>> '{location,coords,0}' AS x FROM microshare.device WHERE key = %s", (device["key"],)
    )
    assert point["x"] == "2.3500"
    check_keys(landed)
    [wanted] = landed.execute("SELECT * FROM microshare.inspection_point WHERE id = '1007'").fetchall()
    assert (wanted["area"], wanted["cluster"], wanted["device"]["guid"]) == (
        "Cellar", "Traps 2 | Motion", "erp-sync-1007",
    )  # fmt: skip
    [incident] = landed.execute("SELECT * FROM microshare.incident").fetchall()
    assert (incident["reference"], incident["status"], incident["step"]) == (data.reference(1), "open", "accept")
    origins = landed.execute("SELECT event_id, tags FROM microshare.incident_origin ORDER BY index").fetchall()
    events = landed.execute("SELECT id FROM microshare.sensor_event ORDER BY id").fetchall()
    assert [each["event_id"] for each in origins] == [each["id"] for each in events]
    [visit] = landed.execute("SELECT * FROM microshare.service_record").fetchall()
    assert visit["performed_at"].isoformat() == "2026-03-02T10:00:00+00:00"
    assert visit["_extra"] == {"van": "7"}
    # Six streams side by side have signed in once, and asked for the clusters once.
    assert (vendor.journal.count(statement="login"), vendor.journal.count(statement="discovery")) == (1, 1)
    everything = "SELECT t::text, ctid FROM microshare.{} t ORDER BY 1"
    before = [landed.execute(everything.format(table)).fetchall() for table in (*STREAMS, "device_history")]
    assert reconcile_microshare(NAME, full=True, return_state=True).name == "Completed"
    assert vendor.journal.count(statement="login") == 1
    assert before == [landed.execute(everything.format(table)).fetchall() for table in (*STREAMS, "device_history")]


def test_the_recorded_answers_land(connect: Run, landed: Any) -> None:
    """Every device and point that was ever recorded of this vendor lands with all of its fields."""
    folder = fixtures_folder().parent / "microshare" / "microshare-erp-integration"
    if not folder.is_dir():
        pytest.skip(f"no recorded answers at {folder}")
    [recorded] = json.loads((folder / "device_discovery_response.json").read_text())["objs"]
    made = [json.loads((folder / f"{name}_device_new.json").read_text()) for name in ("trap", "gateway")]
    products = json.loads((folder / "odoo_inspection_point.json").read_text())
    with microshare.running(clusters=0) as vendor, odoo.running([{**each, "categ_id": 4} for each in products]) as erp:
        vendor.add(recorded["recType"], [*recorded["data"]["devices"], made[0]], recorded["name"], recorded["_id"])
        vendor.add(data.GATEWAYS, [made[1]])
        connect(vendor, data.points(1))
        systems.save("record-source", "points", erp.connection())
        state = reconcile_microshare(NAME, return_state=True)
        assert state.name == "Completed", state.message
        systems.save("record-source", "points", {"kind": "csv", "address": str(folder / "csv_template.csv")})
        state = reconcile_microshare(NAME, accept_shrink=True, return_state=True)
        assert state.name == "Completed", state.message
    rows = {row["device_id"]: row for row in landed.execute("SELECT * FROM microshare.device").fetchall()}
    for device in [*recorded["data"]["devices"], *made]:
        row = rows[device["id"]]
        assert json.loads(row["raw"]) == device
        assert (row["location"], row["status"], row["guid"]) == (
            device["meta"]["location"], device["status"], device.get("guid"),
        )  # fmt: skip
    assert rows["ERP1122334455667788"]["eui"] is None
    assert rows["58A0CB000011F85E"]["key"] == "eui:58A0CB000011F85E"
    points = {row["id"]: row for row in landed.execute("SELECT * FROM microshare.inspection_point").fetchall()}
    assert (points["99"]["reference"], points["99"]["area"]) == ("ERP024_025_01", "Flour Storage Silo A")
    assert points["ERP024_025_02"]["device"]["meta"]["location"][3:] == ["ERP024_025_02", "External", "Kill/Trap"]
    assert (points["GW-MANC-PROD-01"]["kind"], points["ERP024_025_01"]["eui"]) == ("gateway", None)


def test_a_bad_record_does_not_stop_the_others(
    vendor: microshare.Microshare, connect: Run, landed: Any, tmp_path: Path
) -> None:
    """A device that is none, a status that is no text and a point without an id are put aside; the others land."""
    odd = vendor.add(data.TRAPS, [7, {"guid": "fine"}, {"guid": "odd", "status": {"a": 1}}])
    try:
        connect(vendor, [*data.points(3), {"area": "nowhere"}, {**data.point(9), "area": "Pantry"}])
        state = reconcile_microshare(NAME, return_state=True)
    finally:
        vendor.clusters.pop(odd)
    assert (state.name, state.type.value) == ("Partial", "COMPLETED"), state.message
    letters = landed.execute("SELECT stream, key FROM ops.dead_letter ORDER BY stream, key").fetchall()
    assert [tuple(row.values()) for row in letters] == [
        ("device", ""), ("device", json.dumps([odd, "guid:odd"])), ("inspection_point", ""),
    ]  # fmt: skip
    assert counts(landed)["inspection_point"] == 4
    [fine] = landed.execute("SELECT * FROM microshare.device WHERE cluster_id = %s", (odd,)).fetchall()
    assert (fine["guid"], fine["status"]) == ("fine", None)


def test_runs_that_need_a_token_together_sign_in_once(vendor: microshare.Microshare, landfall: object) -> None:
    """Four runs that find no token, and then an expired one, sign in once each time: the warehouse keeps it for all."""
    systems.save("microshare", NAME, vendor.connection())
    vendor.journal.clear()
    block = systems.load("microshare", NAME)
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        clients = [stack.enter_context(block.client()) for _ in range(4)]
        for _ in range(2):
            pages = pool.map(lambda client: next(client.discover()), clients)
            assert [len(answer.records) for answer in pages] == [3] * 4
            vendor.expire_tokens()
    assert vendor.journal.count(statement="login") == 2
    systems.delete("microshare", NAME)
