"""One chapter of the test: a fresh database, a fresh vendor, and what the harness knows of both."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.crash.ground import Ground
from benchmarks.crash.model import Version


class Source:
    """The vendor, seen from the harness."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._http = HTTPConnection("127.0.0.1", port, timeout=30)

    def control(self, do: str, **wishes: Any) -> Any:
        """Pull a string, see server.Vendor.control."""
        self._http.request("POST", "/control", json.dumps({"do": do} | wishes))
        return json.loads(self._http.getresponse().read())


@dataclass
class World:
    """``history`` holds, for each kind and id, all versions in the order in which they became visible; ``began``
    how many requests the vendor had seen when a run began."""

    ground: Ground
    source: Source
    url: str
    seed: int
    history: dict[str, dict[str, list[Version]]] = field(default_factory=dict)
    began: dict[UUID, int] = field(default_factory=dict)
    asked: int = 0
    orders: list[dict[str, Any]] = field(default_factory=list)
    enqueued: int = 0
    _known: int = 0

    def __post_init__(self) -> None:
        self._session = self.ground.watcher(self.url)

    def close(self) -> None:
        """End the harness's own session."""
        self._session.close()

    def look(self) -> None:
        """Learn what has happened at the vendor."""
        seen = self.source.control("look", since=self._known)
        self.asked, self.orders = seen["asked"], seen["orders"]
        self._known += len(seen["journal"])
        for entry in seen["journal"]:
            version = Version(*entry)
            self.history.setdefault(version.kind, {}).setdefault(version.id, []).append(version)

    def note_runs(self) -> None:
        """Note that the runs that are new in the run log began after the last look."""
        for (run_id,) in self.rows("SELECT DISTINCT run_id FROM ops.sync_run_log"):
            self.began.setdefault(run_id, self.asked)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a query answers; nothing where its table does not exist yet. Survives a restart of Postgres."""
        try:
            return self._rows(query, parameters)
        except psycopg.OperationalError:
            with suppress(psycopg.Error):
                self._session.close()
            self._session = self.ground.watcher(self.url)
            return self._rows(query, parameters)

    def execute(self, statement: str, *parameters: Any) -> None:
        """Change something that is the harness's own."""
        self.rows("SELECT 1")
        self._session.execute(statement.encode(), parameters or None)

    def _rows(self, query: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._session.execute(query.encode(), parameters or None).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return []
