"""The shape of a source record, as its record type sees it: which path feeds which column.

A `Scope` is one table's part of the record: the record itself, each element of a child list, or each
object of a child role. Paths that no column reads are *extras*; those met so far are learned, so that
records that carry them can be decoded as fast as the rest. A record type knows many more members than one source fills:
those that a record has held are *met*, and only they are looked for.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from warehouse.convert import folds
from warehouse.table import Column, StreamLike, Table, tables_of

Path = tuple[str, ...]

# What msgspec takes in no name, nor Postgres in any text.
UNSPEAKABLE = re.compile("[\x00-\x1f\ud800-\udfff]")
# A map keyed by ids would teach a new path with every record; beyond this many they are read the slow way.
MAX_LEARNED = 300
# Enough to tell a person what to add to a value map.
MAX_UNLISTED = 20


@dataclass(slots=True)
class Leaf:
    """A value: the columns that it feeds (several may read one path), none for an extra.

    ``below`` are columns of child records that read it as well; ``ignored`` ones land nowhere. Of a list that is kept,
    the elements' members named in ``without`` are left out.
    """

    columns: list[Column] = field(default_factory=list)
    below: list[Column] = field(default_factory=list)
    ignored: bool = False
    without: set[str] = field(default_factory=set)
    met: bool = False

    @property
    def kept(self) -> bool:
        """Whether the value lands in ``_extra``: no column has it, or only such as do not tell what it was."""
        return not self.ignored and all(column.convert is not None and folds(column.convert) for column in self.columns)


@dataclass(slots=True)
class Node:
    """An object: its known members; ``scope`` is the table that unknown members belong to."""

    scope: "Scope"
    members: "dict[str, Leaf | Node | List]" = field(default_factory=dict)
    met: bool = False

    @property
    def met_members(self) -> "Iterator[tuple[str, Leaf | Node | List]]":
        """Those that a record has held."""
        return ((name, member) for name, member in self.members.items() if member.met)


@dataclass(slots=True)
class List:
    """A list of child records."""

    element: Node
    met: bool = False


@dataclass(slots=True)
class Scope:
    """One table's part of a record."""

    table: Table
    at: Path = ()
    in_list: bool = False
    role: str = ""
    owner: str = ""
    inside: "Scope | None" = None  # the list that this list is nested in
    extras: set[Path] = field(default_factory=set)


@dataclass(slots=True)
class Shape:
    """The whole: the parent's object and all scopes, the parent's first, each with its table's number.

    ``columns`` are those of each table that lines carry.
    """

    root: Node
    scopes: list[tuple[int, Scope]]
    tables: tuple[Table, ...]
    columns: tuple[tuple[Column, ...], ...]
    # Values that a value map did not list, by column.
    unlisted: dict[str, set[str]] = field(default_factory=dict)

    def note(self, column: str, value: str) -> None:
        """Remember a value that a value map does not list."""
        words = self.unlisted.setdefault(column, set())
        if len(words) < MAX_UNLISTED:
            words.add(value)


def split_path(source: str) -> Path:
    """``A.B`` to its parts; ``A\\.B`` is one key with a dot."""
    return tuple(part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", source))


def shape_of(stream: StreamLike, extras: Iterable[tuple[Path, Path]] = ()) -> Shape:
    """Work out the shape of a stream's records.

    ``extras`` are (scope path, path in it) pairs learned before. TypeError where two declarations
    contradict each other.
    """
    tables = tables_of(stream)
    parent = Scope(tables[0])
    shape = Shape(Node(parent), [(0, parent)], tables, tuple(table.staged for table in tables))
    for number, child in enumerate(stream.children, 1):
        if child.path is not None:
            at = split_path(child.path)
            around = [known for _, known in shape.scopes if known.in_list and known.at == at[: len(known.at)]]
            scope = Scope(tables[number], at, in_list=True, inside=around[-1] if around else None)
            node = Node(scope)
            _put(shape.root, scope.at, List(node))
            _fill(node, scope)
            _ignore(node, child.ignored)
            shape.scopes.append((number, scope))
        for role in child.roles:
            scope = Scope(tables[number], split_path(role), role=role, owner=child.owner or stream.name)
            node = _object(shape.root, scope.at)
            node.scope = scope
            _fill(node, scope)
            shape.scopes.append((number, scope))
    _fill(shape.root, parent)
    _ignore(shape.root, stream.ignored)
    for _, scope in shape.scopes[1:]:
        for column in scope.table.columns:
            for source in column.paths if column.above else ():
                _leaf(shape.root, source, column).below.append(column)
    by_path = {scope.at: scope for _, scope in shape.scopes}
    for at, path in extras:
        if at in by_path:
            learn(shape, by_path[at], path)
    return shape


def learn(shape: Shape, scope: Scope, path: Path) -> bool:
    """Take an extra into the shape; False where it does not fit or too many are known."""
    if sum(len(known.extras) for _, known in shape.scopes) >= MAX_LEARNED or not all(map(_speakable, path)):
        return False
    node = _node_of(shape, scope)
    for part in path[:-1]:
        member = node.members.get(part)
        if not isinstance(member, Node):
            return False
        node = member
    if path[-1] in node.members:
        return False
    node.members[path[-1]] = Leaf()
    scope.extras.add(path)
    return True


def meet(node: Node, value: dict[str, Any]) -> bool:
    """Note which members an object holds; whether one of them was not met before."""
    new = False
    for name, inner in value.items():
        member = node.members.get(name)
        if member is None:
            continue
        new |= not member.met
        member.met = True
        if isinstance(member, Node) and isinstance(inner, dict):
            new |= meet(member, inner)
        elif isinstance(member, List) and isinstance(inner, list):
            for element in inner:
                new |= isinstance(element, dict) and meet(member.element, element)
    return new


def meet_all(node: Node) -> None:
    """Take every member for met."""
    for member in node.members.values():
        member.met = True
        if isinstance(member, Node | List):
            meet_all(member if isinstance(member, Node) else member.element)


def _speakable(name: str) -> bool:
    """Whether the fast way can look for a member of this name."""
    return '"' not in name and "\\" not in name and (name.isprintable() or not UNSPEAKABLE.search(name))


def _node_of(shape: Shape, scope: Scope) -> Node:
    node: Node | Leaf | List = shape.root
    for part in scope.at:
        assert isinstance(node, Node)
        node = node.members[part]
        if isinstance(node, List):
            node = node.element
    assert isinstance(node, Node)
    return node


def _fill(node: Node, scope: Scope) -> None:
    for column in scope.table.columns:
        for path in () if column.above else column.paths:
            _leaf(node, path, column).columns.append(column)


def _leaf(node: Node, path: str, column: Column) -> Leaf:
    *way, last = split_path(path)
    leaf = _object(node, tuple(way)).members.setdefault(last, Leaf())
    if not isinstance(leaf, Leaf):
        raise TypeError(f"{column.name}: {path} is an object elsewhere")
    return leaf


def _member(node: Node, path: Iterable[str]) -> "Leaf | Node | List | None":
    """What is there so far."""
    member: Leaf | Node | List | None = node
    for part in path:
        member = member.members.get(part) if isinstance(member, Node) else None
    return member


def _ignore(node: Node, paths: Iterable[str]) -> None:
    for path in paths:
        *way, last = split_path(path)
        if isinstance(outer := _member(node, way), Leaf):
            outer.without.add(last)
            continue
        leaf = _object(node, tuple(way)).members.setdefault(last, Leaf())
        if not isinstance(leaf, Leaf):
            raise TypeError(f"{path} cannot be ignored: parts of it are read")
        leaf.ignored = True


def _object(node: Node, path: Path) -> Node:
    for part in path:
        member = node.members.setdefault(part, Node(node.scope))
        if isinstance(member, List):
            member = member.element
        if not isinstance(member, Node):
            raise TypeError(f"{'.'.join(path)} is not an object elsewhere")
        node = member
    return node


def _put(node: Node, path: Path, member: List) -> None:
    holder = _object(node, path[:-1])
    if path[-1] in holder.members:
        raise TypeError(f"{'.'.join(path)} is declared twice")
    holder.members[path[-1]] = member
