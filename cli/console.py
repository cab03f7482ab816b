"""How the command line speaks: answers on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

import typer

#: The statuses of a run and what `landfall run` exits with.
EXIT_CODES = {"success": 0, "partial": 3, "skipped": 4}
FAILED, USAGE = 1, 2


def note(line: str) -> None:
    """Tell a person what is going on; never part of an answer."""
    print(line, file=sys.stderr, flush=True)


def emit(answer: Mapping[str, Any]) -> None:
    """Print the answer of a command with --json: one object on one line, the last of standard output."""
    print(json.dumps(answer, default=str), flush=True)


def fail(sentence: str, *, code: str = "UsageError", status: int = USAGE) -> NoReturn:
    """End the command with a sentence; with --json in the form that its callers read."""
    note(sentence)
    if "--json" in sys.argv:
        emit({"error": {"code": code, "message": sentence}})
    raise typer.Exit(status)


def table(title: str, rows: Sequence[Mapping[str, Any]], columns: Iterable[str] | None = None, empty: str = "") -> None:
    """Print rows as a table on standard output; numbers to the right. ``empty`` is said when there are none."""
    if not rows:
        print(empty or f"{title}: nothing yet")
        return
    from rich.console import Console
    from rich.table import Table

    names = list(columns or rows[0])
    grid = Table(title=title, title_justify="left")
    for name in names:
        number = all(isinstance(row.get(name), int | float | None) for row in rows)
        grid.add_column(name.replace("_", " "), justify="right" if number else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(_cell(row.get(name)) for name in names))
    # Where nobody looks (a pipe, a log) nothing is folded to the width of a screen.
    Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False).print(grid)


def ago(moment: datetime | str | None) -> str:
    """Say how long ago something was (``3 minutes ago``)."""
    if moment is None:
        return "never"
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    seconds = (datetime.now(UTC) - at).total_seconds()
    if seconds < 1:
        return "just now"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return f"{int(seconds)} second{'s' if int(seconds) > 1 else ''} ago"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
