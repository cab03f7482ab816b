"""Rows of CSV files and of files with columns of fixed width."""

import csv
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec

from connectors.erp.sftp_read import Read, Span, span
from connectors.errors import FileInvalid, IncompleteFile
from connectors.stream import Unreadable

Row = dict[str, Any] | Unreadable
CELL_LIMIT = 16 * 1024 * 1024


class Lines:
    """The lines of a text with their ends, remembering the last."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.last, self.number = lines, "", 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.last = line
            self.number += 1
            yield line

    @property
    def cut(self) -> bool:
        """Whether the last line has no end."""
        return bool(self.last) and not self.last.endswith(("\n", "\r"))


class Totals:
    """Counts rows and sums columns as they go by, and compares with what the last line promises."""

    def __init__(self, read: Read) -> None:
        self.trailer = read.trailer
        self.count = 0
        self.sums = dict.fromkeys(read.trailer.totals if read.trailer else (), Decimal(0))
        self.promised: dict[str, str] | None = None

    def add(self, row: Row) -> None:
        """One more row."""
        self.count += 1
        if isinstance(row, dict):
            for name in self.sums:
                self.sums[name] += self._number(str(row.get(name, "")).strip() or "0", name)

    def promise(self, cells: dict[str, str]) -> None:
        """Take the last line for what it says: ``""`` is the count."""
        self.promised = cells

    def check(self, name: str) -> None:
        """Raise IncompleteFile where the rows are others than promised, or no promise came."""
        if self.trailer is None:
            return
        if self.promised is None:
            raise IncompleteFile(f"{name} has no last line that begins with {self.trailer.starts!r}.")
        for column, text in self.promised.items():
            said = self._number(text.strip(), column or "the count")
            found = Decimal(self.count) if not column else self.sums[column]
            if said != found:
                what = f"sum of {column}" if column else "number of rows"
                raise IncompleteFile(f"{name}: its last line says that the {what} is {said}, but it is {found}.")

    def _number(self, text: str, what: str) -> Decimal:
        assert self.trailer is not None
        plain = text.replace(self.trailer.group, "") if self.trailer.group else text
        try:
            return Decimal(plain.replace(self.trailer.decimal, "."))
        except InvalidOperation:
            raise IncompleteFile(f"{text[:40]!r} cannot be summed up as a number ({what}).") from None


def places_of(read: Read) -> dict[str, Span]:
    """Where the trailer has each number; ``""`` is the count."""
    trailer = read.trailer
    if trailer is None:
        return {}
    return {**trailer.totals, **({"": trailer.count} if trailer.count is not None else {})}


def csv_header(path: Path, read: Read, name: str) -> list[str]:
    """The names of the columns: the mapping's own, or the first line."""
    if read.columns:
        return list(read.columns)
    with path.open(encoding=_codec(read), newline="") as text:
        _skip(text, read)
        lines = Lines(text)
        header = next(_whole(_reader(lines, read), name, lines), None)
    if header is None:
        raise IncompleteFile(f"{name} is empty, without even the names of its columns.")
    header = [each.strip() for each in header]
    if len(set(header)) < len(header) or "" in header:
        raise FileInvalid(
            f"{name}: the columns in its first line have no names, or the same: {', '.join(header)[:200]}."
        )
    return header


def csv_rows(path: Path, read: Read, name: str, totals: Totals) -> Iterator[Row]:
    """The rows of a CSV file; one with another number of fields than columns is `Unreadable`."""
    header = csv_header(path, read, name)
    with path.open(encoding=_codec(read), newline="") as text:
        _skip(text, read)
        lines = Lines(text)
        reader = _reader(lines, read)
        if not read.columns:
            next(reader)
        for cells in _whole(reader, name, lines):
            if totals.promised is not None:
                raise IncompleteFile(f"{name} goes on behind its last line, on line {reader.line_num + read.skip}.")
            if read.trailer and cells and cells[0] == read.trailer.starts:
                totals.promise({column: _cell(cells, place, name) for column, place in places_of(read).items()})
            elif len(cells) == len(header):
                yield _counted(totals, dict(zip(header, cells, strict=True)))
            elif cells:  # an empty line is nothing
                at = reader.line_num + read.skip
                why = f"{name}, line {at}: {len(cells)} fields, but there are {len(header)} columns"
                yield _counted(
                    totals, Unreadable(msgspec.json.encode({"file": name, "line": at, "fields": cells}), why)
                )
        _check_end(lines, read, name)


def fixed_rows(path: Path, read: Read, name: str, totals: Totals) -> Iterator[Row]:
    """The rows of a file with columns of fixed width, counted in characters or in bytes."""
    width = read.width or max(end for _, end in read.spans.values())
    with path.open("rb") as raw:
        lines = _byte_lines(raw, read) if read.unit == "byte" else _char_lines(path, read)
        for number, (line, cut) in enumerate(lines, 1):
            if number <= read.skip or not line:
                continue
            if totals.promised is not None:
                raise IncompleteFile(f"{name} goes on behind its last line, on line {number}.")
            if read.trailer and _text(line, 0, len(line), read).startswith(read.trailer.starts):
                totals.promise({each: _text(line, *span(place), read) for each, place in places_of(read).items()})
            elif cut and read.final_newline and not read.trailer:
                raise IncompleteFile(f"{name} ends within line {number}, without the end of a line.")
            elif len(line) < width:
                why = f"{name}, line {number}: {len(line)} {read.unit}s, but there should be {width}"
                whole = {"file": name, "line": number, "text": _text(line, 0, len(line), read)}
                yield _counted(totals, Unreadable(msgspec.json.encode(whole), why))
            else:
                yield _counted(totals, {each: _text(line, *place, read) for each, place in read.spans.items()})


def grouped(rows: Iterable[Row], keys: list[str], lines: str) -> Iterator[Row]:
    """Rows that follow each other with the same key as one record: the first, with all of them as its list of lines."""
    record: dict[str, Any] | None = None
    for row in rows:
        if isinstance(row, Unreadable):
            yield row
        elif record is not None and all(record.get(key) == row.get(key) for key in keys):
            record[lines].append(row)
        else:
            if record is not None:
                yield record
            record = {**row, lines: [row]}
    if record is not None:
        yield record


def _counted(totals: Totals, row: Row) -> Row:
    totals.add(row)
    return row


def _codec(read: Read) -> str:
    return "utf-8-sig" if read.encoding.lower() in ("utf-8", "utf8") else read.encoding


def _skip(text: Iterator[str], read: Read) -> None:
    for _ in range(read.skip):
        next(text, None)


def _reader(lines: Lines, read: Read) -> Any:
    csv.field_size_limit(CELL_LIMIT)
    if not read.quote:
        return csv.reader(iter(lines), delimiter=read.delimiter, quoting=csv.QUOTE_NONE, strict=True)
    return csv.reader(iter(lines), delimiter=read.delimiter, quotechar=read.quote, strict=True)


def _whole(reader: Any, name: str, lines: Lines) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        if "end of data" in str(error):
            raise IncompleteFile(f"{name} ends within a quoted field, on line {lines.number}.") from None
        raise FileInvalid(f"{name}, line {lines.number}: {error}.") from None


def _check_end(lines: Lines, read: Read, name: str) -> None:
    if lines.cut and read.final_newline and not read.trailer:
        raise IncompleteFile(
            f"{name} ends within line {lines.number + read.skip}, without the end of a line (if its sender writes files "
            "so, say `final_newline: false` in the mapping, best with a marker or a trailer)."
        )


def _cell(cells: list[str], place: Span, name: str) -> str:
    try:
        return cells[int(place) - 1]
    except (IndexError, ValueError):
        raise IncompleteFile(f"{name}: its last line has no field {place}.") from None


def _char_lines(path: Path, read: Read) -> Iterator[tuple[str | bytes, bool]]:
    with path.open(encoding=_codec(read), newline="") as text:
        for line in text:
            yield line.rstrip("\r\n"), not line.endswith(("\n", "\r"))


def _byte_lines(raw: Iterable[bytes], read: Read) -> Iterator[tuple[str | bytes, bool]]:
    for line in raw:
        yield line.rstrip(b"\r\n"), not line.endswith(b"\n")


def _text(line: str | bytes, begin: int, end: int, read: Read) -> str:
    part = line[begin:end]
    return part if isinstance(part, str) else part.decode(read.encoding)
