"""The keys of records that are not decoded yet."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from warehouse.careful import made_of, parse
from warehouse.coerce import UNSTORABLE, parse_json
from warehouse.errors import RecordError
from warehouse.shape import Path, split_path
from warehouse.table import StreamLike, table_of

# Postgres takes 2,704 bytes in an index entry, for the whole key; children add theirs.
MAX_KEY_BYTES = 1000


class KeyReader:
    """Reads the key columns of the records of one stream."""

    def __init__(self, stream: StreamLike) -> None:
        table = table_of(stream.schema, stream.name, stream.record, stream.key)
        columns = [table.column(name) for name in stream.key]
        if odd := [column.name for column in columns if column.python is not str]:
            raise TypeError(f"{stream.schema}.{stream.name}: the key {', '.join(odd)} must be text, as all ids are")
        self._columns = columns
        self._paths = [split_path(path) for column in columns for path in column.paths]
        self._attributes = _attributes(self._paths)
        self._decoder = msgspec.json.Decoder(_wire(self._paths))
        self._plain = all(column.convert is None for column in columns)

    def read(self, records: Sequence[msgspec.Raw | bytes], known: Sequence[str] | None) -> list[list[str]]:
        """A list of texts for each key column, empty text where a record has none that can be stored.

        ``known`` are the keys where the connector has read them already. A key is taken as it is: nothing is
        trimmed, `` 42`` is not ``42``, and a number is the text that the source wrote.
        """
        if known is not None:
            return self.split(known)
        rows = [self._read(bytes(record)) for record in records]
        return [_clean([row[at] for row in rows]) for at in range(len(self._columns))]

    def split(self, labels: Sequence[str]) -> list[list[str]]:
        """A list of texts for each key column, of keys as `label` writes them."""
        if len(self._columns) == 1:
            return [_clean(list(labels))]
        rows = [json.loads(text) if text else [""] * len(self._columns) for text in labels]
        return [_clean([row[at] for row in rows]) for at in range(len(self._columns))]

    def _read(self, record: bytes) -> list[str]:
        try:
            value = self._decoder.decode(record)
            if self._plain:
                return [_text(value, attributes) for attributes in self._attributes]
            return self._converted([_value(value, attributes) for attributes in self._attributes])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._read_carefully(record)

    def _read_carefully(self, record: bytes) -> list[str]:
        try:
            value = parse(record)
        except RecordError:
            return [""] * len(self._columns)
        found = []
        for path in self._paths:
            part: Any = value
            for name in path:
                part = part.get(name) if isinstance(part, dict) else None
            found.append(part)
        if self._plain:
            return [part if isinstance(part, str) else "" for part in found]
        return self._converted(found)

    def _converted(self, values: list[Any]) -> list[str]:
        """The key columns of the values at all paths; empty text where they make no key."""
        keys, at = [], 0
        for column in self._columns:
            own = values[at : at + len(column.paths)]
            at += len(own)
            try:
                keys.append(made_of(column, own, lambda _column, _value: None) or "")
            except RecordError:
                keys.append("")
        return keys


def label(parts: Sequence[str]) -> str:
    """A key as one text: itself, or a JSON list of its parts; empty where a part is missing."""
    if not all(parts):
        return ""
    return parts[0] if len(parts) == 1 else json.dumps(list(parts), ensure_ascii=False)


def _wire(paths: Sequence[Path]) -> type[msgspec.Struct]:
    """A msgspec type that keeps the members on the way to the keys, as written, and skips all others."""
    below: dict[str, list[Path]] = {}
    for first, *rest in paths:
        below.setdefault(first, []).append(tuple(rest))
    # Raw takes null too, and a union with it nothing but null.
    fields: list[Any] = [
        (f"f{at}", _wire(rest) | None if all(rest) else msgspec.Raw, None) for at, rest in enumerate(below.values())
    ]
    return msgspec.defstruct("Key", fields, rename={f"f{at}": name for at, name in enumerate(below)})


def _attributes(paths: Sequence[Path]) -> list[tuple[str, ...]]:
    """For each path its attributes in the type that `_wire` makes."""
    names = list(dict.fromkeys(path[0] for path in paths))
    found = []
    for path in paths:
        own = f"f{names.index(path[0])}"
        same = [other[1:] for other in paths if other[0] == path[0]]
        found.append((own, *_attributes(same)[same.index(path[1:])]) if len(path) > 1 else (own,))
    return found


def _value(value: Any, attributes: Sequence[str]) -> Any:
    raw = _raw(value, attributes)
    # Most are texts that say what they say.
    return raw[1:-1].decode() if raw[:1] == b'"' and b"\\" not in raw else parse_json(raw) if raw else None


def _raw(value: Any, attributes: Sequence[str]) -> bytes:
    for name in attributes:
        value = getattr(value, name) if value is not None else None
    return bytes(value or b"")


def _text(value: Any, attributes: Sequence[str]) -> str:
    raw = _raw(value, attributes)
    if raw[:1] == b'"':
        return str(msgspec.json.decode(raw, type=str))
    return raw.decode() if raw[:1].isdigit() or raw[:1] == b"-" else ""


def _clean(column: list[str]) -> list[str]:
    """Keys that no text of Postgres can hold become empty: cleaned, two of them could become one."""
    if not UNSTORABLE.search("".join(column)):
        return column
    return ["" if UNSTORABLE.search(value) else value for value in column]
