"""`landfall schedule`: a Prefect deployment per connection, with its own times."""

from typing import Annotated

import typer

from cli.console import fail, note
from cli.context import use_prefect


def schedule(
    sync: Annotated[str, typer.Argument(help="What to run: quickbooks, …")],
    connection: Annotated[str, typer.Option(help="The name of the connection.")] = "main",
    cron: Annotated[str | None, typer.Option(help="When: five fields, as in '7 * * * *'.")] = None,
    timezone: Annotated[str, typer.Option(help="The time zone of the fields, as in Europe/Berlin.")] = "UTC",
    remove: Annotated[bool, typer.Option("--remove", help="Take the schedule away.")] = False,
) -> None:
    """Run a sync for one connection at set times; a worker (`landfall up`) carries it out.

    Example: landfall schedule quickbooks --connection west --cron '7 6-20 * * 1-5' --timezone America/Denver
    """
    use_prefect()
    from deployments import bootstrap, schedules, syncs

    try:
        known = syncs.connections(sync) if sync in syncs.modules() else syncs.entrypoint(sync)
    except syncs.UnknownSync as error:
        fail(str(error), code=error.code)
    if remove:
        removed = schedules.unschedule(sync, connection)
        note(f"{sync} for {connection}: {'schedule removed' if removed else 'it had no schedule of its own'}")
        return
    if cron is None:
        fail("Say when: --cron '7 * * * *' runs it seven minutes past every hour.")
    if connection not in known:
        there = ", ".join(known) or "none yet"
        fail(f"There is no {sync} connection {connection!r}; there are: {there}.", code="UnknownConnection")
    bootstrap.bootstrap(echo=lambda made: note(f"made {made}"))
    note(f"{schedules.schedule(sync, connection, cron, timezone)} runs at {cron} ({timezone})")
