"""What a landing needs to know of what a connector yields; connectors.stream.Page is one."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec


class UnreadableLike(Protocol):
    """What the warehouse needs to know of a piece that is no record (see connectors.stream.Unreadable)."""

    @property
    def json(self) -> bytes: ...
    @property
    def why(self) -> str: ...


class PageLike(Protocol):
    """What the warehouse needs to know of a page (see connectors.stream.Page)."""

    @property
    def records(self) -> Sequence[msgspec.Raw | bytes]: ...
    @property
    def keys(self) -> Sequence[str] | None: ...
    @property
    def deleted(self) -> Sequence[str]: ...
    @property
    def at(self) -> str: ...
    @property
    def cursor(self) -> Mapping[str, Any] | None: ...
    @property
    def complete(self) -> bool: ...
    @property
    def fetched(self) -> int | None: ...
    @property
    def warning(self) -> str: ...
    @property
    def unreadable(self) -> Sequence[UnreadableLike]: ...


# Pages since a cursor, or all of them.
Read = Callable[[Mapping[str, Any] | None], Iterator[PageLike]]


def fingerprints(salt: bytes, records: Sequence[msgspec.Raw | bytes]) -> list[str]:
    """What tells a record's text from every other, 32 hexadecimal digits each; other salts give others."""
    salted, found = hashlib.sha256(salt), []
    for record in records:
        digest = salted.copy()
        digest.update(record)
        found.append(digest.hexdigest()[:32])
    return found
