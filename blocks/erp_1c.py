"""The login and settings of one 1C:Enterprise information base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urlsplit

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.erp.mapping import ErpMapping
    from connectors.erp.odata import ODataErp
    from connectors.http import Limiter, Limits


class OneC(Block):
    """One 1C:Enterprise base, read over its standard OData interface: where it is, who may read it, what it means.

    What is to be read has to be in the composition of that interface, which is set in 1C.

    Example:
        ```python
        from blocks.erp_1c import OneC

        base = OneC.load("BLOCK_NAME")
        print(base.test_connection())
        ```
    """

    _block_type_name = "1C:Enterprise"
    _block_type_slug = "erp-1c"
    _documentation_url = HttpUrl("https://its.1c.ru/db/v8std")
    _description = "Login and settings of one 1C:Enterprise information base."

    #: What ops.connection says about such a connection.
    connection_type: ClassVar[str] = "erp"
    provider: ClassVar[str] = "1c"

    base_url: str = Field(description="Address of the published base: https://HOST/BASE.", min_length=1)
    service: str = Field(default="odata/standard.odata", description="Path of the OData interface below it.")
    user: str = Field(description="User of the base.", min_length=1)
    password: SecretStr = Field(default=SecretStr(""), description="Password of the user.")
    mapping: str = Field(
        default="", description="What is different from the default mapping: YAML, or the path of a file with it."
    )
    allowed_only: bool = Field(
        default=False,
        description="Whether rows that the user may not see are left out; else a set that holds one is refused.",
    )
    paging: Literal["key", "skip"] = Field(
        default="key",
        description="How pages follow each other: by key loses nothing; skip, for bases that cannot compare keys.",
    )
    # 1C builds a page in memory; a thousand documents with lines take it some seconds.
    page_size: int = Field(default=1000, ge=2, le=10000, description="Records asked for at a time.")
    # Pages are far smaller; the balance of a register comes in one answer, some 200 bytes a row.
    max_answer_mb: int = Field(default=64, ge=1, le=1024, description="Megabytes that one answer may have, unpacked.")
    timeout_s: float = Field(default=120, gt=0, le=600, description="Seconds that one request may take in all.")
    retry_attempts: int = Field(default=5, ge=1, le=20, description="Tries of one request while the failure may pass.")
    # Each request is a session that takes a licence meanwhile, so few at a time.
    requests_per_second: int = Field(default=5, ge=0, description="Requests a second, 0 for no limit.")
    requests_per_minute: int = Field(default=120, ge=0, description="Requests a minute, 0 for no limit.")
    max_in_flight: int = Field(default=2, ge=0, description="Requests under way at a time, 0 for no limit.")
    allow_http: bool = Field(
        default=False, description="Whether plain http is let out of this machine; warned of each run."
    )
    test_mode: bool = Field(default=False, description="Whether this is a test base, so that lists can say so.")

    def client(self, limiter: Limiter | None = None) -> ODataErp:
        """Return a client of this base; close it, or use it in ``with``. ``limiter`` is taken for every request."""
        from connectors.erp import onec
        from connectors.erp.odata import Settings
        from connectors.odata.auth import Basic

        return onec.client(
            base_url=self.base_url,
            auth=Basic(self.user, self.password.get_secret_value()),
            settings=Settings(
                service=self.service, version="v3", guid_keys=True, paging=self.paging, page_size=self.page_size
            ),
            allowed_only=self.allowed_only,
            limiter=limiter,
            timeout_s=self.timeout_s,
            retry_attempts=self.retry_attempts,
            max_body_bytes=self.max_answer_mb * 1024 * 1024,
            allow_http=self.allow_http,
        )

    def erp_mapping(self) -> ErpMapping:
        """Return what this base's fields mean; raises `connectors.errors.MappingInvalid` for mistakes."""
        from connectors.erp.mapping import load

        return load("1c", self.mapping)

    def limits(self) -> Limits:
        """Return the pace that all runs on this base share."""
        from connectors.http import Limits

        return Limits(
            key=f"erp-1c/{urlsplit(self.base_url).netloc}{urlsplit(self.base_url).path.rstrip('/')}",
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
