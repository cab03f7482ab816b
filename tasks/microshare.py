"""What the reconciliation of Microshare needs beside the steps that every sync shares: compare, apply, tell the ERP."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Any

import msgspec
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

from connectors.microshare.points import Source, Update, point_of
from tasks.microshare_apply import apply_plan
from tasks.push import push
from tasks.run import SyncRun
from warehouse import microshare_apply, microshare_back, microshare_compare, microshare_incidents, microshare_plan
from warehouse.connect import connect, translated
from warehouse.errors import PlanIncomplete, PlanNotOpen, UnknownPlan
from warehouse.landing import Landed
from warehouse.microshare_plan import Deletions, Proposed
from warehouse.outbox import Delivered, Message, Outcome

COMPARED = ("cluster", "device", "inspection_point")
INCIDENTS = ("incident", "service_record")
Rows = list[dict[str, object]]
logger = logging.getLogger("landfall")


def resume(run: SyncRun, *, apply: bool) -> None:
    """Before reading: bring plans to their end that an earlier run had begun to apply, and could not finish."""
    if run.skipped or not apply:
        return
    with closing(connect(run.url)) as conn:
        begun = microshare_apply.unfinished(conn, run.run.connection)
    for plan_id in begun:
        _apply(run, plan_id)


def reconcile(run: SyncRun, *, apply: bool = False) -> None:
    """After the landing: compare, propose, and with ``apply`` carry out; match incidents; tell the ERP; report."""
    if run.skipped:
        return
    told: Rows = []
    if "inspection_point" not in run.outcomes:
        get_run_logger().info("%s: no inspection points are given, so nothing is compared (see `points`)", run.label)
    if _landed(run, COMPARED):
        told += _kept(run, "reconciliation", compare(run, apply, return_state=True))
        told += _kept(run, "write_back", tell_the_erp(run, return_state=True))
    if _landed(run, INCIDENTS):
        told += _kept(run, "incident_match", match(run, return_state=True))
    _show(run, "reconciled", told, f"What the reconciliation of {run.label} found and did")
    _show_figures(run)


def _kept(run: SyncRun, name: str, state: State[Any]) -> Rows:
    """What a step found; its error is told at the end of the run, with those of the streams, and the others go on."""
    result: Any = state.result(raise_on_failure=False)
    if isinstance(result, Exception):
        run.outcomes[name] = result
        return []
    rows: Rows = result
    return rows


@task(name="compare", cache_policy=NO_CACHE, persist_result=False)
def compare(run: SyncRun, apply: bool) -> Rows:
    """Compare points with devices, propose a plan, and carry it out where the run was told to."""
    policy, connection = run.client.policy, run.run.connection
    with closing(connect(run.url)) as conn, translated("comparing points and devices"), conn.transaction():
        found = microshare_compare.compare(conn, connection, run.run.run_id, stale_days=policy.stale_days)
        plan = microshare_plan.propose(conn, connection, run.run.run_id, run.label, _deletions(run))
    rows: Rows = [{"what": name, "number": number} for name, number in found.items()]
    told = get_run_logger()
    told.info(
        "%s: %s", run.label, ", ".join(f"{number:,} {name}" for name, number in found.items()) or "nothing to compare"
    )
    if plan is None:
        told.info("%s: nothing to do", run.label)
        return rows
    told.info(
        "%s: plan %d%s, %s changes planned, %s held; see: landfall microshare plan show %d",
        run.label, plan.id, "" if plan.new else " (as before)", f"{plan.planned:,}", f"{plan.held:,}", plan.id,
    )  # fmt: skip
    rows += [
        {"what": f"plan {plan.id}: planned", "number": plan.planned},
        {"what": f"plan {plan.id}: held", "number": plan.held},
    ]
    if apply and plan.planned:
        rows += _approve_and_apply(run, plan)
    return rows


def _approve_and_apply(run: SyncRun, plan: Proposed) -> Rows:
    with closing(connect(run.url)) as conn:
        if microshare_plan.plan(conn, plan.id)["status"] == "proposed":
            microshare_plan.approve(conn, plan.id, f"apply=true of run {run.run.run_id}")
    done = _apply(run, plan.id)
    return [
        {"what": f"plan {plan.id}: {name}", "number": done[name]}
        for name in ("applied", "refused", "unknown")
        if done[name]
    ]


def carry_out(run: SyncRun, plan_id: int) -> None:
    """Apply one plan of the run's connection."""
    if run.skipped:
        return
    try:
        done = _apply(run, plan_id)
    except (PlanNotOpen, UnknownPlan) as error:
        run.outcomes[f"plan {plan_id}"] = error
        return
    rows: Rows = [{"what": name, "number": done[name]} for name in ("items", "applied", "refused", "held", "unknown")]
    _show(run, f"plan-{plan_id}", rows, f"What became of plan {plan_id}")
    _show_figures(run)


def _apply(run: SyncRun, plan_id: int) -> dict[str, Any]:
    try:
        return apply_plan(run.url, run.client, run.run.connection, plan_id, get_run_logger())
    except PlanIncomplete as error:
        run.outcomes[f"plan {plan_id}"] = error
    with closing(connect(run.url)) as conn:
        return microshare_plan.plan(conn, plan_id)


def _deletions(run: SyncRun) -> Deletions:
    """Whether devices may be proposed for deletion: never on the strength of points that did not all land."""
    policy, points = run.client.policy, run.outcomes["inspection_point"]
    whole = isinstance(points, Landed) and not points.counts.dead_lettered and points.counts.read > 0
    return Deletions(policy.delete_devices and whole, policy.max_deletions, policy.max_deletion_percent)


@task(name="match incidents", cache_policy=NO_CACHE, persist_result=False)
def match(run: SyncRun) -> Rows:
    """Match incidents with the service records that answer them."""
    with closing(connect(run.url)) as conn, translated("matching incidents"), conn.transaction():
        found = microshare_incidents.match(
            conn, run.run.connection, run.run.run_id, window_hours=run.client.policy.service_window_hours
        )
    return [{"what": f"incidents and service records: {name}", "number": number} for name, number in found.items()]


@task(name="tell the ERP", cache_policy=NO_CACHE, persist_result=False)
def tell_the_erp(run: SyncRun) -> Rows:
    """Tell the ERP the real ids and states of its points' devices, where its source can be told."""
    source: Source = run.client.points
    if not source.writable:
        return []
    with closing(connect(run.url)) as conn:
        new = microshare_back.note(conn, run.run.sync, run.run.connection)
    done = tell(run.url, run.run.sync, run.run.connection, source)
    if done.errors:
        get_run_logger().warning("%s: the ERP was not told everything: %s", run.label, "; ".join(done.errors))
    numbers = {
        "new": new,
        "told": done.acked,
        "refused": done.rejected,
        "to be told again": done.unknown + done.pending,
    }
    return [{"what": f"back to the ERP: {name}", "number": number} for name, number in numbers.items() if number]


def tell(url: str, sync: str, connection: str, source: Source) -> Delivered:
    """Tell the source of the points what waits in the outbox; saying the same twice changes nothing there."""

    def give(messages: Sequence[Message]) -> Mapping[int, Outcome]:
        written = {each.id: each for each in source.write_back([_update(message) for message in messages])}
        outcomes = {}
        for message in messages:
            answer = written.get(message.subject)
            if answer is not None:
                outcomes[message.id] = (
                    Outcome("acked", answer.sentence)
                    if answer.ok
                    else Outcome("rejected", answer.sentence or "refused")
                )
        return outcomes

    def look(messages: Sequence[Message]) -> Mapping[int, str]:
        there = {
            point.id: (point.device_id, point.state)
            for rows in source.rows()
            for point in (point_of(row, source.mapping) for row in rows)
        }
        wanted = {message.id: _update(message) for message in messages}
        return {
            key: "found by reading"
            for key, each in wanted.items()
            if there.get(each.id) == (each.device_id, each.state)
        }

    return push(url, microshare_back.lane(sync, connection), give, look, idempotent=True)


def _update(message: Message) -> Update:
    return Update(**msgspec.json.decode(message.payload))


def _landed(run: SyncRun, names: Sequence[str]) -> bool:
    return all(isinstance(run.outcomes.get(name), Landed) for name in names)


def _show_figures(run: SyncRun) -> None:
    figures: Rows = [asdict(each) for each in run.client.timings.figures()]
    _show(run, "api-figures", figures, f"Calls to Microshare in this run of {run.label}, times in milliseconds")


def _show(run: SyncRun, what: str, rows: Rows, description: str) -> None:
    """A table on the page of the flow run; a page without one is no reason to fail."""
    if not rows:
        return
    try:
        key = f"{what}-{run.run.connection}".lower().replace("_", "-")
        create_table_artifact(key=key, table=rows, description=description)
    except (PrefectException, OSError) as error:
        logger.warning("The summary could not be shown in Prefect: %s", type(error).__name__)
