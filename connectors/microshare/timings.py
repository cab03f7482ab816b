"""How long the calls of a run took, by what they were for; a call that failed is no success, whatever its status."""

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, TypeVar

T = TypeVar("T")

KINDS = ("login", "discovery", "read", "listing", "write")
"""Signing in; all clusters, page by page; one cluster; events and incidents, page by page; a cluster sent back."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The calls of one kind; times in milliseconds are those of calls that succeeded, None where none did."""

    kind: str
    calls: int
    failures: int
    average_ms: float | None
    median_ms: float | None
    p95_ms: float | None
    longest_ms: float | None


class Timings:
    """Collects the calls of one client; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._good: dict[str, list[float]] = defaultdict(list)
        self._failed: dict[str, int] = defaultdict(int)
        self._call = threading.local()

    def note(self, kind: str, seconds: float | None) -> None:
        """Count one call; ``seconds`` None means that it failed."""
        with self._lock:
            if seconds is None:
                self._failed[kind] += 1
            else:
                self._good[kind].append(seconds)

    def answered(self, kind: str, status: int | None, seconds: float) -> None:
        """An answer came, or none did (``status`` None); whether it is any good, `judged` says."""
        self._call.seconds = None
        if status is None or status >= 400:
            self.note(kind, None)
        else:
            self._call.seconds = seconds

    def judged(self, kind: str, read: Callable[[Any], T]) -> Callable[[Any], T]:
        """``read`` for `connectors.http.fetch`, such that the call counts as what it makes of the answer."""

        def judge(body: Any) -> T:
            try:
                value = read(body)
            except Exception:
                self._end(kind, good=False)
                raise
            self._end(kind, good=True)
            return value

        return judge

    def figures(self) -> list[Figures]:
        """What was counted so far, a row for each kind of call that was made, in the order of `KINDS`."""
        with self._lock:
            made = [kind for kind in KINDS if self._good[kind] or self._failed[kind]]
            return [_figures(kind, sorted(self._good[kind]), self._failed[kind]) for kind in made]

    def _end(self, kind: str, *, good: bool) -> None:
        seconds = getattr(self._call, "seconds", None)
        if seconds is not None:
            self._call.seconds = None
            self.note(kind, seconds if good else None)


def _figures(kind: str, seconds: list[float], failures: int) -> Figures:
    if not seconds:
        return Figures(kind, failures, failures, None, None, None, None)
    ms = [round(each * 1000, 1) for each in seconds]
    at_95 = ms[max(0, -(-len(ms) * 95 // 100) - 1)]
    return Figures(
        kind, len(ms) + failures, failures, round(fmean(ms), 1), round(median(ms), 1), at_95, ms[-1]
    )  # fmt: skip
