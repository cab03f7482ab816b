"""A small running QuickBooks simulator and a client that speaks to it as any other program would."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import quickbooks

UNLIMITED = quickbooks.Limits(0, 0, 0)


class Caller:
    """An httpx client with the company's paths and a good token; every answer is returned as it came."""

    def __init__(self, qb: quickbooks.QuickBooks) -> None:
        self.qb = qb
        self.http = httpx.Client(base_url=qb.base_url, timeout=10)
        self.company = f"/v3/company/{qb.realm_id}"
        self.bearer = qb.oauth.access_token()

    def get(self, path: str, **params: str) -> httpx.Response:
        return self.http.get(self.company + path, params=params, headers=self._headers())

    def post(self, path: str, record: Any, **params: str) -> httpx.Response:
        return self.http.post(self.company + path, json=record, params=params or None, headers=self._headers())

    def query(self, statement: str) -> httpx.Response:
        return self.get("/query", query=statement)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        envelope = self.query(statement).json()["QueryResponse"]
        return next((value for value in envelope.values() if isinstance(value, list)), [])

    def ids(self, statement: str) -> list[str]:
        return [row["Id"] for row in self.rows(statement)]

    def refusal(self, statement: str) -> tuple[str, str]:
        answer = self.query(statement)
        assert answer.status_code == 400
        error = answer.json()["Fault"]["Error"][0]
        return error["code"], error["Detail"]

    def tokens(self, form: dict[str, str], auth: tuple[str, str] | None = None) -> httpx.Response:
        return self.http.post(self.qb.token_url, data=form, auth=auth or (self.qb.client_id, self.qb.client_secret))

    def refresh(self, token: str) -> httpx.Response:
        return self.tokens({"grant_type": "refresh_token", "refresh_token": token})

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.bearer}", "Accept": "application/json"}


@pytest.fixture
def qb() -> Iterator[quickbooks.QuickBooks]:
    """A company small enough to be made in milliseconds, without limits."""
    with quickbooks.running(customers=60, vendors=45, items=120, invoices=150, limits=UNLIMITED) as running:
        yield running


@pytest.fixture
def caller(qb: quickbooks.QuickBooks) -> Iterator[Caller]:
    """A client of `qb`."""
    made = Caller(qb)
    with made.http:
        yield made


@pytest.fixture(scope="module")
def reader() -> Iterator[Caller]:
    """A client of a company that the tests of a module share, since they only read."""
    with quickbooks.running(customers=60, vendors=45, items=120, invoices=150, limits=UNLIMITED) as running:
        made = Caller(running)
        with made.http:
            yield made


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of recorded QuickBooks answers; a test that needs it skips, saying so, where it is absent."""
    root = os.environ.get("LANDFALL_FIXTURES") or Path(__file__).parents[2].parent / "shared" / "fixtures"
    folder = Path(root) / "quickbooks"
    if not folder.is_dir():
        pytest.skip("no recorded vendor answers: ../shared/fixtures is absent and LANDFALL_FIXTURES is not set")
    return folder
