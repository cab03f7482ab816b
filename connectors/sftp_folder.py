"""The files of an SFTP account, as one thread sees them, and the protocol's errors in words of connectors.errors.

Names are taken as bytes, since one name that is not UTF-8 must not hide all others.
"""

import hashlib
import posixpath
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko  # type: ignore[import-untyped]
from paramiko import sftp as wire
from paramiko.sftp_attr import SFTPAttributes  # type: ignore[import-untyped]

from connectors.errors import AuthRejected, Deadline, IncompleteBody, SourceError, Unavailable
from connectors.redact import REDACTOR

BLOCK = 32768  # what every server gives at once


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on the server: folder, name, size in bytes, time of its last change in seconds since 1970."""

    folder: str
    name: str
    size: int
    mtime: int

    @property
    def path(self) -> str:
        """Where it lies."""
        return posixpath.join(self.folder, self.name)


class Folder:
    """What one thread does on a server."""

    def __init__(self, client: paramiko.SFTPClient, place: str) -> None:
        self._client, self._place = client, place

    def files(self, path: str) -> list[tuple[bytes, SFTPAttributes]]:
        """Names as bytes and attributes of all that lies in a folder. Raises SourceError if there is none."""
        found: list[tuple[bytes, SFTPAttributes]] = []
        with translated(self._place, path):
            handle = self._request(wire.CMD_OPENDIR, path.encode()).get_string()
            try:
                while True:
                    answer = self._request(wire.CMD_READDIR, handle)
                    for _ in range(answer.get_int()):
                        # Attributes have no public way in but through names that are UTF-8.
                        name, _long = answer.get_string(), answer.get_string()
                        found.append((name, SFTPAttributes._from_msg(answer)))
            except EOFError:
                pass
            finally:
                self._request(wire.CMD_CLOSE, handle)
        return [each for each in found if each[0] not in (b".", b"..")]

    def stat(self, folder: str, name: str) -> Remote | None:
        """A file as it is now; None if there is none."""
        with translated(self._place, folder):
            try:
                attributes = self._client.lstat(posixpath.join(folder, name))
            except FileNotFoundError:
                return None
        return Remote(folder, name, attributes.st_size or 0, attributes.st_mtime or 0)

    def make(self, path: str) -> None:
        """Make a folder and those above it, where they are missing."""
        with translated(self._place, path):
            at = "/" if path.startswith("/") else ""
            for part in path.strip("/").split("/"):
                at = posixpath.join(at, part)
                try:
                    self._client.stat(at)
                except FileNotFoundError:
                    try:
                        self._client.mkdir(at)
                    except OSError:
                        self._client.stat(at)  # another run was faster, or this raises

    def is_folder(self, path: str) -> bool:
        """Whether there is such a folder."""
        with translated(self._place, path):
            try:
                return stat.S_ISDIR(self._client.stat(path).st_mode or 0)
            except FileNotFoundError:
                return False

    def move(self, source: Remote, folder: str, name: str) -> Remote | None:
        """Move a file; None if it is no longer there. Never over another one: then it stays, and None is given too.

        The rename of POSIX is taken where the server has it. After an error the server is asked what is so, since
        the answer may have been lost after the deed.
        """
        target = Remote(folder, name, source.size, source.mtime)
        if self.stat(folder, name) is not None:
            return None
        with translated(self._place, source.path):
            try:
                try:
                    self._client.posix_rename(source.path, target.path)
                except FileNotFoundError:
                    raise
                except OSError:
                    self._client.rename(source.path, target.path)
            except FileNotFoundError:
                return target if self.stat(folder, name) else None
            except OSError:
                if self.stat(source.folder, source.name) is None and self.stat(folder, name) is not None:
                    return target
                raise
        return target

    def fetch(self, remote: Remote, to: Path, limit: int) -> str:
        """Copy a file here; its SHA-256. Raises SourceError for more bytes than the limit."""
        digest, size = hashlib.sha256(), 0
        with (
            translated(self._place, remote.path),
            self._client.open(remote.path, "rb") as source,
            to.open("wb") as target,
        ):
            source.prefetch(min(remote.size, limit))
            while block := source.read(BLOCK):
                size += len(block)
                if size > limit:
                    raise SourceError(
                        f"{remote.name} has more than {limit:,} bytes; raise `max_file_mb` if that is right."
                    )
                digest.update(block)
                target.write(block)
        return digest.hexdigest()

    def read(self, remote: Remote, limit: int) -> bytes:
        """The first bytes of a small file."""
        with translated(self._place, remote.path), self._client.open(remote.path, "rb") as source:
            return bytes(source.read(limit))

    def write(self, folder: str, name: str, content: bytes) -> None:
        """Write a small file, under its own name only once it is whole."""
        path = posixpath.join(folder, name)
        with translated(self._place, path):
            with self._client.open(f"{path}.part", "wb") as target:
                target.write(content)
            try:
                self._client.posix_rename(f"{path}.part", path)
            except OSError:
                self._client.rename(f"{path}.part", path)

    def remove(self, remote: Remote) -> None:
        """Take a file away."""
        with translated(self._place, remote.path), suppress(FileNotFoundError):
            self._client.remove(remote.path)

    def _request(self, command: int, argument: bytes) -> Any:
        return self._client._request(command, argument)[1]


@contextmanager
def translated(place: str, path: str = "") -> Iterator[None]:
    """Turn what the network and the library say into errors of connectors."""
    where = f"SFTP at {place}"
    try:
        yield
    except socket.gaierror as error:
        raise Unavailable(f"{where} cannot be reached: the name is not known.") from error
    except TimeoutError as error:
        raise Deadline(f"{where} did not answer in time.") from error
    except FileNotFoundError as error:
        raise SourceError(f"{where} has no {path or 'such file'}.") from error
    except PermissionError as error:
        raise AuthRejected(f"{where}: the account has no right to {path or 'that'}.") from error
    except ConnectionRefusedError as error:
        raise Unavailable(f"{where} cannot be reached: nobody answers there.") from error
    except (EOFError, ConnectionError, paramiko.SSHException) as error:
        raise IncompleteBody(
            f"{where} ended the connection ({REDACTOR.redact(str(error)) or 'without a word'})."
        ) from error
    except OSError as error:
        raise SourceError(f"{where} refused to work on {path or 'a file'} ({error.strerror or error}).") from error
