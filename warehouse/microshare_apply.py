"""Applying a plan: which items are due, one writer a cluster, and what became of each item.

An item says ``sending`` before anything leaves and is settled after its effect was seen, so that a process that dies leaves
either an item that was never sent or one whose effect has to be looked up.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from warehouse.connect import connect, translated
from warehouse.crypto import decrypt, encrypt
from warehouse.errors import PlanNotOpen
from warehouse.locks import lock_key
from warehouse.microshare_compare import Connection
from warehouse.microshare_plan import NewItem, items, plan, store

LOCK_WAIT_S = 300  # eight writers of one cluster, each with a timeout of the vendor's
OPEN = ("planned", "sending", "unknown")
UNDO_DAYS = 7.0
SEALED_FOR = "device of a plan"


@dataclass(frozen=True, slots=True)
class Item:
    """An item that is due. ``before`` is the text of the device as it was; ``after`` the whole device, or a merge patch.

    ``sent_at``: it may be on its way since then.
    """

    number: int
    action: str
    device_key: str
    before: str | None
    after: str | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Result:
    """How an item ended: applied, refused, unknown, or planned again because nothing was sent.

    ``seen`` is the text of the device as it was seen afterwards, keys masked; ``removed`` that of one that was deleted.
    """

    state: str
    said: str
    seen: str | None = None
    removed: str | None = None


@contextmanager
def writing(url: str, connection: str, rec_type: str, cluster_id: str) -> Iterator[Connection]:
    """A session that is the only one to write a cluster, among all of ours on all hosts."""
    with (
        closing(connect(url, f"landfall cluster {cluster_id}")) as conn,
        translated(f"writing the cluster {cluster_id}"),
    ):
        conn.execute("SELECT set_config('lock_timeout', %s, false)", (f"{LOCK_WAIT_S}s",))
        conn.execute("SELECT pg_advisory_lock(%s)", (lock_key("cluster", connection, rec_type, cluster_id),))
        yield conn


def check(conn: Connection, plan_id: int, connection: str | None = None) -> None:
    """Raise UnknownPlan or PlanNotOpen for a plan that may not be applied (to the connection, where one is named)."""
    found = plan(conn, plan_id)
    if connection is not None and found["connection"] != connection:
        raise PlanNotOpen(f"Plan {plan_id} was made for the connection {found['connection']}, not for {connection}")
    if found["status"] in ("proposed", "superseded"):
        what = "has not been approved" if found["status"] == "proposed" else f"is {found['status']}"
        raise PlanNotOpen(f"Plan {plan_id} {what}, so it cannot be applied")


def begin(conn: Connection, connection: str, plan_id: int) -> list[tuple[str, str, str | None]]:
    """Say that an approved plan is being applied; its clusters (type, id, checksum when planned) with items that are due.

    Raises what `check` raises. A plan that was applied to its end has none.
    """
    check(conn, plan_id, connection)
    due = conn.execute(
        """SELECT rec_type, cluster_id, min(cluster_checksum) FROM microshare.plan_item
           WHERE plan_id = %s AND state = ANY(%s) GROUP BY 1, 2 ORDER BY 1, 2""",
        (plan_id, list(OPEN)),
    ).fetchall()
    if due:
        conn.execute("UPDATE microshare.plan SET status = 'applying' WHERE id = %s", (plan_id,))
    return due


def claim(conn: Connection, plan_id: int, rec_type: str, cluster_id: str) -> list[Item]:
    """The items of a cluster that are due, marked as sending; the session holds the lock of the cluster.

    ``sent_at`` is that of an earlier attempt that was not settled, None for an item that was never sent.
    """
    rows = conn.execute(
        """SELECT number, action, device_key, before, after, sealed,
               CASE WHEN state <> 'planned' THEN sent_at END
           FROM microshare.plan_item
           WHERE (plan_id, rec_type, cluster_id) = (%s, %s, %s) AND state = ANY(%s) ORDER BY number""",
        (plan_id, rec_type, cluster_id, list(OPEN)),
    ).fetchall()
    conn.execute(
        """UPDATE microshare.plan_item SET state = 'sending', sent_at = clock_timestamp()
           WHERE (plan_id, rec_type, cluster_id) = (%s, %s, %s) AND state = ANY(%s)""",
        (plan_id, rec_type, cluster_id, list(OPEN)),
    )
    return [
        Item(number, action, key, before, decrypt(sealed, SEALED_FOR).decode() if sealed else after, sent_at)
        for number, action, key, before, after, sealed, sent_at in rows
    ]


def settle(
    conn: Connection, plan_id: int, results: Mapping[int, Result], write: Mapping[str, Any] | None = None
) -> None:
    """Write down how items ended, what both sides agree on now, and the write itself; in one transaction."""
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(
            """UPDATE microshare.plan_item SET state = %(state)s, result = %(said)s,
                   seen = %(seen)s, sealed = coalesce(%(sealed)s, sealed),
                   settled_at = CASE WHEN %(state)s IN ('applied', 'refused') THEN clock_timestamp() END
               WHERE plan_id = %(plan)s AND number = %(number)s""",
            [
                {
                    "plan": plan_id,
                    "number": number,
                    "state": each.state,
                    "said": each.said,
                    "seen": each.seen,
                    "sealed": encrypt(each.removed.encode(), SEALED_FOR) if each.removed else None,
                }
                for number, each in results.items()
            ],
        )
        applied = [number for number, each in results.items() if each.state == "applied"]
        if applied:
            _agree(conn, plan_id, applied)
        if write:
            cursor.execute(
                """INSERT INTO microshare.plan_write
                       (plan_id, rec_type, cluster_id, calls, window_ms, write_ms, cluster_changed, outcome)
                   VALUES (%(plan)s, %(rec_type)s, %(cluster_id)s, %(calls)s, %(window_ms)s, %(write_ms)s,
                       %(cluster_changed)s, %(outcome)s)""",
                {"plan": plan_id, **write},
            )


def _agree(conn: Connection, plan_id: int, numbers: Sequence[int]) -> None:
    conn.execute(
        """INSERT INTO microshare.applied AS b (connection, point_id, rec_type, cluster_id, guid, location, plan_id)
           SELECT p.connection, i.point_id, i.rec_type, i.cluster_id, i.guid, i.location, p.id
           FROM microshare.plan_item i JOIN microshare.plan p ON p.id = i.plan_id
           WHERE i.plan_id = %(plan)s AND i.number = ANY(%(numbers)s) AND i.action <> 'delete'
             AND i.point_id IS NOT NULL AND i.guid IS NOT NULL AND i.location IS NOT NULL
           ON CONFLICT (connection, point_id) DO UPDATE SET rec_type = excluded.rec_type,
               cluster_id = excluded.cluster_id, guid = excluded.guid, location = excluded.location,
               plan_id = excluded.plan_id, changed_at = now()""",
        {"plan": plan_id, "numbers": list(numbers)},
    )
    conn.execute(
        """DELETE FROM microshare.applied b USING microshare.plan_item i JOIN microshare.plan p ON p.id = i.plan_id
           WHERE i.plan_id = %(plan)s AND i.number = ANY(%(numbers)s) AND i.action = 'delete'
             AND (b.connection, b.point_id) = (p.connection, i.point_id)""",
        {"plan": plan_id, "numbers": list(numbers)},
    )


def finish(conn: Connection, plan_id: int, undo_days: float = UNDO_DAYS) -> dict[str, Any]:
    """Say how far a plan has come: applied when nothing is due any more, else incomplete; the plan with its numbers."""
    conn.execute(
        """UPDATE microshare.plan p SET status = CASE WHEN due.n = 0 THEN 'applied' ELSE 'incomplete' END,
               applied_at = CASE WHEN due.n = 0 THEN clock_timestamp() END,
               undo_until = CASE WHEN due.n = 0 THEN clock_timestamp() + %(days)s * interval '1 day' END
           FROM (SELECT count(*) AS n FROM microshare.plan_item WHERE plan_id = %(plan)s AND state = ANY(%(open)s)) due
           WHERE p.id = %(plan)s AND p.status IN ('approved', 'applying', 'incomplete')""",
        {"plan": plan_id, "open": list(OPEN), "days": undo_days},
    )
    return plan(conn, plan_id)


def unfinished(conn: Connection, connection: str) -> list[int]:
    """The plans of a connection that somebody approved and that have not been applied to their end, oldest first."""
    rows = conn.execute(
        """SELECT id FROM microshare.plan
           WHERE connection = %s AND status IN ('applying', 'incomplete') ORDER BY id""",
        (connection,),
    ).fetchall()
    return [row[0] for row in rows]


def undo(conn: Connection, plan_id: int, by: str) -> int | None:
    """Store a plan that takes back what a plan has applied; its id, None when there is nothing to take back.

    Raises PlanNotOpen when it was not applied, was taken back already, or the time for it has passed.
    """
    found = plan(conn, plan_id)
    if found["status"] != "applied":
        raise PlanNotOpen(f"Plan {plan_id} is {found['status']}; only what was applied can be taken back")
    row: Any = conn.execute(
        """SELECT clock_timestamp() > p.undo_until,
               (SELECT min(u.id) FROM microshare.plan u WHERE u.undo_of = p.id AND u.status <> 'superseded')
           FROM microshare.plan p WHERE p.id = %s""",
        (plan_id,),
    ).fetchone()
    if row[0]:
        raise PlanNotOpen(f"Plan {plan_id} could be taken back until {found['undo_until']:%Y-%m-%d %H:%M} UTC")
    if row[1]:
        raise PlanNotOpen(f"Plan {plan_id} is taken back by plan {row[1]} already")
    done = [item for item in items(conn, plan_id, state="applied") if item["result"] not in _NOT_OURS]
    back = [_reverse(conn, plan_id, item) for item in reversed(done)]
    return store(conn, found["connection"], "undo", by, back, undo_of=plan_id) if back else None


#: Results of items that changed nothing, so that there is nothing to take back.
_NOT_OURS = ("it was there already", "it was so already", "it was gone already")


def _reverse(conn: Connection, plan_id: int, item: Mapping[str, Any]) -> NewItem:
    row: Any = conn.execute(
        "SELECT sealed FROM microshare.plan_item WHERE (plan_id, number) = (%s, %s)", (plan_id, item["number"])
    ).fetchone()
    was = json.loads(item["before"] or "{}", strict=False)
    location = was.get("meta", {}).get("location")
    back = NewItem(
        action={"create": "delete", "delete": "create", "update": "update"}[item["action"]],
        rec_type=item["rec_type"], cluster_id=item["cluster_id"], device_key=item["device_key"], guid=item["guid"],
        reason=f"takes back item {item['number']} of plan {plan_id}", point_id=item["point_id"], location=location,
    )  # fmt: skip
    if back.action == "create":
        return replace(back, after=item["before"], sealed=row[0])
    if back.action == "delete":
        return replace(back, before=item["seen"])
    # What the patch replaced, as it was; null for a member that was not there takes it away again.
    changed = json.loads(item["after"])
    patch = ({"guid": was.get("guid")} if "guid" in changed else {}) | (
        {"meta": {"location": location}} if "meta" in changed else {}
    )
    key = f"guid:{item['guid']}" if "guid" in changed else item["device_key"]
    return replace(back, device_key=key, guid=was.get("guid"), before=item["seen"], after=json.dumps(patch))
