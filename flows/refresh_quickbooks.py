"""Lands QuickBooks companies: whom they deal with, what they sell and buy, and the money that moves."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.task_runners import ThreadPoolTaskRunner

from blocks.quickbooks import QuickBooks
from tasks.pull import pull_all
from tasks.quickbooks import prepare
from tasks.run import open_run

# Each stream has a session of Postgres and pages in memory; more of them at a time would only wait for the vendor.
AT_A_TIME = 8


@flow(
    name="refresh-quickbooks",
    log_prints=True,
    persist_result=False,
    task_runner=ThreadPoolTaskRunner(max_workers=AT_A_TIME),  # type: ignore[arg-type]
)
def refresh_quickbooks(
    connection: str = "main",
    full: bool = False,
    accept_shrink: bool = False,
    accept_drift: bool = False,
    accept_count: bool = False,
) -> State:
    """Land one QuickBooks company in the schema `quickbooks`, and show it to dbt in a schema of the connection's own.

    Rows that did not change at QuickBooks stay as they are; rows that are gone there are marked as deleted. A second
    run at the same time is skipped.

    Args:
        connection: The name of the QuickBooks block, as given to `landfall connect quickbooks --name`.
        full: Read everything again instead of what has changed since the last run.
        accept_shrink: Accept that QuickBooks holds far fewer records than last time, this once.
        accept_drift: Land what fits although many records do not; those become dead letters.
        accept_count: Land what was read although QuickBooks counts otherwise; nothing is marked as deleted then.
    """
    accept = {"accept_shrink": accept_shrink, "accept_drift": accept_drift, "accept_count": accept_count}
    with open_run("quickbooks", connection, load=QuickBooks.load, full=full, **accept) as run:
        pull_all(run, prepare(run))
    return run.state()
