"""A cluster's document: what changes is changed, and every other byte goes back as it came."""

import hashlib
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import SourceError
from connectors.microshare.document import Document, is_placeholder, masked, normalised_eui

PLACEHOLDER = "00-00-00-00-00-00-00-00"
# Everything that a parser which reads and writes again would lose.
DEVICE = (
    '{"id":"58-a0-cb-00-00-11-f8-5e", "weight":1.50,"meta":{"location":["Caf\\u00e9","Nord","K\\/1","R1","internal","bait",""],'
    '"z":1E+2},\t"lora":{"AppKey":"canary-key-1","DevEUI":"58A0CB000011F85E"},"status":"active","unknown":[ ]}'
)
WHOLE = (
    '{"_id":"c1", "recType":"io.microshare.trap.packed" ,"data":{"facts":{"devices":["not these"]},"devices":[ '
    + DEVICE
    + ' ,{"id":"00-00-00-00-00-00-00-00","guid":"erp-sync-2","meta":{"location":["A","B","C","R2"]},"status":"pending"}\n],'
    + '"limit":12345678901234567890.10},"checksum":"X","tstamp":1}'
)


def devices(text: bytes) -> list[Any]:
    """The devices in a document, as Python reads them."""
    found: list[Any] = json.loads(text)["data"]["devices"]
    return found


def test_an_unchanged_document_is_the_same_bytes() -> None:
    """A document in which nothing changes is sent back byte for byte."""
    raw = WHOLE.encode()
    assert Document(raw).with_changes().raw == raw
    assert Document(raw).with_changes(replacements={"guid:erp-sync-2": {"guid": "erp-sync-2"}}).raw == raw


def test_a_change_touches_what_changes_and_nothing_else() -> None:
    """A new location element and a guid are all that differs; 1.50, escapes, blanks and unknown fields stay."""
    document = Document(WHOLE.encode())
    location = ["Café", "Nord", "K/1", "R9", "internal", "bait", ""]
    changed = document.with_changes(
        replacements={"eui:58A0CB000011F85E": {"meta": {"location": location}, "guid": "g"}}
    )
    expected = WHOLE.replace('"R1"', '"R9"').replace('"unknown":[ ]}', '"unknown":[ ],"guid":"g"}')
    assert changed.raw == expected.encode()


def test_devices_come_and_go_without_a_trace_on_the_others() -> None:
    """A device that is added and taken away again leaves the document as it was, and the other way round."""
    document = Document(WHOLE.encode())
    more = document.with_changes(adds=[{"id": PLACEHOLDER, "guid": "erp-sync-3", "status": "pending"}])
    assert len(devices(more.raw)) == 3
    assert more.with_changes(removals=["guid:erp-sync-3"]).raw == document.raw
    less = document.with_changes(removals=["eui:58A0CB000011F85E"])
    assert [each.key for each in less.devices] == ["guid:erp-sync-2"]
    back = less.with_changes(adds=[document.devices[0].raw])
    assert DEVICE.encode() in back.raw
    assert devices(document.with_changes(removals=[each.key for each in document.devices]).raw) == []


def test_what_is_wrong_is_refused_before_anything_is_sent() -> None:
    """A device that is not there cannot be changed, one that is cannot be added again, and doubt about the list stops."""
    document = Document(WHOLE.encode())
    with pytest.raises(KeyError):
        document.with_changes(removals=["guid:nobody"])
    with pytest.raises(ValueError, match="has a device guid:erp-sync-2 already"):
        document.with_changes(adds=[{"id": PLACEHOLDER, "guid": "erp-sync-2"}])
    with pytest.raises(ValueError, match="has a device guid:n already"):
        document.with_changes(adds=[{"guid": "n"}, {"guid": "n"}])
    for text in ('{"data":{}}', '{"data":{"devices":null}}', "{}"):
        assert not Document(text.encode()).readable
        with pytest.raises(ValueError, match="does not say which devices"):
            Document(text.encode()).with_changes(adds=[{"guid": "n"}])
    with pytest.raises(SourceError, match="devices twice"):
        _ = Document(b'{"data":{"devices":[],"devices":[{}]}}').devices
    with pytest.raises(SourceError, match="is not written as a JSON object"):
        Document(b"[1]")


def test_a_placeholder_is_never_a_key() -> None:
    """Devices that wait for their hardware share an id; they are told apart by guid, place or turn, never by it."""
    at = [{"id": PLACEHOLDER, "meta": {"location": ["A", "B", "C", each]}} for each in ("R1", "R2", "R2")]
    bare = [{"id": PLACEHOLDER}, {"id": "SN-7"}, {"id": "58a0cb00-0011f85e"}, {"id": "58-A0-CB-00-00-11-F8-5E"}, 7]
    document = Document(json.dumps({"_id": "c", "data": {"devices": at + bare}}).encode())
    keys = [each.key for each in document.devices]
    assert keys[:3] == ['location:["A","B","C","R1"]', 'location:["A","B","C","R2"]', 'location:["A","B","C","R2"]#2']
    assert keys[3].startswith("text:")
    assert keys[4:] == ["id:SN-7", "eui:58A0CB000011F85E", "eui:58A0CB000011F85E#2"]
    assert document.odd == [b"7"]
    assert not any(PLACEHOLDER in key for key in keys)
    # The second of two that claim the same key can be changed without the first.
    changed = document.with_changes(replacements={keys[2]: {"status": "x"}}, removals=[keys[5]])
    assert [each.get("status") for each in devices(changed.raw)[:3]] == [None, None, "x"]


@pytest.mark.parametrize(
    ("id_", "eui"),
    [
        ("58-A0-CB-00-00-11-F8-5E", "58A0CB000011F85E"), ("58a0cb000011f85e", "58A0CB000011F85E"),
        (" 58:A0:CB:00:00:11:F8:5E ", "58A0CB000011F85E"), (PLACEHOLDER, None), ("0000000000000000", None), ("", None),
        ("ERP1122334455667788", None), ("58A0CB", None),
    ],
)  # fmt: skip
def test_an_eui_has_one_spelling(id_: str, eui: str | None) -> None:
    """The same hardware is recognised however its EUI is written."""
    assert normalised_eui(id_) == eui
    assert is_placeholder(id_) is (not id_.strip(" 0-"))


def test_the_checksum_is_the_vendors() -> None:
    """The fingerprint is the one that Microshare writes: of the compact text, with its length."""
    document = Document(WHOLE.encode())
    compact = re.sub(
        r"(?<=[\[,{}\]])\s+|\s+(?=[\[,{}\]])", "", WHOLE[WHOLE.index('{"facts"') : WHOLE.index(',"checksum"')]
    )
    expected = f"{hashlib.sha256(compact.encode()).hexdigest().upper()}L{len(compact.encode())}"
    assert document.checksum == expected
    assert document.vendor_checksum == "X"
    assert document.with_changes(adds=[{"guid": "n"}]).checksum != expected


def test_texts_that_parsers_refuse_come_through() -> None:
    """Half a surrogate, a bare control character and a byte that is no UTF-8 are not ours to repair."""
    raw = b'{"_id":"c","data":{"devices":[{"guid":"a","n":"\\ud800 \x07 \xff"},{"guid":"b"}]}}'
    changed = Document(raw).with_changes(replacements={"guid:b": {"status": "active"}})
    assert changed.raw == raw.replace(b'{"guid":"b"}', b'{"guid":"b","status":"active"}')
    assert len(Document(raw).checksum) > 64
    less = Document(raw).with_changes(removals=["guid:a"])
    assert Document(raw).devices[0].raw in less.with_changes(adds=[Document(raw).devices[0].raw]).raw
    assert b'"\\ud800"' in less.with_changes(adds=[{"guid": "c", "n": "\ud800"}]).raw


def test_network_keys_are_masked_where_devices_are_shown() -> None:
    """What is shown and stored of a device holds no key; what is sent back does."""
    view = Document(WHOLE.encode()).devices[0]
    assert b"canary" in view.raw
    assert view.shown == view.raw.replace(b"canary-key-1", b"***")
    assert masked(b'{"lora":7}') == b'{"lora":7}'
    assert masked(b'{"AppKey" : "k","guid":"a","monkey":1}') == b'{"AppKey" : "***","guid":"a","monkey":1}'


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), max_size=5), VALUES, st.integers(0, 4),
    st.sampled_from([None, 1]),
)  # fmt: skip
def test_any_document_comes_back_but_for_its_change(made: list[Any], extra: Any, at: int, indent: int | None) -> None:
    """Whatever a cluster holds and however it is written: one change changes one device, and nothing else."""
    raw = json.dumps({"_id": "c", "data": {"x": extra, "devices": made, "y": extra}}, indent=indent).encode()
    document = Document(raw)
    assert document.with_changes().raw == raw
    added = document.with_changes(adds=[{"guid": "new-one"}])
    assert devices(added.raw) == [*made, {"guid": "new-one"}]
    assert added.with_changes(removals=["guid:new-one"]).raw == raw
    if at < len(made):
        key = document.devices[at].key
        assert devices(document.with_changes(replacements={key: {"status": "s"}}).raw) == [
            {**each, "status": "s"} if number == at else each for number, each in enumerate(made)
        ]
        assert devices(document.with_changes(removals=[key]).raw) == made[:at] + made[at + 1 :]
