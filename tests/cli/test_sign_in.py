"""Signing in from the command line: a browser that comes back to this machine, or a redirect that is pasted."""

import json
import re
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import httpx
import pytest

from blocks import systems
from cli import sign_in
from sandbox import quickbooks
from tests.cli.conftest import Landfall, answer
from tests.postgres import _some_port


@pytest.fixture
def arguments(company: quickbooks.QuickBooks, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is given to sign in to the company; the port that the browser comes back to is free."""
    monkeypatch.setenv("QB_SECRET", company.client_secret)
    plain = ("base_url", "token_url", "authorize_url", "client_id")
    yield [
        "connect", "quickbooks", "--name=main", "--sign-in", "--no-browser", "--secret=client_secret=QB_SECRET", "--json",
        f"--redirect-uri=http://localhost:{_some_port()}/callback", "--wait-s=20",
        *(f"--set={name}={getattr(company, name)}" for name in plain),
    ]  # fmt: skip
    if "main" in systems.connections("quickbooks"):
        systems.delete("quickbooks", "main")


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A person: opens the address that is shown and is sent back; ``change`` alters where to."""
    person: dict[str, Any] = {"change": lambda url: url, "shown": "", "page": b""}

    def note(line: str) -> None:
        print(line)
        if found := re.search(r"^ {2}(http\S+)$", line, re.MULTILINE):
            person["shown"] = found[1]
            threading.Thread(target=come_back, daemon=True).start()

    def come_back() -> None:
        sent_to = httpx.get(person["shown"]).headers["location"]
        with urlopen(person["change"](sent_to), timeout=10) as page:
            person["page"] = page.read()

    monkeypatch.setattr(sign_in, "note", note)
    return person


def test_a_sign_in_makes_the_connection(
    landfall: Landfall, arguments: list[str], browser: dict[str, Any], company: quickbooks.QuickBooks
) -> None:
    """Allowing the access in the browser is all: company and tokens are stored, the connection works."""
    result = landfall(*arguments)
    assert result.exit_code == 0, result.output
    assert answer(result)["ok"]
    saved = systems.saved_values("quickbooks", "main")
    assert saved["realm_id"] == company.realm_id
    assert (
        saved["refresh_token"] == company.oauth.current_refresh_token() or saved["refresh_token"] not in result.output
    )
    asked = parse_qs(urlsplit(browser["shown"]).query)
    assert asked["scope"] == ["com.intuit.quickbooks.accounting"]
    assert b"close this window" in browser["page"]
    for secret in (saved["refresh_token"], company.client_secret):
        assert secret not in result.output
    [token] = answer(landfall("status", "--json"))["tokens"]
    assert (token["connection"], token["state"]) == ("quickbooks/main", "good")
    assert token["consent_expires_at"] > token["refresh_expires_at"]


def test_the_redirect_can_be_pasted_later(
    landfall: Landfall, arguments: list[str], company: quickbooks.QuickBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no browser can come back, the address that it ended on is given to a second command."""
    shown: list[str] = []
    monkeypatch.setattr(sign_in, "note", shown.append)
    first = landfall(*[a for a in arguments if not a.startswith("--wait")], "--wait-s=1")
    assert first.exit_code == 1
    assert answer(first)["error"]["code"] == "SignInTimeout"
    address = next(found[1] for line in shown if (found := re.search(r"^ {2}(http\S+)$", line, re.MULTILINE)))
    sent_to = httpx.get(address).headers["location"]
    result = landfall(*arguments, f"--redirect={sent_to}")
    assert result.exit_code == 0, result.output
    again = landfall(*arguments, f"--redirect={sent_to}")
    assert answer(again)["error"]["code"] == "NoSignIn"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda url: re.sub("state=[^&]+", "state=canary-other", url), "another sign-in"),
        (lambda url: re.sub("code=[^&]+", "error=access_denied", url), "was not allowed"),
        (lambda url: re.sub("&realmId=[^&]+", "", url), "no realmId"),
        (lambda url: re.sub("code=[^&]+", "code=canary-unknown", url), "refuses the code"),
    ],
    ids=["state", "denied", "no-company", "code"],
)
def test_what_is_no_consent_makes_no_connection(
    landfall: Landfall, arguments: list[str], browser: dict[str, Any], change: Any, says: str
) -> None:
    """A foreign state, a refusal, a redirect without company or with a bad code: one sentence, and nothing is stored."""
    browser["change"] = change
    result = landfall(*arguments)
    assert result.exit_code == 1
    error = answer(result)["error"]
    assert error["code"] == "SignInRefused"
    assert says in error["message"]
    assert "canary" not in result.output
    assert "main" not in systems.connections("quickbooks")


def test_another_company_is_not_taken(landfall: Landfall, arguments: list[str], browser: dict[str, Any]) -> None:
    """Who signs in to the wrong company is told, before rows of two companies mix."""
    result = landfall(*arguments, "--set=realm_id=4242")
    assert "use another --name" in answer(result)["error"]["message"]


def test_a_refused_consent_is_told_once(
    landfall: Landfall, arguments: list[str], browser: dict[str, Any], company: quickbooks.QuickBooks
) -> None:
    """After a revocation runs say what to do without asking the vendor again; doctor says it too; a sign-in heals it."""
    assert landfall(*arguments).exit_code == 0
    company.oauth.disconnect()
    company.journal.clear()
    for _ in range(3):
        failed = answer(landfall("connections", "test", "quickbooks", "main", "--json"))
        assert "ReauthRequired" in json.dumps(failed)
    assert company.journal.count("tokens/bearer") == 1
    [token] = answer(landfall("status", "--json"))["tokens"]
    assert token["state"] == "refused"
    checks = answer(landfall("doctor", "--json"))["checks"]
    [found] = [check for check in checks if check["check"] == "tokens of quickbooks/main"]
    assert found["status"] == "warn"
    assert "--sign-in" in found["todo"]
    assert landfall(*arguments).exit_code == 0
    [token] = answer(landfall("status", "--json"))["tokens"]
    assert token["state"] == "good"


def test_calls_are_counted_and_have_a_ceiling(
    landfall: Landfall, connected: str, company: quickbooks.QuickBooks
) -> None:
    """Status shows the month's calls; once the ceiling is reached the next is refused, naming it, and not sent."""
    [calls] = answer(landfall("status", "--json"))["calls"]
    assert (calls["connection"], calls["metered"]) == ("quickbooks/main", 1)
    assert calls["calls"] == 2
    company.journal.clear()
    result = landfall("connect", "quickbooks", "--set=metered_calls_per_month=1", "--json")
    assert answer(result)["error"]["code"] == "QuotaReached"
    assert "its ceiling is 1" in answer(result)["error"]["message"]
    assert company.journal.count("/v3/") == 0


def test_a_system_without_a_sign_in_says_so(landfall: Landfall) -> None:
    """--sign-in where there is none is answered in words."""
    assert answer(landfall("connect", "mysql", "--sign-in", "--json"))["error"]["code"] == "NoSignIn"
