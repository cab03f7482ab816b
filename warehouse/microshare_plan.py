"""Plans: changes of devices, stored row by row, approved by somebody, and what became of each.

The items of a plan never change once it is stored, but for their state and result. Two comparisons that find the same
make one plan: a run without a change writes nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from warehouse.errors import PlanNotOpen, UnknownPlan
from warehouse.microshare_compare import Connection

ACTIONS = ("create", "update", "delete")


@dataclass(frozen=True, slots=True)
class Deletions:
    """Whether devices may be proposed for deletion, and how many at most; more than that are all held."""

    allowed: bool = False
    most: int = 10
    most_percent: float = 5.0


@dataclass(frozen=True, slots=True)
class Proposed:
    """A plan that is open. ``new``: whether this call has stored it."""

    id: int
    new: bool
    planned: int
    held: int


_CREATES_AND_UPDATES = """
CREATE TEMP TABLE item ON COMMIT DROP AS
SELECT 'create' AS action, f.rec_type, f.cluster_id, f.point_id, 'guid:' || f.guid_wanted AS device_key,
    f.guid_wanted AS guid, NULL::text AS before, p.device::text AS after, f.location_wanted AS location, f.reason,
    f.cluster_id IS NULL AS held
FROM found f
JOIN microshare.inspection_point p ON (p.connection, p.id) = (%(connection)s, f.point_id)
WHERE f.findings[1] = 'unmapped'
UNION ALL
SELECT 'update', f.rec_type, f.cluster_id, f.point_id, l.key, coalesce(f.guid_wanted, f.guid_found), l.raw,
    (CASE WHEN f.moved THEN jsonb_build_object('meta', jsonb_build_object('location', f.location_wanted)) ELSE '{}' END
        || CASE WHEN f.renamed THEN jsonb_build_object('guid', f.guid_wanted) ELSE '{}' END)::text,
    f.location_wanted, f.reason, f.conflict
FROM found f
JOIN microshare.device l ON (l.connection, l.cluster_id, l.key) = (%(connection)s, f.cluster_id, f.device_key)
WHERE (f.moved OR f.renamed) AND NOT f.other_kind
"""

# Only a device that both sides once agreed on goes, and only when its point is known to be gone: marked as deleted by a
# complete reading, or no longer active. A point that was never read proves nothing.
_DELETES = """
INSERT INTO item
SELECT 'delete', a.rec_type, a.cluster_id, b.point_id, a.key, a.guid, l.raw, NULL, NULL,
    CASE WHEN p._deleted_at IS NOT NULL THEN 'the inspection point is gone since ' || to_char(p._deleted_at, 'YYYY-MM-DD')
         ELSE 'the inspection point is no longer active' END, false
FROM microshare.applied b
JOIN microshare.inspection_point p ON (p.connection, p.id) = (b.connection, b.point_id)
JOIN actual a ON (a.guid, a.cluster_id) = (b.guid, b.cluster_id)
JOIN microshare.device l ON (l.connection, l.cluster_id, l.key) = (b.connection, a.cluster_id, a.key)
JOIN found f ON f.device = a.device AND f.findings[1] = 'orphan'
WHERE b.connection = %(connection)s AND (p._deleted_at IS NOT NULL OR p.active IS FALSE)
"""

_CEILING = """
UPDATE item SET held = true, reason = concat(reason, '; ', total.deletes, ' deletions are more than the ceiling of ',
    %(most)s::text, ' devices or ', %(percent)s::text, ' percent')
FROM (SELECT count(*) FILTER (WHERE action = 'delete') AS deletes FROM item) total
WHERE action = 'delete' AND (total.deletes > %(most)s
    OR total.deletes > (SELECT count(*) FROM actual) * %(percent)s::numeric / 100)
"""

_DIGESTS = """
SELECT coalesce(md5(string_agg(each, '' ORDER BY each) FILTER (WHERE NOT held)), ''),
    coalesce(md5(string_agg(each, '' ORDER BY each) FILTER (WHERE held)), ''), count(*) FILTER (WHERE NOT held),
    count(*) FILTER (WHERE held)
FROM (SELECT md5(ROW(action, rec_type, cluster_id, point_id, device_key, guid, before, after, held)::text) AS each, held
    FROM item) digests
"""

_STORE = """
INSERT INTO microshare.plan_item (plan_id, number, action, rec_type, cluster_id, cluster_checksum, point_id, device_key,
    guid, before, after, location, reason, state)
SELECT %(plan)s, row_number() OVER (ORDER BY held, i.rec_type, i.cluster_id, action, point_id, device_key), action,
    i.rec_type, i.cluster_id, c.checksum, point_id, device_key, guid, before, after, i.location, reason,
    CASE WHEN held THEN 'held' ELSE 'planned' END
FROM item i
LEFT JOIN microshare.cluster c ON (c.connection, c.id) = (%(connection)s, i.cluster_id)
"""


def propose(
    conn: Connection, connection: str, run_id: UUID, created_by: str, deletions: Deletions = Deletions()
) -> Proposed | None:
    """Store a plan of what `microshare_compare.compare` found in this transaction, unless there is one that says so.

    None when there is nothing to do and nothing new is held. An earlier proposal that says something else is superseded; an
    approved plan stays, since somebody has decided on it.
    """
    wanted = {
        "connection": connection, "most": deletions.most, "percent": deletions.most_percent,
    }  # fmt: skip
    conn.execute(_CREATES_AND_UPDATES, wanted)
    if deletions.allowed:
        conn.execute(_DELETES, wanted)
        conn.execute(_CEILING, wanted)
    row: Any = conn.execute(_DIGESTS).fetchone()
    return _keep(conn, connection, run_id, created_by, *row)


def _keep(
    conn: Connection,
    connection: str,
    run_id: UUID,
    created_by: str,
    digest: str,
    held_digest: str,
    planned: int,
    held: int,
) -> Proposed | None:
    latest = conn.execute(
        """SELECT id, status, digest, held_digest FROM microshare.plan
           WHERE connection = %s AND origin = 'reconcile' AND status <> 'superseded' ORDER BY id DESC LIMIT 1""",
        (connection,),
    ).fetchone()
    if latest is not None and latest[3] == held_digest:
        if latest[1] != "applied" and latest[2] == digest:
            return Proposed(latest[0], False, planned, held)
        if not planned and latest[1] == "applied":
            return None  # what is held is in the plan that was applied
    conn.execute(
        """UPDATE microshare.plan SET status = 'superseded'
           WHERE connection = %s AND origin = 'reconcile' AND status = 'proposed'""",
        (connection,),
    )
    if not planned and not held:
        return None
    plan = _insert(conn, connection, "reconcile", created_by, run_id=run_id, digests=(digest, held_digest))
    conn.execute(_STORE, {"plan": plan, "connection": connection})
    return Proposed(plan, True, planned, held)


def _insert(
    conn: Connection, connection: str, origin: str, created_by: str, *, run_id: UUID | None = None,
    undo_of: int | None = None, digests: tuple[str, str] = ("", ""),
) -> int:  # fmt: skip
    row = conn.execute(
        """INSERT INTO microshare.plan (connection, run_id, origin, undo_of, digest, held_digest, created_by)
           VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id""",
        (connection, run_id, origin, undo_of, *digests, created_by),
    ).fetchone()
    assert row is not None
    return int(row[0])


@dataclass(frozen=True, slots=True)
class NewItem:
    """One change asked for by hand, or to take another back. ``before`` and ``after`` are JSON texts for people to see.

    ``sealed`` holds, encrypted, the whole text of a device to bring back.
    """

    action: str
    rec_type: str
    cluster_id: str
    device_key: str
    guid: str | None
    reason: str
    before: str | None = None
    after: str | None = None
    point_id: str | None = None
    location: Sequence[str] | None = None
    sealed: bytes | None = None


def store(
    conn: Connection,
    connection: str,
    origin: str,
    created_by: str,
    items: Sequence[NewItem],
    undo_of: int | None = None,
) -> int:
    """Store a plan of the items given; its id."""
    with conn.transaction(), conn.cursor() as cursor:
        plan = _insert(conn, connection, origin, created_by, undo_of=undo_of)
        cursor.executemany(
            """INSERT INTO microshare.plan_item (plan_id, number, action, rec_type, cluster_id, point_id, device_key, guid,
                   before, after, location, sealed, reason, state)
               VALUES (%(plan)s, %(number)s, %(action)s, %(rec_type)s, %(cluster_id)s, %(point_id)s, %(device_key)s,
                   %(guid)s, %(before)s, %(after)s, %(location)s, %(sealed)s, %(reason)s, 'planned')""",
            [
                asdict(each) | {"plan": plan, "number": number, "location": each.location and Jsonb(each.location)}
                for number, each in enumerate(items, 1)
            ],
        )
    return plan


_SHOWN = """
SELECT p.id, p.connection, p.origin, p.status, p.undo_of, p.created_at, p.created_by, p.approved_at, p.approved_by,
    p.applied_at, p.undo_until, p.run_id, i.*
FROM microshare.plan p
CROSS JOIN LATERAL (
    SELECT count(*) AS items, count(*) FILTER (WHERE action = 'create') AS creates,
        count(*) FILTER (WHERE action = 'update') AS updates, count(*) FILTER (WHERE action = 'delete') AS deletes,
        count(*) FILTER (WHERE state = 'planned') AS planned, count(*) FILTER (WHERE state = 'held') AS held,
        count(*) FILTER (WHERE state = 'applied') AS applied, count(*) FILTER (WHERE state = 'refused') AS refused,
        count(*) FILTER (WHERE state IN ('sending', 'unknown')) AS unknown
    FROM microshare.plan_item WHERE plan_id = p.id
) i
"""


def plans(conn: Connection, connection: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """The latest plans with the numbers of their items, newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            _SHOWN + " WHERE %(name)s::text IS NULL OR p.connection = %(name)s ORDER BY p.id DESC LIMIT %(limit)s",
            {"name": connection, "limit": limit},
        ).fetchall()


def plan(conn: Connection, plan_id: int) -> dict[str, Any]:
    """One plan; UnknownPlan if there is none of that number."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_SHOWN + " WHERE p.id = %s", (plan_id,)).fetchone()
    if row is None:
        raise UnknownPlan(f"There is no plan {plan_id}")
    return row


def items(conn: Connection, plan_id: int, limit: int | None = None, state: str | None = None) -> list[dict[str, Any]]:
    """The items of a plan in their order, ``before`` and ``after`` as JSON texts."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """SELECT number, action, rec_type, cluster_id, cluster_checksum, point_id, device_key, guid,
                   before, after, seen, reason, state, result,
                   sent_at, settled_at
               FROM microshare.plan_item
               WHERE plan_id = %(plan)s AND (%(state)s::text IS NULL OR state = %(state)s) ORDER BY number LIMIT %(limit)s""",
            {"plan": plan_id, "limit": limit, "state": state},
        ).fetchall()


def approve(conn: Connection, plan_id: int, by: str, held: Sequence[int] = ()) -> None:
    """Approve a proposed plan; of what is held only the items named by number.

    Raises UnknownPlan, and PlanNotOpen for a plan that is no longer a proposal, or for an item that cannot be done.
    """
    with conn.transaction():
        found = plan(conn, plan_id)
        changed = conn.execute(
            """UPDATE microshare.plan SET status = 'approved', approved_at = clock_timestamp(), approved_by = %s
               WHERE id = %s AND status = 'proposed'""",
            (by, plan_id),
        ).rowcount
        if not changed:
            raise PlanNotOpen(f"Plan {plan_id} is {found['status']}, so it cannot be approved")
        released = conn.execute(
            """UPDATE microshare.plan_item SET state = 'planned'
               WHERE plan_id = %s AND number = ANY(%s) AND state = 'held' AND cluster_id IS NOT NULL""",
            (plan_id, list(held)),
        ).rowcount
        if released != len(set(held)):
            raise PlanNotOpen(f"Plan {plan_id}: not all of the items {sorted(set(held))} are held and have a cluster")
