"""Signing in to QuickBooks: from a person's consent in the browser to the first tokens.

The company's id comes in the redirect alone, never with the tokens. Facts: the vendor's OAuth 2.0 guide.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from connectors.errors import ReauthRequired, SignInRefused
from connectors.http import fetch
from connectors.quickbooks.auth import read_token, token_client, token_of

SCOPE = "com.intuit.quickbooks.accounting"  # no narrower one exists; that nothing is written is the client's business
_REASONS = {
    "access_denied": "access was not allowed in the browser",
    "invalid_scope": "the app may not ask for accounting data; add that scope in the developer portal",
}


@dataclass(frozen=True, slots=True)
class Consent:
    """What a redirect brings: a code that is exchanged once, and the company that it opens."""

    code: str = field(repr=False)
    realm_id: str


def address(authorize_url: str, client_id: str, redirect_uri: str, state: str) -> str:
    """The address that a person opens to allow the app to read a company."""
    asked = {"client_id": client_id, "response_type": "code", "scope": SCOPE, "redirect_uri": redirect_uri}
    return f"{authorize_url}?{urlencode({**asked, 'state': state})}"


def read_redirect(url: str, state: str) -> Consent:
    """What the address holds that the browser was sent back to; `SignInRefused` if it is no consent of ours."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url.strip()).query).items()}
    if query.get("state") != state:
        raise SignInRefused("The redirect belongs to another sign-in: its state is not the one that was sent.")
    if error := query.get("error"):
        raise SignInRefused(f"QuickBooks did not connect: {_REASONS.get(error, error[:80])}.")
    if not query.get("code") or not query.get("realmId"):
        raise SignInRefused("The redirect holds no code or no realmId; paste the whole address that the browser shows.")
    return Consent(query["code"], query["realmId"])


def exchange(
    consent: Consent,
    *,
    token_url: str,
    client_id: str,
    client_secret: str,
    redirect_uri: str,
    allow_http: bool = False,
    now: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """The first tokens for a consent, as `Tokens` keep them. Errors as of a refresh; a used code is `SignInRefused`."""
    form = {"grant_type": "authorization_code", "code": consent.code, "redirect_uri": redirect_uri}
    began = now()
    with token_client(client_id, client_secret, allow_http=allow_http) as http:
        try:
            answer = fetch(http, http.build_request("POST", token_url, data=form), read_token, attempts=1)
        except ReauthRequired:
            raise SignInRefused(
                "QuickBooks refuses the code: it was used already, is too old, or was given for another redirect address."
            ) from None
    return token_of(answer, {"refresh_token": ""}, began)
