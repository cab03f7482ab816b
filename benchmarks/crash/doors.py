"""The doors of a process: every statement, COPY, transaction, request and token save, wrapped from outside.

In a forked child `install` makes each of them write a line before and after, and kills the child at the line it was
told. A line is the same in every run that does the same, so a place is a line and how often it was passed:
`before COMMIT #3`. Nothing in the product knows of this.
"""

import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import unquote

import psycopg

from connectors.transport import Guard
from warehouse.tokens import TokenStore

FAILED = "failed with "
LONGEST = 110  # characters of a statement that tell it from others
_RUN = re.compile(r"s[0-9a-f]{16}_[0-9a-f]{8}")
_VALUE = re.compile(r"'[^']*'|\d+")


class Doors:
    """Writes down what is passed, and ends the process at ``place``."""

    def __init__(self, log: int, place: str | None) -> None:
        self._log, self._place = log, place
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def passing(self, line: str) -> None:
        """Note a line; if it is the place, nothing after it happens."""
        with self._lock:
            self._passed[line] += 1
            place = f"{line} #{self._passed[line]}"
            os.write(self._log, place.encode() + b"\n")
            if place == self._place:
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()

    def failed(self, code: str, message: str) -> None:
        """Tell the harness that a part of the work failed in an orderly way."""
        with self._lock:
            os.write(self._log, f"{FAILED}{code}: {' '.join(message.split())}\n".encode())

    @contextmanager
    def around(self, what: str) -> Iterator[None]:
        """A door: a line before and, if all went well, one after."""
        self.passing(f"before {what}")
        yield
        self.passing(f"after {what}")


def install(doors: Doors) -> None:
    """Wrap all doors of this process, for good."""
    _wrap(psycopg, "connect", lambda *_, **__: "connect", doors)
    _wrap(psycopg.Cursor, "execute", lambda _, query, *__, **___: statement(query), doors)
    _wrap(psycopg.Cursor, "executemany", lambda _, query, *__, **___: statement(query), doors)
    _wrap(psycopg.Copy, "write", lambda *_, **__: "data of COPY", doors)
    _wrap(psycopg.Transaction, "__enter__", _begin, doors)
    _wrap(psycopg.Transaction, "__exit__", _end, doors)
    _wrap(Guard, "handle_request", lambda _, request: f"{request.method} {_asked(request.url)}", doors)
    _wrap(TokenStore, "save", lambda *_, **__: "token save", doors)
    _wrap_copy(doors)


def statement(query: Any) -> str:
    """A statement in one short line, without what differs from run to run."""
    text = query.as_string() if hasattr(query, "as_string") else str(query)
    return _RUN.sub("STAGING", " ".join(text.split()))[:LONGEST]


def _wrap(owner: Any, name: str, line: Callable[..., str], doors: Doors) -> None:
    original = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with doors.around(line(*args, **kwargs)):
            return original(*args, **kwargs)

    setattr(owner, name, wrapped)


def _wrap_copy(doors: Doors) -> None:
    original = psycopg.Cursor.copy

    @contextmanager
    def copy(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        inner: AbstractContextManager[Any] = original(cursor, query, *args, **kwargs)
        with doors.around(statement(query)), inner as running:
            yield running

    psycopg.Cursor.copy = copy  # type: ignore[assignment,method-assign]


def _begin(transaction: Any) -> str:
    return "SAVEPOINT" if transaction.connection.info.transaction_status else "BEGIN"


def _end(transaction: Any, error: Any, *_: Any) -> str:
    inside = "" if getattr(transaction, "_outer_transaction", True) else " of a savepoint"
    return f"{'ROLLBACK' if error else 'COMMIT'}{inside}"


def _asked(url: Any) -> str:
    query = unquote(str(url).partition("query=")[2].partition("&")[0])
    # The vendor's statement, as far as it is the same in every run.
    return f"{url.path} {_VALUE.sub('?', query)[:60]}".strip()
