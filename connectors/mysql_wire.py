"""The wire under `connectors.mysql`: a checked socket, a query that ends in time, and what went wrong in our words."""

import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pymysql  # type: ignore[import-untyped]

from connectors import net
from connectors.errors import AuthRejected, ConnectorError, Deadline, SourceError, TlsError, Unavailable
from connectors.redact import REDACTOR

CONNECT_TIMEOUT_S = 10.0  # a handshake over any network; a server that needs longer is ill

# What MySQL (3024, 1317, 3572) and MariaDB (1969, 1205) say of a query that had to be stopped.
_STOPPED = {1205, 1317, 1969, 3024, 3572}
_REFUSED = {1044, 1045, 1130, 1142, 1227, 1698, 3118, 4151}
_TLS = 2026


def open_socket(host: str, port: int, path: str = "") -> socket.socket:
    """A connected socket: the file at ``path``, or TCP.

    An address that Landfall does not connect to (`BlockedAddress`) is refused before a byte is sent.
    """
    if path:
        local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        local.settimeout(CONNECT_TIMEOUT_S)
        local.connect(path)
        return local
    last: OSError | None = None
    for address in net.resolve(host, port):
        try:
            remote = socket.create_connection((address, port), CONNECT_TIMEOUT_S)
            remote.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            last = error
        else:
            return remote
    raise last or OSError("the name has no address")


class Stopped(Exception):
    """The server stopped a query at its time limit; the connection is as good as before."""


def query(connection: Any, what: str, values: Sequence[str], limit_s: float) -> Sequence[tuple[Any, ...]]:
    """``SELECT what`` within a time that the server itself keeps to; no statement of this module writes."""
    if "mariadb" in connection.get_server_info().lower():
        statement = f"SET STATEMENT max_statement_time={limit_s:.3f} FOR SELECT {what}"
    else:
        statement = f"SELECT /*+ MAX_EXECUTION_TIME({max(1, round(limit_s * 1000))}) */ {what}"
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
            return rows
    except pymysql.MySQLError as error:
        if _number(error) in _STOPPED:
            raise Stopped(f"a query was stopped after {limit_s:.0f} s.") from None
        raise


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Turn what the driver and the wire say into errors of connectors; the password is in none of them."""
    try:
        yield
    except Stopped as error:
        raise Deadline(f"MySQL at {place}: {error}") from None
    except socket.gaierror as error:
        raise Unavailable(f"MySQL at {place} cannot be reached: the name is not known.") from error
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or "the handshake failed"
        raise TlsError(f"No secure connection to MySQL at {place}: {reason}.") from error
    except TimeoutError as error:
        raise Deadline(f"MySQL at {place} did not answer in time.") from error
    except OSError as error:
        raise Unavailable(f"MySQL at {place} cannot be reached: {error.strerror or error}.") from error
    except pymysql.MySQLError as error:
        raise _meaning(error, place) from error
    except (UnicodeError, ValueError, IndexError, AssertionError) as error:
        # The driver has no error of its own for a server that speaks another protocol.
        raise SourceError(f"What answers at {place} does not speak as MySQL does: {type(error).__name__}.") from error


def _meaning(error: Any, place: str) -> ConnectorError:
    number = _number(error)
    cause = getattr(error, "original_exception", None)
    said = REDACTOR.redact(re.sub(r"\s+", " ", str(error.args[-1] if error.args else error)))[:200]
    if number == _TLS or isinstance(cause, ssl.SSLError):
        return TlsError(f"No secure connection to MySQL at {place}: {said}.")
    if number in _REFUSED:
        return AuthRejected(f"MySQL at {place} refuses: {said}.")
    if "timed out" in said:
        return Deadline(f"MySQL at {place} did not answer in time.")
    if isinstance(error, pymysql.OperationalError | pymysql.InterfaceError):
        return Unavailable(f"MySQL at {place} cannot be used: {said}.")
    return SourceError(f"MySQL at {place} answered {number or 'with an error'}: {said}.")


def _number(error: Any) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0
