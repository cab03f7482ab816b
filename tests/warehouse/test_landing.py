"""Landing, on the newest and the oldest Postgres: what is at the source is in the tables, once, with true counts."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest

from connectors.stream import Child, Page, column
from tests.oracle import LINES, Place, Thing, World, stream
from warehouse.errors import LockTimeout, SchemaDrift, StateCorrupt, SuspiciousShrink

pytestmark = pytest.mark.both_postgres


def counts(landed: Any) -> dict[str, int]:
    """The counts that are not zero."""
    return {name: value for name, value in landed.counts.numbers().items() if value}


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


class Wide(msgspec.Struct):
    """A thing whose key has two parts."""

    region: Annotated[str, column("Part one", source="region")]
    number: Annotated[str, column("Part two", source="n.o")]
    note: Annotated[str | None, column("Text", source="note")] = None


class WideLine(msgspec.Struct):
    """A line of such a thing."""

    region: Annotated[str, column("Part one", source="^region")]
    number: Annotated[str, column("Part two", source="^n.o")]
    index: Annotated[int, column("Position", source="#")]
    sku: Annotated[str | None, column("What", source="sku")] = None


ODD_KEYS = (
    "",
    " ",
    "42",
    " 42",
    "a\x1fb",
    "a\x1f",
    "%s",
    "%(key0)s",
    "'; --",
    "\\N",
    "\\",
    "é",
    "𝄞",
    "a,b",
    "{a}",
    '"',
    "\t",
)


def wide(region: str, number: str, note: str) -> bytes:
    return msgspec.json.encode({"region": region, "n": {"o": number}, "note": note, "lines": [{"sku": note}]})


def test_keys_of_several_odd_parts_stay_apart(world: World) -> None:
    """Keys are taken as they are, whatever is in them; a missing part is a dead letter."""
    child = Child("wide_line", WideLine, ("region", "number", "index"), path="lines")
    world.stream = stream("wide", record=Wide, key=("region", "number"), children=(child,), version=None)
    pairs = [(one, two) for one in ODD_KEYS for two in ODD_KEYS]
    good = {pair for pair in pairs if all(pair)}
    records = [wide(*pair, "first") for pair in pairs]
    # Beyond 20 and a tenth the stream would stop, so the keyless ones come with enough others.
    more = [wide("more", str(number), "first") for number in range(200)]
    landed = world.run([Page(records=[*records, *more]), Page(complete=True)])
    assert landed.counts.dead_lettered == len(pairs) - len(good)
    assert set(world.query("SELECT region, number FROM lab.wide WHERE region <> 'more'")) == good
    assert set(world.query("SELECT DISTINCT reason_code, key FROM ops.dead_letter")) == {("MissingKey", "")}
    again = world.run([Page(records=[*records, *more]), Page(complete=True)])
    assert (again.counts.unchanged, again.counts.deleted) == (len(good) + 200, 0)
    changed = [wide(*pair, "second") for pair in pairs]
    third = world.run([Page(records=[*changed, *more]), Page(complete=True)])
    assert third.counts.updated == len(good)
    assert world.query("SELECT count(*) FROM lab.wide_line WHERE sku = 'second'") == [(len(good),)]
    gone = [json.dumps(["a\x1fb", "%s"]), json.dumps(["é", "𝄞"], ensure_ascii=False)]
    assert world.run([Page(deleted=gone)]).counts.deleted == 2
    world.check_books()


def test_odd_keys_of_one_part_are_taken_as_they_are(world: World) -> None:
    """Neither separators nor placeholders nor blanks in a key confuse anything."""
    world.source.records.clear()
    for key in ODD_KEYS[1:]:
        world.source.put(key, lines=[{"sku": key}])
    world.check_converges()
    keys = list(world.source.records)
    world.run([Page(records=list(world.source.records.values()), keys=keys)])
    world.check()


def test_what_a_numeric_key_looks_like_at_the_source_is_the_key(world: World) -> None:
    """Numbers as keys are kept as written, and found again under that."""
    texts = [b"1", b"-0", b"0", b"9223372036854775808", b"123456789012345678901234567890", b"1.50", b"1e3"]
    pages = [Page(records=[b'{"id":%b}' % text for text in texts]), Page(complete=True)]
    assert world.run(pages).counts.inserted == len(texts)
    assert {key for (key,) in world.query("SELECT id FROM lab.thing")} == {text.decode() for text in texts}
    assert counts(world.run(pages)) == {"fetched": 7, "read": 7, "unchanged": 7}


def test_a_key_too_long_for_an_index_is_a_dead_letter(world: World) -> None:
    """One absurd key does not stop the others."""
    letters = random.Random(1)
    key = "".join(chr(letters.randint(33, 0x2FFF)) for _ in range(5_000))
    world.source.put(key)
    world.bad = {key}
    assert world.run().counts.dead_lettered == 1
    world.check()
    assert world.run().counts.dead_lettered == 1


@pytest.mark.parametrize(
    "record", [b"5", b"null", b"[]", b'"text"', b"{}", b"", b"{", b"\xff", b'{"id":true}', b'{"id":[]}']
)
def test_what_is_no_record_is_a_dead_letter(world: World, record: bytes) -> None:
    """Whatever a page holds in place of a record, the others land."""
    pages = world.source.pages()
    assert world.run([Page(records=[record]), *pages]).counts.dead_lettered == 1
    world.check()
    assert world.query("SELECT reason_code FROM ops.dead_letter") == [("MissingKey",)]


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


def test_wiped_tables_and_cursors_are_filled_again(world: World) -> None:
    """Whatever of it somebody empties, the next run lands all of it, without a duplicate."""
    world.run()
    for wipe in (
        "DELETE FROM ops.sync_cursor", "TRUNCATE lab.thing", "TRUNCATE lab.thing_line", "TRUNCATE lab.thing, lab.place",
        "DELETE FROM lab.thing WHERE id = '1'", "DELETE FROM lab.place WHERE owner_id = '1'",
    ):  # fmt: skip
        world.query(wipe)
        world.run(full="thing_line" in wipe or "lab.place WHERE" in wipe)
    world.check_converges()


def test_a_cursor_changed_by_hand_is_not_believed(world: World) -> None:
    """The stream fails by name; a full reading makes it right again."""
    world.run([*world.source.pages(), Page(cursor={"tick": 250})])
    world.query("""UPDATE ops.sync_cursor SET cursor = '{"tick": 999}'""")
    before = world.everything()
    with pytest.raises(StateCorrupt, match="lab/main, stream thing"):
        world.run()
    assert world.everything() == before
    world.check_books()
    world.run(full=True)
    world.check_converges()


@pytest.mark.parametrize(
    "cursor",
    [
        {"at": 1e16},
        {"at": 1.0},
        {"at": 1e-9},
        {"at": "2026-01-01T00:00:00.000001Z", "id": "é\u2028"},
        {"a": [None, True, 2**70]},
    ],
)
def test_a_cursor_comes_back_as_it_was_given(world: World, cursor: dict[str, Any]) -> None:
    """Whatever JSON a connector keeps as its mark, the next run gets it."""
    seen = []

    def pages(since: Any) -> Any:
        seen.append(since)
        yield Page(cursor=cursor)

    world.run(pages)
    world.run(pages)
    assert seen == [None, cursor]
    assert world.log()["cursor_from"] == world.log()["cursor_to"] == cursor


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
