"""The package dbt_quickbooks finds what it reads, and builds on it unchanged.

The build itself needs dbt, which is no part of the project: DBT is the executable, DBT_PACKAGES a
folder with the packages dbt_quickbooks, fivetran_utils and dbt_utils (docs/quickbooks.md says which versions).
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from sandbox import quickbooks
from sandbox.qbo_ledger import AGENCY
from tests.flows.conftest import UNLIMITED
from tests.flows.dbt_columns import COLUMNS

Row = dict[str, Any]
DBT, PACKAGES = os.environ.get("DBT", ""), os.environ.get("DBT_PACKAGES", "")
INVOICES = int(os.environ.get("DBT_INVOICES", "120"))
TAXED = ("invoice_tax_line", "sales_receipt_tax_line", "refund_receipt_tax_line", "tax_agency", "tax_rate")


@pytest.fixture
def shop() -> Iterator[quickbooks.QuickBooks]:
    """A company with every kind of record, its books in balance."""
    sizes = {"customers": 40, "vendors": 30, "items": 120, "invoices": INVOICES}
    with quickbooks.running(**sizes, limits=UNLIMITED) as company:  # type: ignore[arg-type]
        yield company


def test_what_dbt_quickbooks_reads_is_there(
    shop: quickbooks.QuickBooks,
    database: str,
    landed: "psycopg.Connection[Row]",
    connect: Callable[..., None],
    refresh: Callable[..., Any],
) -> None:
    """Every table and column of the package is in the connection's schema, linked, typed, marked; reruns are quiet."""
    connect(shop, entities="", dbt_views=True)
    state = refresh()
    assert state.name == "Completed", state.message
    there: dict[str, set[str]] = {}
    for row in landed.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'quickbooks_main'"
    ):
        there.setdefault(row["table_name"], set()).add(row["column_name"])
    lacking = {name: columns.difference(there.get(name, ())) for name, columns in COLUMNS.items()}
    assert {name: columns for name, columns in lacking.items() if columns} == {}
    assert len(COLUMNS) == 47
    _check_values(landed, shop)
    payment = shop.store.ids("Payment")[0]
    shop.store.delete("Payment", payment)
    shop.store.vanish("Deposit", shop.store.ids("Deposit")[:1])
    shop.store.void("Purchase", shop.store.ids("Purchase")[0])
    landed.execute(
        "INSERT INTO quickbooks.term (connection, id, _row_hash, _run_id, _inserted_at, _changed_at)"
        " SELECT 'other', 'x', _row_hash, _run_id, now(), now() FROM quickbooks.term LIMIT 1"
    )
    again = refresh(full=True)
    assert again.message.endswith(", 3 rows changed"), again.message  # all was read, and nothing else has changed
    payments = {row["id"]: row["_fivetran_deleted"] for row in landed.execute("SELECT * FROM quickbooks_main.payment")}
    assert [id_ for id_, deleted in payments.items() if deleted] == [payment]
    assert (
        landed.execute("SELECT * FROM quickbooks_main.payment_line WHERE payment_id = %s", (payment,)).fetchall() == []
    )
    assert landed.execute("SELECT * FROM quickbooks_main.term WHERE id = 'x'").fetchall() == []
    voided = landed.execute("SELECT id FROM quickbooks_main.purchase WHERE is_voided").fetchall()
    assert shop.store.ids("Purchase")[0] in {row["id"] for row in voided}


def _check_values(landed: "psycopg.Connection[Row]", shop: quickbooks.QuickBooks) -> None:
    """What the views make of the tables, beside the company's own records."""

    def one(query: str) -> Any:
        return landed.execute(query.replace("here", "quickbooks_main")).fetchall()

    invoices = [shop.store.get("Invoice", id_) for id_ in shop.store.ids("Invoice")]
    bundles = [line for each in invoices for line in each["Line"] if line["DetailType"] == "GroupLineDetail"]
    assert bundles
    assert one(
        "SELECT count(*), sum(item_quantity) > 0 AS some FROM here.bundle_item JOIN here.bundle ON id = bundle_id"
    )[0]["some"]
    lines = "SELECT sum(amount) AS sum, count(*) FILTER (WHERE index >= 1000000) AS members FROM here.invoice_line"
    amounts = sum(Decimal(line.get("Amount", 0)) for each in invoices for line in each["Line"])
    assert one(lines) == [{"sum": amounts, "members": 3 * len(bundles)}]
    assert one("SELECT count(*) FROM here.invoice_line_bundle") == [{"count": 0}]
    assert one("SELECT count(*) FROM here.invoice_line WHERE index >= 1000000 AND sales_item_item_id IS NULL") == [
        {"count": 0}
    ]
    paid = "SELECT p.id FROM here.payment p LEFT JOIN here.payment_line l ON p.id = l.payment_id WHERE l.invoice_id IS NULL"
    assert one(paid) == []
    assert one("SELECT count(*) > 0 AS some FROM here.deposit_line WHERE deposit_customer_id IS NOT NULL") == [
        {"some": True}
    ]
    assert one("SELECT count(*) > 0 AS some FROM here.purchase WHERE vendor_id IS NOT NULL") == [{"some": True}]
    assert one("SELECT count(*) > 0 AS some FROM here.bill_linked_txn WHERE bill_payment_id IS NOT NULL") == [
        {"some": True}
    ]
    assert one("SELECT count(*) - count(DISTINCT id) AS twice FROM here.address") == [{"twice": 0}]
    named = {each["Id"]: each["CustomField"][0].get("StringValue") for each in invoices}
    assert {
        row["id"]: row["custom_p_o_number"] for row in one("SELECT id, custom_p_o_number FROM here.invoice")
    } == named
    noted = {each["Id"] for each in invoices if each.get("PrivateNote") == "Voided"}
    assert {row["id"] for row in one("SELECT id FROM here.invoice WHERE is_voided")} == noted
    assert one("SELECT count(*) FROM quickbooks.bundle") == one("SELECT count(*) FROM here.bundle")


def test_dbt_quickbooks_builds(
    shop: quickbooks.QuickBooks,
    database: str,
    landed: "psycopg.Connection[Row]",
    connect: Callable[..., None],
    refresh: Callable[..., Any],
    tmp_path: Path,
) -> None:
    """The package builds unchanged and passes its own tests, as a login that only reads the tables; its books balance."""
    if not DBT or not PACKAGES:
        pytest.skip("no dbt: DBT names none, or DBT_PACKAGES no folder with the packages")
    connect(shop, entities="", dbt_views=True)
    assert refresh().name == "Completed"
    name = urlsplit(database).path.lstrip("/")
    login = f"dbt_{name}"
    landed.execute(f"CREATE ROLE {login} LOGIN PASSWORD 'only-for-tests' IN ROLE landfall_analyst")
    landed.execute(f"GRANT CREATE ON DATABASE {name} TO {login}")
    build(database, login, tmp_path / "as it is")
    build(database, login, tmp_path / "with taxes", **{f"using_{name}": True for name in TAXED})
    # Credit memos' tax and deposits' cash are what the package leaves out, and an account in euros is in euros.
    known = {"Accounts Receivable (A/R)", "Accounts Receivable (A/R) - EUR", "Checking", f"{AGENCY} Payable"}
    assert {name for name, *_ in ledger_and_accounts_differ(database, login)} <= known


def build(database: str, login: str, folder: Path, **variables: bool) -> None:
    """Run `dbt build` of the package on the connection's schema, and look whether its balance sheet balances."""
    folder.mkdir()
    address = urlsplit(database)
    (folder / "dbt_project.yml").write_text(PROJECT.format(variables=variables or "{}"))
    (folder / "profiles.yml").write_text(
        PROFILE.format(
            host=address.hostname, port=address.port or 5432, user=login, database=address.path.lstrip("/"),
        )
    )  # fmt: skip
    (folder / "dbt_packages").symlink_to(Path(PACKAGES).resolve())
    run = subprocess.run([DBT, "build"], cwd=folder, capture_output=True, text=True, timeout=900)
    assert run.returncode == 0, run.stdout[-4000:]
    print(run.stdout[-200:])
    with psycopg.connect(database, user=login, password="only-for-tests") as session:
        rows = session.execute(
            "SELECT period_first_day, sum(CASE account_class WHEN 'Asset' THEN amount ELSE -amount END),"
            " sum(CASE account_class WHEN 'Asset' THEN converted_amount ELSE -converted_amount END),"
            " sum(abs(amount)) FROM books_quickbooks.quickbooks__balance_sheet GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert len(rows) > 12
    assert rows[-1][3] > 0
    assert [row for row in rows if abs(row[1]) > Decimal("0.01")] == []
    assert [row for row in rows if abs(row[2]) > Decimal("0.01")] == []


def ledger_and_accounts_differ(database: str, login: str) -> list[Any]:
    """Accounts that hold something else by the package's ledger than QuickBooks says, in the home currency."""
    with psycopg.connect(database, user=login, password="only-for-tests") as session:
        return session.execute(
            "SELECT name, balance, by_ledger FROM (SELECT a.name, a.balance, sum(CASE account_class WHEN 'Asset'"
            " THEN adjusted_converted_amount ELSE -adjusted_converted_amount END) AS by_ledger"
            " FROM quickbooks_main.account a JOIN books_quickbooks.quickbooks__general_ledger g ON g.account_id = a.id"
            " WHERE a.classification IN ('Asset', 'Liability', 'Equity') GROUP BY 1, 2) b"
            " WHERE abs(balance - by_ledger) > 0.05"
        ).fetchall()


PROJECT = """
name: books
version: "1.0"
profile: books
vars:
  quickbooks_schema: quickbooks_main
  quickbooks: {variables}
"""
PROFILE = """
books:
  target: there
  outputs:
    there: {{type: postgres, host: "{host}", port: {port}, user: "{user}", password: only-for-tests, dbname: "{database}",
      schema: books, threads: 2}}
"""
