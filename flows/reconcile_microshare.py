"""Compares the devices of Microshare tenants with the inspection points of an ERP."""

from prefect import flow
from prefect.client.schemas.objects import State

from blocks.microshare import Microshare
from connectors.microshare.streams import wanted
from tasks.microshare import reconcile, resume
from tasks.pull import pull_all
from tasks.run import open_run


@flow(name="reconcile-microshare", log_prints=True, persist_result=False)
def reconcile_microshare(
    connection: str = "main",
    full: bool = False,
    accept_shrink: bool = False,
    accept_drift: bool = False,
    apply: bool = False,
) -> State:
    """Land clusters, devices and inspection points, compare them, and write a plan of what is to change.

    Nothing is written to Microshare unless a person approves the plan, or `apply` says that it goes without.

    Args:
        connection: The name of the Microshare block, as given to `landfall connect microshare --name`.
        full: Read incidents and events again as far as the connection looks back; all else always is.
        accept_shrink: Accept far fewer clusters, devices or points than last time, this once.
        accept_drift: Land what fits although many records do not; those become dead letters.
        apply: Approve and apply the plan at once, and go on with plans that could not be finished before.
    """
    accept = {"accept_shrink": accept_shrink, "accept_drift": accept_drift}
    with open_run("microshare", connection, load=Microshare.load, full=full, **accept) as run:
        resume(run, apply=apply)
        pull_all(run, wanted(run.client))
        reconcile(run, apply=apply)
    return run.state()
