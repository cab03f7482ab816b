"""Signing in: once for all, again when it must be, and not again when that would do harm."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.errors import AuthRejected, ConnectorError, SourceError
from connectors.microshare import auth
from sandbox import microshare
from tests.connectors.microshare.conftest import Client, MemoryTokens


def logins(vendor: microshare.Microshare) -> int:
    """How often somebody has asked to be let in."""
    return vendor.journal.count(statement="login")


def test_one_sign_in_serves_all_runs(vendor: microshare.Microshare, client: Client) -> None:
    """A token is used for two days by everybody who shares the connection, and kept with its end."""
    tokens = MemoryTokens()
    for _ in range(3):
        client(tokens=tokens).test()
    assert logins(vendor) == 1
    assert tokens.token["expires_at"] - tokens.token["obtained_at"] == pytest.approx(48 * 3600, abs=5)


def test_an_expired_token_is_replaced_once(vendor: microshare.Microshare, client: Client) -> None:
    """Eight readers whose token has expired sign in once together, and all go on."""
    tokens = MemoryTokens()
    readers = [client(tokens=tokens) for _ in range(8)]
    readers[0].test()
    vendor.expire_tokens()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda reader: reader.test()["clusters"], readers))
    assert answers == [3] * 8
    assert logins(vendor) == 2


def test_a_token_near_its_end_is_not_used(vendor: microshare.Microshare, client: Client) -> None:
    """A token is given up five minutes before its end, so that no run loses it on the way."""
    tokens = MemoryTokens()
    reader = client(tokens=tokens)
    reader.test()
    tokens.token = {**tokens.token, "expires_at": tokens.token["obtained_at"] + auth.MARGIN_S - 1, "obtained_at": 0}
    client(tokens=tokens).test()
    assert logins(vendor) == 2


def test_a_request_that_is_refused_with_every_token_ends(vendor: microshare.Microshare, client: Client) -> None:
    """An account without the right is told so after one more sign-in; it never becomes a storm of them."""
    tokens = MemoryTokens()
    vendor.fault("answer", entity="discovery", status=401, times=None)
    for _ in range(4):
        with pytest.raises(AuthRejected, match="lacks a right"):
            client(tokens=tokens, retry_attempts=4).test()
    assert logins(vendor) == 2


def test_a_clock_that_is_off_makes_no_storm(vendor: microshare.Microshare, client: Client) -> None:
    """A new token whose end seems past is used all the same, instead of signing in for every request."""
    vendor.sign_ins.life_s = -7200
    tokens = MemoryTokens()
    try:
        with pytest.raises(AuthRejected):
            client(tokens=tokens).test()  # the sandbox means it: what it gave has really ended
    finally:
        vendor.sign_ins.life_s = 48 * 3600
    assert logins(vendor) == 2
    assert tokens.token["expires_at"] > tokens.token["obtained_at"]


@pytest.mark.parametrize("refusal", ["redirect", "page", "unauthorized"])
def test_a_wrong_password_is_tried_once(vendor: microshare.Microshare, client: Client, refusal: str) -> None:
    """However the vendor says no, the account is not tried again for an hour: it could be locked."""
    vendor.sign_ins.refusal = refusal
    tokens = MemoryTokens()
    wrong = {"password": "canary-wrong-password"}
    with pytest.raises(AuthRejected, match="user name or password are wrong"):
        client(tokens=tokens, account=wrong, retry_attempts=5).test()
    for _ in range(3):
        with pytest.raises(AuthRejected, match="is not asked again before"):
            client(tokens=tokens, account=wrong).test()
    assert logins(vendor) == 1
    tokens.token = {**tokens.token, "refused_at": tokens.token["refused_at"] - auth.REFUSAL_S - 1}
    client(tokens=tokens).test()  # after the hour, and with the right one


@pytest.mark.parametrize(
    ("kind", "options"),
    [("malformed", {}), ("answer", {"status": 500}), ("answer", {"status": 429}), ("reset", {"fraction": 0.0})],
)
def test_a_host_that_is_out_of_order_is_no_refusal(
    vendor: microshare.Microshare, client: Client, kind: str, options: dict[str, Any]
) -> None:
    """A sign-in that fails for the host's own reasons says nothing about the password, and the next run tries again."""
    tokens = MemoryTokens()
    vendor.fault(kind, entity="login", **options)
    with pytest.raises(ConnectorError) as caught:
        client(tokens=tokens, retry_attempts=1).test()
    assert not isinstance(caught.value, AuthRejected)
    assert client(tokens=tokens).test()["clusters"] == 3


@pytest.mark.parametrize(("spoiled", "words"), [("no_token", "holds no token"), ("no_jwt", "is no JWT")])
def test_an_odd_session_is_told(vendor: microshare.Microshare, client: Client, spoiled: str, words: str) -> None:
    """A cookie without a token in it is an error with its reason, not a token of nothing."""
    vendor.sign_ins.session = spoiled
    with pytest.raises(SourceError, match=words):
        client().test()


def test_oauth_is_the_other_way_in(vendor: microshare.Microshare, client: Client) -> None:
    """With an API key the sign-in is OAuth's, its fields in the body, and the token lasts the hour that is assumed."""
    tokens = MemoryTokens()
    assert client(tokens=tokens, oauth=True).test()["clusters"] == 3
    assert [entry.path for entry in vendor.journal.entries(statement="login")] == ["/oauth2/token"]
    assert tokens.token["expires_at"] - tokens.token["obtained_at"] == auth.OAUTH_LIFE_S
    with pytest.raises(AuthRejected, match="client id are wrong"):
        client(oauth=True, account={"client_id": "canary-wrong-key"}).test()


def test_an_account_does_not_show_its_password() -> None:
    """Whoever prints or logs an account sees who signs in where, and no secret."""
    text = repr(auth.Account("sync@tenant.example", "canary-password", "https://app.example.com", "", "canary-key"))
    assert "sync@tenant.example" in text
    assert "canary" not in text
