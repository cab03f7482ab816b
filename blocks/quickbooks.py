"""The credentials and settings of one QuickBooks Online company."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr, field_validator

from blocks.warehouse import database_url

if TYPE_CHECKING:
    from connectors.http import Limiter, Limits
    from connectors.quickbooks.client import QuickBooksClient
    from warehouse.tokens import TokenStore

# Fields of the block that a sign-in decides, and the tokens it gave.
SignedIn = tuple[dict[str, Any], Mapping[str, Any]]


class QuickBooks(Block):
    """One QuickBooks Online company: where it is, who may read it, and how fast.

    The refresh token here is a seed: the tokens that QuickBooks hands out in exchange live encrypted in the
    warehouse (ops.oauth_token). A new seed replaces them; the same one never does.

    Example:
        ```python
        from blocks.quickbooks import QuickBooks

        quickbooks = QuickBooks.load("BLOCK_NAME")
        with quickbooks.client() as client:
            print(client.test())
        ```
    """

    _block_type_name = "QuickBooks"
    _block_type_slug = "quickbooks"
    _documentation_url = HttpUrl("https://developer.intuit.com/app/developer/qbo/docs/develop")
    _description = "Credentials and settings of one QuickBooks Online company."

    #: What ops.connection says about such a connection.
    connection_type: ClassVar[str] = "accounting"
    provider: ClassVar[str] = "quickbooks"

    realm_id: str = Field(description="Company id that QuickBooks calls realm id, as shown at sign-in.", min_length=1)
    client_id: str = Field(description="Client id of the app in the Intuit developer portal.", min_length=1)
    client_secret: SecretStr = Field(description="Client secret of the app in the Intuit developer portal.")
    refresh_token: SecretStr = Field(
        description="Refresh token from the sign-in; used once, as the seed of later ones."
    )
    base_url: str = Field(
        default="https://quickbooks.api.intuit.com",
        description="Address of the API; a sandbox company lives at https://sandbox-quickbooks.api.intuit.com.",
    )
    token_url: str = Field(
        default="https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
        description="Address where refresh tokens are exchanged.",
    )
    authorize_url: str = Field(
        default="https://appcenter.intuit.com/connect/oauth2",
        description="Address where a person signs in and allows the app to read.",
    )
    # QuickBooks itself gives up on a request after 120 s; a page of 1,000 records takes a few.
    timeout_s: float = Field(default=60, gt=0, le=600, description="Seconds that one request may take in all.")
    retry_attempts: int = Field(default=5, ge=1, le=20, description="Tries of one request while the failure may pass.")
    # Intuit's documented limits for one company; runs share them through the warehouse.
    requests_per_second: int = Field(default=10, ge=0, description="Requests a second, 0 for no limit.")
    requests_per_minute: int = Field(default=500, ge=0, description="Requests a minute, 0 for no limit.")
    max_in_flight: int = Field(default=10, ge=0, description="Requests under way at a time, 0 for no limit.")
    # Intuit's programme gives 500,000 metered reads a month in its lowest tier, and blocks what is beyond.
    metered_calls_per_month: int = Field(
        default=0, ge=0, description="Reads a month (UTC) after which nothing more is asked, 0 for no ceiling."
    )
    full_every_hours: float = Field(
        default=24,
        gt=0,
        description="Hours after which everything is read instead of changes, to find what those omit.",
    )
    entities: str = Field(
        default="",
        description="The kinds of records to read, with commas, such as customer,invoice; empty: all of them.",
    )
    dbt_views: bool = Field(
        default=True,
        description="Whether a schema of views is kept for dbt, under the names that dbt_quickbooks reads.",
    )
    refresh_margin_s: float = Field(
        default=300,
        ge=0,
        le=3000,
        description="Seconds before its end when an access token is replaced; checked per call.",
    )
    allow_http: bool = Field(
        default=False, description="Whether plain http is let out of this machine; warned of each run."
    )
    test_mode: bool = Field(default=False, description="Whether this is a test company, so that lists can say so.")

    @field_validator("entities")
    @classmethod
    def _known(cls, value: str) -> str:
        from connectors.quickbooks.streams import NAMES

        if unknown := sorted(set(_names(value)) - NAMES):
            raise ValueError(f"there is no {', '.join(unknown)}; there are {', '.join(sorted(NAMES))}")
        return value

    def client(self, limiter: Limiter | None = None) -> QuickBooksClient:
        """Return a client of this company; close it, or use it in ``with``.

        ``limiter`` is taken for every request; None means that only this client's own pace holds.
        Raises ValueError when the block is not saved yet: its rotated tokens would have no place to live.
        """
        from connectors.quickbooks.client import QuickBooksClient
        from warehouse.api_calls import CallLog

        return QuickBooksClient(
            base_url=self.base_url,
            token_url=self.token_url,
            realm_id=self.realm_id,
            client_id=self.client_id,
            client_secret=self.client_secret.get_secret_value(),
            tokens=self._tokens(),
            limiter=limiter,
            timeout_s=self.timeout_s,
            retry_attempts=self.retry_attempts,
            refresh_margin_s=self.refresh_margin_s,
            full_every_hours=self.full_every_hours,
            allow_http=self.allow_http,
            calls=CallLog(database_url(), self._stored_under(), self.metered_calls_per_month),
            entities=_names(self.entities),
            dbt_views=self.dbt_views,
        )

    def limits(self) -> Limits:
        """Return the pace that all runs on this company share."""
        from connectors.http import Limits

        return Limits(
            key=f"quickbooks/{self.realm_id}",
            in_flight=self.max_in_flight,
            per_second=self.requests_per_second,
            per_minute=self.requests_per_minute,
        )

    def test_connection(self) -> dict[str, Any]:
        """Sign in and ask for the company: `identity`, and what QuickBooks said; else raises its error.

        An access token that is still good would hide a wrong client secret, so the stored one is given up first.
        """
        tokens = self._tokens()
        with tokens.exclusive():
            stored = tokens.read()
            if stored.get("access_token"):
                tokens.save({**stored, "expires_at": 0})
        with self.client() as client:
            return {"identity": client.identity(), **client.test()}

    @classmethod
    def sign_in_address(cls, fields: Mapping[str, Any], redirect_uri: str, state: str) -> str:
        """Return the address where a person allows the app to read a company; ``fields`` as for the block."""
        from connectors.quickbooks.sign_in import address

        authorize_url = fields.get("authorize_url") or cls.model_fields["authorize_url"].default
        return address(authorize_url, str(fields["client_id"]), redirect_uri, state)

    @classmethod
    def signed_in(cls, fields: Mapping[str, Any], redirect: str, redirect_uri: str, state: str) -> SignedIn:
        """Exchange what the browser was sent back with: the fields that follow from it, and the first tokens.

        Raises `SignInRefused`, or what a refresh raises.
        """
        from connectors.errors import SignInRefused
        from connectors.quickbooks.sign_in import exchange, read_redirect

        consent = read_redirect(redirect, state)
        if fields.get("realm_id") not in (None, "", consent.realm_id):
            # Another company's rows must not get under this name.
            raise SignInRefused(
                f"You signed in to company {consent.realm_id}, but this connection reads {fields['realm_id']};"
                " use another --name for it."
            )
        token = exchange(
            consent,
            token_url=fields.get("token_url") or cls.model_fields["token_url"].default,
            client_id=str(fields["client_id"]),
            client_secret=str(fields["client_secret"]),
            redirect_uri=redirect_uri,
            allow_http=fields.get("allow_http") in (True, "true", "True", "1"),
        )
        return {"realm_id": consent.realm_id, "refresh_token": token["refresh_token"]}, token

    def keep(self, token: Mapping[str, Any]) -> None:
        """Store the tokens of a sign-in, so that the first run need not ask for others."""
        tokens = self._tokens()
        with tokens.exclusive():
            tokens.save(token)

    def _stored_under(self) -> str:
        if self._block_document_name is None:
            raise ValueError("Save this QuickBooks block first: tokens are kept under its name.")
        return f"quickbooks/{self._block_document_name}"

    def _tokens(self) -> TokenStore:
        from warehouse.tokens import TokenStore

        # The app is part of the seed: what it refused for one may be good for another.
        seed = {"refresh_token": self.refresh_token.get_secret_value(), "client_id": self.client_id}
        stored_under = self._stored_under()  # before the database is asked for, which may have to be started
        return TokenStore(database_url(), stored_under, seed)


def _names(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]
