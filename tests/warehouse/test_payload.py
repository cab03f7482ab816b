"""What a record may hold: it lands exactly, or it is a dead letter with a code; the others land."""

import json
import uuid
from typing import Any

import pytest

from connectors.stream import Page
from tests.oracle import World
from warehouse.errors import PayloadTooDeep


@pytest.fixture
def world(shared_database: str) -> World:
    """A few good records, to land among the rows of other tests' connections."""
    made = World(shared_database, connection=uuid.uuid4().hex)
    made.source.fill(30)
    return made


def one(**fields: Any) -> bytes:
    """A record as a source may write it; a value of bytes is put in as it is."""
    members = {"id": "odd", "meta": {"changed": "2026-01-01T00:00:00Z"}} | fields
    texts = [
        json.dumps(name).encode() + b":" + (v if isinstance(v, bytes) else json.dumps(v).encode())
        for name, v in members.items()
    ]
    return b"{" + b",".join(texts) + b"}"


def land_among_others(world: World, record: bytes, keys: bool = False) -> Any:
    """Land a record in a page with good ones; answers its row as JSON, or the dead letter's code and column."""
    texts = [*world.source.records.values(), record]
    ids = [*world.source.records, "odd"] if keys else None
    world.run([Page(records=texts, keys=ids, at="page 1")])
    good = world.query("SELECT count(*) FROM lab.thing WHERE id <> 'odd' AND connection = %s", world.connection)
    assert good == [(30,)], "the others land"
    again = world.run([Page(records=texts, keys=ids, at="page 1")]).counts
    assert (again.inserted, again.updated, again.unchanged + again.dead_lettered) == (0, 0, 31)
    world.check_books()
    rows = odd(world, "name, amount::text, pieces, day::text, changed_at::text, tags::text, _extra")
    letters = "SELECT reason_code, column_name FROM ops.dead_letter WHERE connection = %s"
    return rows[0] if rows else world.query(letters, world.connection)[0]


def odd(world: World, columns: str) -> list[tuple[Any, ...]]:
    """These columns of the record's row, if it landed."""
    return world.query(f"SELECT {columns} FROM lab.thing WHERE id = 'odd' AND connection = %s", world.connection)


@pytest.mark.parametrize("keys", [False, True])
@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (rb'"a\u0000b"', "ab"),
        (b'"a\x00b"', "ab"),
        (rb'"a\ud800b"', "a\ufffdb"),
        (b'"a\xed\xa0\x80b"', "a\ufffdb"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\\u0000"', r"\u0000"),
        (rb'"\\N"', r"\N"),
        (rb'"\\."', r"\."),
        (rb'"tab\tline\nreturn\rback\\\b\f"', "tab\tline\nreturn\rback\\\b\f"),
        (b'"a\tb"', "a\tb"),
        (b'""', ""),
        (b'" x "', " x "),
        (b'"NaN"', "NaN"),
        (b"12.50", "12.50"),
        (b"true", "true"),
    ],
)
def test_text_lands_as_postgres_can_keep_it(world: World, text: bytes, stored: str, keys: bool) -> None:
    """NUL goes, half a character becomes U+FFFD, and the original is in _extra under _sanitized."""
    name, *_, extra = land_among_others(world, one(name=text), keys)
    assert name == stored
    cleaned = json.loads(json.dumps((extra or {}).get("_sanitized", {})))
    assert set(cleaned) == ({"name"} if "\ufffd" in stored or stored == "ab" else set())
    for original in cleaned.values():
        assert json.loads(original) in ("a\x00b", "a\ud800b")


def test_unstorable_text_is_kept_wherever_it_is(world: World) -> None:
    """Also in JSON columns, in unknown fields, in their names and deep inside; nothing takes another's place."""
    record = one(
        tags=rb'{"n\u0000":"v\u0000","n":1,"l":["\ud800"]}', more=rb'{"a":{"x\u0000y":[{"z":"\u0000"}]}}',
        **{"k\x00": 1, "k": 2},
    )  # fmt: skip
    row = land_among_others(world, record)
    assert json.loads(row[5]) == {"n": 1, "n\ufffd": "v", "l": ["\ufffd"]}
    extra = row[6]
    assert extra["k"] == 2
    assert extra["k\ufffd"] == 1
    assert extra["more"] == {"a": {"xy": [{"z": ""}]}}
    assert len(extra["_sanitized"]) == 6


def test_a_field_named_like_ours_is_not_lost(world: World) -> None:
    """A source may have a field _sanitized itself."""
    assert land_among_others(world, one(_sanitized={"a": 1}))[6] == {"_sanitized": {"a": 1}}
    world.run([Page(records=[one(_sanitized={"a": 1}, name="x\x00")])])
    [(extra,)] = odd(world, "_extra")
    assert json.loads(extra["_sanitized"]["_sanitized"]) == {"a": 1}


@pytest.mark.parametrize("known", [False, True])
def test_keys_that_cannot_be_stored_are_never_taken_for_each_other(world: World, known: bool) -> None:
    """Keys that differ only in characters that no text can hold are dead letters, each of them; the others land."""
    keys = [b"odd\\ud800", b"odd\\udfff", b"odd\\u0000", b"o\\u0000dd"]
    texts = [b'{"id":"%b","meta":{"changed":"2026-01-01T00:00:00Z"}}' % key for key in keys]
    ids = [*world.source.records, *(json.loads(b'"%b"' % key) for key in keys)] if known else None
    landed = world.run([Page(records=[*world.source.records.values(), *texts], keys=ids)])
    assert (landed.counts.inserted, landed.counts.dead_lettered) == (30, len(keys))
    world.check()
    letters = "SELECT reason_code, count(*) FROM ops.dead_letter WHERE connection = %s GROUP BY 1"
    assert world.query(letters, world.connection) == [("MissingKey", len(keys))]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (b"0.1", "0.1"),
        (b"1.50", "1.50"),
        (b"12345678901234567.89", "12345678901234567.89"),
        (b"1.005", "1.005"),
        (b"9223372036854775808", "9223372036854775808"),
        (b"1234567890123456789.123456789012345678901234567890", "1234567890123456789.123456789012345678901234567890"),
        (b"-0.00", "0.00"),
        (b"1E-7", "0.0000001"),
        (b"1e3", "1000"),
        (b'"17.20"', "17.20"),
        (b"123456789012345678901234567890", "123456789012345678901234567890"),
        (b"9" * 900, "9" * 900),
    ],
)
def test_numbers_are_exact(world: World, text: bytes, stored: str) -> None:
    """Money is what the source wrote, to the last digit, in its column and in _extra."""
    row = land_among_others(world, one(amount=text, other=text))
    assert row[1] == stored
    [(other,)] = odd(world, "_extra->>'other'")
    assert other == stored


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("amount", b'"N/A"', "BadNumber"),
        ("amount", b'"1,234.5"', "BadNumber"),
        ("amount", b'"1.234,5"', "BadNumber"),
        ("amount", b'""', "BadNumber"),
        ("amount", b'"NaN"', "BadNumber"),
        ("amount", b"NaN", "BadNumber"),
        ("amount", b"Infinity", "BadNumber"),
        ("amount", b'"-inf"', "BadNumber"),
        ("amount", b'"1_000"', "BadNumber"),
        ("amount", b'" 12 "', "BadNumber"),
        ("amount", b'"12\\n"', "BadNumber"),
        ("amount", '"١٢"'.encode(), "BadNumber"),
        ("amount", b'"1e99999999999999999999"', "BadNumber"),
        ("pieces", b'"1_0"', "BadNumber"),
        ("amount", b"1" * 5000, "BadNumber"),
        ("amount", b"1e99999", "BadNumber"),
        ("amount", b"1e99999999999999999999", "BadNumber"),
        ("amount", b"1e-99999", "BadNumber"),
        ("amount", b"true", "BadNumber"),
        ("amount", b"{}", "BadNumber"),
        ("pieces", b'"N/A"', "BadNumber"),
        ("pieces", b"1" * 5000, "BadNumber"),
        ("good", b"1", "BadRow"),
        ("good", b'"yes"', "BadRow"),
        ("name", b"{}", "BadRow"),
        ("day", b'"2026-02-30"', "BadDate"),
        ("day", b'"0000-00-00"', "BadDate"),
        ("day", b'"infinity"', "BadDate"),
        ("day", b'"/Date(1700000000000+0200)/"', "BadDate"),
        ("day", b'"10000-01-01"', "BadDate"),
        ("day", b"20260101", "BadDate"),
        ("day", b'""', "BadDate"),
    ],
)
@pytest.mark.parametrize("keys", [False, True])
def test_a_value_that_does_not_fit_is_a_dead_letter(
    world: World, field: str, text: bytes, code: str, keys: bool
) -> None:
    """It names the column; the others land."""
    assert land_among_others(world, one(**{field: text}), keys) == (code, field)


@pytest.mark.parametrize(
    "changed",
    [
        '"2026-01-01T00:00:00"',
        '"2026-13-01T00:00:00Z"',
        '"24:00:00"',
        '"0001-01-01T00:00:00+05:00"',
        '"9999-12-31T23:59:59-05:00"',
        "1700000000",
        "[]",
    ],
)
def test_a_time_that_is_no_moment_is_a_dead_letter(world: World, changed: str) -> None:
    """Without a zone it is unknown which moment is meant; outside the years 1 to 9999 no reader could read it."""
    found = land_among_others(world, one(meta=b'{"changed":%b}' % changed.encode()))
    assert found == ("BadDate", "changed_at")


@pytest.mark.parametrize(
    ("day", "changed", "stored"),
    [
        ("0001-01-01", "0001-01-01T00:00:00Z", "0001-01-01 00:00:00+00"),
        ("9999-12-31", "9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999+00"),
        ("2026-02-28", "2026-03-29T02:30:00+14:00", "2026-03-28 12:30:00+00"),
        ("1969-12-31", "2026-11-01T01:30:00-07:00", "2026-11-01 08:30:00+00"),
        ("2024-02-29", "2026-11-01T01:30:00-08:00", "2026-11-01 09:30:00+00"),
        ("2024-02-29", "2026-01-01T00:00:00+23:59", "2025-12-31 00:01:00+00"),
    ],
)
def test_valid_days_and_moments_land(world: World, day: str, changed: str, stored: str) -> None:
    """Also at the ends of the calendar, with any offset, and in the hour that the autumn clock repeats."""
    row = land_among_others(world, one(day=day, meta={"changed": changed}))
    assert (row[3], row[4]) == (day, stored)


@pytest.mark.parametrize(
    "members",
    [
        {"lines": b"[null]"}, {"lines": b"[1]"}, {"lines": b"{}"}, {"lines": b'"x"'}, {"lines": b'[{"quantity":"many"}]'},
        {"home": b"[]"}, {"home": b'"x"'}, {"home": b"0"}, {"meta": b'"x"'}, {"meta": b"[]"}, {"home": b'{"city":{}}'},
    ],
)  # fmt: skip
def test_a_shape_that_does_not_fit_is_a_dead_letter(world: World, members: dict[str, bytes]) -> None:
    """Also in lines and places, and then nothing of the record lands."""
    code, _ = land_among_others(world, one(**members))
    assert code in ("BadRow", "BadNumber")
    lines = world.query("SELECT * FROM lab.thing_line WHERE thing_id = 'odd' AND connection = %s", world.connection)
    assert lines == []


def test_null_in_place_of_lines_or_places_is_none(world: World) -> None:
    """A source that writes null where it has nothing is understood."""
    assert land_among_others(world, one(lines=None, home=None, meta=None, tags=None))[:2] == (None, None)


def test_a_record_too_large_is_a_dead_letter(world: World) -> None:
    """One of 50 MB among others; its payload is kept for replay."""
    assert land_among_others(world, one(name="x" * 50_000_000), keys=True) == ("RowTooLarge", "")
    kept = (
        "SELECT octet_length(payload) > 50000000, length(payload_redacted) FROM ops.dead_letter WHERE connection = %s"
    )
    assert world.query(kept, world.connection) == [(True, 2000)]


def test_a_record_with_ten_thousand_fields_lands(world: World) -> None:
    """They are all in _extra."""
    row = land_among_others(world, one(**{f"field {number}": number for number in range(10_000)}))
    assert row[6] == {f"field {number}": number for number in range(10_000)}


@pytest.mark.parametrize("depth", [600, 5_000, 100_000])
@pytest.mark.parametrize("where", ["tags", "other"])
@pytest.mark.parametrize("text", [b"1", rb'"\u0000"'])
def test_a_record_too_deep_is_told_apart(world: World, depth: int, where: str, text: bytes) -> None:
    """It lands, or stops the stream by name; the process lives and nothing else has changed."""
    world.run()
    before = world.everything()
    pages = [Page(records=[one(**{where: b"[" * depth + text + b"]" * depth})], keys=["odd"], at="page 7")]
    if depth == 600 and text == b"1":
        world.run(pages)
        assert len(odd(world, "id")) == 1
    else:
        with pytest.raises(PayloadTooDeep, match="page 7"):
            world.run(pages)
        assert world.everything() == before
    world.check_books()


def test_odd_field_names_are_only_names(world: World) -> None:
    """Whatever a source calls a field, nothing is executed and nothing is lost."""
    names = [
        "select",
        "Order Date",
        'a"; drop table lab.thing;--',
        "\U0001f600",
        "",
        "{x}",
        "%s",
        "'",
        "\\",
        "a.b",
        "_extra",
    ]
    row = land_among_others(world, one(**dict.fromkeys(names, 1)))
    assert row[6] == dict.fromkeys(names, 1)


@pytest.mark.parametrize("first", [True, False])
def test_what_only_postgres_refuses_is_told_of_a_page_that_is_gone(world: World, first: bool) -> None:
    """A page is with Postgres while the next one is read: what it refuses of it gets its own key and number."""
    world.run([]) if first else world.run()
    # No number of jsonb is as large as JSON allows.
    bad = one(color=b"1e140000").replace(b'"odd"', b'"bad"')
    good = list(world.source.records.values())
    pages = [Page(records=[*good[:10], bad, *good[10:20]], at="page 1"), Page(records=good[20:], at="page 2")]
    landed = world.run([*pages, Page(records=[one()], at="page 3")])
    assert (landed.counts.read, landed.counts.dead_lettered, landed.counts.inserted) == (32, 1, 31 if first else 1)
    letters = "SELECT key, reason_code, left(message, 19), payload_redacted FROM ops.dead_letter WHERE connection = %s"
    assert world.query(letters, world.connection) == [("bad", "BadRow", "Postgres refused it", bad.decode())]
    assert odd(world, "id") == [("odd",)]
    world.check_books()
