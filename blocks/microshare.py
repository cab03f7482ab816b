"""The account and settings of one tenant at Microshare."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr, field_validator

from blocks.warehouse import database_url

if TYPE_CHECKING:
    from connectors.http import Limiter, Limits
    from connectors.microshare.auth import Account
    from connectors.microshare.client import MicroshareClient
    from connectors.microshare.device import Rules
    from connectors.microshare.policy import Policy
    from warehouse.tokens import TokenStore


class Microshare(Block):
    """One tenant at Microshare: where it is, who signs in, where the ERP's inspection points come from.

    The token that a sign-in gives lives encrypted in the warehouse (ops.oauth_token), so that all runs share it. Nothing
    is written to Microshare but by a plan that somebody has approved.

    Example:
        ```python
        from blocks.microshare import Microshare

        microshare = Microshare.load("BLOCK_NAME")
        with microshare.client() as client:
            print(client.test())
        ```
    """

    _block_type_name = "Microshare"
    _block_type_slug = "microshare"
    _documentation_url = HttpUrl("https://docs.microshare.io/docs/2/technical/api/quick-start/")
    _description = "Account and settings of one tenant at Microshare."

    #: What ops.connection says about such a connection.
    connection_type: ClassVar[str] = "iot"
    provider: ClassVar[str] = "microshare"

    username: str = Field(description="Login of the account; one of its own is best, with rights on devices alone.")
    password: SecretStr = Field(description="Password of the account.")
    base_url: str = Field(
        default="https://api.microshare.io",
        description="Address of the API; development: https://dapi.microshare.io, pest tenants: "
        "https://pest.microshare.io/api (api.microshare.io silently shows them a part).",
    )
    login_url: str = Field(
        default="https://app.microshare.io",
        description="Address where web pages sign in; development: https://dapp.microshare.io, pest tenants: "
        "https://pest.microshare.io.",
    )
    oauth_url: str = Field(
        default="https://auth.microshare.io",
        description="Address of OAuth 2.0, used only with a client_id; development: https://dauth.microshare.io.",
    )
    client_id: SecretStr = Field(
        default=SecretStr(""), description="API key; with it the sign-in is OAuth 2.0 instead of that of web pages."
    )
    points: str = Field(default="", description="Name of the record-source connection with the inspection points.")
    service_records: str = Field(default="", description="Name of the record-source connection with service records.")
    incident_rec_type: str = Field(
        default="",
        description="Record type of incidents, such as io.microshare.event.alert.incident; empty: none land.",
    )
    event_rec_type: str = Field(
        default="",
        description="Record type of sensor events, such as io.microshare.event.alert.rodent; empty: none land.",
    )
    look_back_days: float = Field(
        default=30, gt=0, le=3650, description="Days that the first run looks back for incidents and events."
    )
    cluster_rules: list[dict[str, str]] = Field(
        default_factory=list,
        description="JSON list: which cluster a new device goes to; the first that fits, each with patterns for fields of "
        'the point: [{"site": "Manchester*", "kind": "trap", "cluster": "ID or name"}]. None fits: held for a person.',
    )
    default_placement: str = Field(default="Internal", description="Placement of a new device where none is said.")
    default_configuration: str = Field(
        default="Bait/Lured", description="Configuration of a new device where none is said."
    )
    guid_prefix: str = Field(
        default="erp-sync-",
        min_length=1,
        description="What the guid of a new device begins with; the point's id follows.",
    )
    stale_days: int = Field(
        default=30, ge=1, description="Days without a sign of life after which a device is called stale."
    )
    delete_devices: bool = Field(
        default=False, description="Whether plans may delete devices whose inspection points are gone."
    )
    max_deletions: int = Field(default=10, ge=0, description="Devices that one plan may delete; more are all held.")
    max_deletion_percent: float = Field(
        default=5, ge=0, le=100, description="Share of all devices that one plan may delete; more are all held."
    )
    undo_days: float = Field(default=7, ge=0, description="Days for which an applied plan can be taken back.")
    service_window_hours: float = Field(
        default=72, gt=0, description="Hours after an incident in which a service record answers it."
    )
    # A request that was sent when its answer was lost ends at the vendor's own timeouts at the latest.
    settle_s: float = Field(
        default=10, ge=0, le=600, description="Seconds that a write may still take effect after its answer was lost."
    )
    page_size: int = Field(default=2000, ge=1, le=2000, description="Clusters that are asked for in one answer.")
    # Discovery was seen to take 22 s when nothing is cached.
    timeout_s: float = Field(default=90, gt=0, le=600, description="Seconds that one request may take in all.")
    retry_attempts: int = Field(default=4, ge=1, le=20, description="Tries of one request while the failure may pass.")
    # The vendor documents no limit; one operator leaves 2 to 3 seconds between calls.
    requests_per_second: int = Field(default=1, ge=0, description="Requests a second, 0 for no limit.")
    requests_per_minute: int = Field(default=30, ge=0, description="Requests a minute, 0 for no limit.")
    max_in_flight: int = Field(default=2, ge=0, description="Requests under way at a time, 0 for no limit.")
    allow_http: bool = Field(
        default=False, description="Whether plain http is let out of this machine; warned of each run."
    )
    test_mode: bool = Field(default=False, description="Whether this is a test tenant, so that lists can say so.")

    @field_validator("cluster_rules", mode="before")
    @classmethod
    def _as_json(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value.strip() else []
        except ValueError as error:
            raise ValueError(f"no JSON: {error}") from None

    @field_validator("cluster_rules")
    @classmethod
    def _rules_name_a_cluster(cls, rules: list[dict[str, str]]) -> list[dict[str, str]]:
        from connectors.microshare.points import POINT_FIELDS

        for number, rule in enumerate(rules, 1):
            if not rule.get("cluster"):
                raise ValueError(f"rule {number} names no cluster")
            if unknown := sorted(set(rule) - set(POINT_FIELDS)):
                raise ValueError(f"rule {number}: a point has no {', '.join(unknown)}")
        return rules

    def client(self, limiter: Limiter | None = None) -> MicroshareClient:
        """Return a client of this tenant and of the ERP's sources; close it, or use it in ``with``.

        ``limiter`` is taken for every request. Raises ValueError when the block is not saved yet: its token would have no
        place to live. Raises `blocks.systems.UnknownConnection` when there is no record-source of the name given.
        """
        from blocks import systems
        from connectors.microshare.client import MicroshareClient, Records
        from warehouse.api_calls import CallLog

        return MicroshareClient(
            base_url=self.base_url,
            account=self._account(),
            tokens=self._tokens(),
            points=systems.load("record-source", self.points).client() if self.points else None,
            services=systems.load("record-source", self.service_records).client() if self.service_records else None,
            rules=self.rules(),
            policy=self.policy(),
            records=Records(self.incident_rec_type, self.event_rec_type, self.look_back_days),
            limiter=limiter,
            timeout_s=self.timeout_s,
            retry_attempts=self.retry_attempts,
            page_size=self.page_size,
            allow_http=self.allow_http,
            calls=CallLog(database_url(), self._stored_under()),
        )

    def rules(self) -> Rules:
        """Return how a device is made from a point."""
        from connectors.microshare.device import Rules

        return Rules(
            placement=self.default_placement,
            configuration=self.default_configuration,
            guid_prefix=self.guid_prefix,
            clusters=tuple(self.cluster_rules),
        )

    def policy(self) -> Policy:
        """Return what may be proposed and done without asking."""
        from connectors.microshare.policy import Policy

        return Policy(**{name: getattr(self, name) for name in Policy.__dataclass_fields__})

    def limits(self) -> Limits:
        """Return the pace that all runs on this tenant share."""
        from connectors.http import Limits

        return Limits(
            key=f"microshare/{urlsplit(self.base_url).netloc}/{self.username}",
            in_flight=self.max_in_flight,
            per_second=self.requests_per_second,
            per_minute=self.requests_per_minute,
        )

    def test_connection(self) -> dict[str, Any]:
        """Sign in and look for clusters: `identity`, how many, and a hint where some are out of sight; else its error.

        A token that is still good would hide a wrong password, and a refusal of before is no answer, so what is stored is
        given up first.
        """
        tokens = self._tokens()
        with tokens.exclusive():
            tokens.save({})
        with self.client() as client:
            sources = {"points": self.points, "service_records": self.service_records}
            named = {name: f"record-source/{source}" for name, source in sources.items() if source}
            return {"identity": client.identity(), **client.test(), **named}

    def _account(self) -> Account:
        from connectors.microshare.auth import Account

        return Account(
            self.username, self.password.get_secret_value(), self.login_url, self.oauth_url,
            self.client_id.get_secret_value(),
        )  # fmt: skip

    def _stored_under(self) -> str:
        if self._block_document_name is None:
            raise ValueError("Save this Microshare block first: its token is kept under its name.")
        return f"microshare/{self._block_document_name}"

    def _tokens(self) -> TokenStore:
        from warehouse.tokens import TokenStore

        stored_under, account = self._stored_under(), self._account()
        # Who signs in where is the seed: another password or address makes what is stored worthless.
        seed = {"username": account.username, "password": account.password, "client_id": account.client_id,
                "at": account.oauth_url if account.client_id else account.login_url}  # fmt: skip
        return TokenStore(database_url(), stored_under, seed)
