"""Signing in to Microshare: as its web pages do, or by OAuth 2.0; a token lasts two days and is shared by all runs.

A sign-in is slow (about a second) and many of them look like an attack, so there is one at a time for a connection,
what came of it is kept for all runs, and a refusal is kept too for a while. Facts: how programs in the open sign in, and
the vendor's documentation of OAuth.
"""

import base64
import binascii
import logging
import re
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx
import msgspec

from connectors.errors import AuthRejected, SourceError
from connectors.http import Body, OnCall, accept, fetch, make_client, unexpected
from connectors.redact import REDACTOR

log = logging.getLogger("landfall.microshare")

MARGIN_S = 300.0  # a token is never used with less than this left: a run must not lose it on the way
LOGIN_TIMEOUT_S = 30.0  # as the vendor's own programs wait
WEB_LIFE_S = 48 * 3600.0  # what the vendor documents; used where the answer does not say
OAUTH_LIFE_S = 3600.0  # no answer that was seen names a lifetime; programs in the open count on an hour
REFUSAL_S = 3600.0  # an account that is tried every quarter of an hour with a wrong password may get locked
YOUNG_S = 60.0  # what is refused with two new tokens in a row is refused for another reason than the token
COOKIE = "PLAY_SESSION"


class Tokens(Protocol):
    """Where the token is kept, shared by all runs of a connection."""

    def read(self) -> Mapping[str, Any]:
        """What is stored: ``access_token``, ``obtained_at`` and ``expires_at`` in epoch seconds; ``refused``."""

    def save(self, token: Mapping[str, Any]) -> None:
        """Keep a token; returns when it is committed."""

    def exclusive(self) -> AbstractContextManager[Any]:
        """Wait until nobody else signs in on this connection; leaving the context lets the next one in."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in, and where. With a ``client_id`` it is done by OAuth 2.0 at ``oauth_url``, else as web pages do."""

    username: str
    password: str = field(repr=False)
    login_url: str
    oauth_url: str = ""
    client_id: str = field(default="", repr=False)


class SignIn(httpx.Auth):
    """Puts a valid token on every request, and signs in once more if it is refused all the same.

    Raises `AuthRejected` when the account is refused.
    """

    def __init__(
        self,
        account: Account,
        tokens: Tokens,
        *,
        allow_http: bool = False,
        timeout_s: float = LOGIN_TIMEOUT_S,
        on_call: OnCall | None = None,
        on_login: Callable[[float | None], None] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        REDACTOR.add(account.password)
        self._account, self._tokens, self._now = account, tokens, now
        self._on_login = on_login or (lambda _seconds: None)
        self._held: Mapping[str, Any] = {}
        self._http = make_client(methods=("POST",), allow_http=allow_http, timeout_s=timeout_s, on_call=on_call)

    def close(self) -> None:
        """Close the connection to the sign-in host."""
        self._http.close()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request; on 401 sign in once and send it again. What was answered 401 was not carried out."""
        token = self.token()
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code == 401:
            request.headers["Authorization"] = f"Bearer {self._renewed(token)}"
            yield request

    def token(self) -> str:
        """A token that is good for some minutes at least: the one at hand, the stored one, or a new one."""
        if not self._fresh(self._held):
            self._hold(self._tokens.read())
        return str(self._held["access_token"]) if self._fresh(self._held) else self._renewed(None)

    def _hold(self, token: Mapping[str, Any]) -> None:
        REDACTOR.add(token.get("access_token"))
        self._held = token

    def _fresh(self, token: Mapping[str, Any]) -> bool:
        """Whether the token outlives the margin; of tokens that live briefly, half of their life."""
        if not token.get("access_token"):
            return False
        expires_at = float(token.get("expires_at") or 0)
        lifetime = expires_at - float(token.get("obtained_at") or 0)
        return expires_at - self._now() > min(MARGIN_S, lifetime / 2)

    def _renewed(self, refused: str | None) -> str:
        """A token other than the refused one: somebody else's new one, or else our own."""
        with self._tokens.exclusive():
            stored = self._tokens.read()
            self._hold(stored)
            if self._fresh(stored) and stored["access_token"] != refused:
                return str(stored["access_token"])
            self._refuse_again(stored)
            token = self._asked() | {"after_refusal": refused is not None}
            self._tokens.save(token)
            self._hold(token)
            return str(token["access_token"])

    def _refuse_again(self, stored: Mapping[str, Any]) -> None:
        """Raise instead of signing in again where that is useless, or could lock the account."""
        age_s = self._now() - float(stored.get("obtained_at") or 0)
        if stored.get("after_refusal") and age_s < YOUNG_S and self._fresh(stored):
            raise AuthRejected(
                "Microshare accepts the sign-in but refuses the request, also with a new token: the account lacks a right."
            )
        again_at = float(stored.get("refused_at") or 0) + REFUSAL_S
        if stored.get("refused") and self._now() < again_at:
            when = f"{datetime.fromtimestamp(again_at, UTC):%Y-%m-%d %H:%M} UTC"
            raise AuthRejected(
                f"{stored['refused']} It is not asked again before {when}, unless the connection is changed or tested."
            )

    def _asked(self) -> dict[str, Any]:
        began, clock = self._now(), time.monotonic()
        try:
            token = oauth_token(self._http, self._account) if self._account.client_id else self._web_token()
        except AuthRejected as error:
            self._on_login(None)
            self._tokens.save({"refused": error.message, "refused_at": began})
            raise
        except Exception:
            self._on_login(None)
            raise
        self._on_login(time.monotonic() - clock)
        log.info("Signed in to %s.", self._account.oauth_url if self._account.client_id else self._account.login_url)
        life_s = token.pop("expires_in", None) or (OAUTH_LIFE_S if self._account.client_id else WEB_LIFE_S)
        # By a clock that is far off a new token could look like an old one, and every request would sign in again.
        ends = max(float(token.get("expires_at") or began + float(life_s)), began + 2 * MARGIN_S)
        return {**token, "obtained_at": began, "expires_at": ends}

    def _web_token(self) -> dict[str, Any]:
        self._http.cookies.clear()  # a session of before would come back instead of a new one
        return web_token(self._http, self._account)


def web_token(http: httpx.Client, account: Account) -> dict[str, Any]:
    """Sign in as the web pages do: ``access_token``, ``expires_at`` where the answer says. Sent once only."""
    form = {"csrfToken": "landfall", "username": account.username, "password": account.password}
    request = http.build_request("POST", f"{account.login_url.rstrip('/')}/login", data=form)
    return fetch(http, request, read_session, attempts=1)


def read_session(body: Body) -> dict[str, Any]:
    """The token in the answer to a web sign-in, or what the answer means.

    Success is a redirect (303) with the cookie PLAY_SESSION, a JWT whose payload holds the token. Its signature is the
    vendor's own business.
    """
    refused = AuthRejected(f"{body.where} refuses the sign-in: user name or password are wrong, or the address is.")
    if body.status in (400, 401, 403) or (200 <= body.status < 300):  # a page that asks to sign in once more
        raise refused
    if body.status != 303:
        accept(body)
    cookies = body.headers.get_list("set-cookie")
    found = next(filter(None, (re.match(rf'\s*{COOKIE}="?([^;"]+)', cookie) for cookie in cookies)), None)
    if found is None:
        raise refused
    REDACTOR.add(found[1])
    payload = _payload(found[1])
    data = payload.get("data")
    session = data if isinstance(data, dict) else {}
    token, other = session.get("access_token"), session.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise SourceError(f"{body.where} accepts the sign-in, but the session that it gives holds no token.")
    REDACTOR.add(other if isinstance(other, str) else None)
    expires_at = payload.get("exp")
    return {"access_token": token} | ({"expires_at": expires_at} if isinstance(expires_at, int | float) else {})


def oauth_token(http: httpx.Client, account: Account) -> dict[str, Any]:
    """Sign in by OAuth 2.0: ``access_token`` and ``expires_in`` where the answer says. Sent once only.

    The fields go in the body: in the address they would stand in logs on the way.
    """
    form = {
        "username": account.username, "password": account.password, "client_id": account.client_id,
        "grant_type": "password", "scope": "ALL:ALL",
    }  # fmt: skip
    request = http.build_request("POST", f"{account.oauth_url.rstrip('/')}/oauth2/token", data=form)
    return fetch(http, request, _read_oauth, attempts=1)


def _read_oauth(body: Body) -> dict[str, Any]:
    if body.status in (400, 401, 403):
        raise AuthRejected(f"{body.where} refuses the sign-in: user name, password or client id are wrong.")
    accept(body)
    try:
        answer = msgspec.json.decode(body.content)
    except (msgspec.DecodeError, RecursionError):
        raise unexpected(body, "application/json") from None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token:
        raise SourceError(f"{body.where} answered {body.status} without an access token.")
    REDACTOR.add(answer.get("refresh_token") if isinstance(answer.get("refresh_token"), str) else None)
    life_s = answer.get("expires_in")
    return {"access_token": token, "expires_in": life_s if isinstance(life_s, int | float) else None}


def _payload(jwt: str) -> dict[str, Any]:
    try:
        middle = jwt.split(".")[1]
        payload = msgspec.json.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, binascii.Error, ValueError):
        raise SourceError("Microshare's session cookie is no JWT, so the token in it cannot be read.") from None
    return payload if isinstance(payload, dict) else {}
