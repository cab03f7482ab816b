"""The entity sets of a simulated OData service: records in the order of their keys, and ways to change them."""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.odata_filter import Condition

Record = dict[str, Any]
Key = tuple[Any, ...]


@dataclass
class Shape:
    """A type: its name, Edm types by property, and the shapes of what can be expanded or is a list inside."""

    name: str
    fields: Mapping[str, str]
    key: tuple[str, ...] = ()
    navigation: Mapping[str, "Shape"] = field(default_factory=dict)
    inline: Mapping[str, "Shape"] = field(default_factory=dict)


def plain(_field: str, value: Any) -> Any:
    """Order values as they are."""
    return value


@dataclass
class EntitySet:
    """One set. ``collate`` gives the value by which the database orders and compares. ``changed`` is the property that
    `touch` sets, '' for none. ``function`` marks a virtual table, read at once.
    """

    name: str
    shape: Shape
    collate: Callable[[str, Any], Any] = plain
    changed: str = ""
    function: bool = False
    records: dict[Key, Record] = field(default_factory=dict)
    raw: dict[Key, str] = field(default_factory=dict)
    rendered: dict[Key, dict[Any, str]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _order: list[tuple[Any, Key]] | None = None

    def key(self, record: Mapping[str, Any]) -> Key:
        """The key of a record, in the shape's order."""
        return tuple(record[name] for name in self.shape.key)

    def put(self, *records: Record) -> None:
        """Add records, or replace those of the same key."""
        with self.lock:
            for record in records:
                key = self.key(record)
                self._order = self._order if key in self.records else None
                self.records[key] = record
                self._forget(key)

    def replace(self, records: dict[Key, Record]) -> None:
        """Hold these records and no others, nothing spoiled."""
        with self.lock:
            self.records, self._order = records, None
            self.raw.clear()
            self.rendered.clear()

    def keys(self) -> list[str]:
        """The keys, in their order; several fields joined by a slash."""
        return ["/".join(map(str, key)) for _, key in self.ordered()]

    def change(self, *key: Any, **values: Any) -> None:
        """Change a record and nothing else, not even its time of change."""
        with self.lock:
            self.records[key].update(values)
            self._forget(key)

    def touch(self, *key: Any, at: datetime) -> None:
        """Stamp a record as changed at this moment."""
        self.change(*key, **{self.changed: at})

    def delete(self, *key: Any) -> Record:
        """Take a record away for good, and return it."""
        with self.lock:
            self._order = None
            self._forget(key)
            return self.records.pop(key)

    def spoil(self, *key: Any, text: str | None) -> None:
        """Answer with this text in place of the record from now on; None: with the record again."""
        with self.lock:
            self.raw.pop(key, None)
            if text is not None:
                self.raw[key] = text

    def _forget(self, key: Key) -> None:
        self.rendered.pop(key, None)

    def ordered(self) -> list[tuple[Any, Key]]:
        """Collated key and key of every record, in order."""
        with self.lock:
            if self._order is None:
                names = self.shape.key or tuple(map(str, next(iter(self.records), ())))  # a virtual table has no key
                order = [
                    (tuple(self.collate(name, part) for name, part in zip(names, key, strict=True)), key)
                    for key in self.records
                ]
                self._order = sorted(order)
            return self._order

    def find(self, condition: Condition | None, orderby: Sequence[tuple[str, bool]]) -> Iterator[tuple[Key, Record]]:
        """The records that meet a condition, in an order: (property, descending) each, by key where it says nothing."""
        by_key = [name for name, _ in orderby] == list(self.shape.key[: len(orderby)])
        order = self.ordered()
        if by_key and not any(descending for _, descending in orderby):
            begin = self._begin(order, condition)
            keys = (order[at][1] for at in range(begin, len(order)))
            yield from self._met(keys, condition)
            return
        found = list(self._met((key for _, key in order), condition))
        for name, descending in reversed(orderby):
            found.sort(key=lambda each: _sortable(self.collate(name, each[1].get(name))), reverse=descending)
        yield from found

    def _met(self, keys: Iterator[Key], condition: Condition | None) -> Iterator[tuple[Key, Record]]:
        for key in keys:
            record = self.records.get(key)
            if record is not None and (condition is None or condition.test(record)):
                yield key, record

    def _begin(self, order: list[tuple[Any, Key]], condition: Condition | None) -> int:
        """Where the first record can be that is above what the condition says of the key's first field."""
        bound = condition.above.get(self.shape.key[0]) if condition and self.shape.key else None
        if bound is None:
            return 0
        inclusive, value = bound
        find = bisect_left if inclusive else bisect_right
        return find(order, value, key=lambda each: each[0][0])


def _sortable(value: Any) -> tuple[bool, Any]:
    return value is not None, value if value is not None else 0
