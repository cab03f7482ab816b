"""The simulated OAuth server rotates, expires and refuses tokens as the facts say."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

DAY_S = 86_400
SCOPE = "com.intuit.quickbooks.accounting"


def test_refresh_gives_the_documented_answer(caller: Any) -> None:
    """A refresh gives a bearer that the API accepts, and the hard expiry only when it is asked for."""
    answer = caller.refresh(caller.qb.refresh_token)
    assert answer.status_code == 200
    assert answer.headers["intuit_tid"]
    told = answer.json()
    assert {name: told[name] for name in ("token_type", "expires_in", "x_refresh_token_expires_in")} == {
        "token_type": "bearer",
        "expires_in": 3600,
        "x_refresh_token_expires_in": 8_640_000,
    }
    assert set(told) == {"token_type", "expires_in", "x_refresh_token_expires_in", "refresh_token", "access_token"}
    caller.bearer = told["access_token"]
    assert caller.get("/customer/1").status_code == 200
    head = {"x-include-refresh-token-hard-expires-in": "true"}
    form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    auth = (caller.qb.client_id, caller.qb.client_secret)
    hard = caller.http.post(caller.qb.token_url, data=form, auth=auth, headers=head).json()
    assert 0 < hard["x_refresh_token_hard_expires_in"] <= 157_680_000


def test_refresh_token_changes_after_a_day(caller: Any) -> None:
    """Within a day the refresh token stays; the first refresh after that replaces it and kills the old one."""
    seed = caller.qb.refresh_token
    assert caller.refresh(seed).json()["refresh_token"] == seed
    caller.qb.clock.advance(DAY_S + 1)
    new = caller.refresh(seed).json()["refresh_token"]
    assert new != seed
    assert caller.refresh(seed).status_code == 400
    assert caller.refresh(new).json()["refresh_token"] == new


def test_reuse_of_a_rotated_token_can_end_the_consent(caller: Any) -> None:
    """With one-time tokens a second use is refused, and with the switch it ends everything."""
    caller.qb.oauth.rotate_always = True
    seed = caller.qb.refresh_token
    second = caller.refresh(seed).json()["refresh_token"]
    assert caller.refresh(seed).json()["error"] == "invalid_grant"
    third = caller.refresh(second).json()
    caller.qb.oauth.revoke_on_reuse = True
    assert caller.refresh(second).status_code == 400
    assert caller.refresh(third["refresh_token"]).status_code == 400
    caller.bearer = third["access_token"]
    assert caller.get("/customer/1").status_code == 401


def test_refused_grants_come_in_every_recorded_form(caller: Any) -> None:
    """invalid_grant comes with and without a description, in both orders of keys."""
    texts = [caller.refresh("nonsense").text for _ in range(3)]
    assert len(set(texts)) == 3
    assert sorted(text.startswith('{"error":') for text in texts) == [False, True, True]


def test_wrong_secret_is_not_a_wrong_token(caller: Any) -> None:
    """A wrong client secret is 401 invalid_client, whatever the token."""
    answer = caller.tokens({"grant_type": "refresh_token", "refresh_token": caller.qb.refresh_token}, ("x", "y"))
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    assert caller.tokens({"grant_type": "password"}).json()["error"] == "unsupported_grant_type"


def test_expired_bearer_gets_the_lower_case_fault(caller: Any) -> None:
    """An expired token is answered in the gateway's own shape, which repeats the token."""
    caller.qb.clock.advance(3_601)
    answer = caller.get("/customer/1")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="Intuit", error="invalid_token"'
    body = answer.json()
    error = body["fault"]["error"][0]
    assert error["message"] == "message=AuthenticationFailed; errorCode=003200; statusCode=401"
    assert (error["code"], error["detail"]) == ("3200", f"Token expired: {caller.bearer}")
    assert isinstance(body["time"], int)
    assert caller.http.get(f"{caller.company}/customer/1").status_code == 401


@pytest.mark.parametrize("days", [101, 5 * 365 + 1])
def test_unused_and_old_consents_end(caller: Any, days: int) -> None:
    """A refresh token dies after 100 days without use, and any consent after five years."""
    oauth, token = caller.qb.oauth, caller.qb.refresh_token
    for _ in range(days // 90 if days > 200 else 0):
        caller.qb.clock.advance(90 * DAY_S)
        token = caller.refresh(token).json()["refresh_token"]
    assert token == oauth.current_refresh_token()
    caller.qb.clock.advance((days % 90 if days > 200 else days) * DAY_S)
    assert caller.refresh(token).json()["error"] == "invalid_grant"


def test_consent_in_the_browser_gives_a_code_once(caller: Any) -> None:
    """The consent page sends back code, state and realmId; the code is good once and for its own address only."""
    back = "http://127.0.0.1:9/callback"
    asked = {"client_id": caller.qb.client_id, "response_type": "code", "scope": SCOPE, "state": "s1"}
    sent = caller.http.get("/connect/oauth2", params={**asked, "redirect_uri": back})
    assert sent.status_code == 302
    told = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
    assert (told["state"], told["realmId"]) == ("s1", caller.qb.realm_id)
    form = {"grant_type": "authorization_code", "code": told["code"], "redirect_uri": back}
    first, second = caller.tokens(form), caller.tokens(form)
    assert "realmId" not in first.json()
    assert first.json()["refresh_token"] != caller.qb.refresh_token
    assert second.json()["error"] == "invalid_grant"
    assert caller.tokens({"grant_type": "authorization_code"}).json()["error"] == "invalid_grant"
    refused = caller.http.get("/connect/oauth2", params={**asked, "scope": "openid", "redirect_uri": back})
    assert "error=invalid_scope&state=s1" in refused.headers["location"]


def test_revoked_tokens_are_good_for_nothing(caller: Any) -> None:
    """Revoking one token ends the consent: neither refresh nor data."""
    auth = (caller.qb.client_id, caller.qb.client_secret)
    seed = caller.qb.refresh_token
    assert caller.http.post(caller.qb.revoke_url, json={"token": seed}, auth=auth).status_code == 200
    assert caller.refresh(seed).status_code == 400
    assert caller.get("/customer/1").status_code == 401


def test_token_answers_can_lack_or_change_fields(caller: Any) -> None:
    """Odd token answers can be had: without a refresh token, with a lifetime of 0 or as text."""
    caller.qb.oauth.answer_changes = {"refresh_token": None, "expires_in": "3600"}
    told = caller.refresh(caller.qb.refresh_token).json()
    assert "refresh_token" not in told
    assert told["expires_in"] == "3600"


def test_journal_holds_no_secret(caller: Any) -> None:
    """What was asked can be read without finding a token, a secret or a code in it."""
    told = caller.refresh(caller.qb.refresh_token).json()
    caller.get("/customer/1")
    written = str(caller.qb.journal.entries())
    assert "refresh_token" in written
    for secret in (told["access_token"], told["refresh_token"], caller.bearer, caller.qb.client_secret):
        assert secret not in written
