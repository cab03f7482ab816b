"""From what Microshare sends to the records that land: the vendor's text, and beside it what was worked out."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.errors import SourceError
from connectors.microshare.answers import moment
from connectors.microshare.device import REFERENCE_AT
from connectors.microshare.document import DeviceView, Document, is_placeholder, normalised_eui

_PARTS = ("customer", "site", "area", "reference", "placement", "configuration")
_MILLISECONDS = re.compile(r"[0-9]{12,14}")


def kind_of(rec_type: str) -> str:
    """trap, gateway or other, by the record type of a cluster (io.microshare.trap.packed)."""
    words = rec_type.lower().split(".")
    return next((kind for kind in ("gateway", "trap") if kind in words), "other")


def cluster_record(document: Document) -> bytes:
    """The cluster without its devices, which land by themselves."""
    found = {
        "id": document.id,
        "kind": kind_of(document.rec_type),
        "device_count": len(document.devices) + len(document.odd),
        "checksum": document.checksum,
        "updated_at": _iso(moment(document.tstamp)),
    }
    return with_own(document.without_devices(), found)


def device_records(document: Document) -> list[bytes]:
    """The devices of a cluster; what stands among them and is none comes as a record that cannot land."""
    kind = kind_of(document.rec_type)
    return [*(_device(document, view, kind) for view in document.devices), *map(unreadable, document.odd)]


def _device(document: Document, view: DeviceView, kind: str) -> bytes:
    # What the fifth and sixth element mean is known of traps only.
    parts = dict(zip(_PARTS if kind == "trap" else _PARTS[: REFERENCE_AT + 1], view.location, strict=False))
    shown = view.shown
    found = {
        "cluster_id": document.id, "key": view.key, "rec_type": document.rec_type, "kind": kind, "eui": view.eui,
        "is_placeholder": is_placeholder(view.id), **{name: part or None for name, part in parts.items()},
        "state_at": when(view.state_at), "modified_at": when(view.modified_at),
        "raw": shown.decode("utf-8", "replace"),
    }  # fmt: skip
    return with_own(shown, found)


def unreadable(raw: bytes) -> bytes:
    """A record that cannot be read, as it may be kept for a person to look at: it has no key, so it does not land."""
    return msgspec.json.encode({"unreadable": raw.decode("utf-8", "replace")})


class _Head(msgspec.Struct):
    _id: Any = None
    id: Any = None
    tstamp: Any = None
    data: Any = None


_HEAD = msgspec.json.Decoder(_Head)


def share_record(raw: bytes | msgspec.Raw) -> tuple[bytes, datetime | None]:
    """An event or incident as it lands, and when Microshare stored it."""
    text = bytes(raw)
    try:
        head = _HEAD.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return unreadable(text), None
    data = head.data if isinstance(head.data, Mapping) else {}
    meta, device = data.get("meta"), data.get("device")
    location = meta.get("device") if isinstance(meta, Mapping) else None
    device_id = device.get("id") if isinstance(device, Mapping) else None
    stored = moment(head.tstamp)
    found = {
        "id": _id(head._id) or _id(head.id),
        "reference": _element(location if isinstance(location, list) else [], REFERENCE_AT),
        "eui": normalised_eui(device_id) if isinstance(device_id, str) else None,
        "updated_at": _iso(stored),
    }
    return with_own(text, found), stored


def with_own(raw: bytes, found: Mapping[str, Any]) -> bytes:
    """The text of an object with one more member, ``landfall``, at its end; SourceError where it is no object."""
    text = raw.strip()
    if not (text.startswith(b"{") and text.endswith(b"}")):
        raise SourceError("A record is not written as a JSON object.")
    comma = b"" if not text[1:-1].strip() else b","
    return text[:-1] + comma + b'"landfall":' + msgspec.json.encode(found) + b"}"


def when(value: Any) -> str | None:
    """A time as text with its offset: ISO, or milliseconds since 1970; None where it is neither.

    A time without an offset is taken for UTC, in which the vendor writes all others.
    """
    if isinstance(value, Mapping) or (isinstance(value, str) and _MILLISECONDS.fullmatch(value)):
        return _iso(moment(value))
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return _iso(found if found is None or found.tzinfo else found.replace(tzinfo=UTC))


def _iso(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat() if value is not None else None


def _id(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("$oid")
    return value if isinstance(value, str) else ""


def _element(location: Sequence[Any], at: int) -> str | None:
    return (location[at] or None) if len(location) > at and isinstance(location[at], str) else None
