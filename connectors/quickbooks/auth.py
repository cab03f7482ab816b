"""OAuth 2.0 with QuickBooks: access tokens of an hour from a refresh token that rotates.

The vendor replaces the refresh token about once a day and then refuses the old one; two refreshes at a time, or an
answer that is not kept, cost the user a new consent. So one refresher at a time, what came back is committed before
it is used, and a token is never sent again after it was refused. Facts: the vendor's OAuth guide and SDK issues.
"""

import base64
import logging
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx
import msgspec

from connectors.errors import AuthRejected, RateLimited, ReauthRequired, SourceError, Transient
from connectors.http import Body, OnCall, accept, fetch, make_client, unexpected
from connectors.quickbooks.faults import TOKEN_EXPIRED, read_fault
from connectors.redact import REDACTOR

log = logging.getLogger("landfall.quickbooks")

REFRESH_MARGIN_S = 300.0  # looked at before every request, so a token never has less than this left when it is used
TOKEN_TIMEOUT_S = 30.0  # the one refresher holds up all others meanwhile


class Tokens(Protocol):
    """Where tokens are kept, shared by all runs of a connection."""

    def read(self) -> Mapping[str, Any]:
        """What is stored: ``refresh_token``, once refreshed ``access_token`` and ``expires_at`` (epoch seconds).

        Also ``refresh_expires_at`` and ``consent_expires_at``, when the refresh token and the consent end; ``asked_at``
        while a refresh is under way; ``refused``, a sentence, once the refresh token has been refused.
        """

    def save(self, token: Mapping[str, Any]) -> None:
        """Keep a new token; returns when it is committed."""

    def exclusive(self) -> AbstractContextManager[Any]:
        """Wait until nobody else refreshes this connection's token; leaving the context lets the next one in."""


class TokenAuth(httpx.Auth):
    """Puts a valid access token on every request, and refreshes it once if it is refused all the same.

    Raises `ReauthRequired` when the refresh token is refused, `AuthRejected` when the client id or secret is.
    """

    requires_response_body = True

    def __init__(
        self,
        *,
        token_url: str,
        client_id: str,
        client_secret: str,
        tokens: Tokens,
        margin_s: float = REFRESH_MARGIN_S,
        allow_http: bool = False,
        timeout_s: float = TOKEN_TIMEOUT_S,
        on_call: OnCall | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._token_url = token_url
        self._tokens = tokens
        self._margin_s = margin_s
        self._now = now
        self._held: Mapping[str, Any] = {}
        self._http = token_client(client_id, client_secret, allow_http=allow_http, timeout_s=timeout_s, on_call=on_call)

    def close(self) -> None:
        """Close the connection to the token host."""
        self._http.close()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request; on 401, or a fault that says the same, send it again with another token.

        That of somebody else, where one is stored, which may be refused by now as well; then our own. What refuses a
        token that was made for this very request has said its last word.
        """
        token, newest = self._current(), False
        for last in (False, False, True):
            request.headers["Authorization"] = f"Bearer {token}"
            answer = yield request
            fault = read_fault(answer.content)
            refused = answer.status_code == 401 or (fault is not None and fault.code == TOKEN_EXPIRED)
            if not refused or newest or last:
                return
            token, newest = self._renewed(token)

    def _current(self) -> str:
        if not self._fresh(self._held):
            self._hold(self._tokens.read())
        return self._held["access_token"] if self._fresh(self._held) else self._renewed(None)[0]

    def _hold(self, token: Mapping[str, Any]) -> None:
        REDACTOR.add(token.get("access_token"))
        REDACTOR.add(token.get("refresh_token"))
        self._held = token

    def _fresh(self, token: Mapping[str, Any]) -> bool:
        """Whether the access token outlives the margin; of tokens that live briefly, half of their life."""
        if not token.get("access_token"):
            return False
        expires_at = float(token.get("expires_at") or 0)
        lifetime = expires_at - float(token.get("obtained_at") or 0)
        return expires_at - self._now() > min(self._margin_s, lifetime / 2)

    def _renewed(self, refused: str | None) -> tuple[str, bool]:
        """An access token other than the refused one, and whether it was made now: somebody else's, or else our own."""
        with self._tokens.exclusive():
            stored = self._tokens.read()
            self._hold(stored)
            if self._fresh(stored) and stored["access_token"] != refused:
                return str(stored["access_token"]), False
            token = self._refresh(stored)
            self._tokens.save(token)
            self._hold(token)
            return str(token["access_token"]), True

    def _refresh(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """A new token for the stored one.

        The intent is kept before the vendor is asked: if this process dies before the answer is kept, the next one
        knows that it may be the second to ask. A refusal is kept too, so that no run asks again until the credential
        changes: asking once more can only do harm.
        """
        if not stored.get("refresh_token"):
            raise ReauthRequired("The connection has no refresh token.")
        if stored.get("refused"):
            raise ReauthRequired(str(stored["refused"]))
        began = self._now()
        lost_at = stored.get("asked_at")
        self._tokens.save({**stored, "asked_at": lost_at or began})
        try:
            answer = self._ask(str(stored["refresh_token"]), lost_at)
        except ReauthRequired as error:
            self._tokens.save({**stored, "refused": error.message})
            raise
        except (AuthRejected, RateLimited):  # an answer came, and it was not a token
            self._tokens.save(stored)
            raise
        return token_of(answer, stored, began)

    def _ask(self, refresh_token: str, lost_at: float | None) -> dict[str, Any]:
        """Send the token; if no answer comes, send the same one once more: the vendor allows that, not another."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        for last in (False, True):
            request = self._http.build_request("POST", self._token_url, data=form)
            try:
                return fetch(self._http, request, read_token, attempts=1)
            except RateLimited:
                raise
            except ReauthRequired as error:
                if not lost_at:
                    raise
                when = f"{datetime.fromtimestamp(float(lost_at), UTC):%Y-%m-%d %H:%M:%S} UTC"
                hint = f"rotation reply lost at {when}, so the vendor may have replaced it then"
                raise ReauthRequired(f"{error.message.removesuffix('.')} ({hint}).") from None
            except Transient as error:
                lost_at = lost_at or self._now()
                log.warning("A token refresh went unanswered: %s", error)
                if last:
                    raise
        raise AssertionError("the second attempt returns or raises")


def token_client(
    client_id: str,
    client_secret: str,
    *,
    allow_http: bool = False,
    timeout_s: float = TOKEN_TIMEOUT_S,
    on_call: OnCall | None = None,
) -> httpx.Client:
    """Make the client that talks to the token host as this app; it posts, and nothing else."""
    basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
    REDACTOR.add(client_secret)
    REDACTOR.add(basic)
    headers = {
        "Authorization": f"Basic {basic}",
        "Accept": "application/json",
        "x-include-refresh-token-hard-expires-in": "true",  # so that the end of the consent is known
    }
    return make_client(headers=headers, methods=("POST",), allow_http=allow_http, timeout_s=timeout_s, on_call=on_call)


def read_token(body: Body) -> dict[str, Any]:
    """The token in an answer of the token host, or what its error means."""
    try:
        answer = msgspec.json.decode(body.content)
    except (msgspec.DecodeError, RecursionError):
        accept(body)
        raise unexpected(body, "application/json") from None
    error = answer.get("error") if isinstance(answer, dict) else None
    if error == "invalid_grant":
        raise ReauthRequired(f"{body.where} refuses the refresh token: it is expired, revoked or replaced.")
    if error == "invalid_client":
        raise AuthRejected(f"{body.where} says: wrong client id or secret.")
    accept(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str) or not answer["access_token"]:
        raise SourceError(f"{body.where} answered {body.status} without an access token.")
    return answer


def token_of(answer: Mapping[str, Any], stored: Mapping[str, Any], began: float) -> dict[str, Any]:
    """What to keep of a token answer; seconds are counted from before it was asked for.

    Without a refresh token in the answer the old one stays. Without a lifetime the access token counts as expired:
    it is used for the request at hand and then refreshed. What the answer does not say of the end of refresh token
    and consent stays as it was known.
    """
    token = {
        "access_token": answer["access_token"],
        "refresh_token": answer.get("refresh_token") or stored["refresh_token"],
        "obtained_at": began,
        "expires_at": began + _seconds(answer.get("expires_in")),
    }
    ends = {"refresh_expires_at": "x_refresh_token_expires_in", "consent_expires_at": "x_refresh_token_hard_expires_in"}
    for name, field in ends.items():
        lifetime = _seconds(answer.get(field))
        if lifetime or stored.get(name):
            token[name] = began + lifetime if lifetime else stored[name]
    return token


def _seconds(value: object) -> float:
    try:
        return max(float(value), 0.0) if isinstance(value, int | float | str) else 0.0
    except ValueError:
        return 0.0
