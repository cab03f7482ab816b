"""The simulated company's records: each kept as the JSON bytes that are served, indexed by change time and by name."""

import json
import operator
import re
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

import msgspec

from sandbox import qbo_schema
from sandbox.clock import Clock, pacific, parse_time
from sandbox.qbo_errors import invalid_query
from sandbox.qbo_query import Condition, Query

Record = dict[str, Any]

encode = msgspec.json.Encoder(decimal_format="number").encode
CHANGED, CREATED = "MetaData.LastUpdatedTime", "MetaData.CreateTime"


class _Times(msgspec.Struct):
    LastUpdatedTime: str


class _Head(msgspec.Struct):
    Id: str
    MetaData: _Times
    Active: bool = True
    FullyQualifiedName: str = ""
    DisplayName: str = ""
    Name: str = ""


_head = msgspec.json.Decoder(_Head).decode


class Row:
    """One record: its served text and what the indexes need. ``spoiled``, if any, is served in place of ``text``."""

    __slots__ = ("active", "id", "name", "spoiled", "text", "updated")

    def __init__(self, text: bytes) -> None:
        head = _head(text)
        self.text = text
        self.spoiled: bytes | None = None
        self.id, self.active = head.Id, head.Active
        self.updated = parse_time(head.MetaData.LastUpdatedTime)
        self.name = head.FullyQualifiedName or head.DisplayName or head.Name

    @property
    def served(self) -> bytes:
        """The bytes that answers carry."""
        return self.text if self.spoiled is None else self.spoiled

    def load(self) -> Record:
        """Return the record; numbers that are not whole as Decimal, so that writing it gives the same text."""
        record: Record = json.loads(self.text, parse_float=Decimal)
        return record

    @property
    def change_order(self) -> tuple[int, int, str]:
        """Sorts by change time, then by id as a number."""
        return self.updated, len(self.id), self.id


class Table:
    """All records of one entity, and the ids that were deleted with the time of that."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.deleted: dict[str, int] = {}
        self._sorted: dict[str, list[Row]] = {}

    def put(self, row: Row) -> None:
        """Add a record or replace the one with its id."""
        self.rows[row.id] = row
        self.deleted.pop(row.id, None)
        self._sorted.clear()

    def remove(self, id_: str) -> None:
        """Take a record out without a trace."""
        del self.rows[id_]
        self._sorted.clear()

    def by_change(self) -> list[Row]:
        """Return the records, oldest change first."""
        if CHANGED not in self._sorted:
            self._sorted[CHANGED] = sorted(self.rows.values(), key=lambda row: row.change_order)
        return self._sorted[CHANGED]

    def by_name(self) -> list[Row]:
        """Return the records in the order of their full names, capitals before small letters as recorded."""
        if "name" not in self._sorted:
            self._sorted["name"] = sorted(self.rows.values(), key=lambda row: row.name)
        return self._sorted["name"]


class Store:
    """The records of one company; every method may be called from any thread while the server runs.

    Reads answer queries; the writes that a user of the vendor makes are in `sandbox.qbo_edit`.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self._tables: dict[str, Table] = {}
        self._last_ids: dict[str, int] = {}

    def table(self, entity: str) -> Table:
        """Return the table of an entity, made on first use."""
        return self._tables.setdefault(entity, Table())

    def put(self, entity: str, record: bytes | Mapping[str, Any]) -> str:
        """Store a record as it is (bytes are served verbatim) and return its id."""
        row = Row(record if isinstance(record, bytes) else encode(record))
        with self.lock:
            self.table(entity).put(row)
            if row.id.isdecimal():
                name = qbo_schema.sequence(entity)
                self._last_ids[name] = max(self._last_ids.get(name, 0), int(row.id))
        return row.id

    def next_id(self, entity: str) -> str:
        """Return an id that no record of the entity's sequence has or had."""
        name = qbo_schema.sequence(entity)
        with self.lock:
            self._last_ids[name] = self._last_ids.get(name, 0) + 1
            return str(self._last_ids[name])

    def row(self, entity: str, id_: str) -> Row | None:
        """Return the row with this id, if it is there."""
        return self.table(entity).rows.get(id_)

    def get(self, entity: str, id_: str) -> Record:
        """Return a record; KeyError if there is none."""
        return self.table(entity).rows[id_].load()

    def ids(self, entity: str, *, active_only: bool = False) -> list[str]:
        """Return the ids in the order in which they were first stored."""
        with self.lock:
            return [row.id for row in self.table(entity).rows.values() if row.active or not active_only]

    def select(self, query: Query) -> list[Row]:
        """Return the page of rows that a query asks for."""
        with self.lock:
            return list(islice(self._matching(query), query.start - 1, query.start - 1 + query.rows))

    def count(self, query: Query) -> int:
        """Return how many rows a query matches, whatever its page."""
        with self.lock:
            return sum(1 for _ in self._matching(query))

    def _matching(self, query: Query) -> Iterator[Row]:
        tests = [_test(condition, self.clock) for condition in query.where]
        names_active = any(condition.property == "Active" for condition in query.where)
        hides_inactive = query.entity in qbo_schema.NAME_LISTS and not names_active
        for row in self._ordered(query):
            if (row.active or not hides_inactive) and all(test(row) for test in tests):
                yield row

    def _ordered(self, query: Query) -> Iterable[Row]:
        table = self.table(query.entity)
        by_name = query.entity in qbo_schema.NAME_LISTS
        order = query.order or (("name", False) if by_name else (CHANGED, True))
        if order[0] == "name":
            return table.by_name()
        if order[0] == CHANGED:
            rows = _within(table.by_change(), query.where)
            return reversed(rows) if order[1] else rows
        return sorted(table.rows.values(), key=_sort_key(order[0]), reverse=order[1])


def _within(rows: list[Row], where: Iterable[Condition]) -> list[Row]:
    """Narrow rows that are in order of change to the bounds that a query gives, without looking at each."""
    low, high = 0, len(rows)
    for condition in where:
        if condition.property == CHANGED and condition.operator != "IN" and condition.operator != "LIKE":
            at = _moment(condition.values[0])
            if condition.operator in ("=", ">", ">="):
                find = bisect_right if condition.operator == ">" else bisect_left
                low = max(low, find(rows, at, key=lambda row: row.updated))
            if condition.operator in ("=", "<", "<="):
                find = bisect_left if condition.operator == "<" else bisect_right
                high = min(high, find(rows, at, key=lambda row: row.updated))
    return rows[low:high]


def _moment(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError:
        raise invalid_query(f"Invalid date value {text}") from None


def value_of(row: Row, name: str) -> Any:
    """Return the value that a query compares: of a reference its id, of an address or phone its text."""
    if name == "Id":
        return row.id
    if name == CHANGED:
        return row.updated
    if name == "Active":
        return row.active
    value: Any = row.load()
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value = value.get("value") or value.get("Address") or value.get("FreeFormNumber")
    return parse_time(value) if name == CREATED and isinstance(value, str) else value


def _sort_key(name: str) -> Callable[[Row], tuple[bool, Any, int]]:
    def key(row: Row) -> tuple[bool, Any, int]:
        value = int(row.id) if name == "Id" and row.id.isdecimal() else value_of(row, name)
        return value is not None, value.lower() if isinstance(value, str) else value or 0, len(row.id)

    return key


def _test(condition: Condition, clock: Clock) -> Callable[[Row], bool]:
    name, sign = condition.property, "=" if condition.operator == "IN" else condition.operator
    values = [pacific(clock.now())[:10] if v.lower() == "current_date" else v for v in condition.values]
    if sign == "LIKE":
        pattern = re.compile(".*".join(map(re.escape, values[0].split("%"))), re.IGNORECASE | re.DOTALL)
        return lambda row: pattern.fullmatch(str(value_of(row, name) or "")) is not None
    if name in ("Id", "Active"):
        wanted = frozenset(values if name == "Id" else (value.lower() == "true" for value in values))
        return lambda row: value_of(row, name) in wanted
    if name in (CHANGED, CREATED):
        moments = [_moment(value) for value in values]
        return lambda row: any(_SIGNS[sign](value_of(row, name), moment) for moment in moments)
    return lambda row: any(_compare(value_of(row, name), sign, value, name) for value in values)


_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def _compare(actual: Any, sign: str, literal: str, name: str) -> bool:
    if actual is None:
        return False
    if isinstance(actual, bool):
        return _SIGNS[sign](actual, literal.lower() == "true")
    if isinstance(actual, int | Decimal):
        try:
            return _SIGNS[sign](actual, Decimal(literal))
        except InvalidOperation:
            raise invalid_query(f"Invalid number value {literal} for property {name}") from None
    return _SIGNS[sign](str(actual).lower(), literal.lower())
