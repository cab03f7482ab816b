"""The folders of a drop: which files are there to be read, and how they go from inbox to archive without a gap.

A file is claimed by moving it to ``processing``. It goes to ``archive`` once its rows are committed, to ``error`` if it
can never land, else back to the inbox. A run that dies leaves it in ``processing``, where the next one finds it.
"""

import fnmatch
import json
import logging
import posixpath
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connectors.errors import ConnectorError
from connectors.sftp_folder import Folder, Remote

log = logging.getLogger("landfall.sftp")
TEMPORARY = (".tmp", ".part", ".filepart", ".crdownload", ".swp")
MAX_NAME = 200
_ARCHIVED = re.compile("([0-9a-f]{16})-(.+)", re.DOTALL)
# Controls, and what turns or hides text.
_MARKS = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
MAX_MARKER = 100_000


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of a connection."""

    inbox: str
    processing: str
    archive: str
    error: str


@dataclass(slots=True)
class Inbox:
    """The folders as one connection sees them. ``stable_s`` is the time between two looks, in seconds.

    ``warned`` are names that somebody was told of already.
    """

    folders: Folders
    stable_s: float
    warned: set[bytes] = field(default_factory=set)

    def prepare(self, folder: Folder) -> None:
        """Make the folders beside the inbox."""
        for path in (self.folders.processing, self.folders.archive, self.folders.error):
            folder.make(path)

    def ready(self, folder: Folder, pattern: str, marker: str) -> list[Remote]:
        """The files that can be read, the oldest first: those left in processing, and those of the inbox that are whole.

        With a marker a file is whole as soon as that is there, else when two looks find it the same. What is not is
        told and left.
        """
        left = list(self._matching(folder, self.folders.processing, pattern, marker))
        first = list(self._matching(folder, self.folders.inbox, pattern, marker))
        if marker:
            names = {name for name, _ in folder.files(self.folders.inbox)}
            whole = [each for each in first if f"{each.name}{marker}".encode() in names]
        elif first:
            time.sleep(self.stable_s)
            again = set(self._matching(folder, self.folders.inbox, pattern, marker))
            whole = [each for each in first if each in again]
            for each in set(first) - again:
                self.unstable(each)
        else:
            whole = []
        taken = {each.name for each in left}
        return _oldest_first([*left, *(each for each in whole if each.name not in taken)])

    def waiting(self, folder: Folder, pattern: str, marker: str) -> list[Remote]:
        """The files in the inbox that match, whole or not."""
        return list(self._matching(folder, self.folders.inbox, pattern, marker))

    def archived(self, folder: Folder, pattern: str, marker: str) -> list[tuple[str, Remote]]:
        """All files of the archive under the names that they had, the oldest first."""
        found = []
        for path in self._months(folder):
            for raw, attributes in folder.files(path):
                match = _ARCHIVED.fullmatch(raw.decode("utf-8", "replace"))
                if match and _wanted(match[2], pattern, marker):
                    found.append((match[2], Remote(path, match[0], attributes.st_size or 0, attributes.st_mtime or 0)))
        return sorted(found, key=lambda each: (each[1].mtime, each[0]))

    def unstable(self, remote: Remote) -> None:
        """Say that a file is left for the next run."""
        log.warning("FileNotStable: %r is still being written; the next run takes it", remote.name)

    def claim(self, folder: Folder, remote: Remote, marker: str) -> Remote | None:
        """Move a file to processing; None if it is gone or another of its name is there."""
        claimed: Remote | None = remote
        if remote.folder == self.folders.inbox:
            claimed = folder.move(remote, self.folders.processing, remote.name)
        if claimed and marker and not folder.stat(self.folders.inbox, remote.name):
            sign = folder.stat(self.folders.inbox, f"{remote.name}{marker}")
            if sign:
                folder.move(sign, self.folders.processing, sign.name)
        return claimed

    def give_back(self, folder: Folder, remote: Remote, marker: str) -> None:
        """Move a claimed file back to the inbox, unless a newer one of its name is there; then its marker."""
        if folder.move(remote, self.folders.inbox, remote.name):
            self._marker_to(folder, remote, marker, self.folders.inbox, f"{remote.name}{marker}")

    def put_away(self, folder: Folder, remote: Remote, marker: str, sha256: str) -> str | None:
        """Move a landed file to the archive; where it is then. None if it was not there any more."""
        month = datetime.fromtimestamp(remote.mtime, UTC).strftime("%Y/%m")
        path, name = posixpath.join(self.folders.archive, month), f"{sha256[:16]}-{remote.name}"
        folder.make(path)
        if folder.stat(path, name) and folder.stat(remote.folder, remote.name):
            folder.remove(remote)  # sent twice: the same name and bytes are in the archive already
        elif not folder.move(remote, path, name):
            return None
        self._marker_to(folder, remote, marker, path, f"{name}{marker}")
        return posixpath.join(path, name)

    def refuse(self, folder: Folder, remote: Remote, marker: str, sha256: str, error: ConnectorError) -> None:
        """Move a file that can never land to the error folder, with a file beside it that says why."""
        name = f"{sha256[:16]}-{remote.name}"
        why = {
            "file": remote.name, "sha256": sha256, "size": remote.size, "code": error.code, "message": str(error),
            "what_to_do": error.cure, "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        folder.write(self.folders.error, f"{name}.err.json", json.dumps(why, ensure_ascii=False, indent=2).encode())
        if not folder.move(remote, self.folders.error, name) and folder.stat(remote.folder, remote.name):
            folder.remove(remote)  # the same name and bytes lie there already
        self._marker_to(folder, remote, marker, self.folders.error, f"{name}{marker}")

    def _marker_to(self, folder: Folder, remote: Remote, marker: str, to: str, name: str) -> None:
        sign = folder.stat(self.folders.processing, f"{remote.name}{marker}") if marker else None
        if sign and not folder.move(sign, to, name):
            folder.remove(sign)

    def _months(self, folder: Folder) -> Iterator[str]:
        for year in self._numbers(folder, self.folders.archive, 4):
            yield from self._numbers(folder, year, 2)

    def _numbers(self, folder: Folder, path: str, digits: int) -> list[str]:
        if not folder.is_folder(path):
            return []
        names = (name.decode("ascii", "replace") for name, _ in folder.files(path))
        return sorted(posixpath.join(path, name) for name in names if re.fullmatch(f"[0-9]{{{digits}}}", name))

    def _matching(self, folder: Folder, path: str, pattern: str, marker: str) -> Iterator[Remote]:
        for raw, attributes in folder.files(path):
            if not stat.S_ISREG(attributes.st_mode or 0):
                continue
            name = safe(raw)
            if name is None:
                if raw not in self.warned:
                    self.warned.add(raw)
                    log.warning("UnsafeFilename: %s in the inbox is left alone", repr(raw[: 2 * MAX_NAME])[1:])
            elif _wanted(name, pattern, marker):
                yield Remote(path, name, attributes.st_size or 0, attributes.st_mtime or 0)


def safe(raw: bytes) -> str | None:
    """The name of a file as text, or None for one that is not UTF-8 or could do harm somewhere on the way."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    bad = not name or len(raw) > MAX_NAME or name[0] in "-~" or "/" in name or "\\" in name or name.startswith("..")
    return None if bad or _MARKS.search(name) else name


def _wanted(name: str, pattern: str, marker: str) -> bool:
    lower = name.lower()
    if lower.endswith(TEMPORARY) or name.startswith(".") or (marker and name.endswith(marker)):
        return False
    return fnmatch.fnmatchcase(name, pattern)


def _oldest_first(files: list[Remote]) -> list[Remote]:
    return sorted(files, key=lambda each: (each.mtime, each.name))
