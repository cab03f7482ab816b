"""`landfall erp assign`, `unassign`, `assignments`: which ERP connection serves which client or site, and when."""

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from cli.console import emit, fail, note, table
from cli.context import warehouse

app = typer.Typer(help="Let an ERP connection serve a client or a site.", no_args_is_help=True)

DATA_TYPES = ("orders", "products", "order_status", "inventory", "employees", "invoices")
AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]
Id = Annotated[str, typer.Argument(help="Your id of it.")]
Connection = Annotated[str, typer.Option(help="The name of the ERP connection.")]
Catalog = Annotated[str | None, typer.Option(help="The catalog that is used there.")]
DataTypes = Annotated[str, typer.Option(help="What is exchanged, with commas; without: orders, products, order_status, inventory.")]  # fmt: skip
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Anything else. Repeat.")]
From = Annotated[str, typer.Option("--from", help="From when on, as 2026-05-04T10:30:00Z; without, now.")]
Until = Annotated[str, typer.Option(help="Until when; without, until further notice.")]


@app.command("client")
def assign_client(
    id: Id,
    connection: Connection,
    default: Annotated[
        bool, typer.Option("--default/--besides", help="Whether it serves sites without an own ERP.")
    ] = True,
    catalog: Catalog = None,
    data_types: DataTypes = "",
    settings: Settings = None,
    start: From = "",
    until: Until = "",
    as_json: AsJson = False,
) -> None:
    """Make a connection the default of a client; its sites inherit it unless they have their own.

    Example: landfall erp assign client globex --connection oracle-us --catalog us
    """
    _assign("client", id, connection, default, (catalog, data_types, settings, start, until), as_json=as_json)


@app.command("site")
def assign_site(
    id: Id,
    connection: Connection,
    override: Annotated[
        bool, typer.Option("--override/--besides", help="Whether it stands in for the default of the client.")
    ] = True,
    catalog: Catalog = None,
    data_types: DataTypes = "",
    settings: Settings = None,
    start: From = "",
    until: Until = "",
    as_json: AsJson = False,
) -> None:
    """Give a site an ERP of its own, instead of the default of its client.

    Example: landfall erp assign site paris --connection netsuite-eu --catalog eu --from 2027-01-01T00:00:00+01:00
    """
    _assign("site", id, connection, override, (catalog, data_types, settings, start, until), as_json=as_json)


def unassign(
    party: Annotated[str, typer.Argument(help="client or site")],
    id: Id,
    connection: Connection,
    at: Annotated[str, typer.Option(help="When it ends, as 2026-05-04T10:30:00Z; without, now.")] = "",
) -> None:
    """End that a connection serves a client or a site; what was stays as history.

    Example: landfall erp unassign site paris --connection netsuite-eu
    """
    from warehouse import erp_assignments
    from warehouse.audit import Origin

    with warehouse() as conn:
        ended = erp_assignments.unassign(conn, _party(party), id, connection, Origin.here(), moment(at))
    note(f"{connection} serves {party} {id} no more" if ended else f"{connection} did not serve {party} {id} then")


def assignments(
    party: Annotated[str, typer.Argument(help="client or site")] = "client",
    id: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """List who was, is and will be served by which connection. Example: landfall erp assignments site --id paris"""
    from warehouse import erp_assignments

    with warehouse() as conn:
        rows = erp_assignments.assignments(conn, _party(party), id)
    if as_json:
        emit({"assignments": rows})
        return
    table(
        f"Assignments of {party}s",
        rows,
        empty="Nothing is assigned yet: landfall erp assign client ID --connection NAME.",
    )


def check_data_types(names: list[str]) -> None:
    """End the command where a data type is not one that there is."""
    if wrong := [name for name in names if name not in DATA_TYPES]:
        fail(f"{', '.join(wrong)} is no data type; there are: {', '.join(DATA_TYPES)}.")


def moment(text: str) -> datetime | None:
    """Read a moment with its time zone; None for an empty text."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no time; write it as 2026-05-04T10:30:00Z.", code="BadTime")
    if found.tzinfo is None:
        fail(f"{text!r} has no time zone; add Z for UTC, or an offset such as +02:00.", code="BadTime")
    return found


def _assign(party: Any, id: str, connection: str, leads: bool, further: tuple[Any, ...], *, as_json: bool) -> None:
    from warehouse import erp_assignments
    from warehouse.audit import Origin

    catalog, data_types, settings, start, until = further
    names = [part.strip() for part in data_types.split(",") if part.strip()]
    check_data_types(names)
    given = erp_assignments.Assignment(
        connection, leads, catalog, names, _settings(settings or []), moment(start), moment(until)
    )
    with warehouse() as conn:
        number = erp_assignments.assign(conn, party, id, given, Origin.here())
        rows = [row for row in erp_assignments.assignments(conn, party, id) if row["id"] == number]
    if as_json:
        emit(rows[0])
        return
    note(f"{connection} serves {party} {id} from {rows[0]['valid_from']}")


def _settings(pairs: list[str]) -> dict[str, Any]:
    found = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            fail(f"--set {name} has no value: the form is --set KEY=VALUE.")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def _party(text: str) -> Any:
    if text not in ("client", "site"):
        fail(f"{text!r} is neither client nor site.")
    return text
