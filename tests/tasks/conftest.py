"""A simulated Microshare, and a connection of each test's own."""

from collections.abc import Iterator

import pytest

from sandbox import microshare
from tests.reconciling import Live, client_of
from tests.warehouse.conftest import encryption_key, shared_database  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def vendor() -> Iterator[microshare.Microshare]:
    """One simulator for all tests; each keeps to clusters of its own."""
    with microshare.running(clusters=0) as running:
        yield running


@pytest.fixture
def live(vendor: microshare.Microshare, shared_database: str) -> Iterator[Live]:  # noqa: F811 - the fixture
    """Clusters at the simulator, points, and the database that both land in."""
    vendor.journal.clear()
    vendor.before_write = vendor.after_read = None
    with client_of(vendor) as client:
        yield Live(shared_database, vendor=vendor, client=client)
    vendor.faults.clear()
    vendor.before_write = vendor.after_read = None
