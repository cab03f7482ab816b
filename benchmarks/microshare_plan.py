"""How long it takes to compare 100,000 devices with as many inspection points and to write a plan, and in how much memory."""

import json
import multiprocessing
import resource
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg

from connectors.microshare.device import Rules
from connectors.microshare.document import Document
from connectors.microshare.points import point_record
from connectors.microshare.records import cluster_record, device_records
from connectors.microshare.streams import STREAMS
from connectors.stream import Page
from sandbox.microshare_data import TRAPS, eui
from warehouse import microshare_compare, microshare_plan
from warehouse.connect import connect
from warehouse.landing import Options, land
from warehouse.run_log import Run

PER_CLUSTER = 2_000
CONNECTION = "bench"
Echo = Callable[[str], None]


def plan_figures(url: str, devices: int, echo: Echo) -> dict[str, Any]:
    """Seconds and memory of the first comparison with its plan, and of a second one without a change."""
    echo(f"landing {devices:,} devices and points")
    began = time.perf_counter()
    _land(url, devices)
    echo(f"landed in {time.perf_counter() - began:.1f} s")
    first, second = (_alone(_compare, url) for _ in range(2))
    echo(
        f"plan of {first['planned']:,} changes in {first['seconds']:.2f} s, {first['megabytes']} MB; again: {second['seconds']:.2f} s"
    )
    return {
        "devices": devices, "planned": first["planned"], "seconds": first["seconds"],
        "seconds_quiet": second["seconds"], "quiet_writes": second["writes"],
        "megabytes": max(first["megabytes"], second["megabytes"]), "findings": first["findings"],
    }  # fmt: skip


def _land(url: str, devices: int) -> None:
    """Of a hundred devices 96 are as the ERP says, two stand elsewhere, one has no point; two points have no device."""
    rules = Rules()

    def documents() -> Iterator[Document]:
        for first in range(0, devices, PER_CLUSTER):
            held = [
                made_device(number) for number in range(first, min(first + PER_CLUSTER, devices)) if number % 100 != 7
            ]
            made = {"_id": f"cluster-{first // PER_CLUSTER}", "recType": TRAPS, "data": {"devices": held}}
            yield Document(json.dumps(made).encode())

    def clusters(_: Any) -> Iterator[Page]:
        yield Page(records=[cluster_record(each) for each in documents()], complete=True)

    def in_them(_: Any) -> Iterator[Page]:
        for each in documents():
            yield Page(records=device_records(each))
        yield Page(complete=True)

    def points(_: Any) -> Iterator[Page]:
        for first in range(0, devices, 1_000):
            rows = (_point(number) for number in range(first, min(first + 1_000, devices)) if number % 100 != 5)
            yield Page(records=[point_record(row, {}, rules) for row in rows])
        yield Page(complete=True)

    streams = {stream.name: replace(stream, gates=()) for stream in STREAMS}
    for name, read in (("cluster", clusters), ("device", in_them), ("inspection_point", points)):
        land(url, Run(uuid.uuid4(), "microshare", CONNECTION), streams[name], read, Options())


def _point(number: int) -> dict[str, Any]:
    return {
        "id": str(number), "reference": f"R{number}", "customer": "Alder", "site": f"Site {number % 50}", "area": "Dock",
        "cluster": f"cluster-{number // PER_CLUSTER}",
    }  # fmt: skip


def made_device(number: int) -> dict[str, Any]:
    """The device of a point; one in fifty stands elsewhere."""
    area = "Gate" if number % 50 == 3 else "Dock"
    location = ["Alder", f"Site {number % 50}", area, f"R{number}", "Internal", "Bait/Lured"]
    return {"id": eui(number), "meta": {"location": location}, "status": "active", "guid": f"erp-sync-{number}"}


def _alone(work: Callable[[str], dict[str, Any]], url: str) -> dict[str, Any]:
    """In a process of its own, so that its memory is its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, url).result(600)


def _compare(url: str) -> dict[str, Any]:
    with connect(url) as conn:
        before = _position(conn)
        began = time.perf_counter()
        with conn.transaction():
            found = microshare_compare.compare(conn, CONNECTION, uuid.uuid4())
            plan = microshare_plan.propose(conn, CONNECTION, uuid.uuid4(), "bench")
        seconds = time.perf_counter() - began
        changed = conn.execute(
            "SELECT count(*) FROM microshare.reconciliation WHERE _changed_at > clock_timestamp() - %s * interval '1 s'",
            (seconds + 0.5,),
        ).fetchone()
    assert plan is not None
    return {
        "seconds": round(seconds, 2), "findings": found, "planned": plan.planned,
        "writes": (int(str(changed[0])) if changed else 0) + int(plan.new), "log_bytes": before,
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }  # fmt: skip


def _position(conn: "psycopg.Connection[Any]") -> int:
    row = conn.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
    return int(row[0]) if row else 0
