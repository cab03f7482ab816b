"""Slices, history, wider columns, gates, dead letters that land after all: what the landing does beside the rows."""

import uuid
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import psycopg
import pytest

from connectors.stream import Gate, Page, column
from tests.oracle import Thing, World, stream
from warehouse.dead_letters import open_letters
from warehouse.errors import DatabaseUnavailable, GateFailed, SuspiciousShrink


def sliced(world: World, size: int = 50) -> list[Page]:
    """Pages that each promise that everything up to them has been handed over."""
    pages = world.source.pages(size)
    return [
        Page(records=page.records, at=page.at, complete=page.complete, cursor={"page": n})
        for n, page in enumerate(pages, 1)
    ]


def test_a_long_load_lands_in_slices(world: World) -> None:
    """What was landed before a failure stays, its cursor says where to go on, and the counts are of all slices."""
    pages = sliced(world)
    seen: list[Any] = []

    def broken(cursor: Any) -> Iterator[Page]:
        seen.append(cursor)
        yield from pages[:3]
        raise RuntimeError("once")

    with pytest.raises(RuntimeError):
        world.run(broken, slice_records=100)
    assert world.query("SELECT count(*) FROM lab.thing") == [(100,)]
    assert world.log()["status"] == "failed"

    def rest(cursor: Any) -> Iterator[Page]:
        seen.append(cursor)
        yield from pages[2:5]

    world.run(rest, slice_records=100)
    assert seen == [None, {"page": 2}]
    world.check()
    world.check_converges()


@pytest.mark.parametrize("slices", [1, 60, 100, 250])
def test_slices_count_and_delete_as_one_landing_does(world: World, slices: int) -> None:
    """Records repeated over slices, in whatever version, stand as often and in the version as without slices."""
    world.run()
    old = world.source.records["7"]
    del world.source.records["200"]
    world.source.put("7", name="new")
    pages = sliced(world)
    pages.insert(0, Page(records=[old, world.source.records["8"]], cursor={"page": 0}))
    pages.insert(4, Page(records=[old, world.source.records["7"], b'{"id":"bad","pieces":"N/A"}'], cursor={"page": 3}))
    landed = world.run(pages, slice_records=slices)
    numbers = landed.counts.numbers()
    assert numbers["read"] == numbers["fetched"] == 249 + 5
    assert (numbers["deleted"], numbers["dead_lettered"], numbers["inserted"], numbers["updated"]) == (1, 1, 0, 1)
    world.check()
    assert world.query("SELECT count(*) FROM ops.dead_letter WHERE resolved_at IS NULL") == [(1,)], "it never landed"
    world.check_converges()


def test_a_shrink_is_noticed_at_the_end_of_slices_too(world: World) -> None:
    """What the slices held together is compared with what was there."""
    world.run()
    for key in list(world.source.records)[:120]:
        del world.source.records[key]
    with pytest.raises(SuspiciousShrink, match="130 of 250"):
        world.run(sliced(world), slice_records=50)
    assert world.query("SELECT count(*) FROM lab.thing_current") == [(250,)]


def test_every_version_is_in_the_history(world: World) -> None:
    """What was valid when can be asked, through changes, deletion and return; children and re-runs add nothing."""
    world.stream = stream(history=True)
    world.run()
    world.run()
    moments = [world.query("SELECT clock_timestamp()")[0][0]]
    first = world.source.records["7"]
    for step in ("changed", "gone", "back"):
        if step == "gone":
            del world.source.records["7"]
        else:
            world.source.put("7", name=step)
        world.run()
        world.run()
        moments.append(world.query("SELECT clock_timestamp()")[0][0])
    states = [world.query("SELECT name FROM lab.thing_as_of(%s) WHERE id = '7'", at) for at in moments]
    assert states == [[("thing 7",)], [("changed",)], [], [("back",)]]
    assert world.query("SELECT count(*) FROM lab.thing_history WHERE id = '7'") == [(3,)]
    assert world.query("SELECT count(*) FROM lab.thing_history") == [(252,)]
    overlaps = (
        "SELECT 1 FROM lab.thing_history GROUP BY connection, id HAVING count(*) FILTER (WHERE valid_to IS NULL) > 1"
    )
    assert world.query(overlaps) == []
    assert first
    world.check()


def test_a_failed_landing_leaves_no_history(world: World) -> None:
    """Rows and their versions land in one transaction."""
    world.stream = stream(history=True)
    world.run()
    before = world.query("SELECT t::text FROM lab.thing_history t ORDER BY 1")
    world.query(
        "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '57P01'; END $$"
    )
    world.query("CREATE TRIGGER no BEFORE UPDATE ON ops.sync_cursor FOR EACH ROW EXECUTE FUNCTION public.no()")
    world.source.put("7", name="changed")
    del world.source.records["8"]
    with pytest.raises(DatabaseUnavailable):
        world.run()
    assert world.query("SELECT t::text FROM lab.thing_history t ORDER BY 1") == before


def test_the_history_of_two_connections_stays_apart(world: World) -> None:
    """The same id of another company is another history."""
    world.stream = stream(history=True)
    other = World(world.url, world.stream, connection="other")
    other.source.fill(10)
    world.run()
    other.run()
    world.source.put("7", name="changed")
    world.run()
    assert other.query("SELECT count(*) FROM lab.thing_history WHERE id = '7' AND connection = 'other'") == [(1,)]
    assert world.query("SELECT count(*) FROM lab.thing_history WHERE id = '7' AND connection = 'main'") == [(2,)]


def test_dead_letters_land_after_a_fix_without_moving_anything_else(world: World) -> None:
    """A record type that was mended takes what was kept; the next run still reads everything into the new columns."""
    world.source.put("1", pieces="1 dozen")
    world.bad = {"1"}
    calls: list[Any] = []

    def pages(cursor: Any) -> Iterator[Page]:
        calls.append(cursor)
        yield Page(records=list(world.source.records.values()) if cursor is None else [], cursor={"at": 1})

    world.run(pages)
    world.check()

    class Mended(Thing):
        """A thing whose pieces are words."""

        pieces: Annotated[str | None, column("Words", source="pieces")] = None
        color: Annotated[str | None, column("Colour", source="color")] = None

    world.stream = stream(record=Mended)
    with psycopg.connect(world.url, autocommit=True) as conn:
        [letter] = open_letters(conn)
    assert msgspec.json.decode(letter.payload)["pieces"] == "1 dozen"
    assert world.run([Page(records=[letter.payload])], accept_drift=True).counts.inserted == 1
    assert world.query("SELECT count(*) FROM ops.dead_letter WHERE resolved_at IS NULL") == [(0,)]
    world.run(pages)
    assert calls == [None, None]
    assert world.query("SELECT count(*) FROM lab.thing WHERE color = 'red' AND pieces IS NOT NULL") == [(249,)]


def test_a_dead_letter_older_than_its_row_changes_nothing_and_is_closed(world: World) -> None:
    """Who replays what has been overtaken by a newer version sets nothing back."""
    old = world.source.records["1"]
    world.source.put("1", pieces="N/A")
    world.bad = {"1"}
    world.run()
    world.bad = set()
    world.query("UPDATE ops.dead_letter SET key = 'kept for later'")
    world.source.put("1", name="newest", pieces=5)
    world.run()
    world.query("UPDATE ops.dead_letter SET key = '1'")
    assert world.run([Page(records=[old])]).counts.unchanged == 1
    world.check()
    assert world.query("SELECT count(*) FROM ops.dead_letter WHERE resolved_at IS NULL") == [(0,)]


GATES = (
    Gate("expect_column_values_to_not_be_null", {"column": "name"}),
    Gate("expect_column_values_to_be_between", {"column": "pieces", "max_value": 240}, blocks=False),
)


def test_gates_judge_the_table_as_it_would_be(world: World) -> None:
    """One that blocks stops the landing and names the keys; one that warns does not; gone rows are not judged."""
    world.stream = stream(gates=GATES)
    verdicts = world.run().verdicts
    assert [(each.blocks, each.passed) for each in verdicts] == [(True, True), (False, False)]
    assert verdicts[1].keys == [str(number) for number in range(241, 250)]
    before = world.everything()
    world.source.put("7", name=None)
    with pytest.raises(GateFailed, match="keys 7"):
        world.run()
    assert world.everything() == before
    world.check_books()
    del world.source.records["7"]
    for number in range(241, 250):
        del world.source.records[str(number)]
    assert all(each.passed for each in world.run().verdicts)
    assert world.run().verdicts == [], "nothing changed, so nothing is judged"
    world.check()


def test_a_run_id_is_used_once(world: World) -> None:
    """Another run of the same stream is another row of the run log."""
    first = uuid.uuid4()
    world.run(run_id=first)
    world.run()
    assert world.query("SELECT count(*) FROM ops.sync_run WHERE status = 'success'") == [(2,)]
