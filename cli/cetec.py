"""`landfall cetec`: what people tell Landfall about the backups of Cetec customers."""

import getpass
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.console import FAILED, ago, emit, fail, note, table
from cli.context import warehouse

app = typer.Typer(
    help="Backups of Cetec customers: who pulled them, and where those of residents are.", no_args_is_help=True
)

Connection = Annotated[str, typer.Option(help="The name of the Cetec connection.")]
AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]


@app.command("record-pull")
def record_pull(
    customer: Annotated[str, typer.Argument(help="The customer's id in Cetec.")],
    connection: Connection = "main",
    by: Annotated[str, typer.Option(help="Who pulled it; without, whoever is logged in here.")] = "",
    at: Annotated[str, typer.Option(help="When, as 2026-05-04T10:30:00Z; without, now.")] = "",
    remark: Annotated[str, typer.Option("--note", help="Anything worth knowing about it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Note that somebody pulled a customer's backup; the next run shows it as last_pulled_at.

    Example: landfall cetec record-pull 1042 --by night-shift
    """
    from warehouse import cetec

    moment = _moment(at) if at else datetime.now(UTC)
    who = by or getpass.getuser()
    with warehouse() as conn:
        name = cetec.customer_name(conn, connection, customer)
        if name is None:
            fail(
                f"No customer {customer} has landed from cetec/{connection}; look for its id in "
                "cetec.customer_current, as with: landfall psql -c 'TABLE cetec.customer_current'",
                code="UnknownCustomer",
                status=FAILED,
            )
        new = cetec.record_pull(conn, connection, customer, at=moment, by=who, note=remark or None)
    if as_json:
        emit({"customer": customer, "pulled_at": moment.isoformat(), "pulled_by": who, "recorded": new})
        return
    note(f"{'noted' if new else 'it was noted already'}: {who} pulled the backup of {name or customer} {ago(moment)}")


@app.command("import-pulls")
def import_pulls(
    file: Annotated[Path, typer.Argument(help="A JSON object: id of a customer to time of its last pull.")],
    connection: Connection = "main",
    by: Annotated[str, typer.Option(help="Who is said to have pulled them.")] = "imported",
    as_json: AsJson = False,
) -> None:
    """Take over the file pull-timestamps.json of the program that this replaces; doing it again changes nothing.

    Example: landfall cetec import-pulls data/pull-timestamps.json
    """
    from warehouse import cetec

    try:
        pulls = {str(key): _moment(str(value)) for key, value in json.loads(file.read_text()).items() if value}
    except (OSError, ValueError, AttributeError) as error:
        fail(f"{file} cannot be read as an object of ids and times: {error}.", code="BadFile", status=FAILED)
    with warehouse() as conn:
        new = sum(cetec.record_pull(conn, connection, key, at=at, by=by) for key, at in pulls.items())
    if as_json:
        emit({"read": len(pulls), "recorded": new})
        return
    note(f"{new} of {len(pulls)} pulls were new")


@app.command("map-resident")
def map_resident(
    domain: Annotated[str, typer.Argument(help="The domain of a customer who hosts its instance itself.")],
    schema: Annotated[str, typer.Argument(help="The schema in MySQL that holds its backup.")] = "",
    connection: Connection = "main",
    remove: Annotated[bool, typer.Option("--remove", help="Forget the mapping.")] = False,
) -> None:
    """Say which schema holds the backup of a customer who hosts its instance itself.

    Example: landfall cetec map-resident erp.alder.example erp_alder
    """
    from warehouse import cetec

    if bool(schema) == remove or not domain.strip():
        fail("Give a domain and either its schema or --remove.")
    with warehouse() as conn:
        cetec.map_resident(conn, connection, domain, None if remove else schema)
    note(f"{domain} is {'mapped to no schema' if remove else f'mapped to {schema}'}; the next run looks it up")


@app.command()
def residents(connection: Connection = "main", as_json: AsJson = False) -> None:
    """List the mapped domains. Example: landfall cetec residents"""
    from warehouse import cetec

    with warehouse() as conn:
        rows = [{"domain": key, "schema": value} for key, value in cetec.resident(conn, connection).items()]
    if as_json:
        emit({"residents": rows})
        return
    table("Resident customers", rows, empty="No domain is mapped yet: landfall cetec map-resident DOMAIN SCHEMA.")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no time; write it as 2026-05-04T10:30:00Z.", code="BadTime")
    if moment.tzinfo is None:
        fail(f"{text!r} has no time zone; add Z for UTC, or an offset such as +02:00.", code="BadTime")
    if moment > datetime.now(UTC):
        fail(f"{text!r} is in the future; a pull that has not happened cannot be noted.", code="BadTime")
    return moment
