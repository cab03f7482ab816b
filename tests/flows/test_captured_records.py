"""Recorded answers of real companies land through the whole flow, each record once, with every field."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import pytest

from connectors.quickbooks.streams import STREAMS
from sandbox import quickbooks
from tests.flows.conftest import UNLIMITED, fixtures_folder
from warehouse.shape import split_path
from warehouse.table import tables_of

Row = dict[str, Any]
COMPANIES = ["minimul__qbo_api", "fylein__fyle-qbo-api", "Boulevard__ExQuickBooks", "intuit-docs"]
ENTITIES = {stream.name: getattr(stream.pages.__self__, "entity", "CompanyInfo") for stream in STREAMS}  # type: ignore[attr-defined]


@pytest.mark.parametrize("folder", COMPANIES)
def test_every_leaf_of_every_recorded_record_is_in_a_column_or_in_extra(
    folder: str,
    landed: "psycopg.Connection[Row]",
    connect: Callable[..., None],
    refresh: Callable[..., Any],
) -> None:
    """An analyst finds each field of each real record in its row, exactly as it was recorded."""
    captures = fixtures_folder()
    with quickbooks.running(customers=0, vendors=0, items=0, invoices=0, limits=UNLIMITED) as company:
        counts = company.load_captures(captures, only=[folder])
        recorded = {stream: entity for stream, entity in ENTITIES.items() if counts.get(entity)}
        connect(company, entities=",".join(recorded))
        state = refresh()
        records = {stream: _records(company, entity) for stream, entity in recorded.items()}
    assert state.name == "Completed", state.message
    assert recorded
    walked = 0
    for stream in STREAMS:
        if stream.name not in recorded:
            continue
        rows = {row["id"]: row for row in landed.execute(f'SELECT * FROM quickbooks."{stream.name}"').fetchall()}
        assert rows.keys() == records[stream.name].keys(), stream.name
        for key, record in records[stream.name].items():
            walked += _check(landed, stream, record, rows[key])
    assert walked > 50


def _records(company: quickbooks.QuickBooks, entity: str) -> dict[str, Row]:
    texts = [company.store.row(entity, key).text for key in company.store.ids(entity)]  # type: ignore[union-attr]
    records = [msgspec.json.decode(text) for text in texts]
    exact = [msgspec.json.Decoder(float_hook=Decimal).decode(text) for text in texts]
    return {record["Id"]: kept for record, kept in zip(records, exact, strict=True)}


def _check(landed: "psycopg.Connection[Row]", stream: Any, record: Row, row: Row) -> int:
    """Walk every leaf of the record; how many there were."""
    parent, *children = tables_of(stream)
    taken: dict[tuple[Any, ...], tuple[Any, Row]] = {}  # path of an object with a row of its own: table and row
    for child, table in zip(stream.children, children, strict=True):
        names = f'quickbooks."{table.name}"'
        for role in child.roles:
            if role in record:
                found = landed.execute(
                    f"SELECT * FROM {names} WHERE owner_type = %s AND owner_id = %s AND role = %s",
                    (stream.name, record["Id"], role),
                ).fetchall()
                taken[(role,)] = (table, found[0])
        if child.path:
            found = landed.execute(f"SELECT * FROM {names} WHERE {child.key[0]} = %s", (record["Id"],)).fetchall()
            by_place = {tuple(each[name] for name in child.key[1:]): each for each in found}
            elements = dict(_elements(record, child.path.split(".")))
            assert len(elements) == len(by_place)
            for path in elements:
                taken[path] = (table, by_place[tuple(part for part in path if isinstance(part, int))])
    if "is_voided" in row:
        assert row["is_voided"] == (record["TotalAmt"] == 0 and "Voided" in record.get("PrivateNote", ""))
    walked = 0
    for path, value in _leaves(record):
        owner = max((at for at in taken if path[: len(at)] == at), key=len, default=())
        table, holder = taken.get(owner, (parent, row))
        assert _held(table, holder, path[len(owner) :], value), (
            f"{stream.name} {record['Id']}: {path} = {value!r} is lost"
        )
        walked += 1
    return walked


def _elements(value: Any, path: list[str], at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The elements of the list at a path, which may lead through other lists, by their own paths."""
    if isinstance(value, list):
        for index, inner in enumerate(value):
            if path:
                yield from _elements(inner, path, (*at, index))
            else:
                yield (*at, index), inner
    elif path and isinstance(value, dict) and path[0] in value:
        yield from _elements(value[path[0]], path[1:], (*at, path[0]))


def _held(table: Any, row: Row, path: tuple[Any, ...], value: Any) -> bool:
    for column in table.columns:
        source = split_path(column.source)
        if source == path:
            return _same(row[column.name], value)
        if source == path[: len(source)] and column.pg_type == "jsonb":
            return _same(_at(row[column.name], path[len(source) :]), value)
    return _same(_at(row["_extra"], path), value)


def _at(holder: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        holder = holder[part]
    return holder


def _same(stored: Any, value: Any) -> bool:
    if isinstance(stored, datetime):
        return stored == datetime.fromisoformat(value)
    if isinstance(stored, date):
        return stored == date.fromisoformat(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Decimal(str(stored)) == Decimal(str(value))
    return bool(stored == value)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value
