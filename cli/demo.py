"""`landfall demo`: the whole of Landfall on this machine, against a simulated QuickBooks, twice through Prefect."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from cli.console import FAILED, emit, note, table
from cli.context import address_without_password, warehouse, warehouse_url
from cli.run import COUNTS, outcome_of

SYNC, CONNECTION, DEPLOYMENT = "quickbooks", "demo", "refresh-quickbooks/hourly"
NEXT = """
What next
  ./run landfall up        brings the UI ({ui}) and the database back, with all that landed
  ./run landfall psql -c "SELECT display_name, balance FROM quickbooks.customer_current ORDER BY balance DESC LIMIT 5"
  ./run landfall psql -c "SELECT id, name, unit_price FROM quickbooks.item_current WHERE name ILIKE '%a%' LIMIT 5"
  psql "{database}"
  ./run landfall connect quickbooks --help        your own company
  ./run landfall down"""
RUN_TIMEOUT_S = 600
PICK_UP_TIMEOUT_S = 120


class DemoFailed(Exception):
    """The demo could not show what it promises."""

    code = "DemoFailed"
    cure = "Run `./run landfall doctor`, look at logs/worker.log in LANDFALL_HOME, then run `./run demo` again."


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False,
) -> None:
    """Set everything up here, land a simulated QuickBooks company twice, and show that the second run changes nothing.

    Example: landfall demo --keep
    """
    # Whoever ends the demo from outside gets the same tidying up as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with services_up() as ui, vendor() as sandbox:
        connect(sandbox)
        first = sync_once("first run")
        changed_at = last_change()
        second = sync_once("second run")
        quiet = last_change() == changed_at and not any(_changes(counts) for counts in second.values())
        database = address_without_password(warehouse_url())
        if as_json:
            emit({"syncs": {SYNC: {"first": first, "second": second}}, "ui": ui, "database_url": database})
        else:
            report(first, second, changed_at if quiet else None, ui, database)
        if keep:
            _wait_for_interrupt(ui)
    if not quiet:
        note("The second run changed rows although the source had not changed: please report this.")
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


@contextmanager
def vendor() -> Iterator[dict[str, Any]]:
    """Run the simulated QuickBooks in a process of its own, and give what it says about itself."""
    note("starting a simulated QuickBooks with 1,000 customers, 300 vendors, 2,000 items and 5,000 invoices")
    command = [sys.executable, "-m", "sandbox", "quickbooks", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise DemoFailed(f"The simulated QuickBooks did not start. {DemoFailed.cure}")
            yield json.loads(line)
        finally:
            process.terminate()


def connect(sandbox: Mapping[str, Any]) -> None:
    """Make the connection `demo` to the simulated company and test it."""
    from blocks import systems
    from tasks.connection import check_connection

    names = {field.name for field in systems.fields(SYNC)}
    systems.save(SYNC, CONNECTION, {key: value for key, value in sandbox.items() if key in names} | {"test_mode": True})
    check = check_connection(SYNC, CONNECTION)
    if not check.ok:
        raise DemoFailed(f"The simulated QuickBooks refused: {check.sentence}")
    note(f"connected: {check.sentence}")


def sync_once(title: str) -> dict[str, dict[str, int]]:
    """Let the worker run the deployment, tell how it goes, and return the counts of every stream."""
    from prefect.deployments import run_deployment

    note(f"{title}: {DEPLOYMENT} through Prefect")
    started = time.monotonic()
    flow_run = run_deployment(DEPLOYMENT, parameters={"connection": CONNECTION}, timeout=0, as_subflow=False)
    state = _watch(flow_run.id, title)  # type: ignore[union-attr]
    outcome = outcome_of(SYNC, CONNECTION, state)
    if outcome["status"] != "success":
        error = outcome["error"] or {"code": outcome["status"], "message": state.message}
        raise DemoFailed(f"The {title} ended {outcome['status']}: {error['code']}: {error['message']}")
    note(f"{title}: done after {time.monotonic() - started:.0f} s")
    return {stream: {name: row[name] for name in COUNTS} for stream, row in outcome["streams"].items()}


def _watch(flow_run_id: Any, title: str) -> Any:
    from prefect.client.orchestration import get_client

    started = told = time.monotonic()
    with get_client(sync_client=True) as client:
        while True:
            state = client.read_flow_run(flow_run_id).state
            assert state is not None
            if state.is_final():
                return state
            waited = time.monotonic() - started
            if waited > (RUN_TIMEOUT_S if state.is_running() else PICK_UP_TIMEOUT_S):
                raise DemoFailed(f"The {title} is still {state.name} after {waited:.0f} s. {DemoFailed.cure}")
            if time.monotonic() - told >= 2:
                told = time.monotonic()
                note(f"{title}, {waited:.0f} s: {_progress(state)}")
            time.sleep(0.25)


def _progress(state: Any) -> str:
    if not state.is_running():
        return "a worker is about to begin"
    streams = outcome_of(SYNC, CONNECTION, state)["streams"]
    landed = [f"{name} {row['read']:,}" for name, row in streams.items() if row["status"] == "success"]
    return f"landed {', '.join(landed)}" if landed else "reading"


def last_change() -> Any:
    """Return when a row of the demo's connection changed last."""
    from warehouse.health import last_change as latest

    with warehouse() as conn:
        return latest(conn, SYNC, CONNECTION)


def report(first: Any, second: Any, changed_at: Any, ui: str, database: str) -> None:
    """Print what landed, the proof, and what to do next."""
    rows = [
        {"stream": stream, "run": title, **{name: counts[stream][name] for name in COUNTS[1:6]}}
        for stream in first
        for title, counts in (("first", first), ("second", second))
    ]
    table("What landed in the schema quickbooks", rows)
    if changed_at is not None:
        print("The second run read everything again and changed nothing: inserted, updated and deleted are 0, and")
        print(f"the latest change of any row is that of {changed_at:%Y-%m-%d %H:%M:%S} UTC, as it was before that run.")
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
