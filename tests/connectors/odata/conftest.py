"""Clients of whatever a test serves, and real metadata that others recorded."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.odata.client import ODataClient


@pytest.fixture
def client() -> Iterator[Callable[..., ODataClient]]:
    """Makes clients of an address; waits are short."""
    made: list[ODataClient] = []

    def make(base_url: str, **settings: Any) -> ODataClient:
        made.append(ODataClient(base_url=base_url, **{"retry_total_s": 30.0, "timeout_s": 30.0, **settings}))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded ERP answers; a test that needs it skips, saying so, where it is absent."""
    root = os.environ.get("LANDFALL_FIXTURES") or Path(__file__).parents[4] / "shared" / "fixtures"
    folder = Path(root) / "erp"
    if not folder.is_dir():
        pytest.skip("no recorded vendor answers: ../shared/fixtures is absent and LANDFALL_FIXTURES is not set")
    return folder
