"""From a canonical record type and what a mapping says to a record type of the same columns that reads a vendor's records."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec

from connectors.stream import Convert, column

NO_VALUE = Convert()


def columns(record: type[msgspec.Struct]) -> dict[str, tuple[Any, msgspec.Meta]]:
    """The columns of a record type: the bare Python type of each, and what `column` says about it."""
    hints = typing.get_type_hints(record, include_extras=True)
    return {name: (_bare(hint.__origin__), hint.__metadata__[0]) for name, hint in hints.items()}


def bind(
    record: type[msgspec.Struct], converts: Mapping[str, Convert], parent: Mapping[str, Convert] | None = None
) -> type[msgspec.Struct]:
    """The same columns, each read as ``converts`` says; a column that it does not name has no value.

    In a child, what the canonical type reads from its parent is read as ``parent`` says.
    """
    hints = typing.get_type_hints(record, include_extras=True)
    fields: list[Any] = []
    for field in msgspec.structs.fields(record):
        meta: msgspec.Meta = hints[field.name].__metadata__[0]
        extra = meta.extra or {}
        source: str = extra["source"]
        if source.startswith("^") and parent is not None:
            convert = _of_parent(parent[source[1:]])
        elif source == "#":
            convert = None
        else:
            convert = converts.get(field.name, NO_VALUE)
        said = column(
            meta.description or "", source=source if convert is None else source_of(convert), unit=extra.get("unit"),
            convert=None if convert is None else _simple(convert),
        )  # fmt: skip
        default = field.default if field.default is not msgspec.NODEFAULT else ...
        annotation: Any = Annotated[hints[field.name].__origin__, said]
        fields.append((field.name, annotation) if default is ... else (field.name, annotation, default))
    return msgspec.defstruct(record.__name__, fields, kw_only=True, namespace={"__doc__": record.__doc__})


def source_of(convert: Convert) -> str:
    """Where a value comes from, in short: what errors and documents show; the path itself where there is but one."""
    if convert.constant is not None:
        return f"= {convert.constant}"
    if not convert.paths:
        return "not mapped"
    up = "^" if convert.paths[0].startswith("^") else ""
    between = " or " if convert.join is None else " + "
    return up + between.join(path.removeprefix("^") for path in convert.paths)


def _simple(convert: Convert) -> Convert | None:
    """Nothing at all where a value is just read from one path, so that the engine takes its shortest way."""
    plain = len(convert.paths) == 1 and "[" not in convert.paths[0] and convert.constant is None
    return None if plain and convert == Convert(paths=convert.paths) else convert


def _of_parent(convert: Convert) -> Convert:
    return replace(convert, paths=tuple(f"^{path}" for path in convert.paths))


def _bare(hint: Any) -> Any:
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint
    return next(part for part in typing.get_args(hint) if part is not type(None))
