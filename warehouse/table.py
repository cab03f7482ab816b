"""Tables from record types: what a `msgspec.Struct` with annotated columns means in Postgres."""

import hashlib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

import msgspec
from psycopg import sql

from warehouse.convert import ConvertLike, base

TYPES: Mapping[Any, str] = {
    str: "text",
    # Sources widen whole numbers without notice (to 2^63, to 1.5); numeric holds them all.
    int: "numeric",
    Decimal: "numeric",
    bool: "boolean",
    date: "date",
    datetime: "timestamptz",
    msgspec.Raw: "jsonb",
}

# Every landed table ends with these. Order matters: it is the order in the table.
TAIL: tuple[tuple[str, str, str], ...] = (
    ("_row_hash", "uuid NOT NULL", "Fingerprint of the source record (and mapping) that last changed this row"),
    ("_run_id", "uuid NOT NULL", "The run that last changed this row (ops.sync_run.run_id)"),
    ("_inserted_at", "timestamptz NOT NULL", "When this row first landed"),
    ("_changed_at", "timestamptz NOT NULL", "When a landing last changed this row"),
    ("_deleted_at", "timestamptz", "When a landing found the record gone at the source; null while it is there"),
    ("_extra", "jsonb", "Source fields without a column; under _sanitized the columns whose text had to be cleaned"),
)


MAX_NAME_BYTES = 63
# What every landed table has, what staging adds, and what Postgres has in every table.
RESERVED = {"connection", "_seq", "_known", *(name for name, _, _ in TAIL)}
RESERVED |= {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "valid_from", "valid_to"}


class ChildLike(Protocol):
    """What the warehouse needs to know of child records (see connectors.stream.Child)."""

    @property
    def table(self) -> str: ...
    @property
    def record(self) -> type[msgspec.Struct]: ...
    @property
    def key(self) -> tuple[str, ...]: ...
    @property
    def path(self) -> str | None: ...
    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def owner(self) -> str | None: ...
    @property
    def ignored(self) -> tuple[str, ...]: ...


class GateLike(Protocol):
    """What the warehouse needs to know of an expectation (see connectors.stream.Gate)."""

    @property
    def expectation(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...
    @property
    def blocks(self) -> bool: ...
    @property
    def changed_only(self) -> bool: ...


class StreamLike(Protocol):
    """What the warehouse needs to know of a stream (see connectors.stream.Stream)."""

    @property
    def name(self) -> str: ...
    @property
    def schema(self) -> str: ...
    @property
    def record(self) -> type[msgspec.Struct]: ...
    @property
    def key(self) -> tuple[str, ...]: ...
    @property
    def children(self) -> typing.Sequence[ChildLike]: ...
    @property
    def version(self) -> str | None: ...
    @property
    def gates(self) -> typing.Sequence[GateLike]: ...
    @property
    def history(self) -> bool: ...
    @property
    def ignored(self) -> tuple[str, ...]: ...
    @property
    def append_only(self) -> bool: ...
    @property
    def subject(self) -> tuple[str, ...]: ...
    @property
    def observed(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its Postgres type, its documentation and where its value comes from."""

    name: str
    python: Any
    pg_type: str
    nullable: bool
    doc: str
    unit: str | None
    source: str
    holds: tuple[tuple[str, Any], ...] = ()
    convert: ConvertLike | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """Where its value is read in the record (or, where `above`, in the parent's record)."""
        if self.convert is not None:
            return tuple(map(base, self.convert.paths))
        return () if self.source.startswith(("#", "$")) else (self.source.removeprefix("^"),)

    @property
    def above(self) -> bool:
        """Whether it is read from the parent's record."""
        paths = (self.source,) if self.convert is None else self.convert.paths
        return bool(paths) and paths[0].startswith("^")

    @property
    def definition(self) -> str:
        """The type as written in CREATE TABLE."""
        if self.holds:
            return f"{self.pg_type} GENERATED ALWAYS AS ({_condition(self.holds)}) STORED"
        return self.pg_type if self.nullable else f"{self.pg_type} NOT NULL"


@dataclass(frozen=True, slots=True)
class Table:
    """A landed table: schema, name, documentation, columns and key (without ``connection``)."""

    schema: str
    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def identifier(self) -> sql.Identifier:
        """The quoted, qualified name."""
        return sql.Identifier(self.schema, self.name)

    @property
    def staged(self) -> tuple[Column, ...]:
        """The columns whose values differ from record to record, and so travel through staging."""
        return tuple(column for column in self.columns if column.source not in ("$identity", "$derived"))

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        return {column.name: column for column in self.columns}[name]


def table_of(schema: str, name: str, record: type[msgspec.Struct], key: tuple[str, ...]) -> Table:
    """Look at a record type; TypeError where a field cannot be a column. The columns of the key come first."""
    hints = typing.get_type_hints(record, include_extras=True)
    fields = {field.name: field for field in msgspec.structs.fields(record)}
    names = (*(each for each in key if each in fields), *(each for each in fields if each not in key))
    columns = tuple(_column(record, each, hints[each], each in key) for each in names)
    _check_names(schema, name, columns)
    missing = {*key, *(name for column in columns for name, _ in column.holds)} - fields.keys()
    if missing:
        raise TypeError(
            f"{record.__name__} has no field {', '.join(sorted(missing))}, which its key or another column names"
        )
    return Table(schema, name, " ".join((record.__doc__ or "").split()), columns, key)


def _check_names(schema: str, name: str, columns: typing.Sequence[Column]) -> None:
    """TypeError where Postgres would shorten a name silently, or a name has a meaning already."""
    for each in (schema, f"{name}_current", f"{name}_history", *(column.name for column in columns)):
        if len(each.encode()) > MAX_NAME_BYTES:
            raise TypeError(f"the name {each} is longer than the {MAX_NAME_BYTES} bytes that Postgres keeps of it")
    if taken := {column.name for column in columns} & RESERVED:
        raise TypeError(f"{schema}.{name} cannot have a column {', '.join(sorted(taken))}: that name is taken")


def tables_of(stream: StreamLike) -> tuple[Table, ...]:
    """The table of a stream, then those of its children."""
    children = (table_of(stream.schema, child.table, child.record, child.key) for child in stream.children)
    return (table_of(stream.schema, stream.name, stream.record, stream.key), *children)


def mapping_version(stream: StreamLike) -> str:
    """Sixteen hexadecimal digits that change whenever records would be read into columns differently."""
    text = repr([(t.name, t.key, [(c.name, c.pg_type, c.source) for c in t.columns]) for t in tables_of(stream)])
    ignored = [stream.ignored, *(child.ignored for child in stream.children)]
    converts = [(t.name, c.name, repr(c.convert)) for t in tables_of(stream) for c in t.columns if c.convert]
    if converts or any(ignored):
        text += repr((converts, ignored))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _column(record: type[msgspec.Struct], name: str, hint: Any, in_key: bool) -> Column:
    where = f"{record.__name__}.{name}"
    meta = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, msgspec.Meta)), None)
    if meta is None or not meta.description or not meta.extra or "source" not in meta.extra:
        raise TypeError(f"{where} has no column(...) annotation")
    bare, nullable = _without_none(hint.__origin__)
    if bare not in TYPES:
        raise TypeError(f"{where} has type {bare!r}; a column is one of {', '.join(t.__name__ for t in TYPES)}")
    if in_key and nullable:
        raise TypeError(f"{where} is part of the key and so cannot be None")
    # Keys are opaque: comparing them byte by byte makes indexes cheaper and the same on every server.
    pg_type = 'text COLLATE "C"' if in_key and bare is str else TYPES[bare]
    source = meta.extra["source"]
    if source in ("#", "#^"):
        pg_type = "integer"
    holds = tuple(meta.extra.get("holds", {}).items())
    convert = meta.extra.get("convert")
    return Column(name, bare, pg_type, nullable, meta.description, meta.extra.get("unit"), source, holds, convert)


def _condition(holds: typing.Sequence[tuple[str, Any]]) -> str:
    """What `connectors.stream.derived` declares, as an expression of Postgres."""
    parts = [
        sql.SQL("strpos({}, {}) > 0" if isinstance(value, str) else "{} = {}").format(
            sql.Identifier(name), sql.Literal(value)
        )
        for name, value in holds
    ]
    return sql.SQL("COALESCE({}, false)").format(sql.SQL(" AND ").join(parts)).as_string(None)


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint, False
    parts = [part for part in typing.get_args(hint) if part is not type(None)]
    return (parts[0] if len(parts) == 1 else hint), len(parts) < len(typing.get_args(hint))
