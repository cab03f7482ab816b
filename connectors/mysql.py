"""Asks a MySQL or MariaDB server which databases it holds: one connection, two queries, whatever their number.

`Server.look` answers for many names at once. A schema that is locked or slow holds up the whole query: the names are
then asked in ever smaller groups until only the slow ones are left, so that nobody else's answer waits for them.
"""

import ssl
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pymysql  # type: ignore[import-untyped]

from connectors import retrying
from connectors.errors import AuthRejected, ConnectorError, Deadline, TlsError, Transient
from connectors.mysql_wire import Stopped, open_socket, query, translated
from connectors.redact import REDACTOR

QUERY_TIMEOUT_S = 10.0  # names alone of 2,000 databases take well under a second
ISOLATE_S = 1.0  # for one group while the slow ones are looked for
TOTAL_S = 45.0  # for all questions of one look
GRACE_S = 5.0  # the server ends a query itself; only if it does not, the client hangs up
GROUPS = 8


class Answer(Enum):
    """What is known of one database."""

    HAS_TABLE = "has the table"
    NO_TABLE = "a schema without the table"
    NO_SCHEMA = "no such schema"
    TIMED_OUT = "no answer in time"
    FAILED = "the server could not be asked"


@dataclass(frozen=True, slots=True)
class Databases:
    """The answer for all names: look one up with `of`.

    ``fold``: the server does not tell upper and lower case apart. ``failure``: why nobody could be asked.
    """

    schemas: frozenset[str] = frozenset()
    with_table: frozenset[str] = frozenset()
    timed_out: frozenset[str] = frozenset()
    fold: bool = False
    failure: ConnectorError | None = None

    def of(self, name: str) -> Answer:
        """What is known of the database of exactly this name."""
        if self.failure is not None:
            return Answer.TIMED_OUT if isinstance(self.failure, Deadline) else Answer.FAILED
        key = name.lower() if self.fold else name
        if key not in self.schemas:
            return Answer.NO_SCHEMA
        if key in self.timed_out:
            return Answer.TIMED_OUT
        return Answer.HAS_TABLE if key in self.with_table else Answer.NO_TABLE


@dataclass(slots=True)
class Server:
    """One server, and how to reach it: over TCP with TLS, or through a socket file on this machine.

    ``tls`` False sends everything in the clear. ``ca_file`` names an authority beside the system's. ``sentinel`` is a
    schema with the table that the account must always see: MySQL hides what an account has no right to, so without
    one a right that was taken away looks like databases that are gone. Times in seconds.
    """

    host: str = ""
    port: int = 3306
    socket: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = True
    ca_file: str = ""
    sentinel: str = ""
    query_timeout_s: float = QUERY_TIMEOUT_S
    retry_attempts: int = 3

    def __post_init__(self) -> None:
        REDACTOR.add(self.password)

    def look(self, names: Collection[str], table: str) -> Databases:
        """Say of each name whether there is such a schema, and whether it holds the table.

        Names are compared exactly, as the server itself compares them. Raises nothing for a server that cannot be
        asked: `Databases.failure` says why.
        """
        try:
            with self._connected() as connection:
                return self._look(connection, names, table)
        except ConnectorError as error:
            return Databases(failure=error)

    def test(self, table: str = "usage_stats") -> dict[str, Any]:
        """Sign in and say which way, how fast, to what, and what may be read."""
        began = time.monotonic()
        with self._connected() as connection:
            milliseconds = round((time.monotonic() - began) * 1000)
            schemas, fold = _schemas(connection, self.query_timeout_s)
            found = _holding(connection, sorted(schemas), table, fold, self.query_timeout_s)
            self._check_sentinel(schemas, _folded(found, fold), fold)
            return {
                "connected": self._way(connection),
                "milliseconds": milliseconds,
                "server": connection.get_server_info(),
                "user": self.user,
                "readable_schemas": len(schemas),
                f"schemas_with_{table}": len(found),
                "sentinel": f"{self.sentinel} is visible" if self.sentinel else "none",
            }

    def _look(self, connection: Any, names: Collection[str], table: str) -> Databases:
        ends_at = time.monotonic() + TOTAL_S
        schemas, fold = _schemas(connection, self.query_timeout_s)
        known = _folded(schemas, fold)
        asked = {*names, self.sentinel} - {""}
        wanted = [name for name in schemas if _fold(name, fold) in _folded(asked, fold)]
        found, timed_out = _isolating(connection, wanted, table, fold, self.query_timeout_s, ends_at)
        with_table = _folded(found, fold)
        self._check_sentinel(known, with_table | _folded(timed_out, fold), fold)
        return Databases(known, with_table, _folded(timed_out, fold), fold)

    def _check_sentinel(self, schemas: Collection[str], with_table: Collection[str], fold: bool) -> None:
        name = _fold(self.sentinel, fold)
        if not name or (name in _folded(schemas, fold) and name in with_table):
            return
        raise AuthRejected(
            f"{self.user} cannot see the schema {self.sentinel} and its table, which are always there: its right to"
            " read databases is missing, so none may be taken for gone."
        )

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        rounds = retrying.attempts(on=Transient, attempts=self.retry_attempts, timeout=30.0, wait_initial=0.2)
        for attempt in rounds:
            with attempt:
                connection = self._connect()
        with closing(connection), translated(self._place):
            yield connection

    def _connect(self) -> Any:
        with translated(self._place):
            connection = pymysql.connect(
                host=self.host or "localhost",
                port=self.port,
                user=self.user,
                password=self.password.encode(),  # as bytes, since the driver would read text as Latin-1
                charset="utf8mb4",
                autocommit=True,
                read_timeout=self.query_timeout_s + GRACE_S,
                write_timeout=self.query_timeout_s + GRACE_S,
                defer_connect=True,
                **self._security(),
            )
            connection.connect(open_socket(self.host, self.port, self.socket))
            return connection

    def _security(self) -> dict[str, Any]:
        if self.socket or not self.tls:
            return {"ssl_disabled": True}
        context = ssl.create_default_context()
        if self.ca_file:
            try:
                context.load_verify_locations(cafile=self.ca_file)
            except (OSError, ssl.SSLError) as error:
                raise TlsError(f"The file with the authority, {self.ca_file}, cannot be read: {error}.") from error
        return {"ssl": context}

    @property
    def _place(self) -> str:
        return self.socket or f"{self.host}:{self.port}"

    def _way(self, connection: Any) -> str:
        if self.socket:
            return f"through the socket {self.socket}"
        version = getattr(connection._sock, "version", None)
        return f"TCP to {self._place}, {version() if version else 'without encryption'}"


def _schemas(connection: Any, limit_s: float) -> tuple[set[str], bool]:
    """All schemas that the account sees, and whether upper and lower case are the same to the server."""
    rows = query(connection, "@@lower_case_table_names, SCHEMA_NAME FROM information_schema.SCHEMATA", (), limit_s)
    return {str(name) for _, name in rows}, bool(rows and int(rows[0][0]))


def _holding(connection: Any, names: Sequence[str], table: str, fold: bool, limit_s: float) -> set[str]:
    """Those of these schemas that hold the table."""
    if not names:
        return set()
    slots = ", ".join(["%s"] * len(names))
    rows = query(
        connection,
        f"TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_NAME = %s AND TABLE_SCHEMA IN ({slots})",
        (table, *names),
        limit_s,
    )
    # The server compares names here without regard to case and accents; those that are not the same are left out.
    return {str(schema) for schema, name in rows if _fold(str(name), fold) == table} & set(names)


def _isolating(
    connection: Any, names: Sequence[str], table: str, fold: bool, limit_s: float, ends_at: float
) -> tuple[set[str], set[str]]:
    """Ask for all at once; if that takes too long, in ever smaller groups: those that hold the table, and the slow."""
    found: set[str] = set()
    slow: set[str] = set()
    groups = [(list(names), limit_s)]
    while groups:
        group, limit = groups.pop()
        left = ends_at - time.monotonic()
        if left <= 0:
            slow.update(group)
            continue
        try:
            found |= _holding(connection, group, table, fold, min(limit, left))
        except Stopped:
            if len(group) == 1:
                slow.update(group)
            else:
                size = -(-len(group) // GROUPS)
                groups += [(group[at : at + size], ISOLATE_S) for at in range(0, len(group), size)]
    return found, slow


def _fold(name: str, fold: bool) -> str:
    return name.lower() if fold else name


def _folded(names: Collection[str], fold: bool) -> frozenset[str]:
    return frozenset(_fold(name, fold) for name in names)
