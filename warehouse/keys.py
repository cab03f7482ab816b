"""The keys of records that are not decoded yet."""

import json
from collections.abc import Sequence

import msgspec

from warehouse.careful import UNSTORABLE, clean
from warehouse.shape import split_path
from warehouse.table import StreamLike, table_of


class KeyReader:
    """Reads the key columns of the records of one stream."""

    def __init__(self, stream: StreamLike) -> None:
        table = table_of(stream.schema, stream.name, stream.record, stream.key)
        self._paths = [split_path(table.column(name).source) for name in stream.key]

    def read(self, records: Sequence[bytes], known: Sequence[str] | None) -> list[list[str]]:
        """A list of texts for each key column, empty text where a record has none.

        ``known`` are the keys where the connector has read them already. A key is taken as it is: nothing is
        trimmed, and `` 42`` is not ``42``.
        """
        columns = [list(known)] if known is not None else [[_read(r, path) for r in records] for path in self._paths]
        return [
            [clean(value) for value in column] if UNSTORABLE.search("".join(column)) else column for column in columns
        ]


def label(parts: Sequence[str]) -> str:
    """A key as one text: itself, or a JSON list of its parts; empty where a part is missing."""
    if not all(parts):
        return ""
    return parts[0] if len(parts) == 1 else json.dumps(list(parts), ensure_ascii=False)


def _read(record: bytes, path: Sequence[str]) -> str:
    try:
        value = msgspec.json.decode(record)
        for part in path:
            value = value[part]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return ""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
