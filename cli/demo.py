"""`landfall demo`: the whole of Landfall on this machine, against simulated systems, each twice through Prefect."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cli.console import FAILED, emit, note, table
from cli.context import address_without_password, warehouse, warehouse_url
from cli.demo_systems import SYSTEMS, Demo, DemoFailed, who_serves_whom
from cli.run import COUNTS, outcome_of

NEXT = """
What next
  ./run landfall up        brings the UI ({ui}) and the database back, with all that landed
  ./run landfall psql -c "SELECT display_name, balance FROM quickbooks.customer_current ORDER BY balance DESC LIMIT 5"
  ./run landfall psql -c "SELECT name, account_type, balance FROM quickbooks.account_current WHERE balance <> 0"
  ./run landfall psql -c "SELECT id, name, unit_price FROM quickbooks.item_current WHERE name ILIKE '%a%' LIMIT 5"
  ./run landfall psql -c "SELECT database_state, database_reason, count(*) FROM cetec.customer_current GROUP BY 1, 2"
  ./run landfall psql -c "SELECT finding, count(*) FROM microshare.reconciliation GROUP BY 1"
  ./run landfall psql -c "SELECT site_name, connection, why FROM erp.effective_assignment"
  psql "{database}"
  ./run landfall connect quickbooks --help        your own company
  ./run landfall down"""
RUN_TIMEOUT_S = 600
PICK_UP_TIMEOUT_S = 120
# Each look costs the server something that the run itself could use.
LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Shown:
    """What the two runs of a system came to: counts of each stream, the last change, whether the second was quiet."""

    first: dict[str, dict[str, int]]
    second: dict[str, dict[str, int]]
    changed_at: Any
    quiet: bool


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False,
) -> None:
    """Set everything up here, land simulated systems twice, and show that the second runs change nothing.

    Example: landfall demo --keep
    """
    # Whoever ends the demo from outside gets the same tidying up as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with services_up() as ui, ExitStack() as sandboxes:
        shown = {system.simulator: show(system, sandboxes) for system in SYSTEMS}
        sites = who_serves_whom()
        database = address_without_password(warehouse_url())
        if as_json:
            runs = {sync: {"first": each.first, "second": each.second} for sync, each in shown.items()}
            emit({"syncs": runs, "sites": sites, "ui": ui, "database_url": database})
        else:
            report(shown, sites, ui, database)
        if keep:
            _wait_for_interrupt(ui)
    if not all(each.quiet for each in shown.values()):
        note("A second run changed rows although the source had not changed: please report this.")
        raise typer.Exit(FAILED)


@contextmanager
def services_up() -> Iterator[str]:
    """Start Postgres, Prefect and a worker, and stop them afterwards unless they ran before. Gives the UI's address."""
    from deployments import services

    before = services.status()
    ran_before = any(before[name] for name in ("postgres", "server", "worker"))
    try:
        ui = str(services.up(echo=note)["ui"])
        from deployments.bootstrap import bootstrap

        bootstrap(echo=lambda made: note(f"made {made}"))
        yield ui
    finally:
        if ran_before:
            note("left running what ran before: `./run landfall down` stops it")
        else:
            note("stopping what was started; what landed stays")
            services.down(echo=note)


def show(system: Demo, sandboxes: ExitStack) -> Shown:
    """Land one system twice; its sandbox runs on until ``sandboxes`` ends."""
    system.connect(sandboxes.enter_context(vendor(system)), system.connection)
    first = sync_once(system, f"{system.simulator}, first run")
    if system.then is not None:
        system.then(system.connection, run_deployment_of)
    changed_at = last_change(system)
    second = sync_once(system, f"{system.simulator}, second run", full=True)
    if system.left is not None:
        system.left(system.connection)
    quiet = last_change(system) == changed_at and not any(_changes(counts) for counts in second.values())
    return Shown(first, second, changed_at, quiet)


@contextmanager
def vendor(system: Demo) -> Iterator[dict[str, Any]]:
    """Run a simulated system in a process of its own, and give what it says about itself."""
    note(f"starting {system.words}")
    command = [sys.executable, "-m", "sandbox", system.simulator, "--port", "0", *system.options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise DemoFailed(f"The simulator {system.simulator} did not start. {DemoFailed.cure}")
            yield json.loads(line)
        finally:
            process.terminate()


def sync_once(system: Demo, title: str, *, full: bool = False) -> dict[str, dict[str, int]]:
    """Let the worker run the deployment, tell how it goes, and return the counts of every stream.

    ``full`` reads everything again, so that a run without a change has something to compare.
    """
    started = time.monotonic()
    parameters = {"connection": system.connection, "full": full}
    state = run_deployment_of(system.deployment, parameters, title, lambda state: _progress(system, state))
    outcome = outcome_of(system.sync, system.connection, state)
    if outcome["status"] != "success":
        error = outcome["error"] or {"code": outcome["status"], "message": state.message}
        raise DemoFailed(f"The {title} ended {outcome['status']}: {error['code']}: {error['message']}")
    note(f"{title}: done after {time.monotonic() - started:.0f} s")
    return {stream: {name: row[name] for name in COUNTS} for stream, row in outcome["streams"].items()}


def run_deployment_of(
    deployment: str, parameters: Mapping[str, Any], title: str, progress: Callable[[Any], str] = lambda _: "running"
) -> Any:
    """Let the worker run a deployment, tell how it goes every two seconds, and return the state that it ended in."""
    from prefect.client.orchestration import get_client
    from prefect.deployments import run_deployment

    note(f"{title}: {deployment} through Prefect")
    flow_run: Any = run_deployment(deployment, parameters=dict(parameters), timeout=0, as_subflow=False)
    started = told = time.monotonic()
    with get_client(sync_client=True) as client:
        while True:
            state = client.read_flow_run(flow_run.id).state
            assert state is not None
            if state.is_final():
                return state
            waited = time.monotonic() - started
            if waited > (RUN_TIMEOUT_S if state.is_running() else PICK_UP_TIMEOUT_S):
                raise DemoFailed(f"The {title} is still {state.name} after {waited:.0f} s. {DemoFailed.cure}")
            if time.monotonic() - told >= 2:
                told = time.monotonic()
                note(f"{title}, {waited:.0f} s: {progress(state)}")
            time.sleep(LOOK_EVERY_S)


def _progress(system: Demo, state: Any) -> str:
    if not state.is_running():
        return "a worker is about to begin"
    streams = outcome_of(system.sync, system.connection, state)["streams"]
    landed = [f"{name} {row['read']:,}" for name, row in streams.items() if row["status"] == "success"]
    return f"landed {', '.join(landed)}" if landed else "reading"


def last_change(system: Demo) -> Any:
    """Return when a row of the demo's connection to a system changed last."""
    from warehouse.health import last_change as latest

    with warehouse() as conn:
        return latest(conn, system.sync, system.connection)


def report(shown: Mapping[str, Shown], sites: Sequence[Mapping[str, Any]], ui: str, database: str) -> None:
    """Print what landed, the proof, who serves whom, and what to do next."""
    for name, each in shown.items():
        rows = [
            {
                "stream": stream,
                **{name: first[name] for name in ("read", "inserted")},
                "read again": each.second[stream]["read"],
                "changed then": _changes(each.second[stream]),
            }
            for stream, first in each.first.items()
        ]
        table(f"What landed from {name}", rows)
        if each.quiet:
            print("The second run read everything again and changed nothing: inserted, updated, deleted are 0, and")
            print(
                f"the latest change of any row is that of {each.changed_at:%Y-%m-%d %H:%M:%S} UTC, as before that run."
            )
    table(
        "Which ERP serves which site",
        sites,
        ("client_name", "site_name", "connection", "kind", "source", "status", "why"),
    )
    print(NEXT.format(ui=ui, database=database))


def _changes(counts: Mapping[str, int]) -> int:
    return counts["inserted"] + counts["updated"] + counts["deleted"]


def _wait_for_interrupt(ui: str) -> None:
    note(f"Everything runs until Ctrl-C; the UI is at {ui}")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        note("")
