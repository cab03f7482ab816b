"""The shape of a source record, as its record type sees it: which path feeds which column.

A `Scope` is one table's part of the record: the record itself, each element of a child list, or each
object of a child role. Paths that no column reads are *extras*; those met so far are learned, so that
records that carry them can be decoded as fast as the rest.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from warehouse.table import Column, StreamLike, Table, tables_of

Path = tuple[str, ...]

# What msgspec takes in no name, nor Postgres in any text.
UNSPEAKABLE = re.compile("[\x00-\x1f\ud800-\udfff]")
# A map keyed by ids would teach a new path with every record; beyond this many they are read the slow way.
MAX_LEARNED = 300


@dataclass(slots=True)
class Leaf:
    """A value: the columns that it feeds (several may read one path), none for an extra."""

    columns: list[Column] = field(default_factory=list)


@dataclass(slots=True)
class Node:
    """An object: its known members; ``scope`` is the table that unknown members belong to."""

    scope: "Scope"
    members: "dict[str, Leaf | Node | List]" = field(default_factory=dict)


@dataclass(slots=True)
class List:
    """A list of child records."""

    element: Node


@dataclass(slots=True)
class Scope:
    """One table's part of a record."""

    table: Table
    at: Path = ()
    in_list: bool = False
    role: str = ""
    owner: str = ""
    extras: set[Path] = field(default_factory=set)


@dataclass(slots=True)
class Shape:
    """The whole: the parent's object and all scopes, the parent's first, each with its table's number."""

    root: Node
    scopes: list[tuple[int, Scope]]
    tables: tuple[Table, ...]


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
    shape = Shape(Node(parent), [(0, parent)], tables)
    for number, child in enumerate(stream.children, 1):
        if child.path is not None:
            scope = Scope(tables[number], split_path(child.path), in_list=True)
            node = Node(scope)
            _put(shape.root, scope.at, List(node))
            _fill(node, scope)
            shape.scopes.append((number, scope))
        for role in child.roles:
            scope = Scope(tables[number], split_path(role), role=role, owner=child.owner or stream.name)
            node = _object(shape.root, scope.at)
            node.scope = scope
            _fill(node, scope)
            shape.scopes.append((number, scope))
    _fill(shape.root, parent)
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


def _speakable(name: str) -> bool:
    """Whether the fast way can look for a member of this name."""
    return '"' not in name and "\\" not in name and (name.isprintable() or not UNSPEAKABLE.search(name))


def _node_of(shape: Shape, scope: Scope) -> Node:
    node: Node | Leaf | List = shape.root
    for part in scope.at:
        assert isinstance(node, Node)
        node = node.members[part]
    if isinstance(node, List):
        return node.element
    assert isinstance(node, Node)
    return node


def _fill(node: Node, scope: Scope) -> None:
    for column in scope.table.columns:
        if column.source.startswith(("^", "#", "$")):
            continue
        *way, last = split_path(column.source)
        holder = _object(node, tuple(way))
        leaf = holder.members.setdefault(last, Leaf())
        if not isinstance(leaf, Leaf):
            raise TypeError(f"{scope.table.name}.{column.name}: {column.source} is an object elsewhere")
        if leaf.columns and leaf.columns[0].python is not column.python:
            raise TypeError(f"{scope.table.name}.{column.name}: {column.source} has another type elsewhere")
        leaf.columns.append(column)


def _object(node: Node, path: Path) -> Node:
    for part in path:
        member = node.members.setdefault(part, Node(node.scope))
        if not isinstance(member, Node):
            raise TypeError(f"{'.'.join(path)} is not an object elsewhere")
        node = member
    return node


def _put(node: Node, path: Path, member: List) -> None:
    holder = _object(node, path[:-1])
    if path[-1] in holder.members:
        raise TypeError(f"{'.'.join(path)} is declared twice")
    holder.members[path[-1]] = member
