"""The simulated OAuth 2.0 server of QuickBooks: consent, tokens that rotate, refusals (facts/quickbooks.md: OAuth)."""

import base64
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sandbox.clock import Clock

DAY_S = 86_400
REFRESH_TOKEN_S = 100 * DAY_S
# Accounting consents end five years after they were given, however often they are refreshed.
CONSENT_S = 5 * 365 * DAY_S
SCOPE = "com.intuit.quickbooks.accounting"

# All three forms were recorded; they take turns.
_INVALID_GRANT = (
    b'{"error":"invalid_grant"}',
    b'{"error":"invalid_grant","error_description":"Incorrect or invalid refresh token"}',
    b'{"error_description":"Incorrect or invalid refresh token","error":"invalid_grant"}',
)

Answer = tuple[int, bytes]


@dataclass
class Consent:
    """One company's consent to one app, and the one refresh token that is good for it."""

    given_at: float
    refresh_token: str
    issued_at: float
    used_at: float
    revoked: bool = False
    former: str = ""
    newest_access: str = ""


@dataclass
class OAuth:
    """The authorization server of one app and one company.

    Switches: ``rotate_always`` gives a new refresh token at every refresh (otherwise only when the present one is
    24 h old); the old one is then refused, and with ``revoke_on_reuse`` its use also ends the consent. With
    ``old_until_used`` it stays good until the new access token is used, as at hosts that expect answers to get lost.
    ``access_token_s`` is how long an access token lives. ``answer_changes`` are put into (None: taken out of)
    the token answers.
    """

    clock: Clock
    realm_id: str
    client_id: str
    client_secret: str
    refresh_token: str = ""
    rotate_always: bool = False
    revoke_on_reuse: bool = False
    old_until_used: bool = False
    access_token_s: int = 3600
    answer_changes: dict[str, Any] = field(default_factory=dict)
    _consents: dict[str, Consent] = field(default_factory=dict)
    _access: dict[str, tuple[Consent, float]] = field(default_factory=dict)
    _codes: dict[str, str] = field(default_factory=dict)
    _refusals: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self.refresh_token = self.refresh_token or _token("refresh")
        self._consent(self.refresh_token)

    def token(self, authorization: str, form: Mapping[str, str], *, hard_expiry: bool = False) -> Answer:
        """Answer a request to the token endpoint: status and JSON."""
        with self._lock:
            if not self._is_client(authorization):
                return 401, b'{"error":"invalid_client"}'
            if form.get("grant_type") == "authorization_code":
                return self._by_code(form, hard_expiry)
            if form.get("grant_type") == "refresh_token":
                return self._by_refresh(form.get("refresh_token", ""), hard_expiry)
            return 400, b'{"error":"unsupported_grant_type"}'

    def authorize(self, query: Mapping[str, str]) -> dict[str, str]:
        """Return the query that a browser is sent back with; ValueError if the request names no known app."""
        if query.get("client_id") != self.client_id or not query.get("redirect_uri"):
            raise ValueError("The client_id or the redirect_uri is not that of this app.")
        state = {"state": query["state"]} if "state" in query else {}
        if SCOPE not in query.get("scope", "").split() or query.get("response_type") != "code":
            return {"error": "invalid_scope", **state}
        code = _token("code")
        with self._lock:
            self._codes[code] = query["redirect_uri"]
        return {"code": code, **state, "realmId": self.realm_id}

    def revoke(self, authorization: str, token: str) -> Answer:
        """End the consent that an access or refresh token belongs to."""
        with self._lock:
            if not self._is_client(authorization):
                return 401, b'{"error":"invalid_client"}'
            consent = self._consents.get(token) or self._access.get(token, (None,))[0]
            if consent is None or consent.revoked:
                return 400, b'{"error":"invalid_request"}'
            consent.revoked = True
            return 200, b""

    def refusal(self, authorization: str) -> str | None:
        """Return why a bearer is not accepted, in the words of the 401's detail, or None if it is."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return "Token missing"
        with self._lock:
            consent, until = self._access.get(token, (None, 0.0))
            if consent is None or consent.revoked:
                return f"Token revoked: {token}"
            if token == consent.newest_access:
                consent.former = ""
            return None if self.clock.now() < until else f"Token expired: {token}"

    def expire_access_tokens(self) -> None:
        """Let every access token given so far end now."""
        with self._lock:
            self._access = {token: (consent, 0.0) for token, (consent, _) in self._access.items()}

    def disconnect(self) -> None:
        """Revoke everything, as the company's owner can in the vendor's pages."""
        with self._lock:
            for consent in self._consents.values():
                consent.revoked = True

    def access_token(self) -> str:
        """Return a good access token without a request, for tests that are not about tokens."""
        with self._lock:
            consent = next(consent for consent in self._consents.values() if not consent.revoked)
            return self._new_access(consent)

    def current_refresh_token(self) -> str:
        """Return the refresh token that is good now."""
        with self._lock:
            return next(consent.refresh_token for consent in self._consents.values() if not consent.revoked)

    def _is_client(self, authorization: str) -> bool:
        expected = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        return secrets.compare_digest(authorization.encode(), f"Basic {expected}".encode())

    def _consent(self, refresh_token: str) -> Consent:
        now = self.clock.now()
        self._consents[refresh_token] = Consent(now, refresh_token, now, now)
        return self._consents[refresh_token]

    def _by_code(self, form: Mapping[str, str], hard_expiry: bool) -> Answer:
        redirect_uri = self._codes.pop(form.get("code", ""), None)
        if redirect_uri is None or redirect_uri != form.get("redirect_uri"):
            return self._invalid_grant()
        return self._answer(self._consent(_token("refresh")), hard_expiry)

    def _by_refresh(self, token: str, hard_expiry: bool) -> Answer:
        consent, now = self._consents.get(token), self.clock.now()
        if consent is None or consent.revoked:
            return self._invalid_grant()
        if token not in (consent.refresh_token, consent.former or None):
            consent.revoked = consent.revoked or self.revoke_on_reuse
            return self._invalid_grant()
        if now - consent.used_at > REFRESH_TOKEN_S or now - consent.given_at > CONSENT_S:
            return self._invalid_grant()
        consent.used_at = now
        if self.rotate_always or now - consent.issued_at >= DAY_S:
            consent.former = token if self.old_until_used else ""
            consent.refresh_token, consent.issued_at = _token("refresh"), now
            self._consents[consent.refresh_token] = consent
        return self._answer(consent, hard_expiry)

    def _answer(self, consent: Consent, hard_expiry: bool) -> Answer:
        answer: dict[str, Any] = {
            "token_type": "bearer",
            "expires_in": self.access_token_s,
            "refresh_token": consent.refresh_token,
            "x_refresh_token_expires_in": REFRESH_TOKEN_S,
            "access_token": self._new_access(consent),
        }
        if hard_expiry:
            left = CONSENT_S - (self.clock.now() - consent.given_at)
            answer["x_refresh_token_hard_expires_in"] = int(left)
        answer.update(self.answer_changes)
        return 200, msgspec.json.encode({name: value for name, value in answer.items() if value is not None})

    def _new_access(self, consent: Consent) -> str:
        token = _token("access")
        self._access[token] = consent, self.clock.now() + self.access_token_s
        consent.newest_access = token
        return token

    def _invalid_grant(self) -> Answer:
        self._refusals += 1
        return 400, _INVALID_GRANT[(self._refusals - 1) % len(_INVALID_GRANT)]


def _token(kind: str) -> str:
    # Readable on purpose: whoever finds one in a log sees what it is and that it is nobody's.
    return f"sandbox-{kind}-{secrets.token_hex(8)}"
