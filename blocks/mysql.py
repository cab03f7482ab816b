"""The address and login of one MySQL or MariaDB server."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar, Self

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr, model_validator

if TYPE_CHECKING:
    from connectors.mysql import Server

logger = logging.getLogger("landfall")


class MySQL(Block):
    """A MySQL or MariaDB server, asked which databases it holds. Over TCP, or through a socket file on this machine.

    Example:
        ```python
        from blocks.mysql import MySQL

        mysql = MySQL.load("BLOCK_NAME")
        print(mysql.test_connection())
        ```
    """

    _block_type_name = "MySQL"
    _block_type_slug = "mysql"
    _documentation_url = HttpUrl("https://mariadb.com/docs/server/security/user-account-management")
    _description = "Address and login of one MySQL or MariaDB server."

    #: What ops.connection says about such a connection.
    connection_type: ClassVar[str] = "database"
    provider: ClassVar[str] = "mysql"

    host: str = Field(default="", description="Host of the server, for TCP; leave it empty with a socket.")
    port: int = Field(default=3306, ge=1, le=65535, description="Port of the server, for TCP.")
    socket: str = Field(default="", description="Path of the server's socket file on this machine, instead of a host.")
    user: str = Field(description="Login; it needs no right but to see the databases.", min_length=1)
    password: SecretStr = Field(default=SecretStr(""), description="Password of the login.")
    tls: bool = Field(
        default=True, description="Whether TCP is encrypted and the certificate checked; without, each run warns."
    )
    ca_file: str = Field(
        default="", description="File with the authority of the server's certificate, if it is your own."
    )
    sentinel: str = Field(
        default="",
        description="A schema with the table usage_stats that the login must always see: when it is not visible, a "
        "right is missing, and no database is taken for gone.",
    )
    # Names alone of 2,000 databases take well under a second.
    timeout_s: float = Field(default=10, gt=0, le=45, description="Seconds that one query may take on the server.")
    retry_attempts: int = Field(default=3, ge=1, le=20, description="Tries to connect while the failure may pass.")
    test_mode: bool = Field(default=False, description="Whether this is a test server, so that lists can say so.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.host) == bool(self.socket):
            raise ValueError("Give either a host or a socket, and not both.")
        return self

    def client(self) -> Server:
        """Return the server; it connects when it is asked something."""
        from connectors.mysql import Server

        if self.host and not self.tls:
            logger.warning(
                "MySQL at %s is asked without encryption: whoever shares the network can read it.", self.host
            )
        return Server(
            host=self.host,
            port=self.port,
            socket=self.socket,
            user=self.user,
            password=self.password.get_secret_value(),
            tls=self.tls,
            ca_file=self.ca_file,
            sentinel=self.sentinel,
            query_timeout_s=self.timeout_s,
            retry_attempts=self.retry_attempts,
        )

    def test_connection(self) -> dict[str, Any]:
        """Sign in: `identity`, which way it connected, how long that took, what may be read; else raises its error."""
        return {"identity": self.host or "this machine", **self.client().test()}
