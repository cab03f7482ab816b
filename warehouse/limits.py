"""A vendor's limits, kept by all runs together: Postgres says when the next request may go out."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg

from warehouse.connect import connect
from warehouse.locks import lock_key, try_lock, unlock


class LimitsLike(Protocol):
    """What a vendor allows; 0 means no limit."""

    @property
    def key(self) -> str: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def per_second(self) -> int: ...
    @property
    def per_minute(self) -> int: ...


class SharedLimiter:
    """Paces requests over all processes and hosts that share the warehouse.

    Rates are reservations in ops.rate_limit. Requests in flight are advisory locks, one for each slot: they
    die with their holder, so that nothing leaks. Each thread has a session of its own.
    """

    def __init__(self, url: str, limits: LimitsLike) -> None:
        self._url, self._limits = url, limits
        self._local = threading.local()
        self._sessions: list[psycopg.Connection[Any]] = []

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait until one more request may be under way."""
        if not (self._limits.in_flight or self._limits.per_second or self._limits.per_minute):
            yield
            return
        session = self._session()
        taken = self._take(session) if self._limits.in_flight else None
        try:
            self._wait(session)
            yield
        finally:
            if taken is not None:
                unlock(session, taken)

    def close(self) -> None:
        """End the sessions."""
        for session in self._sessions:
            session.close()

    def _session(self) -> psycopg.Connection[Any]:
        session: psycopg.Connection[Any] | None = getattr(self._local, "session", None)
        if session is None or session.closed:
            session = connect(self._url, "landfall limits")
            # The reservations are only worth something for a second.
            session.execute("SET synchronous_commit = off")
            self._local.session = session
            self._sessions.append(session)
        return session

    def _take(self, session: psycopg.Connection[Any]) -> int:
        last = getattr(self._local, "last", 0)  # the slot this thread had is most likely free
        while True:
            for number in range(self._limits.in_flight):
                key = lock_key("slot", self._limits.key, str((last + number) % self._limits.in_flight))
                if try_lock(session, key):
                    self._local.last = (last + number) % self._limits.in_flight
                    return key
            time.sleep(0.02)

    def _wait(self, session: psycopg.Connection[Any]) -> None:
        if not (self._limits.per_second or self._limits.per_minute):
            return
        row = session.execute(
            "SELECT ops.reserve(%s, %s, %s)", (self._limits.key, self._limits.per_second, self._limits.per_minute)
        ).fetchone()
        assert row is not None
        time.sleep(row[0])
