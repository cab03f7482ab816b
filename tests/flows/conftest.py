"""Whole flows: a simulated company, the connection to it, a run, and the rows that it landed."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prefect.client.schemas.objects import State
from psycopg.rows import dict_row

from blocks import systems
from flows.refresh_quickbooks import refresh_quickbooks
from sandbox import quickbooks
from tests.cli.conftest import PACE, company, connected, landfall  # noqa: F401 - fixtures

UNLIMITED = quickbooks.Limits(0, 0, 0)
NAME = "main"
# Most tests of flows are about what happens to a stream, whichever it is; thirty would only make them longer.
FOUR = "customer,vendor,item,invoice"


def fixtures_folder() -> Path:
    """Return the folder of recorded answers of QuickBooks, or skip the test where there is none."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "fixtures"
    folder = Path(os.environ.get("LANDFALL_FIXTURES", beside)) / "quickbooks"
    if not folder.is_dir():
        pytest.skip(f"no recorded answers at {folder}; LANDFALL_FIXTURES names their folder")
    return folder


@pytest.fixture
def connect(landfall: object) -> Iterator[Callable[..., None]]:  # noqa: F811 - the fixture
    """Points the connection `main` at a company; further fields of the block can be given."""

    def point(company: quickbooks.QuickBooks, **fields: Any) -> None:  # noqa: F811
        ours = {"entities": FOUR, "dbt_views": False, **PACE}
        systems.save("quickbooks", NAME, {**company.connection(), **ours, **fields})

    yield point
    if NAME in systems.connections("quickbooks"):
        systems.delete("quickbooks", NAME)


@pytest.fixture
def refresh(landfall: object) -> Callable[..., State[Any]]:  # noqa: F811 - the fixture
    """Runs the flow on `main` and gives the state it ended in."""

    def run(**parameters: Any) -> State[Any]:
        return refresh_quickbooks(NAME, **parameters, return_state=True)

    return run


@pytest.fixture
def landed(landfall: object, database: str) -> Iterator["psycopg.Connection[dict[str, Any]]"]:  # noqa: F811
    """A session that reads what has landed, rows as dictionaries."""
    with psycopg.connect(database, autocommit=True, row_factory=dict_row) as session:
        yield session
