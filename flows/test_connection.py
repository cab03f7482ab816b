"""Tests any connection, so that the Prefect UI can do what `landfall connections test` does."""

from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from blocks import systems
from tasks.connection import check_connection, show_check


@flow(name="test-connection", log_prints=True, persist_result=False)
def test_connection(
    system: Annotated[str, Field(json_schema_extra={"enum": systems.names()})],
    name: str,
) -> State:
    """Ask a system whether its credentials work, and note the answer in `ops.connection`.

    Args:
        system: The kind of block, such as quickbooks.
        name: The name of the block, as given to `landfall connect SYSTEM --name`.
    """
    check = check_connection(system, name)
    show_check(check)
    return Completed(message=check.sentence) if check.ok else Failed(message=check.sentence)
