"""What a simulator was asked, in order, for tests that count requests. No header and no body is kept, so no secret."""

import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. ``status`` is what the answer's head said; ``fault`` names the fault that shaped it."""

    seq: int
    at: float
    method: str
    path: str
    statement: str
    status: int
    fault: str | None


class Journal:
    """The requests since the start or the last `clear`, oldest first; safe to read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._seq = 0

    def add(
        self, *, at: float, method: str, path: str, statement: str = "", status: int, fault: str | None = None
    ) -> None:
        """Note one request; ``at`` is in Unix seconds, ``statement`` the query or the OAuth grant type."""
        with self._lock:
            self._seq += 1
            self._entries.append(Entry(self._seq, at, method, path, statement, status, fault))

    def entries(
        self, path: str = "", *, statement: str = "", method: str | None = None, status: int | None = None
    ) -> list[Entry]:
        """Return the requests whose path and statement contain these texts (statement in any case)."""
        wanted = statement.lower()
        with self._lock:
            return [
                entry
                for entry in self._entries
                if path in entry.path
                and wanted in entry.statement.lower()
                and method in (None, entry.method)
                and status in (None, entry.status)
            ]

    def count(
        self, path: str = "", *, statement: str = "", method: str | None = None, status: int | None = None
    ) -> int:
        """Return how many requests `entries` would return."""
        return len(self.entries(path, statement=statement, method=method, status=status))

    def clear(self) -> None:
        """Forget all requests; the sequence numbers go on."""
        with self._lock:
            self._entries.clear()


def as_json(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return entries as JSON-ready objects."""
    return [asdict(entry) for entry in entries]
