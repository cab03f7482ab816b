"""Search among a million items by ten clients at once: ours in Postgres, and a scan of dicts as the old service did it.

Both look for the same words in the same items. The scan keeps every item in memory as a dict, goes through all of them
and compares name and SKU in lower case; it answers its clients from threads of one process, as a Flask service does. The
fastest scan that could be thought of is measured beside it: texts lowered beforehand, and it stops at the fifteenth hit,
whichever those are. Ours ranks, and forgives typing errors.
"""

import json
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from typing import Any
from uuid import uuid4

import msgspec
import psycopg

from benchmarks.place import ROOT, Target
from connectors.quickbooks.streams import STREAMS
from connectors.stream import Page
from warehouse.landing import Options, land
from warehouse.migrate import upgrade
from warehouse.run_log import Run
from warehouse.search import keep_indexes
from warehouse.table import tables_of

CLIENTS, LIMIT = 10, 15
QUERIES_OURS, QUERIES_SCAN = 40, 4  # of each client; a scan takes seconds and varies little
TIMEOUT_S = 900
GOAL, GOAL_ITEMS = 20.0, 1_000_000  # at fewer items a scan has less to do
ITEM = next(stream for stream in STREAMS if stream.name == "item")
KINDS = ("Ball valve", "Gate valve", "Hex bolt", "Wood screw", "Washer", "Flange", "Elbow", "Coupling", "Bearing",
         "Gasket", "Hose clamp", "Bushing", "Valve")  # fmt: skip
MATERIALS = ("brass", "steel", "zinc", "copper", "nylon", "bronze", "PTFE", "iron", "carbon", "chrome", "rubber")
SIZES = ("M4", "M5", "M6", "M8", "M10", "1/2 in", "3/4 in", "DN15", "DN20", "DN25", "DN40", "DN50", "DN80")
Answer = Callable[[str], Sequence[Any]]


def measure(target: Target, count: int) -> dict[str, float]:
    """Milliseconds (p50, p95) of ours and of both scans, the ratio of the medians, and what the indexes cost."""
    url = target.fresh("search")
    found = _fill(url, count)
    ours = _ask(lambda: _postgres(url), QUERIES_OURS)
    command = [sys.executable, "-m", "benchmarks.search", url]
    done = subprocess.run(command, cwd=ROOT, timeout=TIMEOUT_S, check=True, stdout=subprocess.PIPE)  # noqa: S603
    scans = json.loads(done.stdout)
    target.fresh("search")  # its space
    return {
        "items": count, "clients": CLIENTS, **_figures("ours", ours), **scans, **found,
        "scan_over_ours": scans["scan_p50_ms"] / statistics.median(ours),
        "fastest_scan_over_ours": scans["fastest_scan_p50_ms"] / statistics.median(ours),
    }  # fmt: skip


def table(figures: Mapping[str, float]) -> str:
    """The figures as Markdown."""
    lines = [
        f"| search among {figures['items']:,} items, {figures['clients']} clients | p50 ms | p95 ms | ÷ ours (p50) |"
    ]
    lines.append("|---|---|---|---|")
    for name, label in (("ours", "**ours**"), ("scan", "Python scan of dicts"), ("fastest_scan", "the fastest scan")):
        p50, p95 = figures[f"{name}_p50_ms"], figures[f"{name}_p95_ms"]
        lines.append(f"| {label} | {p50:,.1f} | {p95:,.1f} | {p50 / figures['ours_p50_ms']:.1f} |")
    goal = f"Goal: scan ÷ ours ≥ {GOAL:g}, at {GOAL_ITEMS:,} items"
    if figures["items"] == GOAL_ITEMS:
        goal += ": met" if figures["scan_over_ours"] >= GOAL else ": **missed**"
    lines += ["", f"{goal}."]
    lines.append(
        f"The indexes of product_names take {figures['index_mb']:.0f} MB on a table of {figures['table_mb']:.0f} MB;"
        f" all indexes of items were made in {figures['build_s']:.0f} s."
    )
    return "\n".join(lines)


def item(at: int) -> tuple[str, str]:
    """Name and SKU of the item with this number."""
    kind, material, size = KINDS[at % 13], MATERIALS[at // 13 % 11], SIZES[at // 7 % 13]
    return f"{kind} {material} {size} model {at}", f"SKU-{at * 7919 % 10_000_019:08}"


def queries(count: int) -> list[str]:
    """What people type: numbers, beginnings, parts and whole names, one or two letters, typing errors, nothing there."""
    rng = random.Random(8)  # noqa: S311
    typed = []
    for _ in range(10):
        name, sku = item(rng.randrange(count))
        other, _ = item(rng.randrange(count))
        typed += [
            sku, sku[:8], sku[5:10], name, name[:12].upper(), name[3:14], " ".join(other.split()[:2]),
            f"{name.split()[-1]} {name.split()[1]}", other.replace("model", "modle"), "flnage " + other.split()[-1],
            name[:2], sku[-2:], "no such thing", other.split()[0][:4], f"model {rng.randrange(count)}",
        ]  # fmt: skip
    return typed


def _fill(url: str, count: int) -> dict[str, float]:
    """Land one item, put the others beside it, and have the indexes made as a landing does."""
    with psycopg.connect(url, autocommit=True) as session:
        upgrade(session)
        one = msgspec.Raw(b'{"Id": "first", "Name": "Landed", "Type": "Service", "Active": true}')
        pages = lambda _cursor: iter([Page([one], complete=True)])  # noqa: E731
        land(url, Run(uuid4(), "quickbooks", "main", None), ITEM, pages, Options())
        _drop_indexes(session)
        columns = "connection, id, name, stock_keeping_unit, type, active, unit_price, updated_at, _row_hash, _run_id, _inserted_at, _changed_at"
        with session.cursor().copy(f"COPY quickbooks.item ({columns}) FROM STDIN".encode()) as copy:
            for at in range(count):
                name, sku = item(at)
                price = f"{at % 100_000 / 100:.2f}"
                now, run = "2026-01-02 00:00:00+00", "00000000-0000-0000-0000-000000000000"
                copy.write_row(("main", at, name, sku, "Inventory", at % 37 != 11, price, now, run, run, now, now))
        session.execute("VACUUM ANALYZE quickbooks.item")
        began = time.monotonic()
        if warnings := keep_indexes(session, tables_of(ITEM), "main"):
            raise RuntimeError(warnings[0])
        build_s = time.monotonic() - began
        query = (
            "SELECT bytes, pg_table_size('quickbooks.item') FROM ops.search_status WHERE index_name = 'product_names'"
        )
        size, table_size = session.execute(query).fetchall()[0]
    return {"build_s": build_s, "index_mb": float(size) / 1e6, "table_mb": table_size / 1e6}


def _drop_indexes(session: "psycopg.Connection[Any]") -> None:
    for (name,) in session.execute("SELECT DISTINCT name FROM ops.search_wanted()").fetchall():
        session.execute(f'DROP INDEX IF EXISTS quickbooks."{name}"'.encode())


def _postgres(url: str) -> Answer:
    session = psycopg.connect(url, autocommit=True)

    def answer(query: str) -> Sequence[Any]:
        return session.execute(
            "SELECT id, name, type, active, sku, unit_price FROM quickbooks.search('product_names', %s, %s, active => NULL)",
            (query, LIMIT),
        ).fetchall()

    return answer


def scan(items: Sequence[dict[str, Any]], query: str, *, stop: bool) -> list[dict[str, Any]]:
    """The hits among dicts; ``stop`` is the fastest way."""
    words = query.lower()
    if stop:
        return list(islice((each for each in items if words in each["search_text"]), LIMIT))
    return [each for each in items if words in each["name"].lower() or words in (each["sku"] or "").lower()][:LIMIT]


def _ask(client: Callable[[], Answer], each: int) -> list[float]:
    """What ten clients at once wait for their answers, in milliseconds."""
    took: list[float] = []
    failed: list[BaseException] = []
    start = threading.Barrier(CLIENTS)

    def run(number: int) -> None:
        try:
            answer = client()
            start.wait(TIMEOUT_S)
            for query in islice(cycle(queries(1_000_000)), number * 15, number * 15 + each):
                began = time.perf_counter()
                answer(query)
                took.append(1000 * (time.perf_counter() - began))
        except BaseException as error:  # noqa: BLE001 -- told by the thread that waits
            failed.append(error)
            start.abort()

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    if failed:
        raise failed[0]
    return took


def _figures(name: str, took: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(took, n=20)
    return {f"{name}_p50_ms": statistics.median(took), f"{name}_p95_ms": cuts[18]}


def main() -> None:
    """Scan the items of a database, as a process of its own; prints the figures as JSON."""
    with psycopg.connect(sys.argv[1]) as session:
        rows = session.execute("SELECT id, name, stock_keeping_unit, active FROM quickbooks.item").fetchall()
    items: list[dict[str, Any]] = [
        {"id": key, "name": name, "type": "item", "active": active, "sku": sku, "search_text": f"{name} {sku}".lower()}
        for key, name, sku, active in rows
    ]
    del rows
    figures: dict[str, float] = {}
    for name, stop in (("scan", False), ("fastest_scan", True)):
        figures |= _figures(name, _ask(lambda stop=stop: lambda query: scan(items, query, stop=stop), QUERIES_SCAN))  # type: ignore[misc]
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
