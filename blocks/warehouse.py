"""Where rows land: one Postgres database, named by a variable, a block, or nobody."""

import os
from contextlib import closing
from typing import Any

from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from pydantic import Field, HttpUrl, SecretStr

from warehouse.errors import NotConfigured


class LandfallWarehouse(Block):
    """The Postgres database that everything lands in. The one named `main` is used.

    Example:
        ```python
        from blocks.warehouse import LandfallWarehouse

        warehouse = LandfallWarehouse.load("BLOCK_NAME")
        print(warehouse.test_connection())
        ```
    """

    _block_type_name = "Landfall Warehouse"
    _block_type_slug = "landfall-warehouse"
    _documentation_url = HttpUrl("https://www.postgresql.org/docs/current/libpq-connect.html")
    _description = "The Postgres database (15 or newer) that everything lands in."

    url: SecretStr = Field(description="Address of the database: postgresql://USER:PASSWORD@HOST:5432/DATABASE.")

    def test_connection(self) -> dict[str, Any]:
        """Connect and say which database this is: `identity`, `version`, and whether it will do."""
        from warehouse.connect import connect
        from warehouse.health import describe

        with closing(connect(self.url.get_secret_value())) as conn:
            return describe(conn)


def database_url() -> str:
    """Return where to land: LANDFALL_DATABASE_URL, else the block `landfall-warehouse/main`, else the embedded one.

    The embedded Postgres is for commands on one machine and the worker of `landfall up`; a run by any other worker
    raises `NotConfigured` instead.
    """
    if url := os.environ.get("LANDFALL_DATABASE_URL"):
        return url
    if url := _url_of_block():
        return url
    # Prefect sets the first of these for the runs that a worker starts, `landfall up` the second for its own worker.
    if os.environ.get("PREFECT__FLOW_RUN_ID") and not os.environ.get("LANDFALL_LOCAL_WORKER"):
        raise NotConfigured(
            "This worker knows no warehouse, and rows must not land in a private database of its host: set "
            "LANDFALL_DATABASE_URL for it, or run `landfall connect warehouse --name main --secret url=ENVVAR`."
        )
    from warehouse import embedded

    return embedded.start()


def _url_of_block() -> str | None:
    # Without an address Prefect would start a server of its own for some seconds, with no block in it.
    if not get_current_settings().api.url:
        return None
    with get_client(sync_client=True) as client:
        try:
            document = client.read_block_document_by_name("main", LandfallWarehouse.get_block_type_slug())
        except ObjectNotFound:
            return None
    return str(document.data["url"])
