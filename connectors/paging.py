"""Small helpers for reading page after page, whatever the system."""

import contextvars
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import Generic, TypeVar

from connectors.errors import ConnectorError, PagingLoop

T = TypeVar("T")

CLOSE_WAIT_S = 1.0  # a request on its way is not waited for longer: a cancelled run has to end


class _Done(Generic[T]):
    """The end of the pages: by themselves, or by an error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetch(pages: Generator[T, None, None], ahead: int = 2) -> Iterator[T]:
    """Read ``pages`` in a thread while the caller works on the one before.

    At most ``ahead`` pages wait or are on their way. An error in the thread is raised here, after the pages before
    it. Closing this generator (leaving its loop is enough) lets the thread end after the request it is in.
    """
    ready: SimpleQueue[T | _Done[T]] = SimpleQueue()
    room = Semaphore(ahead)
    stop = Event()

    def read() -> None:
        try:
            while room.acquire() and not stop.is_set():
                ready.put(next(pages))
        except StopIteration:
            ready.put(_Done())
        except BaseException as error:  # noqa: BLE001  it is raised where the pages are used
            ready.put(_Done(error))
        finally:
            pages.close()

    thread = Thread(target=contextvars.copy_context().run, args=(read,), name="prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(page := ready.get(), _Done):
            yield page
            del page  # or it would stay in memory while the next one is waited for
            room.release()
        if page.error is not None:
            raise page.error
    finally:
        stop.set()
        room.release()
        thread.join(CLOSE_WAIT_S)


class LoopGuard:
    """Raises `PagingLoop` when a source sends us where we have been."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def check(self, token: str, at: str) -> None:
        """Take note of the token (link, cursor, position) of the next page; a token seen before is a loop."""
        if token in self._seen:
            raise PagingLoop(f"The source points to a page that was read before: {token}.", at=at)
        self._seen.add(token)


class DistinctIds:
    """Counts distinct ids, however often each is added.

    Vendors number their records, so a bit for each number is enough: a million takes half a megabyte where a set
    of texts takes a hundred, and memory hardly grows with the source. Ids that are no plain numbers go into a set.
    """

    def __init__(self) -> None:
        self._bits: dict[int, int] = {}
        self._texts: set[str] = set()

    def update(self, keys: Iterable[str]) -> None:
        """Count these ids, but those that have been."""
        bits = self._bits
        for key in keys:
            if key.isdigit() and key.isascii() and key[0] != "0" and len(key) <= 18:
                number = int(key)
                bits[number >> 9] = bits.get(number >> 9, 0) | 1 << (number & 511)
            else:
                self._texts.add(key)

    def __len__(self) -> int:
        return sum(block.bit_count() for block in self._bits.values()) + len(self._texts)


@contextmanager
def located(at: str) -> Iterator[None]:
    """Tell errors from inside where they happened."""
    try:
        yield
    except ConnectorError as error:
        error.at = error.at or at
        raise
