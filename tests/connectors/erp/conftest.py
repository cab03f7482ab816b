"""A simulated S/4HANA system, and clients of it; a drop folder on a real SFTP server."""

import pytest

from connectors.erp import sap_s4 as connector
from connectors.erp.odata import Settings
from connectors.odata.auth import Basic
from sandbox import sap_s4
from tests import sshd
from tests.connectors.erp.sftp_parts import Drop


@pytest.fixture(scope="module")
def served():
    with sap_s4.running(orders=60, products=40, bills=20, stocked=30) as running:
        yield running


@pytest.fixture
def system(served):
    """A system as it was in the beginning."""
    served.reset()
    return served


@pytest.fixture(scope="module")
def made():
    """The clients of this module by their settings, since each costs a look at all authorities of the machine."""
    clients = {}
    yield clients
    for each in clients.values():
        each.close()


@pytest.fixture
def sap(system, made):
    """Gives clients of the system, with small pages; waits are short."""

    def make(**given):
        asked = tuple(sorted(given.items()))
        if asked not in made:
            names = ("page_size", "paging", "full_every_hours", "overlap_minutes")
            settings = Settings(**{"page_size": 25, **{name: given.pop(name) for name in names if name in given}})
            auth = Basic(given.pop("user", sap_s4.USER), given.pop("password", sap_s4.PASSWORD))
            common = {
                "base_url": system.base_url,
                "sap_client": sap_s4.CLIENT,
                "retry_total_s": 30.0,
                "timeout_s": 30.0,
            }
            made[asked] = connector.client(auth=auth, settings=settings, **{**common, **given})
        return made[asked]

    return make


@pytest.fixture(scope="session")
def sshd_server(tmp_path_factory):
    with sshd.running(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def drop(tmp_path, sshd_server, database):
    """An empty inbox and where it lands."""
    return Drop(tmp_path / "drop", sshd_server, database)
