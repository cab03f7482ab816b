"""Reporting: what a run did, where people look: an artifact on the page of the flow run."""

import logging

from prefect.artifacts import create_table_artifact
from prefect.exceptions import PrefectException

from connectors.redact import REDACTOR
from tasks.run import SyncRun
from warehouse.landing import Landed

logger = logging.getLogger("landfall")


def report(run: SyncRun) -> None:
    """Put a table of counts for each stream on the page of the flow run, and one of expectations if there were any."""
    name = f"{run.run.sync}-{run.run.connection}".lower().replace("_", "-")
    try:
        create_table_artifact(key=f"landed-{name}", table=[*_rows(run)], description=_description(run))
        if verdicts := _verdicts(run):
            create_table_artifact(key=f"gates-{name}", table=verdicts, description=f"Expectations on {run.label}")
    except (PrefectException, OSError) as error:
        # The rows have landed and the run log says so; a page without a table is no reason to fail.
        logger.warning("The summary could not be shown in Prefect: %s", type(error).__name__)


def _rows(run: SyncRun) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, outcome in run.outcomes.items():
        if isinstance(outcome, Landed):
            rows.append({"stream": name, "status": outcome.counts.status, **outcome.counts.numbers()})
        else:
            code = getattr(outcome, "code", type(outcome).__name__)
            rows.append({"stream": name, "status": "failed", "error": f"{code}: {REDACTOR.redact(str(outcome))}"})
    return rows


def _verdicts(run: SyncRun) -> list[dict[str, object]]:
    return [
        {
            "stream": name, "expectation": verdict.expectation, "blocks": verdict.blocks, "passed": verdict.passed,
            "observed": verdict.observed, "keys": ", ".join(verdict.keys),
        }
        for name, outcome in run.outcomes.items()
        for verdict in getattr(outcome, "verdicts", ())  # of a landing, or of the gate that stopped it
    ]  # fmt: skip


def _description(run: SyncRun) -> str:
    return f"Run {run.run.run_id} of {run.label}. In the database: its rows in ops.sync_run"
