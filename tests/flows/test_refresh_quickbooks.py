import inspect
import json

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from blocks import systems
from deployments import syncs
from flows import refresh_quickbooks
from sandbox.quickbooks import QuickBooks


@pytest.mark.parametrize("sync", syncs.modules())
def test_a_flow_explains_itself_in_the_ui(sync: str) -> None:
    """Whoever opens a sync in the Prefect UI reads what it does and what each parameter means."""
    flow = syncs.load(sync)
    assert flow.description
    assert all(field.get("description") for field in flow.parameters.properties.values())
    assert "connection" in flow.parameters.properties


@pytest.mark.parametrize("sync", syncs.modules())
def test_a_flow_reads_as_a_table_of_contents(sync: str) -> None:
    """A flow file stays under 40 lines."""
    assert len(inspect.getsource(syncs.load(sync).fn).splitlines()) < 40


def test_a_run_ends_completed_with_its_figures(connected: str) -> None:
    """The state of a run says how much was read and changed."""
    state = refresh_quickbooks.refresh_quickbooks(connected, return_state=True)
    assert (state.name, state.message) == ("Completed", "quickbooks/main: 35 records read, 35 rows changed")


def test_dead_letters_end_partial(connected: str, company: QuickBooks) -> None:
    """A run with a bad record is Completed under the name Partial and says where to look."""
    company.store.spoil("Vendor", company.store.ids("Vendor")[0], {"Balance": "N/A"})
    state = refresh_quickbooks.refresh_quickbooks(connected, return_state=True)
    assert state.is_completed()
    assert state.name == "Partial"
    assert "landfall dead-letters list" in str(state.message)


def test_no_such_connection_fails_in_words(landfall: object) -> None:
    """A run for a connection that nobody made fails with the command that makes it."""
    state = refresh_quickbooks.refresh_quickbooks("nowhere", return_state=True)
    assert state.is_failed()
    assert "landfall connect" in str(state.message)


def test_prefect_keeps_names_and_no_secret(connected: str) -> None:
    """What Prefect stores of a run, parameters, state and artifacts, holds no secret of the connection."""
    state = refresh_quickbooks.refresh_quickbooks(connected, return_state=True)
    run_id = state.state_details.flow_run_id
    values = systems.saved_values("quickbooks", connected)
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(run_id)
        artifacts = client.read_artifacts(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])))
    assert run.parameters.pop("connection") == "main"
    assert not any(run.parameters.values())
    stored = run.model_dump_json() + json.dumps([artifact.model_dump(mode="json") for artifact in artifacts])
    assert artifacts
    for name in ("client_secret", "refresh_token"):
        assert values[name] not in stored
