"""The `landfall` command."""

import gc
import sys

import typer

from cli import (
    audit,
    cetec,
    connect,
    connections,
    dead_letters,
    demo,
    doctor,
    erp,
    look,
    microshare,
    run,
    schedule,
    search,
    services,
    upkeep,
)
from cli.console import FAILED, emit, note

# Importing Prefect makes 150,000 objects that stay, and Python's collector would go through them time and again: some four
# tenths of a second of a run. So it comes by after this many new ones instead of 700.
COLLECT_AFTER = 50_000

app = typer.Typer(
    name="landfall",
    help="Land business systems in Postgres.\n\nBegin with: landfall up, connect, run, status.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)

app.command()(services.up)
app.command()(services.down)
app.command()(connect.connect)
app.add_typer(connections.app, name="connections")
app.command()(run.run)
app.command()(schedule.schedule)
app.command()(schedule.schedules)
app.command()(look.status)
app.command()(look.runs)
app.command()(look.tables)
app.command()(search.search)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(audit.app, name="audit")
app.command()(doctor.doctor)
app.command()(upkeep.upgrade)
app.add_typer(upkeep.analyst, name="analyst")
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})(
    upkeep.psql
)
app.command()(upkeep.docs)
app.add_typer(cetec.app, name="cetec")
app.add_typer(microshare.app, name="microshare")
app.add_typer(erp.app, name="erp")
app.command()(demo.demo)


def main() -> None:
    """Run the command line; a documented error becomes one sentence and what to do, never a traceback."""
    from connectors import redact

    gc.set_threshold(COLLECT_AFTER)
    redact.install()
    try:
        app()
    except Exception as error:
        code = getattr(error, "code", None)
        if not isinstance(code, str):
            raise
        cure = getattr(error, "cure", "")
        sentence = str(error) if cure in str(error) else f"{error} {cure}"
        note(f"{code}: {sentence}")
        if "--json" in sys.argv:
            emit({"error": {"code": code, "message": str(error)}})
        sys.exit(FAILED)
