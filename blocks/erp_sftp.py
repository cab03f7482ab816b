"""The login and settings of one SFTP account into which an ERP drops files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from blocks.warehouse import database_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.erp.mapping import ErpMapping
    from connectors.erp.sftp import SftpErp
    from connectors.http import Limiter, Limits


class Sftp(Block):
    """One SFTP account with an inbox of files: where it is, who may read it, and what the files mean.

    Example:
        ```python
        from blocks.erp_sftp import Sftp

        drop = Sftp.load("BLOCK_NAME")
        print(drop.test_connection())
        ```
    """

    _block_type_name = "SFTP files"
    _block_type_slug = "erp-sftp"
    _documentation_url = HttpUrl("https://man.openbsd.org/sftp-server")
    _description = "Login and settings of one SFTP account into which an ERP drops files."

    #: What ops.connection says about such a connection.
    connection_type: ClassVar[str] = "erp"
    provider: ClassVar[str] = "sftp"

    host: str = Field(description="Name or address of the server.", min_length=1)
    port: int = Field(default=22, ge=1, le=65535, description="Port of the server.")
    user: str = Field(description="Account on the server.", min_length=1)
    host_key: str = Field(
        default="",
        description="By what the server is known: SHA256:… as ssh-keygen -lf shows it, or its public key; several with "
        "commas. Without it nothing connects.",
    )
    password: SecretStr = Field(default=SecretStr(""), description="Password of the account.")
    private_key: SecretStr = Field(
        default=SecretStr(""), description="Private key (OpenSSH or PEM text), instead of a password."
    )
    passphrase: SecretStr = Field(default=SecretStr(""), description="Passphrase of the private key, if it has one.")
    inbox: str = Field(default="inbox", min_length=1, description="Folder in which files arrive.")
    processing: str = Field(default="processing", min_length=1, description="Folder of files that a run has under way.")
    archive: str = Field(
        default="archive", min_length=1, description="Folder of files that have landed, by year and month."
    )
    error: str = Field(default="error", min_length=1, description="Folder of files that can never land, and why.")
    mapping: str = Field(
        default="", description="What is different from the default mapping: YAML, or the path of a file with it."
    )
    # A slow sender pauses for seconds; a marker file (see the mapping) is surer than any time.
    stable_s: float = Field(
        default=10, ge=0, le=600, description="Seconds between the two looks that must find a file the same."
    )
    max_file_mb: int = Field(default=512, ge=1, description="Megabytes that a file may have.")
    max_unpacked_mb: int = Field(default=2048, ge=1, description="Megabytes that a gz or zip may unpack to.")
    timeout_s: float = Field(default=60, gt=0, le=600, description="Seconds that one answer may take.")
    test_mode: bool = Field(default=False, description="Whether this is a test account, so that lists can say so.")

    def client(self, limiter: Limiter | None = None) -> SftpErp:
        """Return a client of this account, to be used in ``with``. SFTP servers publish no limits to keep.

        Raises ValueError when the block is not saved yet: which files have landed is kept under its name.
        """
        from connectors.erp import sftp
        from connectors.erp.sftp_inbox import Folders
        from connectors.sftp import Login
        from warehouse.erp_files import FileLedger

        if self._block_document_name is None:
            raise ValueError("Save this SFTP block first: which files have landed is kept under its name.")
        return sftp.SftpErp(
            Login(
                host=self.host,
                port=self.port,
                user=self.user,
                host_key=self.host_key,
                password=self.password.get_secret_value(),
                private_key=self.private_key.get_secret_value(),
                passphrase=self.passphrase.get_secret_value(),
                timeout_s=self.timeout_s,
            ),
            sftp.Settings(
                Folders(*(each.rstrip("/") for each in (self.inbox, self.processing, self.archive, self.error))),
                stable_s=self.stable_s,
                max_file_mb=self.max_file_mb,
                max_unpacked_mb=self.max_unpacked_mb,
            ),
            FileLedger(database_url(), self._block_document_name),
        )

    def erp_mapping(self) -> ErpMapping:
        """Return what this account's files mean; raises `connectors.errors.MappingInvalid` for mistakes."""
        from connectors.erp.mapping import load

        return load("sftp", self.mapping)

    def limits(self) -> Limits:
        """Return the pace that all runs on this account share: none is known."""
        from connectors.http import Limits

        return Limits(key=f"erp-sftp/{self.host}:{self.port}")

    def test_connection(self, data_types: Sequence[str] | None = None) -> dict[str, Any]:
        """Sign in, look into the folders and compare the newest file of each data type (None: all) with the mapping.

        `identity`, fingerprint, times; else raises its error.
        """
        mapping = self.erp_mapping()
        with self.client() as client:
            names = mapping.data_types if data_types is None else data_types
            return {"identity": client.identity(), **client.test([mapping.binding(name) for name in names])}
