"""`landfall erp`: clients, sites, which ERP serves whom, what is configured, and figures."""

from typing import Annotated, Any

import typer

from cli import erp_assign, erp_map
from cli.console import ago, emit, fail, note, table
from cli.context import warehouse

app = typer.Typer(help="ERP systems: clients and sites, who serves whom, configuration, figures.", no_args_is_help=True)
client = typer.Typer(help="Companies whose sites ERP systems serve.", no_args_is_help=True)
site = typer.Typer(help="The sites (shops, plants, branches) of clients.", no_args_is_help=True)
config = typer.Typer(help="What a schedule does not hold, for each data type of a connection.", no_args_is_help=True)
app.add_typer(client, name="client")
app.add_typer(site, name="site")
app.add_typer(erp_assign.app, name="assign")
app.command("unassign")(erp_assign.unassign)
app.command("assignments")(erp_assign.assignments)
app.add_typer(config, name="config")
app.add_typer(erp_map.app, name="map")

AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]
Id = Annotated[str, typer.Argument(help="Your id of it.")]
Connection = Annotated[str, typer.Option(help="The name of the ERP connection.")]


@client.command("add")
def add_client(id: Id, name: Annotated[str, typer.Option(help="What people call it.")] = "") -> None:
    """Add a client, or rename one. Example: landfall erp client add globex --name 'Globex Retail'"""
    from warehouse import erp_assignments

    with warehouse() as conn:
        erp_assignments.add_client(conn, id, name or id, origin())
    note(f"client {id}; give it an ERP with: landfall erp assign client {id} --connection NAME")


@client.command("list")
def list_clients(as_json: AsJson = False) -> None:
    """List the clients and the ERP that is the default of each. Example: landfall erp client list"""
    from warehouse import erp_assignments

    with warehouse() as conn:
        rows = erp_assignments.clients(conn)
    if as_json:
        emit({"clients": rows})
        return
    table("Clients", rows, empty="No client yet: landfall erp client add ID.")


@client.command("remove")
def remove_client(id: Id) -> None:
    """Remove a client that has no sites any more; its history stays. Example: landfall erp client remove globex"""
    _remove("client", id)


@site.command("add")
def add_site(
    id: Id,
    client: Annotated[str, typer.Option(help="The client that it belongs to.")],
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
) -> None:
    """Add a site to a client, or rename one. Example: landfall erp site add paris --client globex --name Paris"""
    from warehouse import erp_assignments

    with warehouse() as conn:
        erp_assignments.add_site(conn, id, client, name or id, origin())
    note(f"site {id} of client {client}")


@site.command("list")
def list_sites(
    client: Annotated[str | None, typer.Option(help="Only the sites of this client.")] = None, as_json: AsJson = False
) -> None:
    """List the sites, which ERP serves each, and why. Example: landfall erp site list --client globex"""
    from warehouse import erp_assignments

    with warehouse() as conn:
        rows = erp_assignments.effective(conn, client)
    if as_json:
        emit({"sites": rows})
        return
    shown = [
        {"site": row["site_id"], "client": row["client_id"], "ERP": row["connection"], "of": row["source"],
         "status": row["status"], "catalog": row["catalog_id"], "why": row["why"]}
        for row in rows
    ]  # fmt: skip
    table("Sites and their ERP", shown, empty="No site yet: landfall erp site add ID --client CLIENT.")


@site.command("remove")
def remove_site(id: Id) -> None:
    """Remove a site and end what serves it; its history stays. Example: landfall erp site remove paris"""
    _remove("site", id)


@app.command()
def effective(
    site: Annotated[str, typer.Argument(help="The id of the site.")],
    at: Annotated[str, typer.Option(help="When, as 2026-05-04T10:30:00Z; without, now.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say which ERP serves a site, now or at some moment, and why.

    Example: landfall erp effective paris --at 2026-05-04T10:30:00Z
    """
    from warehouse import erp_assignments

    with warehouse() as conn:
        row = erp_assignments.effective_at(conn, site, erp_assign.moment(at))
    if as_json:
        emit(row)
        return
    print(f"{site}: {row['connection'] or 'no ERP'} ({row['why']})")


@config.command("set")
def set_config(
    data_type: Annotated[str, typer.Argument(help="orders, products, order_status, inventory, employees or invoices.")],
    connection: Connection = "main",
    direction: Annotated[
        str | None, typer.Option(help="pull, push or bidirectional (orders alone go both ways).")
    ] = None,
    enabled: Annotated[bool | None, typer.Option("--enabled/--disabled", help="Whether runs read it.")] = None,
    on_demand: Annotated[
        bool | None,
        typer.Option("--on-demand/--scheduled-only", help="Whether a person may run it besides its schedule."),
    ] = None,
    conflicts: Annotated[str | None, typer.Option(help="erp_wins, system_wins, newest_wins or manual.")] = None,
    as_json: AsJson = False,
) -> None:
    """Configure one data type of a connection; what is not given stays as it is.

    Example: landfall erp config set orders --connection plant --direction bidirectional --conflicts erp_wins
    """
    from warehouse import erp

    words = {"direction": ("pull", "push", "bidirectional"), "conflict_rule": ("erp_wins", "system_wins", "newest_wins", "manual")}  # fmt: skip
    given = {"direction": direction, "enabled": enabled, "on_demand": on_demand, "conflict_rule": conflicts}
    changes = {name: value for name, value in given.items() if value is not None}
    for name, known in words.items():
        if name in changes and changes[name] not in known:
            fail(f"{changes[name]!r} is none of {', '.join(known)}.")
    erp_assign.check_data_types([data_type])
    if changes.get("direction", "pull") != "pull":
        if data_type != "orders":
            fail(f"Only orders go both ways; {data_type} can be pulled alone.")
        note("Pushing orders to an ERP is noted, but not done yet: runs only read.")
    with warehouse() as conn:
        row = erp.configure(conn, connection, data_type, changes, origin())
    if as_json:
        emit({"connection": connection, "data_type": data_type, **row})
        return
    table(f"{connection}, {data_type}", [row])


@config.command("list")
def list_config(
    connection: Annotated[str | None, typer.Option(help="Only this connection.")] = None, as_json: AsJson = False
) -> None:
    """List what is configured; what is not listed is pulled, on schedule and on demand. Example: landfall erp config list"""
    from warehouse import erp

    with warehouse() as conn:
        rows = erp.configurations(conn, connection)
    if as_json:
        emit({"configurations": rows})
        return
    table("Configuration", rows, empty="Nothing is configured: everything is pulled, on schedule and on demand.")


@app.command()
def statistics(
    connection: Annotated[str | None, typer.Option(help="Only this connection.")] = None, as_json: AsJson = False
) -> None:
    """Show figures over the syncs that have ended: how many, how long, how much. Example: landfall erp statistics"""
    from warehouse import erp

    with warehouse() as conn:
        rows = erp.statistics(conn, connection)
    if as_json:
        emit({"statistics": rows})
        return
    shown = [
        {"connection": row["connection"], "data type": row["data_type"], "syncs": row["total_syncs"],
         "ok": row["successful_syncs"], "partial": row["partial_syncs"], "failed": row["failed_syncs"],
         "seconds": row["average_duration_s"], "last": ago(row["last_sync_at"]), "records": row["records_processed"]}
        for row in rows
    ]  # fmt: skip
    table("Syncs that have ended", shown, empty="No sync has ended yet: landfall run erp --connection NAME.")


def origin() -> Any:
    """Who is at this machine, for the audit log."""
    from warehouse.audit import Origin

    return Origin.here()


def _remove(party: Any, id: str) -> None:
    from warehouse import erp_assignments

    with warehouse() as conn:
        erp_assignments.remove(conn, party, id, origin())
    note(f"removed {party} {id}; its history stays")
