"""The folder in which one installation keeps what is its own: keys, passwords, locks, pid files, and its Postgres."""

import base64
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import NotConfigured, StateCorrupt, StorageFull

ROOT_HOME = Path("/var/lib/landfall")


def home() -> Path:
    """The folder, made if need be: LANDFALL_HOME, else `.landfall` in the project (root: /var/lib/landfall)."""
    given = os.environ.get("LANDFALL_HOME")
    if given:
        return made(Path(given).expanduser().absolute())
    return made(ROOT_HOME if os.geteuid() == 0 else Path(__file__).resolve().parents[1] / ".landfall")


def made(path: Path) -> Path:
    """The folder, made if it is not there: closed for others, except that they may pass through what root made.

    A folder that was there before keeps its mode. Raises `warehouse.errors.NotConfigured`.
    """
    if not path.is_dir():
        try:
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        except OSError as error:
            raise NotConfigured(
                f"Cannot make the folder {path} ({error.strerror}): set LANDFALL_HOME to one that you may write to."
            ) from error
    return path


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock of this home; it dies with its holder, so a crash leaves none behind."""
    try:
        file = (home() / f"{name}.lock").open("w")
    except OSError as error:
        raise NotConfigured(
            f"Cannot write to {home()} ({error.strerror}): give it to the user who runs this, or set LANDFALL_HOME."
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can read, whole or not at all.

    Raises `warehouse.errors.StorageFull` or `warehouse.errors.NotConfigured`.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"Cannot write {path}: the disk is full. Make space and run the same again.") from error
        raise NotConfigured(
            f"Cannot write {path} ({error.strerror}): give it to the user who runs this, or set LANDFALL_HOME."
        ) from error


def encryption_key() -> str:
    """The key (32 bytes, base64) that seals tokens and payloads."""
    return kept_key("encryption.key")


def kept_key(name: str) -> str:
    """The key of 32 bytes, in base64, kept under this name; made on first use, readable by its owner alone.

    Raises `warehouse.errors.StateCorrupt` when the file holds something else.
    """
    path = home() / name
    with locked("key"):
        if not path.exists():
            write_private(path, base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    try:
        key = path.read_text().strip()
        size = len(base64.b64decode(key, validate=True))
    except OSError as error:
        raise NotConfigured(f"Cannot read {path} ({error.strerror}): run as the user who made it.") from error
    except ValueError:
        size = 0
    if size != 32:
        raise StateCorrupt(
            f"{path} holds no key of 32 bytes: restore it from a backup, what it sealed is lost without it."
        )
    return key
