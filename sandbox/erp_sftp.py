"""An SFTP server in this process with the drop folders of an ERP, for the demo; tests use a real sshd.

It serves one folder of this machine on loopback, to one user, and speaks with a host key made at its start.
"""

import logging
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko  # type: ignore[import-untyped]
from paramiko.sftp_attr import SFTPAttributes  # type: ignore[import-untyped]

from connectors.sftp import fingerprint

USER, PASSWORD = "landfall", "sandbox-password"
# A client that has what it came for goes without a word, which the library would call an error in the middle of a demo.
logging.getLogger("landfall.sandbox.sftp").setLevel(logging.CRITICAL)
SIZES = {"products": 300, "locations": 2, "orders": 50}


@dataclass
class Running:
    """A server that runs. ``logins`` are the names and passwords that were tried."""

    root: Path
    port: int
    host_key: str
    logins: list[tuple[str, str]] = field(default_factory=list)

    def connection(self) -> dict[str, Any]:
        """What a client needs to connect."""
        return {
            "host": "127.0.0.1", "port": self.port, "user": USER, "password": PASSWORD, "host_key": self.host_key,
            "stable_s": 0.2, "test_mode": True,
        }  # fmt: skip


@contextmanager
def running(port: int = 0, **sizes: int) -> Iterator[Running]:
    """Serve an inbox with a file each of products, stock and orders, until the end of the block."""
    root = Path(tempfile.mkdtemp(prefix="landfall-sftp-"))
    key = paramiko.ECDSAKey.generate()
    listener = socket.create_server(("127.0.0.1", port))
    served = Running(root, listener.getsockname()[1], fingerprint(key.asbytes()))
    fill(root / "inbox", **{**SIZES, **sizes})
    threading.Thread(target=_serve, args=(listener, key, served), daemon=True).start()
    try:
        yield served
    finally:
        listener.close()
        shutil.rmtree(root, ignore_errors=True)


def fill(inbox: Path, *, products: int, locations: int, orders: int) -> None:
    """Write the files of a day."""
    inbox.mkdir(parents=True, exist_ok=True)
    skus = [f"A-{number:05}" for number in range(1, products + 1)]
    lines = ["sku,name,status,uom,list_price,currency"]
    lines += [
        f'{sku},"Article {number}, boxed",active,PC,{number}.{number % 100:02},EUR'
        for number, sku in enumerate(skus, 1)
    ]
    stock = ["sku,location,uom,on_hand,reserved"]
    stock += [
        f"{sku},W{place},PC,{number * 3 % 97},{number % 3}"
        for number, sku in enumerate(skus)
        for place in range(1, locations + 1)
    ]
    sold = ["order_number,status,customer,currency,order_date,line,sku,quantity,uom,unit_price"]
    for number in range(1, orders + 1):
        for line in range(1, number % 3 + 2):
            sku = skus[(number * 7 + line) % len(skus)]
            sold.append(
                f"SO-{number:05},open,C-{number % 9},EUR,2026-05-{number % 28 + 1:02},{line},{sku},{line}.5,PC,9.90"
            )
    for name, rows in (("products", lines), ("inventory", stock), ("orders", sold)):
        (inbox / f"{name}_20260504.csv").write_text("\n".join(rows) + "\n")


def _serve(listener: socket.socket, key: paramiko.PKey, served: Running) -> None:
    with suppress(OSError):  # the listener was closed
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_talk, args=(connection, key, served), daemon=True).start()


def _talk(connection: socket.socket, key: paramiko.PKey, served: Running) -> None:
    transport = paramiko.Transport(connection)
    transport.set_log_channel("landfall.sandbox.sftp")
    transport.add_server_key(key)
    transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, served.root)
    with suppress(paramiko.SSHException, EOFError, OSError):
        transport.start_server(server=_Door(served))


class _Door(paramiko.ServerInterface):  # type: ignore[misc]  # the library has no types
    def __init__(self, served: Running) -> None:
        self._served = served

    def check_auth_password(self, username: str, password: str) -> int:
        self._served.logins.append((username, password))
        right = (username, password) == (USER, PASSWORD)
        return int(paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return int(paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED)

    def get_allowed_auths(self, username: str) -> str:
        return "password"


class _Files(paramiko.SFTPServerInterface):  # type: ignore[misc]
    """The folder and nothing above it."""

    def __init__(self, server: paramiko.ServerInterface, root: Path) -> None:
        super().__init__(server)
        self._root = root

    def list_folder(self, path: str) -> Any:
        return self._do(lambda at: [SFTPAttributes.from_stat(each.lstat(), each.name) for each in at.iterdir()], path)

    def stat(self, path: str) -> Any:
        return self._do(lambda at: SFTPAttributes.from_stat(at.stat()), path)

    def lstat(self, path: str) -> Any:
        return self._do(lambda at: SFTPAttributes.from_stat(at.lstat()), path)

    def open(self, path: str, flags: int, attr: Any) -> Any:
        def opened(at: Path) -> Any:
            mode = "wb" if flags & os.O_CREAT else "rb"
            file = at.open(mode)
            handle = paramiko.SFTPHandle(flags)
            handle.readfile = handle.writefile = file
            return handle

        return self._do(opened, path)

    def rename(self, oldpath: str, newpath: str) -> Any:
        return self._do(lambda at: at.rename(self._at(newpath)) and paramiko.SFTP_OK, oldpath)

    def posix_rename(self, oldpath: str, newpath: str) -> Any:
        return self._do(lambda at: at.replace(self._at(newpath)) and paramiko.SFTP_OK, oldpath)

    def remove(self, path: str) -> Any:
        return self._do(lambda at: at.unlink(), path)

    def mkdir(self, path: str, attr: Any) -> Any:
        return self._do(lambda at: at.mkdir(), path)

    def _at(self, path: str) -> Path:
        return self._root / str(self.canonicalize(path)).lstrip("/")

    def _do(self, what: Any, path: str) -> Any:
        try:
            done = what(self._at(path))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return done if done is not None and not isinstance(done, int) else paramiko.SFTP_OK
