"""`landfall schedule`: a Prefect deployment per connection, with its own times."""

from typing import Annotated, Any

import typer

from cli.console import emit, fail, note, table
from cli.context import use_prefect, warehouse
from cli.run import parse


def schedule(
    sync: Annotated[str, typer.Argument(help="What to run: quickbooks, …")],
    connection: Annotated[str, typer.Option(help="The name of the connection.")] = "main",
    cron: Annotated[str | None, typer.Option(help="When: five fields, as in '7 * * * *'.")] = None,
    timezone: Annotated[str, typer.Option(help="The time zone of the fields, as in Europe/Berlin.")] = "UTC",
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="KEY=VALUE", help="Another parameter of the flow. Repeat.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the schedule away.")] = False,
) -> None:
    """Run a sync for one connection at set times; a worker (`landfall up`) carries it out.

    With -p it is a schedule of a part, beside others of the connection.

    \b
    landfall schedule quickbooks --connection west --cron '7 6-20 * * 1-5' --timezone America/Denver
    landfall schedule erp --connection plant -p data_types=products,inventory --cron '0 2 * * *' --timezone Asia/Tashkent
    """
    use_prefect()
    from deployments import bootstrap, schedules, syncs

    try:
        known = syncs.connections(sync) if sync in syncs.modules() else syncs.entrypoint(sync)
    except syncs.UnknownSync as error:
        fail(str(error), code=error.code)
    given = parse(syncs.load(sync), {}, parameter or [])
    asked = {pair.partition("=")[0] for pair in parameter or []} - {"connection"}
    part = {name: value for name, value in given.items() if name in asked}
    before = schedules.times(sync, connection, part)
    if remove:
        removed = schedules.unschedule(sync, connection, part)
        if removed:
            log("schedule.removed", sync, connection, part, before, None)
        note(f"{sync} for {connection}: {'schedule removed' if removed else 'it had no schedule of its own'}")
        return
    if cron is None:
        fail("Say when: --cron '7 * * * *' runs it seven minutes past every hour.")
    if connection not in known:
        there = ", ".join(known) or "none yet"
        fail(f"There is no {sync} connection {connection!r}; there are: {there}.", code="UnknownConnection")
    bootstrap.bootstrap(echo=lambda made: note(f"made {made}"))
    name = schedules.schedule(sync, connection, cron, timezone, part)
    after = {"cron": cron, "timezone": timezone, "active": True}
    log("schedule.changed" if before else "schedule.made", sync, connection, part, before, after)
    note(f"{name} runs at {cron} ({timezone})")


def log(action: str, sync: str, connection: str, part: dict[str, Any], before: Any, after: Any) -> None:
    """Put a change of a schedule in the audit log; the schedule itself is Prefect's."""
    from tasks.origin import origin
    from warehouse import audit

    of = "".join(f", {name}={value}" for name, value in part.items())
    with warehouse() as conn:
        audit.append(conn, origin(), action, f"schedule {sync}/{connection}{of}", before, after)


def schedules(as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False) -> None:
    """List what runs when: every schedule, whether it is on, and its next run. Example: landfall schedules"""
    use_prefect()
    from deployments import schedules as deployed

    rows = deployed.list_all()
    if as_json:
        emit({"schedules": rows})
        return
    shown = [
        {**row, "part": ", ".join(f"{name}={value}" for name, value in row["part"].items()), "on": row["active"]}
        for row in rows
    ]
    columns = ("deployment", "connection", "part", "cron", "timezone", "on", "next_run")
    table(
        "Schedules",
        shown,
        columns,
        empty="No schedule yet: landfall schedule SYNC --connection NAME --cron '7 * * * *'.",
    )
