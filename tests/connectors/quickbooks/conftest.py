"""A company's client without a database: tokens are kept in memory."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any

import pytest

from connectors.quickbooks import QuickBooksClient


class MemoryTokens:
    """Tokens of one connection in memory; ``saved`` are all that were kept, in order."""

    def __init__(self, refresh_token: str = "canary-seed-1", **more: Any) -> None:
        self.token: Mapping[str, Any] = {"refresh_token": refresh_token, **more}
        self.saved: list[Mapping[str, Any]] = []
        self.entered = 0
        self.lock = RLock()

    def read(self) -> Mapping[str, Any]:
        return dict(self.token)

    def save(self, token: Mapping[str, Any]) -> None:
        self.token = dict(token)
        self.saved.append(self.token)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self.lock:
            self.entered += 1
            yield


@pytest.fixture
def tokens() -> Callable[..., MemoryTokens]:
    """Make tokens in memory."""
    return MemoryTokens


@pytest.fixture
def company() -> Iterator[Callable[..., QuickBooksClient]]:
    """Make clients of a company at an address; they are closed with the test."""
    clients: list[QuickBooksClient] = []

    def make(url: str, **options: Any) -> QuickBooksClient:
        ready = {"access_token": "canary-access-1", "expires_at": 9e9}
        settings: dict[str, Any] = {
            "base_url": url,
            "token_url": f"{url}/oauth2/v1/tokens/bearer",
            "realm_id": "9130",
            "client_id": "client-1",
            "client_secret": "canary-client-secret-1",
            "tokens": MemoryTokens(**ready),
        }
        clients.append(QuickBooksClient(**(settings | options)))
        return clients[-1]

    yield make
    for each in clients:
        each.close()
