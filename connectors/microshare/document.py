"""A cluster as Microshare writes it: one document with all of its devices, changed without touching the rest.

There is no call for one device: whoever changes one sends the whole document back. So the text that came is kept,
devices are found in it by their place, and only what changes is written anew.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import msgspec

from connectors.errors import SourceError
from connectors.microshare import jsontext
from connectors.microshare.jsontext import Place
from connectors.redact import MASK

_EUI = re.compile(r"[0-9A-F]{16}")
# Members such as AppKey, NwkKey and AppSKey, at any depth; the EUIs beside them are no secrets. In the text of a value
# quotes have a backslash, so only members can match.
_NETWORK_KEY = re.compile(rb'(?i)("\w*(?:app|nwk|mc|root|session)\w*key"\s*:\s*)"(?:[^"\\]|\\.)*"')
_BETWEEN = re.compile(r"[-:\s.]")
_TEXTS_AND_BLANKS = re.compile(rb'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device in a cluster's document, as far as anybody looks; ``raw`` is its text as it came.

    ``key`` tells it from all others of its cluster (see `key_of`). ``eui`` is its id in one spelling, None where it is
    a placeholder or no EUI. ``location`` has any number of elements. ``state_at`` and ``modified_at`` are as given.
    """

    key: str
    id: str
    eui: str | None
    guid: str | None
    status: str | None
    location: tuple[str, ...]
    raw: bytes
    state_at: Any = None
    modified_at: Any = None

    @property
    def shown(self) -> bytes:
        """The text with the values of network keys masked, as it may be shown and stored."""
        return masked(self.raw)


def masked(raw: bytes) -> bytes:
    """The text of a device in which the values of its LoRaWAN keys are masked; whoever has those can speak as it."""
    return _NETWORK_KEY.sub(rb'\1"' + MASK.encode() + b'"', raw)


def normalised_eui(id_: str) -> str | None:
    """An 8-byte EUI as 16 capital hexadecimal digits; None for serial numbers, for nothing and for placeholders."""
    plain = _BETWEEN.sub("", id_).upper()
    return plain if _EUI.fullmatch(plain) and not is_placeholder(id_) else None


def is_placeholder(id_: str) -> bool:
    """Whether an id names no device: nothing, or zeros only, as every device has before it is deployed."""
    return not _BETWEEN.sub("", id_).strip("0")


def key_of(guid: str | None, id_: str, location: Sequence[str], raw: bytes) -> str:
    """What tells a device from the others of its cluster.

    Its guid, since whoever creates devices gives them one and a change of hardware or place leaves it alone. Without
    one its EUI, or other id of its own; a device that is not deployed yet has neither, and is told by its place.
    Placeholders are never a key: all devices that wait for their hardware share one.
    """
    if guid:
        return f"guid:{guid}"
    if eui := normalised_eui(id_):
        return f"eui:{eui}"
    if not is_placeholder(id_):
        return f"id:{id_.strip()}"
    if any(part.strip() for part in location):
        return f"location:{jsontext.dump(list(location))}"
    return f"text:{hashlib.sha256(raw).hexdigest()[:32]}"


class Document:
    """A cluster's document: what it says, and what it would say with some of its devices changed.

    Raises `SourceError` where the text is no cluster that can be read and changed safely.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = bytes(raw)
        # Bytes that are no UTF-8 come through unharmed.
        self._text = _decoded(self.raw)
        try:
            start = jsontext.blank(self._text, 0)
            self._top, _ = jsontext.members(self._text, start, ["data", "devices"])
        except (ValueError, RecursionError) as error:
            raise SourceError(f"A cluster is not written as a JSON object: {error}.") from None
        self._fields = {place.name: place.value for place in self._top}

    @property
    def id(self) -> str:
        """The id given by Microshare; also as the `{"$oid": …}` of older records. '' if there is none."""
        return _id(self._fields.get("_id")) or _id(self._fields.get("id"))

    @property
    def rec_type(self) -> str:
        """The record type, such as io.microshare.trap.packed."""
        return _text(self._fields.get("recType"))

    @property
    def name(self) -> str:
        """The cluster's name."""
        return _text(self._fields.get("name"))

    @property
    def tstamp(self) -> Any:
        """When Microshare last stored it, as given."""
        return self._fields.get("tstamp")

    @property
    def vendor_checksum(self) -> str | None:
        """The checksum that the document carries; clusters need not have one."""
        return _text(self._fields.get("checksum")) or None

    @cached_property
    def checksum(self) -> str:
        """A fingerprint of ``data``, by the vendor's rule.

        SHA-256 of its compact JSON in capital hexadecimal digits, the letter L, the number of bytes. It is worked out
        here, so that it is there for every cluster and means the same for each.
        """
        data = self._member(self._top, "data")
        if data is None:
            return ""
        compact = _compact(self._bytes(data.start, data.end))
        return f"{hashlib.sha256(compact).hexdigest().upper()}L{len(compact)}"

    @cached_property
    def devices(self) -> list[DeviceView]:
        """The devices in the document's order; elements that are no objects are left out (`odd`)."""
        seen: Counter[str] = Counter()
        views = []
        for place in self._devices:
            if isinstance(place.value, dict):
                view = _view(place.value, self._bytes(place.start, place.end))
                seen[view.key] += 1
                # Several devices may claim to be the same one; each is told from the others by its turn.
                if seen[view.key] > 1:
                    view = replace(view, key=f"{view.key}#{seen[view.key]}")
                views.append(view)
        return views

    @property
    def odd(self) -> list[bytes]:
        """The texts of what stands among the devices and is none."""
        return [self._bytes(place.start, place.end) for place in self._devices if not isinstance(place.value, dict)]

    @property
    def readable(self) -> bool:
        """Whether the document says which devices there are: only then is a device that is not in it gone."""
        return self._list is not None

    def find(self, key: str) -> DeviceView | None:
        """The device of that key, or None."""
        return next((view for view in self.devices if view.key == key), None)

    def without_devices(self) -> bytes:
        """The document's text without the list of devices; nothing else is changed."""
        data = self._member(self._top, "data")
        if self._list is None or data is None or data.inner is None:
            return self.raw
        left_out = {data.inner.index(self._list): None}
        rest = jsontext.rewrite(self._text, data.start, data.end, data.inner, left_out)
        return self._encode(f"{self._text[: data.start]}{rest}{self._text[data.end :]}")

    def with_changes(
        self,
        adds: Iterable[Mapping[str, Any] | bytes] = (),
        replacements: Mapping[str, Mapping[str, Any]] | None = None,
        removals: Iterable[str] = (),
    ) -> "Document":
        """The document with devices added at the end, changed and left out; every other byte is as it came.

        ``adds`` are devices, or the texts of devices that are to be there again exactly as they were. ``replacements``
        give for a device's key a JSON merge patch: the members in it are set, those that are None go, all others stay.
        Raises KeyError for a key that is not there, ValueError for a device to add whose key is, and for changes of a
        document whose devices cannot be told.
        """
        added = [_decoded(each) if isinstance(each, bytes) else jsontext.dump(dict(each)) for each in adds]
        numbers = self._numbers()
        self._refuse_known(added)
        changed: dict[int, str | None] = {
            numbers[key]: jsontext.merge(self._slice(self._devices[numbers[key]]), dict(patch))
            for key, patch in (replacements or {}).items()
        }
        changed |= {numbers[key]: None for key in removals}
        if self._list is None:
            raise ValueError(f"The document of the cluster {self.id} does not say which devices there are.")
        array = jsontext.rewrite(self._text, self._list.start, self._list.end, self._devices, changed, added)
        return Document(self._encode(f"{self._text[: self._list.start]}{array}{self._text[self._list.end :]}"))

    def _numbers(self) -> dict[str, int]:
        objects = [number for number, place in enumerate(self._devices) if isinstance(place.value, dict)]
        return {view.key: number for view, number in zip(self.devices, objects, strict=True)}

    def _refuse_known(self, added: Sequence[str]) -> None:
        known = {view.key for view in self.devices}
        for text in added:
            key = _view(jsontext.decode(text), self._encode(text)).key
            if key in known:
                raise ValueError(f"The cluster {self.id} has a device {key} already.")
            known.add(key)

    @cached_property
    def _list(self) -> Place | None:
        """Where the list of devices is; None if there is none."""
        data = self._member(self._top, "data")
        devices = self._member(data.inner, "devices") if data is not None and data.inner is not None else None
        return devices if devices is not None and self._text[devices.start] == "[" else None

    @property
    def _devices(self) -> list[Place]:
        return (self._list.inner or []) if self._list is not None else []

    def _member(self, places: Sequence[Place], name: str) -> Place | None:
        found = [place for place in places if place.name == name]
        if len(found) > 1:
            raise SourceError(
                f"The document of the cluster {self.id} has {name} twice, so it cannot be changed safely."
            )
        return found[0] if found else None

    def _slice(self, place: Place) -> str:
        return self._text[place.start : place.end]

    def _bytes(self, start: int, end: int) -> bytes:
        return self._encode(self._text[start:end])

    @staticmethod
    def _encode(text: str) -> bytes:
        return text.encode("utf-8", "surrogateescape")


def _view(fields: Mapping[str, Any], raw: bytes) -> DeviceView:
    meta = fields.get("meta")
    written = meta.get("location") if isinstance(meta, Mapping) else None
    location = tuple(_text(part) for part in written) if isinstance(written, list) else ()
    id_, guid = _text(fields.get("id")), _text(fields.get("guid")) or None
    key = key_of(guid, id_, location, raw)
    state = fields.get("state")
    return DeviceView(
        key, id_, normalised_eui(id_), guid, _text(fields.get("status")) or None, location, raw,
        state.get("updateDate") if isinstance(state, Mapping) else None, fields.get("lastModified"),
    )  # fmt: skip


def _text(value: Any) -> str:
    """Text as it is, numbers as written, everything else as nothing."""
    return str(value) if isinstance(value, str) else ""


def _id(value: Any) -> str:
    return _text(value.get("$oid")) if isinstance(value, Mapping) else _text(value)


def _compact(text: bytes) -> bytes:
    try:
        return bytes(msgspec.json.format(text, indent=-1))
    except (msgspec.DecodeError, RecursionError):  # it refuses texts that other parsers let pass
        return _TEXTS_AND_BLANKS.sub(lambda match: match[1] or b"", text)


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
