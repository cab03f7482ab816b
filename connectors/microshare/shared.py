"""One reading for several readers: what takes the vendor many seconds is asked for once a run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock

from connectors.microshare.answers import Answer


@dataclass(slots=True)
class _Round:
    """One reading of all pages; each page is kept until everybody has had it."""

    source: Iterator[Answer]
    wanted: int
    readers: set[str] = field(default_factory=set)
    pages: list[Answer | None] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    ended: bool = False
    error: Exception | None = None
    lock: Lock = field(default_factory=Lock)

    def page(self, number: int) -> Answer | None:
        """A page, counted from 0; None after the last one. Raises what ended the reading too early."""
        with self.lock:
            if number >= len(self.pages) and not self.ended and self.error is None:
                self._next()
            if number >= len(self.pages):
                if self.error is not None:
                    raise self.error
                return None
            page = self.pages[number]
            self.taken[number] += 1
            if self.taken[number] >= self.wanted:
                self.pages[number] = None
            return page

    def _next(self) -> None:
        try:
            self.pages.append(next(self.source))
            self.taken.append(0)
        except StopIteration:
            self.ended = True
        except Exception as error:
            self.error = error
            raise


class Shared:
    """Reads once for ``readers`` readers in several threads; who comes a second time gets a new reading."""

    def __init__(self, start: Callable[[], Iterator[Answer]], readers: int) -> None:
        self._start, self._wanted = start, readers
        self._lock = Lock()
        self._round: _Round | None = None

    def read(self, reader: str) -> Iterator[Answer]:
        """The pages, as they come; errors are raised to every reader."""
        with self._lock:
            current = self._round
            if current is None or reader in current.readers or current.error is not None:
                current = self._round = _Round(self._start(), self._wanted)
            current.readers.add(reader)
        number = 0
        while (page := current.page(number)) is not None:
            yield page
            number += 1
