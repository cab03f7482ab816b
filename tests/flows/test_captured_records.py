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
COMPANIES = ["minimul__qbo_api", "fylein__fyle-qbo-api", "Boulevard__ExQuickBooks"]
ENTITIES = {"customer": "Customer", "vendor": "Vendor", "item": "Item", "invoice": "Invoice"}


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
        connect(company)
        state = refresh()
        records = {stream: _records(company, entity) for stream, entity in ENTITIES.items()}
    assert state.name == "Completed", state.message
    assert sum(counts.get(entity, 0) for entity in ENTITIES.values()) > 0
    walked = 0
    for stream in STREAMS:
        rows = {row["id"]: row for row in landed.execute(f'SELECT * FROM quickbooks."{stream.name}"').fetchall()}
        assert rows.keys() == records[stream.name].keys()
        for key, record in records[stream.name].items():
            walked += _check(landed, stream, record, rows[key])
    assert walked > 100


def _records(company: quickbooks.QuickBooks, entity: str) -> dict[str, Row]:
    texts = [company.store.row(entity, key).text for key in company.store.ids(entity)]
    records = [msgspec.json.decode(text) for text in texts]
    exact = [msgspec.json.Decoder(float_hook=Decimal).decode(text) for text in texts]
    return {record["Id"]: kept for record, kept in zip(records, exact, strict=True)}


def _check(landed: "psycopg.Connection[Row]", stream: Any, record: Row, row: Row) -> int:
    """Walk every leaf of the record; how many there were."""
    parent, *children = tables_of(stream)
    taken = {}
    for child, table in zip(stream.children, children, strict=True):
        for role in child.roles:
            if role in record:
                found = landed.execute(
                    f'SELECT * FROM quickbooks."{table.name}" WHERE owner_type = %s AND owner_id = %s AND role = %s',
                    (stream.name, record["Id"], role),
                ).fetchall()
                taken[(role,)] = [(table, found[0])]
        if child.path and child.path in record:
            found = landed.execute(
                f'SELECT * FROM quickbooks."{table.name}" WHERE invoice_id = %s ORDER BY index', (record["Id"],)
            ).fetchall()
            assert len(found) == len(record[child.path])
            taken[(child.path,)] = [(table, line) for line in found]
    walked = 0
    for path, value in _leaves(record):
        where = taken.get(path[:1])
        table, holder, rest = parent, row, path
        if where and isinstance(path[1], int):
            (table, holder), rest = where[path[1]], path[2:]
        elif where:
            (table, holder), rest = where[0], path[1:]
        assert _held(table, holder, rest, value), f"{stream.name} {record['Id']}: {path} = {value!r} is lost"
        walked += 1
    return walked


def _held(table: Any, row: Row, path: tuple[Any, ...], value: Any) -> bool:
    for column in table.columns:
        if split_path(column.source) == path:
            return _same(row[column.name], value)
    extra = row["_extra"]
    for part in path:
        extra = extra[part]
    return _same(extra, value)


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
