"""``$filter`` and ``$orderby`` of OData 2, 3 and 4, as far as programs that read use them.

A condition becomes a function of a record. Comparisons go through the set's collation, since a database orders its keys
in its own way and not as texts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

Record = Mapping[str, Any]
Collate = Callable[[str, Any], Any]

_TOKEN = re.compile(
    r"\s*(?:(?P<close>[(),])"
    r"|(?P<kind>datetimeoffset|datetime|guid|time)'(?P<typed>[^']*)'"
    r"|'(?P<text>(?:[^']|'')*)'"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<number>-?\d+(?:\.\d+)?)[mMdDfFL]?(?![\w-])"
    r"|(?P<name>[^\W\d][\w/]*))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a is not None and b is not None and a > b,
    "ge": lambda a, b: a is not None and b is not None and a >= b,
    "lt": lambda a, b: a is not None and b is not None and a < b,
    "le": lambda a, b: a is not None and b is not None and a <= b,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "substringof": lambda part, whole: part in whole,
    "contains": lambda whole, part: part in whole,
    "startswith": lambda whole, part: whole.startswith(part),
    "endswith": lambda whole, part: whole.endswith(part),
}
NEWER = ("contains",)  # functions that version 4 brought
OLDER = ("substringof",)  # and took away


class BadFilter(ValueError):
    """The text is no condition that this service understands."""


@dataclass
class Condition:
    """What a filter means; ``above`` maps fields to (whether the value itself is meant too, the value) where it says so."""

    test: Callable[[Record], bool]
    above: dict[str, tuple[bool, Any]] = field(default_factory=dict)


def parse(text: str, fields: Mapping[str, str], collate: Collate, version: str) -> Condition:
    """Read a filter over records with these fields; raises `BadFilter`."""
    reader = _Reader(text, fields, collate, version)
    condition = reader.either()
    if reader.tokens:
        raise BadFilter(f"{reader.tokens[0][1]!r} is not expected there")
    return condition


class _Reader:
    """Reads from the weakest operator to the strongest: or, and, not, comparison."""

    def __init__(self, text: str, fields: Mapping[str, str], collate: Collate, version: str) -> None:
        self.fields, self.collate, self.version = fields, collate, version
        self.tokens: list[tuple[str, Any]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise BadFilter(f"invalid token at position {at}")
            self.tokens.append(_token(found))
            at = found.end()

    def take(self, value: str) -> bool:
        if self.tokens and self.tokens[0] == ("name", value):
            self.tokens.pop(0)
            return True
        return False

    def expect(self, mark: str) -> None:
        if not self.tokens or self.tokens.pop(0) != ("close", mark):
            raise BadFilter(f"{mark!r} is missing")

    def either(self) -> Condition:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Condition(lambda record: any(part.test(record) for part in parts))

    def both(self) -> Condition:
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        if len(parts) == 1:
            return parts[0]
        above = {name: bound for part in parts for name, bound in part.above.items()}
        return Condition(lambda record: all(part.test(record) for part in parts), above)

    def one(self) -> Condition:
        if self.take("not"):
            inner = self.one()
            return Condition(lambda record: not inner.test(record))
        if self.tokens[:1] == [("close", "(")]:
            self.tokens.pop(0)
            inner = self.either()
            self.expect(")")
            return inner
        kind, value = self.tokens.pop(0) if self.tokens else ("", "")
        if kind == "name" and self.tokens[:1] == [("close", "(")]:
            return self.function(value)
        if kind != "name":
            raise BadFilter(f"{value!r} is no property")
        return self.comparison(value)

    def comparison(self, name: str) -> Condition:
        if name not in self.fields:
            raise BadFilter(f"there is no property {name!r}")
        operator = self.tokens.pop(0)[1] if self.tokens else ""
        if operator not in _COMPARE or not self.tokens:
            raise BadFilter(f"{operator!r} is no comparison")
        kind, value = self.tokens.pop(0)
        self.check(name, kind, value)
        wanted, compare, collate = self.collate(name, value), _COMPARE[operator], self.collate
        above = {name: (operator == "ge", wanted)} if operator in ("gt", "ge") else {}
        return Condition(lambda record: compare(collate(name, _moment_of(record.get(name))), wanted), above)

    def check(self, name: str, kind: str, value: Any) -> None:
        """Services compare like with like only."""
        edm = self.fields[name]
        wanted = {
            "Edm.String": ("text",),
            "Edm.Guid": ("guid",),
            "Edm.DateTimeOffset": ("datetimeoffset",) if self.version != "4.0" else ("moment",),
            "Edm.DateTime": ("datetime",),
            "Edm.Date": ("moment",),
        }.get(edm)
        if value is not None and wanted is not None and kind not in wanted:
            raise BadFilter(f"operator is not defined for {edm} and {kind}")

    def function(self, name: str) -> Condition:
        if name not in _FUNCTIONS or name in (OLDER if self.version == "4.0" else NEWER):
            raise BadFilter(f"there is no function {name!r}")
        self.expect("(")
        first = self.tokens.pop(0)
        self.expect(",")
        second = self.tokens.pop(0)
        self.expect(")")
        if self.take("eq") and (not self.tokens or self.tokens.pop(0) != ("literal", True)):
            raise BadFilter("only 'eq true' may follow a function")

        def value(token: tuple[str, Any], record: Record) -> str:
            return str(record.get(token[1]) or "") if token[0] == "name" else str(token[1])

        call = _FUNCTIONS[name]
        return Condition(lambda record: call(value(first, record), value(second, record)))


def _token(found: re.Match[str]) -> tuple[str, Any]:
    kind = found.lastgroup or ""
    text = found[kind]
    if kind == "typed":
        kind = found["kind"]
        return kind, _moment(text) if kind.startswith("datetime") else text.lower()
    if kind == "text":
        return kind, text.replace("''", "'")
    if kind == "moment":
        return kind, _moment(text)
    if kind == "number":
        return kind, Decimal(text)
    if kind == "name" and text in ("true", "false", "null"):
        return "literal", {"true": True, "false": False, "null": None}[text]
    return kind, text


def _moment_of(value: Any) -> Any:
    """A day as the moment that it begins with, as services compare it; anything else as it is."""
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    return datetime(value.year, value.month, value.day) if is_day else value


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadFilter(f"{text!r} is no date") from error
    return found.astimezone(UTC) if found.tzinfo else found
