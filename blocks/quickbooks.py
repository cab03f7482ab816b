"""The credentials and settings of one QuickBooks Online company."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from blocks.warehouse import database_url

if TYPE_CHECKING:
    from connectors.http import Limiter, Limits
    from connectors.quickbooks.client import QuickBooksClient
    from warehouse.tokens import TokenStore


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
    allow_http: bool = Field(
        default=False, description="Whether plain http is let out of this machine; warned of each run."
    )
    test_mode: bool = Field(default=False, description="Whether this is a test company, so that lists can say so.")

    def client(self, limiter: Limiter | None = None) -> QuickBooksClient:
        """Return a client of this company; close it, or use it in ``with``.

        ``limiter`` is taken for every request; None means that only this client's own pace holds.
        Raises ValueError when the block is not saved yet: its rotated tokens would have no place to live.
        """
        from connectors.quickbooks.client import QuickBooksClient

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
            allow_http=self.allow_http,
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

    def _tokens(self) -> TokenStore:
        from warehouse.tokens import TokenStore

        if self._block_document_name is None:
            raise ValueError("Save this QuickBooks block first: tokens are kept under its name.")
        seed = {"refresh_token": self.refresh_token.get_secret_value()}
        return TokenStore(database_url(), f"quickbooks/{self._block_document_name}", seed)
