"""Looking without touching: `landfall status`, `runs`, `tables`."""

from typing import Annotated, Any

import typer

from cli.console import ago, emit, table
from cli.context import warehouse

AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]


def status(as_json: AsJson = False) -> None:
    """Show how fresh every stream of every connection is, how long its tokens last, this month's calls, and what can be searched.

    Example: landfall status --json
    """
    from warehouse.search import indexes
    from warehouse.status import api_calls, freshness
    from warehouse.status import tokens as token_states

    with warehouse() as conn:
        rows, tokens, calls, searched = freshness(conn), token_states(conn), api_calls(conn), indexes(conn)
    if as_json:
        emit({"streams": rows, "tokens": tokens, "calls": calls, "search": searched})
        return
    shown = [{**row, "last_success": ago(row.get("last_success"))} for row in rows]
    columns = ("sync", "connection", "stream", "last_success", "rows", "last_error")
    table("Freshness", shown, columns, empty="Nothing has landed yet: landfall connect SYSTEM, then landfall run SYNC.")
    if tokens:
        table("Tokens", tokens, ("connection", "state", "refresh_expires_at", "consent_expires_at", "refusal"))
    if calls:
        table("Calls this month", calls, ("connection", "calls", "metered", "failed", "seconds"))
    if searched:
        shown = [{**row, "size": f"{row['bytes'] / 1024**2:,.1f} MB"} for row in searched]
        table("Search", shown, ("index", "table", "rows", "size", "ready"))


def runs(
    sync: Annotated[str | None, typer.Option(help="Only this sync.")] = None,
    connection: Annotated[str | None, typer.Option(help="Only this connection.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many runs, the latest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the latest runs with what they read and changed.

    Example: landfall runs --sync quickbooks --limit 5
    """
    from warehouse.status import runs as latest

    with warehouse() as conn:
        rows = latest(conn, limit, sync, connection)
    if as_json:
        emit({"runs": rows})
        return
    table("Runs", [_run_line(row) for row in rows], empty="No run yet: landfall run SYNC --connection NAME.")


def tables(as_json: AsJson = False) -> None:
    """List the landed tables with what they hold.

    Example: landfall tables
    """
    from warehouse.status import tables as landed

    with warehouse() as conn:
        rows = landed(conn)
    if as_json:
        emit({"tables": rows})
        return
    shown = [
        {"table": f"{row['schema']}.{row['table']}", "rows": row["rows"], "size": f"{row['bytes'] / 1024**2:,.1f} MB",
         "last_change": ago(row["last_change"]), "holds": row["holds"]}
        for row in rows
    ]  # fmt: skip
    table("Tables", shown, empty="No table yet: landfall run SYNC makes them.")


def _run_line(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("sync", "connection", "status", "read", "inserted", "updated", "unchanged", "deleted", "dead_lettered")
    line = {"started": ago(row.get("started_at")), **{name: row.get(name) for name in kept}}
    return {**line, "error": row.get("error_code")}
