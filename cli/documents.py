"""The pages of docs/ that are made from the code."""

import inspect
from collections.abc import Iterator
from pathlib import Path

from connectors.catalog import all_streams
from connectors.errors import ConnectorError
from warehouse.errors import WarehouseError

Documented = ConnectorError | WarehouseError
ROOT = Path(__file__).resolve().parents[1]


def documents() -> dict[Path, str]:
    """Return what each generated page should hold."""
    from warehouse.catalog import render_tables

    return {ROOT / "docs" / "tables.md": render_tables(all_streams()), ROOT / "docs" / "errors.md": render_errors()}


def render_errors() -> str:
    """Return docs/errors.md: every code with its cause and its cure, from the two trees of errors."""
    lines = [
        "# Errors",
        "",
        "Every failure has a code; runs, `ops.sync_run`, `landfall run --json` and the Prefect UI show it.",
        "This page is made by `landfall docs`.",
        "",
    ]
    for title, root in (("While talking to a system", ConnectorError), ("While landing in Postgres", WarehouseError)):
        lines += [f"## {title}", "", "| code | cause | what to do |", "|---|---|---|"]
        lines += [f"| `{kind.__name__}` | {_cell(inspect.getdoc(kind))} | {_cell(kind.cure)} |" for kind in tree(root)]
        lines.append("")
    return "\n".join(lines)


def tree(root: type[Documented]) -> Iterator[type[Documented]]:
    """Yield a root's descendants, each group before its members, in the order they are written."""
    for kind in root.__subclasses__():
        yield kind
        yield from tree(kind)


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
