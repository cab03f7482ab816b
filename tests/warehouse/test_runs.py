"""Runs that fail, are cancelled, repeated or meet another writer: the log is true, nothing is half done."""

from typing import Any

import pytest

from connectors.stream import Page
from tests.oracle import World
from warehouse.errors import LockTimeout

pytestmark = pytest.mark.both_postgres


def test_a_failed_reading_leaves_everything_as_it_was(world: World) -> None:
    """An error of the source between two pages changes no row and no cursor, and the run log tells it without secrets."""
    world.run()
    before = world.everything()

    def pages(_cursor: Any) -> Any:
        yield Page(records=[b'{"id":"1","name":"changed"}'], cursor={"at": 1})
        raise RuntimeError("the source\x00 \ud800 said canary-password-in-a-record")

    with pytest.raises(RuntimeError):
        world.run(pages, redact=lambda text: text.replace("canary-password-in-a-record", "***"))
    assert world.everything() == before
    log = world.log()
    assert (log["status"], log["error_code"], log["fetched"], log["read"]) == ("failed", "RuntimeError", 1, 0)
    world.check_books()
    world.check_converges()


def test_a_run_that_is_cancelled_says_so(world: World) -> None:
    """Neither failed nor crashed; nothing landed."""

    class Cancelled(Exception):
        code = "Cancelled"

    for error in (Cancelled("asked to end"), KeyboardInterrupt()):

        def pages(_cursor: Any, error: BaseException = error) -> Any:
            yield world.source.pages()[0]
            raise error

        with pytest.raises(type(error)):
            world.run(pages)
        assert world.log()["status"] == "cancelled"
        world.check_books()
    assert world.query("SELECT count(*) FROM lab.thing") == [(0,)]


def test_the_same_run_lands_a_stream_once(world: World) -> None:
    """A task that is repeated after its landing counts nothing twice."""
    first = world.run()
    again = world.run(run_id=world.last.run_id, pages=[Page(records=[b'{"id":"other"}'])])
    assert again.counts == first.counts
    world.check()


def test_a_failed_attempt_of_the_same_run_may_be_repeated(world: World) -> None:
    """The row of the run log tells what came of the last attempt."""

    def broken(_cursor: Any) -> Any:
        yield world.source.pages()[0]
        raise RuntimeError("once")

    with pytest.raises(RuntimeError):
        world.run(broken)
    landed = world.run(run_id=world.last.run_id)
    assert world.log()["status"] == "success"
    assert world.log()["inserted"] == landed.counts.inserted == 250
    world.check()


def test_another_writer_of_the_stream_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs never write one stream at a time; who waits too long is told."""
    monkeypatch.setattr("warehouse.landing.LOCK_WAIT_S", 0.3)

    def pages(_cursor: Any) -> Any:
        yield world.source.pages()[0]
        with pytest.raises(LockTimeout, match=r"lab\.thing"):
            World(world.url, source=world.source).run()
        yield from world.source.pages()[1:]

    world.run(pages)
    world.check_converges()
