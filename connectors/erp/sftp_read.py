"""What a mapping's ``read`` says of files, for the kind sftp. docs/erp-sftp.md describes it for people."""

import codecs
import re
from typing import Literal

import msgspec

from connectors.erp.mapping import Binding
from connectors.errors import MappingInvalid, NotMapped

Span = str | int


class Trailer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A last line that says what the file holds: where the count of rows and sums of columns stand in it.

    In CSV a place is the number of a field, from 1; in files of fixed width a range of columns (``3-10``).
    """

    starts: str
    count: Span | None = None
    totals: dict[str, Span] = {}
    decimal: str = "."
    group: str = ""


class Read(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``read`` of a data type."""

    files: str
    format: Literal["csv", "fixed", "xml", "json", "jsonl"] = "csv"
    content: Literal["delta", "snapshot"] = "delta"
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    skip: int = 0
    columns: list[str] | dict[str, Span] = []
    unit: Literal["char", "byte"] = "char"
    width: int = 0
    record: str = ""
    lists: list[str] = []
    group: list[str] = []
    trailer: Trailer | None = None
    final_newline: bool = True
    marker: str = ""

    @property
    def spans(self) -> dict[str, tuple[int, int]]:
        """The columns of a file of fixed width: from (0 is the first) and to (not included)."""
        return {name: span(value) for name, value in self.columns.items()} if isinstance(self.columns, dict) else {}


def span(value: Span) -> tuple[int, int]:
    """``3-10`` as it is written for people: from 1, both ends included."""
    first, _, last = str(value).partition("-")
    return int(first) - 1, int(last or first)


def read_of(binding: Binding) -> Read:
    """The ``read`` of a data type; NotMapped where there is none, MappingInvalid for mistakes."""
    if not binding.read:
        raise NotMapped(f"The mapping's {binding.data_type} says in no `read` which files hold them.")
    try:
        read = msgspec.convert(dict(binding.read), Read)
    except msgspec.ValidationError as error:
        raise MappingInvalid(f"{next(iter(binding.read_at.values()))}: read of {binding.data_type}: {error}") from None
    if name := _mistake(read):
        raise binding.refuse(*name)
    return read


def _mistake(read: Read) -> tuple[str, str] | None:
    """Name and complaint of the first mistake."""
    try:
        codecs.lookup(read.encoding)
    except LookupError:
        return "encoding", f"{read.encoding!r} is none that is known; for example utf-8, utf-16, cp1251, latin-1"
    if "/" in read.files:
        return "files", "is a pattern of names in the inbox, without a folder"
    if len(read.delimiter) != 1 or len(read.quote) > 1:
        return "delimiter", "and quote are one character each"
    if read.marker and ("/" in read.marker or not read.marker.startswith(".")):
        return "marker", "is what the name of the marker has behind that of the file, such as .done"
    if read.format == "fixed":
        return _mistake_of_fixed(read)
    if read.trailer and read.format != "csv":
        return "trailer", "is for CSV and fixed width"
    if isinstance(read.columns, dict):
        return "columns", "are a list of names; ranges are for fixed width"
    return (
        ("record", "says which element of the XML is a record: Products.Product")
        if read.format == "xml" and not read.record
        else None
    )


def _mistake_of_fixed(read: Read) -> tuple[str, str] | None:
    places = list(read.columns.values()) if isinstance(read.columns, dict) else []
    if read.trailer:
        places += [*read.trailer.totals.values(), *([read.trailer.count] if read.trailer.count is not None else [])]
    if not isinstance(read.columns, dict) or not read.columns:
        return "columns", "say where each begins and ends: {SKU: 1-10, NAME: 11-40}"
    for place in places:
        if not re.fullmatch("[1-9][0-9]*(-[1-9][0-9]*)?", str(place)) or span(place)[0] >= span(place)[1]:
            return "columns", f"has {place!r}, which is no range such as 11-40"
    if read.unit == "byte" and read.encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32")):
        return "unit", "cannot be byte where a character has several"
    return None
