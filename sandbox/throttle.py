"""Request limits as vendors enforce them: so many in the last second, in the last minute, at the same time."""

import threading
import time
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is allowed; 0 is no limit. The defaults are QuickBooks' own per company and app (facts, Limits)."""

    per_second: int = 10
    per_minute: int = 500
    in_flight: int = 10


# A client that sends exactly at its limit arrives a little early or late; the vendor does not punish that either.
JITTER_S = 0.05


class Throttle:
    """Counts what goes in and out, and remembers the most that ever was inside (``peak``)."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.peak = 0
        self._inside = 0
        self._lock = threading.Lock()
        self._times: deque[float] = deque()

    def enter(self) -> bool:
        """Let a request in and return True, or return False; a refused request counts for nothing."""
        now = time.monotonic()
        with self._lock:
            while self._times and now - self._times[0] >= 60:
                self._times.popleft()
            recent = sum(1 for at in self._times if now - at < 1 - JITTER_S)
            used = ((recent, self.limits.per_second), (len(self._times), self.limits.per_minute))
            if any(limit and count >= limit for count, limit in (*used, (self._inside, self.limits.in_flight))):
                return False
            self._times.append(now)
            self._inside += 1
            self.peak = max(self.peak, self._inside)
            return True

    def leave(self) -> None:
        """Note that a request that was let in has been answered."""
        with self._lock:
            self._inside -= 1
