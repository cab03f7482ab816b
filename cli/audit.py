"""`landfall audit`: who changed what, and whether the log of it is whole."""

from typing import Annotated, Any

import typer

from cli.console import FAILED, ago, emit, note, table
from cli.context import warehouse

app = typer.Typer(help="Who changed what, when and from where; and whether that log is whole.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]
LONGEST, MOST = 60, 5  # characters of a value and values of a row in the table; --json has all of it
FINDINGS = 20


@app.command("list")
def list_entries(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many rows, the latest first.")] = 20,
    object: Annotated[str | None, typer.Option(help="Only what begins so, as 'connection quickbooks/main'.")] = None,
    action: Annotated[str | None, typer.Option(help="Only what begins so, as connection. or run.started.")] = None,
    as_json: AsJson = False,
) -> None:
    """List changes of connections, configuration, assignments and schedules, and runs that people started.

    Example: landfall audit list --object 'connection quickbooks/main'
    """
    from warehouse.audit import entries

    with warehouse() as conn:
        rows = entries(conn, limit, object=object, action=action)
    if as_json:
        emit({"entries": rows})
        return
    shown = [
        {"#": row["id"], "when": ago(row["at"]), "who": row["actor"], "via": row["via"], "host": row["host"],
         "action": row["action"], "object": row["object"], "change": change(row["before"], row["after"])}
        for row in rows
    ]  # fmt: skip
    table("Audit log", shown, empty="Nothing has been changed yet.")


@app.command()
def verify(
    mark: Annotated[
        str | None, typer.Option(help="A mark that this command gave earlier: is everything up to it still there?")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every row of the log: changed, removed, added or moved ones are found; exit 1 then.

    \b
    Rows cut off at the end are found as long as ops.audit_head was left alone. To be sure of more than that, keep
    the mark that this prints somewhere else, and give it back later:

    \b
    landfall audit verify --json
    landfall audit verify --mark 42:9f86d0…
    """
    from warehouse.audit import verify as walk

    with warehouse() as conn:
        verdict = walk(conn, mark)
    if as_json:
        emit({"ok": verdict.ok, "rows": verdict.rows, "mark": verdict.mark, "findings": verdict.findings, "other_keys": verdict.other_keys})  # fmt: skip
    else:
        for finding in verdict.findings[:FINDINGS]:
            print(finding)
        if len(verdict.findings) > FINDINGS:
            print(f"… and {len(verdict.findings) - FINDINGS} more; --json has all")
        if verdict.other_keys:
            note(
                f"{verdict.other_keys} rows were sealed with another encryption key: of those the chain alone was checked"
            )
        print(f"{verdict.rows} rows, {'the chain holds' if verdict.ok else f'{len(verdict.findings)} findings'}")
        print(f"mark: {verdict.mark}")
    if not verdict.ok:
        raise typer.Exit(FAILED)


def change(before: dict[str, Any] | None, after: dict[str, Any] | None) -> str:
    """Say in words what a row's before and after come to: ``timeout_s: 60 → 90, client_secret: changed``."""
    old, new = before or {}, after or {}
    parts = []
    for name in {**old, **new}:
        if name in old and name in new and new[name] != "changed":
            parts.append(f"{name}: {_short(old[name])} → {_short(new[name])}")
        else:
            parts.append(f"{name}: {_short(new[name]) if name in new else f'{_short(old[name])} → gone'}")
    more = [f"{len(parts) - MOST} more"] if len(parts) > MOST else []
    return ", ".join(parts[:MOST] + more)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
