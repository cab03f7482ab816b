"""What commands stand on: the Prefect server, and the database that rows land in.

Prefect reads its settings when it is imported, so nothing here or in the commands imports it at the top of a file.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from cli.console import note


def use_prefect(*, worker: bool = False) -> None:
    """Make sure that a Prefect server answers, and point this process at it. Call before importing prefect."""
    from deployments import services

    services.ensure(echo=note, worker=worker)
    # It says at the end of a command that an event is still on its way, which is no news to anybody.
    logging.getLogger("prefect.EventsWorker").setLevel(logging.ERROR)


def warehouse_url() -> str:
    """Return the address of the database, migrated to what this version needs."""
    if url := os.environ.get("LANDFALL_DATABASE_URL"):
        return url
    use_prefect()
    from deployments import services

    if url := services.warehouse_url():
        return url
    from blocks.warehouse import database_url

    return database_url()


@contextmanager
def warehouse() -> Iterator[Any]:
    """Give a connection to the database that rows land in, its schema up to date."""
    from warehouse.connect import connect
    from warehouse.migrate import upgrade

    conn = connect(warehouse_url())
    try:
        for name in upgrade(conn):
            note(f"migrated the database: {name}")
        yield conn
    finally:
        conn.close()


def address_without_password(url: str) -> str:
    """Return an address that may be shown. For the embedded Postgres it still works as it stands.

    The password then comes from a file that only its owner can read, which psql and every other libpq program looks
    up by itself.
    """
    parts = urlsplit(url)
    bare = parts._replace(netloc=f"{parts.username}@{parts.hostname}:{parts.port or 5432}")
    from warehouse import embedded
    from warehouse.home import home, write_private

    if parts.password and url == embedded.running_url():
        file = home() / "pgpass"
        write_private(file, f"{parts.hostname}:{parts.port}:*:{parts.username}:{parts.password}\n")
        bare = bare._replace(query=f"passfile={quote(str(file), safe='/')}")
    return urlunsplit(bare)
