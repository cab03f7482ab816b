"""Signing in to OData services: a user and password, an API key, or OAuth 2.0 client credentials."""

import time
from collections.abc import Callable, Generator

import httpx
import msgspec

from connectors.errors import AuthRejected, SourceError
from connectors.http import Body, OnCall, accept, fetch, make_client, unexpected
from connectors.redact import REDACTOR

TOKEN_TIMEOUT_S = 30.0
MARGIN_S = 60.0  # a token is replaced so long before its end, since clocks differ and a page takes its time


class Basic(httpx.Auth):
    """User and password in UTF-8, as RFC 7617 has it and 1C wants it: logins there are Cyrillic."""

    def __init__(self, user: str, password: str) -> None:
        REDACTOR.add(password)
        self._auth = httpx.BasicAuth(user.encode(), password.encode())
        self._header = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request; what stands in the header is a secret too."""
        signed = next(self._auth.auth_flow(request))
        if not self._header:
            self._header = signed.headers["Authorization"]
            REDACTOR.add(self._header.partition(" ")[2])
        yield signed


class ApiKey(httpx.Auth):
    """A key in a header (``APIKey`` at SAP's public sandbox)."""

    def __init__(self, key: str, header: str = "APIKey") -> None:
        REDACTOR.add(key)
        self._key, self._header = key, header

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request."""
        request.headers[self._header] = self._key
        yield request


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float | str | None = None


class ClientCredentials(httpx.Auth):
    """An access token for a client id and secret (RFC 6749, 4.4), kept in memory and replaced before its end.

    A request that is refused all the same is sent once more with a new token. Raises `AuthRejected` when the id or
    the secret is refused. There is no refresh token, so nothing has to outlive the process.
    """

    requires_response_body = True

    def __init__(
        self,
        *,
        token_url: str,
        client_id: str,
        client_secret: str,
        scope: str = "",
        allow_http: bool = False,
        timeout_s: float = TOKEN_TIMEOUT_S,
        on_call: OnCall | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._scope, self._now = token_url, scope, now
        self._token, self._ends_at = "", 0.0
        self._http = make_client(
            auth=Basic(client_id, client_secret),
            headers={"Accept": "application/json"},
            methods=("POST",),
            allow_http=allow_http,
            timeout_s=min(timeout_s, TOKEN_TIMEOUT_S),
            on_call=on_call,
        )

    def close(self) -> None:
        """Close the connection to the token host."""
        self._http.close()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request; on 401 get another token and send it once more."""
        token = self._token if self._now() < self._ends_at else self._renew()
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code == 401:
            # Another thread may have got a new one meanwhile; that one has not been refused.
            fresh = self._token if self._token != token and self._now() < self._ends_at else self._renew()
            request.headers["Authorization"] = f"Bearer {fresh}"
            yield request

    def _renew(self) -> str:
        form = {"grant_type": "client_credentials", **({"scope": self._scope} if self._scope else {})}
        request = self._http.build_request("POST", self._url, data=form)
        # Once: the request that needs the token is tried again, and each time with this.
        token = fetch(self._http, request, _read_token, attempts=1)
        REDACTOR.add(token.access_token)
        lifetime = _seconds(token.expires_in)
        self._token = token.access_token
        self._ends_at = self._now() + lifetime - min(MARGIN_S, lifetime / 2)
        return self._token


def _seconds(expires_in: float | str | None) -> float:
    """How long a token lives; what does not say is used for ten minutes, and replaced at once if refused."""
    try:
        seconds = float(expires_in or 0)
    except ValueError:
        seconds = 0.0
    return seconds if 0 < seconds < 1e9 else 600.0


def _read_token(body: Body) -> _Token:
    if body.status in (400, 401, 403):
        said = REDACTOR.snippet(body.content)
        raise AuthRejected(f"{body.where} gives no token for this client id and secret ({body.status}): {said}")
    accept(body)
    if body.content.lstrip()[:1] != b"{":
        raise unexpected(body, "application/json")
    try:
        return msgspec.json.decode(body.content, type=_Token)
    except (msgspec.DecodeError, RecursionError) as error:
        raise SourceError(f"{body.where} answered without an access token: {error}.") from error
