"""Connections to Postgres, set up so that dead clients are noticed and nothing waits for ever."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import make_conninfo

from warehouse.errors import (
    DatabaseUnavailable,
    LockTimeout,
    SessionPooling,
    StorageFull,
    TargetSchemaChanged,
    WarehouseError,
)

# The backend of a killed client must let go of its locks: it looks every 2 s whether the client is there, and
# TCP notices a host that vanished within 30 + 3 * 10 s.
_SETTINGS = {
    "timezone": "UTC",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
    "client_connection_check_interval": "2s",
    "client_min_messages": "warning",
    # What a run changes is little and looked up by key; Postgres' default, made for spinning disks, reads all of a table
    # to find one row in a hundred.
    "random_page_cost": "1.1",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
CONNECT_TIMEOUT_S = 10
LOOKS = 5  # a busy pool may give two sessions different backends now and then


def connect(url: str, application: str = "landfall") -> "psycopg.Connection[tuple[object, ...]]":
    """Open a session that commits each statement; DatabaseUnavailable if Postgres cannot be reached."""
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name=application,
            client_encoding="utf8",
        )
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"Postgres cannot be reached: {_first_line(error)}") from None
    with translated("connecting"):
        # One statement for all: a run opens a dozen sessions.
        calls = ", ".join("set_config(%s, %s, false)" for _ in _SETTINGS)
        connection.execute(f"SELECT {calls}", [part for setting in _SETTINGS.items() for part in setting])
    return connection


def refuse_transaction_pooling(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """SessionPooling if the statements of one session may reach different backends (pgbouncer in transaction mode).

    A pooler gives out process ids of its own for cancelling, so a session that has the id of its backend is direct.
    Else a second session tells the modes apart: while we are here, only a pool of transactions lends our backend out.
    """
    mine = _backend(connection)
    if mine == connection.info.backend_pid:
        return
    info = connection.info
    address = make_conninfo(info.dsn, password=info.password, connect_timeout=CONNECT_TIMEOUT_S)
    with translated("looking for a pooler"), psycopg.connect(address, autocommit=True) as other:
        for _ in range(LOOKS):
            if _backend(other) == mine or _backend(connection) != mine:
                raise SessionPooling("A pooler (pgbouncer in transaction mode) lends one backend to several sessions")


def _backend(connection: "psycopg.Connection[tuple[object, ...]]") -> object:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row and row[0]


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what Postgres says into this project's errors; ``doing`` says during what."""
    try:
        yield
    except WarehouseError:
        raise
    except (pg.DiskFull, pg.OutOfMemory) as error:
        raise StorageFull(f"Postgres has no space left while {doing}: {_first_line(error)}") from error
    except pg.LockNotAvailable as error:
        raise LockTimeout(f"A lock was not to be had within 5 s while {doing}: {_first_line(error)}") from error
    except (psycopg.IntegrityError, pg.UndefinedTable, pg.UndefinedColumn, pg.DatatypeMismatch) as error:
        raise TargetSchemaChanged(f"Postgres refuses the rows while {doing}: {_first_line(error)}") from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseUnavailable(f"The session with Postgres ended while {doing}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0][:300]
