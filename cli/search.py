"""`landfall search`: look for names, numbers and texts among the rows that have landed."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.console import emit, note, table
from cli.context import warehouse

# What a table on a screen has no room for.
HIDDEN = ("description", "phone", "updated_at", "kind", "balance", "currency")


class Active(StrEnum):
    """Which rows to look among."""

    YES, NO, ANY = "yes", "no", "any"

    @property
    def wanted(self) -> bool | None:
        """As the warehouse asks it; None: both."""
        return None if self is Active.ANY else self is Active.YES


def search(
    index: Annotated[str, typer.Argument(help="What to look in, such as client_names, part_numbers or client_pos.")],
    query: Annotated[str, typer.Argument(help="What to look for; an empty text lists everything.")],
    limit: Annotated[int, typer.Option(help="How many hits, the best first: 1 to 100.")] = 15,
    connection: Annotated[str | None, typer.Option(help="Only what this connection has landed.")] = None,
    active: Annotated[Active, typer.Option(help="Active rows, inactive ones, or any.")] = Active.YES,
    type_: Annotated[
        str | None,
        typer.Option("--type", help="Only this type (invoice, estimate) or kind (Inventory, Service, Open)."),
    ] = None,
    updated_since: Annotated[
        str | None, typer.Option(help="Only what changed at its source since, as 2026-05-01.")
    ] = None,
    sort: Annotated[
        str, typer.Option(help="relevance, or a column of the hits; --sort=-amount for the largest first.")
    ] = ("relevance"),
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False,
) -> None:
    """Look for names, numbers and texts; parts of them and near misses are found as well.

    Example: landfall search part_numbers SKU-0004 --limit 5

    Example: landfall search client_names "harbor supply" --active any --sort name
    """
    from warehouse.search import MAX_LIMIT, find

    if not 1 <= limit <= MAX_LIMIT:
        note(f"--limit is 1 to {MAX_LIMIT}; {min(max(limit, 1), MAX_LIMIT)} is taken")
    with warehouse() as conn:
        hits = find(
            conn, index, query, limit=limit, of_connection=connection, active=active.wanted, of_type=type_,
            updated_since=updated_since, sort=sort,
        )  # fmt: skip
    if as_json:
        emit({"query": query, "results": [_plain(hit) for hit in hits], "total": len(hits)})
        return
    columns = [name for name in (hits[0] if hits else ()) if name not in HIDDEN]
    table(f"{index}: {query}", hits, columns, empty=f"Nothing in {index} fits {query!r}.")


def _plain(hit: dict[str, Any]) -> dict[str, Any]:
    """The hit for JSON: a number where that is exact, else its digits as text."""
    return {name: _number(value) if isinstance(value, Decimal) else value for name, value in hit.items()}


def _number(value: Decimal) -> float | str:
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)
