"""From a page of records to COPY lines: the fast way where it can, the careful way where it must."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from warehouse import careful
from warehouse.copying import MARKS
from warehouse.errors import PayloadTooDeep, RecordError, RowTooLarge
from warehouse.fast import Writer, compile_shape, filled_columns
from warehouse.shape import Path, learn, meet, meet_all, shape_of
from warehouse.table import StreamLike

MAX_RECORD_BYTES = 16 * 1024 * 1024  # a business record is a few kB; Postgres itself ends at 1 GB a value
# A number of so many digits is only looked for in records that are long enough to hide one.
_LONG_RECORD = 4096
_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 1000
_ESCAPED, _FIELD, _MISSING = MARKS
# Records that are looked through before the first is encoded, for the members that this source fills.
_SAMPLE = 100
# Making the fast way costs some milliseconds. Whoever fills a new member time and again gets it with all of them.
_MOST_MADE = 30


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record to be staged: its number in the run, whether its key has landed before, its fingerprint."""

    seq: int
    known: bool
    digest: str
    json: bytes
    key: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot land, and why."""

    record: Record
    error: RecordError


@dataclass(slots=True)
class Encoded:
    """COPY lines for each table (the parent's first), the names of their fields, and the records that have none."""

    columns: Sequence[Sequence[str]]
    lines: list[list[str]]
    refused: list[Refused] = field(default_factory=list)


class Encoder:
    """Encodes the records of one stream; it learns the fields that have no column as it meets them."""

    def __init__(self, stream: StreamLike, extras: Iterable[tuple[Path, Path]] = ()) -> None:
        self._shape = shape_of(stream, extras)
        self.tables = self._shape.tables
        self.discovered: list[tuple[Path, Path]] = []
        self.unlisted = self._shape.unlisted
        self._ways: dict[bool, tuple[Callable[[bytes], Any], Writer]] = {}
        self._made = 0
        self._null_met = False
        self._columns: tuple[tuple[str, ...], ...] = ()
        self._know_members()

    def encode(self, records: Sequence[Record]) -> Encoded:
        """COPY lines of the records; never raises for a record."""
        if not self._made:
            self._look_through(records[:: len(records) // _SAMPLE + 1])
        return self._page(records, self._either_way)

    def encode_carefully(self, records: Sequence[Record]) -> Encoded:
        """The same, looking at every value."""
        return self._page(records, self._careful)

    def _page(self, records: Sequence[Record], encode: Callable[[Record, Encoded], None]) -> Encoded:
        """Lines that all have the same fields: a record that fills another column makes the page begin anew."""
        while True:
            encoded = Encoded(self._columns, [[] for _ in self.tables])
            for record in records:
                encode(record, encoded)
                if encoded.columns is not self._columns:
                    break
            else:
                return encoded

    def _either_way(self, record: Record, encoded: Encoded) -> None:
        if not self._fast(record, encoded.lines):
            self._careful(record, encoded)

    def _fast(self, record: Record, outs: list[list[str]]) -> bool:
        json = record.json
        if len(json) > _LONG_RECORD and (len(json) > MAX_RECORD_BYTES or _LONG_NUMBER in json.translate(_AS_ZEROS)):
            return False
        if b"\\" in json or b"\n" in json or b"\t" in json or b"\r" in json:
            if b"\\u0000" in json or _ESCAPED in json or _FIELD in json or _MISSING in json:
                return False
            return self._write(record, outs, plain=False)
        # Looking for a null costs as much as decoding a tenth of the record, which finds it anyway. But where one was,
        # there is another as a rule.
        if self._null_met:
            self._null_met = b"null" in json
        if not self._null_met:
            if self._write(record, outs, plain=True):
                return True
            self._null_met = b"null" in json
        return self._null_met and self._write(record, outs, plain=False)

    def _write(self, record: Record, outs: list[list[str]], *, plain: bool) -> bool:
        decode, write = self._ways.get(plain) or self._make(plain)
        try:
            write(decode(record.json), record.seq, "t" if record.known else "f", record.digest, *outs)
        except (msgspec.MsgspecError, RecursionError, ValueError, ArithmeticError, RecordError):
            # Where a conversion cannot read a value, lines of the record may have been written already.
            _withdraw(record, outs)
            return False
        return True

    def _make(self, plain: bool) -> tuple[Callable[[bytes], Any], Writer]:
        self._made += 1
        if self._made == _MOST_MADE:
            meet_all(self._shape.root)
            self._know_members()
        way = self._ways[plain] = compile_shape(self._shape, plain=plain)
        return way

    def _look_through(self, records: Sequence[Record]) -> None:
        for record in records:
            if len(record.json) > MAX_RECORD_BYTES:
                continue
            with suppress(RecordError, RecursionError):
                meet(self._shape.root, careful.parse(record.json))
        self._know_members()

    def _know_members(self) -> None:
        """What is made of the members met so far is out of date."""
        self._ways.clear()
        self._shape.columns = filled_columns(self._shape)
        names = tuple(
            ("_seq", "_known", *(column.name for column in columns), "_row_hash", "_extra")
            for columns in self._shape.columns
        )
        if names != self._columns:
            self._columns = names

    def _careful(self, record: Record, encoded: Encoded) -> None:
        try:
            if len(record.json) > MAX_RECORD_BYTES:
                raise RowTooLarge(f"{len(record.json):,} bytes; the limit is {MAX_RECORD_BYTES:,}")
            value = careful.parse(record.json)
            if self._learn(value) and (encoded.columns is not self._columns or self._fast(record, encoded.lines)):
                return
            careful.write(self._shape, value, record.seq, "t" if record.known else "f", record.digest, encoded.lines)
        except RecordError as error:
            encoded.refused.append(Refused(record, error))
        except RecursionError:
            raise PayloadTooDeep("A record is nested too deeply to be read") from None

    def _learn(self, value: dict[str, object]) -> bool:
        new = [
            (scope, path)
            for scope, path in careful.unknown_paths(self._shape, value)
            if learn(self._shape, scope, path)
        ]
        self.discovered += [(scope.at, path) for scope, path in new]
        if meet(self._shape.root, value):
            self._know_members()
            return True
        return False


def _withdraw(record: Record, outs: list[list[str]]) -> None:
    for out in outs:
        while out and out[-1].startswith(f"{record.seq}\t"):
            out.pop()
