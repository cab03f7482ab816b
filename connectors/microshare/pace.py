"""The pace of requests, with a way to take several permissions at once.

A limit of two requests a second must not lie between the last reading of a document and its writing: whatever somebody
else writes in between is lost. So the permissions for both are waited for before either is sent.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from connectors.http import Limiter


class Pace:
    """A limiter over another one; None paces nothing. Safe to share between threads."""

    def __init__(self, limiter: Limiter | None) -> None:
        self._limiter = limiter
        self._ahead = threading.local()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for permission, unless this thread has one ahead."""
        left = getattr(self._ahead, "left", 0)
        self._ahead.left = max(left - 1, 0)
        with nullcontext() if left or self._limiter is None else self._limiter.slot():
            yield

    @contextmanager
    def together(self, requests: int) -> Iterator[None]:
        """Wait for so many permissions; the next requests of this thread inside are sent without a wait."""
        if self._limiter is None:
            yield
            return
        for _ in range(requests - 1):
            with self._limiter.slot():
                pass
        with self._limiter.slot():
            self._ahead.left = requests
            try:
                yield
            finally:
                self._ahead.left = 0
