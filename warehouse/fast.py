"""The fast way from JSON to COPY: code made for one record type.

From a `Shape` come a msgspec type that mirrors the JSON and a function that writes the COPY lines of a
decoded record. What it cannot do right it refuses (`msgspec.ValidationError`), and the careful way
(warehouse.careful) takes the record. It is made twice: ``plain`` for records without backslash, line
break and null, whose values need no look, and ``full`` for all others. It knows what was met so far; a record that holds
more is refused as well, and then the way is made anew.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Union

import msgspec

from warehouse import readers
from warehouse.copying import FIELD, FINISHED, MISSING, NULL, text
from warehouse.numbers import decimal, exact
from warehouse.shape import Leaf, List, Node, Scope, Shape, split_path
from warehouse.table import Column

# A moment that Postgres reads as we do: with an offset (else it is unknown which moment is meant), and not in a year
# that may leave the calendar in UTC. What looks otherwise is the careful way's business.
MOMENT = (
    r"^(?!0000|0001|9999)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-5]):[0-5][0-9])\Z"
)

_WIRE: dict[Any, Any] = {
    str: str,
    # Whole numbers and exact fractions; what else there may be is looked at where it is written.
    int: Any,
    Decimal: Any,
    bool: bool,
    date: date,
    # Making a datetime only to write it out again costs eight times as much as checking its text.
    datetime: Annotated[str, msgspec.Meta(pattern=MOMENT)],
    readers.FLAG: bool | str,
}

# seq, known, hash, and one list of lines for each table.
Writer = Callable[..., None]


def compile_shape(shape: Shape, *, plain: bool) -> tuple[Callable[[bytes], Any], Writer]:
    """What decodes a record and what writes its lines. Where a value is null, only the one that is not plain knows how."""
    wire, empty = _wire(shape.root, plain)
    return msgspec.json.Decoder(wire, float_hook=decimal).decode, _writer(shape, plain=plain, empty=empty)


def filled_columns(shape: Shape) -> tuple[tuple[Column, ...], ...]:
    """The columns of each table that the members met so far can fill; every other one is null in all records."""
    return tuple(
        tuple(
            column
            for column in table.staged
            if any(_can_fill(shape, scope, column) for place, scope in shape.scopes if place == number)
        )
        for number, table in enumerate(shape.tables)
    )


def _can_fill(shape: Shape, scope: Scope, column: Column) -> bool:
    if not column.paths or not column.nullable or not readers.as_is(column):
        return True
    node = shape.root if column.above else _node(shape, scope)
    return any(_leaf(node, path).met for path in column.paths)


def _wire(node: Node, plain: bool) -> tuple[type[msgspec.Struct], msgspec.Struct]:
    """The msgspec type of an object, and the instance that stands for an absent one."""
    fields: list[tuple[str, Any, Any]] = []
    rename: dict[str, str] = {}
    null: Any = () if plain else (None,)
    for number, (name, member) in enumerate(node.met_members):
        rename[f"f{number}"] = name
        if isinstance(member, Node):
            wire, empty = _wire(member, plain)
            fields.append((f"f{number}", Union[(wire, *null)], empty))
        elif isinstance(member, List):
            wire, _ = _wire(member.element, plain)
            fields.append((f"f{number}", Union[(list[wire], *null)], ()))  # type: ignore[valid-type]
        elif (wire := readers.wire_of(member)) == readers.RAW:
            fields.append((f"f{number}", msgspec.Raw, None))
        else:
            fields.append((f"f{number}", Union[(_WIRE[wire], *null)], NULL))
    struct = msgspec.defstruct("Wire", fields, rename=rename, frozen=True, forbid_unknown_fields=True, gc=False)
    return struct, struct()


def _writer(shape: Shape, *, plain: bool, empty: msgspec.Struct) -> Writer:
    code = _Code(shape, plain, {"N": NULL, "M": MISSING, "D": Decimal, "I": int, "X": exact})
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
            if scope.in_list and scope.inside is None:
                if scope.at in lists:
                    self._loop(number, scope, *lists[scope.at], depth=1)
            elif not scope.in_list and id(node := _node(self.shape, scope)) in self.where:
                name, absent = self.where[id(node)], f"{self.where[id(node)]}_absent"
                self.lines.append(f"    if {name} is not {absent}:")
                self._row(number, scope, node, "        ")

    def _loop(self, number: int, scope: Scope, member: List, value: str, *, depth: int) -> None:
        """A row for each element of a list, and within it the lists that are nested in the element."""
        indent = "    " * depth
        self.lines.append(f"{indent}i{depth} = 0\n{indent}for e{depth} in {value}{'' if self.plain else ' or ()'}:")
        lists = self._locate(member.element, f"e{depth}", _wire(member.element, self.plain)[1], depth + 1)
        self._row(number, scope, member.element, indent + "    ", depth)
        for other, nested in self.shape.scopes:
            if nested.inside is scope and nested.at[len(scope.at) :] in lists:
                self._loop(other, nested, *lists[nested.at[len(scope.at) :]], depth=depth + 1)
        self.lines.append(f"{indent}    i{depth} += 1")

    def _locate(
        self, node: Node, name: str, empty: msgspec.Struct, depth: int, path: tuple[str, ...] = ()
    ) -> dict[tuple[str, ...], tuple[List, str]]:
        """Give every object below a local name and every leaf its expression; return the lists met."""
        self.where[id(node)] = name
        lists: dict[tuple[str, ...], tuple[List, str]] = {}
        for number, (key, member) in enumerate(node.met_members):
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

    def _row(self, number: int, scope: Scope, node: Node, indent: str, depth: int = 0) -> None:
        fields = ["{seq}", "{known}"]
        fields += [self._field(column, scope, node, depth) for column in self.shape.columns[number]]
        extra = self._extra(scope, node, indent)
        line = ("\\t" if self.plain else FIELD).join([*fields, "{hash}", extra])
        self.lines.append(
            f'{indent}o{number}.append(f"{line}\\n")'
            if self.plain
            else f'{indent}o{number}.append(f"{line}"{FINISHED} + "\\n")'
        )

    def _field(self, column: Column, scope: Scope, node: Node, depth: int) -> str:
        if column.source in ("#", "#^"):
            return f"{{i{depth - len(column.source) + 1}}}"
        if column.source == "$owner":
            return self._constant(scope.owner)
        if column.source == "$role":
            return self._constant(scope.role)
        if not column.paths:
            return self._constant(readers.literal(column))
        leaves = [_leaf(self.shape.root if column.above else node, path) for path in column.paths]
        wires = [readers.wire_of(leaf) for leaf in leaves]
        absent = ["None" if wire == readers.RAW else "N" for wire in wires]
        values = [self.where.get(id(leaf), none) for leaf, none in zip(leaves, absent, strict=True)]
        if readers.as_is(column) and (wires[0] != readers.RAW or column.python is msgspec.Raw):
            if values == absent:
                return self._constant(None)
            return "{" + self._value(values[0], column.python) + "}"
        if wires == [str] and (code := readers.inline(column, values[0], self.names, plain=self.plain)):
            return "{" + code + "}"
        name = f"F{len(self.names)}"
        self.names[name] = readers.reader(column, wires, self.shape.note, plain=self.plain)
        return f"{{{name}({', '.join(values)})}}"

    def _value(self, value: str, python: Any) -> str:
        if python is msgspec.Raw:
            return f"{'N' if self.plain else 'M'} if {value} is None or (v := str({value}, 'utf-8')) == 'null' else v"
        # "!s" since formatting a Decimal costs four times as much as turning it into text.
        if python in (int, Decimal):
            absent = "" if self.plain else f"M if (v := {value}) is None or v is N else "
            given, absent_too = (f"(v := {value})", " or v is N") if self.plain else ("v", "")
            return f"({absent}v if (c := {given}.__class__) is D or c is I{absent_too} else X(v))!s"
        if self.plain:
            return value if python is str else f"{value}!s"
        found = f"(M if (v := {value}) is None or v is N else v)"
        return found if python is str else f"{found}!s"

    def _extra(self, scope: Scope, node: Node, indent: str) -> str:
        pieces = self._pieces(node, scope, indent)
        if not pieces:
            return self._constant(None)
        self.lines.append(f"{indent}x = {' + '.join(pieces)}")
        return f"{{'{{' + x[:-1] + '}}' if x else {'N' if self.plain else 'M'}}}"

    def _pieces(self, node: Node, scope: Scope, indent: str) -> list[str]:
        """Expressions, each the text ``"name":value,`` or empty."""
        pieces = []
        for name, member in node.met_members:
            key = repr(msgspec.json.encode(name).decode() + ":")
            if isinstance(member, Leaf) and member.kept:
                value = self.where[id(member)]
                text_of = f"str({value}, 'utf-8')"
                if member.without:
                    self.names[name := f"W{len(self.names)}"] = readers.stripper(member.without)
                    text_of = f"{name}({value})"
                pieces.append(f"({key} + {text_of} + ',' if {value} is not None else '')")
            elif isinstance(member, Node) and member.scope is scope and (inner := self._pieces(member, scope, indent)):
                self.objects += 1
                self.lines.append(f"{indent}y{self.objects} = {' + '.join(inner)}")
                pieces.append(f"({key} + '{{' + y{self.objects}[:-1] + '}},' if y{self.objects} else '')")
        return pieces

    def _constant(self, value: str | None) -> str:
        """A field that is the same in every record, as it stands in the f-string."""
        if value is None:
            return "\\\\N" if self.plain else MISSING
        value = text(value) if self.plain else value
        for mark, code in (("\\", "\\\\"), ("{", "{{"), ("}", "}}"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
            value = value.replace(mark, code)
        return value


def _node(shape: Shape, scope: Scope) -> Node:
    """Where the columns of a scope begin."""
    node: Any = shape.root
    for part in scope.at:
        node = node.members[part]
        node = node.element if isinstance(node, List) else node
    assert isinstance(node, Node)
    return node


def _leaf(node: Node, source: str) -> Leaf:
    member: Any = node
    for part in split_path(source):
        member = member.members[part]
    assert isinstance(member, Leaf)
    return member
