"""`landfall dead-letters`: records that could not land."""

from typing import Annotated

import typer

from cli.console import emit, fail, note, table
from cli.context import use_prefect, warehouse, warehouse_url

app = typer.Typer(help="Look at records that could not land, and land them again.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]


@app.command("list")
def list_letters(
    resolved: Annotated[bool, typer.Option("--all", help="Also those that have landed since.")] = False,
    as_json: AsJson = False,
) -> None:
    """List dead letters by cause. Example: landfall dead-letters list --json"""
    from warehouse.dead_letters import overview

    with warehouse() as conn:
        rows = overview(conn, resolved=resolved)
    if as_json:
        emit({"dead_letters": rows})
        return
    columns = ("sync", "connection", "stream", "reason_code", "column", "letters", "since", "example", "message")
    table("Dead letters", rows, columns, empty="No dead letter is open: every record has landed.")


@app.command()
def show(number: Annotated[int, typer.Argument(help="The id, as in list.")], as_json: AsJson = False) -> None:
    """Show one dead letter, without what looks secret. Example: landfall dead-letters show 17"""
    from warehouse import dead_letters

    with warehouse() as conn:
        row = dead_letters.show(conn, number)
    if row is None:
        fail(f"There is no dead letter {number}; see `landfall dead-letters list`.", code="UnknownDeadLetter")
    if as_json:
        emit(row)
        return
    table(f"Dead letter {number}", [{"": key, "value": value} for key, value in row.items()])


@app.command()
def replay(
    number: Annotated[int | None, typer.Argument(help="Only this one.")] = None,
    fingerprint: Annotated[str | None, typer.Option(help="Only those of this cause, as in list --json.")] = None,
    as_json: AsJson = False,
) -> None:
    """Land dead letters again, after a fix: all that are open, one, or those of one cause.

    Exit status: 0 all have landed, 3 some still cannot. Example: landfall dead-letters replay 17
    """
    use_prefect()
    from tasks.replay import replay as land_again

    with warehouse():
        pass  # up to date before anything lands
    counts = land_again(warehouse_url(), number=number, fingerprint=fingerprint)
    rows = [{"stream": name, **count.numbers()} for name, count in counts.items()]
    if as_json:
        emit({"replayed": rows})
    else:
        table("Replayed", rows, empty="No dead letter is open.")
    if left := sum(count.dead_lettered for count in counts.values()):
        note(f"{left} still cannot land; see `landfall dead-letters list`.")
        raise typer.Exit(3)
