"""A session with an SFTP server, whose host key is known before anything secret is said."""

import base64
import binascii
import hashlib
import io
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Self

import paramiko  # type: ignore[import-untyped]

from connectors.errors import AuthRejected, HostKeyMismatch
from connectors.redact import REDACTOR
from connectors.sftp_folder import Folder, translated

log = logging.getLogger("landfall.sftp")
# What the library logs is raised as well, in words for people.
logging.getLogger(f"{log.name}.wire").setLevel(logging.CRITICAL)
KEY_TYPES = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


@dataclass(frozen=True, slots=True)
class Login:
    """Where a server is, who we are, and by which keys it is known.

    ``host_key`` are SHA256 fingerprints or whole public keys, with commas between. ``private_key`` is the text of an
    OpenSSH or PEM key, used instead of the password. ``timeout_s`` is how long one answer may take, in seconds.
    """

    host: str
    user: str
    host_key: str
    port: int = 22
    password: str = ""
    private_key: str = ""
    passphrase: str = ""
    timeout_s: float = 60.0

    def __repr__(self) -> str:
        return f"Login({self.user}@{self.place})"

    @property
    def place(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"


def fingerprint(key: bytes) -> str:
    """The fingerprint of a public key as OpenSSH shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


class Server:
    """A signed-in connection; each `folder` is a channel of its own, for one thread."""

    def __init__(self, login: Login) -> None:
        self.login = login
        for secret in (login.password, login.private_key, login.passphrase):
            REDACTOR.add(secret)
        self.host_key = ""
        self._transport: paramiko.Transport | None = None

    def __enter__(self) -> Self:
        with translated(self.login.place):
            self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    @contextmanager
    def folder(self) -> Iterator[Folder]:
        """A channel for one thread."""
        assert self._transport is not None
        with translated(self.login.place):
            client = paramiko.SFTPClient.from_transport(self._transport)
        assert client is not None
        channel = client.get_channel()
        assert channel is not None
        channel.settimeout(self.login.timeout_s)
        try:
            yield Folder(client, self.login.place)
        finally:
            with suppress(Exception):
                client.close()

    def _open(self) -> None:
        login = self.login
        pinned = [each.strip() for each in login.host_key.split(",") if each.strip()]
        if not pinned:
            raise HostKeyMismatch(
                f"No host key is pinned for {login.place}, so nothing was sent. See the key with: ssh-keyscan -p "
                f"{login.port} {login.host} | ssh-keygen -lf -; compare it with what the owner says, then set `host_key`."
            )
        known = {_fingerprint_of(each) for each in pinned}
        connection = socket.create_connection((login.host, login.port), timeout=login.timeout_s)
        self._transport = transport = paramiko.Transport(connection)
        transport.set_log_channel(f"{log.name}.wire")
        try:
            _prefer(transport, pinned)
            transport.banner_timeout = transport.auth_timeout = login.timeout_s
            transport.start_client(timeout=login.timeout_s)
            self.host_key = fingerprint(transport.get_remote_server_key().asbytes())
            self._compare(known)
            self._sign_in(transport)
        except BaseException:
            transport.close()
            raise

    def _compare(self, known: set[str]) -> None:
        if self.host_key not in known:
            raise HostKeyMismatch(
                f"{self.login.place} shows the host key {self.host_key}, but pinned is {', '.join(sorted(known))}; "
                "no password or key was sent."
            )

    def _sign_in(self, transport: paramiko.Transport) -> None:
        login = self.login
        try:
            if login.private_key:
                transport.auth_publickey(login.user, _private_key(login))
            else:
                transport.auth_password(login.user, login.password)
        except paramiko.AuthenticationException as error:
            raise AuthRejected(f"{login.place} does not accept the login of {login.user}.") from error


def _fingerprint_of(pin: str) -> str:
    if pin.startswith("SHA256:"):
        return pin.rstrip("=")
    words = pin.split()
    try:
        return fingerprint(base64.b64decode(words[1] if len(words) > 1 else words[0], validate=True))
    except (binascii.Error, ValueError):
        raise HostKeyMismatch(
            "The pinned host key is neither a fingerprint (SHA256:…) nor a public key (ssh-ed25519 AAAA…)."
        ) from None


def _prefer(transport: paramiko.Transport, pinned: list[str]) -> None:
    """Ask for the key that is pinned, where the pin says its type: servers have several."""
    types = {pin.split()[0] for pin in pinned if len(pin.split()) > 1}
    options = transport.get_security_options()
    wanted = [name for name in options.key_types if name in types or (name.startswith("rsa-") and "ssh-rsa" in types)]
    options.key_types = tuple(wanted) + tuple(name for name in options.key_types if name not in wanted)


def _private_key(login: Login) -> paramiko.PKey:
    for kind in KEY_TYPES:
        with suppress(paramiko.SSHException, ValueError):
            return kind.from_private_key(io.StringIO(login.private_key), login.passphrase or None)
    raise AuthRejected(
        "The private key of the connection cannot be read: Ed25519, ECDSA and RSA are known, and a protected key needs "
        "its passphrase."
    )
