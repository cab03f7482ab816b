"""From a value of a JSON record to the text of a column, by the column's type; a `RecordError` where it does not fit."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from warehouse.errors import BadDate, BadNumber, BadRow
from warehouse.numbers import PLAIN

MAX_DIGITS = 1000  # more than any amount needs; numeric itself would take 131,072
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # what Postgres takes in no text


class Number(str):
    """A JSON number, exactly as written."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=Number, strict=False)


def parse_json(text: bytes | memoryview) -> Any:
    """Decode JSON with numbers kept as written; raises ValueError or RecursionError."""
    return _DECODER.decode(bytes(text).decode("utf-8", "surrogatepass"))


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, Number):
        return "a number"
    names = {str: "text", bool: "true or false", dict: "an object", list: "a list", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def to_text(value: Any) -> str:
    """Text; true and false as such."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise BadRow(f"{kind_of(value)} in a text column")
    return str(value)


def to_number(value: Any) -> str:
    """An exact number, finite and of at most 1,000 digits."""
    if not isinstance(value, str):
        raise BadNumber(f"{kind_of(value)} is no number")
    if len(value) > MAX_DIGITS:
        raise BadNumber(f"a number of {len(value)} characters")
    if not PLAIN(value):
        raise BadNumber(f"{value[:40]!r} is no number")
    try:
        number = Decimal(value)
    except InvalidOperation:  # an exponent beyond all measure
        raise BadNumber(f"{value[:40]!r} is no number") from None
    if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
        raise BadNumber(f"{value[:40]!r} is not a finite number of at most {MAX_DIGITS} digits")
    return str(number)


def to_bool(value: Any) -> str:
    """True or false."""
    if isinstance(value, bool):
        return "t" if value else "f"
    if value in ("true", "false"):
        return str(value)
    raise BadRow(f"{kind_of(value)} is neither true nor false")


def to_date(value: Any) -> str:
    """A day."""
    try:
        day = date.fromisoformat("" if isinstance(value, Number) else value)
    except (TypeError, ValueError):
        raise BadDate(f"{str(value)[:40]!r} is no date") from None
    return day.isoformat()


def to_time(value: Any) -> str:
    """A moment, in UTC."""
    try:
        moment = datetime.fromisoformat("" if isinstance(value, Number) else value)
    except (TypeError, ValueError):
        raise BadDate(f"{str(value)[:40]!r} is no time") from None
    if moment.tzinfo is None:
        raise BadDate(f"{value[:40]!r} has no time zone, so it is unknown which moment it means")
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:
        raise BadDate(f"{value[:40]!r} lies outside the years 1 to 9999 in UTC") from None


# What a value becomes in a column of a type.
COERCE: dict[Any, Callable[[Any], str]] = {
    str: to_text, Decimal: to_number, int: to_number, bool: to_bool, date: to_date, datetime: to_time,
}  # fmt: skip
