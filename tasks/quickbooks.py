"""What the landing of QuickBooks needs beside the steps that every sync shares: the views that dbt reads."""

from collections.abc import Sequence
from contextlib import closing

from prefect.logging import get_run_logger

from connectors.quickbooks.streams import STREAMS, streams
from connectors.stream import Stream
from tasks.run import SyncRun
from warehouse import quickbooks
from warehouse.connect import connect
from warehouse.errors import WarehouseError


def prepare(run: SyncRun) -> Sequence[Stream]:
    """Make the tables and the views for dbt, if wanted, and give the streams that the connection reads.

    Views are no reason for a run to fail: what stands in their way is told, and the rows land.
    """
    if run.skipped:
        return ()
    if run.client.dbt_views:
        _show_to_dbt(run)
    return streams(run.client.entities)


def _show_to_dbt(run: SyncRun) -> None:
    try:
        with closing(connect(run.url)) as conn:
            quickbooks.show_to_dbt(conn, run.run.connection, STREAMS)
    except WarehouseError as error:
        schema = quickbooks.schema_of(run.run.connection)
        get_run_logger().warning(
            "%s: the views for dbt in %s are not up to date (%s); if views of yours keep them from changing, drop the"
            " schema and run again", run.label, schema, error,
        )  # fmt: skip
