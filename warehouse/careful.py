"""The careful way from JSON to COPY: one record, value by value.

It takes what the fast way refuses: numbers in text columns, text in number columns, unknown fields, text
that Postgres cannot store. What it cannot make right is a `RecordError` with the column's name.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from warehouse.errors import BadDate, BadNumber, BadRow, PayloadTooDeep, RecordError
from warehouse.fast import NULL, text
from warehouse.shape import List, Node, Path, Scope, Shape, split_path
from warehouse.table import Column

MAX_DIGITS = 1000  # more than any amount needs; numeric itself would take 131,072
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MISSING = object()


class Number(str):
    """A JSON number, exactly as written."""

    __slots__ = ()


def parse(record: bytes | memoryview) -> dict[str, Any]:
    """Decode one record with numbers kept as written; BadRow if it is no JSON object, or PayloadTooDeep."""
    try:
        value = json.loads(
            bytes(record).decode("utf-8", "surrogatepass"),
            parse_int=Number, parse_float=Number, parse_constant=Number, strict=False,
        )  # fmt: skip
    except RecursionError:
        raise PayloadTooDeep("A record is nested too deeply to be read") from None
    except ValueError as error:
        raise BadRow(f"not valid JSON ({error})") from None
    if not isinstance(value, dict):
        raise BadRow(f"a record is an object, this is {_kind(value)}")
    return value


def unknown_paths(shape: Shape, record: dict[str, Any]) -> list[tuple[Scope, Path]]:
    """The members of the record that the shape does not know, outermost only, each once."""
    found: dict[tuple[int, Path], tuple[Scope, Path]] = {}

    def walk(node: Node, value: Any, path: Path) -> None:
        for name, inner in value.items():
            member = node.members.get(name)
            here = (*path, name)
            if member is None:
                found[(id(node.scope), here)] = (node.scope, here)
            elif isinstance(member, Node) and isinstance(inner, dict):
                walk(member, inner, here if member.scope is node.scope else ())
            elif isinstance(member, List) and isinstance(inner, list):
                for element in inner:
                    if isinstance(element, dict):
                        walk(member.element, element, ())

    walk(shape.root, record, ())
    return list(found.values())


def write(shape: Shape, record: dict[str, Any], seq: int, known: str, digest: str, outs: Sequence[list[str]]) -> None:
    """Append the COPY lines of one record to ``outs``; RecordError where a value fits no column.

    Nothing is appended then.
    """
    lines: list[tuple[int, str]] = []
    for number, scope in shape.scopes:
        value, node = _at(shape, record, scope)
        if value is _MISSING or value is None:
            continue
        elements = list(enumerate(value)) if scope.in_list else [(0, value)]
        for index, element in elements:
            if not isinstance(element, dict):
                raise BadRow(f"{'.'.join(scope.at)} holds {_kind(element)} where an object belongs", scope.table.name)
            fields, extra = _fields(shape, record, scope, node, element, index)
            lines.append((number, "\t".join([str(seq), known, *fields, digest, extra]) + "\n"))
    for number, line in lines:
        outs[number].append(line)


def _at(shape: Shape, record: dict[str, Any], scope: Scope) -> tuple[Any, Node]:
    value: Any = record
    node: Any = shape.root
    for part in scope.at:
        node = node.members[part]
        if value is None or value is _MISSING:
            continue
        if not isinstance(value, dict):
            raise BadRow(f"{part} lies in {_kind(value)} where an object belongs", scope.table.name)
        value = value.get(part, _MISSING)
    if isinstance(node, List):
        if value is not _MISSING and value is not None and not isinstance(value, list):
            raise BadRow(f"{'.'.join(scope.at)} is {_kind(value)}, not a list", scope.table.name)
        node = node.element
    return value, node


def _fields(
    shape: Shape, record: dict[str, Any], scope: Scope, node: Node, element: dict[str, Any], index: int
) -> tuple[list[str], str]:
    cleaned: dict[str, str] = {}
    fields = []
    for column in scope.table.staged:
        if column.source == "#":
            fields.append(str(index))
        elif column.source == "$owner":
            fields.append(text(scope.owner))
        elif column.source == "$role":
            fields.append(text(scope.role))
        else:
            up = column.source.startswith("^")
            value = _value(record if up else element, split_path(column.source.removeprefix("^")))
            fields.append(_field(column, value, cleaned))
    extra = _rest(node, element, "", cleaned)
    if cleaned:
        if "_sanitized" in extra:  # the source has a field of that name
            cleaned["_sanitized"] = _json(extra["_sanitized"])
        extra["_sanitized"] = cleaned
    return fields, text(_json(extra)) if extra else NULL


def _value(record: dict[str, Any], path: Path) -> Any:
    value: Any = record
    for part in path:
        if value is None or value is _MISSING:
            return None
        if not isinstance(value, dict):
            raise BadRow(f"{part} lies in {_kind(value)} where an object belongs")
        value = value.get(part, _MISSING)
    return None if value is _MISSING else value


def _field(column: Column, value: Any, cleaned: dict[str, str]) -> str:
    if value is None:
        if not column.nullable:
            raise BadRow(f"{column.name} ({column.source}) is missing", column.name)
        return NULL
    if column.pg_type == "jsonb":
        return text(_json(_clean(value, column.name, cleaned)))
    try:
        made = _COERCE[column.python](value)
    except RecordError as error:
        error.column = column.name
        error.args = (f"{column.name} ({column.source}): {error}",)
        raise
    if UNSTORABLE.search(made):
        cleaned[column.name] = json.dumps(made)
        made = clean(made)
    return text(made)


def clean(value: str) -> str:
    """Text that Postgres can store: NUL dropped, lone surrogates replaced by U+FFFD."""
    return re.sub("[\ud800-\udfff]", "�", value.replace("\x00", ""))


def _to_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise BadRow(f"{_kind(value)} in a text column")
    return str(value)


def _to_number(value: Any) -> str:
    if not isinstance(value, str):
        raise BadNumber(f"{_kind(value)} is no number")
    if len(value) > MAX_DIGITS:
        raise BadNumber(f"a number of {len(value)} characters")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise BadNumber(f"{value[:40]!r} is no number") from None
    if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
        raise BadNumber(f"{value[:40]!r} is not a finite number of at most {MAX_DIGITS} digits")
    return str(number)


def _to_bool(value: Any) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    if value in ("true", "false"):
        return str(value)
    raise BadRow(f"{_kind(value)} is neither true nor false")


def _to_date(value: Any) -> str:
    try:
        day = date.fromisoformat("" if isinstance(value, Number) else value)
    except (TypeError, ValueError):
        raise BadDate(f"{str(value)[:40]!r} is no date") from None
    return day.isoformat()


def _to_time(value: Any) -> str:
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


_COERCE: dict[Any, Callable[[Any], str]] = {
    str: _to_text, Decimal: _to_number, int: _to_number, bool: _to_bool, date: _to_date, datetime: _to_time,
}  # fmt: skip


def _rest(node: Node, value: dict[str, Any], path: str, cleaned: dict[str, str]) -> dict[str, Any]:
    """What no column and no child of this scope has taken."""
    rest: dict[str, Any] = {}
    for name in sorted(value, key=lambda name: clean(name) != name):
        member, inner = node.members.get(name), value[name]
        if isinstance(member, Node):
            same = member.scope is node.scope
            if same and isinstance(inner, dict) and (below := _rest(member, inner, f"{path}{name}.", cleaned)):
                rest[name] = below
        elif isinstance(member, List) or (member is not None and member.columns):
            continue
        else:
            _put(rest, name, inner, path, cleaned)
    return rest


def _put(target: dict[str, Any], name: str, value: Any, path: str, cleaned: dict[str, str]) -> None:
    """Add a member whose name and texts Postgres can store; what had to be cleaned is noted as it was."""
    stored = clean(name)
    if stored != name:
        while stored in target:
            stored += "\ufffd"
        cleaned[f"{path}{stored} (name)"] = json.dumps(name)
    target[stored] = _clean(value, path + stored, cleaned)


def _clean(value: Any, path: str, cleaned: dict[str, str]) -> Any:
    if isinstance(value, str) and not isinstance(value, Number) and UNSTORABLE.search(value):
        cleaned[path] = json.dumps(value)
        return clean(value)
    if isinstance(value, dict):
        made: dict[str, Any] = {}
        # Names as they are come first, so that a cleaned one never takes the place of another.
        for name in sorted(value, key=lambda name: clean(name) != name):
            _put(made, name, value[name], f"{path}.", cleaned)
        return made
    if isinstance(value, list):
        return [_clean(inner, f"{path}.{at}", cleaned) for at, inner in enumerate(value)]
    return value


def _json(value: Any) -> str:
    """JSON text with numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_json(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(inner) for inner in value) + "]"
    if isinstance(value, Number):
        # NaN and Infinity are no JSON; as text nothing of them is lost.
        return str(value) if value[-1].isdigit() else json.dumps(str(value))
    return json.dumps(value)


def _kind(value: Any) -> str:
    if isinstance(value, Number):
        return "a number"
    names = {str: "text", bool: "true or false", dict: "an object", list: "a list", type(None): "null"}
    return names.get(type(value), type(value).__name__)
