"""Sends one request and reads its answer to the end, within the limits of the connection.

The part of `connectors.http` that touches the wire: what may be sent and where, how long it may take, how large the
answer may be, and what a fault on the way means.
"""

import functools
import logging
import os
import ssl
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import httpcore
import httpx

from connectors import net, tls
from connectors.errors import (
    AuthRejected,
    BlockedAddress,
    ConnectorError,
    Deadline,
    IncompleteBody,
    ResponseTooLarge,
    SourceError,
    TlsError,
    Unavailable,
    WriteRefused,
)

log = logging.getLogger("landfall.http")

GZIP = 31  # zlib's number for "with a gzip header"

OnCall = Callable[[str, str, str, int | None, float], None]
"""Called after every request: method, host, path, status (None when there was no answer), seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vendor allows, shared by all runs that use the same ``key``; 0 means no limit."""

    key: str
    in_flight: int = 0
    per_second: int = 0
    per_minute: int = 0


class Limiter(Protocol):
    """Hands out permission for one request at a time."""

    def slot(self) -> AbstractContextManager[None]:
        """Wait for permission; leaving the context gives it back."""


def place(url: httpx.URL) -> str:
    """Host, port where it is unusual, and path of an address."""
    return f"{url.netloc.decode('ascii')}{url.path}"


@functools.cache
def _trust(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """The context of all clients that trust the same; reading the authorities takes 20 ms, and a run makes a client a stream."""
    return httpx.create_ssl_context()


class Guard(httpx.BaseTransport):
    """Sends one request, and returns its answer read to the end within the limits."""

    def __init__(
        self,
        methods: frozenset[str],
        allow_http: bool,
        timeout_s: float,
        max_body_bytes: int,
        limiter: Limiter | None,
        on_call: OnCall | None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._methods = methods
        self._allow_http = allow_http
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes
        self._limiter = limiter
        self._on_call = on_call
        self._warned = False
        # The limiter says how many requests are in flight; the pool only keeps connections.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context or _trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
            max_connections=100,
            keepalive_expiry=20,
            network_backend=net.Backend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._check(request)
        status = None
        with self._limiter.slot() if self._limiter else nullcontext():
            began = time.monotonic()
            try:
                with net.deadline(self._timeout_s):
                    answer = self._exchange(request)
                status = answer.status_code
                return answer
            finally:
                if self._on_call:
                    self._on_call(request.method, request.url.host, request.url.path, status, time.monotonic() - began)

    def close(self) -> None:
        self._pool.close()

    def _check(self, request: httpx.Request) -> None:
        url = request.url
        if request.method not in self._methods:
            raise WriteRefused(
                f"{request.method} {place(url)} was stopped: this connection sends only {_words(self._methods)}."
            )
        if url.scheme not in ("http", "https") or url.userinfo:
            raise BlockedAddress(
                f"The address of {url.host or 'the source'} must begin with https:// and hold no password."
            )
        if url.scheme == "https" or net.is_loopback(url.host):
            return
        if not self._allow_http:
            raise BlockedAddress(f"http://{url.host} would send credentials in the clear.")
        if not self._warned:
            log.warning("http://%s is asked without encryption: whoever shares the network can read it.", url.host)
            self._warned = True

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_s)
        outgoing = httpcore.Request(
            request.method,
            target,
            headers=request.headers.raw,
            content=request.content,
            extensions={"timeout": timeouts},
        )
        begun = False
        try:
            answer = self._pool.handle_request(outgoing)
            begun = True
            try:
                headers = httpx.Headers(answer.headers)
                content = _unpack(answer.iter_stream(), headers, self._max_body_bytes, place(url))
            finally:
                answer.close()
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise _translate(error, url, begun, self._timeout_s) from error
        for name in ("content-encoding", "content-length", "transfer-encoding"):
            headers.pop(name, None)  # they spoke of what was on the wire
        return httpx.Response(answer.status, headers=headers, content=content)


def _words(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))


def _translate(error: Exception, url: httpx.URL, begun: bool, timeout_s: float) -> ConnectorError:
    """What a fault of the wire means; ``begun`` says that the answer's head had arrived."""
    where = place(url)
    cause = error.__cause__ or error.__context__  # the pool raises again "from None"
    if reason := tls.refused(cause):
        return AuthRejected(f"{url.host} does not accept the client certificate, or wants one: {reason}.")
    # A handshake that broke off is a fault of the line; a refusal to speak is not, nor is a bad certificate.
    broke_off = isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    if isinstance(error, httpcore.ConnectError) and isinstance(cause, ssl.SSLError) and not broke_off:
        reason = getattr(cause, "verify_message", "") or cause.reason or "the handshake failed"
        return TlsError(f"No secure connection to {url.host}: {reason}.")
    if isinstance(error, httpcore.ConnectTimeout | httpcore.ConnectError | httpcore.PoolTimeout):
        return Unavailable(f"{url.host} cannot be reached: {error or 'no answer in time'}.")
    if isinstance(error, httpcore.TimeoutException):
        return Deadline(f"{where} did not answer in full within {timeout_s:.0f} s.")
    if begun:
        return IncompleteBody(f"The answer of {where} ended before it was complete.")
    return Unavailable(f"{where} closed the connection without an answer.")


def _unpack(chunks: Iterable[bytes], headers: httpx.Headers, limit: int, where: str) -> bytes:
    """Read and decompress an answer, holding no more than ``limit`` bytes of it however small it was packed."""
    too_large = ResponseTooLarge(f"The answer of {where} is larger than {limit / 1048576:.0f} MB.")
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise SourceError(f"{where} packed its answer as {encoding}, which was not asked for.")
    unzip = zlib.decompressobj(GZIP) if encoding in ("gzip", "x-gzip") else None
    parts: list[bytes] = []
    size = 0
    begun = False  # an answer without a body may call it packed all the same
    for chunk in chunks:
        begun = True
        try:
            part = unzip.decompress(chunk, limit - size + 1) if unzip else chunk
        except zlib.error as error:
            raise IncompleteBody(f"The packed answer of {where} is damaged.") from error
        size += len(part)
        if size > limit:
            raise too_large
        parts.append(part)
    if unzip and begun and (not unzip.eof or unzip.unused_data):
        raise IncompleteBody(f"The packed answer of {where} ended before it was complete.")
    return b"".join(parts)
