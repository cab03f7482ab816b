"""The sections of a mapping, one a data type: which there are, what each may say, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import available_timezones

import msgspec

from connectors.erp import models
from connectors.erp.bind import columns
from connectors.erp.document import Complaints, Mark, Part
from connectors.erp.fields import Bound, Reader, Rules, flag, texts, unknown

RULES = ("nulls", "trim", "zone", "texts")


@dataclass(frozen=True, slots=True)
class Type:
    """A data type: the table that it lands in, that of its lines, and the words that its fields may hold."""

    table: str
    record: type[msgspec.Struct]
    lines: tuple[str, type[msgspec.Struct], tuple[str, ...]] | None = None
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


DATA_TYPES: Mapping[str, Type] = {
    "orders": Type(
        "sales_order", models.SalesOrder,
        ("sales_order_line", models.SalesOrderLine, ("order_source_key", "index")),
        {"status": models.ORDER_STATUSES},
    ),
    "products": Type("product", models.Product, words={"status": models.PRODUCT_STATUSES}),
    "order_status": Type("order_status_event", models.OrderStatusEvent, words={"status": models.ORDER_STATUSES}),
    "inventory": Type("inventory_level", models.InventoryLevel, words={"stock_type": models.STOCK_TYPES}),
    "employees": Type("employee", models.Employee, words={"status": models.EMPLOYEE_STATUSES}),
    "invoices": Type(
        "invoice", models.Invoice, ("invoice_line", models.InvoiceLine, ("invoice_source_key", "index")),
        {"status": models.INVOICE_STATUSES},
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    """What a mapping says of one data type: its fields, and those of its lines in the list at ``path``."""

    fields: Mapping[str, Bound]
    ignored: tuple[str, ...]
    observe: bool
    read: Mapping[str, Any]
    read_at: Mapping[str, Mark]
    path: str = ""
    line_fields: Mapping[str, Bound] | None = None
    line_ignored: tuple[str, ...] = ()


def sections(kind: str, whole: Part, complaints: Complaints) -> Iterator[tuple[str, Section]]:
    """The sections of a whole mapping by data type, with what is wrong in ``complaints``."""
    if not isinstance(whole.value, dict):
        complaints.say(whole.at, "a mapping has a name for each data type, such as products")
    rules = _rules(whole, Rules(), complaints)
    for name, part in whole.members().items():
        if name == "kind" and part.value != kind:
            complaints.say(part.at, f"is for {part.value}; the connection is of kind {kind}")
        elif name in DATA_TYPES:
            yield name, _section(DATA_TYPES[name], name, part, rules, complaints)
        elif name not in (*RULES, "kind"):
            complaints.say(part.at, unknown(name, (*DATA_TYPES, *RULES, "kind"), "a mapping"))


def _rules(part: Part, rules: Rules, complaints: Complaints) -> Rules:
    """The rules that hold below this part."""
    said = part.members()
    if "nulls" in said:
        rules = replace(rules, nulls=texts(said["nulls"], "nulls", complaints))
    if "trim" in said:
        rules = replace(rules, trim=flag(said["trim"], "trim", complaints))
    if "texts" in said:
        rules = replace(rules, texts=flag(said["texts"], "texts", complaints))
    if "zone" in said:
        zone = said["zone"]
        if not isinstance(zone.value, str) or zone.value not in available_timezones():
            complaints.say(zone.at, f"{zone.plain()} is no IANA time zone, such as Europe/Berlin")
        else:
            rules = replace(rules, zone=zone.value)
    return rules


def _section(kind: Type, name: str, part: Part, rules: Rules, complaints: Complaints) -> Section:
    said = part.members()
    known = {"read", "ignore", "fields", "lines", *RULES} | ({"observe"} if name == "order_status" else set())
    for other, inner in said.items():
        if other not in known or (other == "lines" and kind.lines is None):
            complaints.say(inner.at, unknown(other, known - {"lines"} if kind.lines is None else known, name))
    rules = _rules(part, rules, complaints)
    fields = _fields(kind.record, said.get("fields", Part(part.at, {})), rules, kind.words, False, complaints)
    if "source_key" not in fields:
        complaints.say(part.at, f"{name} needs the field source_key: what tells one record from another")
    read = said.get("read", Part(part.at, {}))
    section = Section(
        fields, _ignored(said, complaints), "observe" in said and flag(said["observe"], "observe", complaints),
        read.plain() if isinstance(read.value, dict) else {}, {at: inner.at for at, inner in read.members().items()},
    )  # fmt: skip
    if "lines" in said and kind.lines is not None:
        section = _with_lines(section, kind.lines[1], said["lines"], rules, kind.words, complaints)
    if section.observe and "order_source_key" not in fields:
        complaints.say(part.at, "observe needs the field order_source_key: whose status it is")
    _no_conflict(section, part.at, complaints)
    return section


def _with_lines(
    section: Section, record: type[msgspec.Struct], part: Part, rules: Rules,
    words: Mapping[str, tuple[str, ...]], complaints: Complaints,
) -> Section:  # fmt: skip
    said = part.members()
    for other, inner in said.items():
        if other not in ("path", "ignore", "fields", *RULES):
            complaints.say(inner.at, unknown(other, ("path", "ignore", "fields", *RULES), "lines"))
    path = said["path"].value if "path" in said else None
    if not isinstance(path, str) or not path:
        complaints.say(part.at, "lines need the path of their list")
        path = ""
    rules = _rules(part, rules, complaints)
    fields = _fields(record, said.get("fields", Part(part.at, {})), rules, words, True, complaints)
    return replace(section, path=path, line_fields=fields, line_ignored=_ignored(said, complaints))


def _ignored(said: Mapping[str, Part], complaints: Complaints) -> tuple[str, ...]:
    return texts(said["ignore"], "ignore", complaints) if "ignore" in said else ()


def _fields(
    record: type[msgspec.Struct], part: Part, rules: Rules, words: Mapping[str, tuple[str, ...]], line: bool,
    complaints: Complaints,
) -> dict[str, Bound]:  # fmt: skip
    known = {name: python for name, (python, meta) in columns(record).items() if _open(meta)}
    found = {}
    if not isinstance(part.value, dict):
        complaints.say(part.at, "fields are names with a path each")
    for name, inner in part.members().items():
        if name not in known:
            complaints.say(inner.at, unknown(name, known, record.__name__))
            continue
        reader = Reader(
            known[name], key=name == "source_key", line=line, words=words.get(name, ()), complaints=complaints
        )
        if bound := reader.read(inner, rules):
            found[name] = bound
    return found


def _open(meta: msgspec.Meta) -> bool:
    source = str((meta.extra or {})["source"])
    return not source.startswith(("^", "#"))


def reading(section: Section) -> Iterator[tuple[str, str, Mark, str]]:
    """Field, path, place and the list in whose elements the path is (empty: the record) of all that is read."""
    for name, bound in section.fields.items():
        for at, path in bound.paths:
            yield name, path, at, ""
    for name, bound in (section.line_fields or {}).items():
        for at, path in bound.paths:
            yield name, path.removeprefix("^"), at, "" if path.startswith("^") else section.path


def split(path: str) -> list[str]:
    """The names in a path; a dot inside a name has a backslash before it."""
    return re.split(r"(?<!\\)\.", path)


def _no_conflict(section: Section, at: Mark, complaints: Complaints) -> None:
    """No path may lead through the value of another."""
    taken: dict[tuple[str, str], str] = {}
    lists = {(inside, path.partition("[")[0]) for _, path, _, inside in reading(section) if "[" in path}
    ends = [
        (inside, path.removesuffix("?").partition("[")[0], name, where)
        for name, path, where, inside in reading(section)
    ]
    ends += [("", path, "ignore", at) for path in section.ignored]
    ends += [(section.path, path, "ignore", at) for path in section.line_ignored]
    if section.path:
        ends.append(("", section.path, "lines", at))
    for inside, path, name, _ in ends:
        taken.setdefault((inside, path), name)
    for inside, path, name, where in ends:
        parts = split(path)
        for depth in range(1, len(parts)):
            above = (inside, ".".join(parts[:depth]))
            # Of a list from which is chosen, members of the elements may be left out.
            if (other := taken.get(above)) and not (name == "ignore" and above in lists and depth == len(parts) - 1):
                complaints.say(where, f"{name} reads {path}, but {other} takes all of {'.'.join(parts[:depth])}")
