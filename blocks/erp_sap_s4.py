"""The login and settings of one SAP S/4HANA system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr, model_validator

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from connectors.erp.mapping import ErpMapping
    from connectors.erp.odata import ODataErp
    from connectors.http import Limiter, Limits


class SapS4(Block):
    """One SAP S/4HANA system, read over OData: where it is, who may read it, and what its fields mean.

    Sign in with a user and password, an API key, a client id and secret (OAuth 2.0), or a certificate (X.509).

    Example:
        ```python
        from blocks.erp_sap_s4 import SapS4

        sap = SapS4.load("BLOCK_NAME")
        print(sap.test_connection())
        ```
    """

    _block_type_name = "SAP S4HANA"
    _block_type_slug = "erp-sap-s4"
    _documentation_url = HttpUrl("https://api.sap.com/products/SAPS4HANACloud/apis/ODATA")
    _description = "Login and settings of one SAP S/4HANA system."

    #: What ops.connection says about such a connection.
    connection_type: ClassVar[str] = "erp"
    provider: ClassVar[str] = "sap-s4"

    base_url: str = Field(description="Address of the system: https://HOST, without a path.", min_length=1)
    user: str = Field(default="", description="Communication user.")
    password: SecretStr = Field(default=SecretStr(""), description="Password of the user.")
    api_key: SecretStr = Field(default=SecretStr(""), description="API key, instead of a user, for SAP's own sandbox.")
    token_url: str = Field(default="", description="Address that gives tokens (OAuth 2.0 client credentials).")
    client_id: str = Field(default="", description="OAuth client id, instead of a user.")
    client_secret: SecretStr = Field(default=SecretStr(""), description="OAuth client secret.")
    scope: str = Field(default="", description="OAuth scope, where the token's address wants one.")
    client_certificate: SecretStr = Field(
        default=SecretStr(""),
        description="Certificate and private key as PEM, instead of a user (X.509), or beside any other sign-in.",
    )
    client_certificate_password: SecretStr = Field(
        default=SecretStr(""), description="Password of the certificate's private key, if it has one."
    )
    sap_client: str = Field(
        default="", pattern="^([0-9]{3})?$", description="Three-digit client (sap-client); empty: the system's default."
    )
    orders_version: Literal["v2", "v4"] = Field(
        default="v2", description="Version of OData by which orders are read; v4 needs a recent release."
    )
    mapping: str = Field(
        default="", description="What is different from the default mapping: YAML, or the path of a file with it."
    )
    paging: Literal["key", "link"] = Field(
        default="key",
        description="How pages follow each other: by key loses nothing; by link, for services that cannot filter by key.",
    )
    # The vendor's services give up to some thousands at once; a page of 1,000 orders with items is about 5 MB.
    page_size: int = Field(default=1000, ge=1, le=5000, description="Records asked for at a time.")
    full_every_hours: float = Field(
        default=24, ge=0, description="Hours after which everything is read instead of changes; 0: always everything."
    )
    # Ten minutes cover what commits late, after the moment that it is stamped with.
    overlap_minutes: float = Field(default=10, ge=0, le=1440, description="How far each run looks back again.")
    timeout_s: float = Field(default=60, gt=0, le=600, description="Seconds that one request may take in all.")
    retry_attempts: int = Field(default=5, ge=1, le=20, description="Tries of one request while the failure may pass.")
    # No general limit of the vendor is published; these keep a mistake of ours from becoming its problem.
    requests_per_second: int = Field(default=10, ge=0, description="Requests a second, 0 for no limit.")
    requests_per_minute: int = Field(default=300, ge=0, description="Requests a minute, 0 for no limit.")
    max_in_flight: int = Field(default=4, ge=0, description="Requests under way at a time, 0 for no limit.")
    allow_http: bool = Field(
        default=False, description="Whether plain http is let out of this machine; warned of each run."
    )
    test_mode: bool = Field(default=False, description="Whether this is a test system, so that lists can say so.")

    @model_validator(mode="after")
    def _one_sign_in(self) -> Self:
        ways = [bool(self.user), bool(self.api_key.get_secret_value()), bool(self.client_id)]
        if sum(ways) > 1 or not (sum(ways) or self.client_certificate.get_secret_value()):
            raise ValueError(
                "Give one of: user and password, api_key, client_id with client_secret and token_url, or client_certificate."
            )
        if self.client_id and not self.token_url:
            raise ValueError("A client_id needs the token_url that gives tokens for it.")
        return self

    def client(self, limiter: Limiter | None = None) -> ODataErp:
        """Return a client of this system; close it, or use it in ``with``. ``limiter`` is taken for every request."""
        from connectors import tls
        from connectors.erp import sap_s4
        from connectors.erp.odata import Settings

        certificate = self.client_certificate.get_secret_value()
        password = self.client_certificate_password.get_secret_value()
        return sap_s4.client(
            base_url=self.base_url,
            auth=self._auth(),
            sap_client=self.sap_client,
            settings=Settings(
                paging=self.paging,
                page_size=self.page_size,
                full_every_hours=self.full_every_hours,
                overlap_minutes=self.overlap_minutes,
            ),
            limiter=limiter,
            timeout_s=self.timeout_s,
            retry_attempts=self.retry_attempts,
            allow_http=self.allow_http,
            context=tls.with_certificate(certificate, password) if certificate else None,
        )

    def _auth(self) -> httpx.Auth | None:
        from connectors.odata.auth import ApiKey, Basic, ClientCredentials

        if self.user:
            return Basic(self.user, self.password.get_secret_value())
        if self.client_id:
            return ClientCredentials(
                token_url=self.token_url,
                client_id=self.client_id,
                client_secret=self.client_secret.get_secret_value(),
                scope=self.scope,
                allow_http=self.allow_http,
                timeout_s=self.timeout_s,
            )
        return ApiKey(self.api_key.get_secret_value()) if self.api_key.get_secret_value() else None

    def erp_mapping(self) -> ErpMapping:
        """Return what this system's fields mean; raises `connectors.errors.MappingInvalid` for mistakes."""
        from connectors.erp.mapping import load

        return load("sap-s4", self.mapping, "" if self.orders_version == "v2" else self.orders_version)

    def limits(self) -> Limits:
        """Return the pace that all runs on this system share."""
        from connectors.http import Limits

        return Limits(
            key=f"erp-sap-s4/{urlsplit(self.base_url).netloc}",
            in_flight=self.max_in_flight,
            per_second=self.requests_per_second,
            per_minute=self.requests_per_minute,
        )

    def test_connection(self, data_types: Sequence[str] | None = None) -> dict[str, Any]:
        """Read one record of each data type (None: all that are mapped) and compare the mapping with the metadata.

        `identity`, clock difference, times; else raises its error.
        """
        mapping = self.erp_mapping()
        with self.client() as client:
            names = mapping.data_types if data_types is None else data_types
            return {"identity": client.identity(), **client.test([mapping.binding(name) for name in names])}
