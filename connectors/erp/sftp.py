"""An ERP that drops files on an SFTP server: what the mapping's ``read`` says of each data type, read from one inbox.

A file lands as a whole or not at all, and the oldest lands first. The cursor of a stream names the files of its last
landing and is committed with their rows; only what is in it goes to the archive. So a run that dies anywhere loses
nothing, and what landed without having been archived is known by its name and SHA-256 and not landed again. Without a
cursor everything is read again: the archive, then the inbox.
"""

import logging
import posixpath
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from time import perf_counter
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec

from connectors.erp.mapping import Binding
from connectors.erp.sftp_files import Spool, header, spool
from connectors.erp.sftp_inbox import MAX_MARKER, Folders, Inbox
from connectors.erp.sftp_read import Read, read_of
from connectors.errors import ConnectorError, FileInvalid, IncompleteFile, MappingInvalid, UnsafeArchive
from connectors.paging import located
from connectors.sftp import Login, Server
from connectors.sftp_folder import Folder, Remote
from connectors.stream import Page

log = logging.getLogger("landfall.sftp")
File = tuple[str, str]
MB = 1024 * 1024


class Ledger(Protocol):
    """Which files have landed; kept by whoever has the database. Safe to share between threads."""

    def committed(self, stream: str) -> Sequence[File]:
        """Names and SHA-256 in the cursor of the last landing of a stream."""

    def last(self, stream: str, names: Collection[str]) -> Mapping[str, str]:
        """SHA-256 of the last file noted under each of these names."""

    def note(self, stream: str, files: Sequence[File]) -> None:
        """Note files that have landed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a connection says of all its files: its folders, and limits in megabytes of a file as sent and unpacked."""

    folders: Folders
    stable_s: float = 10.0
    max_file_mb: int = 512
    max_unpacked_mb: int = 2048


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that this client has moved to processing."""

    stream: str
    name: str
    sha256: str
    at: Remote
    marker: str


@dataclass
class SftpErp:
    """Keeps `connectors.erp.kinds.ErpClient` over the folders of an SFTP account."""

    login: Login
    settings: Settings
    ledger: Ledger
    _taken: list[Taken] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._server = Server(self.login)
        self._inbox = Inbox(self.settings.folders, self.settings.stable_s)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._tidy()
        except Exception as problem:  # noqa: BLE001 -- what landed has landed; the next run tidies up first
            log.warning("files stay in processing until the next run: %s", problem)
        finally:
            self._server.close()

    def identity(self) -> str:
        """Account, host, port and inbox: a new host key makes no other system of it, nor does a port of this machine."""
        here = self.login.host in ("127.0.0.1", "localhost", "::1")
        place = self.login.host if here else self.login.place
        return f"{self.login.user}@{place}{posixpath.join('/', self.settings.folders.inbox)}"

    def pages(self, data_type: str, cursor: Mapping[str, Any] | None, binding: Binding) -> Iterator[Page]:
        """The records of all files of a data type that are ready, file by file, as JSON objects of their fields."""
        read = read_of(binding)
        with located(data_type), self._server.folder() as folder, tempfile.TemporaryDirectory() as scratch:
            self._inbox.prepare(folder)
            self.ledger.note(binding.table, self.ledger.committed(binding.table))
            found = self._found(folder, read, again=cursor is None)
            landed: list[File] = []
            known = self._known(binding, found, again=cursor is None)
            # Of whole pictures only the newest counts: what was read already is no news, however late it comes.
            whole, enough, complete = read.content == "snapshot", False, False
            for number, (name, remote) in enumerate(reversed(found) if whole else found):
                archived = self._is_archived(remote)
                if enough and archived:
                    continue
                got = self._get(folder, binding, read, remote, name, Path(scratch) / str(number))
                if got is None:
                    continue
                path, sha256 = got
                if not enough and (archived or (name, sha256[:16]) not in known):
                    made = self._spool(folder, binding, read, path, name, archived)
                    yield from self._pages_of(made, name)
                    enough, complete = whole, whole and not made.unreadable
                for leftover in Path(scratch).iterdir():
                    leftover.unlink()
                if not archived:
                    landed.append((name, sha256))
                if cursor is not None and not whole:
                    yield Page(cursor={"files": landed})
            yield Page(cursor={"files": landed}, complete=complete)

    def describe(self, data_type: str, binding: Binding) -> Collection[str] | None:
        """The columns of the newest file there is, where its format names them; None: not known."""
        read = read_of(binding)
        with located(data_type), self._server.folder() as folder, tempfile.TemporaryDirectory() as scratch:
            sample = self._sample(folder, read)
            if sample is None:
                return list(read.columns) or None
            name, remote = sample
            path = Path(scratch) / "sample"
            folder.fetch(remote, path, self.settings.max_file_mb * MB)
            columns = header(path, name, read, self.settings.max_unpacked_mb * MB)
        return columns and _paths(columns, read, binding)

    def test(self, bindings: Collection[Binding]) -> Mapping[str, Any]:
        """Look into the folders, and compare the newest file of each data type with the mapping.

        ``{"host_key", "encrypted", "milliseconds", "data_types": {name: {"files" (in the inbox), "sample"}}}``; raises
        what is wrong. SFTP tells no time, so there is no difference of clocks.
        """
        started = perf_counter()
        answers: dict[str, Any] = {}
        with self._server.folder() as folder:
            self._inbox.prepare(folder)
            for binding in bindings:
                read = read_of(binding)
                with located(binding.data_type):
                    columns = self.describe(binding.data_type, binding)
                    if columns is not None and (complaints := binding.missing(columns)):
                        raise MappingInvalid("; ".join(map(str, complaints)))
                waiting = self._inbox.waiting(folder, read.files, read.marker)
                answers[binding.data_type] = {"files": len(waiting), "sample": columns is not None}
        milliseconds = round((perf_counter() - started) * 1000)
        return {
            "host_key": self._server.host_key,
            "encrypted": True,
            "milliseconds": milliseconds,
            "data_types": answers,
        }

    def _found(self, folder: Folder, read: Read, *, again: bool) -> list[tuple[str, Remote]]:
        """What there is to read, the oldest first, under the names that the files had in the inbox."""
        ready = [(each.name, each) for each in self._inbox.ready(folder, read.files, read.marker)]
        archived = self._inbox.archived(folder, read.files, read.marker) if again else []
        return sorted([*archived, *ready], key=lambda each: (each[1].mtime, each[0]))

    def _known(self, binding: Binding, found: Sequence[tuple[str, Remote]], *, again: bool) -> set[File]:
        """Names and beginnings of SHA-256 of files that need not be read once more.

        In a reading of everything these are the ones in the archive, where each is read in its turn.
        """
        if not again:
            last = self.ledger.last(binding.table, {name for name, _ in found})
            return {(name, sha256[:16]) for name, sha256 in last.items()}
        return {(name, remote.name[:16]) for name, remote in found if self._is_archived(remote)}

    def _sample(self, folder: Folder, read: Read) -> tuple[str, Remote] | None:
        waiting = [(each.name, each) for each in self._inbox.waiting(folder, read.files, read.marker)]
        found = waiting or self._inbox.archived(folder, read.files, read.marker)
        return max(found, key=lambda each: each[1].mtime) if found else None

    def _get(
        self, folder: Folder, binding: Binding, read: Read, remote: Remote, name: str, path: Path
    ) -> tuple[Path, str] | None:
        """Claim a file, unless it is in the archive, and copy it: where it is here, and its SHA-256. None: not now."""
        limit = self.settings.max_file_mb * MB
        if self._is_archived(remote):
            return path, folder.fetch(remote, path, limit)
        promise = self._promise(folder, read, remote)
        claimed = self._inbox.claim(folder, remote, read.marker)
        if claimed is None:
            return None
        sha256 = folder.fetch(claimed, path, limit)
        now = folder.stat(claimed.folder, claimed.name)
        if now != claimed or path.stat().st_size != claimed.size:
            self._inbox.unstable(remote)
            self._inbox.give_back(folder, now or claimed, read.marker)
            return None
        with self._lock:
            self._taken = [each for each in self._taken if each.at.path != claimed.path]
            self._taken.append(Taken(binding.table, name, sha256, claimed, read.marker))
        if promise.get("sha256") not in (None, sha256):
            raise IncompleteFile(f"{name} has the SHA-256 {sha256}, but its marker says {promise['sha256']}.")
        return path, sha256

    def _is_archived(self, remote: Remote) -> bool:
        return remote.folder not in (self.settings.folders.inbox, self.settings.folders.processing)

    def _promise(self, folder: Folder, read: Read, remote: Remote) -> Mapping[str, Any]:
        """What the marker says of the file, where it is a JSON object: ``sha256``."""
        for place in (remote.folder, self.settings.folders.inbox) if read.marker else ():
            marker = folder.stat(place, f"{remote.name}{read.marker}")
            if marker:
                try:
                    return msgspec.json.decode(folder.read(marker, MAX_MARKER), type=dict[str, Any])
                except (msgspec.DecodeError, UnicodeDecodeError):
                    return {}
        return {}

    def _spool(self, folder: Folder, binding: Binding, read: Read, path: Path, name: str, archived: bool) -> Spool:
        limit = self.settings.max_unpacked_mb * MB
        try:
            columns = header(path, name, read, limit)
            if columns is not None and (complaints := binding.missing(_paths(columns, read, binding))):
                raise MappingInvalid(f"{name}: " + "; ".join(map(str, complaints)))
            return spool(path, name, read, binding.lines, limit)
        except (FileInvalid, UnsafeArchive) as error:
            if not archived:
                self._refuse(folder, name, binding, error)
            raise

    def _refuse(self, folder: Folder, name: str, binding: Binding, error: ConnectorError) -> None:
        with self._lock:
            bad = next(each for each in self._taken if (each.stream, each.name) == (binding.table, name))
            self._taken.remove(bad)
        self._inbox.refuse(folder, bad.at, bad.marker, bad.sha256, error)

    def _pages_of(self, made: Spool, name: str) -> Iterator[Page]:
        for number, records in enumerate(made.pages(), 1):
            yield Page(records, at=f"{name}, part {number}")
        if made.unreadable:
            yield Page(at=name, unreadable=made.unreadable)

    def _tidy(self) -> None:
        """Put away what is committed, and give the rest back."""
        if not self._taken:
            return
        landed: dict[str, set[File]] = {}
        for stream in {each.stream for each in self._taken}:
            committed = self.ledger.committed(stream)
            self.ledger.note(stream, committed)
            mine = {each.name for each in self._taken if each.stream == stream}
            landed[stream] = {*committed, *self.ledger.last(stream, mine).items()}
        with self._server.folder() as folder:
            for each in self._taken:
                now = folder.stat(each.at.folder, each.at.name)
                if now is None:
                    continue
                if now == each.at and (each.name, each.sha256) in landed[each.stream]:
                    self._inbox.put_away(folder, each.at, each.marker, each.sha256)
                else:  # not landed, or written to after all
                    self._inbox.give_back(folder, now, each.marker)


def _paths(columns: Collection[str], read: Read, binding: Binding) -> list[str]:
    """The columns as paths of the mapping; of grouped rows also as those of lines."""
    names = [each.replace("\\", "\\\\").replace(".", "\\.") for each in columns]
    lines = binding.lines or "lines"
    return [*names, *(f"{lines}.{each}" for each in names)] if read.group else names
