"""Lands orders, products, order statuses, stock, employees and invoices of any kind of ERP."""

from typing import Annotated, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import BeforeValidator

from blocks import systems
from tasks.erp import erp_streams
from tasks.pull import pull_all
from tasks.run import open_run

DataType = Literal["orders", "products", "order_status", "inventory", "employees", "invoices"]


def with_commas(given: object) -> object:
    """Take ``orders,products`` for the list that it is, as commands write it."""
    return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given


@flow(name="sync-erp", log_prints=True, persist_result=False)
def sync_erp(
    connection: str = "main",
    data_types: Annotated[list[DataType], BeforeValidator(with_commas)] = [],  # noqa: B006 - the form in the UI shows it
    full: bool = False,
    accept_shrink: bool = False,
    accept_drift: bool = False,
    accept_count: bool = False,
) -> State:
    """Land the data of one ERP, of whatever kind, in the schema `erp`; each data type as a task of its own.

    Runs of different data types of a connection may go side by side; a data type that another run has under way is
    left to that run.

    Args:
        connection: The name of the ERP connection, as given to `landfall connect erp-… --name`.
        data_types: What to read, with commas; empty: everything that the connection maps and has switched on.
        full: Read everything again instead of what has changed since the last run.
        accept_shrink: Accept that the ERP holds far fewer records than last time, this once.
        accept_drift: Land what fits although many records do not; those become dead letters.
        accept_count: Land what was read although the ERP counts otherwise; nothing is marked as deleted then.
    """
    accept = {"accept_shrink": accept_shrink, "accept_drift": accept_drift, "accept_count": accept_count}
    with open_run("erp", connection, load=load, full=full, side_by_side=True, **accept) as run:
        pull_all(run, erp_streams(run, data_types))
    return run.state()


def load(name: str) -> object:
    """Load the block of an ERP connection, of whichever kind has one of this name."""
    return systems.load_of("erp", name)
