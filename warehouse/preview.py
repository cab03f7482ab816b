"""What records would become, without landing any: the rows, as text, exactly as they would be copied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from warehouse.copying import NULL
from warehouse.encode import Encoder, Record
from warehouse.keys import KeyReader
from warehouse.table import StreamLike, Table

Row = dict[str, str | None]


@dataclass(slots=True)
class Preview:
    """Rows by table (the parent's first), sentences about records that could not land, and words that no map lists."""

    rows: dict[str, list[Row]]
    refused: list[str] = field(default_factory=list)
    unlisted: Mapping[str, set[str]] = field(default_factory=dict)


def preview(stream: StreamLike, records: Sequence[bytes]) -> Preview:
    """The rows of these records."""
    encoder = Encoder(stream)
    keys = KeyReader(stream).read(records, None)
    shown = Preview({table.name: [] for table in encoder.tables}, unlisted=encoder.unlisted)
    for number, record in enumerate(records):
        key = [column[number] for column in keys]
        if not all(key):
            shown.refused.append(f"record {number + 1} has no {' or '.join(stream.key)}")
            continue
        encoded = encoder.encode_carefully([Record(number, False, "", record)])
        for each in encoded.refused:
            shown.refused.append(f"{'/'.join(key)}: {each.error.code}: {each.error}")
        for table, names, lines in zip(encoder.tables, encoded.columns, encoded.lines, strict=True):
            shown.rows[table.name] += [_row(table, names, line) for line in lines]
    return shown


def _row(table: Table, names: Sequence[str], line: str) -> Row:
    fields = dict(zip(names, map(_value, line.rstrip("\n").split("\t")), strict=True))
    return {name: fields.get(name) for name in (*(column.name for column in table.staged), "_extra")}


def _value(field_: str) -> str | None:
    if field_ == NULL:
        return None
    parts = field_.split("\\\\")
    return "\\".join(part.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r") for part in parts)
