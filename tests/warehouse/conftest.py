"""A small source, a database, and the oracle that judges what landed."""

from collections.abc import Iterator

import pytest

from tests import postgres
from tests.oracle import KEY, World


@pytest.fixture(autouse=True)
def encryption_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dead letters and tokens are encrypted with a key of the tests' own."""
    monkeypatch.setenv("LANDFALL_ENCRYPTION_KEY", KEY)


@pytest.fixture(scope="session")
def shared_database() -> Iterator[str]:
    """A database for tests that keep to a connection of their own; making one takes longer than many of them."""
    with postgres.fresh_database("18", "migrated") as url:
        yield url


@pytest.fixture
def world(database: str) -> World:
    """A source of a few hundred things and an empty database."""
    made = World(database)
    made.source.fill(250)
    return made
