"""A mapping: which field of a vendor's record is which field of ours, as data. docs/erp-mapping.md describes the format.

Each kind of ERP has a default mapping in ``mappings/``; a connection's own says only what is different there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from connectors.erp.bind import bind, columns
from connectors.erp.document import Complaint, Complaints, Mark, Part, parse
from connectors.erp.fields import unknown
from connectors.erp.sections import DATA_TYPES, Section, Type, reading, sections, split
from connectors.errors import MappingInvalid, NotMapped
from connectors.stream import Child, Convert

__all__ = ["DATA_TYPES", "Binding", "ErpMapping", "SourcePath", "check", "default_text", "kinds", "load"]

# What a protocol adds to each record (ETags and the like) is in no metadata.
CONTROL = ("@", "__", "odata\\.")


@dataclass(frozen=True, slots=True)
class SourcePath:
    """A path of the vendor's records that a field reads: whole (through the list of lines), for which field, said where."""

    path: str
    field: str
    at: Mark


@dataclass(frozen=True, slots=True)
class Binding:
    """One data type of a mapping, ready to read: what a client needs to know to ask, and what the warehouse lands.

    ``read`` is what the mapping says to the kind of ERP alone (entity set, file pattern, …), ``read_at`` where each of
    its names stands. ``key`` and ``changed_at`` are the paths of source_key and source_updated_at (empty: none).
    ``lines`` is the path of the list of lines, empty for none. ``observe``: events are made by looking at a status.
    """

    data_type: str
    table: str
    record: type[msgspec.Struct]
    children: tuple[Child, ...]
    ignored: tuple[str, ...]
    paths: tuple[SourcePath, ...]
    key: tuple[str, ...]
    changed_at: tuple[str, ...]
    lines: str
    observe: bool
    bound: frozenset[str]
    read: Mapping[str, Any]
    read_at: Mapping[str, Mark]

    def missing(self, available: Collection[str]) -> list[Complaint]:
        """A complaint for each path that the source does not have; ``available`` are all paths that it has."""
        holders = {".".join(parts[:depth]) for parts in map(split, available) for depth in range(1, len(parts) + 1)}
        return [
            Complaint(each.at, f"{each.field}: {unknown(each.path, holders, 'what the source offers')}")
            for each in self.paths
            if each.path not in holders and not each.path.startswith(CONTROL)
        ]

    def refuse(self, name: str, why: str) -> MappingInvalid:
        """The error for something that a kind of ERP does not like in ``read``; names its line."""
        return MappingInvalid(f"{self.read_at[name]}: {name} {why}" if name in self.read_at else f"{name} {why}")


@dataclass(frozen=True, slots=True)
class ErpMapping:
    """A valid mapping of one kind of ERP."""

    kind: str
    sections: Mapping[str, Section]

    @property
    def data_types(self) -> tuple[str, ...]:
        """The data types that it maps, in the order of DATA_TYPES."""
        return tuple(name for name in DATA_TYPES if name in self.sections)

    def binding(self, data_type: str, constants: Mapping[str, str] | None = None) -> Binding:
        """What to read and land for a data type; NotMapped if the mapping lacks it.

        ``constants`` are values of fields that the mapping leaves open, such as client_id and site_id where the
        connection serves one site.
        """
        if data_type not in self.sections:
            there = ", ".join(self.data_types) or "none"
            raise NotMapped(f"The mapping of this connection ({self.kind}) has no {data_type}; it has: {there}")
        kind, section = DATA_TYPES[data_type], self.sections[data_type]
        open_ = {name: value for name, value in (constants or {}).items() if name in columns(kind.record)}
        converts = {name: Convert(constant=value) for name, value in open_.items()}
        converts |= {name: bound.convert for name, bound in section.fields.items()}
        lines = [bound.convert for bound in (section.line_fields or {}).values()]
        return Binding(
            data_type,
            kind.table,
            bind(kind.record, converts),
            tuple(_children(kind, section, converts)),
            section.ignored,
            tuple(_source_paths(kind, section)),
            converts["source_key"].paths,
            converts["source_updated_at"].paths if "source_updated_at" in converts else (),
            section.path if lines else "",
            section.observe,
            frozenset(converts),
            section.read,
            section.read_at,
        )


def kinds() -> tuple[str, ...]:
    """The kinds of ERP: those that have a default mapping."""
    files = resources.files("connectors.erp").joinpath("mappings").iterdir()
    names = (file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))
    return tuple(sorted(name for name in names if "." not in name))  # KIND.VARIANT.yaml is a variant


def default_text(kind: str) -> str:
    """The default mapping of a kind, as YAML; NotMapped if there is no such kind."""
    if kind not in kinds():
        raise NotMapped(f"There is no kind of ERP named {kind}; there are: {', '.join(kinds())}")
    return resources.files("connectors.erp").joinpath("mappings", f"{kind}.yaml").read_text("utf-8")


def load(kind: str, own: str | None = None, variant: str = "") -> ErpMapping:
    """The mapping of a kind, with what a connection's own says differently; MappingInvalid names every mistake.

    ``own`` is YAML, or the path of a file with it (one line that ends in .yaml or .yml). ``variant`` names a layer between
    the two that the kind brings as well: ``mappings/KIND.VARIANT.yaml``.
    """
    mapping, complaints = check(kind, own, variant)
    if mapping is None:
        error = MappingInvalid("; ".join(map(str, complaints)))
        error.complaints = complaints
        raise error
    return mapping


def check(kind: str, own: str | None = None, variant: str = "") -> tuple[ErpMapping | None, list[Complaint]]:
    """As `load`; the mapping is None where there are complaints."""
    complaints = Complaints()
    whole = parse(default_text(kind), f"the default mapping of {kind}", complaints)
    if variant:
        layer = resources.files("connectors.erp").joinpath("mappings", f"{kind}.{variant}.yaml").read_text("utf-8")
        whole = _layer(whole, parse(layer, f"the mapping of {kind} for {variant}", complaints))
    if own and own.strip():
        text, name = _own(own, complaints)
        whole = _layer(whole, parse(text, name, complaints))
    found = dict(sections(kind, whole, complaints)) if not complaints else {}
    return (None if complaints else ErpMapping(kind, found)), sorted(complaints, key=lambda each: each.at)


def _own(own: str, complaints: Complaints) -> tuple[str, str]:
    name = own.strip()
    if "\n" in name or not name.endswith((".yaml", ".yml")):
        return own, "the mapping of the connection"
    try:
        return Path(name).read_text("utf-8"), Path(name).name
    except (OSError, UnicodeDecodeError) as error:
        complaints.say(
            Mark(Path(name).name, 1, 1), f"cannot be read ({getattr(error, 'strerror', None) or 'no UTF-8'})"
        )
        return "", name


def _layer(below: Part, above: Part, depth: int = 0) -> Part:
    """What the upper one says, over the lower one: by data type, by name in it, by field; null takes something away."""
    if not isinstance(below.value, dict) or not isinstance(above.value, dict) or depth > 3:
        return above
    merged = dict(below.value)
    for name, part in above.value.items():
        if part.value is None:
            merged.pop(name, None)
        # A field is said as a whole, and so is a list.
        elif name in merged and (depth == 0 or name in ("fields", "lines", "read")):
            merged[name] = _layer(merged[name], part, depth + 1)
        else:
            merged[name] = part
    return Part(above.at, merged)


def _children(kind: Type, section: Section, converts: Mapping[str, Convert]) -> Iterator[Child]:
    """The child of a data type with lines; without lines in the mapping there is none."""
    if kind.lines is None or section.line_fields is None:
        return
    table, record, key = kind.lines
    lines = {name: bound.convert for name, bound in section.line_fields.items()}
    yield Child(table, bind(record, lines, converts), key, path=section.path, ignored=section.line_ignored)


def _source_paths(kind: Type, section: Section) -> Iterator[SourcePath]:
    for name, path, at, inside in reading(section):
        if path.endswith("?"):
            continue  # may be absent
        begin = f"{inside}." if inside else ""
        base, _, rest = path.partition("[")
        condition, _, after = rest.partition("]")
        field = f"{kind.lines[0] if inside and kind.lines else kind.table}.{name}"
        yield SourcePath(f"{begin}{base}{after}", field, at)
        if "=" in condition:
            yield SourcePath(f"{begin}{base}.{condition.partition('=')[0]}", field, at)
