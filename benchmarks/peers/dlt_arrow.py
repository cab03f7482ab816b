"""dlt with resources of Arrow tables, flattened by hand, merged by upsert: its fast way. Arguments as of dlt_dict."""

# mypy: ignore-errors

import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from flat import addresses, customer, invoice, lines, linked
from pages import pages

os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR", "NORMALIZE__WORKERS": "1"}
import dlt

NUMBERS = {"balance", "balance_with_jobs", "total_amount", "total_tax", "amount", "unit_price", "quantity",
           "discount_percent"}  # fmt: skip
WHOLE = {"index", "line_num"}
FLAGS = {"percent_based"}


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """An Arrow table whose types do not depend on what happens to be empty."""
    columns = {}
    for name, first in rows[0].items():
        kind = pa.float64() if name in NUMBERS else pa.int64() if name in WHOLE else pa.string()
        flag = isinstance(first, bool) or name in FLAGS
        columns[name] = pa.array([row[name] for row in rows], pa.bool_() if flag else kind)
    return pa.table(columns)


def main(base_url: str, url: str) -> None:
    """Load all tables; invoices are fetched once."""
    merge: Any = {"disposition": "merge", "strategy": "upsert"}

    keys = {
        "address": ["owner_type", "owner_id", "role"],
        "invoice_line": ["invoice_id", "index"],
        "invoice_linked_txn": ["invoice_id", "index"],
    }

    def children(name: str, rows: list[dict[str, Any]]) -> Iterator[Any]:
        if rows:
            hints = dlt.mark.make_hints(table_name=name, primary_key=keys[name], write_disposition=merge)
            yield dlt.mark.with_hints(table(rows), hints, create_table_variant=True)

    @dlt.resource(name="customer", primary_key="id", write_disposition=merge)
    def customers() -> Iterator[Any]:
        for page in pages(base_url, "Customer"):
            yield table([customer(record) for record in page])
            yield from children("address", addresses("customer", page))

    @dlt.resource(name="invoice", primary_key="id", write_disposition=merge)
    def invoices() -> Iterator[Any]:
        for page in pages(base_url, "Invoice"):
            yield table([invoice(record) for record in page])
            yield from children("invoice_line", lines(page))
            yield from children("invoice_linked_txn", linked(page))
            yield from children("address", addresses("invoice", page))

    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench", pipelines_dir=folder, dataset_name="quickbooks", destination=dlt.destinations.postgres(url)
        )
        pipeline.run([customers(), invoices()], loader_file_format="csv").raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])
