"""Record types that grow and shrink: columns are filled in all rows, and none is taken away."""

from typing import Annotated, Any

import pytest

from connectors.stream import Page, column
from tests.oracle import LINES, Thing, World, stream

pytestmark = pytest.mark.both_postgres


class Grown(Thing):
    """A thing, with a column more."""

    color: Annotated[str | None, column("Its colour", source="color")] = None


def test_a_new_column_is_filled_in_all_rows(world: World) -> None:
    """When a record type grows, what waited in _extra moves to its column, also where the source did not change."""
    world.run()
    assert world.query("SELECT count(*) FROM lab.thing WHERE _extra->>'color' = 'red'") == [(250,)]
    world.stream = stream(record=Grown)
    assert world.run().counts.updated == 250
    assert world.query("SELECT count(*) FROM lab.thing_current WHERE color = 'red' AND _extra IS NULL") == [(250,)]
    world.check_converges()


def test_a_new_column_is_filled_where_only_changes_are_read(world: World) -> None:
    """A stream with a cursor is read whole once when its record type has grown."""
    seen = []

    def pages(cursor: Any) -> Any:
        seen.append(cursor)
        records = world.source.records.values() if cursor is None else ()
        yield Page(records=list(records), cursor={"tick": world.source.tick})

    world.run(pages)
    world.run(pages)
    world.stream = stream(record=Grown)
    world.run(pages)
    world.run(pages)
    assert seen == [None, {"tick": 250}, None, {"tick": 250}]
    assert world.query("SELECT count(*) FROM lab.thing WHERE color = 'red'") == [(250,)]
    world.check()


@pytest.mark.parametrize("full", [False, True])
def test_rows_that_a_new_record_type_leaves_as_they_are_are_known_again(world: World, full: bool) -> None:
    """After a change of the record type one run notes the new fingerprints; later ones skip the rows again."""
    world.run()
    world.stream = stream(record=Grown, children=(LINES,))
    for key in list(world.source.records):
        world.source.put(key)
    world.run(full=full)
    before = world.query("SELECT _row_hash FROM lab.thing ORDER BY id")
    world.stream = stream(children=(LINES,))
    world.run(full=full)
    after = world.query("SELECT _row_hash FROM lab.thing ORDER BY id")
    assert all(one != two for one, two in zip(before, after, strict=True))
    world.run()
    assert world.query("SELECT _row_hash FROM lab.thing ORDER BY id") == after


def test_a_record_type_that_shrinks_leaves_its_columns(world: World) -> None:
    """A column that a newer version no longer knows stays with its values; new rows have none."""
    world.stream = stream(record=Grown)
    world.run()
    world.stream = stream()
    world.source.fill(1, start=900)
    world.run()
    assert world.query("SELECT count(color), count(*) FROM lab.thing") == [(250, 251)]
    world.check_converges()
