"""The made-up company keeps its books: transactions, open balances and accounts agree to the cent."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from sandbox import quickbooks
from sandbox.qbo_ledger import CHART, Ledger

UNLIMITED = quickbooks.Limits(0, 0, 0)
KINDS = [
    "Account",
    "Bill",
    "BillPayment",
    "Budget",
    "Class",
    "CompanyInfo",
    "CreditMemo",
    "Customer",
    "CustomerType",
    "Department",
    "Deposit",
    "Employee",
    "Estimate",
    "Invoice",
    "Item",
    "JournalEntry",
    "Payment",
    "PaymentMethod",
    "Purchase",
    "PurchaseOrder",
    "RefundReceipt",
    "SalesReceipt",
    "TaxAgency",
    "TaxCode",
    "TaxRate",
    "Term",
    "TimeActivity",
    "Transfer",
    "Vendor",
    "VendorCredit",
]
Record = dict[str, Any]


@pytest.fixture(scope="module")
def company() -> Iterator[quickbooks.QuickBooks]:
    """A company with all kinds of records."""
    with quickbooks.running(customers=60, vendors=40, items=120, invoices=300, limits=UNLIMITED) as running:
        yield running


def records(company: quickbooks.QuickBooks, entity: str) -> list[Record]:
    """All records of an entity."""
    return [company.store.get(entity, id_) for id_ in company.store.ids(entity)]


def total(rows: list[Record], field: str, currency: str = "USD") -> Decimal:
    """The sum of a field over the records of a currency."""
    return sum((Decimal(row[field]) for row in rows if row["CurrencyRef"]["value"] == currency), Decimal(0))


def test_every_kind_is_there(company: quickbooks.QuickBooks) -> None:
    """Whoever lands the company meets each kind of record that QuickBooks has."""
    assert [kind for kind in KINDS if not company.store.ids(kind)] == []


def test_accounts_hold_what_is_open(company: quickbooks.QuickBooks) -> None:
    """What customers owe and what vendors are owed is what the accounts say, and what the lists of names say."""
    held = {row["Id"]: Decimal(row["CurrentBalance"]) for row in records(company, "Account")}
    owed = total(records(company, "Invoice"), "Balance") - total(records(company, "CreditMemo"), "Balance")
    assert held["84"] == owed
    assert held["85"] == total(records(company, "Invoice"), "Balance", "EUR")
    assert held["84"] == total(records(company, "Customer"), "Balance")
    due = total(records(company, "Bill"), "Balance") - total(records(company, "VendorCredit"), "Balance")
    assert held["33"] == -due
    assert due == total(records(company, "Vendor"), "Balance")


def test_links_lead_somewhere(company: quickbooks.QuickBooks) -> None:
    """Each transaction that another names is there, and names it too or pays it."""
    linked = 0
    for kind in ("Invoice", "Estimate", "Bill", "BillPayment", "Payment", "Deposit"):
        for row in records(company, kind):
            links = [*row.get("LinkedTxn", []), *(link for line in row["Line"] for link in line.get("LinkedTxn", []))]
            for link in links:
                entity = "BillPayment" if link["TxnType"].startswith("BillPayment") else link["TxnType"]
                assert company.store.row(entity, link["TxnId"]) is not None, (kind, row["Id"], link)
                linked += 1
    assert linked > 500


def test_lines_come_to_the_total(company: quickbooks.QuickBooks) -> None:
    """The lines of whatever moves money add up to its total, with the tax."""
    for kind in ("Bill", "Purchase", "VendorCredit", "PurchaseOrder", "Payment", "BillPayment", "SalesReceipt"):
        for row in records(company, kind):
            lines = [line for line in row["Line"] if line.get("DetailType") != "SubTotalLineDetail"]
            tax = Decimal(row.get("TxnTaxDetail", {}).get("TotalTax", 0))
            assert sum(Decimal(line["Amount"]) for line in lines) + tax == Decimal(row["TotalAmt"]), (kind, row["Id"])


def test_a_posting_that_does_not_balance_is_a_fault() -> None:
    """The simulator cannot get its books out of balance, and what rounding leaves over is not lost."""
    ledger = Ledger()
    with pytest.raises(AssertionError):
        ledger.post(("35", 100), ("79", -99))
    ledger.post(("85", 333), ("79", -111), ("90", -222), rate=10_825)
    assert sum(ledger.home.values()) == 0
    assert set(ledger.home) == set(CHART)


def test_the_same_seed_makes_the_same_books() -> None:
    """Two companies of a seed are the same to the byte, in every kind of record."""
    sizes = {"customers": 12, "vendors": 8, "items": 60, "invoices": 60, "limits": UNLIMITED}
    with quickbooks.running(**sizes) as one, quickbooks.running(**sizes) as two:  # type: ignore[arg-type]
        for kind in KINDS:
            texts = [[q.store.row(kind, id_).text for id_ in q.store.ids(kind)] for q in (one, two)]  # type: ignore[union-attr]
            assert texts[0] == texts[1], kind
