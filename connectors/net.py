"""The wire under `connectors.http`: where it may connect to, and for how long a request may use it.

A timeout for each read does not bound a request: a server that drips one byte a second never exceeds it. So every
read and write here gets what is left of the request's own time.
"""

import ipaddress
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore

from connectors.errors import BlockedAddress

_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Everything sent and received inside, in this thread, shares these seconds."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    ends_at = _ends_at.get()
    if ends_at is None:
        return timeout
    left = ends_at - time.monotonic()
    if left <= 0:
        raise late("the time for this request is over")
    return left if timeout is None else min(timeout, left)


def is_loopback(host: str) -> bool:
    """Whether a host is written as this machine: localhost, 127.0.0.0/8, ::1."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _forbidden(address: Address, host: str) -> bool:
    """Cloud metadata and the like never; this machine only where the connection says so in plain words."""
    plain = getattr(address, "ipv4_mapped", None) or address
    if plain.is_loopback:
        return not is_loopback(host)
    return bool(plain.is_link_local or plain.is_multicast or plain.is_unspecified)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, checked.

    Raises `BlockedAddress` if one of them is link-local (cloud metadata), multicast, unspecified, or this machine
    under another name. Connecting to what was checked leaves a resolver no second answer to give.
    """
    # The type of the last member differs between IPv4 and IPv6; the first two are what counts.
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    for each in addresses:
        if _forbidden(ipaddress.ip_address(each.split("%")[0]), host):
            raise BlockedAddress(f"{host} leads to {each}, an address that Landfall does not connect to.")
    return addresses


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """Connects to checked addresses only, and keeps the time of the request."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; the certificate is still checked against the host's name."""
        try:
            addresses = resolve(host, port)
        except socket.gaierror as error:
            raise httpcore.ConnectError(f"the name {host} is not known") from error
        last: Exception = httpcore.ConnectError(f"the name {host} has no address")
        for address in addresses:
            left = _left(timeout, httpcore.ConnectTimeout)
            try:
                return _Stream(self._inner.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last
