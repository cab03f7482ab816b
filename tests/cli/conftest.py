"""A small QuickBooks company, a warehouse, a Prefect server, and the `landfall` command on all three."""

import base64
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from blocks import systems
from cli.main import app
from deployments import bootstrap
from sandbox import quickbooks

Landfall = Callable[..., Result]
# Simulated vendors allow everything unless a test is about it, and only the test would wait for ten requests a second.
PACE = {"requests_per_second": "0", "requests_per_minute": "0"}


@pytest.fixture
def company() -> Iterator[quickbooks.QuickBooks]:
    """A simulated company with a few records of each kind and no limits."""
    no_limits = quickbooks.Limits(0, 0, 0)
    with quickbooks.running(customers=12, vendors=5, items=8, invoices=10, limits=no_limits) as running:
        yield running


@pytest.fixture
def landfall(prefect_api: str, database: str, monkeypatch: pytest.MonkeyPatch) -> Landfall:
    """Runs `landfall ARGUMENTS` on a database of the test's own."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    monkeypatch.setenv("LANDFALL_DATABASE_URL", database)
    monkeypatch.setenv("LANDFALL_ENCRYPTION_KEY", base64.b64encode(b"only-for-tests".ljust(32)).decode())
    # Deploying has tests of its own and takes seconds.
    monkeypatch.setattr(bootstrap, "bootstrap", lambda echo: [])

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["landfall", *arguments])
        return CliRunner().invoke(app, arguments)

    return run


@pytest.fixture
def connected(landfall: Landfall, company: quickbooks.QuickBooks, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The connection `main` to the company, made with `landfall connect`."""
    result = landfall(*connect_arguments(company, monkeypatch))
    assert result.exit_code == 0, result.output
    yield "main"
    if "main" in systems.connections("quickbooks"):
        systems.delete("quickbooks", "main")


def connect_arguments(company: quickbooks.QuickBooks, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the arguments that connect `main` to the company, its secrets in variables."""
    given = company.connection()
    secrets = ("client_secret", "refresh_token")
    for name in secrets:
        monkeypatch.setenv(name.upper(), given[name])
    given["entities"] = "customer,vendor,item,invoice"  # the other kinds would only make tests longer
    given["dbt_views"] = "false"
    given |= PACE
    plain = [f"--set={name}={value}" for name, value in given.items() if name not in secrets]
    return ["connect", "quickbooks", "--name=main", *plain, *(f"--secret={name}={name.upper()}" for name in secrets)]


def answer(result: Result) -> dict[str, Any]:
    """Return the JSON object on the last line of standard output."""
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found
