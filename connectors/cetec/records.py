"""Reads one record of Cetec's customer list, whose values come in many spellings.

Which ones is known from programs that use the API: flags come as 1, "1", true and "true", numbers as text, a domain
may be missing, blank or the text "undefined". What has no known meaning is kept as it came and named in the warnings.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from connectors.redact import REDACTOR

TEXTS = ("name", "domain", "external_key", "priority_support", "test_environment")
FLAGS = ("ok_to_bill", "resident_hosting", "itar_hosting_bc")
NUMBERS = ("num_prod_users", "num_full_users")
FIELDS = (*TEXTS, *FLAGS, *NUMBERS)
SUFFIX = "_as_given"  # a flag's own spelling, where it is none of the known ones

_NO = {"", "0", "false", "null"}
_YES = {"1", "true"}
_LEVELS = {
    "l": "lite", "lite": "lite", "s": "standard", "std": "standard", "standard": "standard",
    "e": "enterprise", "ent": "enterprise", "enterprise": "enterprise",
}  # fmt: skip
# What other columns say for "none".
_NO_LEVEL = {"", "0", "false", "none"}
_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SECRET_NAME = re.compile(r'"[^"]*passw(?:or)?d[^"]*"\s*:', re.IGNORECASE)


@dataclass(slots=True)
class Read:
    """A customer as read: ``values`` are JSON values or `msgspec.Raw`, ``extra`` the fields without a column."""

    id: str
    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def text(self, name: str) -> str:
        """A text field without surrounding blanks, empty where there is none."""
        value = self.values.get(name)
        return value.strip() if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        """A flag; one that is missing is not set."""
        return self.values.get(name) is True


def read(raw: bytes | msgspec.Raw) -> Read | None:
    """Read a record; None for what is no object at all (`unreadable` then says what may be kept of it)."""
    try:
        fields = _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    customer = Read(_id(fields.pop("id", None)))
    for name in sorted(fields):
        if "passw" in name.lower() or _SECRET_NAME.search(_text_of(fields[name])):
            customer.warnings.append(f"the field {name} holds a secret and was left out")
        elif name in FIELDS:
            _take(customer, name, fields[name])
        else:
            customer.extra[name] = fields[name]
    level = customer.text("priority_support").lower()
    if level not in _LEVELS and level not in _NO_LEVEL:
        customer.warnings.append(f"priority_support {level[:40]!r} is unknown")
    return customer


def unreadable(raw: bytes | msgspec.Raw) -> bytes:
    """A record that could not be read, as it may be kept for a person to look at."""
    return msgspec.json.encode({"unreadable": REDACTOR.redact(_text_of(raw))})


def support_level(value: Any) -> str | None:
    """One spelling of a level of support, None for none and for unknown ones."""
    return _LEVELS.get(value.strip().lower()) if isinstance(value, str) else None


def compose(id_: str, values: Mapping[str, Any], extra: Mapping[str, Any], found: Mapping[str, Any]) -> bytes:
    """The record to land: always written the same way, so that equal customers are equal bytes."""
    own = {**found, "support_level": support_level(values.get("priority_support"))}
    known = {name: values[name] for name in FIELDS if name in values}
    rest = {name: extra[name] for name in sorted(extra)}
    return msgspec.json.encode({**rest, "id": id_, **known, "landfall": own})


def _take(customer: Read, name: str, raw: msgspec.Raw) -> None:
    value = _scalar(raw)
    if name in FLAGS:
        _take_flag(customer, name, raw, value)
    elif isinstance(value, msgspec.Raw):
        customer.values[name] = value  # no scalar: the landing says what is wrong with it
    elif name in NUMBERS:
        customer.values[name] = _number(value)
    else:
        customer.values[name] = value


def _take_flag(customer: Read, name: str, raw: msgspec.Raw, value: Any) -> None:
    spelled = value.strip().lower() if isinstance(value, str) else "?"
    # Whatever is not plainly "no" counts as set: an ITAR customer must not be looked up because of a spelling.
    customer.values[name] = None if value is None else spelled not in _NO
    if value is not None and spelled not in _NO | _YES:
        customer.extra[name + SUFFIX] = raw
        customer.warnings.append(f"{name} is neither yes nor no: {_text_of(raw)[:40]}")


def _scalar(raw: msgspec.Raw) -> Any:
    """Text as text, true and false and numbers as they are written, None for null; the raw value for all else."""
    text = _text_of(raw)
    if text[:1] in "{[":
        return raw
    if text[:1] == '"':
        try:
            return msgspec.json.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return raw
    return None if text == "null" else text


def _number(text: str | None) -> Any:
    """A number as written, None for blank; other text is left for the landing to refuse."""
    if text is None or not text.strip():
        return None
    return msgspec.Raw(text.strip().encode()) if re.fullmatch(r"\s*-?(0|[1-9][0-9]*)\s*", text) else text


def _id(raw: msgspec.Raw | None) -> str:
    value = _scalar(raw) if raw is not None else None
    return value.strip() if isinstance(value, str) and value not in ("true", "false") else ""


def _text_of(raw: bytes | msgspec.Raw) -> str:
    return bytes(raw).decode("utf-8", "replace").strip()
