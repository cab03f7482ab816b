"""A simulated tenant and clients of it, without a database: tokens are kept in memory."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any

import pytest

from connectors.microshare import MicroshareClient
from connectors.microshare.auth import Account
from connectors.microshare.client import Records
from sandbox import microshare

Client = Callable[..., MicroshareClient]
ACCOUNT = ("username", "password", "login_url", "oauth_url", "client_id")


class MemoryTokens:
    """The token of one connection in memory; ``saved`` are all that were kept, in order."""

    def __init__(self) -> None:
        self.token: Mapping[str, Any] = {}
        self.saved: list[Mapping[str, Any]] = []
        self.lock = RLock()

    def read(self) -> Mapping[str, Any]:
        return dict(self.token)

    def save(self, token: Mapping[str, Any]) -> None:
        self.token = dict(token)
        self.saved.append(self.token)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self.lock:
            yield


@pytest.fixture(scope="module")
def tenant() -> Iterator[microshare.Microshare]:
    """A tenant with two clusters of traps and one of gateways, for all tests of a file."""
    with microshare.running(clusters=2, devices=6) as running:
        yield running


@pytest.fixture
def vendor(tenant: microshare.Microshare) -> Iterator[microshare.Microshare]:
    """That tenant with a clean journal; what a test has turned is turned back."""
    tenant.journal.clear()
    yield tenant
    tenant.faults.clear()
    tenant.hidden, tenant.slash_on_lists, tenant.before_write, tenant.after_read = 0, False, None, None
    tenant.sign_ins.refusal, tenant.sign_ins.session = "redirect", ""


@pytest.fixture
def client(vendor: microshare.Microshare) -> Iterator[Client]:
    """Makes clients of that tenant, with other settings if wanted; waits are short."""
    made: list[MicroshareClient] = []

    def make(*, account: Mapping[str, str] | None = None, oauth: bool = False, **settings: Any) -> MicroshareClient:
        given = {**vendor.connection(oauth=oauth), **(account or {})}
        ready: dict[str, Any] = {
            "base_url": given["base_url"],
            "account": Account(**{name: given[name] for name in ACCOUNT if name in given}),
            "tokens": MemoryTokens(),
            "records": Records(given["incident_rec_type"], given["event_rec_type"]),
            "retry_total_s": 3.0,
            "timeout_s": 5.0,
        }
        made.append(MicroshareClient(**(ready | settings)))
        return made[-1]

    yield make
    for each in made:
        each.close()
