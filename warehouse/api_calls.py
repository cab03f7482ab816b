"""Requests to vendors, counted: by day for people who look, by month for vendors that meter them."""

import logging
import threading
import time
from collections import defaultdict
from datetime import UTC, date, datetime

from warehouse.connect import connect
from warehouse.errors import WarehouseError

log = logging.getLogger("landfall")

FLUSH_S = 5.0  # what a killed process may take along

Key = tuple[date, str, str, str]


class CallLog:
    """Adds up the requests of one connection in memory, and every few seconds in ops.api_call.

    ``ceiling`` is how many metered requests a month may have, of all runs together; 0 for no end. Runs at the same
    time learn of each other's requests when they write down their own. Safe to share between threads.
    """

    def __init__(self, url: str, connection: str, ceiling: int = 0) -> None:
        self._url, self._connection, self._ceiling = url, connection, ceiling
        self._lock = threading.Lock()
        self._counted: dict[Key, list[float]] = defaultdict(lambda: [0, 0, 0.0])
        self._flushed_at = time.monotonic()
        self._known: tuple[date, int] | None = None  # a month, and the metered requests in it that are written down

    def note(self, method: str, host: str, status: int | None, seconds: float, *, metered: bool) -> None:
        """Count one request; ``status`` None means that no answer came."""
        with self._lock:
            row = self._counted[_today(), host, method, outcome(status)]
            row[0] += 1
            row[1] += metered
            row[2] += seconds
            due = time.monotonic() - self._flushed_at >= FLUSH_S
        if due:
            self.flush()

    def used_up(self) -> str | None:
        """A sentence when the ceiling of this month is reached, else None."""
        if not self._ceiling:
            return None
        month = _today().replace(day=1)
        with self._lock:
            if self._known is None or self._known[0] != month:
                self._known = month, self._metered(month)
            used = self._known[1] + sum(int(row[1]) for (day, *_), row in self._counted.items() if day >= month)
        if used < self._ceiling:
            return None
        return (
            f"{self._connection} has made {used:,} metered calls in {month:%B %Y}, its ceiling is {self._ceiling:,};"
            " nothing more is asked before the next month (UTC)."
        )

    def flush(self) -> None:
        """Write down what was counted. Where Postgres is away it stays counted: a run does not fail for this."""
        with self._lock:
            self._flushed_at = time.monotonic()
            if not self._counted:
                return
            rows = [(self._connection, *key, int(n), int(metered), s) for key, (n, metered, s) in self._counted.items()]
            try:
                with connect(self._url, "landfall calls") as session, session.cursor() as cursor:
                    cursor.executemany(
                        """INSERT INTO ops.api_call AS a
                               (connection, day, host, method, outcome, calls, metered, seconds)
                           VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
                           ON CONFLICT (connection, day, host, method, outcome) DO UPDATE SET
                               calls = a.calls + excluded.calls, metered = a.metered + excluded.metered,
                               seconds = a.seconds + excluded.seconds""",
                        sorted(rows),
                    )
            except WarehouseError as error:
                log.warning("The requests to %s could not be counted: %s", self._connection, error)
                return
            self._counted.clear()
            self._known = None

    def _metered(self, month: date) -> int:
        with connect(self._url, "landfall calls") as session:
            row = session.execute(
                "SELECT metered FROM ops.api_call_month WHERE connection = %s AND month = %s", (self._connection, month)
            ).fetchone()
        return int(str(row[0])) if row else 0


def outcome(status: int | None) -> str:
    """The class that a status counts to; see the comment on ops.api_call.outcome."""
    if status is None:
        return "lost"
    if status in (401, 403):
        return "unauthorized"
    if status == 429:
        return "throttled"
    return "ok" if status < 300 else "refused" if status < 500 else "failed"


def _today() -> date:
    return datetime.now(UTC).date()
