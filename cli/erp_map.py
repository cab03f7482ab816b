"""`landfall erp map`: whether a mapping is right, and what it makes of the source's records."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import FAILED, emit, fail, note, table
from cli.context import use_prefect

if TYPE_CHECKING:
    from connectors.erp.mapping import Binding, ErpMapping
    from warehouse.preview import Preview

app = typer.Typer(
    help="What an ERP's fields mean: check a mapping, see what it makes of records.", no_args_is_help=True
)

SHOWN = 10

Connection = Annotated[str, typer.Option(help="The name of the ERP connection.")]
DataTypes = Annotated[list[str] | None, typer.Option("--data-type", help="Only this; may be given several times.")]
AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]


@app.command()
def check(
    connection: Connection,
    data_type: DataTypes = None,
    offline: Annotated[bool, typer.Option(help="Do not ask the source what it has.")] = False,
    as_json: AsJson = False,
) -> None:
    """Name every mistake of a connection's mapping, with line and column. Exits 1 if there is one.

    Examples: landfall erp map check --connection sap

    landfall erp map check --connection sap --data-type products --offline
    """
    from connectors.errors import ConnectorError, MappingInvalid

    with _block(connection) as block:
        try:
            complaints = [] if offline else _missing(block, _bindings(block.erp_mapping(), data_type))
            checked = list(data_type or block.erp_mapping().data_types)
        except MappingInvalid as error:
            complaints, checked = [str(each) for each in error.complaints] or [str(error)], []
        except ConnectorError as error:
            fail(f"{error.code}: {error}", code=error.code, status=FAILED)
    for complaint in complaints:
        note(complaint)
    if as_json:
        emit({"connection": connection, "ok": not complaints, "data_types": checked, "complaints": complaints})
    elif not complaints:
        against = "" if offline else ", and the source has every field"
        print(f"The mapping of {connection} is right ({', '.join(checked)}){against}.")
    if complaints:
        raise typer.Exit(FAILED)


@app.command()
def preview(connection: Connection, data_type: DataTypes = None, as_json: AsJson = False) -> None:
    """Read ten records of each data type and show the rows that they become; nothing lands.

    Examples: landfall erp map preview --connection sap --data-type orders

    landfall erp map preview --connection sap --json
    """
    from connectors.errors import ConnectorError

    with _block(connection) as block:
        try:
            found = {each.data_type: _preview(block, each) for each in _bindings(block.erp_mapping(), data_type)}
        except ConnectorError as error:
            fail(f"{error.code}: {error}", code=error.code, status=FAILED)
    if as_json:
        emit({"connection": connection, "data_types": {name: _answer(each) for name, each in found.items()}})
        return
    for name, each in found.items():
        for title, rows in each.rows.items():
            filled = [column for column in (rows[0] if rows else {}) if any(row[column] is not None for row in rows)]
            table(f"{name} → erp.{title}", rows, filled, empty=f"{name}: no rows for erp.{title}")
        for sentence in each.refused:
            note(f"{name}: cannot land: {sentence}")
        for column, words in each.unlisted.items():
            note(f"{name}: the value map of {column} does not list: {', '.join(sorted(words))}")


def _answer(each: "Preview") -> dict[str, Any]:
    unlisted = {column: sorted(words) for column, words in each.unlisted.items()}
    return {"rows": each.rows, "refused": each.refused, "unlisted": unlisted}


@contextmanager
def _block(connection: str) -> Iterator[Any]:
    use_prefect()
    from blocks import systems
    from connectors.redact import install
    from warehouse.errors import WarehouseError

    install()
    try:
        block = systems.load_of("erp", connection)
    except (LookupError, WarehouseError) as error:
        fail(str(error), code=getattr(error, "code", "UnknownConnection"), status=FAILED)
    yield block


def _bindings(mapping: "ErpMapping", data_types: list[str] | None) -> "list[Binding]":
    return [mapping.binding(name) for name in data_types or mapping.data_types]


def _missing(block: Any, bindings: "list[Binding]") -> list[str]:
    complaints = []
    with block.client() as client:
        for binding in bindings:
            available = client.describe(binding.data_type, binding)
            if available is None:
                note(f"{binding.data_type}: the source does not tell which fields it has")
            else:
                complaints += [str(each) for each in binding.missing(available)]
    return complaints


def _preview(block: Any, binding: "Binding") -> "Preview":
    from connectors.erp.streams import stream
    from warehouse.preview import preview

    with block.client() as client:
        pages = client.pages(binding.data_type, None, binding)
        records = list(islice((bytes(record) for page in pages for record in page.records), SHOWN))
    return preview(stream(binding), records)
