"""What the reconciliation of Microshare costs, and whether it keeps its promises at full size: a part of `./run bench`, also
`python -m benchmarks.microshare`.

A plan for 100,000 devices; 1,000 devices created in one cluster; eight processes that write the same cluster at once; a foreign
writer between our readings, a thousand times; and the window in which an edit of somebody else would be lost.
"""

import argparse
import json
import logging
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from benchmarks import place
from benchmarks.microshare_plan import CONNECTION, Echo, made_device, plan_figures
from connectors.microshare.auth import Account
from connectors.microshare.client import MicroshareClient
from connectors.microshare.policy import Policy
from sandbox import microshare
from sandbox.microshare import PASSWORD, USERNAME
from sandbox.microshare_data import PLACEHOLDER, TRAPS
from tasks.microshare_apply import apply_plan
from warehouse import microshare_plan
from warehouse.connect import connect
from warehouse.microshare_plan import NewItem
from warehouse.migrate import upgrade

PLAN_GOAL_S, MEMORY_GOAL_MB, CALLS_GOAL, WINDOW_GOAL_MS = 5.0, 300, 4, 50.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything; 0 when every goal was met."""
    parser = argparse.ArgumentParser(prog="benchmarks.microshare", description=__doc__)
    for name, size, what in (
        ("devices", 100_000, "devices to compare with as many points"),
        ("creates", 1_000, "devices created in one cluster"),
        ("flows", 8, "processes that write one cluster at once"),
        ("each", 50, "devices that each of them creates"),
        ("rounds", 1_000, "writes with a foreign writer between our readings"),
    ):
        parser.add_argument(f"--{name}", type=int, default=size, help=f"{what} (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    asked = vars(parser.parse_args(arguments))
    as_json = asked.pop("json")
    found = measure(Sizes(**asked))
    print(table(found))
    if as_json:
        print(json.dumps(found))
    return 0 if found["goals_met"] else 1


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured; see the options."""

    devices: int = 100_000
    creates: int = 1_000
    flows: int = 8
    each: int = 50
    rounds: int = 1_000


QUICK = Sizes(devices=10_000, creates=100, flows=4, each=25, rounds=50)


def measure(sizes: Sizes) -> dict[str, Any]:
    """All figures, and whether they meet the goals."""
    with place.scratch() as folder, place.target(folder) as target:
        url = target.fresh("microshare")
        with connect(url) as conn:
            upgrade(conn)
        os.environ["LANDFALL_DATABASE_URL"] = url
        try:
            found = {"plan": plan_figures(url, sizes.devices, note), **written_figures(url, sizes, note)}
        finally:
            del os.environ["LANDFALL_DATABASE_URL"]
    return found | {"goals_met": all(met for _, _, _, met in _goals(found))}


def table(found: Mapping[str, Any]) -> str:
    """The figures with their goals, as Markdown."""
    lines = ["| reconciliation of Microshare | measured | goal | |", "|---|---|---|---|"]
    lines += [
        f"| {what} | {value} | {goal} | {'met' if met else '**missed**'} |" for what, value, goal, met in _goals(found)
    ]
    return "\n".join(lines)


def note(line: str) -> None:
    """Tell how it goes."""
    print(line, file=sys.stderr, flush=True)


def _goals(found: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    """What, the figure, the goal, whether it was met."""
    plan, creates, contention, foreign = (found[name] for name in ("plan", "creates", "contention", "foreign"))
    there, asked, p99 = contention["there_once"], contention["asked"], found["window_ms"]["p99"]
    memory = plan["megabytes"]
    return [
        (
            f"plan of {plan['planned']:,} changes for {plan['devices']:,} devices", f"{plan['seconds']:.2f} s",
            f"< {PLAN_GOAL_S:g} s", plan["seconds"] < PLAN_GOAL_S,
        ),
        ("its memory", f"{memory} MB", f"< {MEMORY_GOAL_MB} MB", memory < MEMORY_GOAL_MB),
        ("rows and plans written by a second comparison", f"{plan['quiet_writes']}", "0", plan["quiet_writes"] == 0),
        (
            f"calls for {creates['asked']:,} devices created in one cluster", f"{creates['calls']}", f"≤ {CALLS_GOAL}",
            creates["calls"] <= CALLS_GOAL and creates["there"] == creates["asked"],
        ),
        ("devices there once, of processes that write one cluster at once", f"{there}", f"{asked}", there == asked),
        (
            f"edits lost of a foreign writer, of {foreign['edits']:,}", f"{foreign['lost']}", "0",
            foreign["lost"] == 0 and foreign["ours_there"] == foreign["rounds"],
        ),
        (
            f"window from last reading to write, 99 % of {found['window_ms']['writes']:,}", f"{p99} ms",
            f"< {WINDOW_GOAL_MS:g} ms", p99 < WINDOW_GOAL_MS,
        ),
    ]  # fmt: skip


def written_figures(url: str, asked: Sizes, echo: Echo) -> dict[str, Any]:
    """Calls of many creates, processes at once, a foreign writer, and the window of all these writes."""
    with microshare.running(clusters=0) as vendor:
        gaps = _gaps(vendor)
        creates = creates_figures(url, vendor, asked.creates, echo)
        contention = contention_figures(url, vendor, asked.flows, asked.each, echo)
        foreign = foreign_figures(url, vendor, asked.rounds, echo)
    with connect(url) as conn:
        windows = sorted(float(str(row[0])) for row in conn.execute("SELECT window_ms FROM microshare.plan_write"))
    gaps.sort()
    window = {
        "seen_by_vendor_median": round(statistics.median(gaps), 2), "seen_by_vendor_longest": round(gaps[-1], 2),
        "writes": len(windows), "median": round(statistics.median(windows), 2),
        "p99": round(windows[int(0.99 * (len(windows) - 1))], 2), "longest": round(windows[-1], 2),
    }  # fmt: skip
    echo(
        f"window from the last reading to the write: median {window['median']} ms, longest {window['longest']} ms of {len(windows):,}"
    )
    return {"creates": creates, "contention": contention, "foreign": foreign, "window_ms": window}


def creates_figures(url: str, vendor: microshare.Microshare, creates: int, echo: Echo) -> dict[str, Any]:
    """So many devices created in a cluster that holds as many: requests, seconds."""
    id_ = vendor.add(TRAPS, [made_device(number) for number in range(creates)], "Creates")
    plan = _plan(url, id_, [f"new-{number}" for number in range(creates)])
    with _client(vendor.base_url) as client:
        client.cluster(TRAPS, id_)  # signed in
        vendor.journal.clear()
        began = time.perf_counter()
        apply_plan(url, client, CONNECTION, plan, logging.getLogger("bench"))
        seconds = time.perf_counter() - began
    calls = vendor.journal.count(id_)
    echo(f"{creates:,} devices created with {calls} calls in {seconds:.2f} s")
    return {"asked": creates, "there": len(vendor.devices(id_)) - creates, "calls": calls, "seconds": round(seconds, 2)}


def contention_figures(url: str, vendor: microshare.Microshare, flows: int, each: int, echo: Echo) -> dict[str, Any]:
    """Processes that apply a plan each to the same cluster, at the same time."""
    id_ = vendor.add(TRAPS, [], "Contention")
    plans = [_plan(url, id_, [f"f{flow}-{number}" for number in range(each)]) for flow in range(flows)]
    began = time.perf_counter()
    with ProcessPoolExecutor(flows, multiprocessing.get_context("spawn")) as pool:
        done = list(pool.map(_apply, [url] * flows, [vendor.base_url] * flows, plans))
    guids = [device["guid"] for device in vendor.devices(id_)]
    seconds = time.perf_counter() - began
    echo(
        f"{flows} processes at once: {len(set(guids))} of {flows * each} devices there, {len(guids)} in all, in {seconds:.1f} s"
    )
    there_once = len(set(guids)) if len(set(guids)) == len(guids) else 0
    return {"asked": flows * each, "there_once": there_once, "applied": sum(done), "seconds": round(seconds, 2)}


def foreign_figures(url: str, vendor: microshare.Microshare, rounds: int, echo: Echo) -> dict[str, Any]:
    """Somebody else who edits the cluster between our plan and our last reading, each round."""
    id_ = vendor.add(
        TRAPS, [{"id": "X", "meta": {"location": ["a", "b", "c"]}, "guid": "foreign", "note": 0}], "Foreign"
    )
    edits = lost = 0
    seen = 0

    def edit(_: str) -> None:
        nonlocal edits, seen
        seen += 1
        if seen == 1:  # after the first reading of a round; the last one before the write comes after it
            edits += 1
            vendor.edit(id_, lambda data: data["devices"][0].update(note=edits))

    noted = vendor.after_read

    def read(read_id: str) -> None:
        edit(read_id)
        if noted is not None:
            noted(read_id)

    vendor.after_read = read
    with _client(vendor.base_url) as client:
        for number in range(rounds):
            plan = _plan(url, id_, [f"r-{number}"])
            seen = 0
            apply_plan(url, client, CONNECTION, plan, logging.getLogger("bench"))
            lost += vendor.devices(id_)[0]["note"] != edits
            if (number + 1) % 250 == 0:
                echo(f"{number + 1:,} rounds with a foreign writer, {lost} edits lost")
    vendor.after_read = noted
    guids = [device["guid"] for device in vendor.devices(id_)]
    return {"rounds": rounds, "edits": edits, "lost": lost, "ours_there": len(set(guids)) - 1}


def _gaps(vendor: microshare.Microshare) -> list[float]:
    """What the vendor sees: milliseconds from its answer to a reading until the next write arrives."""
    found: list[float] = []
    answered: dict[str, float] = {}

    def arrived(id_: str) -> None:
        found.append((time.perf_counter() - answered[id_]) * 1000)

    vendor.after_read = lambda id_: answered.update({id_: time.perf_counter()})
    vendor.before_write = arrived
    return found


def _plan(url: str, id_: str, names: list[str]) -> int:
    made = [
        NewItem(
            "create", TRAPS, id_, f"guid:{name}", name, "bench",
            after=json.dumps({"id": PLACEHOLDER, "meta": {"location": ["Alder", "North", "Dock", name]}, "status": "pending", "guid": name}),
        )
        for name in names
    ]  # fmt: skip
    with connect(url) as conn:
        plan = microshare_plan.store(conn, CONNECTION, "device", "bench", made)
        microshare_plan.approve(conn, plan, "bench")
    return plan


def _apply(url: str, base_url: str, plan: int) -> int:
    with _client(base_url) as client:
        return int(apply_plan(url, client, CONNECTION, plan, logging.getLogger("bench"))["applied"])


class _Kept:
    """A token store in memory."""

    def __init__(self) -> None:
        self.token: Mapping[str, Any] = {}

    def read(self) -> Mapping[str, Any]:
        """What was saved last."""
        return self.token

    def save(self, token: Mapping[str, Any]) -> None:
        """Keep it."""
        self.token = token

    def exclusive(self) -> AbstractContextManager[None]:
        """Nobody else signs in."""
        return nullcontext()


def _client(base_url: str) -> MicroshareClient:
    account = Account(USERNAME, PASSWORD, base_url, base_url, "")
    return MicroshareClient(base_url=base_url, account=account, tokens=_Kept(), policy=Policy(settle_s=5))


if __name__ == "__main__":
    sys.exit(main())
