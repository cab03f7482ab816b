"""The careful way from JSON to COPY: one record, value by value.

It takes what the fast way refuses: numbers in text columns, text in number columns, unknown fields, text
that Postgres cannot store. What it cannot make right is a `RecordError` with the column's name.
"""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from warehouse.coerce import COERCE, UNSTORABLE, Number, kind_of, parse_json
from warehouse.convert import Note, converter
from warehouse.copying import NULL, text
from warehouse.errors import BadRow, PayloadTooDeep, RecordError
from warehouse.shape import List, Node, Path, Scope, Shape, split_path
from warehouse.table import Column

_MISSING = object()


def parse(record: bytes | memoryview) -> dict[str, Any]:
    """Decode one record with numbers kept as written; BadRow if it is no JSON object, or PayloadTooDeep."""
    try:
        value = parse_json(record)
    except RecursionError:
        raise PayloadTooDeep("A record is nested too deeply to be read") from None
    except ValueError as error:
        raise BadRow(f"not valid JSON ({error})") from None
    if not isinstance(value, dict):
        raise BadRow(f"a record is an object, this is {kind_of(value)}")
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
        for places, element, node in _elements(shape, record, scope):
            # What no line carries is looked at all the same: it is null, or of a form that does not fit.
            fields, extra = _fields(shape, record, scope, node, element, places)
            carried = (fields[column.name] for column in shape.columns[number])
            lines.append((number, "\t".join([str(seq), known, *carried, digest, extra]) + "\n"))
    for number, line in lines:
        outs[number].append(line)


def _elements(
    shape: Shape, record: dict[str, Any], scope: Scope
) -> Iterator[tuple[tuple[int, ...], dict[str, Any], Node]]:
    """The objects of a scope in a record: their positions in the lists that they are in, from the outermost."""
    above = _elements(shape, record, scope.inside) if scope.inside else [((), record, shape.root)]
    path = scope.at[len(scope.inside.at) if scope.inside else 0 :]
    for places, holder, around in above:
        value, node = _at(holder, around, path, scope)
        if value is _MISSING or value is None:
            continue
        for place, element in enumerate(value) if scope.in_list else [(0, value)]:
            if not isinstance(element, dict):
                raise BadRow(f"{'.'.join(scope.at)} holds {kind_of(element)} where an object belongs", scope.table.name)
            yield (*places, place), element, node


def _at(record: dict[str, Any], around: Node, path: Path, scope: Scope) -> tuple[Any, Node]:
    value: Any = record
    node: Any = around
    for part in path:
        node = node.members[part]
        if value is None or value is _MISSING:
            continue
        if not isinstance(value, dict):
            raise BadRow(f"{part} lies in {kind_of(value)} where an object belongs", scope.table.name)
        value = value.get(part, _MISSING)
    if isinstance(node, List):
        if value is not _MISSING and value is not None and not isinstance(value, list):
            raise BadRow(f"{'.'.join(scope.at)} is {kind_of(value)}, not a list", scope.table.name)
        node = node.element
    return value, node


def _fields(
    shape: Shape, record: dict[str, Any], scope: Scope, node: Node, element: dict[str, Any], places: tuple[int, ...]
) -> tuple[dict[str, str], str]:
    cleaned: dict[str, str] = {}
    fields = {}
    for column in scope.table.staged:
        if column.source in ("#", "#^"):
            field = str(places[-len(column.source)])
        elif column.source == "$owner":
            field = text(scope.owner)
        elif column.source == "$role":
            field = text(scope.role)
        else:
            values = [_value(record if column.above else element, split_path(path)) for path in column.paths]
            field = _field(column, values, cleaned, shape.note)
        fields[column.name] = field
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
            raise BadRow(f"{part} lies in {kind_of(value)} where an object belongs")
        value = value.get(part, _MISSING)
    return None if value is _MISSING else value


def _field(column: Column, values: Sequence[Any], cleaned: dict[str, str], note: Note) -> str:
    try:
        made = (
            _json_of(column, values[0], cleaned)
            if column.pg_type == "jsonb" and values
            else made_of(column, values, note)
        )
    except RecordError as error:
        error.column = column.name
        error.args = (f"{column.name} ({column.source}): {error}",)
        raise
    if made is None:
        if not column.nullable:
            raise BadRow(f"{column.name} ({column.source}) is missing", column.name)
        return NULL
    if UNSTORABLE.search(made) and column.pg_type != "jsonb":
        cleaned[column.name] = json.dumps(made)
        made = clean(made)
    return text(made)


def _json_of(column: Column, value: Any, cleaned: dict[str, str]) -> str | None:
    return None if value is None else _json(_clean(value, column.name, cleaned))


def made_of(column: Column, values: Sequence[Any], note: Note) -> str | None:
    """The text of a column, or None for no value; RecordError where the values fit it not."""
    if column.convert is not None:
        return converter(column.name, column.python, column.convert)(values, note)
    return None if values[0] is None else COERCE[column.python](values[0])


def clean(value: str) -> str:
    """Text that Postgres can store: NUL dropped, lone surrogates replaced by U+FFFD."""
    return re.sub("[\ud800-\udfff]", "�", value.replace("\x00", ""))


def _rest(node: Node, value: dict[str, Any], path: str, cleaned: dict[str, str]) -> dict[str, Any]:
    """What no column and no child of this scope has taken."""
    rest: dict[str, Any] = {}
    for name in sorted(value, key=lambda name: clean(name) != name):
        member, inner = node.members.get(name), value[name]
        if isinstance(member, Node):
            same = member.scope is node.scope
            if same and isinstance(inner, dict) and (below := _rest(member, inner, f"{path}{name}.", cleaned)):
                rest[name] = below
        elif isinstance(member, List) or (member is not None and not member.kept):
            continue
        else:
            _put(rest, name, _without(inner, member.without) if member else inner, path, cleaned)
    return rest


def _without(value: Any, names: Collection[str]) -> Any:
    """A list without some members of its elements; anything else, and a list of other things, as it is."""
    if not names or not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return value
    return [{name: inner for name, inner in each.items() if name not in names} for each in value]


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
