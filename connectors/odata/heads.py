"""What paging must know of a record: its key and the time of its last change. Everything else stays undecoded."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec

from connectors.odata.envelope import parse

_VERBOSE = re.compile(r"/Date\((-?\d{1,18})(?:[+-]\d{1,4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Head(msgspec.Struct, frozen=True, gc=False):
    """The key's values in the order of the key, each '' where the record does not tell; ``changed`` likewise None."""

    key: tuple[str, ...]
    changed: datetime | None = None

    @property
    def identity(self) -> str:
        """The key as one text."""
        return self.key[0] if len(self.key) == 1 else "\x1f".join(self.key)


@cache
def reader(key: Sequence[str], changed: str) -> Callable[[msgspec.Raw], Head]:
    """A function that reads heads of records with this key and this field of the last change ('': there is none)."""
    wanted: list[Any] = [(f"k{n}", Any, msgspec.field(default=None, name=name)) for n, name in enumerate(key)]
    if changed and changed not in key:
        wanted.append(("changed", Any, msgspec.field(default=None, name=changed)))
    decode = msgspec.json.Decoder(msgspec.defstruct("_Wanted", wanted)).decode
    names = [f"k{n}" for n in range(len(key))]

    def head(record: msgspec.Raw) -> Head:
        try:
            found = decode(record)
        except (msgspec.DecodeError, RecursionError):
            return _with_care(record, key, changed)
        values = tuple([_text(getattr(found, name)) for name in names])
        return Head(values, moment(getattr(found, "changed", None)))

    return head


def _with_care(record: msgspec.Raw, key: Sequence[str], changed: str) -> Head:
    value = parse(record)
    fields = value if isinstance(value, dict) else {}
    return Head(tuple(_text(fields.get(name)) for name in key), moment(fields.get(changed)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None or isinstance(value, bool) else str(value)


def moment(value: Any) -> datetime | None:
    """A time as versions 2 (milliseconds since 1970 in UTC; an offset beside them says where, not when) and 4 write it.

    None if it is none, lies outside of what a computer can tell, or has no zone and so could mean several.
    """
    if not isinstance(value, str):
        return None
    verbose = _VERBOSE.fullmatch(value)
    try:
        if verbose:
            return _EPOCH + timedelta(milliseconds=int(verbose[1]))
        found = datetime.fromisoformat(value)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else None
