"""Applies an approved plan to a Microshare tenant."""

from prefect import flow
from prefect.client.schemas.objects import State

from blocks.microshare import Microshare
from tasks.microshare import carry_out
from tasks.run import open_run


@flow(name="apply-microshare-plan", log_prints=True, persist_result=False)
def apply_microshare_plan(plan: int, connection: str = "main") -> State:
    """Apply one approved plan to the devices of a tenant; applied again, it goes on where it stopped.

    Args:
        plan: The number of the plan, as `landfall microshare plan list` shows it.
        connection: The name of the Microshare block that the plan was made for.
    """
    # Each plan is a run of its own: two plans may be applied at a time, one plan only once.
    with open_run(f"microshare-plan-{plan}", connection, load=Microshare.load) as run:
        carry_out(run, plan)
    return run.state()
