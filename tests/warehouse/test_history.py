"""History, whatever the columns are called."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from uuid import uuid4

import msgspec
import psycopg

from connectors.stream import Page, Stream, column
from warehouse.landing import Options, land
from warehouse.run_log import Run


class Event(msgspec.Struct):
    """Something with a time that its source calls `at`."""

    id: Annotated[str, column("Id", source="id")]
    at: Annotated[int | None, column("When, in seconds", source="at")] = None


def test_a_column_called_at_has_a_history_too(database: str) -> None:
    """A record with a field `at` lands with its history, and can be asked for as it was."""

    def pages(_client: Any, _cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        yield Page(records=[b'{"id": "1", "at": 7}'], complete=True)

    stream = Stream(name="event", schema="lab", record=Event, key=("id",), pages=pages, history=True)
    land(database, Run(uuid4(), "lab", "main"), stream, lambda cursor: pages(None, cursor), Options())
    with psycopg.connect(database) as session:
        assert session.execute("SELECT id, at FROM lab.event_as_of(now())").fetchall() == [("1", 7)]
