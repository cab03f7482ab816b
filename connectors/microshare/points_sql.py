"""Rows from a SQL query, of any database that SQLAlchemy has a driver for; read-only, some hundreds at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from connectors.errors import SourceError, Unavailable
from connectors.microshare.points import Mapped, Row, Update, Written
from connectors.redact import REDACTOR

CHUNK = 500
CONNECT_S = 10
# What makes a whole transaction read-only, where a database has a word for it; elsewhere it is only rolled back.
_READ_ONLY: Mapping[str, str] = {
    "postgresql": "SET TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}
_DEADLINE: Mapping[str, str] = {
    "postgresql": "SET LOCAL statement_timeout = {milliseconds}",
    "mysql": "SET SESSION max_execution_time = {milliseconds}",
    "mariadb": "SET SESSION max_statement_time = {seconds}",
}
_CONNECT: Mapping[str, Mapping[str, Any]] = {
    "postgresql": {"connect_timeout": CONNECT_S},
    "mysql": {"connect_timeout": CONNECT_S},
    "mariadb": {"connect_timeout": CONNECT_S},
}


@dataclass
class SqlSource:
    """``query`` gives the rows, ``statement`` takes updates (parameters :id, :reference, :device_id and :state).

    ``address`` is one of SQLAlchemy's; its password may be given apart. ``timeout_s`` is for one query on the server,
    where that knows such a limit.
    """

    address: str
    query: str
    password: str = field(default="", repr=False)
    statement: str = ""
    mapping: Mapped = field(default_factory=dict)
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        REDACTOR.add(self.password)
        self._made: Engine | None = None

    @property
    def writable(self) -> bool:
        """Whether there is a statement that takes updates."""
        return bool(self.statement)

    def rows(self) -> Iterator[Sequence[Row]]:
        """All rows of the query, in one transaction that cannot write where the database knows such."""
        with self._connected() as connection, self._explained("the query"):
            if read_only := _READ_ONLY.get(connection.dialect.name):
                connection.exec_driver_sql(read_only)
            self._set_deadline(connection)
            # As it is: neither a colon nor a percent sign in it stands for a parameter.
            options = {"stream_results": True, "yield_per": CHUNK, "no_parameters": True}
            result = connection.execution_options(**options).exec_driver_sql(self.query)
            if not result.returns_rows:
                raise SourceError("The query gives no rows: it must be one that reads, such as SELECT.")
            for part in result.mappings().partitions(CHUNK):
                yield [dict(row) for row in part]

    def write_back(self, updates: Sequence[Update]) -> list[Written]:
        """Run the statement for each update, in one transaction; one that meets no row, or several, is refused."""
        if not self.statement:
            return [Written(each.id, False, "The source has no statement that takes updates.") for each in updates]
        written = []
        with self._connected() as connection, self._explained("the statement that takes updates"):
            for each in updates:
                with connection.begin_nested() as step:
                    met = connection.execute(text(self.statement), asdict(each)).rowcount
                    if met != 1:
                        step.rollback()
                        written.append(Written(each.id, False, f"The statement met {met} rows instead of one."))
                        continue
                written.append(Written(each.id, True))
            connection.commit()
        return written

    def close(self) -> None:
        """Close all connections."""
        if self._made is not None:
            self._made.dispose()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        engine = self._engine()
        try:
            connection = engine.connect()
        except SQLAlchemyError as error:
            raise Unavailable(f"{_name(engine.url)} cannot be reached: {_said(error)}.") from None
        with connection:
            yield connection

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            kind = Unavailable if error.connection_invalidated else SourceError
            raise kind(f"{_name(self._engine().url)} refuses {what}: {_said(error)}.") from None
        except SQLAlchemyError as error:
            raise SourceError(f"{what.capitalize()} cannot be run: {_said(error)}.") from None

    def _set_deadline(self, connection: Connection) -> None:
        dialect = connection.dialect.name
        if dialect == "mysql" and getattr(connection.dialect, "is_mariadb", False):
            dialect = "mariadb"
        if command := _DEADLINE.get(dialect):
            limits = {"milliseconds": int(self.timeout_s * 1000), "seconds": self.timeout_s}
            connection.exec_driver_sql(command.format(**limits))

    def _engine(self) -> Engine:
        if self._made is None:
            try:
                url = make_url(self.address)
                REDACTOR.add(url.password)
                url = url.set(password=self.password) if self.password else url
                arguments = dict(_CONNECT.get(url.get_backend_name(), {}))
                self._made = create_engine(url, poolclass=NullPool, connect_args=arguments)
            except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
                raise SourceError(
                    f"The address of the database is none that SQLAlchemy can use: {_said(error)}."
                    " It looks like postgresql+psycopg://USER@HOST/DATABASE or mysql+pymysql://USER@HOST/DATABASE."
                ) from None
        return self._made


def _name(url: URL) -> str:
    return f"{url.host or url.get_backend_name()}/{url.database or ''}"


def _said(error: Exception) -> str:
    """What the driver said, on one line and without SQLAlchemy's own remarks."""
    return REDACTOR.snippet(str(getattr(error, "orig", None) or error), 200).rstrip(".")
