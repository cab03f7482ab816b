"""The fast way from JSON to COPY: code made for one record type.

From a `Shape` come a msgspec type that mirrors the JSON and a function that writes the COPY lines of a
decoded record. What it cannot do right it refuses (`msgspec.ValidationError`), and the careful way
(warehouse.careful) takes the record. It is made twice: ``plain`` for records without backslash, line
break and null, whose values need no look, and ``full`` for all others.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from warehouse.shape import Leaf, List, Node, Scope, Shape, split_path
from warehouse.table import Column

NULL = "\\N"
TAB = "\\t"  # as written in the code that is made
# Text of a COPY field; NUL cannot be stored and is the careful way's business.
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

# A moment that Postgres reads as we do: with an offset (else it is unknown which moment is meant), and not in a year
# that may leave the calendar in UTC. What looks otherwise is the careful way's business.
MOMENT = (
    r"^(?!0000|0001|9999)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-5]):[0-5][0-9])\Z"
)

_WIRE: dict[Any, Any] = {
    str: str | None,
    int: Decimal | None,
    Decimal: Decimal | None,
    bool: bool | None,
    date: date | None,
    # Making a datetime only to write it out again costs eight times as much as checking its text.
    datetime: Annotated[str, msgspec.Meta(pattern=MOMENT)] | None,
}

# seq, known, hash, and one list of lines for each table.
Writer = Callable[..., None]


def compile_shape(shape: Shape) -> tuple["msgspec.json.Decoder[Any]", Writer, Writer]:
    """Decoder, writer for plain records, writer for all others."""
    wire, empty = _wire(shape.root)
    return msgspec.json.Decoder(wire), _writer(shape, plain=True, empty=empty), _writer(shape, plain=False, empty=empty)


def text(value: str | None) -> str:
    """A text value as a COPY field."""
    if value is NULL or value is None:
        return NULL
    return value.translate(ESCAPES)


def other(value: object) -> object:
    """A value whose text needs no escaping as a COPY field."""
    return NULL if value is None else value


def raw(value: msgspec.Raw) -> str:
    """Undecoded JSON as a COPY field."""
    return str(value, "utf-8").translate(ESCAPES)


def _wire(node: Node) -> tuple[type[msgspec.Struct], msgspec.Struct]:
    """The msgspec type of an object, and the instance that stands for an absent one."""
    fields: list[tuple[str, Any, Any]] = []
    rename: dict[str, str] = {}
    for number, (name, member) in enumerate(node.members.items()):
        rename[f"f{number}"] = name
        if isinstance(member, Node):
            wire, empty = _wire(member)
            fields.append((f"f{number}", wire | None, empty))
        elif isinstance(member, List):
            wire, _ = _wire(member.element)
            fields.append((f"f{number}", list[wire] | None, ()))  # type: ignore[valid-type]
        elif not member.columns or member.columns[0].python is msgspec.Raw:
            fields.append((f"f{number}", msgspec.Raw, None))
        else:
            fields.append((f"f{number}", _WIRE[member.columns[0].python], NULL))
    struct = msgspec.defstruct("Wire", fields, rename=rename, frozen=True, forbid_unknown_fields=True, gc=False)
    return struct, struct()


def _writer(shape: Shape, *, plain: bool, empty: msgspec.Struct) -> Writer:
    code = _Code(shape, plain, {"N": NULL, "T": text, "V": other, "J": raw})
    code.write(empty)
    exec(compile("\n".join(code.lines), f"<writer of {shape.tables[0].name}>", "exec"), code.names)  # noqa: S102 -- made from field numbers only
    writer: Writer = code.names["write"]
    return writer


class _Code:
    """The source of one writer, line by line."""

    def __init__(self, shape: Shape, plain: bool, names: dict[str, Any]) -> None:
        self.shape, self.plain, self.names = shape, plain, names
        self.lines: list[str] = []
        self.where: dict[int, str] = {}  # id(leaf) -> expression of its value
        self.objects = 0

    def write(self, empty: msgspec.Struct) -> None:
        outs = ", ".join(f"o{number}" for number in range(len(self.shape.tables)))
        self.lines.append(f"def write(r, seq, known, hash, {outs}):")
        lists = self._locate(self.shape.root, "r", empty, 1)
        self._row(0, self.shape.scopes[0][1], self.shape.root, "    ")
        for number, scope in self.shape.scopes[1:]:
            if scope.in_list:
                member, value = lists[scope.at]
                self.lines.append(f"    i = 0\n    for e in {value}{'' if self.plain else ' or ()'}:")
                self._locate(member.element, "e", _wire(member.element)[1], 2)
                self._row(number, scope, member.element, "        ")
                self.lines.append("        i += 1")
            else:
                node = self._find(scope)
                name, absent = self.where[id(node)], f"{self.where[id(node)]}_absent"
                self.lines.append(f"    if {name} is not {absent}:")
                self._row(number, scope, node, "        ")

    def _locate(
        self, node: Node, name: str, empty: msgspec.Struct, depth: int, path: tuple[str, ...] = ()
    ) -> dict[tuple[str, ...], tuple[List, str]]:
        """Give every object below a local name and every leaf its expression; return the lists met."""
        self.where[id(node)] = name
        lists: dict[tuple[str, ...], tuple[List, str]] = {}
        for number, (key, member) in enumerate(node.members.items()):
            value = f"{name}.f{number}"
            if isinstance(member, Leaf):
                self.where[id(member)] = value
            elif isinstance(member, List):
                lists[(*path, key)] = (member, value)
            else:
                self.objects += 1
                inner, absent = f"n{self.objects}", getattr(empty, f"f{number}")
                self.names[f"{inner}_absent"] = absent
                orelse = "" if self.plain else f" or {inner}_absent"
                self.lines.append(f"{'    ' * depth}{inner} = {value}{orelse}")
                lists |= self._locate(member, inner, absent, depth, (*path, key))
        return lists

    def _row(self, number: int, scope: Scope, node: Node, indent: str) -> None:
        fields = ["{seq}", "{known}"]
        fields += [self._field(column, scope, node) for column in scope.table.staged]
        extra = self._extra(scope, node, indent)
        line = TAB.join([*fields, "{hash}", extra])
        self.lines.append(f'{indent}o{number}.append(f"{line}\\n")')

    def _field(self, column: Column, scope: Scope, node: Node) -> str:
        if column.source == "#":
            return "{i}"
        if column.source == "$owner":
            return _constant(scope.owner)
        if column.source == "$role":
            return _constant(scope.role)
        up = column.source.startswith("^")
        leaf = _leaf(self.shape.root if up else node, column.source.removeprefix("^"))
        return "{" + self._value(self.where[id(leaf)], column.python) + "}"

    def _value(self, value: str, python: Any) -> str:
        if python is msgspec.Raw:
            return f"J({value}) if {value} is not None else N"
        # "!s" since formatting a Decimal costs four times as much as turning it into text.
        if self.plain:
            return value if python is str else f"{value}!s"
        return f"T({value})" if python is str else f"V({value})!s"

    def _extra(self, scope: Scope, node: Node, indent: str) -> str:
        pieces = self._pieces(node, scope, indent)
        if not pieces:
            return "\\\\N"
        self.lines.append(f"{indent}x = {' + '.join(pieces)}")
        return "{'{' + x[:-1] + '}' if x else N}"

    def _pieces(self, node: Node, scope: Scope, indent: str) -> list[str]:
        """Expressions, each the text ``"name":value,`` or empty."""
        pieces = []
        for name, member in node.members.items():
            key = repr(text(msgspec.json.encode(name).decode()) + ":")
            if isinstance(member, Leaf) and not member.columns:
                value = self.where[id(member)]
                json = f"str({value}, 'utf-8')" if self.plain else f"J({value})"
                pieces.append(f"({key} + {json} + ',' if {value} is not None else '')")
            elif isinstance(member, Node) and member.scope is scope and (inner := self._pieces(member, scope, indent)):
                self.objects += 1
                self.lines.append(f"{indent}y{self.objects} = {' + '.join(inner)}")
                pieces.append(f"({key} + '{{' + y{self.objects}[:-1] + '}},' if y{self.objects} else '')")
        return pieces

    def _find(self, scope: Scope) -> Node:
        node: Any = self.shape.root
        for part in scope.at:
            node = node.members[part]
        assert isinstance(node, Node)
        return node


def _leaf(node: Node, source: str) -> Leaf:
    member: Any = node
    for part in split_path(source):
        member = member.members[part]
    assert isinstance(member, Leaf)
    return member


def _constant(value: str) -> str:
    return text(value).replace("\\", "\\\\").replace("{", "{{").replace("}", "}}").replace('"', '\\"')
