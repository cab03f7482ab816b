"""A real OpenSSH server on loopback, for one account with a key; it ends with the tests."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

import pytest

from connectors.sftp import Login

WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Sshd:
    """A server that runs. ``host_key`` is its public key as it is written in files; ``private_key`` opens the account."""

    port: int
    host_key: str
    private_key: str

    def login(self, **given: object) -> Login:
        """How to sign in."""
        fields = {"host": "127.0.0.1", "port": self.port, "user": getuser(), "host_key": self.host_key, "private_key": self.private_key, "timeout_s": 20.0}  # fmt: skip
        return Login(**{**fields, **given})  # type: ignore[arg-type]


@contextmanager
def running(folder: Path) -> Iterator[Sshd]:
    """Start a server whose keys lie in ``folder``; skips the test where there is no sshd."""
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("no sshd on this machine (apt-get install openssh-server)")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / name)], check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # it refuses to start without, as root
    settings = {
        "HostKey": folder / "host", "AuthorizedKeysFile": folder / "user.pub", "PidFile": "none", "UsePAM": "no",
        "StrictModes": "no", "PasswordAuthentication": "no", "PermitRootLogin": "prohibit-password",
        "Subsystem": "sftp internal-sftp", "ListenAddress": "127.0.0.1", "MaxStartups": "100", "LogLevel": "ERROR",
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
    with subprocess.Popen([program, "-D", "-e", "-f", "/dev/null", "-p", str(port), *options], stderr=subprocess.PIPE, text=True) as server:  # fmt: skip
        try:
            _wait(server, port)
            yield Sshd(port, (folder / "host.pub").read_text().strip(), (folder / "user").read_text())
        finally:
            server.terminate()


def _wait(server: "subprocess.Popen[str]", port: int) -> None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    server.terminate()
    pytest.fail(f"sshd did not start: {server.stderr and server.stderr.read()}")
