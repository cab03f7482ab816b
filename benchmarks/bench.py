"""`./run bench`: our real flow against COPY and the peers, in one run, on one machine.

Ours is `landfall run quickbooks` as a process of its own, with a Prefect server running and the vendor's limits
lifted by the settings of the block. See docs/benchmarks.md.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import erp, microshare, place, results, search
from benchmarks.environments import NoEnvironment, python_of
from benchmarks.runs import PEER, Runs

LATENCY_MS = 150
IN_FLIGHT = 10
PREFECT = ("import", "flow", "tasks")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 when everything was measured and right."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the size, in under five minutes on an idle machine"
    )
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--only-ours", action="store_true", help="leave the peers out")
    parser.add_argument("--only", choices=["erp", "search", "microshare"], help="one part alone")
    asked = parser.parse_args(arguments)
    # Asked to end, it still stops what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    scale, rounds = (0.1, 2) if asked.quick else (1.0, 3)
    found: dict[str, Any] = {}
    tables: list[str] = []

    def show(table: str) -> None:
        print(table, flush=True)
        tables.append(table)

    if not asked.only:
        found = results.of(measure(scale, rounds=rounds, peers=not asked.only_ours))
        show(results.table(found))
    if asked.only in (None, "erp"):
        found["erp"] = erp.measure(scale, 1 if asked.quick else rounds)
        show(erp.table(found["erp"]))
    if asked.only in (None, "search"):
        found["search"] = _search(round(search.GOAL_ITEMS * scale))
        show(search.table(found["search"]))
    if asked.only in (None, "microshare"):
        found["microshare"] = microshare.measure(microshare.QUICK if asked.quick else microshare.Sizes())
        show(microshare.table(found["microshare"]))
    if not (asked.quick or asked.only or asked.only_ours):
        results.write(found, tables, Path(__file__).parent / "results.md")
    if asked.json:
        print(json.dumps(found))
    return 0


def measure(scale: float, *, rounds: int, peers: bool) -> Runs:
    """Measure everything at a scale, and ours at four times that."""
    with ExitStack() as stack:
        folder = stack.enter_context(place.scratch())
        target = stack.enter_context(place.target(folder))
        installation = stack.enter_context(place.installation(folder))
        if peers:
            _install_peers()
        with place.source(scale) as source:
            runs = Runs(target, source, installation, scale, folder)
            _connect(runs, source)
            _prefect_alone(runs)
            for what in PREFECT:
                runs.costs.pop(f"prefect_{what}")  # the first of all is thrown away
            for number in range(rounds):
                _prefect_alone(runs)
                runs.round_of_ours()
                runs.hour_of_ours()
                # A peer takes minutes and varies less than it differs from us: once is enough, in the first round.
                for name in PEER if peers and number == 0 else ():
                    runs.peer(name, rerun=name.startswith("dlt"))
            _distant(runs)
        with place.source(4 * scale) as source:
            larger = Runs(target, source, installation, 4 * scale, folder, runs.costs)
            _connect(larger, source)
            url = target.fresh("ours")
            larger.ours("first_4x", 1)
            larger.check_live(url, 1)
            larger.ours("rerun_4x", 2)
        return runs


def _search(count: int) -> dict[str, float]:
    with place.scratch() as folder, place.target(folder) as target:
        return search.measure(target, count)


def _install_peers() -> None:
    for peer in PEER.values():
        try:
            python_of(peer.environment)
        except NoEnvironment as error:
            print(f"{peer.environment}: {error}", file=sys.stderr)


def _connect(runs: Runs, source: place.Source, *, in_flight: int = 0) -> None:
    """Make the connections `bench`, which reads all every time, and `bench-hourly`; the vendor's limits are lifted."""
    fields = {
        "realm_id": "1", "client_id": "bench", "base_url": source.url, "token_url": f"{source.url}/token",
        "requests_per_second": "0", "requests_per_minute": "0", "max_in_flight": str(in_flight),
        "entities": "customer,vendor,item,invoice", "dbt_views": "false",
    }  # fmt: skip
    runs.target.fresh("ours")
    for name, more in (("bench", {"full_every_hours": "0.001"}), ("bench-hourly", {})):
        words = [word for field, value in (fields | more).items() for word in ("--set", f"{field}={value}")]
        for field in ("client_secret", "refresh_token"):
            words += ["--secret", f"{field}=BENCH_SECRET"]
        runs.installation.landfall(
            "connect", "quickbooks", "--name", name, *words,
            BENCH_SECRET="bench-only-secret", LANDFALL_DATABASE_URL=runs.target.url("ours"),  # noqa: S106  opens nothing
        )  # fmt: skip


def _prefect_alone(runs: Runs) -> None:
    """What importing Prefect, an empty flow, and a flow with a task a stream cost."""
    for what in PREFECT:
        environment = runs.installation.environment
        environment["PREFECT_API_URL"] = runs.installation.api()
        runs.measure(f"prefect_{what}", [sys.executable, "-m", "benchmarks.empty", what])


def _distant(runs: Runs) -> None:
    """A re-run and a mere fetch, from near and from a vendor that takes 150 ms for each answer."""
    fetch = [sys.executable, "-m", "benchmarks.fetch", runs.source.url]
    runs.measure("fetch", fetch)
    _connect(runs, runs.source, in_flight=IN_FLIGHT)
    runs.target.fresh("ours")
    runs.ours("before_distant", 1)
    runs.source.control(latency_ms=LATENCY_MS)
    runs.ours("rerun_distant", 2)
    runs.measure("fetch_distant", fetch)
    told = runs.source.control(latency_ms=0)
    if told["peak_in_flight"] > IN_FLIGHT:
        raise RuntimeError(f"{told['peak_in_flight']} requests were in flight; {IN_FLIGHT} were allowed")
