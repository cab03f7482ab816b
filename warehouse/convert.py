"""Values that are made of what the source wrote, as `connectors.stream.Convert` declares them.

A column's converter takes the values that its paths hold (as `warehouse.coerce.parse_json` gives them) and answers the
column's text, or None for no value. The careful way calls it for every record, the fast way for every value that it has
not met lately: one meaning, two speeds.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from warehouse.coerce import COERCE, MAX_DIGITS, Number, kind_of, to_number
from warehouse.errors import BadDate, BadNumber, BadRow

# Told of each value that a value map does not list: the column, the value.
Note = Callable[[str, str], None]
Converter = Callable[[Sequence[Any], Note], str | None]
Step = Callable[[Any], str]

_EXACT = Context(prec=4 * MAX_DIGITS)
_EPOCH = datetime(1970, 1, 1)
_ODATA = re.compile(
    r"/Date\((-?[0-9]{1,18})([+-][0-9]{4})?\)/(?:.?PT(?:([0-9]{1,2})H)?(?:([0-9]{1,2})M)?(?:([0-9]{1,2}(?:\.[0-9]{1,9})?)S)?)?"
)


class ConvertLike(Protocol):
    """What the warehouse needs to know of a conversion (see connectors.stream.Convert)."""

    def __hash__(self) -> int: ...
    @property
    def paths(self) -> tuple[str, ...]: ...
    @property
    def join(self) -> str | None: ...
    @property
    def constant(self) -> str | None: ...
    @property
    def trim(self) -> bool: ...
    @property
    def values(self) -> tuple[tuple[str, str | None], ...]: ...
    @property
    def nulls(self) -> tuple[str, ...]: ...
    @property
    def default(self) -> str | None: ...
    @property
    def unknown(self) -> str: ...
    @property
    def format(self) -> str | None: ...
    @property
    def zone(self) -> str | None: ...
    @property
    def decimal(self) -> str | None: ...
    @property
    def group(self) -> str: ...
    @property
    def scale(self) -> str | None: ...
    @property
    def texts(self) -> bool: ...


@lru_cache(4096)
def single(name: str, python: Any, convert: ConvertLike) -> Callable[[Any, Note], str | None]:
    """The converter of one value, once it has been chosen or joined; without the default."""
    typed = _typed(python, convert)
    given = COERCE.get(python, str)
    listed = {source: None if to is None else given(to) for source, to in convert.values}
    nulls = frozenset(convert.nulls)

    def one(value: Any, note: Note) -> str | None:
        if convert.trim and type(value) is str:
            value = value.strip()
        if value is None:
            return None
        word = _word(value)
        if listed and word in listed:
            return listed[word]
        if word in nulls:
            return None
        if listed:
            if convert.unknown == "reject":
                raise BadRow(f"{word[:40]!r} is not among the values that the mapping lists")
            note(name, word)
        return typed(value)

    return one


@lru_cache(4096)
def converter(name: str, python: Any, convert: ConvertLike) -> Converter:
    """The converter of a column of that name and type; it raises a `RecordError` for what it cannot read."""
    one = single(name, python, convert)
    given = COERCE.get(python, str)
    default = None if convert.default is None else given(convert.default)
    choose = [_chooser(path) for path in convert.paths]
    optional = [path.endswith("?") for path in convert.paths]

    def convert_(values: Sequence[Any], note: Note) -> str | None:
        chosen = [way(value) for way, value in zip(choose, values, strict=True)]
        if convert.join is not None:
            chosen = [_joined(chosen, optional, convert, escape=python is str and convert.join == "|")]
        for value in chosen:
            made = one(value, note)
            if made is not None:
                return made
        return default

    if convert.constant is not None:
        constant = given(convert.constant)
        return lambda _values, _note: constant
    return convert_


def base(path: str) -> str:
    """The part of a path that names the value in the record, before a choice from a list."""
    return path.removesuffix("?").removeprefix("^").partition("[")[0]


def folds(convert: ConvertLike) -> bool:
    """Whether two records may become equal by it that are not, beyond blanks and what means no value."""
    targets = [to for _, to in convert.values]
    several = len(convert.paths) > 1 and convert.join is None
    return several or any("[" in path for path in convert.paths) or len(set(targets)) < len(targets)


def choice(path: str) -> tuple[str, str | None, tuple[str, ...]]:
    """Of a path that chooses from a list: name and value to match (a position and None), and the way on from there."""
    condition, _, after = path.removesuffix("?").partition("[")[2].partition("]")
    key, equal, wanted = condition.partition("=")
    inner = tuple(part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", after.removeprefix(".")))
    return key, wanted if equal else None, inner


def _chooser(path: str) -> Callable[[Any], Any]:
    """From the value at the base of a path to the one that the path means."""
    if "[" not in path:
        return lambda value: value
    key, wanted, inner = choice(path)

    def fits(position: int, element: Any) -> bool:
        if wanted is None:
            return position == int(key)
        held = element.get(key) if isinstance(element, dict) else None
        return held is not None and not isinstance(held, dict | list) and _word(held) == wanted

    def choose(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            raise BadRow(f"{kind_of(value)} where a list belongs")
        found = next((element for position, element in enumerate(value) if fits(position, element)), None)
        for part in inner:
            found = found.get(part) if isinstance(found, dict) else None
        return found

    return choose


def _word(value: Any) -> str:
    """A value as the source wrote it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise BadRow(f"{kind_of(value)} where one value belongs")
    return str(value)


def _joined(values: Sequence[Any], optional: Sequence[bool], convert: ConvertLike, *, escape: bool) -> str | None:
    if any(value is None and not may_lack for value, may_lack in zip(values, optional, strict=True)):
        return None
    words = []
    for value in values:
        word = "" if value is None else _word(value)
        word = word.strip() if convert.trim else word
        if escape:
            word = word.replace("%", "%25").replace("|", "%7C")
        words.append(word)
    return (convert.join or "").join(words) if any(words) else None


def _typed(python: Any, convert: ConvertLike) -> Step:
    if python is Decimal:
        return _number_step(convert)
    if python is date:
        return lambda value: _day(value, convert)
    if python is datetime:
        zone = None if convert.zone is None else ZoneInfo(convert.zone)
        return lambda value: _instant(value, convert, zone)
    step: Step = COERCE.get(python, str)
    return step


def _number_step(convert: ConvertLike) -> Step:
    read = to_number if convert.decimal is None else _written_number(convert.decimal, convert.group)
    if convert.scale is None:
        return read
    factor = Decimal(convert.scale)
    return lambda value: to_number(str(_EXACT.multiply(Decimal(read(value)), factor)))


def _written_number(decimal: str, group: str) -> Step:
    """Numbers that are texts, exactly in the notation that was declared; real numbers are read as they are."""
    grouped = f"|[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}})+" if group else ""
    notation = re.compile(rf"([+-]?)([0-9]+{grouped})?(?:{re.escape(decimal)}([0-9]*))?(-?)")

    def read(value: Any) -> str:
        if not isinstance(value, str) or isinstance(value, Number):
            return to_number(value)
        found = notation.fullmatch(value.strip())
        if found is None or not (found[2] or found[3]) or (found[1] and found[4]):
            raise BadNumber(f"{value[:40]!r} is no number with {decimal!r} before the decimals")
        whole = (found[2] or "0").replace(group, "") if group else found[2] or "0"
        return to_number(
            f"{found[4] or found[1]}{whole}.{found[3] or '0'}" if found[3] else f"{found[4] or found[1]}{whole}"
        )

    return read


def _day(value: Any, convert: ConvertLike) -> str:
    """The day as it is written, whatever time or offset stands beside it."""
    moment, offset = _moment(value, convert, "date")
    try:
        return (moment.replace(tzinfo=None) + timedelta(minutes=offset)).date().isoformat()
    except OverflowError:
        raise BadDate(f"{str(value)[:40]!r} lies outside the years 1 to 9999") from None


def _instant(value: Any, convert: ConvertLike, zone: ZoneInfo | None) -> str:
    moment, _ = _moment(value, convert, "time")
    if moment.tzinfo is None:
        if zone is None:
            raise BadDate(f"{str(value)[:40]!r} has no time zone, so it is unknown which moment it means")
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:
        raise BadDate(f"{str(value)[:40]!r} lies outside the years 1 to 9999 in UTC") from None


def _moment(value: Any, convert: ConvertLike, what: str) -> tuple[datetime, int]:
    """The time that a text means, naive where it has no offset, and the minutes from it to the day as written."""
    pattern = convert.format or "iso"
    try:
        if not isinstance(value, str) or (isinstance(value, Number) and "%" not in pattern):
            raise BadDate(f"{kind_of(value)} is no {what}")
        if "%" in pattern:
            return datetime.strptime(value.strip(), pattern), 0
        if pattern == "odata" and (found := _ODATA.fullmatch(value)):
            return _odata(found)
        return datetime.fromisoformat(value), 0
    except (ValueError, OverflowError):
        raise BadDate(f"{str(value)[:40]!r} is no {what}") from None


def _odata(found: re.Match[str]) -> tuple[datetime, int]:
    """``/Date(ms)/`` has no zone; with an offset (minutes) the milliseconds are UTC's. Source: OData v2, JSON format."""
    milliseconds, offset, hours, minutes, seconds = found.groups()
    microseconds = int(milliseconds) * 1000 + int(Decimal(seconds or 0) * 1_000_000)
    moment = _EPOCH + timedelta(hours=int(hours or 0), minutes=int(minutes or 0), microseconds=microseconds)
    return (moment, 0) if offset is None else (moment.replace(tzinfo=UTC), int(offset))
