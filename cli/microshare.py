"""`landfall microshare`: plans of changes of devices, and single devices by hand."""

import getpass
from typing import Annotated, Any

import typer

from cli.console import EXIT_CODES, FAILED, ago, emit, fail, note, table
from cli.context import use_prefect, warehouse
from cli.microshare_device import app as device

app = typer.Typer(help="Devices of Microshare tenants: plans of changes, and single devices.", no_args_is_help=True)
plan_app = typer.Typer(
    help="Plans: a run of the sync proposes, somebody approves, apply does exactly that.", no_args_is_help=True
)
app.add_typer(plan_app, name="plan")
app.add_typer(device, name="device")

Number = Annotated[int, typer.Argument(help="The number of the plan.", metavar="PLAN")]
AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]
By = Annotated[str, typer.Option(help="In whose name; without, whoever is logged in here.")]

_LISTED = (
    "id",
    "connection",
    "origin",
    "status",
    "planned",
    "held",
    "applied",
    "refused",
    "unknown",
    "made",
    "approved_by",
)
_ITEMS = ("number", "action", "state", "device", "cluster_id", "reason", "result")


@plan_app.command("list")
def list_plans(
    connection: Annotated[str, typer.Option(help="Only those of this connection.")] = "",
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """List plans, newest first. Example: landfall microshare plan list --connection main"""
    from warehouse import microshare_plan

    with warehouse() as conn:
        rows = microshare_plan.plans(conn, connection or None, limit)
    if as_json:
        emit({"plans": rows})
        return
    shown = [{**row, "made": ago(row["created_at"])} for row in rows]
    table(
        "Plans",
        shown,
        _LISTED,
        empty="There is no plan yet: landfall run microshare makes one where points and devices differ.",
    )


@plan_app.command("show")
def show(
    plan: Number,
    state: Annotated[str, typer.Option(help="Only items in this state, such as held or refused.")] = "",
    limit: Annotated[int, typer.Option(help="How many items at most.", min=1)] = 100,
    as_json: AsJson = False,
) -> None:
    """Show a plan: each change with its reason, and what became of it. Before and after are in the answer of --json.

    Example: landfall microshare plan show 12 --state held
    """
    from warehouse import microshare_plan

    with warehouse() as conn:
        found = microshare_plan.plan(conn, plan)
        items = microshare_plan.items(conn, plan, limit, state or None)
    if as_json:
        emit({"plan": found, "items": items})
        return
    rows = [{**item, "device": item["guid"] or item["device_key"]} for item in items]
    table(
        f"Plan {plan} of {found['connection']}: {found['status']}", rows, _ITEMS, empty=f"Plan {plan} has no such item."
    )
    if len(items) == limit < found["items"]:
        note(f"the first {limit:,} of {found['items']:,} items; more with --limit")
    _what_next(found)


@plan_app.command()
def approve(
    plan: Number,
    by: By = "",
    held: Annotated[list[int] | None, typer.Option(help="Number of a held item to be done as well. Repeat.")] = None,
    as_json: AsJson = False,
) -> None:
    """Approve a proposed plan, in your name. Items that are held stay held unless they are named by number.

    Example: landfall microshare plan approve 12 --held 3
    """
    from warehouse import microshare_plan

    with warehouse() as conn:
        microshare_plan.approve(conn, plan, by or getpass.getuser(), held or [])
        found = microshare_plan.plan(conn, plan)
    _answer(found, as_json=as_json)


@plan_app.command("apply")
def apply_(plan: Number, as_json: AsJson = False) -> None:
    """Apply an approved plan here and now. Applied again, it goes on where it stopped and does nothing twice.

    Exit status: 0 all settled, 1 something is not settled (apply again), 4 it is being applied already.

    Example: landfall microshare plan apply 12
    """
    from warehouse import microshare_apply

    with warehouse() as conn:
        microshare_apply.check(conn, plan)
    raise typer.Exit(carry_out(plan, as_json=as_json))


@plan_app.command()
def undo(
    plan: Number,
    by: By = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only make the plan that takes it back.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take back what a plan has applied, as long as its connection allows (7 days); what changed since is left alone.

    Example: landfall microshare plan undo 12
    """
    from warehouse import microshare_apply, microshare_plan

    who = by or getpass.getuser()
    with warehouse() as conn:
        back = microshare_apply.undo(conn, plan, who)
        if back is None:
            fail(
                f"Plan {plan} has changed nothing, so there is nothing to take back.",
                code="NothingToUndo",
                status=FAILED,
            )
        found = microshare_plan.plan(conn, back)
        if not dry_run:
            microshare_plan.approve(conn, back, who)
    if dry_run:
        _answer(found, as_json=as_json)
        return
    raise typer.Exit(carry_out(back, as_json=as_json))


def carry_out(plan: int, *, as_json: bool) -> int:
    """Run the flow that applies a plan in this process, show what became of it, and return the exit status."""
    from warehouse import microshare_plan

    with warehouse() as conn:
        connection = microshare_plan.plan(conn, plan)["connection"]
    use_prefect()
    from flows.apply_microshare_plan import apply_microshare_plan

    state = apply_microshare_plan(plan, connection, return_state=True)
    with warehouse() as conn:
        found = microshare_plan.plan(conn, plan)
    status = {"Completed": "success", "Skipped": "skipped"}.get(state.name or "", "failed")
    error = None if status == "success" else _error(state)
    if as_json:
        emit({"plan": found, "status": status, "error": error})
    else:
        _say(found)
        if error:
            note(f"{error['code']}: {error['message']}")
    return EXIT_CODES.get(status, FAILED)


def _error(state: Any) -> dict[str, str]:
    message = str(state.message)
    code = next((name for name in ("PlanNotOpen", "PlanIncomplete", "UnknownPlan") if f"{name}: " in message), None)
    return {"code": code or ("AlreadyRunning" if state.name == "Skipped" else "Failed"), "message": message}


def _answer(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit({"plan": found})
        return
    _say(found)
    _what_next(found)


def _say(found: dict[str, Any]) -> None:
    numbers = ", ".join(
        f"{found[name]:,} {name}" for name in ("planned", "applied", "refused", "held", "unknown") if found[name]
    )
    print(f"Plan {found['id']} of {found['connection']} is {found['status']}: {numbers or 'nothing in it'}")


def _what_next(found: dict[str, Any]) -> None:
    command = {"proposed": "approve", "approved": "apply", "applying": "apply", "incomplete": "apply"}.get(
        found["status"]
    )
    if command:
        note(f"next: landfall microshare plan {command} {found['id']}")
    elif found["undo_until"] and found["applied"]:
        note(
            f"it can be taken back until {found['undo_until']:%Y-%m-%d %H:%M} UTC: landfall microshare plan undo {found['id']}"
        )
