"""A simulated Cetec instance and a client of it, for all tests of the connector."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.cetec.client import CetecClient
from sandbox import cetec

Client = Callable[..., CetecClient]


@pytest.fixture
def vendor() -> Iterator[cetec.Cetec]:
    """An instance with 80 customers: every state, each more than once."""
    with cetec.running(customers=80) as running:
        yield running


@pytest.fixture
def client(vendor: cetec.Cetec) -> Iterator[Client]:
    """Makes clients of that instance, with further settings if wanted; waits are short."""
    made: list[CetecClient] = []

    def make(**settings: Any) -> CetecClient:
        made.append(CetecClient(**{**vendor.connection(), "retry_total_s": 3.0, "timeout_s": 5.0, **settings}))
        return made[-1]

    yield make
    for each in made:
        each.close()
