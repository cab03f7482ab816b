"""What must hold after every kill (I1 to I7), each a sentence for each violation.

I6, orders, is in `outbox`. The SQL here looks at landed tables and the run log as any reader would.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from benchmarks.crash.company import block
from benchmarks.crash.model import EPOCH, Version
from benchmarks.crash.vendor import amount, lines_of
from benchmarks.crash.world import World
from warehouse.errors import WarehouseError

GONE_WITHIN_S = 5.0  # by then nothing of a dead run may be left in Postgres


@dataclass(frozen=True, slots=True)
class Landing:
    """A stream, and the query for its landed rows: id, stamp, whether deleted, number, further content."""

    sync: str
    stream: str
    kind: str
    query: str


@dataclass(frozen=True, slots=True)
class Row:
    """A landed row."""

    id: str
    at: int
    deleted: bool
    content: tuple[Any, ...]


CUSTOMER = Landing(
    "quickbooks", "customer", "Customer",
    f"""SELECT c.id, extract(epoch FROM c.updated_at)::bigint - {EPOCH}, c._deleted_at IS NOT NULL, c.balance, a.line_1
        FROM quickbooks.customer c LEFT JOIN quickbooks.address a ON a.connection = c.connection
            AND a.owner_type = 'customer' AND a.owner_id = c.id AND a._deleted_at IS NULL""",  # noqa: S608
)  # fmt: skip
INVOICE = Landing(
    "quickbooks", "invoice", "Invoice",
    f"""SELECT i.id, extract(epoch FROM i.updated_at)::bigint - {EPOCH}, i._deleted_at IS NOT NULL, i.total_amount,
            ARRAY(SELECT l.amount FROM quickbooks.invoice_line l WHERE l.connection = i.connection
                  AND l.invoice_id = i.id AND l._deleted_at IS NULL ORDER BY l.index)
        FROM quickbooks.invoice i""",  # noqa: S608
)  # fmt: skip
LEDGER = Landing("ledger", "ledger", "Ledger", "SELECT id, at, _deleted_at IS NOT NULL, amount, NULL FROM crash.ledger")


def content(version: Version) -> tuple[Any, ...]:
    """What a landed row of this version holds."""
    total = Decimal(str(amount(version)))
    if version.kind == "Invoice":
        return total, [Decimal(str(value)) for value in lines_of(version)]
    return total, (f"{version.number} Long Road" if version.kind == "Customer" else None)


def landed_rows(world: World, landing: Landing) -> dict[str, Row]:
    """The landed rows by id."""
    return {row[0]: Row(row[0], row[1], row[2], row[3:]) for row in world.rows(landing.query)}


def nothing_lost(world: World, landing: Landing) -> Iterator[str]:
    """I1: what showed before a run that landed has landed; what lies before the cursor has landed."""
    rows = landed_rows(world, landing)
    for run_id, cursor in _claims(world, landing):
        began = world.began[run_id]
        for id_, versions in world.history.get(landing.kind, {}).items():
            # A record that has changed again lies behind the cursor now, and will be met there.
            due = [v for v in versions if v.visible <= began] if (versions[-1].at, id_) <= cursor else []
            if due and (fault := _missing(rows.get(id_), due[-1], versions)):
                yield f"I1: {landing.stream} {id_}: run {run_id} landed and {fault}"


def _claims(world: World, landing: Landing) -> Iterator[tuple[UUID, tuple[float, str]]]:
    """Runs that say that they landed, and up to where."""
    key = (landing.sync, landing.stream)
    latest = world.rows(
        "SELECT run_id FROM ops.sync_run WHERE (sync, stream) = (%s, %s) AND status IN ('success', 'partial')"
        " ORDER BY finished_at DESC LIMIT 1",
        *key,
    )
    for (run_id,) in latest:
        yield run_id, (float("inf"), "")
    for run_id, at, id_ in world.rows(
        f"""SELECT run_id, coalesce((cursor ->> 'at')::bigint,
                extract(epoch FROM (cursor ->> 'since')::timestamptz)::bigint - {EPOCH}), coalesce(cursor ->> 'id', '')
            FROM ops.sync_cursor WHERE (sync, stream) = (%s, %s) AND cursor IS NOT NULL""",  # noqa: S608
        *key,
    ):
        yield run_id, (at, id_)


def _missing(row: Row | None, due: Version, versions: list[Version]) -> str:
    # What was due was there when the run began. Deleted before the reading came by, it need not have landed, and may
    # have come back since; between a reading's two looks, at deletions and at changes, it shows in neither.
    gone = any(v.deleted and v.at >= due.at for v in versions)
    if row is None:
        return "" if gone else "the row is not there"
    if row.deleted:
        return "" if gone else "the row is marked as deleted, which it never was"
    if due.deleted and row.at <= due.at:
        return "the row is there, although it was deleted"
    return "" if row.at >= due.at or gone else f"the row is of second {row.at}, not {due.at}"


def same_version_same_content(world: World, landing: Landing) -> Iterator[str]:
    """I2: a landed row is wholly one version of its record, children included."""
    for row in landed_rows(world, landing).values():
        version = next((v for v in world.history[landing.kind].get(row.id, []) if v.at == row.at), None)
        if version is None:
            yield f"I2: {landing.stream} {row.id}: no version is of second {row.at}"
        elif not row.deleted and row.content != content(version):
            yield f"I2: {landing.stream} {row.id} holds {row.content}, its version {content(version)}"


def nothing_twice(world: World, landing: Landing) -> Iterator[str]:
    """I3: no version of a record was written twice."""
    for id_, at in world.rows(
        """SELECT DISTINCT id, at FROM (
               SELECT id, at, (at, gone) IS NOT DISTINCT FROM (lag(at) OVER w, lag(gone) OVER w) AS again
               FROM watch.audit WHERE tab = %s WINDOW w AS (PARTITION BY connection, id ORDER BY n)) a WHERE again""",
        landing.stream,
    ):
        yield f"I3: {landing.stream} {id_}: the version of {at} was written twice"


def history_agrees(world: World) -> Iterator[str]:
    """I3: the history holds each version once, and its current ones are the rows that are there."""
    for id_, at in world.rows("SELECT id, at FROM crash.ledger_history GROUP BY 1, 2 HAVING count(*) > 1"):
        yield f"I3: the history of the ledger holds second {at} of {id_} twice"
    for (id_,) in world.rows(
        """SELECT coalesce(l.id, h.id) FROM (SELECT * FROM crash.ledger WHERE _deleted_at IS NULL) l
           FULL JOIN (SELECT * FROM crash.ledger_history WHERE valid_to IS NULL) h ON (h.id, h.at) = (l.id, l.at)
           WHERE l.id IS NULL OR h.id IS NULL"""
    ):
        yield f"I3: what is current in the history of ledger {id_} is not what is in the ledger"


def run_log_is_true(world: World) -> Iterator[str]:
    """I4: no dead run is called running, and the run log counts just the rows that were written."""
    for run_id, stream in world.rows("SELECT run_id, stream FROM ops.sync_run WHERE status = 'running'"):
        yield f"I4: run {run_id} of {stream} is called running, and nobody holds its lock"
    for run_id, stream in world.rows(
        """SELECT run_id, stream FROM ops.sync_run_log a WHERE status = 'running' AND EXISTS (SELECT FROM
           ops.sync_run_log b WHERE (b.sync, b.connection, b.stream) = (a.sync, a.connection, a.stream)
           AND b.started_at > a.started_at)"""
    ):
        yield f"I4: run {run_id} of {stream} was never told dead, although a later one has begun"
    for run_id, tab, deed, written, told in world.rows(_SUMS):
        yield f"I4: run {run_id} says that it {deed} {told} rows of {tab}, and it was {written}"


# What the watch saw against what the run log says, of tables and of children. A run that did not land all of a stream
# has landed slices of it, or nothing.
_SUMS = """
WITH written AS (SELECT run_id, tab, deed, count(*) AS n FROM watch.audit GROUP BY 1, 2, 3),
told AS (
    SELECT run_id, stream AS tab, deed, n FROM ops.sync_run_log,
        LATERAL (VALUES ('inserted', inserted), ('updated', updated), ('deleted', deleted)) AS v (deed, n)
    UNION ALL
    SELECT run_id, child.key, deed.key, sum(deed.value::bigint) FROM ops.sync_run_log, jsonb_each(child_counts) AS child,
        jsonb_each_text(child.value) AS deed GROUP BY 1, 2, 3
)
SELECT run_id, tab, deed, coalesce(w.n, 0), coalesce(t.n, 0) FROM written w FULL JOIN told t USING (run_id, tab, deed)
WHERE coalesce(w.n, 0) <> coalesce(t.n, 0)
"""


def token_works(world: World) -> Iterator[str]:
    """I5: the refresh token that is stored would be exchanged, so nobody has to consent again."""
    if not world.rows("SELECT 1 FROM pg_class WHERE oid = to_regclass('ops.oauth_token')"):
        return
    try:
        stored = block(world)._tokens().read()
    except WarehouseError as error:
        yield f"I5: the stored token cannot be read: {error.code}"
        return
    if not world.source.control("accepts", token=stored["refresh_token"]):
        yield "I5: the vendor refuses the stored refresh token"


def nothing_left_over(world: World) -> Iterator[str]:
    """I7: of one stream there are staging tables of one run at most, and no lock without a session."""
    for prefix, runs in world.rows(
        """SELECT substr(relname, 1, 17), count(DISTINCT substr(relname, 19, 8)) FROM pg_class
           WHERE relnamespace = to_regnamespace('staging') AND relkind = 'r' GROUP BY 1
           HAVING count(DISTINCT substr(relname, 19, 8)) > 1"""
    ):
        yield f"I7: staging {prefix} has tables of {runs} runs"


def sessions_gone(world: World) -> Iterator[str]:
    """I7: within five seconds of its end no session and no lock of a process is left."""
    deadline = time.monotonic() + GONE_WITHIN_S
    query = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
               AND backend_type = 'client backend'"""
    while (left := world.rows(query)[0][0]) and time.monotonic() < deadline:
        time.sleep(0.002)
    if left:
        yield f"I7: {left} sessions of a dead process are left after {GONE_WITHIN_S:.0f} s"
    for (locks,) in world.rows(
        """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) HAVING count(*) > 0"""
    ):
        yield f"I7: {locks} advisory locks are left"


def equal_to_source(world: World, landing: Landing) -> Iterator[str]:
    """At the end: landed EXCEPT source and source EXCEPT landed are both empty."""
    rows = {row.id: (row.at, row.content) for row in landed_rows(world, landing).values() if not row.deleted}
    last = [versions[-1] for versions in world.history.get(landing.kind, {}).values()]
    source = {version.id: (version.at, content(version)) for version in last if not version.deleted}
    for id_ in sorted(set(rows) | set(source)):
        if rows.get(id_) != source.get(id_):
            yield f"end: {landing.stream} {id_} has landed as {rows.get(id_)}, the source has {source.get(id_)}"


def clean_after_success(world: World) -> Iterator[str]:
    """After a run in peace there is no staging and nothing that runs."""
    for (names,) in world.rows(
        "SELECT string_agg(relname, ', ') FROM pg_class WHERE relnamespace = 'staging'::regnamespace"
        " AND relkind = 'r' HAVING count(*) > 0"
    ):
        yield f"I7: staging tables are left after a run that succeeded: {names}"
    for (running,) in world.rows("SELECT count(*) FROM ops.sync_run_log WHERE status = 'running' HAVING count(*) > 0"):
        yield f"I4: {running} rows of the run log say running, and nothing runs"
