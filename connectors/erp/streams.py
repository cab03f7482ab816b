"""What can be read from an ERP, whatever its kind: the streams of a mapping, and the canonical ones for documents."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from connectors.erp.mapping import DATA_TYPES, Binding, ErpMapping
from connectors.stream import Child, Gate, Page, Stream

SCHEMA = "erp"
HISTORY = ("products", "inventory")
# The columns that order two versions of a record, or two events.
VERSIONS = ("source_updated_at", "occurred_at")
# What a look at an order's status can find changed.
OBSERVED = ("status", "source_status", "fulfillment_status", "payment_status")
# Columns without which most rows make no sense: a few odd ones are tolerated, a batch of them is a fault of the source
# or of the mapping, and lands nothing; of the second ones somebody is told.
NEEDED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "orders": (("order_number",), ("currency",)),
    "products": (("name",), ("sku",)),
    "inventory": (("product_source_key", "on_hand"), ("uom",)),
    "order_status": (("order_source_key",), ("source_status",)),
    "employees": (("display_name",), ("status",)),
    "invoices": (("invoice_number",), ("currency", "issue_date")),
}


def streams(
    mapping: ErpMapping, data_types: Sequence[str], constants: Mapping[str, str] | None = None
) -> tuple[Stream, ...]:
    """A stream for each data type, read by whatever `kinds.ErpClient` the run has; NotMapped for one that is not mapped.

    ``constants`` are values of fields that the mapping leaves open (``client_id``, ``site_id``).
    """
    return tuple(stream(mapping.binding(name, constants)) for name in data_types)


def stream(binding: Binding) -> Stream:
    """The stream of one data type as a mapping binds it."""

    def pages(client: Any, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        for page in client.pages(binding.data_type, cursor, binding):
            # Events are kept when the source no longer has them.
            yield replace(page, complete=False, deleted=()) if binding.data_type == "order_status" else page

    return Stream(
        name=binding.table,
        schema=SCHEMA,
        record=binding.record,
        key=("source_key",),
        pages=pages,
        children=binding.children,
        version=next((name for name in VERSIONS if name in binding.bound), None),
        gates=tuple(_gates(binding)),
        history=binding.data_type in HISTORY,
        ignored=binding.ignored,
        append_only=binding.data_type == "order_status",
        subject=("order_source_key",) if binding.observe else (),
        observed=OBSERVED if binding.observe else (),
    )


def _gates(binding: Binding) -> Iterator[Gate]:
    """What the rows must and should be like; only about columns that the mapping fills.

    Words that a value map does not list are told by the landing itself.
    """
    must, should = NEEDED[binding.data_type]
    for name in (*must, *should):
        if name in binding.bound:
            yield Gate("expect_column_values_to_not_be_null", {"column": name, "mostly": 0.9}, blocks=name in must)


def _canonical(data_type: str) -> Stream:
    kind = DATA_TYPES[data_type]
    children = () if kind.lines is None else (Child(kind.lines[0], kind.lines[1], kind.lines[2], path="lines"),)
    record: type[msgspec.Struct] = kind.record
    return Stream(kind.table, SCHEMA, record, ("source_key",), _nothing, children, history=data_type in HISTORY)


def _nothing(_client: Any, _cursor: Mapping[str, Any] | None) -> Iterator[Page]:
    """The canonical streams are declarations: without a mapping there is nothing to read."""
    return iter(())


STREAMS: tuple[Stream, ...] = tuple(_canonical(name) for name in DATA_TYPES)
