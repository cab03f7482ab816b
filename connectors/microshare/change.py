"""What a planned change means for a cluster's document as it is now; pure, so that it is tested without a network.

A change is done only to a device that is still as it was when the change was planned. What is there already is not done
again, however it came about: so a change whose answer was lost, or whose process died, is settled by looking.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connectors.microshare import jsontext
from connectors.microshare.document import DeviceView, Document

_DECODER = json.JSONDecoder(strict=False, parse_int=Decimal, parse_float=Decimal)
_TURN = re.compile(r"#\d+$")
REFERENCE = 3  # the element of a location that holds the ERP's reference


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one device; JSON texts. ``before`` is the device as it was when it was planned, network keys masked.

    create: ``after`` is the whole device. update: ``after`` is a merge patch for it. delete: it goes.
    ``key`` is the device's in its cluster (`document.key_of`).
    """

    number: int
    action: str
    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a change: ``do`` it, it is ``done`` already, or it is ``refused``; and why.

    ``found`` is the text of the device that it was judged on.
    """

    what: str
    why: str = ""
    found: str | None = None


@dataclass(slots=True)
class Judged:
    """The verdict on each change by its number, and the document with those done that are to be done."""

    verdicts: dict[int, Verdict]
    document: Document
    to_do: list[int] = field(default_factory=list)


def judge(document: Document, changes: Iterable[Change]) -> Judged:
    """Judge changes on a document, and make the one that is to be written; never raises for a change."""
    if not document.readable:
        unreadable = Verdict("refused", "the cluster's document does not say which devices are in it")
        return Judged({change.number: unreadable for change in changes}, document)
    known = _Known(document)
    verdicts: dict[int, Verdict] = {}
    adds: list[bytes] = []
    patches: dict[str, Mapping[str, Any]] = {}
    removals: list[str] = []
    for change in changes:
        verdict, key = _verdict(known, change)
        if verdict.what == "do" and key in known.touched:
            verdict = Verdict("refused", "another change of the plan touches the same device")
        verdicts[change.number] = verdict
        if verdict.what != "do":
            continue
        known.touched.add(key)
        if change.action == "create":
            adds.append((change.after or "").encode("utf-8", "surrogateescape"))
            known.add(change.after or "")
        elif change.action == "update":
            patches[key] = jsontext.decode(change.after or "{}")
        else:
            removals.append(key)
    to_do = [number for number, verdict in verdicts.items() if verdict.what == "do"]
    return Judged(verdicts, document.with_changes(adds, patches, removals) if to_do else document, to_do)


def same(one: str, other: str) -> bool:
    """Whether two JSON texts say the same.

    Blanks, the order of members and the spelling of numbers do not count: other programs that write a cluster write all of
    it anew, in their own way.
    """
    return one == other or bool(_DECODER.decode(one) == _DECODER.decode(other))


def shown(device: DeviceView) -> str:
    """The device's text with its network keys masked, as it lands in `microshare.device.raw`."""
    return device.shown.decode("utf-8", "replace")


def view_of(text: str) -> DeviceView:
    """A device by its own text, as if it stood alone in a cluster."""
    return Document(b'{"data":{"devices":[' + text.encode("utf-8", "surrogateescape") + b"]}}").devices[0]


class _Known:
    """The devices of a document, to be found by key and by reference."""

    def __init__(self, document: Document) -> None:
        self.by_key: dict[str, list[DeviceView]] = defaultdict(list)
        self.references: set[str] = set()
        self.touched: set[str] = set()
        for device in document.devices:
            self.by_key[_TURN.sub("", device.key)].append(device)
            self.references.add(_reference(device))
        self.references.discard("")

    def add(self, text: str) -> None:
        """Take a device that is about to be created for one that is there."""
        view = view_of(text)
        self.by_key[view.key].append(view)
        if reference := _reference(view):
            self.references.add(reference)

    def like(self, key: str) -> list[DeviceView]:
        """The devices that claim to be this one."""
        return self.by_key.get(_TURN.sub("", key), [])


def _verdict(known: _Known, change: Change) -> tuple[Verdict, str]:
    if change.action == "create":
        return _create(known, change)
    candidates = known.like(change.key)
    exact = [device for device in candidates if same(shown(device), change.before or "{}")]
    chosen = next((device for device in exact if device.key == change.key), exact[0] if exact else None)
    if chosen is not None:
        text = _of(chosen)
        if change.action == "update" and _has(text, change.after):
            return Verdict("done", "it was so already", text), chosen.key
        return Verdict("do", "", text), chosen.key
    if change.action == "delete":
        if not candidates:
            return Verdict("done", "it was gone already"), change.key
        return Verdict("refused", "the device has changed since the plan was made", _of(candidates[0])), ""
    return _changed_since(known, change, candidates)


def _create(known: _Known, change: Change) -> tuple[Verdict, str]:
    wanted = view_of(change.after or "{}")
    there = known.like(wanted.key)
    if there:
        device = there[0]
        if device.guid == wanted.guid and device.location == wanted.location:
            return Verdict("done", "it was there already", _of(device)), device.key
        return Verdict("refused", f"a device {wanted.key} is there already, and differs", _of(device)), ""
    reference = _reference(wanted)
    if reference and reference in known.references:
        return Verdict("refused", f"meanwhile there is a device with the reference {reference}"), ""
    return Verdict("do"), wanted.key


def _changed_since(known: _Known, change: Change, candidates: list[DeviceView]) -> tuple[Verdict, str]:
    """An update whose device is no longer as it was: done already, under another key perhaps, or changed by others."""
    afterwards = view_of(jsontext.merge(change.before or "{}", jsontext.decode(change.after or "{}"))).key
    for device in [*known.like(afterwards), *candidates]:
        if _has(_of(device), change.after):
            return Verdict("done", "it was so already", _of(device)), device.key
    if not candidates:
        return Verdict("refused", "the device is gone"), ""
    return Verdict("refused", "the device has changed since the plan was made", _of(candidates[0])), ""


def _has(text: str, patch: str | None) -> bool:
    """Whether a merge patch would change nothing of a device."""
    return bool(jsontext.decode(jsontext.merge(text, jsontext.decode(patch or "{}"))) == jsontext.decode(text))


def _of(device: DeviceView) -> str:
    return device.raw.decode("utf-8", "surrogateescape")


def _reference(device: DeviceView) -> str:
    return device.location[REFERENCE].strip() if len(device.location) > REFERENCE else ""
