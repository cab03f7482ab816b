"""A column that becomes wider while people read the table: nobody waits for long, and no view is dropped."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Annotated, Any

import psycopg
import pytest

from connectors.stream import column
from tests.oracle import Thing, World, stream
from warehouse.errors import DatabaseUnavailable, TargetSchemaChanged


class Wider(Thing):
    """A thing whose pieces may be words."""

    pieces: Annotated[str | None, column("How many, in words too", source="pieces")] = None


def test_whole_numbers_have_room_for_fractions(world: World) -> None:
    """A source that counts in whole numbers one day and in fractions the next needs no change and loses nothing."""
    world.run()
    world.query("CREATE VIEW public.analyst AS SELECT pieces FROM lab.thing_current")
    world.source.put("1", pieces=Decimal("1.5"))
    world.source.put("2", pieces=2**63)
    world.run()
    found = world.query("SELECT id, pieces FROM lab.thing_current WHERE id IN ('1', '2', '3') ORDER BY id")
    assert found == [("1", Decimal("1.5")), ("2", Decimal(2**63)), ("3", Decimal(3))]


def test_a_column_becomes_wider_with_its_values(world: World) -> None:
    """Old values stay what they are, new ones land, and the view and the comments are there again."""
    world.stream = stream(history=True)
    world.run()
    world.stream = stream(record=Wider, history=True)
    world.source.put("1", pieces="a dozen")
    world.run()
    found = world.query("SELECT id, pieces FROM lab.thing_current WHERE id IN ('1', '3') ORDER BY id")
    assert found == [("1", "a dozen"), ("3", "3")]
    for relation in ("thing", "thing_current"):
        comment = "SELECT col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'pieces'"
        assert world.query(comment, f"lab.{relation}") == [("How many, in words too",)]
    assert world.run().counts.unchanged == 250


def test_an_analysts_view_is_never_dropped_for_a_wider_column(world: World) -> None:
    """The error names the view; nothing has changed."""
    world.run()
    world.query("CREATE VIEW public.analyst AS SELECT pieces FROM lab.thing_current")
    world.stream = stream(record=Wider)
    with pytest.raises(TargetSchemaChanged, match="analyst"):
        world.run()
    assert world.query("SELECT sum(pieces) FROM public.analyst") == [(sum(range(250)),)]
    world.query("DROP VIEW public.analyst")
    assert world.run().counts.read == 250
    assert world.query("SELECT pg_typeof(pieces)::text FROM lab.thing_current LIMIT 1") == [("text",)]


def test_a_long_query_keeps_no_other_reader_waiting(world: World) -> None:
    """While somebody reads for long, a column that becomes wider waits for them, and other readers read on."""
    world.run()
    world.stream = stream(record=Wider)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(world.url) as slow:
        slow.execute("SELECT count(*) FROM lab.thing_current")
        landing = pool.submit(world.run)
        with psycopg.connect(world.url, autocommit=True) as other:
            # Who waited behind the landing would wait for as long as it may wait, which is five seconds.
            other.execute("SET lock_timeout = '2s'")
            waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
            deadline = time.monotonic() + 20
            while not other.execute(waiting).fetchall() and time.monotonic() < deadline:
                time.sleep(0.01)
            for _ in range(5):
                other.execute("SELECT pieces FROM lab.thing_current WHERE id = '1'")
                assert not landing.done()
                time.sleep(0.05)
        slow.rollback()
        assert landing.result(60).counts.read == 250
    assert world.query("SELECT pg_typeof(pieces)::text FROM lab.thing_current LIMIT 1") == [("text",)]


def test_a_widening_that_was_interrupted_is_finished(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it died before or after the swap, the next run goes on."""
    from warehouse import ddl

    world.run()
    world.stream = stream(record=Wider)

    def dies(*_: Any) -> None:
        raise psycopg.OperationalError("died")

    monkeypatch.setattr(ddl, "_document", dies)
    with pytest.raises(DatabaseUnavailable):
        world.run()
    monkeypatch.undo()
    monkeypatch.setenv("LANDFALL_ENCRYPTION_KEY", "bGFuZGZhbGwtdGVzdHMtbm90LWEtc2VjcmV0LWtleSE=")
    assert world.run().counts.read == 250
    assert world.query("SELECT pg_typeof(pieces)::text FROM lab.thing_current LIMIT 1") == [("text",)]
