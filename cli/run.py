"""`landfall run`: runs a sync in this process and says what it changed."""

import json
from typing import Annotated, Any

import typer

from cli.console import EXIT_CODES, FAILED, emit, fail, note, table
from cli.context import use_prefect, warehouse

#: The figures of a stream in the answer, in this order.
COUNTS = ("fetched", "read", "inserted", "updated", "unchanged", "deleted", "dead_lettered", "duplicates_collapsed")


def run(
    sync: Annotated[str, typer.Argument(help="What to run: quickbooks, …")],
    connection: Annotated[str, typer.Option(help="The name of the connection.")] = "main",
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="KEY=VALUE", help="Another parameter of the flow. Repeat.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again.")] = False,
    accept_shrink: Annotated[bool, typer.Option("--accept-shrink", help="Accept a much smaller source.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False,
) -> None:
    """Run a sync here and now. Exit status: 0 success, 3 partial, 1 failed, 4 skipped, 2 a wrong command.

    Example: landfall run quickbooks --connection main --json
    """
    use_prefect()
    from blocks import systems
    from deployments import syncs

    try:
        flow = syncs.load(sync)
    except syncs.UnknownSync as error:
        fail(str(error), code=error.code)
    known = syncs.connections(sync)
    if connection not in known:
        there = f"there are: {', '.join(known)}" if known else "there is none yet"
        ways = " or ".join(f"`landfall connect {kind} --name {connection}`" for kind in systems.family(sync))
        how = f"{ways} makes it"
        fail(f"There is no {sync} connection {connection!r}; {there}. {how}.", code="UnknownConnection")
    flags = {name: True for name, on in (("full", full), ("accept_shrink", accept_shrink)) if on}
    parameters = parse(flow, {"connection": connection, **flags}, parameter or [])
    outcome = outcome_of(sync, parameters["connection"], flow(**parameters, return_state=True))
    show(outcome, as_json=as_json)
    raise typer.Exit(EXIT_CODES.get(outcome["status"], FAILED))


def parse(flow: Any, parameters: dict[str, Any], pairs: list[str]) -> dict[str, Any]:
    """Add the KEY=VALUE pairs, each read as the type that the flow's parameter has."""
    schema = flow.parameters.properties
    for name in [*parameters, *(pair.partition("=")[0] for pair in pairs)]:
        if name not in schema:
            lines = [f"  {key}: {field.get('description', '')}" for key, field in schema.items()]
            fail("\n".join([f"{flow.name} has no parameter {name!r}; it has:", *lines]), code="UnknownParameter")
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            fail(f"-p {name} has no value: the form is -p KEY=VALUE.")
        parameters[name] = text if schema[name].get("type") == "string" else _value(text)
    from prefect.exceptions import ParameterTypeError

    try:
        valid: dict[str, Any] = flow.validate_parameters(parameters)
    except ParameterTypeError as error:
        fail(f"A parameter of {flow.name} has a wrong value: {error}", code="BadParameter")
    return valid


def outcome_of(sync: str, connection: str, state: Any) -> dict[str, Any]:
    """Return the answer of `landfall run --json` for a flow run in this Prefect state."""
    from warehouse.status import run_streams, runs

    flow_run_id = str(state.state_details.flow_run_id)
    with warehouse() as conn:
        latest = runs(conn, 50, sync, connection)
        run_id = next((row["run_id"] for row in latest if str(row["flow_run_id"]) == flow_run_id), None)
        streams = run_streams(conn, run_id) if run_id else {}
    status = {"Completed": "success", "Partial": "partial", "Skipped": "skipped"}.get(state.name, "failed")
    shown = {name: {key: row.get(key) for key in ("status", *COUNTS, "error")} for name, row in sorted(streams.items())}
    return {"run_id": run_id, "status": status, "error": _error(state, status, shown), "streams": shown}


def show(outcome: dict[str, Any], *, as_json: bool) -> None:
    """Print what the run came to."""
    if as_json:
        emit(outcome)
        return
    rows = [
        {"stream": name, **{key: row[key] for key in ("status", *COUNTS)}} for name, row in outcome["streams"].items()
    ]
    table(f"Run {outcome['run_id']}: {outcome['status']}", rows, empty=f"{outcome['status']}: no stream was read")
    if outcome["error"]:
        note(f"{outcome['error']['code']}: {outcome['error']['message']}")


def _error(state: Any, status: str, streams: dict[str, Any]) -> dict[str, str] | None:
    if status in ("success", "partial"):
        return None
    for stream in streams.values():
        if stream["error"]:
            error: dict[str, str] = stream["error"]
            return error
    cause = _cause(state)
    code = str(getattr(cause, "code", "AlreadyRunning" if status == "skipped" else type(cause or state).__name__))
    return {"code": code, "message": str(cause or state.message or status)}


def _cause(state: Any) -> BaseException | None:
    from prefect.exceptions import MissingResult

    # What a flow raised is there only for the process that ran it.
    if not state.is_failed() and not state.is_crashed():
        return None
    try:
        result = state.result(raise_on_failure=False)
    except MissingResult:
        return None
    return result if isinstance(result, BaseException) else None


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
