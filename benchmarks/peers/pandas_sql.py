"""pandas: json_normalize, to_sql(method="multi") into a staging table, INSERT … ON CONFLICT. Arguments as of dlt_dict.

This is how it is most often written; a COPY by hand would be faster, and would no longer be to_sql.
"""

# mypy: ignore-errors

# ruff: noqa: S608 -- the names are those of this file and of the source

import sys
from typing import Any

import pandas as pd
import sqlalchemy as sa
from pages import count, pages

CHUNK = 1000
KEYS = {"customer": ["Id"], "invoice": ["Id"], "invoice_line": ["InvoiceId", "Index"]}
# A value may be missing in a whole page, so the first page does not tell all columns.
COLUMNS: dict[str, list[str]] = {}


def upsert(connection: sa.Connection, name: str, frame: pd.DataFrame) -> None:
    """Put a page into its table through a staging table of the same columns."""
    # PostgreSQL takes 65,535 parameters a statement.
    rows = min(CHUNK, 60_000 // len(frame.columns))
    stage = f"stage_{name}"
    frame.to_sql(stage, connection, schema="quickbooks", if_exists="replace", index=False, method="multi",
                 chunksize=rows)  # fmt: skip
    known = COLUMNS.setdefault(name, [])
    if not known:
        connection.execute(sa.text(f'CREATE TABLE IF NOT EXISTS quickbooks."{name}" (LIKE quickbooks."{stage}")'))
        unique = ", ".join(f'"{key}"' for key in KEYS[name])
        connection.execute(sa.text(
            f'CREATE UNIQUE INDEX IF NOT EXISTS "{name}_key" ON quickbooks."{name}" ({unique})'
        ))  # fmt: skip
    for column in frame.columns:
        if column not in known:
            kind = (
                "text"
                if frame[column].dtype.kind not in "bif"
                else {"b": "boolean", "i": "bigint", "f": "double precision"}[frame[column].dtype.kind]
            )
            connection.execute(sa.text(f'ALTER TABLE quickbooks."{name}" ADD COLUMN IF NOT EXISTS "{column}" {kind}'))
            known.append(column)
    names = ", ".join(f'"{column}"' for column in frame.columns)
    sets = ", ".join(f'"{column}" = excluded."{column}"' for column in frame.columns if column not in KEYS[name])
    unique = ", ".join(f'"{key}"' for key in KEYS[name])
    connection.execute(sa.text(
        f'INSERT INTO quickbooks."{name}" ({names}) SELECT {names} FROM quickbooks."{stage}"'
        f" ON CONFLICT ({unique}) DO UPDATE SET {sets}"
    ))  # fmt: skip


def frames(entity: str, page: list[dict[str, Any]]) -> list[tuple[str, pd.DataFrame]]:
    """The tables of a page."""
    if entity == "Customer":
        return [("customer", pd.json_normalize(page, sep="_"))]
    lines = [
        {"InvoiceId": record["Id"], "Index": index, **line}
        for record in page
        for index, line in enumerate(record["Line"])
    ]
    heads = pd.json_normalize(page, sep="_").drop(columns=["Line", "LinkedTxn", "CustomField"])
    return [("invoice", heads), ("invoice_line", pd.json_normalize(lines, sep="_"))]


def main(base_url: str, url: str, share: str = "1") -> None:
    """Load a share of customers, invoices and lines, a transaction a page."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS quickbooks"))
    for entity in ("Customer", "Invoice"):
        for page in pages(base_url, entity, round(count(base_url, entity) * float(share))):
            with engine.begin() as connection:
                for name, frame in frames(entity, page):
                    upsert(connection, name, frame)


if __name__ == "__main__":
    main(*sys.argv[1:])
