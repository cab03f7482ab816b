"""`landfall connections`: list, show, test, activate, deactivate, delete."""

from typing import Annotated, Any

import typer

from cli.connect import finish
from cli.console import emit, note, table
from cli.context import use_prefect, warehouse

app = typer.Typer(help="List, show, test, deactivate and delete connections.", no_args_is_help=True)

System = Annotated[str, typer.Argument(help="The kind of system, such as quickbooks.")]
Name = Annotated[str, typer.Argument(help="The name of the connection.")]
AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]


@app.command("list")
def list_connections(as_json: AsJson = False) -> None:
    """List all connections. Example: landfall connections list"""
    use_prefect()
    from blocks import systems
    from warehouse import connections

    with warehouse() as conn:
        rows = connections.list_all(conn)
    known = {(row["kind"], row["name"]) for row in rows}
    # A block that was made in the UI and never used is a connection too.
    saved = {(system, name) for system in systems.names() for name in systems.connections(system)}
    rows += [{"kind": system, "name": name, "status": "not used yet"} for system, name in sorted(saved - known)]
    if as_json:
        emit({"connections": rows})
        return
    columns = ("kind", "name", "type", "status", "identity")
    table("Connections", rows, columns, empty="No connection yet: landfall connect SYSTEM --name NAME.")


@app.command()
def show(system: System, name: Name, as_json: AsJson = False) -> None:
    """Show the fields of a connection, secrets as stars. Example: landfall connections show quickbooks main"""
    use_prefect()
    from blocks import systems
    from warehouse import connections

    block = systems.load(system, name)
    values = {field.name: str(getattr(block, field.name)) for field in systems.fields(system)}
    with warehouse() as conn:
        row: dict[str, Any] | None = connections.show(conn, system, name)
    if as_json:
        emit({"system": system, "name": name, "fields": values, "connection": row})
        return
    table(f"{system}/{name}", [{"field": key, "value": value} for key, value in values.items()])
    status = row["status"] if row else "not used yet"
    print(f"status: {status}")


@app.command("test")
def ask(system: System, name: Name, as_json: AsJson = False) -> None:
    """Ask the system whether the credentials work. Example: landfall connections test quickbooks main"""
    use_prefect()
    finish(system, name, test=True, as_json=as_json)


@app.command()
def deactivate(system: System, name: Name) -> None:
    """Refuse runs until it is activated again. Example: landfall connections deactivate quickbooks main"""
    _switch(system, name, "deactivated")


@app.command()
def activate(system: System, name: Name) -> None:
    """Allow runs on a connection again. Example: landfall connections activate quickbooks main"""
    _switch(system, name, "activated")


@app.command()
def delete(
    system: System,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a connection: its block, tokens and schedules. What has landed stays.

    Example: landfall connections delete quickbooks main --yes
    """
    use_prefect()
    from blocks import systems
    from deployments import schedules
    from tasks.origin import origin
    from warehouse import audit, connections

    if name not in systems.connections(system):
        systems.load(system, name)  # says which connections there are
    if not yes:
        typer.confirm(f"Delete {system}/{name}, its tokens and its schedules?", abort=True)
    ended = schedules.remove_all(system, name)
    for deployment in ended:
        note(f"removed {deployment}")
    systems.delete(system, name)
    with warehouse() as conn:
        for deployment in ended:
            audit.append(conn, origin(), "schedule.removed", f"schedule {deployment}")
        connections.delete(conn, system, name, origin())
    note(f"deleted the connection {system}/{name}; the rows that it landed are still there")


def _switch(system: str, name: str, event: str) -> None:
    use_prefect()
    from blocks import systems
    from tasks.connection import note_connection
    from tasks.origin import origin
    from warehouse import connections

    note_connection(system, name, systems.load(system, name))
    with warehouse() as conn:
        status = connections.happened(conn, system, name, event, origin())
    note(f"{system}/{name} is {status}")
