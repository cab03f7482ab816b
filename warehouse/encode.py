"""From a page of records to COPY lines: the fast way where it can, the careful way where it must."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from warehouse import careful
from warehouse.copying import MARKS
from warehouse.errors import PayloadTooDeep, RecordError, RowTooLarge
from warehouse.fast import Writer, compile_shape
from warehouse.shape import Path, learn, shape_of
from warehouse.table import StreamLike

MAX_RECORD_BYTES = 16 * 1024 * 1024  # a business record is a few kB; Postgres itself ends at 1 GB a value
# A number of so many digits is only looked for in records that are long enough to hide one.
_LONG_RECORD = 4096
_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 1000


@dataclass(frozen=True, slots=True)
class Record:
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
    """COPY lines for each table (the parent's first) and the records that have none."""

    lines: list[list[str]]
    refused: list[Refused] = field(default_factory=list)


class Encoder:
    """Encodes the records of one stream; it learns the fields that have no column as it meets them."""

    def __init__(self, stream: StreamLike, extras: Iterable[tuple[Path, Path]] = ()) -> None:
        self._shape = shape_of(stream, extras)
        self.tables = self._shape.tables
        self.discovered: list[tuple[Path, Path]] = []
        self.unlisted = self._shape.unlisted

    def encode(self, records: Sequence[Record]) -> Encoded:
        """COPY lines of the records; never raises for a record."""
        encoded = Encoded([[] for _ in self.tables])
        for record in records:
            if not self._fast(record, encoded.lines):
                self._careful(record, encoded)
        return encoded

    def encode_carefully(self, records: Sequence[Record]) -> Encoded:
        """The same, looking at every value."""
        encoded = Encoded([[] for _ in self.tables])
        for record in records:
            self._careful(record, encoded)
        return encoded

    @cached_property
    def _compiled(self) -> "tuple[msgspec.json.Decoder[Any], Writer, Writer]":
        """Made for the first record, since most hours bring none."""
        return compile_shape(self._shape)

    def _fast(self, record: Record, outs: list[list[str]]) -> bool:
        json = record.json
        if len(json) > _LONG_RECORD and (len(json) > MAX_RECORD_BYTES or _LONG_NUMBER in json.translate(_AS_ZEROS)):
            return False
        special = b"\\" in json or b"null" in json or b"\n" in json or b"\t" in json or b"\r" in json
        if special and (b"\\u0000" in json or any(mark in json for mark in MARKS)):
            return False
        decoder, plain, full = self._compiled
        write = full if special else plain
        try:
            write(decoder.decode(json), record.seq, "t" if record.known else "f", record.digest, *outs)
        except (msgspec.MsgspecError, RecordError, ValueError, ArithmeticError, RecursionError):
            # Where a conversion cannot read a value, lines of the record may have been written already.
            _withdraw(record, outs)
            return False
        return True

    def _careful(self, record: Record, encoded: Encoded) -> None:
        try:
            if len(record.json) > MAX_RECORD_BYTES:
                raise RowTooLarge(f"{len(record.json):,} bytes; the limit is {MAX_RECORD_BYTES:,}")
            value = careful.parse(record.json)
            if self._learn(value) and self._fast(record, encoded.lines):
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
        if new:
            self.discovered += [(scope.at, path) for scope, path in new]
            self.__dict__.pop("_compiled", None)
        return bool(new)


def _withdraw(record: Record, outs: list[list[str]]) -> None:
    for out in outs:
        while out and out[-1].startswith(f"{record.seq}\t"):
            out.pop()
