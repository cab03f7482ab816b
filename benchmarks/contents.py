"""Whether what a tool has landed is right: rows counted, and their content summed up to one number a table.

The made-up company says how many rows there are, and what a load of ours holds is compared with the peers row by row,
by the sum of a hash of key, a text and an amount. Ours marks what is gone at the source; the peers keep it.
"""

# ruff: noqa: S608 -- the queries are those of this file

from collections.abc import Collection, Mapping

import psycopg

Contents = dict[str, tuple[int, int]]
"""For each table: the rows, and the sum of their hashes."""

OURS: Mapping[str, str] = {
    "customer": "SELECT id, display_name, balance FROM quickbooks.customer",
    "invoice": "SELECT id, customer_name, total_amount FROM quickbooks.invoice",
    "invoice_line": "SELECT invoice_id || '/' || index, description, amount FROM quickbooks.invoice_line",
    "invoice_linked_txn": (
        "SELECT invoice_id || '/' || index, linked_txn_type, linked_txn_id FROM quickbooks.invoice_linked_txn"
    ),
    "address": (
        "SELECT owner_id || '/' || owner_type || '/' || role, line_1 || city, latitude FROM quickbooks.address"
    ),
}
DLT_DICT: Mapping[str, str] = {
    "customer": "SELECT id, display_name, balance FROM quickbooks.customer",
    "invoice": "SELECT id, customer_ref__name, total_amt FROM quickbooks.invoice",
    "invoice_line": (
        "SELECT i.id || '/' || l._dlt_list_idx, l.description, l.amount"
        " FROM quickbooks.invoice__line l JOIN quickbooks.invoice i ON i._dlt_id = l._dlt_parent_id"
    ),
    "invoice_linked_txn": (
        "SELECT i.id || '/' || l._dlt_list_idx, l.txn_type, l.txn_id"
        " FROM quickbooks.invoice__linked_txn l JOIN quickbooks.invoice i ON i._dlt_id = l._dlt_parent_id"
    ),
    # What it makes of single objects are columns of their parent.
    "address": " UNION ALL ".join(
        f"SELECT id || '/{owner}/{role}', {column}__line1 || {column}__city, {column}__lat"
        f" FROM quickbooks.{owner} WHERE {column}__id IS NOT NULL"
        for owner in ("customer", "invoice")
        for role, column in (("BillAddr", "bill_addr"), ("ShipAddr", "ship_addr"))
    ),
}
PANDAS: Mapping[str, str] = {
    "customer": 'SELECT "Id", "DisplayName", "Balance" FROM quickbooks.customer',
    "invoice": 'SELECT "Id", "CustomerRef_name", "TotalAmt" FROM quickbooks.invoice',
    "invoice_line": """SELECT "InvoiceId" || '/' || "Index", "Description", "Amount" FROM quickbooks.invoice_line""",
}


def contents(url: str, queries: Mapping[str, str], first: float = 1e9) -> Contents:
    """What a database holds of the records with an id up to ``first``."""
    found = {}
    with psycopg.connect(url) as session:
        for table, query in queries.items():
            row = session.execute(
                f"""WITH landed (id, words, amount) AS ({query})
                    SELECT count(*), coalesce(sum(hashtextextended(
                        concat_ws('|', id, words, trim_scale(amount::numeric)), 0)::numeric), 0)
                    FROM landed WHERE split_part(id, '/', 1)::bigint <= {first}""".encode()
            ).fetchone()
            assert row is not None
            found[table] = (int(row[0]), int(row[1]))
    return found


# Types that hold the same values without loss.
_SAME = {"bigint": "numeric", "integer": "numeric", "timestamp without time zone": "timestamp with time zone",
         "character varying": "text"}  # fmt: skip


def types(url: str, tables: Collection[str]) -> dict[str, str]:
    """The type of each column (``table.column``), as the one that stands for all of its kind."""
    with psycopg.connect(url) as session:
        rows = session.execute(
            "SELECT table_name || '.' || column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'quickbooks' AND table_name = ANY (%s)",
            (list(tables),),
        ).fetchall()
    return {str(column): _SAME.get(str(kind), str(kind)) for column, kind in rows}


def live_rows(url: str) -> dict[str, int]:
    """The rows of ours that are not marked as gone."""
    with psycopg.connect(url) as session:
        return {
            table: int(str(next(session.execute(f"SELECT count(*) FROM quickbooks.{table}_current".encode()))[0]))
            for table in ("customer", "invoice")
        }
