"""Where inspection points and service records come from, and what their columns mean.

A source hands out rows as its own columns; a mapping says which of them is which field. Sources of each kind are in
`sources_…`; what they share is here.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from connectors.microshare.device import Point, Rules, cluster_for, device_of, kind_of, said
from connectors.microshare.document import normalised_eui
from connectors.microshare.records import when

Row = Mapping[str, Any]
Mapped = Mapping[str, Any]
"""For a field of a point (or service record) the name of its column, or ``{"column": …, "pattern": …}`` for the part of
it that the first group of a regular expression finds, or ``{"value": …}`` for the same everywhere."""

POINT_FIELDS = Point.__struct_fields__
SERVICE_FIELDS = (
    "id", "point_id", "reference", "customer", "site", "area", "kind", "result", "note", "performed_at",
)  # fmt: skip
# Other names under which sources were seen to give a field.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "reference": ("erp_reference", "internal_reference", "reference_code"),
    "customer": ("customer_name",),
    "site": ("site_name",),
    "area": ("area_name",),
    "placement": ("placement_type",),
    "configuration": ("device_config",),
    "kind": ("device_type",),
    "state": ("status",),
}
_YES, _NO = {"true", "1", "yes", "y", "t", "on"}, {"false", "0", "no", "n", "f", "off"}


@dataclass(frozen=True, slots=True)
class Update:
    """What the ERP is to be told of a point's device: its real id, and its state (the status in Microshare)."""

    id: str
    reference: str | None = None
    device_id: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What became of an update: ``ok``, or a sentence why the source has refused it."""

    id: str
    ok: bool
    sentence: str = ""


class Source(Protocol):
    """Rows of an ERP. Every method raises errors of `connectors.errors` and nothing else."""

    @property
    def mapping(self) -> Mapped:
        """Which column is which field; see `Mapped`."""

    @property
    def writable(self) -> bool:
        """Whether `write_back` has a way to tell the source."""

    def rows(self) -> Iterator[Sequence[Row]]:
        """All rows, some hundreds at a time."""

    def write_back(self, updates: Sequence[Update]) -> list[Written]:
        """Tell the source; setting the same again changes nothing. An error means that nobody knows how far it got."""

    def close(self) -> None:
        """Close all connections."""


def point_of(row: Row, mapping: Mapped) -> Point:
    """The inspection point that a row means."""
    fields = _fields(row, mapping, POINT_FIELDS)
    texts = {name: text_of(value) for name, value in fields.items() if name not in ("active", "location")}
    texts["id"] = texts["id"] or texts["reference"]  # files often have no id beside the reference
    return Point(**texts, active=_truth(fields["active"]), location=_location(fields["location"]))


def point_record(row: Row, mapping: Mapped, rules: Rules) -> bytes:
    """A point as it lands: the source's columns, and under ``landfall`` what they mean."""
    point = point_of(row, mapping)
    meant = msgspec.structs.asdict(point) | {
        "kind": kind_of(point),
        "eui": normalised_eui(point.device_id or ""),
        "cluster": cluster_for(point, rules),
        "location": said(point),
        "device": device_of(point, rules),
    }
    return _encode({**_rest(row, mapping, POINT_FIELDS), "landfall": meant})


def service_record(row: Row, mapping: Mapped) -> bytes:
    """A service record as it lands, in the same way."""
    fields = _fields(row, mapping, SERVICE_FIELDS)
    meant: dict[str, Any] = {name: text_of(value) for name, value in fields.items()}
    performed = fields["performed_at"]
    written = performed.isoformat() if isinstance(performed, date) else meant["performed_at"]
    meant["performed_at"] = when(written) or written  # what is no time, the landing refuses with its reason
    return _encode({**_rest(row, mapping, SERVICE_FIELDS), "landfall": meant})


def text_of(value: Any) -> str | None:
    """A value as text without blanks around it, exactly as it was; None for nothing and for blank text.

    A pair of id and name, as Odoo gives what a record points to, is the name.
    """
    if isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], int):
        value = value[1]
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return (str(value).strip() or None) if not isinstance(value, datetime) else value.isoformat()


def column_of(mapping: Mapped, name: str, there: Collection[str] = ()) -> str:
    """The column of a field: the mapped one, else the first of those known for it that is among those there."""
    given = mapping.get(name)
    if given is None:
        return next((column for column in (name, *_ALIASES.get(name, ())) if column in there), name)
    return str(given.get("column", name)) if isinstance(given, Mapping) else str(given)


def _fields(row: Row, mapping: Mapped, names: Sequence[str]) -> dict[str, Any]:
    return {name: _field(row, mapping, name) for name in names}


def _field(row: Row, mapping: Mapped, name: str) -> Any:
    given = mapping.get(name)
    if not isinstance(given, Mapping):
        return row.get(column_of(mapping, name, row))
    if "value" in given:
        return given["value"]
    text = text_of(row.get(str(given.get("column", name))))
    found = re.search(str(given["pattern"]), text) if text and "pattern" in given else None
    return found[1 if found.re.groups else 0] if found else (None if "pattern" in given else text)


def _rest(row: Row, mapping: Mapped, names: Sequence[str]) -> dict[str, Any]:
    """The columns that no field has taken whole."""
    taken = {column_of(mapping, name, row) for name in names if not isinstance(mapping.get(name), Mapping)}
    return {str(column): value for column, value in row.items() if column not in taken and column != "landfall"}


def _truth(value: Any) -> Any:
    """Yes or no in the spellings that sources have; None for nothing; anything else as it is, so that it is refused."""
    text = (text_of(value) or "").lower()
    return True if text in _YES else False if text in _NO else text or None


def _location(value: Any) -> tuple[str, ...] | None:
    """A whole location: a list, or text with ``|`` between its elements."""
    if isinstance(value, str) and value.strip():
        value = value.split("|")
    return tuple(text_of(part) or "" for part in value) if isinstance(value, list | tuple) and value else None


def _encode(record: Any) -> bytes:
    return _ENCODER.encode(record)


def _plain(value: Any) -> Any:
    """What JSON has no word for, as text."""
    return bytes(value).decode("utf-8", "replace") if isinstance(value, memoryview | bytearray) else str(value)


_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_plain)
