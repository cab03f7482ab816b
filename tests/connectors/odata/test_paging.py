"""Going through a set while others change it: whatever they do, nobody who stays is lost, and nobody is given twice."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import CountMismatch, PagingLoop, SourceError
from connectors.odata import envelope
from connectors.odata.client import Reply
from connectors.odata.dialect import V2, Dialect
from connectors.odata.paging import Walk
from sandbox.odata import Service, Switches
from sandbox.odata_store import EntitySet, Shape

FIELDS = {"A": "Edm.String", "B": "Edm.String", "C": "Edm.String"}


class Direct:
    """Asks a simulated service without HTTP between; before the n-th page the n-th of ``edits`` is made."""

    def __init__(self, service: Service, edits: Mapping[int, list[tuple[str, str, str]]]) -> None:
        self.service, self.edits, self.asked = service, edits, 0

    def page(self, dialect: Dialect, path: str, options: Mapping[str, str]) -> Reply:
        return self._ask({f"${name}": value for name, value in options.items() if value})

    def follow(self, dialect: Dialect, link: str, reply: Reply) -> Reply:
        return self._ask(dict(parse_qsl(urlsplit(link).query)))

    def _ask(self, options: Mapping[str, str]) -> Reply:
        self.asked += 1
        assert self.asked < 400, "it does not end"
        rows = self.service.sets["Rows"]
        for what, a, b in self.edits.get(self.asked, ()):
            if what == "put":
                rows.put({"A": a, "B": b, "C": "new"})
            elif rows.shape.key_of(a, b) in rows.records:
                rows.delete(*rows.shape.key_of(a, b))
        _, text = self.service.answer("Rows", options, "", "https://erp.example.com")
        found = envelope.answer(text.encode(), V2)
        return Reply(found.records, found.link, "https://erp.example.com/Rows", None)


class _Shape(Shape):
    def key_of(self, a: str, b: str) -> tuple[str, ...]:
        return (a,) if len(self.key) == 1 else (a, b)


def walk(keys, key, edits=None, *, page_size=3, server=0):
    rows = EntitySet("Rows", _Shape("x.Row", FIELDS, key))
    rows.put(*({"A": a, "B": b, "C": "old"} for a, b in keys))
    service = Service("", "x", "2.0", {"Rows": rows}, Switches(page_size=server))
    client = Direct(service, edits or {})
    return Walk(client, V2, "rows", "Rows", key, "", "", {}, page_size, V2.text), rows  # type: ignore[arg-type]


def given_by(chunks):
    return [heads[at].key for _, _, new, heads in chunks for at in new]


letters = st.sampled_from("abcdefgh")
pairs = st.tuples(letters, letters)
edits = st.dictionaries(
    st.integers(1, 12), st.lists(st.tuples(st.sampled_from(["put", "drop"]), letters, letters), max_size=4), max_size=5
)
sizes = st.integers(1, 5)


@settings(max_examples=120, deadline=None)
@given(st.sets(pairs, max_size=30), edits, sizes, st.integers(0, 4), st.sampled_from([("A",), ("A", "B")]))
def test_by_key_nobody_is_lost(keys, edits, page_size, server, key):
    """With edits between any two pages, with any size of page: all who stay are given, each once."""
    one, rows = walk(sorted(keys), key, edits, page_size=page_size, server=server or 0)
    before = set(rows.records)
    dropped = {rows.shape.key_of(a, b) for made in edits.values() for what, a, b in made if what == "drop"}
    try:
        found = given_by(one.by_key())
    except (CountMismatch, SourceError):
        assert len(key) == 2  # a value of several pages that never stood still, or pages of one row
        return
    assert before - dropped <= set(found)
    assert len(found) == len(set(found)) or dropped  # who was dropped and put again may come again


@settings(max_examples=60, deadline=None)
@given(st.sets(letters, max_size=8), edits, st.integers(2, 4))
def test_by_skip_a_shift_is_noticed(keys, edits, page_size):
    """Read by offsets, either all who stay are given, or the reading is refused; or a row slid, and counts tell."""
    one, rows = walk([(each, "") for each in sorted(keys)], ("A",), edits, page_size=page_size)
    before, count_before = set(rows.records), len(rows.records)
    dropped = {(a,) for made in edits.values() for what, a, _ in made if what == "drop"}
    try:
        found = set(given_by(one.by_skip()))
    except (CountMismatch, PagingLoop):
        return
    slid = before - dropped - found
    assert not slid or not count_before == one.read == len(rows.records)


def test_one_page_for_all():
    """A virtual table is asked once, and never in an order of keys that it has not."""
    one, _ = walk([("a", "1"), ("b", "2")], ("A", "B"))
    one.key = ()
    chunks = list(one.at_once())
    assert [len(heads) for _, _, _, heads in chunks] == [2]


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_requests_are_few(size):
    """A set of one key costs as many questions as it has pages, and one that finds nothing more."""
    one, _ = walk([(str(n), "") for n in range(100, 200)], ("A",), page_size=size)
    assert len(given_by(one.by_key())) == 100
    assert one.pages == -(-100 // size) + 1
