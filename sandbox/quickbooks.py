"""A simulator of QuickBooks Online: OAuth 2.0 and the accounting API of one made-up company, over real HTTP.

What it does follows the vendor's documentation and recorded answers, not what the connector expects::

    with quickbooks.running(customers=50, invoices=200) as qb:
        qb.faults.add("unauthorized", entity="Invoice", page=2)
        ...
        assert qb.journal.count("tokens/bearer") == 1
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox import qbo_captures, qbo_control, qbo_errors
from sandbox.clock import Clock, pacific
from sandbox.faults import Answer, Fault, Faults, delay, spoil_transport
from sandbox.journal import Journal
from sandbox.qbo_api import Api, PageHook
from sandbox.qbo_data import BEGIN, Sizes, fill
from sandbox.qbo_edit import Company
from sandbox.qbo_oauth import OAuth
from sandbox.server import serving
from sandbox.throttle import Limits, Throttle

REALM_ID = "9130350000000001"
CLIENT_ID, CLIENT_SECRET = "sandbox-client-id", "sandbox-client-secret"

__all__ = ["Limits", "QuickBooks", "Sizes", "running"]


@dataclass(frozen=True, slots=True)
class QuickBooks:
    """A running simulator: addresses and credentials to connect with, and the parts that tests turn and read."""

    base_url: str
    api: Api

    @property
    def token_url(self) -> str:
        """Where tokens are fetched."""
        return f"{self.base_url}/oauth2/v1/tokens/bearer"

    @property
    def revoke_url(self) -> str:
        """Where a token is revoked."""
        return f"{self.base_url}/v2/oauth2/tokens/revoke"

    @property
    def authorize_url(self) -> str:
        """Where a browser asks for consent; it is sent back at once."""
        return f"{self.base_url}/connect/oauth2"

    @property
    def realm_id(self) -> str:
        """The company's id."""
        return self.api.realm_id

    @property
    def client_id(self) -> str:
        """The app's id."""
        return self.api.oauth.client_id

    @property
    def client_secret(self) -> str:
        """The app's secret."""
        return self.api.oauth.client_secret

    @property
    def refresh_token(self) -> str:
        """The refresh token that the company's first consent gave: the seed."""
        return self.api.oauth.refresh_token

    @property
    def store(self) -> Company:
        """The company's records, to read and to change."""
        return self.api.company

    @property
    def oauth(self) -> OAuth:
        """The authorization server's switches."""
        return self.api.oauth

    @property
    def faults(self) -> Faults:
        """The fault switches: those of `sandbox.faults`, ``unauthorized``, ``throttle`` and ``fault_200``."""
        return self.api.faults

    @property
    def journal(self) -> Journal:
        """The requests so far."""
        return self.api.journal

    @property
    def clock(self) -> Clock:
        """The simulated time."""
        return self.api.clock

    @property
    def peak_in_flight(self) -> int:
        """The most requests to the accounting API that were being answered at one time."""
        return self.api.throttle.peak

    def on_page(self, hook: PageHook | None) -> None:
        """Call ``hook(entity, k)`` after each page of rows (see `Api.on_page`)."""
        self.api.on_page(hook)

    def load_captures(self, folder: str | Path, only: Sequence[str] = ()) -> dict[str, int]:
        """Add recorded records to the company (see `sandbox.qbo_captures.load_captures`)."""
        return qbo_captures.load_captures(self.store, folder, only)

    def connection(self) -> dict[str, str]:
        """Return all that a client needs to connect."""
        names = ("base_url", "token_url", "authorize_url", "realm_id", "client_id", "client_secret", "refresh_token")
        return {name: getattr(self, name) for name in names}


@contextmanager
def running(
    *,
    customers: int = 1_000,
    vendors: int = 300,
    items: int = 2_000,
    invoices: int = 5_000,
    seed: int = 7,
    captures: str | Path | None = None,
    only: Sequence[str] = (),
    limits: Limits | None = None,
    refresh_token: str = "",
    port: int = 0,
) -> Iterator[QuickBooks]:
    """Serve a company of these sizes on loopback until the block ends.

    ``captures`` adds the records of a folder of recorded answers (``only`` these sub-folders of it); with sizes of 0
    they are all there is. ``limits`` are the vendor's unless given. Without ``refresh_token`` a new one is drawn.
    """
    clock = Clock()
    company = Company(clock)
    fill(company, Sizes(customers, vendors, items, invoices), seed)
    if captures is not None:
        qbo_captures.load_captures(company, captures, only)
    if not company.ids("CompanyInfo"):
        company.put("CompanyInfo", _company_info())
    oauth = OAuth(clock, REALM_ID, CLIENT_ID, CLIENT_SECRET, refresh_token)
    faults = Faults({"unauthorized": _unauthorized, "throttle": _throttle, "fault_200": _fault_200})
    api = Api(REALM_ID, company, oauth, faults, Journal(), Throttle(limits or Limits()), clock)
    with serving(_app(api), port) as base_url:
        yield QuickBooks(base_url, api)


def _unauthorized(_: Fault) -> Answer:
    head = {"WWW-Authenticate": 'Bearer realm="Intuit", error="invalid_token"'}
    return 401, head, qbo_errors.unauthorized("Token expired: sandbox-access-expired", Clock().now())


def _throttle(_: Fault) -> Answer:
    return 429, {"Content-Type": "text/xml;charset=UTF-8"}, qbo_errors.throttled(Clock().now())


def _fault_200(_: Fault) -> Answer:
    refusal = qbo_errors.Refusal("10000", "An application error has occurred", "System Failure Error: 10000")
    return 200, {"Content-Type": "application/json;charset=utf-8"}, refusal.body(Clock().now())


def _company_info() -> dict[str, object]:
    moment = pacific(BEGIN)
    place = {"Id": "1", "Line1": "1 Sandbox Square", "City": "Eastmere", "CountrySubDivisionCode": "CA"}
    return {
        "CompanyName": "Sandbox Trading Company",
        "LegalName": "Sandbox Trading Company LLC",
        "CompanyAddr": place,
        "Country": "US",
        "Email": {"Address": "company@example.com"},
        "FiscalYearStartMonth": "January",
        "domain": "QBO",
        "sparse": False,
        "Id": "1",
        "SyncToken": "4",
        "MetaData": {"CreateTime": moment, "LastUpdatedTime": moment},
    }


def _app(api: Api) -> Starlette:
    async def tokens(request: Request) -> Response:
        at, form = api.clock.now(), dict(parse_qsl((await request.body()).decode()))
        met = api.faults.met_by(request.url.path, None, False)
        await delay(met)
        response = next(filter(None, map(api.faults.instead, met)), None)
        if response is None:
            authorization = request.headers.get("authorization", "")
            if request.url.path.endswith("/revoke"):
                status, text = api.oauth.revoke(authorization, await _token_to_revoke(request))
            else:
                hard = request.headers.get("x-include-refresh-token-hard-expires-in") == "true"
                status, text = api.oauth.token(authorization, form, hard_expiry=hard)
            response = Response(text, status, media_type="application/json;charset=utf-8")
        api.note(request, at, form.get("grant_type", ""), response, met)
        return spoil_transport(response, met)

    async def authorize(request: Request) -> Response:
        asked = dict(request.query_params)
        try:
            answer = api.oauth.authorize(asked)
        except ValueError as error:
            return HTMLResponse(f"<h1>Sorry, but this app did not connect</h1><p>{error}</p>", 400)
        joint = "&" if "?" in asked["redirect_uri"] else "?"
        return RedirectResponse(f"{asked['redirect_uri']}{joint}{urlencode(answer)}", 302)

    return Starlette(
        routes=[
            Route("/oauth2/v1/tokens/bearer", tokens, methods=["POST"]),
            Route("/v2/oauth2/tokens/revoke", tokens, methods=["POST"]),
            Route("/connect/oauth2", authorize),
            Route("/.well-known/openid_sandbox_configuration", _discovery),
            Route("/.well-known/openid_configuration", _discovery),
            Route("/v3/{path:path}", api.__call__, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            *qbo_control.routes(api),
        ]
    )


async def _token_to_revoke(request: Request) -> str:
    try:
        return str(msgspec.json.decode(await request.body(), type=dict[str, str]).get("token", ""))
    except msgspec.DecodeError:
        return ""


async def _discovery(request: Request) -> Response:
    root = str(request.base_url).rstrip("/")
    return JSONResponse(
        {
            "issuer": f"{root}/op/v1",
            "authorization_endpoint": f"{root}/connect/oauth2",
            "token_endpoint": f"{root}/oauth2/v1/tokens/bearer",
            "revocation_endpoint": f"{root}/v2/oauth2/tokens/revoke",
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "email", "profile", "address", "phone"],
        }
    )
