"""`landfall microshare device`: a plan of one change, for a single device, made by hand."""

import getpass
import json
from typing import Annotated, Any
from uuid import uuid4

import typer

from cli.console import emit, fail, note
from cli.context import warehouse

app = typer.Typer(
    help="Create, change or delete one device: each makes a plan of one, which --apply approves and applies at once.",
    no_args_is_help=True,
)

Connection = Annotated[str, typer.Option(help="The name of the Microshare connection.")]
Location = Annotated[
    list[str] | None,
    typer.Option(help="An element of the location: customer, site, area, reference, … Repeat, in this order."),
]
Device = Annotated[str, typer.Argument(help="Its guid, id, EUI, reference or key (microshare.device.key).")]
Apply = Annotated[bool, typer.Option("--apply", help="Approve and apply the plan at once.")]
AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]

PLACEHOLDER = "00-00-00-00-00-00-00-00"  # what every device has until hardware is put up
SHORTEST, LONGEST = 3, 9


@app.command()
def create(
    cluster: Annotated[str, typer.Option(help="Id or name of the cluster that it goes to.")],
    location: Location = None,
    guid: Annotated[str, typer.Option(help="Its guid; without, a new one.")] = "",
    connection: Connection = "main",
    apply: Apply = False,
    as_json: AsJson = False,
) -> None:
    """Create a pending device in a cluster; its hardware is chosen where it is put up.

    Example: landfall microshare device create --cluster Traps --location Alder --location North --location Dock --location R7
    """
    from warehouse import microshare_device
    from warehouse.microshare_plan import NewItem

    elements = _location(location)
    name = guid or f"erp-device-{uuid4()}"
    made = {"id": PLACEHOLDER, "meta": {"location": elements}, "status": "pending", "guid": name}
    with warehouse() as conn:
        found = microshare_device.cluster(conn, connection, cluster)
        item = NewItem(
            "create", found["rec_type"], found["id"], f"guid:{name}", name, "asked for by hand",
            after=json.dumps(made, ensure_ascii=False), location=elements,
        )  # fmt: skip
    _plan(connection, item, apply=apply, as_json=as_json)


@app.command()
def update(
    device: Device,
    location: Location = None,
    guid: Annotated[str, typer.Option(help="Its new guid.")] = "",
    connection: Connection = "main",
    apply: Apply = False,
    as_json: AsJson = False,
) -> None:
    """Change the location or the guid of a device; all else belongs to whoever puts it up, and stays as it is.

    Example: landfall microshare device update erp-sync-7 --location Alder --location North --location Gate --location R7
    """
    if not location and not guid:
        fail("Say what changes: --location (repeat it for each element) or --guid.")
    elements = _location(location) if location else None
    with warehouse() as conn:
        found, item = _existing(conn, connection, device, "update")
    patch: dict[str, Any] = ({"meta": {"location": elements}} if elements else {}) | ({"guid": guid} if guid else {})
    from dataclasses import replace

    after = json.dumps(patch, ensure_ascii=False)
    item = replace(item, after=after, guid=guid or found["guid"], location=elements or found["location"])
    _plan(connection, item, apply=apply, as_json=as_json)


@app.command()
def delete(device: Device, connection: Connection = "main", apply: Apply = False, as_json: AsJson = False) -> None:
    """Delete a device; `landfall microshare plan undo` brings it back as it was.

    Example: landfall microshare device delete erp-sync-7 --apply
    """
    with warehouse() as conn:
        _, item = _existing(conn, connection, device, "delete")
    _plan(connection, item, apply=apply, as_json=as_json)


def _existing(conn: Any, connection: str, name: str, action: str) -> tuple[dict[str, Any], Any]:
    from warehouse import microshare_device
    from warehouse.microshare_plan import NewItem

    found = microshare_device.device(conn, connection, name)
    item = NewItem(
        action, found["rec_type"], found["cluster_id"], found["key"], found["guid"], "asked for by hand",
        before=found["raw"], point_id=found["point_id"],
    )  # fmt: skip
    return found, item


def _location(elements: list[str] | None) -> list[str]:
    if not elements or not SHORTEST <= len(elements) <= LONGEST:
        fail(f"A location has {SHORTEST} to {LONGEST} elements; repeat --location for each, customer first.")
    return elements


def _plan(connection: str, item: Any, *, apply: bool, as_json: bool) -> None:
    from warehouse import microshare_plan

    who = getpass.getuser()
    with warehouse() as conn:
        plan = microshare_plan.store(conn, connection, "device", who, [item])
        if apply:
            microshare_plan.approve(conn, plan, who)
        found = microshare_plan.plan(conn, plan)
    if apply:
        from cli.microshare import carry_out

        raise typer.Exit(carry_out(plan, as_json=as_json))
    if as_json:
        emit({"plan": found})
        return
    print(f"Plan {plan}: {item.action} {item.guid or item.device_key} in the cluster {item.cluster_id}")
    note(f"next: landfall microshare plan show {plan}, approve {plan}, apply {plan}")
