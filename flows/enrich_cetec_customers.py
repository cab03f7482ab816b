"""Lands the customers of Cetec ERP instances, each with the state of its backup database."""

from prefect import flow
from prefect.client.schemas.objects import State

from blocks.cetec import Cetec
from connectors.cetec.client import Asked
from tasks.cetec import conclude, customers
from tasks.pull import pull_all
from tasks.run import open_run


@flow(name="enrich-cetec-customers", log_prints=True, persist_result=False)
def enrich_cetec_customers(
    connection: str = "main",
    id: str = "",
    name: str = "",
    external_key: str = "",
    columns: str = "",
    full: bool = False,
    accept_shrink: bool = False,
    accept_drift: bool = False,
) -> State:
    """Land the customers of one Cetec instance in `cetec.customer`, and look up their databases in MySQL.

    Args:
        connection: The name of the Cetec block, as given to `landfall connect cetec --name`.
        id: Only the customer with this id.
        name: Only customers whose name holds this text.
        external_key: Only the customer with this key in another system.
        columns: The columns to ask for, with commas; others stay as they are. Empty: the documented ones.
        full: Read everything again; Cetec's list always is.
        accept_shrink: Accept far fewer customers, or far fewer databases, than last time, this once.
        accept_drift: Land what fits although many customers do not; those become dead letters.
    """
    accept = {"accept_shrink": accept_shrink, "accept_drift": accept_drift}
    with open_run("cetec", connection, load=Cetec.load, full=full, **accept) as run:
        asked = customers(run, Asked(id, name, external_key, (columns,) if columns else ()))
        pull_all(run, [asked.stream])
        conclude(run, asked)
    return run.state()
