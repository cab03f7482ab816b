"""Reading the source, for the peers: plain paging by position, as their own QuickBooks connectors do it.

The files of this folder run in environments of their own and import nothing of Landfall.
"""

# mypy: ignore-errors

# ruff: noqa: S310, S608 -- the address is the page server of the benchmark, the query its language

import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson

PAGE_SIZE = 1000


def count(base_url: str, entity: str) -> int:
    """How many records there are."""
    statement = f"SELECT COUNT(*) FROM {entity}"
    with urllib.request.urlopen(f"{base_url}/v3/company/1/query?query={quote(statement)}") as answer:
        total: int = orjson.loads(answer.read())["QueryResponse"]["totalCount"]
    return total


def pages(base_url: str, entity: str, first: int = 10**9) -> Iterator[list[dict[str, Any]]]:
    """Lists of the records of an entity, as QuickBooks sends them; the ``first`` so many."""
    start = 1
    while True:
        where = " WHERE Active IN (true,false)" if entity == "Customer" else ""
        statement = f"SELECT * FROM {entity}{where} STARTPOSITION {start} MAXRESULTS {PAGE_SIZE}"
        with urllib.request.urlopen(f"{base_url}/v3/company/1/query?query={quote(statement)}") as answer:
            records = orjson.loads(answer.read())["QueryResponse"].get(entity, [])
        if records:
            yield records
        if len(records) < PAGE_SIZE or start + PAGE_SIZE > first:
            return
        start += PAGE_SIZE
