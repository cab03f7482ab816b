"""dlt with resources of Arrow tables, flattened by hand, merged by upsert: its fast way. Arguments as of dlt_dict."""

# mypy: ignore-errors

import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa
from flat import JSON, addresses, customer, invoice, kind, lines, linked
from pages import pages

os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR", "NORMALIZE__WORKERS": "1"}
import dlt

# As what a column is read from Python, and what Arrow makes of all of its values at once.
TYPES = {
    "number": (pa.float64(), pa.decimal128(38, 9)), "whole": (pa.int64(), pa.int64()), "flag": (pa.bool_(), pa.bool_()),
    "date": (pa.string(), pa.date32()), "moment": (pa.string(), pa.timestamp("us", tz="UTC")),
    "json": (pa.string(), pa.string()), "text": (pa.string(), pa.string()),
}  # fmt: skip


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """An Arrow table whose types do not depend on what happens to be empty."""
    columns = {}
    for name in rows[0]:
        given, wanted = TYPES[kind(name)]
        values = [row[name] for row in rows]
        column = pa.array([orjson.dumps(value).decode() for value in values] if name in JSON else values, given)
        columns[name] = column if given == wanted else column.cast(wanted)
    return pa.table(columns)


def main(base_url: str, url: str) -> None:
    """Load all tables; invoices are fetched once."""
    merge: Any = {"disposition": "merge", "strategy": "upsert"}

    keys = {
        "customer": ["id"],
        "invoice": ["id"],
        "address": ["owner_type", "owner_id", "role"],
        "invoice_line": ["invoice_id", "index"],
        "invoice_linked_txn": ["invoice_id", "index"],
    }

    def rows_of(name: str, rows: list[dict[str, Any]]) -> Iterator[Any]:
        if rows:
            json = {column: {"data_type": "json"} for column in JSON & rows[0].keys()}
            hints = dlt.mark.make_hints(table_name=name, primary_key=keys[name], write_disposition=merge, columns=json)
            yield dlt.mark.with_hints(table(rows), hints, create_table_variant=True)

    @dlt.resource(name="customer", primary_key="id", write_disposition=merge)
    def customers() -> Iterator[Any]:
        for page in pages(base_url, "Customer"):
            yield from rows_of("customer", [customer(record) for record in page])
            yield from rows_of("address", addresses("customer", page))

    @dlt.resource(name="invoice", primary_key="id", write_disposition=merge)
    def invoices() -> Iterator[Any]:
        for page in pages(base_url, "Invoice"):
            yield from rows_of("invoice", [invoice(record) for record in page])
            yield from rows_of("invoice_line", lines(page))
            yield from rows_of("invoice_linked_txn", linked(page))
            yield from rows_of("address", addresses("invoice", page))

    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench", pipelines_dir=folder, dataset_name="quickbooks", destination=dlt.destinations.postgres(url)
        )
        pipeline.run([customers(), invoices()], loader_file_format="csv").raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])
