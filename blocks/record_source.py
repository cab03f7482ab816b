"""Where records of an ERP come from, when the ERP has no connector of its own: a query, a file, an endpoint, Odoo, code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr, field_validator, model_validator

if TYPE_CHECKING:
    from connectors.microshare.points import Source

Kind = Literal["sql", "csv", "rest", "odoo", "python"]


class RecordSource(Block):
    """Rows of an ERP, such as inspection points or service records, and what their columns mean.

    Example:
        ```python
        from blocks.record_source import RecordSource

        source = RecordSource.load("BLOCK_NAME")
        print(source.test_connection())
        ```
    """

    _block_type_name = "Record source"
    _block_type_slug = "record-source"
    _documentation_url = HttpUrl("https://docs.sqlalchemy.org/en/21/core/engines.html#database-urls")
    _description = "Rows of an ERP: from a SQL query, a CSV file, a REST endpoint, Odoo or a Python function."

    #: What ops.connection says about such a connection.
    connection_type: ClassVar[str] = "erp"
    provider: ClassVar[str] = "record-source"

    kind: Kind = Field(description="Where the rows come from: sql, csv, rest, odoo or python.")
    address: str = Field(
        description="sql: address of the database as SQLAlchemy writes it, without the password; csv: path of the file; "
        "rest: address of the endpoint; odoo: address of the server; python: package.module:function.",
        min_length=1,
    )
    query: str = Field(
        default="",
        description="sql: the query; rest: where the list is in the answer, such as data.items; odoo: the domain as JSON, "
        'such as [["categ_id", "=", 4]].',
    )
    user: str = Field(default="", description="odoo: the login.")
    database: str = Field(default="", description="odoo: the database.")
    password: SecretStr = Field(
        default=SecretStr(""), description="sql: password; rest: token; odoo: password or API key."
    )
    mapping: dict[str, Any] = Field(
        default_factory=dict,
        description="JSON object: field (id, reference, customer, site, area, placement, configuration, kind, device_id, "
        "state, active, cluster, location; for service records point_id, result, note, performed_at) to the column that "
        'has it, or {"column": …, "pattern": …} for a part of it, or {"value": …}. Columns of the same name need none.',
    )
    write_back: str = Field(
        default="",
        description="How real device ids get back; empty: not at all. sql: a statement with :id, :reference, :device_id "
        "and :state; csv and odoo: yes; python: package.module:function.",
    )
    next_path: str = Field(default="", description="rest: where an answer names the address of the next part.")
    token_header: str = Field(default="", description="rest: header for the token; empty: Authorization, as a bearer.")
    model: str = Field(default="product.product", description="odoo: the model.")
    fields: str = Field(
        default="id,name,default_code,barcode,description,active", description="odoo: the fields to read, with commas."
    )
    timeout_s: float = Field(default=60, gt=0, le=600, description="Seconds that one query or request may take in all.")
    retry_attempts: int = Field(default=4, ge=1, le=20, description="Tries of one request while the failure may pass.")
    allow_http: bool = Field(
        default=False, description="Whether plain http is let out of this machine; warned of each run."
    )
    test_mode: bool = Field(default=False, description="Whether this is a test source, so that lists can say so.")

    @property
    def writable(self) -> bool:
        """Whether device ids get back to the source."""
        return self.write_back.strip().lower() not in ("", "no", "false")

    @field_validator("mapping", mode="before")
    @classmethod
    def _as_json(cls, value: Any) -> Any:
        return _json(value, {})

    @model_validator(mode="after")
    def _complete(self) -> Self:
        lacking = {"sql": ("query",), "odoo": ("user", "database", "password")}.get(self.kind, ())
        values = {"query": self.query, "user": self.user, "database": self.database,
                  "password": self.password.get_secret_value()}  # fmt: skip
        if missing := [name for name in lacking if not values[name]]:
            raise ValueError(f"A source of the kind {self.kind} also needs {', '.join(missing)}")
        if self.kind in ("sql", "rest", "odoo") and urlsplit(self.address).password:
            raise ValueError("The address holds a password; give it apart: --secret password=ENVVAR")
        if self.kind == "odoo" and not isinstance(_json(self.query, []), list):
            raise ValueError('The domain must be a list in JSON, such as [["categ_id", "=", 4]]')
        return self

    def client(self) -> Source:
        """Return the source; close it when done."""
        return _MAKERS[self.kind](self)

    def test_connection(self) -> dict[str, Any]:
        """Read the first rows: `identity`, how many came, what the first one means; else raises its error."""
        from connectors.microshare.points import point_of

        source = self.client()
        try:
            rows = next(source.rows(), [])
        finally:
            source.close()
        first = point_of(rows[0], source.mapping) if rows else None
        return {
            "identity": f"{self.kind} {urlsplit(self.address).hostname or self.address}",
            "rows": f"{len(rows)} in the first part",
            "columns": ", ".join(map(str, rows[0])) if rows else "none",
            "first id": first.id if first else "none",
            "first reference": first.reference if first else "none",
            "write back": "yes" if source.writable else "no",
        }


def _json(value: Any, empty: Any) -> Any:
    """A value given as JSON text, as the command line does; ValueError where it is none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else empty
    except ValueError as error:
        raise ValueError(f"no JSON: {error}") from None


def _sql(block: RecordSource) -> Source:
    from connectors.microshare.points_sql import SqlSource

    secret = block.password.get_secret_value()
    return SqlSource(block.address, block.query, secret, block.write_back, block.mapping, block.timeout_s)


def _csv(block: RecordSource) -> Source:
    from connectors.microshare.points_csv import CsvSource

    return CsvSource(block.address, block.mapping, block.writable)


def _rest(block: RecordSource) -> Source:
    from connectors.microshare.points_rest import RestSource

    return RestSource(
        block.address, block.query, block.next_path, block.password.get_secret_value(), block.token_header,
        block.mapping, block.timeout_s, block.retry_attempts, block.allow_http,
    )  # fmt: skip


def _odoo(block: RecordSource) -> Source:
    from connectors.microshare.points_odoo import MAPPING, OdooSource

    return OdooSource(
        block.address, block.database, block.user, block.password.get_secret_value(), block.model,
        _json(block.query, []), [name.strip() for name in block.fields.split(",") if name.strip()],
        {**MAPPING, **block.mapping}, block.timeout_s, block.retry_attempts, block.allow_http, block.writable,
    )  # fmt: skip


def _python(block: RecordSource) -> Source:
    from connectors.microshare.points_python import PythonSource

    return PythonSource(block.address, block.write_back, block.mapping)


_MAKERS: dict[str, Callable[[RecordSource], Source]] = {
    "sql": _sql, "csv": _csv, "rest": _rest, "odoo": _odoo, "python": _python,
}  # fmt: skip
