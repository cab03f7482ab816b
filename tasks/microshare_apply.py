"""Applying a plan to Microshare: one cluster after the other, each under a lock that all of our processes share."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from connectors.errors import ConnectorError, RecordNotFound
from connectors.microshare.change import Change, Verdict, shown, view_of
from connectors.microshare.client import MicroshareClient
from connectors.microshare.rewrite import Rewritten, rewrite
from connectors.redact import REDACTOR
from warehouse.connect import connect
from warehouse.errors import PlanIncomplete
from warehouse.microshare_apply import Item, Result, begin, claim, finish, settle, writing

Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]

ROUNDS = 5  # how often what somebody else has overwritten is written again


def apply_plan(url: str, client: MicroshareClient, connection: str, plan_id: int, logger: Logger) -> dict[str, Any]:
    """Carry out what is due of an approved plan of a connection; the plan with its numbers.

    Applying again goes on where an earlier process stopped, and does nothing twice. Raises UnknownPlan and PlanNotOpen, and
    PlanIncomplete when something could not be settled; all else is in the results of the items.
    """
    with closing(connect(url, f"landfall plan {plan_id}")) as conn:
        clusters = begin(conn, connection, plan_id)
    trouble: list[str] = []
    for number, (rec_type, cluster_id, checksum) in enumerate(clusters, 1):
        try:
            _cluster(url, client, connection, plan_id, rec_type, cluster_id, checksum)
        except Exception as error:  # noqa: BLE001 -- the other clusters go on; told at the end
            trouble.append(
                REDACTOR.redact(f"cluster {cluster_id}: {getattr(error, 'code', type(error).__name__)}: {error}")
            )
        logger.info("Plan %d: %d of %d clusters done", plan_id, number, len(clusters))
    with closing(connect(url, f"landfall plan {plan_id}")) as conn:
        done = finish(conn, plan_id, client.policy.undo_days)
    if done["status"] != "applied":
        left = done["planned"] + done["unknown"]
        why = "; ".join(trouble) or "a lost answer was not resolved, or somebody else keeps overwriting"
        raise PlanIncomplete(f"Plan {plan_id}: {left:,} changes are not settled ({why}); apply it again to go on")
    logger.info("Plan %d: %s applied, %s refused", plan_id, f"{done['applied']:,}", f"{done['refused']:,}")
    return done


def _cluster(
    url: str,
    client: MicroshareClient,
    connection: str,
    plan_id: int,
    rec_type: str,
    cluster_id: str,
    checksum: str | None,
) -> None:
    """Settle the items of one cluster, with one write where nobody interferes."""
    with writing(url, connection, rec_type, cluster_id) as conn:
        for _ in range(ROUNDS):
            items = claim(conn, plan_id, rec_type, cluster_id)
            if not items:
                return
            _wait_for_what_may_be_on_its_way(items, client.policy.settle_s)
            changes = [Change(item.number, item.action, item.device_key, item.before, item.after) for item in items]
            try:
                done = rewrite(
                    client, rec_type, cluster_id, changes, checksum=checksum, settle_s=client.policy.settle_s
                )
            except ConnectorError as error:  # of nothing else is it known that nothing was written
                settle(conn, plan_id, dict.fromkeys((item.number for item in items), _not_sent(error)))
                raise
            settle(conn, plan_id, _results(items, done), _write(done, rec_type, cluster_id))
            if done.outcome != "overwritten by somebody else":
                return


def _wait_for_what_may_be_on_its_way(items: Sequence[Item], settle_s: float) -> None:
    """A write whose process died may still take effect for a while; only then does reading tell."""
    sent = max((item.sent_at for item in items if item.sent_at), default=None)
    if sent is not None:
        time.sleep(max(0.0, min(settle_s, settle_s - (datetime.now(UTC) - sent).total_seconds())))


def _not_sent(error: ConnectorError) -> Result:
    """Nothing was written: refused for good where the cluster is gone, else due again."""
    said = REDACTOR.redact(f"{error.code}: {error}")
    return Result("refused" if isinstance(error, RecordNotFound) else "planned", said)


def _results(items: Sequence[Item], done: Rewritten) -> Mapping[int, Result]:
    actions = {item.number: item.action for item in items}
    return {
        number: _result(actions[number], verdict, done.seen.get(number)) for number, verdict in done.verdicts.items()
    }


def _result(action: str, verdict: Verdict, seen: str | None) -> Result:
    if verdict.what == "refused":
        return Result("refused", verdict.why)
    if verdict.what == "lost":
        return Result("unknown", verdict.why)
    afterwards = seen or (verdict.found if action != "delete" else None)
    return Result(
        "applied",
        verdict.why,
        seen=shown(view_of(afterwards)) if afterwards else None,
        removed=verdict.found if action == "delete" else None,
    )


def _write(done: Rewritten, rec_type: str, cluster_id: str) -> dict[str, Any] | None:
    if done.outcome == "nothing to write":
        return None
    return {
        "rec_type": rec_type, "cluster_id": cluster_id, "calls": done.calls, "outcome": done.outcome,
        "cluster_changed": done.checksum_changed,
        "window_ms": round(done.window_s * 1000, 3), "write_ms": round(done.write_s * 1000, 3),
    }  # fmt: skip
