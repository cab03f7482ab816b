"""Converted columns: what lands is what a plain reading of the declaration says, fast and careful alike."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest

from connectors.stream import Child, Convert, Page, Stream, column
from tests.oracle import World
from tests.warehouse.converted import fields_of, rows, stream
from warehouse.encode import Encoder, Record
from warehouse.keys import KeyReader
from warehouse.table import mapping_version


def both(made: Stream, *records: Any) -> list[list[str]]:
    """As `rows`, after checking that the careful way agrees with the fast one."""
    fast = rows(made, *records)
    assert fast == rows(made, *records, carefully=True)
    return fast


def one(python: Any, convert: Convert, *values: Any) -> list[str]:
    """What the column `a` becomes for each value of the field `a`, be there a null in the record or not."""
    made = stream(a=(python, convert))
    plain, other = (
        [row[0] for row in both(made, *({"id": "1", "a": value} | more for value in values))]
        for more in ({}, {"e": None})
    )
    assert plain == other
    return plain


A = Convert(paths=("a",))


def test_constants_and_columns_without_a_source() -> None:
    """What is the same everywhere needs no field; what has no source is null; tabs and quotes do no harm."""
    made = stream(
        a=(str, Convert(constant='E"U\tR{}\\')), b=(Decimal, Convert(constant="1.50")), c=(str, Convert()),
        d=(bool, Convert(default="true")),
    )  # fmt: skip
    assert both(made, {"id": "1"}, {"id": "2", "c": "left over", "e": None}) == [
        ['E"U\\tR{}\\\\', "1.50", "\\N", "true", "\\N"],
        ['E"U\\tR{}\\\\', "1.50", "\\N", "true", '{"c":"left over","e":null}'],
    ]


def test_value_maps() -> None:
    """Known words are translated, an unknown one is kept and told of, or makes a dead letter where that is asked for."""
    known = replace(A, values=(("A", "open"), ("7", "seven"), ("true", "yes"), ("", None)), nulls=("-",))
    assert one(str, known, "A", 7, True, "", "-", None, "Z", "7.0") == [
        "open", "seven", "yes", "\\N", "\\N", "\\N", "Z", "7.0",
    ]  # fmt: skip
    encoder = Encoder(stream(a=(str, known)))
    encoder.encode([Record(0, False, "0", b'{"id":"1","a":"Z"}'), Record(1, False, "0", b'{"id":"1","a":"Q"}')])
    assert encoder.unlisted == {"a": {"Z", "Q"}}
    strict = replace(known, unknown="reject")
    assert one(str, strict, "A", "Z", {"x": 1}) == ["open", "BadRow", "BadRow"]
    flags = replace(A, values=(("X", "true"), ("", "false")))
    assert one(bool, flags, "X", "", True, False, "no") == ["true", "false", "t", "f", "BadRow"]


def test_what_means_no_value() -> None:
    """Sentinels are nulls in every type, and only as they were written."""
    nulls = ("", "0", "0001-01-01T00:00:00Z", "00000000-0000-0000-0000-000000000000")
    plain = replace(A, nulls=nulls)
    assert one(str, plain, "", "0", 0, "00", " ", nulls[3], "x\ty") == ["\\N", "\\N", "\\N", "00", " ", "\\N", "x\\ty"]
    assert one(Decimal, plain, "", 0, "0", "0.0", 5) == ["\\N", "\\N", "\\N", "0.0", "5"]
    assert one(datetime, plain, "0001-01-01T00:00:00Z", "2026-01-31T08:00:00Z") == ["\\N", "2026-01-31T08:00:00+00:00"]
    assert one(Decimal, replace(A, nulls=("",)), "", 5, "1.50", None) == ["\\N", "5", "1.50", "\\N"]
    assert one(str, replace(plain, trim=True), "  ", " a b  ", None) == ["\\N", "a b", "\\N"]
    assert one(str, replace(plain, default="none"), "", "x", None) == ["none", "x", "none"]


def test_numbers_are_read_in_the_notation_that_was_declared() -> None:
    """A decimal comma is declared, never guessed; scale is exact."""
    german = replace(A, decimal=",", group=".", nulls=("",))
    assert one(Decimal, german, "1.234,50", "12,5-", "-3", "", 1.25, "1,5 ") == [
        "1234.50", "-12.5", "-3", "\\N", "1.25", "1.5",
    ]  # fmt: skip
    assert one(Decimal, german, "1.5", "1,234.5", "12.34,5", "-1-", ",", "abc", "1e5") == ["BadNumber"] * 7
    tiyin = replace(A, scale="0.01")
    assert one(Decimal, tiyin, 123456789012345678901234567890123, "150", None, "x") == [
        "1234567890123456789012345678901.23", "1.50", "\\N", "BadNumber",
    ]  # fmt: skip


def test_dates_and_times_of_every_notation() -> None:
    """OData, ISO without a zone, patterns: the moment that is meant, or a dead letter."""
    odata = replace(A, format="odata", nulls=("",))
    assert one(date, odata, "/Date(1769817600000)/", "/Date(-86400000)/", "", "2026-01-31", "/Date(x)/") == [
        "2026-01-31", "1969-12-31", "\\N", "2026-01-31", "BadDate",
    ]  # fmt: skip
    utc = "2026-01-31T08:00:00+00:00"
    assert one(datetime, odata, "/Date(1769846400000+0000)/", "/Date(1769846400000+0060)/") == [utc, utc]
    assert one(datetime, odata, "/Date(1769846400000)/") == ["BadDate"], "it has no zone, and none was declared"
    local = replace(odata, zone="Europe/Berlin")
    assert one(datetime, local, "/Date(1769846400000)/", "2026-01-31T08:00:00", "2026-01-31T08:00:00Z") == [
        "2026-01-31T07:00:00+00:00", "2026-01-31T07:00:00+00:00", utc,
    ]  # fmt: skip
    assert one(datetime, replace(A, zone="Europe/Berlin"), "2026-10-25T02:30:00", "2026-03-29T02:30:00") == [
        "2026-10-25T00:30:00+00:00", "2026-03-29T01:30:00+00:00",
    ]  # fmt: skip
    german = replace(A, format="%d.%m.%Y", nulls=("00.00.0000",))
    assert one(date, german, "31.01.2026", "00.00.0000", "31.02.2026", 5) == ["2026-01-31", "\\N", "BadDate", "BadDate"]
    assert one(date, replace(A, nulls=("0001-01-01T00:00:00",)), "2026-01-31T23:00:00", "0001-01-01T00:00:00") == [
        "2026-01-31", "\\N",
    ]  # fmt: skip
    assert one(date, replace(A, format="%Y%m%d"), 20260131) == ["2026-01-31"]
    joined = Convert(paths=("a", "b"), join="T", format="odata", zone="Europe/Berlin")
    assert both(stream(a=(datetime, joined)), {"id": "1", "a": "/Date(1769817600000)/", "b": "PT11H30M00S"}) == [
        ["2026-01-31T10:30:00+00:00", "\\N"]
    ]


def test_the_first_of_several_and_a_choice_from_a_list() -> None:
    """What was chosen is in the column, and what was there to choose from stays in _extra."""
    first = Convert(paths=("a", "b"), nulls=("",))
    names = Convert(paths=("names[lang=en].text", "names[0].text"))
    made = stream(a=(str, first), n=(str, names))
    assert both(
        made,
        {"id": "1", "a": "", "b": "x", "names": [{"lang": "de", "text": "Hut"}, {"lang": "en", "text": "hat"}]},
        {"id": "1", "b": 5, "names": [{"lang": "de", "text": "Hut"}]},
        {"id": "1", "names": []},
        {"id": "1", "names": {"lang": "de"}},
    ) == [
        ["x", "hat", '{"a":"","b":"x","names":[{"lang":"de","text":"Hut"},{"lang":"en","text":"hat"}]}'],
        ["5", "Hut", '{"b":5,"names":[{"lang":"de","text":"Hut"}]}'],
        ["\\N", "\\N", '{"names":[]}'],
        ["BadRow", "n"],
    ]
    exact = both(stream(a=(str, first), b=(str, "b"), c=(str, "a")), {"id": "1", "a": "p", "b": "q"})
    assert exact == [["p", "q", "p", "\\N"]], "each has a column of its own"


def test_one_value_may_feed_columns_of_several_types() -> None:
    """A mark of deletion is a flag and a status at once, a time also a version."""
    status = Convert(paths=("gone",), values=(("true", "deleted"), ("false", "active")))
    made = stream(gone=(bool, "gone"), status=(str, status), at=(datetime, "at"), version=(str, "at"))
    at = "2026-01-31T08:00:00+00:00"
    assert both(made, {"id": "1", "gone": True, "at": at}, {"id": "1", "gone": False}, {"id": "1", "gone": "x"}) == [
        ["t", "deleted", at, at, "\\N"],
        ["f", "active", "\\N", "\\N", "\\N"],
        ["BadRow", "gone"],
    ]


def test_folded_values_and_ignored_paths() -> None:
    """Where two words become one, the word stays in _extra; what is ignored leaves no trace, whatever it is."""
    folded = Convert(paths=("a",), values=(("A", "open"), ("B", "open")))
    made = stream(a=(str, folded), ignored=("meta", "x.y"))
    record = {"id": "1", "a": "B", "meta": {"uri": "…", "deep": [1]}, "x": {"y": 1, "z": 2}}
    assert both(made, record, {"id": "2", "meta": None, "x": None}) == [
        ["open", '{"a":"B","x":{"z":2}}'],
        ["\\N", "\\N"],
    ]


def test_lines_read_from_their_record() -> None:
    """A line may take its currency and its key from the record, joined as there."""
    key = Convert(paths=("^a", "^b"), join="|")

    class Line(msgspec.Struct, kw_only=True):
        """A line."""

        made_id: Annotated[str, column("Key", source="^a + b", convert=key)]
        index: Annotated[int, column("Position", source="#")]
        currency: Annotated[str | None, column("Currency", source="^cur")] = None
        price: Annotated[Decimal | None, column("Price", source="p", convert=Convert(paths=("p",), decimal=","))] = None

    class Made(msgspec.Struct, kw_only=True):
        """Made."""

        key: Annotated[str, column("Key", source="a + b", convert=Convert(paths=("a", "b"), join="|"))]

    child = Child("line", Line, ("made_id", "index"), path="lines", ignored=("meta",))
    made = Stream("made", "lab", Made, ("key",), lambda _client, _cursor: iter(()), (child,))
    record = b'{"a":"1|","b":"%","cur":"EUR","lines":[{"p":"1,5","meta":{}},{"p":"2","q":null}]}'
    for carefully in (False, True):
        encoder = Encoder(made)
        encode = encoder.encode_carefully if carefully else encoder.encode
        encoded = encode([Record(0, False, "0", record)])
        assert fields_of(encoder, encoded, 1) == [
            ["1%7C|%25", "0", "EUR", "1.5", "\\N"],
            ["1%7C|%25", "1", "EUR", "2", '{"q":null}'],
        ]
        refused = encode([Record(0, False, "0", record.replace(b'"2"', b'"two"'))])
        assert not any(refused.lines), "half of a record"
        assert [each.error.column for each in refused.refused] == ["price"]
        assert encoded.lines[0][0].endswith('\t{"cur":"EUR"}\n'), "a record without lines still tells its currency"
    assert KeyReader(made).read([record, b'{"a":"1"}', b'{"a":"","b":""}', b"[]"], None) == [["1%7C|%25", "", "", ""]]


def test_the_version_of_a_mapping_changes_with_it_alone() -> None:
    """Another conversion reads everything again; streams that convert nothing keep the version that they had."""
    plain = stream(a=(str, "a"))
    versions = {
        mapping_version(each)
        for each in (
            plain, stream(a=(str, replace(A, trim=True))), stream(a=(str, replace(A, nulls=("",)))), stream(a=(str, "a"), ignored=("b",)),
        )
    }  # fmt: skip
    assert len(versions) == 4
    assert mapping_version(plain) == mapping_version(stream(a=(str, "a")))


class Event(msgspec.Struct, kw_only=True):
    """An event."""

    source_key: Annotated[str, column("Key", source="k", convert=Convert(paths=("order", "status?", "at"), join="|"))]
    order: Annotated[str | None, column("Order", source="order")] = None
    status: Annotated[str | None, column("Status", source="status")] = None
    at: Annotated[datetime | None, column("When", source="at")] = None
    note: Annotated[str | None, column("Note", source="note")] = None


EVENTS = Stream(
    "event", "lab", Event, ("source_key",), lambda _client, _cursor: iter(()), version="at", append_only=True,
    subject=("order",), observed=("status",),
)  # fmt: skip


@pytest.fixture
def world(shared_database: str) -> World:
    """A connection of its own for events."""
    return World(shared_database, EVENTS, connection=uuid.uuid4().hex)


def look(*states: Sequence[Any]) -> list[Page]:
    """A page of orders as they are seen: order, status, minute, and a note."""
    records = [
        {"order": order, "status": status, "at": f"2026-01-31T08:{minute:02}:00Z", "note": "".join(note)}
        for order, status, minute, *note in states
    ]
    return [Page(records=[json.dumps(record).encode() for record in records])]


def test_an_event_is_a_change_between_two_looks(world: World) -> None:
    """Every change of a status is a row, also back to an earlier one; other edits and repeated looks are none."""
    counts = world.run(look(("1", "A", 1), ("2", None, 1))).counts
    assert (counts.read, counts.inserted) == (2, 2)
    for _ in range(2):
        counts = world.run(look(("1", "A", 2), ("2", None, 1))).counts
        assert (counts.inserted, counts.updated, counts.unchanged) == (0, 0, 2), "edited, but in the same status"
    assert world.run(look(("1", "B", 3), ("1", "B", 4), ("2", "A", 4))).counts.inserted == 2
    assert world.run(look(("1", "A", 5))).counts.inserted == 1, "back again"
    counts = world.run(look(("1", "A", 5, "rewritten"), ("1", "A", 1)), full=True).counts
    assert (counts.inserted, counts.updated) == (0, 0), "an event never changes"
    found = world.query(
        'SELECT "order", status, extract(minute FROM at)::int, note FROM lab.event WHERE connection = %s ORDER BY 1, 3',
        world.connection,
    )
    assert found == [
        ("1", "A", 1, ""), ("1", "B", 3, ""), ("1", "A", 5, ""), ("2", None, 1, ""), ("2", "A", 4, ""),
    ]  # fmt: skip
    assert world.run(look(("1", "C", 4))).counts.inserted == 1, "late, but between two others"
    assert world.run(look(("1", "A", 6), ("1", "A", 5))).counts.inserted == 0, "the event before is still A"
    world.check_books()


def test_values_that_no_map_lists_are_told(world: World) -> None:
    """Whoever runs the sync reads which words to add to the mapping."""
    listed = Convert(paths=("status",), values=(("A", "open"),))
    world.stream = replace(stream(status=(str, listed)), name="listed")
    landed = world.run([Page(records=[b'{"id":"1","status":"A"}', b'{"id":"2","status":"Q7"}'])])
    assert landed.warnings == ["the column status has values that no value map lists, landed as they are: 'Q7'"]
    assert world.query("SELECT status FROM lab.listed WHERE connection = %s ORDER BY 1", world.connection) == [
        ("Q7",), ("open",),
    ]  # fmt: skip
