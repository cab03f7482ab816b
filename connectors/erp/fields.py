"""One field of a mapping: what it may say for a column of which type, and what that means."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, Literal
from zoneinfo import available_timezones

import msgspec

from connectors.erp.document import Complaints, Mark, Part
from connectors.stream import Convert

KINDS: Mapping[Any, str] = {
    str: "text", Decimal: "number", bool: "yes or no", dt.date: "date", dt.datetime: "time", msgspec.Raw: "JSON",
}  # fmt: skip
EVERYWHERE = {"from", "constant", "default", "nulls", "trim", "texts"}
ALLOWED: Mapping[Any, set[str]] = {
    str: EVERYWHERE | {"join", "separator", "values", "unknown"},
    Decimal: EVERYWHERE | {"decimal", "group", "scale"},
    bool: EVERYWHERE | {"values", "unknown"},
    dt.date: EVERYWHERE | {"join", "separator", "format"},
    dt.datetime: EVERYWHERE | {"join", "separator", "format", "zone"},
    msgspec.Raw: {"from"},
}
SEPARATOR = "|"

_SEGMENT = r"(?:[^.\\\[\]?^#$]|\\\.)(?:[^.\\\[\]?]|\\\.)*"
_PATH = re.compile(rf"\^?{_SEGMENT}(?:\.{_SEGMENT})*(?:\[(?:[^\[\]=]+=[^\[\]]*|[0-9]+)\](?:\.{_SEGMENT})+)?\??")


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every field unless the field says otherwise."""

    nulls: tuple[str, ...] = ()
    trim: bool = False
    zone: str | None = None
    texts: bool = False


@dataclass(frozen=True, slots=True)
class Bound:
    """A field of a mapping: what it means, and where each of its paths stands."""

    at: Mark
    convert: Convert
    paths: tuple[tuple[Mark, str], ...]


class Reader:
    """Reads one field; ``words`` are the only ones that its value map may give, where there are such."""

    def __init__(self, python: Any, *, key: bool, line: bool, words: Collection[str], complaints: Complaints) -> None:
        self.python, self.key, self.line, self.words, self.complaints = python, key, line, words, complaints

    def read(self, part: Part, rules: Rules) -> Bound | None:
        """What the field means; None, with complaints, where it has mistakes."""
        before = len(self.complaints)
        said = part.members() if isinstance(part.value, dict) else {"from": part}
        for name, inner in said.items():
            if name not in ALLOWED[self.python]:
                self.complaints.say(inner.at, unknown(name, ALLOWED[self.python], f"a {KINDS[self.python]} field"))
        paths = [*self._paths(said, "from"), *self._paths(said, "join")]
        if ("from" in said) + ("join" in said) + ("constant" in said) != 1:
            self.complaints.say(part.at, "says one of from, join and constant")
        convert = self._convert(said, tuple(path for _, path in paths), Rules() if self.key else rules)
        self._check(part.at, said, convert)
        return Bound(part.at, convert, tuple(paths)) if len(self.complaints) == before else None

    def _convert(self, said: Mapping[str, Part], paths: tuple[str, ...], rules: Rules) -> Convert:
        json = self.python is msgspec.Raw or "constant" in said
        nulls = self._texts(said, "nulls") if "nulls" in said else () if json or "join" in said else rules.nulls
        unknown_: Literal["keep", "reject"] = (
            "reject" if self._choice(said, "unknown", ("keep", "reject")) == "reject" else "keep"
        )
        return Convert(
            paths=paths,
            join=(self._text(said, "separator") or SEPARATOR) if "join" in said else None,
            constant=self._text(said, "constant"),
            trim=self._flag(said, "trim", rules.trim and not json),
            values=self._values(said),
            nulls=nulls,
            default=self._text(said, "default"),
            unknown=unknown_,
            format=self._text(said, "format"),
            zone=self._text(said, "zone") or (rules.zone if self.python is dt.datetime and not json else None),
            decimal=self._text(said, "decimal"),
            group=self._text(said, "group") or "",
            scale=self._text(said, "scale"),
            texts=self._flag(said, "texts", rules.texts and self.python is not str and not json),
        )

    def _paths(self, said: Mapping[str, Part], name: str) -> list[tuple[Mark, str]]:
        if name not in said:
            return []
        part = said[name]
        parts = part.value if isinstance(part.value, list) else [part]
        found = []
        for each in parts:
            path = each.value
            if not isinstance(path, str) or not _PATH.fullmatch(path):
                self.complaints.say(each.at, "is no path; one is like Name, Outer.Inner or Names[Language=EN].Text")
            elif path.startswith("^") and not self.line:
                self.complaints.say(each.at, "^ reads from the record that a line belongs to; this is no line")
            elif path.endswith("?") and name != "join":
                self.complaints.say(each.at, "? stands only in join; elsewhere every path may be absent")
            else:
                found.append((each.at, path))
        if not parts:
            self.complaints.say(part.at, "names no path")
        if len(parts) > 1 and self.python is msgspec.Raw:
            self.complaints.say(part.at, "a JSON field is read from one path")
        return found

    def _check(self, at: Mark, said: Mapping[str, Part], convert: Convert) -> None:
        where = {name: inner.at for name, inner in said.items()}
        if convert.values and self.words:
            for inner in said["values"].members().values():
                if isinstance(inner.value, str | bool) and (to := _word(inner.value)) not in self.words:
                    self.complaints.say(inner.at, unknown(to or "", self.words, "this field"))
        if "unknown" in said and not convert.values:
            self.complaints.say(where["unknown"], "unknown says what becomes of values that `values` does not list")
        if self.python is bool:
            for _, to in convert.values:
                if to not in ("true", "false", None):
                    self.complaints.say(where["values"], f"{to} is neither true nor false")
        for name in ("constant", "default"):
            text = getattr(convert, name)
            if text is not None and (mistake := _mistake(self.python, text)):
                self.complaints.say(where[name], mistake)
        if convert.zone is not None and convert.zone not in available_timezones():
            self.complaints.say(where.get("zone", at), f"{convert.zone} is no IANA time zone, such as Europe/Berlin")
        if convert.format not in (None, "iso", "odata"):
            self._check_pattern(where["format"], convert)
        if self.key and convert.join not in (None, SEPARATOR):
            self.complaints.say(where.get("separator", at), "a key is joined with |, so that no two become one")
        if convert.scale is not None and _mistake(Decimal, convert.scale):
            self.complaints.say(where["scale"], f"{convert.scale} is no number")
        for name in ("decimal", "group"):
            if name in said and (len(mark := getattr(convert, name) or "") != 1 or mark.isdigit()):
                self.complaints.say(where[name], "is one character, no digit")
        if convert.group and convert.decimal in (None, convert.group):
            self.complaints.say(where["group"], "needs `decimal` beside it, which is another character")

    def _check_pattern(self, at: Mark, convert: Convert) -> None:
        pattern = convert.format or ""
        moment = dt.datetime(2026, 11, 25, 21, 47, 58, tzinfo=dt.UTC)
        if "%" not in pattern:
            self.complaints.say(at, "is no format: iso, odata, or a pattern of strptime such as %d.%m.%Y")
            return
        try:
            read = dt.datetime.strptime(moment.strftime(pattern), pattern)
        except ValueError as error:
            self.complaints.say(at, f"is no format: iso, odata, or a pattern of strptime such as %d.%m.%Y ({error})")
            return
        if read.date() != moment.date():
            self.complaints.say(at, "a format says year, month and day, such as %d.%m.%Y")
        elif self.python is dt.datetime and read.tzinfo is None and convert.zone is None:
            self.complaints.say(at, "these times have no zone: say which one in `zone`")

    def _values(self, said: Mapping[str, Part]) -> tuple[tuple[str, str | None], ...]:
        if "values" not in said:
            return ()
        part, found = said["values"], []
        for name, inner in part.members().items():
            to = inner.value
            if isinstance(to, list | dict):
                self.complaints.say(inner.at, "a value map gives texts")
            else:
                found.append((name, _word(to)))
        if not part.members():
            self.complaints.say(part.at, "is a map, such as {A: open, B: completed}")
        return tuple(found)

    def _text(self, said: Mapping[str, Part], name: str) -> str | None:
        if name not in said:
            return None
        value = said[name].value
        if value is None or isinstance(value, list | dict):
            self.complaints.say(said[name].at, f"{name} is a text")
            return None
        return _word(value)

    def _texts(self, said: Mapping[str, Part], name: str) -> tuple[str, ...]:
        return texts(said[name], name, self.complaints)

    def _flag(self, said: Mapping[str, Part], name: str, default: bool) -> bool:
        if name not in said:
            return default
        return flag(said[name], name, self.complaints)

    def _choice(self, said: Mapping[str, Part], name: str, choices: Collection[str]) -> str | None:
        text = self._text(said, name)
        if text is not None and text not in choices:
            self.complaints.say(said[name].at, f"{name} is {' or '.join(choices)}")
        return text


def texts(part: Part, name: str, complaints: Complaints) -> tuple[str, ...]:
    """A list of texts; a complaint where it is none."""
    if not isinstance(part.value, list) or any(isinstance(each.value, list | dict) for each in part.value):
        complaints.say(part.at, f"{name} is a list of texts")
        return ()
    return tuple(_word(each.value) or "" for each in part.value if not isinstance(each.value, list | dict))


def flag(part: Part, name: str, complaints: Complaints) -> bool:
    """True or false; a complaint where it is neither."""
    if not isinstance(part.value, bool):
        complaints.say(part.at, f"{name} is true or false")
    return part.value is True


def unknown(name: str, known: Collection[str], where: str) -> str:
    """What to say of a name that is not among those known."""
    near = get_close_matches(name, known, 1)
    hint = f"; perhaps {near[0]}" if near else f"; there are {', '.join(sorted(known))}" if len(known) < 20 else ""
    return f"{name} is unknown in {where}{hint}"


def _word(value: str | bool | None) -> str | None:
    return ("true" if value else "false") if isinstance(value, bool) else value


def _mistake(python: Any, text: str) -> str | None:
    try:
        if python is Decimal and not Decimal(text).is_finite():
            return f"{text} is no number"
        if python is bool and text not in ("true", "false"):
            return f"{text} is neither true nor false"
        if python is dt.date:
            dt.date.fromisoformat(text)
        if python is dt.datetime and dt.datetime.fromisoformat(text).tzinfo is None:
            return f"{text} has no time zone"
    except (InvalidOperation, ValueError):
        return f"{text} is no {KINDS[python]}"
    return None
