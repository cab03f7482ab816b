"""A file from the inbox, checked to its end and written down as JSON records, before any of them is handed over."""

import gzip
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import msgspec

from connectors.erp.sftp_read import Read
from connectors.erp.sftp_tables import Row, Totals, csv_header, csv_rows, fixed_rows, grouped
from connectors.erp.sftp_xml import records as xml_records
from connectors.errors import FileInvalid, IncompleteFile, UnsafeArchive
from connectors.stream import Unreadable

BLOCK = 1 << 16
PAGE_ROWS = 2000
# Deflate makes at most a thousandth; honest tables reach a fiftieth.
MAX_RATIO, RATIO_FROM = 200, 10 * 1024 * 1024
ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")
# A decoder's words for bytes that are missing at the end.
_TRUNCATED = ("unexpected end of data", "truncated data", "incomplete multibyte sequence")


class Readable(Protocol):
    """What gives bytes."""

    def read(self, size: int, /) -> bytes:
        """At most so many; none at the end."""


@dataclass(slots=True)
class Spool:
    """The records of a file as JSON lines on this machine, and what in it was no record."""

    path: Path
    rows: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)

    def pages(self) -> Iterator[list[bytes]]:
        """The records, some thousands at a time."""
        page: list[bytes] = []
        with self.path.open("rb") as lines:
            for line in lines:
                page.append(line[:-1])
                if len(page) == PAGE_ROWS:
                    yield page
                    page = []
        if page:
            yield page


def spool(path: Path, name: str, read: Read, lines: str, limit: int) -> Spool:
    """Read a whole file. ``lines`` is the path of the list of lines in a record, ``limit`` bytes once unpacked.

    Raises IncompleteFile, FileInvalid or UnsafeArchive; the totals in the file are compared with its rows.
    """
    made = Spool(path.with_suffix(".records"))
    with made.path.open("wb") as target:
        for inner, inner_name in unpacked(path, name, limit):
            totals = Totals(read)
            try:
                for row in _rows(inner, read, inner_name, lines, totals):
                    if isinstance(row, Unreadable):
                        made.unreadable.append(row)
                    else:
                        made.rows += 1
                        target.write(row if isinstance(row, bytes) else msgspec.json.encode(row))
                        target.write(b"\n")
            except UnicodeError as error:
                if getattr(error, "reason", "") in _TRUNCATED:
                    raise IncompleteFile(f"{inner_name} ends within a character.") from None
                raise FileInvalid(
                    f"{inner_name} is not in the encoding {read.encoding} that the mapping says."
                ) from None
            totals.check(inner_name)
    return made


def header(path: Path, name: str, read: Read, limit: int) -> list[str] | None:
    """The columns that a file has, where its format says them before any record."""
    if read.format == "fixed":
        return list(read.columns)
    if read.format != "csv":
        return None
    for inner, inner_name in unpacked(path, name, limit):
        try:
            return csv_header(inner, read, inner_name)
        except UnicodeError:
            raise FileInvalid(f"{inner_name} is not in the encoding {read.encoding} that the mapping says.") from None
    return None


def _rows(path: Path, read: Read, name: str, lines: str, totals: Totals) -> Iterable[Row | bytes]:
    if read.format == "xml":
        return xml_records(path, read.record, {*read.lists, lines}, name)
    if read.format in ("json", "jsonl"):
        return _json(path, read, name)
    rows = (csv_rows if read.format == "csv" else fixed_rows)(path, read, name, totals)
    return grouped(rows, read.group, lines or "lines") if read.group else rows


def _json(path: Path, read: Read, name: str) -> Iterator[Row | bytes]:
    if read.format == "jsonl":
        yield from _json_lines(path, read, name)
        return
    text = path.read_bytes().decode("utf-8-sig" if read.encoding.lower() in ("utf-8", "utf8") else read.encoding)
    try:
        whole: Any = msgspec.Raw(text.encode())
        for part in filter(None, read.record.split(".")):
            whole = msgspec.json.decode(whole, type=dict[str, msgspec.Raw]).get(part)
            if whole is None:
                raise FileInvalid(f"{name} has no {read.record}, where the mapping says that its records are.")
        for record in msgspec.json.decode(whole, type=list[msgspec.Raw]):
            yield _one_line(bytes(record))
    except msgspec.DecodeError as error:
        if "truncated" in str(error):
            raise IncompleteFile(f"{name}: the JSON ends before its end.") from None
        raise FileInvalid(f"{name}: {error}.") from None


def _json_lines(path: Path, read: Read, name: str) -> Iterator[Row | bytes]:
    with path.open(
        encoding="utf-8-sig" if read.encoding.lower() in ("utf-8", "utf8") else read.encoding, newline="\n"
    ) as text:
        for number, line in enumerate(text, 1):
            if not line.strip():
                continue
            try:
                msgspec.json.decode(line, type=dict[str, msgspec.Raw])
            except msgspec.DecodeError as error:
                if not line.endswith("\n"):
                    raise IncompleteFile(f"{name} ends within line {number}.") from None
                whole = msgspec.json.encode({"file": name, "line": number, "text": line.rstrip("\r\n")})
                yield Unreadable(whole, f"{name}, line {number}: {error}")
            else:
                yield line.strip().encode()


def _one_line(record: bytes) -> bytes:
    """A record without the layout of its file; a line end in JSON can only be layout."""
    return record.replace(b"\r", b" ").replace(b"\n", b" ")


def unpacked(path: Path, name: str, limit: int) -> Iterator[tuple[Path, str]]:
    """The files in a file: itself, or what a ``.gz`` or ``.zip`` holds, under names of ours. Raises UnsafeArchive."""
    if name.lower().endswith(".gz"):
        inner = path.with_suffix(".unpacked")
        try:
            with gzip.open(path) as source:
                _unpack(source, inner, name, limit, path.stat().st_size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise IncompleteFile(f"{name} is cut short or damaged ({error}).") from None
        yield inner, name[: -len(".gz")]
    elif name.lower().endswith(".zip"):
        try:
            with zipfile.ZipFile(path) as archive:
                for number, entry in enumerate(_entries(archive, name)):
                    inner = path.with_suffix(f".unpacked{number}")
                    with archive.open(entry) as source:
                        limit -= _unpack(source, inner, name, limit, path.stat().st_size)
                    yield inner, f"{name}: {PurePosixPath(entry.filename).name}"
        except (zipfile.BadZipFile, EOFError, zlib.error) as error:
            raise IncompleteFile(f"{name} is cut short or damaged ({error}).") from None
    else:
        yield path, name


def _entries(archive: zipfile.ZipFile, name: str) -> Iterator[zipfile.ZipInfo]:
    """The files of an archive in the order of their names; all are looked at before the first is unpacked."""
    found = sorted((each for each in archive.infolist() if not each.is_dir()), key=lambda each: each.filename)
    for entry in found:
        shown = repr(entry.filename[:100])
        pure = entry.filename.replace("\\", "/")
        if pure.startswith("/") or ".." in pure.split("/") or ":" in pure or not pure.isprintable():
            raise UnsafeArchive(f"{name} holds {shown}, which leads out of the archive.")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise UnsafeArchive(f"{name} holds {shown}, which is a link or a device.")
        if entry.flag_bits & 1:
            raise UnsafeArchive(f"{name} holds {shown}, which is encrypted.")
    if not found:
        raise IncompleteFile(f"{name} holds no file.")
    yield from found


def _unpack(source: Readable, to: Path, name: str, limit: int, packed: int) -> int:
    """Write what is unpacked; counts the bytes that come, whatever the archive says of itself."""
    size = 0
    with to.open("wb") as target:
        while block := source.read(BLOCK):
            if not size and block.startswith(ARCHIVES):
                raise UnsafeArchive(f"{name} holds an archive in an archive.")
            size += len(block)
            if size > limit:
                raise UnsafeArchive(f"{name} unpacks to more than the {limit:,} bytes that the connection allows.")
            if size > RATIO_FROM and size > MAX_RATIO * packed:
                raise UnsafeArchive(f"{name} unpacks to over {MAX_RATIO} times its size, as only bombs do.")
            target.write(block)
    return size
