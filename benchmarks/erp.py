"""`./run bench --only erp`: products over OData against as many customers of QuickBooks, each by its real flow.

Both come from one page server, in a process of their own each, a first load and a re-run with 1 % changed; the ratio is
that of the CPU seconds of client and Postgres together, less what an empty flow with one task costs.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from subprocess import PIPE, Popen
from typing import Any

import psycopg

from benchmarks import place
from benchmarks.results import medians
from benchmarks.runs import Runs, WrongContents

RECORDS = 100_000
# Of the issue: 100k products over OData within 1.3 times the CPU of the QuickBooks path for as many rows.
GOAL = 1.3
TABLES = {"quickbooks": "quickbooks.customer", "erp": "erp.product"}


def measure(scale: float, rounds: int) -> dict[str, Any]:
    """Run both in turn, ``rounds`` times; the figures (medians) and the ratios."""
    records = round(RECORDS * scale)
    with ExitStack() as stack:
        folder = stack.enter_context(place.scratch())
        target = stack.enter_context(place.target(folder))
        installation = stack.enter_context(place.installation(folder))
        source = stack.enter_context(page_server(records))
        runs = Runs(target, source, installation, scale, folder)
        for system in TABLES:
            target.fresh(system)
            _connect(runs, system)
        installation.environment["PREFECT_API_URL"] = installation.api()
        for _ in range(rounds):
            runs.measure("flow", [sys.executable, "-m", "benchmarks.empty", "flow"])
            for system in TABLES:
                _round(runs, system, records)
        return found(records, {name: medians(costs) for name, costs in runs.costs.items()})


def found(records: int, figures: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The ratios of what was measured, ready for JSON."""

    def ratio(what: str, net: bool) -> float:
        empty = figures["flow"]["cpu_s"] if net else 0.0
        return round((figures[f"erp_{what}"]["cpu_s"] - empty) / (figures[f"quickbooks_{what}"]["cpu_s"] - empty), 3)

    return {
        "records": records,
        "goal": GOAL,
        "ratios": {what: ratio(what, net=True) for what in ("first", "rerun")},
        "ratios_gross": {what: ratio(what, net=False) for what in ("first", "rerun")},
        "figures": figures,
    }


def table(result: Mapping[str, Any]) -> str:
    """The figures and the ratios, as Markdown."""
    lines = [f"| {result['records']:,} records | client + Postgres = CPU s | wall s | WAL MB | peak RSS MB |"]
    lines.append("|---|---|---|---|---|")
    for name, row in result["figures"].items():
        lines.append(
            f"| {name} | {row['client_s']:.1f} + {row['postgres_s']:.1f} = {row['cpu_s']:.1f} | {row['wall_s']:.1f} |"
            f" {row['wal_bytes'] / 1e6:.0f} | {row['peak_rss'] / 1e6:.0f} |"
        )
    lines += ["", "| products over OData ÷ customers of QuickBooks | net | gross | goal |", "|---|---|---|---|"]
    for what, value in result["ratios"].items():
        goal = f"≤ {result['goal']}" if what == "first" else ""
        lines.append(f"| {what} | {value:.2f} | {result['ratios_gross'][what]:.2f} | {goal} |")
    return "\n".join(lines)


def _round(runs: Runs, system: str, records: int) -> None:
    url = runs.target.fresh(system)
    more = ("-p", "data_types=products") if system == "erp" else ()
    for version, what in ((1, "first"), (2, "rerun")):
        runs.source.control(version=version)
        words = ("run", system, "--connection", "bench", *more, "--json")
        cost = runs.measure(f"{system}_{what}", [*place.LANDFALL, *words], system, checkpoint=version == 1)
        runs.target.settle(system)
        _check(url, system, records, json.loads(cost.output.splitlines()[-1]), what)


def _connect(runs: Runs, system: str) -> None:
    fields = {"base_url": runs.source.url, "requests_per_second": "0", "requests_per_minute": "0", "max_in_flight": "0"}
    if system == "erp":
        kind, secrets = "erp-sap-s4", ["password"]
        # Everything is read again, of QuickBooks too.
        fields |= {"user": "bench", "full_every_hours": "0"}
    else:
        kind, secrets = "quickbooks", ["client_secret", "refresh_token"]
        fields |= {"realm_id": "1", "client_id": "bench", "token_url": f"{runs.source.url}/token"}
        fields |= {"entities": "customer", "dbt_views": "false", "full_every_hours": "0.001"}
    words = [word for name, value in fields.items() for word in ("--set", f"{name}={value}")]
    words += [word for name in secrets for word in ("--secret", f"{name}=BENCH_SECRET")]
    runs.installation.landfall(
        "connect", kind, "--name", "bench", "--no-test", *words,
        BENCH_SECRET="bench-only-secret", LANDFALL_DATABASE_URL=runs.target.url(system),  # noqa: S106  opens nothing
    )  # fmt: skip


def _check(url: str, system: str, records: int, answer: Mapping[str, Any], what: str) -> None:
    """Everything is there, and the re-run has changed what was changed and nothing else."""
    with psycopg.connect(url) as session:
        row = session.execute(f"SELECT count(*) FROM {TABLES[system]}_current".encode()).fetchone()  # noqa: S608  from above
    assert row is not None
    stream = answer["streams"][TABLES[system].partition(".")[2]]
    changed = records if what == "first" else records // 100
    if row[0] != records or not 0 < stream["inserted"] + stream["updated"] <= changed + records // 500:
        raise WrongContents(f"{system}, {what}: {row[0]} rows, {stream}")


@contextmanager
def page_server(records: int) -> Iterator[place.Source]:
    """The page server of both, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.erp_source", "--records", str(records)]
    child = Popen(command, cwd=place.ROOT, stdout=PIPE)  # noqa: S603
    try:
        assert child.stdout is not None
        port = child.stdout.readline().strip().decode()
        if not port:
            raise RuntimeError("The page server ended at once; its error is above.")
        yield place.Source(f"http://127.0.0.1:{port}", child.pid)
    finally:
        child.kill()
        child.wait()
