"""What a planned change means for a document as it is now: done once, to the device it was planned for, or refused."""

import json
from typing import Any

import pytest

from connectors.microshare.change import Change, judge, same
from connectors.microshare.document import Document

A = {"id": "58-A0-CB-00-00-00-00-01", "guid": "a", "meta": {"location": ["x", "y", "z", "R1"]}, "n": 1}
B = {"id": "00-00-00-00-00-00-00-00", "meta": {"location": ["x", "y", "z", "R2"]}}


def document(*devices: Any) -> Document:
    """A cluster with these devices."""
    return Document(json.dumps({"_id": "c", "data": {"devices": list(devices)}}).encode())


def change(action: str, key: str, before: Any = None, after: Any = None, number: int = 1) -> Change:
    """A change of one device."""
    return Change(number, action, key, before and json.dumps(before), after and json.dumps(after))


def devices(found: Document) -> list[Any]:
    """The devices of a document."""
    return json.loads(found.raw)["data"]["devices"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("asked", "what", "left"),
    [
        (change("create", "guid:n", after={"guid": "n", "meta": {"location": ["q"]}}), "do", 3),
        (change("create", "guid:a", after={"guid": "a", "meta": A["meta"]}), "done", 2),
        (change("create", "guid:a", after={"guid": "a", "meta": {"location": ["q"]}}), "refused", 2),
        (change("create", "guid:n", after={"guid": "n", "meta": A["meta"]}), "refused", 2),
        (change("update", "guid:a", A, {"guid": "b"}), "do", 2),
        (change("update", "guid:a", {**A, "n": 2}, {"guid": "b"}), "refused", 2),
        (change("update", "guid:a", {**A, "n": 2}, {"guid": "a"}), "done", 2),
        (change("update", "guid:old", {**A, "guid": "old"}, {"guid": "a"}), "done", 2),
        (change("update", "guid:none", {"guid": "none"}, {"n": 5}), "refused", 2),
        (change("update", 'location:["x","y","z","R2"]', B, {"guid": "b"}), "do", 2),
        (change("delete", "guid:a", A), "do", 1),
        (change("delete", "guid:a", {**A, "n": 2}), "refused", 2),
        (change("delete", "guid:none", {"guid": "none"}), "done", 2),
    ],
)
def test_each_change_gets_its_verdict(asked: Change, what: str, left: int) -> None:
    """Done when the device is as planned, done already when it is so, refused when it is anything else."""
    judged = judge(document(A, B), [asked])
    assert judged.verdicts[1].what == what
    assert len(devices(judged.document)) == left


def test_what_was_done_is_seen_as_done() -> None:
    """Judging the written document again finds everything done, so a lost answer and a dead process are settled."""
    changes = [
        change("create", "guid:n", after={"guid": "n", "meta": {"location": ["x", "y", "z", "R9"]}}, number=1),
        change("update", "guid:a", A, {"guid": None, "meta": {"location": ["new"]}}, number=2),
        change("delete", 'location:["x","y","z","R2"]', B, number=3),
    ]
    first = judge(document(A, B), changes)
    assert first.to_do == [1, 2, 3]
    again = judge(first.document, changes)
    assert {verdict.what for verdict in again.verdicts.values()} == {"done"}
    assert again.document.raw == first.document.raw


def test_two_changes_of_one_device_and_two_devices_of_one_reference_are_refused() -> None:
    """A plan that contradicts itself does the first of two changes, and says so of the second."""
    clash = judge(
        document(A),
        [
            change("update", "guid:a", A, {"guid": "b"}), change("delete", "guid:a", A, number=2),
            change("create", "guid:m", after={"guid": "m", "meta": {"location": ["x", "y", "z", "R9"]}}, number=3),
            change("create", "guid:n", after={"guid": "n", "meta": {"location": ["x", "y", "z", "R9"]}}, number=4),
        ],
    )  # fmt: skip
    assert [clash.verdicts[number].what for number in (1, 2, 3, 4)] == ["do", "refused", "do", "refused"]


def test_a_document_that_does_not_say_its_devices_is_left_alone() -> None:
    """Where nobody can tell which devices there are, nothing is added and nothing taken for gone."""
    odd = Document(b'{"_id":"c","data":{}}')
    judged = judge(odd, [change("delete", "guid:a", A)])
    assert judged.verdicts[1].what == "refused"
    assert judged.document.raw == odd.raw


def test_formatting_is_no_change() -> None:
    """Whoever rewrites a cluster writes all of it anew: blanks, order and 1.50 for 1.5 are no edit of a device."""
    assert same('{"a": 1.50, "b": [1]}', '{"b":[1],"a":1.5}')
    assert not same('{"a": 1}', '{"a": "1"}')
