"""What tests of files over SFTP share: a drop folder of a test's own, and where it lands."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from connectors.erp.mapping import ErpMapping, load
from connectors.erp.sftp import Settings, SftpErp
from connectors.erp.sftp_inbox import Folders
from connectors.erp.streams import stream
from tests.sshd import Sshd
from warehouse.erp_files import FileLedger
from warehouse.landing import Options, land
from warehouse.run_log import Run

PRODUCTS = "sku,name,status,uom,list_price,currency\n"
# As the default, but each file says only what is new.
DELTA = "products: {read: {content: delta}}\n"


class Drop:
    """An account's folders on this machine, and the warehouse that their files land in."""

    def __init__(self, root: Path, sshd: Sshd, url: str) -> None:
        self.root, self.sshd, self.url = root, sshd, url
        self.inbox, self.processing = root / "inbox", root / "processing"
        self.inbox.mkdir(parents=True)
        self.mapping = load("sftp")
        self.stable_s = 0.05
        self.limits: dict[str, int] = {}

    def map(self, text: str) -> None:
        """Take another mapping, over the default one."""
        self.mapping = load("sftp", text)

    def put(self, name: str, content: str | bytes, *, age: int = 0) -> Path:
        """A file in the inbox, ``age`` seconds old."""
        path = self.inbox / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        moment = 1_780_000_000 - age
        os.utime(path, (moment, moment))
        return path

    def client(self, **login: object) -> SftpErp:
        """A client of the folders."""
        folders = Folders(*(str(self.root / name) for name in ("inbox", "processing", "archive", "error")))
        settings = Settings(folders, stable_s=self.stable_s, **self.limits)
        return SftpErp(self.sshd.login(**login), settings, FileLedger(self.url, "main"))

    def run(self, data_type: str = "products", **options: Any) -> Mapping[str, int]:
        """Land a data type as a run does; returns the counts."""
        with self.client() as client:
            return self.land(client, data_type, **options)

    def land(self, client: SftpErp, data_type: str = "products", **options: Any) -> Mapping[str, int]:
        """Land a data type with a client that is open; nothing is put away yet."""
        one = stream(self.mapping.binding(data_type))
        run = Run(uuid.uuid4(), "erp", "main")
        landed = land(self.url, run, one, lambda cursor: one.pages(client, cursor), Options(**options))
        return landed.counts.numbers()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            return conn.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]  # written in tests

    def prices(self) -> dict[str, str]:
        """What the products that are there cost."""
        return {sku: str(price) for sku, price in self.rows("SELECT source_key, list_price FROM erp.product_current")}

    def tree(self, folder: str) -> list[str]:
        """All files in a folder, without the checksum in their names."""
        return sorted(path.name[17:] for path in (self.root / folder).rglob("*") if path.is_file())


def products(*rows: str) -> str:
    """A file of products: each is ``SKU PRICE``."""
    cells = (row.split() for row in rows)
    return PRODUCTS + "".join(f"{sku},Thing {sku},active,PC,{price},EUR\n" for sku, price in cells)


__all__ = ["DELTA", "Drop", "ErpMapping", "products"]
