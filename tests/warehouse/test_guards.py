"""What must not be believed: a source that shrinks, half a reading, records that do not fit."""

import pytest

from connectors.stream import Page
from tests.oracle import World, counts
from warehouse.errors import SchemaDrift, SuspiciousShrink

pytestmark = pytest.mark.both_postgres


def test_a_source_that_shrinks_is_not_believed(world: World) -> None:
    """Empty, or over 30 % smaller: nothing lands until somebody accepts it."""
    world.run()
    before = world.everything()
    for left in (0, 100, 174):
        pages = [Page(records=list(world.source.records.values())[:left]), Page(complete=True)]
        with pytest.raises(SuspiciousShrink, match=f"{left} of 250"):
            world.run(pages)
        assert world.everything() == before
        world.check_books()
    world.source.records = dict(list(world.source.records.items())[:100])
    assert world.run(accept_shrink=True).counts.deleted == 150
    world.check_converges()


def test_a_shrink_of_less_lands(world: World) -> None:
    """175 of 250 are 30 % less, which is not over 30 %."""
    world.run()
    world.source.records = dict(list(world.source.records.items())[:175])
    assert world.run().counts.deleted == 75
    world.check_converges()


def test_an_empty_source_is_no_shrink_at_first(world: World) -> None:
    """A new company without records is fine, again and again."""
    world.source.records.clear()
    world.run()
    world.check_converges()


def test_deletions_need_a_complete_reading(world: World) -> None:
    """What did not appear is only taken for deleted when the source said that this was all."""
    world.run()
    world.run([Page(records=list(world.source.records.values())[:3])])
    world.check()


def test_bad_records_do_not_stop_the_good_ones(world: World) -> None:
    """They are dead letters with a code and the column; a later good version closes them."""
    world.source.put("1", amount="N/A")
    world.source.put("2", day="2026-02-30")
    world.source.put("3", pieces={"a": 1})
    world.bad = {"1", "2", "3"}
    landed = world.run()
    assert counts(landed) == {"fetched": 250, "read": 250, "inserted": 247, "dead_lettered": 3}
    assert world.log()["status"] == "partial"
    world.check()
    letters = world.query("SELECT key, reason_code, column_name, resolved_at IS NULL FROM ops.dead_letter ORDER BY key")
    assert letters == [
        ("1", "BadNumber", "amount", True),
        ("2", "BadDate", "day", True),
        ("3", "BadNumber", "pieces", True),
    ]
    assert counts(world.run()) == {"fetched": 250, "read": 250, "unchanged": 247, "dead_lettered": 3}
    assert world.query("SELECT count(*), min(occurrences) FROM ops.dead_letter") == [(3, 2)]
    world.bad = set()
    world.source.fill(4)
    world.run()
    assert world.query("SELECT count(*) FROM ops.dead_letter WHERE resolved_at IS NULL") == [(0,)]
    world.check_converges()


def test_a_bad_version_of_a_landed_record_leaves_the_row(world: World) -> None:
    """The last good version stays and is not taken for deleted."""
    world.run()
    before = world.landed()
    world.source.put("1", amount="N/A")
    assert counts(world.run()) == {"fetched": 250, "read": 250, "unchanged": 249, "dead_lettered": 1}
    assert world.landed() == before


@pytest.mark.parametrize(("bad", "stops"), [(19, False), (25, False), (26, True), (100, True)])
def test_too_many_bad_records_stop_the_stream(world: World, bad: int, stops: bool) -> None:
    """Over 10 % and at least 20 mean that the format has changed; the message names column and sample."""
    world.run()
    before = world.everything()
    for key in list(world.source.records)[:bad]:
        world.source.put(key, pieces="N/A")
    if not stops:
        assert world.run().counts.dead_lettered == bad
        return
    with pytest.raises(SchemaDrift, match=rf"{bad} of 250 .* pieces.*N/A"):
        world.run()
    assert world.everything() == before
    assert world.query("SELECT count(*) FROM ops.dead_letter") == [(0,)]
    world.check_books()
    world.source.fill(bad)
    world.check_converges()
