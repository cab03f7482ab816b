"""Keys are taken as they are, whatever is in them; what has none is a dead letter."""

import json
import random
from typing import Annotated

import msgspec
import pytest

from connectors.stream import Child, Page, column
from tests.oracle import World, counts, stream

pytestmark = pytest.mark.both_postgres


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
