"""A Singer tap piped into Meltano's target-postgres, upserting through COPY. Arguments: source, database, target's program."""

# mypy: ignore-errors

# ruff: noqa: S603 -- the program is that of this environment

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import orjson
from flat import addresses, customer, invoice, kind, lines, linked
from pages import pages

TYPES = {
    "number": {"type": ["number", "null"]}, "whole": {"type": ["integer", "null"]}, "flag": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "format": "date"}, "moment": {"type": ["string", "null"], "format": "date-time"},
    "json": {"type": ["object", "array", "null"]}, "text": {"type": ["string", "null"]},
}  # fmt: skip


def schema(stream: str, row: dict[str, Any], keys: list[str]) -> bytes:
    """The SCHEMA message for rows like this one."""
    properties = {name: dict(TYPES[kind(name)]) for name in row}
    for key in keys:
        properties[key]["type"] = properties[key]["type"][:1]
    message = {"type": "SCHEMA", "stream": stream, "key_properties": keys, "schema": {"properties": properties}}
    return orjson.dumps(message) + b"\n"


STREAMS: tuple[tuple[str, str, list[str], Callable[[list[Any]], list[dict[str, Any]]]], ...] = (
    ("customer", "Customer", ["id"], lambda page: [customer(record) for record in page]),
    ("address", "Customer", ["owner_type", "owner_id", "role"], lambda page: addresses("customer", page)),
    ("invoice", "Invoice", ["id"], lambda page: [invoice(record) for record in page]),
    ("invoice_line", "Invoice", ["invoice_id", "index"], lines),
    ("invoice_linked_txn", "Invoice", ["invoice_id", "index"], linked),
    ("address", "Invoice", ["owner_type", "owner_id", "role"], lambda page: addresses("invoice", page)),
)


def tap(base_url: str, out: IO[bytes]) -> None:
    """Write all messages; each entity is fetched once, and the target gathers a batch for each stream."""
    begun: set[str] = set()
    for entity in ("Customer", "Invoice"):
        mine = [stream for stream in STREAMS if stream[1] == entity]
        for page in pages(base_url, entity):
            for name, _, keys, rows_of in mine:
                rows = rows_of(page)
                if rows and name not in begun:
                    out.write(schema(name, rows[0], keys))
                    begun.add(name)
                for row in rows:
                    out.write(orjson.dumps({"type": "RECORD", "stream": name, "record": row}) + b"\n")


def main(base_url: str, url: str, program: str) -> None:
    """Run tap and target to their end."""
    parts = urlsplit(url)
    config = {
        "host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password,
        "database": parts.path[1:], "default_target_schema": "quickbooks", "load_method": "upsert", "use_copy": True,
        "batch_size_rows": 100_000, "validate_records": False, "add_record_metadata": False,
        "activate_version": False,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.json"
        file.write_bytes(orjson.dumps(config))
        target = subprocess.Popen([program, "--config", str(file)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert target.stdin is not None
        tap(base_url, target.stdin)
        target.stdin.close()
        if target.wait():
            sys.exit(f"target-postgres ended with {target.returncode}")


if __name__ == "__main__":
    main(*sys.argv[1:])
