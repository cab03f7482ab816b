"""Records through the encoder, and what became of their fields: for the tests of conversions."""

import json
from typing import Annotated, Any

import msgspec

from connectors.stream import Child, Stream, column
from warehouse.encode import Encoded, Encoder, Record


def stream(children: tuple[Child, ...] = (), ignored: tuple[str, ...] = (), **columns: Any) -> Stream:
    """A stream of records with an id and these columns: the type, and a `Convert` or a path."""
    fields: list[Any] = [("id", Annotated[str, column("Id", source="id")])]
    for name, (python, said) in columns.items():
        paths = {"source": said} if isinstance(said, str) else {"source": name, "convert": said}
        fields.append((name, Annotated[python | None, column(name, **paths)], None))
    record = msgspec.defstruct("Made", fields, kw_only=True, namespace={"__doc__": "Made."})
    return Stream("made", "lab", record, ("id",), lambda _client, _cursor: iter(()), children, ignored=ignored)


def rows(made: Stream, *records: Any, carefully: bool = False) -> list[list[str]]:
    """The COPY fields of the columns and of ``_extra``; a record that is refused gives its error's class and column.

    Each record is encoded twice, so that both the way that learns and the way that knows are taken.
    """
    encoder = Encoder(made)
    found: list[list[str]] = []
    for _ in range(2):
        found = []
        for number, record in enumerate(records):
            text = record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False).encode()
            given_ = [Record(number, False, "0", text)]
            encoded = encoder.encode_carefully(given_) if carefully else encoder.encode(given_)
            if encoded.refused:
                assert not any(encoded.lines), "lines of a record that was refused"
                error = encoded.refused[0].error
                found.append([type(error).__name__, error.column])
            else:
                [(_, *fields, extra)] = fields_of(encoder, encoded, 0)
                found.append([*fields, extra if extra == "\\N" else _compact(extra)])
    return found


def fields_of(encoder: Encoder, encoded: Encoded, number: int) -> list[list[str]]:
    """The COPY fields of the columns of a table and of ``_extra``, of each of its lines; null where a line has none."""
    names = [*(column.name for column in encoder.tables[number].staged), "_extra"]
    lines = [
        dict(zip(encoded.columns[number], line.rstrip("\n").split("\t"), strict=True)) for line in encoded.lines[number]
    ]
    return [[line.get(name, "\\N") for name in names] for line in lines]


def _compact(extra: str) -> str:
    text = extra.replace("\\\\", "\\")
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
