"""dlt with a resource of dicts, merged by upsert; lines become a child table. Arguments: address of the source, of the database.

Set up as its performance guide says: pages are yielded whole, files are COPYed as CSV, both cores normalize.
"""

# mypy: ignore-errors

import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from pages import pages

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "NORMALIZE__WORKERS": "2",
    "NORMALIZE__START_METHOD": "spawn",
    "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": "200000",
    "EXTRACT__DATA_WRITER__FILE_MAX_ITEMS": "100000",
    "DATA_WRITER__BUFFER_MAX_ITEMS": "10000",
}
import dlt


def main(base_url: str, url: str) -> None:
    """Load both entities."""
    merge: Any = {"disposition": "merge", "strategy": "upsert"}

    @dlt.resource(name="customer", primary_key="Id", write_disposition=merge)
    def customers() -> Iterator[Any]:
        yield from pages(base_url, "Customer")

    @dlt.resource(name="invoice", primary_key="Id", write_disposition=merge)
    def invoices() -> Iterator[Any]:
        yield from pages(base_url, "Invoice")

    # Its memory of earlier runs is kept beside the database, as a worker without a disk of its own has it.
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench", pipelines_dir=folder, dataset_name="quickbooks", destination=dlt.destinations.postgres(url)
        )
        pipeline.run([customers(), invoices()], loader_file_format="csv").raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])
