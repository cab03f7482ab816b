"""Taking answers apart: three envelopes, and records that ordinary parsers refuse."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.odata.dialect import V2, V3, V4
from connectors.odata.envelope import answer, parse

PAGES = {
    V2: (b'{"d":{"__count":"2","results":[%s],"__next":"https://x.example/next"}}', "https://x.example/next"),
    V3: (
        b'{"odata.metadata":"m","odata.count":"2","value":[%s],"odata.nextLink":"Orders?$skip=20"}',
        "Orders?$skip=20",
    ),
    V4: (b'{"@odata.context":"c","@odata.count":2,"value":[%s],"@odata.nextLink":"O?$skiptoken=x"}', "O?$skiptoken=x"),
}
DIALECTS = pytest.mark.parametrize("dialect", PAGES, ids=lambda dialect: dialect.version)


@DIALECTS
def test_records_and_link(dialect):
    """Every version's page gives its records as they were written, and the way on."""
    page, link = PAGES[dialect]
    found = answer(page % b'{"a": 1.500},{"a":"1.50"}', dialect)
    assert [bytes(each) for each in found.records] == [b'{"a": 1.500}', b'{"a":"1.50"}']
    assert found.link == link


@DIALECTS
@pytest.mark.parametrize("bad", [rb'{"a":"half \ud800"}', b'{"a":"line\nbreak"}', b'{"a":"caf\xe9"}'])
def test_one_odd_record_costs_nobody_else(dialect, bad):
    """A record that the fast parser refuses comes as it was sent, and so do its neighbours and the link."""
    page, link = PAGES[dialect]
    found = answer(page % (b'{"k":1}, ' + bad + b' ,{"k":[2,{"x":"}]"}]}'), dialect)
    assert [bytes(each) for each in found.records] == [b'{"k":1}', bad, b'{"k":[2,{"x":"}]"}]}']
    assert found.link == link


@DIALECTS
@pytest.mark.parametrize("content", [b"", b"{", b'{"d":{"results":[{"a":1}', b'{"value":[{"a":"\\ud800"}'])
def test_half_a_document_is_none(dialect, content):
    """What breaks off is told from what is of another shape."""
    with pytest.raises((ValueError, IndexError)) as caught:
        answer(content, dialect)
    assert not isinstance(caught.value, msgspec.ValidationError)


@DIALECTS
def test_another_shape_is_no_empty_page(dialect):
    """JSON without a list of records is an error, never nothing."""
    with pytest.raises(msgspec.ValidationError):
        answer(b'{"status":"error"}', dialect)


def test_a_bare_list():
    """Version 1's list without an envelope is understood, since servers of version 2 still write it."""
    assert [bytes(each) for each in answer(b'{"d":[{"a":1},{"a":2}]}', V2).records] == [b'{"a":1}', b'{"a":2}']


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.text(), json_values, max_size=4), max_size=5), st.sampled_from(list(PAGES)))
def test_the_careful_way_is_the_fast_way(rows, dialect):
    """Whatever the records hold, both ways find the same ones."""
    texts = [json.dumps(row).encode() for row in rows]
    page = PAGES[dialect][0]
    whole = page % b",".join(texts)
    odd = page % b" , ".join([*texts, b'"\\ud800"'])
    assert [parse(each) for each in answer(whole, dialect).records] == [parse(text) for text in texts]
    assert [bytes(each) for each in answer(odd, dialect).records][:-1] == texts
