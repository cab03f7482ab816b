"""Any conversion of any value: fast, careful and a slow, obvious reading of the declaration agree.

LANDFALL_EXAMPLES multiplies the examples (default 1, for an ordinary run).
"""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.stream import Convert
from tests.warehouse.converted import rows, stream

TIMES = int(os.environ.get("LANDFALL_EXAMPLES", "1"))
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None, "derandomize": TIMES == 1}
BERLIN = ZoneInfo("Europe/Berlin")

WORDS = st.sampled_from(
    ["A", "B", "", " A ", "Z", "true", "0", "-", "1,5", "1.5", "1.234,5", "\\N", "\t", "é", "0001-01-01"]
)
MOMENTS = st.sampled_from(
    ["/Date(0)/", "/Date(1+0000)/", "2026-01-31", "2026-01-31T08:00:00", "2026-01-31T08:00:00Z", "31.01.2026"]
)
VALUES = (
    WORDS
    | MOMENTS
    | st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.just([1])
    | st.just({"a": 1})
    | st.text(max_size=4)
)
CONVERTS = st.builds(
    Convert,
    paths=st.sampled_from([("a",), ("b",), ("a", "b")]),
    join=st.sampled_from([None, None, None, "|", "T"]),
    trim=st.booleans(),
    values=st.sampled_from([(), (), (("A", "true"), ("", "false")), (("true", "true"), ("0", None))]),
    nulls=st.sampled_from([(), ("",), ("", "0"), ("-", "0001-01-01", "2026-01-31T08:00:00Z")]),
    default=st.none(),
    unknown=st.sampled_from(["keep", "reject"]),
    format=st.sampled_from([None, "iso", "odata", "%d.%m.%Y"]),
    zone=st.sampled_from([None, "Europe/Berlin"]),
    decimal=st.sampled_from([None, ",", "."]),
    scale=st.sampled_from([None, "0.01"]),
    texts=st.booleans(),
)
TYPES = st.sampled_from([str, Decimal, bool, date, datetime])


def reference(python: Any, convert: Convert, values: dict[str, Any]) -> Any:
    """What a column means, slowly: a Python value, None, or ValueError for a record that cannot land."""
    found = [values.get(path) for path in convert.paths]
    if convert.join is not None:
        if any(value is None for value in found):
            return None
        parts = [_word(value) for value in found]
        parts = [part.strip() for part in parts] if convert.trim else parts
        if python is str and convert.join == "|":
            parts = [part.replace("%", "%25").replace("|", "%7C") for part in parts]
        found = [convert.join.join(parts)] if any(parts) else [None]
    for value in found:
        made = _meaning(python, convert, value)
        if made is not None:
            return made
    return None


def _meaning(python: Any, convert: Convert, value: Any) -> Any:
    if value is None:
        return None
    if convert.trim and isinstance(value, str):
        value = value.strip()
    word = _word(value)
    known = dict(convert.values)
    if word in known:
        return _typed(python, replace(Convert()), known[word])
    if word in convert.nulls:
        return None
    if known and convert.unknown == "reject":
        raise ValueError
    return _typed(python, convert, value)


def _typed(python: Any, convert: Convert, value: Any) -> Any:
    if value is None:
        return None
    if python is str:
        return _word(value)
    if python is bool:
        if value not in (True, False, "true", "false") or type(value) is int:
            raise ValueError
        return value in (True, "true")
    if python is Decimal:
        return _number(convert, value)
    return _time(python, convert, value)


def _number(convert: Convert, value: Any) -> Decimal:
    if type(value) not in (str, int):
        raise ValueError
    text = str(value)
    if convert.decimal is not None and isinstance(value, str):
        text = text.strip()
        if text.endswith("-") and not text.startswith(("+", "-")):
            text = f"-{text[:-1]}"
        sign, digits = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
        whole, _, rest = digits.partition(convert.decimal)
        if not (whole + rest) or not (whole + rest).isascii() or not (whole + rest).isdigit():
            raise ValueError
        text = f"{sign}{whole or '0'}.{rest or '0'}"
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise ValueError from None
    if not number.is_finite():
        raise ValueError
    return number * Decimal(convert.scale or 1)


def _time(python: Any, convert: Convert, value: Any) -> Any:
    numeric = isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(value, str) and not (numeric and convert.format == "%d.%m.%Y"):
        raise ValueError
    text = str(value)
    if convert.format == "%d.%m.%Y":
        moment = datetime.strptime(text.strip(), "%d.%m.%Y")
    elif convert.format == "odata" and text.startswith("/Date("):
        number, plus, _ = text.removeprefix("/Date(").partition(")")[0].partition("+")
        moment = datetime(1970, 1, 1) + timedelta(milliseconds=int(number))
        if not text.endswith(")/"):
            raise ValueError
        moment = moment.replace(tzinfo=UTC) if plus else moment
    else:
        moment = datetime.fromisoformat(text)
    if python is date:
        return moment.date()
    if moment.tzinfo is None:
        if convert.zone is None:
            raise ValueError
        moment = moment.replace(tzinfo=BERLIN)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError from None


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if type(value) not in (str, int):
        raise ValueError
    return str(value)


def _read(python: Any, field: str) -> Any:
    """A COPY field back as a value."""
    if field == "\\N":
        return None
    if python is str:
        return field.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r").replace("\\\\", "\\")
    readers: dict[Any, Any] = {
        Decimal: Decimal, bool: lambda text: text in ("t", "true", "True"), date: date.fromisoformat,
        datetime: datetime.fromisoformat,
    }  # fmt: skip
    return readers[python](field)


@settings(max_examples=150 * TIMES, **QUIET)
@given(kinds=st.lists(st.tuples(TYPES, CONVERTS), min_size=1, max_size=3), records=st.lists(
    st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES}), min_size=1, max_size=4))  # fmt: skip
def test_whatever_is_declared_means_what_it_says(
    kinds: list[tuple[Any, Convert]], records: list[dict[str, Any]]
) -> None:
    """Any conversion of any value: fast, careful and the slow, obvious reading agree."""
    kinds = [(python, convert if python in (str, bool) else replace(convert, values=())) for python, convert in kinds]
    made = stream(**{f"c{number}": (python, convert) for number, (python, convert) in enumerate(kinds)})
    texts = [{"id": "1"} | record for record in records]
    fast, careful = rows(made, *texts), rows(made, *texts, carefully=True)
    for record, quick, slow in zip(records, fast, careful, strict=True):
        try:
            wanted = [reference(python, convert, record) for python, convert in kinds]
        except ValueError:
            assert {quick[0][:3], slow[0][:3]} == {"Bad"}, (record, quick, slow)
            continue
        for found in (quick, slow):
            assert len(found) == len(kinds) + 1, (record, found)
            got = [_read(python, field) for (python, _), field in zip(kinds, found, strict=False)]
            assert got == wanted, (record, found)
        assert quick[-1] == slow[-1]
