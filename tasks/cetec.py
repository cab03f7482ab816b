"""What the enrichment of Cetec's customers needs beside the steps that every sync shares.

Before the landing: what earlier runs, and people, have said. After it: the summary, and an event for each billing
customer whose database disappeared or came back.
"""

import logging
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

from connectors.cetec.client import Asked
from connectors.cetec.enrich import Change, Enrichment, Found
from connectors.cetec.streams import CUSTOMER
from connectors.stream import Stream
from tasks.run import SyncRun
from warehouse import cetec
from warehouse.connect import connect
from warehouse.landing import Landed

GONE, BACK = "landfall.cetec.database-disappeared", "landfall.cetec.database-came-back"
logger = logging.getLogger("landfall")


@dataclass(frozen=True, slots=True)
class Customers:
    """The stream of one run, and what that run learns while it is read."""

    stream: Stream
    enrichment: Enrichment


def customers(run: SyncRun, asked: Asked) -> Customers:
    """The stream of customers, with what the warehouse knows of them from before."""
    if run.skipped:
        return Customers(CUSTOMER, Enrichment())
    name = run.run.connection
    with closing(connect(run.url)) as conn:
        enrichment = Enrichment(
            asked=asked,
            earlier=cetec.earlier(conn, name),
            resident=cetec.resident(conn, name),
            pulls=cetec.pulls(conn, name),
            accept_flip="shrink" in run.accept,
        )
    return Customers(replace(CUSTOMER, pages=enrichment.pages), enrichment)


@task(name="summarize", cache_policy=NO_CACHE, persist_result=False)
def summarize(run: SyncRun, found: Found) -> None:
    """Write the summary to cetec.run_summary and the page of the flow run, tell warnings, announce changes."""
    told = get_run_logger()
    for warning in found.warnings:
        told.warning("%s: %s", run.label, warning)
    with closing(connect(run.url)) as conn:
        cetec.note_summary(conn, run.run.run_id, run.run.connection, found.counts(), _others(found))
    _show(run, found)
    for change in found.changes:
        announce(run.run.connection, change)


def conclude(run: SyncRun, read: Customers) -> None:
    """Summarize, if the customers have landed."""
    found = read.enrichment.found
    if found is not None and isinstance(run.outcomes.get(CUSTOMER.name), Landed):
        summarize(run, found)


def announce(connection: str, change: Change) -> None:
    """An event that automations can send on: a billing customer's database disappeared, or came back."""
    what = "is there again" if change.there else "has disappeared"
    emit_event(
        event=BACK if change.there else GONE,
        resource={
            "prefect.resource.id": f"landfall.cetec.customer.{connection}.{change.id}",
            "prefect.resource.name": change.name or change.id,
        },
        payload={
            **asdict(change),
            "message": f"The database {change.schema} of {change.name} {what}: {change.reason}.",
        },
    )


def _others(found: Found) -> Mapping[str, Any]:
    return {
        "checked_at": found.checked_at, "filtered": found.filtered, "mysql_enabled": found.mysql_enabled,
        "mysql_status": found.mysql_status, "mysql_message": found.mysql_message, "stale": found.stale,
        "without_usage_stats": found.without_table, "excluded": found.excluded, "warnings": found.warnings,
    }  # fmt: skip


def _show(run: SyncRun, found: Found) -> None:
    rows = [{"": "total_customers", "value": str(found.total)}]
    rows += [{"": state, "value": str(number)} for state, number in found.counts().items()]
    rows += [{"": name, "value": str(value)} for name, value in _others(found).items() if name != "warnings"]
    rows += [{"": "warning", "value": warning} for warning in found.warnings]
    key = f"cetec-summary-{run.run.connection}".lower().replace("_", "-")
    try:
        create_table_artifact(key=key, table=rows, description=f"States of the databases of {run.label}")
    except (PrefectException, OSError) as error:
        logger.warning("The summary could not be shown in Prefect: %s", type(error).__name__)
