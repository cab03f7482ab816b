"""Landing, on the newest and the oldest Postgres: what is at the source is in the tables, once, with true counts."""

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import msgspec
import pytest

from connectors.stream import Child, Page
from tests.oracle import Place, World, counts, stream

pytestmark = pytest.mark.both_postgres


def test_a_first_load_lands_every_record_with_its_children(world: World) -> None:
    """All records are rows with exact values, and the counts say so."""
    assert counts(world.run()) == {"fetched": 250, "read": 250, "inserted": 250}
    world.check()
    assert world.log()["child_counts"] == {
        "thing_line": {"inserted": 249, "updated": 0, "deleted": 0},
        "place": {"inserted": 125, "updated": 0, "deleted": 0},
    }


def test_a_second_run_changes_nothing(world: World) -> None:
    """No row is touched, not even rewritten, when the source has not changed."""
    world.run()
    before = world.everything()
    assert counts(world.run()) == {"fetched": 250, "read": 250, "unchanged": 250}
    assert world.everything() == before


def test_changes_additions_and_deletions_land_together(world: World) -> None:
    """A run brings the table to what the source holds now."""
    world.run()
    world.source.fill(10, start=1000)
    for key in ("3", "4"):
        world.source.put(key, amount=Decimal("7.10"), lines=[{"sku": "new"}])
    del world.source.records["5"], world.source.records["6"]
    assert counts(world.run()) == {
        "fetched": 258, "read": 258, "inserted": 10, "updated": 2, "unchanged": 246, "deleted": 2
    }  # fmt: skip
    world.check_converges()


def test_a_deleted_record_that_comes_back_lives_again(world: World) -> None:
    """Neither it nor its children stay marked as deleted."""
    world.run()
    text = world.source.records.pop("7")
    assert world.run().counts.deleted == 1
    world.check()
    deleted = world.query("SELECT count(*) FROM lab.place WHERE owner_id = '7' AND _deleted_at IS NOT NULL")
    assert deleted == [(1,)]
    world.source.records["7"] = text
    assert world.run().counts.updated == 1
    world.check_converges()


def test_a_change_in_a_line_alone_changes_its_parent(world: World) -> None:
    """Who asks for what changed finds the record when one of its lines changed, came or went."""
    world.run()
    record = json.loads(world.source.records["2"])
    for lines in ([{"sku": "s0", "quantity": 9}, {"sku": "s1", "quantity": 1}], [{"sku": "s0"}], []):
        record["lines"] = lines
        world.source.records["2"] = msgspec.json.encode(record)
        assert counts(world.run()) == {"fetched": 250, "read": 250, "updated": 1, "unchanged": 249}
        world.check()
    assert world.query("SELECT _run_id FROM lab.thing WHERE id = '2'") == [(world.last.run_id,)]


def test_of_several_readings_the_newest_version_wins(world: World) -> None:
    """A record that is met three times in a run lands once, with its children, in its newest version."""
    old = world.source.records["8"]
    world.source.put("8", name="middle", lines=[{"sku": "m"}] * 4)
    middle = world.source.records["8"]
    world.source.put("8", name="new", lines=[{"sku": "n"}])
    new = world.source.records["8"]
    pages = [Page(records=[new, old, middle]), *world.source.pages()]
    assert counts(world.run(pages)) == {"fetched": 253, "read": 253, "inserted": 250, "duplicates_collapsed": 3}
    world.check_converges()


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("late", [False, True])
def test_a_late_answer_never_sets_a_row_back(world: World, full: bool, late: bool) -> None:
    """An older version of a record that is met in the same run as the landed one changes nothing."""
    old = world.source.records["8"]
    world.source.put("8", name="new", lines=[{"sku": "n"}])
    world.run()
    pages = world.source.pages()
    stale = Page(records=[old])
    world.run([*pages[:-1], stale, pages[-1]] if late else [stale, *pages], full=full)
    world.check()
    world.check_converges()


def test_a_stale_reading_alone_changes_nothing(world: World) -> None:
    """A source that answers from an old copy does not set a row back, unless everything is to be read anew."""
    old = world.source.records["8"]
    world.source.put("8", name="new")
    world.run()
    assert counts(world.run([Page(records=[old])])) == {"fetched": 1, "read": 1, "unchanged": 1}
    world.check()
    assert counts(world.run([Page(records=[old])], full=True)) == {"fetched": 1, "read": 1, "updated": 1}
    world.source.records["8"] = old
    world.check_converges()


def test_without_a_version_the_later_reading_wins(world: World) -> None:
    """Also when it brings back what has landed before."""
    world.stream = stream(version=None)
    first = world.source.records["8"]
    world.run()
    world.source.put("8", name="second")
    second = world.source.records["8"]
    world.run([*world.source.pages()[:-1], Page(records=[first, second, first])])
    world.source.records["8"] = first
    world.check()
    world.run([Page(records=[first, second])])
    world.source.records["8"] = second
    world.check_converges()


def test_empty_pages_are_nothing(world: World) -> None:
    """Pages without records, also only such, neither fail nor delete."""
    pages = world.source.pages()
    world.run([Page(), *pages[:2], Page(), *pages[2:]])
    world.check()
    assert counts(world.run([Page(), Page()])) == {}
    world.check()


def test_what_the_source_says_is_deleted_is_marked(world: World) -> None:
    """Deletions that a source reports are taken, with the children; unknown and odd keys do no harm."""
    world.run()
    landed = world.run([Page(deleted=["3", "no such", "3", "a\x00b", "\x1f"])])
    assert landed.counts.deleted == 1
    del world.source.records["3"]
    world.check_converges()


def test_the_last_word_on_a_record_counts(world: World) -> None:
    """Deleted and then given again it lives; given and then deleted it does not."""
    world.run()
    world.source.put("1", name="back")
    one, two = world.source.records["1"], world.source.records["2"]
    world.run([Page(deleted=["1"]), Page(records=[one, two]), Page(deleted=["2"])])
    del world.source.records["2"]
    world.check()
    world.source.fill(1, start=2)
    unchanged = world.source.records["4"]
    world.run([Page(deleted=["4"]), Page(records=[unchanged, world.source.records["2"]])])
    world.check_converges()


def test_two_connections_share_a_table_and_nothing_else(world: World) -> None:
    """The same ids of two companies are two rows, and what one loses the other keeps."""
    other = World(world.url, connection="other")
    other.source.fill(200)
    other.source.put("9", name="of the other")
    world.run()
    other.run()
    for each in (world, other):
        each.check()
    del world.source.records["9"]
    world.source.put("10", name="changed", lines=[])
    assert counts(world.run())["deleted"] == 1
    world.check_converges()
    other.check_converges()


def test_streams_that_share_a_table_land_side_by_side(world: World) -> None:
    """Three streams that write one table of places at the same time lose nothing and wait for nobody."""
    kinds = ("alpha", "beta", "gamma")
    worlds = []
    for kind in kinds:
        places = Child("place", Place, ("owner_type", "owner_id", "role"), roles=("home", "work"), owner=kind)
        worlds.append(World(world.url, stream(kind, children=(places,)), world.source))
    with ThreadPoolExecutor(3) as pool:
        for _ in range(2):
            list(pool.map(lambda each: each.run(), worlds))
            world.source.put("1", home={"city": "Other"}, work={"city": "New"})
    found = world.query("SELECT owner_type, count(*) FROM lab.place WHERE _deleted_at IS NULL GROUP BY 1 ORDER BY 1")
    assert found == [(kind, 126) for kind in kinds]
    world.check_books()


def test_nothing_of_a_record_is_lost(world: World) -> None:
    """Fields without a column are in _extra, at their place and exactly as written."""
    record = b'{"id":"x","a.b":1.50,"meta":{"changed":"2026-01-01T00:00:00Z","by":{"n":12345678901234567890.10}},'
    record += b'"lines":[{"sku":"s","size":[1.0,null]}],"home":{"city":"c","geo":{}},"empty":null,"":"nameless"}'
    world.run([Page(records=[record])])
    extras = [
        json.loads(text, parse_float=Decimal)
        for table in ("thing", "thing_line", "place")
        for (text,) in world.query(f"SELECT _extra::text FROM lab.{table}")
    ]
    assert extras == [
        {
            "a.b": Decimal("1.50"),
            "meta": {"by": {"n": Decimal("12345678901234567890.10")}},
            "empty": None,
            "": "nameless",
        },
        {"size": [Decimal("1.0"), None]},
        {"geo": {}},
    ]
    seen = world.query("SELECT scope, path FROM ops.schema_change ORDER BY 1, 2")
    assert {tuple(map(json.loads, row))[1][-1] for row in seen} == {"a.b", "by", "size", "geo", "empty", ""}  # type: ignore[comparison-overlap]


def test_thousands_of_new_fields_are_kept(world: World) -> None:
    """A map keyed by ids is slow at worst, never lost."""
    records = [
        msgspec.json.encode({"id": str(n), "by": {f"k{n}x{m}": m for m in range(30)}, f"f{n}": n}) for n in range(600)
    ]
    world.run([Page(records=records)])
    assert world.query("SELECT count(*), count(_extra->'by') FROM lab.thing WHERE _extra ? ('f' || id)") == [(600, 600)]
    assert world.query("SELECT count(*) FROM ops.schema_change")[0][0] <= 310


def test_land_needs_no_page_at_all(world: World) -> None:
    """A reading that gives nothing is a run with nothing in it."""
    assert counts(world.run([])) == {}
    world.check_books()
