"""The token and settings of one Cetec ERP instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

if TYPE_CHECKING:
    from connectors.cetec.client import CetecClient
    from connectors.http import Limiter, Limits


class Cetec(Block):
    """One Cetec ERP instance: where it is, who may read it, and where its customers' backups are.

    Example:
        ```python
        from blocks.cetec import Cetec

        cetec = Cetec.load("BLOCK_NAME")
        with cetec.client() as client:
            print(client.test())
        ```
    """

    _block_type_name = "Cetec ERP"
    _block_type_slug = "cetec"
    _documentation_url = HttpUrl("https://cetecerp.com/support/")
    _description = "Token and settings of one Cetec ERP instance."

    #: What ops.connection says about such a connection.
    connection_type: ClassVar[str] = "erp"
    provider: ClassVar[str] = "cetec"

    base_url: str = Field(description="Address of the instance: https://YOURDOMAIN.cetecerp.com.", min_length=1)
    preshared_token: SecretStr = Field(description="The instance's setting `JSON API Token`.")
    mysql: str = Field(
        default="", description="Name of the mysql connection that holds the customers' backups; empty: none is asked."
    )
    mysql_required: bool = Field(
        default=False,
        description="Whether a run fails when MySQL cannot be asked; else it lands with the states of earlier runs.",
    )
    excluded_ids: str = Field(
        default="", description="Ids of internal accounts that are no customers, with commas; they do not land."
    )
    # The vendor's own program gives up after 10 s; a list of some hundred customers takes a few.
    timeout_s: float = Field(default=60, gt=0, le=600, description="Seconds that one request may take in all.")
    retry_attempts: int = Field(default=5, ge=1, le=20, description="Tries of one request while the failure may pass.")
    # No limit of the vendor is known; these keep a mistake of ours from becoming its problem.
    requests_per_second: int = Field(default=5, ge=0, description="Requests a second, 0 for no limit.")
    requests_per_minute: int = Field(default=60, ge=0, description="Requests a minute, 0 for no limit.")
    max_in_flight: int = Field(default=2, ge=0, description="Requests under way at a time, 0 for no limit.")
    allow_http: bool = Field(
        default=False, description="Whether plain http is let out of this machine; warned of each run."
    )
    test_mode: bool = Field(default=False, description="Whether this is a test instance, so that lists can say so.")

    def client(self, limiter: Limiter | None = None) -> CetecClient:
        """Return a client of this instance and of its MySQL server; close it, or use it in ``with``.

        ``limiter`` is taken for every request. Raises `blocks.systems.UnknownConnection` when there is no mysql
        connection of the name given.
        """
        from blocks import systems
        from connectors.cetec.client import CetecClient

        return CetecClient(
            base_url=self.base_url,
            preshared_token=self.preshared_token.get_secret_value(),
            databases=systems.load("mysql", self.mysql).client() if self.mysql else None,
            required=self.mysql_required,
            excluded_ids=[part.strip() for part in self.excluded_ids.split(",") if part.strip()],
            limiter=limiter,
            timeout_s=self.timeout_s,
            retry_attempts=self.retry_attempts,
            allow_http=self.allow_http,
        )

    def uses(self) -> list[tuple[str, str]]:
        """Return the other connections that this one needs, by system and name."""
        return [("mysql", self.mysql)] if self.mysql else []

    def limits(self) -> Limits:
        """Return the pace that all runs on this instance share."""
        from connectors.http import Limits

        return Limits(
            key=f"cetec/{urlsplit(self.base_url).netloc}",
            in_flight=self.max_in_flight,
            per_second=self.requests_per_second,
            per_minute=self.requests_per_minute,
        )

    def test_connection(self) -> dict[str, Any]:
        """Read the customers' ids: `identity`, how many there are, where databases are looked up; else its error."""
        with self.client() as client:
            looked_up = f"mysql/{self.mysql}" if self.mysql else "nowhere: no mysql connection is named"
            return {"identity": client.identity(), **client.test(), "databases": looked_up}
