"""The outbox: what has to reach another system gets there once, whatever dies or gets lost on the way."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
import pytest

from warehouse.locks import lock_key
from warehouse.outbox import Delivered, Lane, Message, Outcome, deliver, enqueue


class Died(BaseException):
    """The process ends here."""


@dataclass
class Other:
    """The other system: what it has got, and how the next sendings go wrong."""

    got: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    lookups: int = 0

    def send(self, messages: Sequence[Message]) -> Mapping[int, Outcome]:
        """Take messages in, or fail in the way that comes next."""
        trouble = self.trouble.pop(0) if self.trouble else ""
        if trouble == "dies before":
            raise Died
        if trouble == "down":
            return {message.id: Outcome("pending", "it is down") for message in messages}
        if trouble == "refuses":
            return {message.id: Outcome("rejected", "it says no") for message in messages}
        self.got += [message.idempotency_key for message in messages]
        if trouble == "dies after":
            raise Died
        if trouble == "silent":
            return {}
        return {message.id: Outcome("acked", f"no. {message.id}") for message in messages}

    def look(self, messages: Sequence[Message]) -> Mapping[int, str]:
        """Which of them it has."""
        self.lookups += 1
        return {message.id: "found" for message in messages if message.idempotency_key in self.got}


@dataclass
class Post:
    """A lane of a test's own, and the system at its other end."""

    url: str
    lane: Lane = field(default_factory=lambda: Lane("lab", f"c-{uuid.uuid4()}", "orders"))
    other: Other = field(default_factory=Other)

    def ask(self, *keys: str, subject: str = "") -> int:
        """Ask for messages to be sent."""
        with psycopg.connect(self.url) as conn:
            return enqueue(conn, self.lane, [(subject or key, key, json.dumps({"n": key})) for key in keys])

    def deliver(self, settle_s: float = 0) -> Delivered:
        """One delivery, now, however long the messages wanted to wait."""
        with psycopg.connect(self.url) as conn:
            conn.execute(
                "UPDATE ops.outbox SET next_attempt_at = now() - interval '1 s' WHERE connection = %s",
                (self.lane.connection,),
            )
        return deliver(self.url, self.lane, self.other.send, self.other.look, batch=2, settle_s=settle_s)

    def states(self) -> dict[str, str]:
        """The status of each message by its key."""
        with psycopg.connect(self.url) as conn:
            rows = conn.execute(
                "SELECT idempotency_key, status FROM ops.outbox WHERE connection = %s ORDER BY id",
                (self.lane.connection,),
            ).fetchall()
        return dict(rows)


@pytest.fixture
def post(shared_database: str) -> Post:
    """An empty lane."""
    return Post(shared_database)


def test_a_wish_is_noted_once_and_delivered_once(post: Post) -> None:
    """Asking for the same thing again, before or after it was sent, sends nothing more."""
    assert post.ask("a", "b", "c") == 3
    assert post.ask("b", "c") == 0
    assert post.deliver().acked == 3
    assert post.ask("a") == 0
    assert post.deliver() == Delivered()
    assert post.other.got == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("trouble", "left", "lookups"),
    [("dies before", "sending", 1), ("dies after", "unknown", 1), ("silent", "unknown", 1), ("down", "pending", 0)],
)
def test_whatever_happens_while_sending_it_arrives_once(post: Post, trouble: str, left: str, lookups: int) -> None:
    """A process that dies or an answer that is lost costs a look, never a second message."""
    post.ask("a")
    post.other.trouble = [trouble]
    try:
        post.deliver()
    except Died:
        if trouble == "dies before":  # a killed process does not even note that it got no answer
            with psycopg.connect(post.url) as conn:
                conn.execute("UPDATE ops.outbox SET status = 'sending' WHERE connection = %s", (post.lane.connection,))
    assert post.states() == {"a": left}
    assert post.deliver().acked == 1
    assert post.other.got == ["a"]
    assert post.other.lookups == lookups


def test_what_may_still_arrive_is_not_sent_again(post: Post) -> None:
    """A message sent a moment ago and not found yet is waited for: it may be on its way."""
    post.ask("a")
    post.other.trouble = ["dies before"]
    with pytest.raises(Died):
        post.deliver()
    assert post.deliver(settle_s=3600).unknown == 1
    assert post.states() == {"a": "unknown"}
    assert post.other.got == []


def test_a_refusal_is_final_and_says_why(post: Post) -> None:
    """What the other system refuses is not sent over and over; the next message goes out all the same."""
    post.ask("a")
    post.other.trouble = ["refuses"]
    done = post.deliver()
    assert (done.rejected, done.errors) == (1, ["it says no"])
    post.ask("b")
    post.deliver()
    assert post.states() == {"a": "rejected", "b": "acked"}
    assert post.other.got == ["b"]


def test_messages_about_one_thing_keep_their_order(post: Post) -> None:
    """The newer state of a thing never overtakes the older one."""
    post.ask("old", subject="thing")
    post.ask("other")
    post.ask("new", subject="thing")
    post.other.trouble = ["down"]
    assert post.deliver().pending == 2
    assert post.states()["new"] == "pending"
    assert post.other.got == []
    post.deliver()
    assert post.other.got == ["old", "other", "new"]


def test_one_process_delivers_a_lane_at_a_time(post: Post) -> None:
    """Two workers do not send the same message."""
    post.ask("a")
    with psycopg.connect(post.url) as holder:
        key = lock_key("outbox", post.lane.sync, post.lane.connection, post.lane.topic)
        holder.execute("SELECT pg_advisory_lock(%s)", (key,))
        assert post.deliver().busy
    assert post.deliver().acked == 1
