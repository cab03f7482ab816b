"""The outbox: messages that other systems must get exactly once, whatever dies on the way.

A message is written down in the transaction that gives rise to it (`enqueue`), and delivered later (`deliver`):
claimed and committed, sent, settled. One process at a time delivers a lane, under a lock that dies with it; so a message
that says ``sending`` while the lock is free belongs to a process that is dead, and may have arrived. Such a one, like one
whose answer was lost, is looked up at the other system and sent again only when it is not there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import class_row

from warehouse.connect import connect, translated
from warehouse.locks import lock_key, try_lock

Connection = psycopg.Connection[Any]

BATCH = 100  # messages that one call of `send` gets
FIRST_WAIT_S, LONGEST_WAIT_S = 60, 6 * 3600  # between attempts, doubled each time
# What was sent and not answered may still be on its way: before this has passed, "not there" is no answer.
SETTLE_S = 60.0


@dataclass(frozen=True, slots=True)
class Lane:
    """Messages of one kind of one connection, delivered by one process at a time."""

    sync: str
    connection: str
    topic: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands in ops.outbox. ``payload`` is its JSON text."""

    id: int
    subject: str
    idempotency_key: str
    payload: str
    status: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: acked, rejected (for good), unknown (it may have arrived) or pending (it did not)."""

    status: str
    said: str = ""


@dataclass(slots=True)
class Delivered:
    """How many messages ended how; ``busy`` when another process delivers this lane."""

    acked: int = 0
    rejected: int = 0
    unknown: int = 0
    pending: int = 0
    busy: bool = False
    errors: list[str] = field(default_factory=list)


Send = Callable[[Sequence[Message]], Mapping[int, Outcome]]
Look = Callable[[Sequence[Message]], Mapping[int, str]]


def enqueue(conn: Connection, lane: Lane, messages: Iterable[tuple[str, str, str]]) -> int:
    """Note messages (subject, idempotency key, JSON text) in the caller's transaction; how many were new.

    A key that is there already is not noted again, however its message ended.
    """
    rows = [(lane.sync, lane.connection, lane.topic, *message) for message in messages]
    with conn.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO ops.outbox (sync, connection, topic, subject, idempotency_key, payload)
               VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (sync, connection, topic, idempotency_key) DO NOTHING""",
            rows,
        )
        return max(cursor.rowcount, 0)


def deliver(
    url: str, lane: Lane, send: Send, look: Look, *, batch: int = BATCH, settle_s: float = SETTLE_S
) -> Delivered:
    """Deliver what is due in a lane; each message at most once at the other system.

    ``send`` gets messages and says for each id what became of it; one it does not name, and all if it raises, become
    unknown. ``look`` gets messages that may have arrived and answers for those that did, by id, what the other system
    calls them. A later message about a subject waits for the earlier ones.
    """
    done = Delivered()
    with closing(connect(url, f"landfall outbox {lane.sync}/{lane.connection}")) as conn, translated("delivering"):
        if not try_lock(conn, lock_key("outbox", lane.sync, lane.connection, lane.topic)):
            done.busy = True
            return done
        _bury_the_dead(conn, lane)
        # Whatever is worked on gets settled, or a later time: this ends.
        while waiting := _due(conn, lane, batch):
            _work(conn, waiting, send, look, settle_s, done)
    return done


def _work(conn: Connection, waiting: list[Message], send: Send, look: Look, settle_s: float, done: Delivered) -> None:
    doubtful = [message for message in waiting if message.status == "unknown"]
    found = look(doubtful) if doubtful else {}
    _settle(conn, {key: Outcome("acked", reply) for key, reply in found.items()}, done)
    missing = {message.id for message in doubtful if message.id not in found}
    absent = _truly_absent(conn, missing, settle_s) if missing else set()
    done.unknown += len(missing) - len(absent)
    ready = [message for message in waiting if message.status == "pending" or message.id in absent]
    if not ready:
        return
    ids = [message.id for message in ready]
    conn.execute(
        """UPDATE ops.outbox SET status = 'sending', attempts = attempts + 1, sent_at = clock_timestamp()
           WHERE id = ANY(%s)""",
        (ids,),
    )
    outcomes: Mapping[int, Outcome] = {}
    try:
        outcomes = send(ready)
    finally:
        lost = Outcome("unknown", "no answer came")
        _settle(conn, {key: outcomes.get(key, lost) for key in ids}, done)


def _settle(conn: Connection, outcomes: Mapping[int, Outcome], done: Delivered) -> None:
    for outcome in outcomes.values():
        setattr(done, outcome.status, getattr(done, outcome.status) + 1)
        if outcome.status != "acked" and outcome.said not in done.errors:
            done.errors.append(outcome.said)
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(
            """UPDATE ops.outbox SET status = %(status)s,
                   reply = CASE WHEN %(status)s = 'acked' THEN %(said)s::text ELSE reply END,
                   last_error = CASE WHEN %(status)s = 'acked' THEN NULL ELSE %(said)s::text END,
                   settled_at = CASE WHEN %(status)s IN ('acked', 'rejected') THEN clock_timestamp() END,
                   next_attempt_at = clock_timestamp()
                       + least(%(longest)s, %(first)s * 2 ^ least(attempts - 1, 20)) * interval '1 second'
               WHERE id = %(id)s""",
            [
                {"id": key, "status": outcome.status, "said": outcome.said,
                 "first": FIRST_WAIT_S, "longest": LONGEST_WAIT_S}
                for key, outcome in outcomes.items()
            ],
        )  # fmt: skip


def _bury_the_dead(conn: Connection, lane: Lane) -> None:
    """What an earlier process was sending when it died may have arrived; it is looked up at once."""
    conn.execute(
        """UPDATE ops.outbox SET status = 'unknown', next_attempt_at = clock_timestamp(),
               last_error = 'the process that sent it died'
           WHERE (sync, connection, topic) = (%s, %s, %s) AND status = 'sending'""",
        (lane.sync, lane.connection, lane.topic),
    )


def _due(conn: Connection, lane: Lane, batch: int) -> list[Message]:
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(
            """SELECT id, subject, idempotency_key, payload::text AS payload, status, attempts FROM ops.outbox o
               WHERE (sync, connection, topic) = (%s, %s, %s) AND status IN ('pending', 'unknown')
                 AND next_attempt_at <= clock_timestamp()
                 AND NOT EXISTS (SELECT FROM ops.outbox e
                     WHERE (e.sync, e.connection, e.topic, e.subject) = (o.sync, o.connection, o.topic, o.subject)
                       AND e.id < o.id AND e.status IN ('pending', 'sending', 'unknown'))
               ORDER BY id LIMIT %s""",
            (lane.sync, lane.connection, lane.topic, batch),
        ).fetchall()


def _truly_absent(conn: Connection, ids: set[int], settle_s: float) -> set[int]:
    """Of messages that were not found: those sent so long ago that they can no longer arrive."""
    rows = conn.execute(
        """UPDATE ops.outbox SET next_attempt_at = sent_at + %(settle)s * interval '1 second' WHERE id = ANY(%(ids)s)
           RETURNING id, sent_at + %(settle)s * interval '1 second' <= clock_timestamp()""",
        {"ids": list(ids), "settle": settle_s},
    ).fetchall()
    return {key for key, settled in rows if settled}
