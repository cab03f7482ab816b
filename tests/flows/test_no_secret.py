"""No secret is anywhere where people or programs look: logs, Prefect's own records, artifacts, the run log, letters."""

import base64
import json
import logging
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, LogFilter, LogFilterFlowRunId

from sandbox.quickbooks import QuickBooks
from tests.cli.conftest import Landfall, answer


def test_no_secret_shows_even_when_the_vendor_repeats_it(
    company: QuickBooks,
    connect: Callable[..., None],
    refresh: Callable[..., Any],
    landfall: Landfall,
    landed: "psycopg.Connection[dict[str, Any]]",
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A vendor that puts our own credentials into its errors does not make us write them down."""
    caplog.set_level(logging.DEBUG)
    basic = base64.b64encode(f"{company.client_id}:{company.client_secret}".encode()).decode()
    issued = company.oauth.access_token()
    canaries = [company.client_secret, company.refresh_token, basic, issued]
    said = f"client_secret={company.client_secret} refresh_token={company.refresh_token} Basic {basic} Bearer {issued}"
    body = json.dumps(
        {"Fault": {"Error": [{"Message": said, "Detail": said, "code": "610"}], "type": "ValidationFault"}}
    )
    head = {"Content-Type": "application/json"}
    company.faults.add("answer", entity="Invoice", times=None, status=400, headers=head, body=body)
    company.store.spoil("Vendor", company.store.ids("Vendor")[0], {"Balance": said})
    connect(company)

    state = refresh()

    assert state.is_failed()
    run_id = state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        only = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
        stored = [
            client.read_flow_run(run_id).model_dump_json(),
            *(artifact.model_dump_json() for artifact in client.read_artifacts(flow_run_filter=only)),
            *(log.message for log in client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])))),
            *(task.model_dump_json() for task in client.read_task_runs(flow_run_filter=only)),
        ]
    tables = ("ops.sync_run", "ops.connection", "ops.dead_letter", "ops.oauth_token")
    stored += [str(row) for table in tables for row in landed.execute(f"SELECT t::text FROM {table} t").fetchall()]
    letters = answer(landfall("dead-letters", "list", "--json"))["dead_letters"]
    stored += [json.dumps(letters), str(state.message), caplog.text, *capfd.readouterr()]
    assert len(letters) == 1
    for canary in canaries:
        assert not [text for text in stored if canary in text], f"{canary[:12]}… was written down"
