"""Rows from a CSV file, every value as the text that is in it; and the file with some of them changed."""

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from connectors.errors import SourceError, Unavailable
from connectors.microshare.points import Mapped, Row, Update, Written, column_of, point_of

CHUNK = 500
DELIMITERS = ",;\t|"
ENCODING = "utf-8-sig"  # a mark at the beginning, as Excel writes it, is no part of the first column's name


@dataclass
class CsvSource:
    """``path`` is on the machine that runs the flow; the first line names the columns, in UTF-8.

    ``writable`` files are written anew as a whole, beside the old one and then in its place.
    """

    path: str
    mapping: Mapped = field(default_factory=dict)
    writable: bool = False

    def rows(self) -> Iterator[Sequence[Row]]:
        """All lines, some hundreds at a time."""
        delimiter, _ = self._manner()
        names: list[str] = []
        try:
            # The first line is read as data: then a line with more fields than it has is an error, and not cut short.
            parts = pd.read_csv(
                self.path, sep=delimiter, header=None, dtype=str, keep_default_na=False, chunksize=CHUNK,
                encoding=ENCODING,
            )  # fmt: skip
            for part in parts:
                lines = part.values.tolist()
                if not names:
                    names = self._names(lines.pop(0))
                yield [{name: _text(value) for name, value in zip(names, line, strict=True)} for line in lines]
        except (OSError, UnicodeError) as error:
            raise self._unreadable(error) from None
        except (ValueError, pd.errors.ParserError) as error:
            raise SourceError(f"{self.path} is no CSV file that can be read: {str(error).strip()}.") from None

    def write_back(self, updates: Sequence[Update]) -> list[Written]:
        """Put the updates in the columns of device id and state; lines that nothing is said of stay as they are."""
        if not self.writable:
            return [Written(each.id, False, "The file may not be written.") for each in updates]
        names, lines = self._read()
        found: dict[str, list[int]] = {}
        for number, line in enumerate(lines):
            found.setdefault(point_of(dict(zip(names, line, strict=False)), self.mapping).id or "", []).append(number)
        written, changed = [], False
        for each in updates:
            at = found.get(each.id, [])
            values = {
                column_of(self.mapping, name, names): value
                for name, value in (("device_id", each.device_id), ("state", each.state))
                if value is not None
            }
            lacking = [name for name in values if name not in names]
            if len(at) != 1 or lacking:
                why = f"has no column {', '.join(lacking)}" if lacking else f"has {len(at)} lines with the id {each.id}"
                written.append(Written(each.id, False, f"The file {why}."))
                continue
            line = lines[at[0]]
            for name, value in values.items():
                changed = changed or line[names.index(name)] != value
                line[names.index(name)] = value
            written.append(Written(each.id, True))
        if changed:
            self._replace([names, *lines])
        return written

    def close(self) -> None:
        """Nothing is open."""

    def _names(self, line: Sequence[object]) -> list[str]:
        names = [_text(name) or "" for name in line]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SourceError(f"{self.path} has several columns called {', '.join(map(repr, twice))}.")
        return names

    def _manner(self) -> tuple[str, str]:
        """The delimiter, which is the one that the first line has most of, and how lines end."""
        try:
            with open(self.path, encoding=ENCODING, newline="") as file:
                first = file.readline()
        except (OSError, UnicodeError) as error:
            raise self._unreadable(error) from None
        if not first.strip():
            raise SourceError(f"{self.path} has no first line that names the columns.")
        return max(DELIMITERS, key=first.count), "\r\n" if first.endswith("\r\n") else "\n"

    def _read(self) -> tuple[list[str], list[list[str]]]:
        delimiter, _ = self._manner()
        with open(self.path, encoding=ENCODING, newline="") as file:
            names, *lines = csv.reader(file, delimiter=delimiter)
        return names, [line + [""] * (len(names) - len(line)) for line in lines if line]

    def _replace(self, lines: Sequence[Sequence[str]]) -> None:
        delimiter, end = self._manner()
        path = Path(self.path)
        with path.open("rb") as file:
            mark = file.read(3) == b"\xef\xbb\xbf"
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(handle, "w", encoding=ENCODING if mark else "utf-8", newline="") as file:
                csv.writer(file, delimiter=delimiter, lineterminator=end).writerows(lines)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, path.stat().st_mode)
            os.replace(name, path)
        except OSError as error:
            raise Unavailable(f"{self.path} cannot be written: {error.strerror}.") from None
        finally:
            Path(name).unlink(missing_ok=True)

    def _unreadable(self, error: Exception) -> SourceError:
        why = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
        return SourceError(f"{self.path} cannot be read: {why}.")


def _text(value: object) -> str | None:
    """The text of a cell; None where a line has fewer than the first one."""
    return value if isinstance(value, str) else None
