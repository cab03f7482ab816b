"""Who is behind what a process does: a person at a command line, or whoever started a flow run in Prefect."""

from prefect import runtime
from prefect.context import FlowRunContext

from warehouse.audit import Origin

#: A block that was edited in the UI does not say by whom; Prefect keeps no record of it.
UNKNOWN = "unknown"


def deployment_id() -> object:
    """The deployment that this flow run is one of, if it is; `prefect.runtime` would ask the server every time."""
    context = FlowRunContext.get()
    return context.flow_run.deployment_id if context and context.flow_run else runtime.deployment.id


def origin() -> Origin:
    """The person at this machine, or in a run that a worker carries out whoever Prefect names as having started it."""
    if not deployment_id():
        return Origin.here()
    context = FlowRunContext.get()
    created_by = context.flow_run.created_by if context and context.flow_run else None
    # An open-source server knows no users, so it mostly names nobody.
    actor = (created_by.display_value if created_by else None) or UNKNOWN
    return Origin(actor, f"flow {runtime.flow_run.flow_name}/{runtime.deployment.name}")


def elsewhere() -> Origin:
    """Somebody who changed a block without Landfall, as noticed by this process."""
    name = runtime.flow_run.flow_name
    return Origin(UNKNOWN, f"an edit of the block, noticed by {f'flow {name}' if name else 'the command line'}")


def started_by_a_person() -> bool:
    """Whether somebody asked for this flow run, rather than a schedule, an automation or another flow."""
    context = FlowRunContext.get()
    flow_run = context.flow_run if context else None
    if flow_run is None or flow_run.auto_scheduled or flow_run.parent_task_run_id:
        return False
    return not (flow_run.created_by and flow_run.created_by.type == "AUTOMATION")
