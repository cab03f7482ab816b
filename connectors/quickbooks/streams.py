"""What can be read from QuickBooks; how, is in reading.py and walk.py.

Which fields a kind of record has, which can be deleted and which change data capture tells of is the vendor's
documentation, and recorded answers where the two differ.
"""

from collections.abc import Collection
from typing import Any

import msgspec

from connectors.quickbooks.models import banking, common, lists, names, purchases, sales, sales_lines
from connectors.quickbooks.reading import CompanyReading, Reading
from connectors.stream import Child, Gate, Stream

# Without this the vendor hides what is inactive.
INACTIVE_TOO = "Active IN (true,false)"
# Documented kinds; another one lands as it is and is reported.
ITEM_TYPES = ["Inventory", "Service", "NonInventory", "Category", "Group", "Bundle"]
CLASSES = ["Asset", "Equity", "Expense", "Liability", "Revenue"]

BILL_TO, SHIP_TO, SHIP_FROM = "BillAddr", "ShipAddr", "ShipFromAddr"


def _stream(name: str, record: type[msgspec.Struct], reading: Reading | CompanyReading, **more: Any) -> Stream:
    return Stream(
        name=name, schema="quickbooks", record=record, key=("id",), pages=reading.pages, version="updated_at", **more
    )


def _list(name: str, entity: str, record: type[msgspec.Struct], *children: Child, **more: Any) -> Stream:
    """A list of names, whose entries are made inactive and never deleted."""
    return _stream(name, record, Reading(name, entity, INACTIVE_TOO), children=children, **more)


def _transactions(name: str, entity: str, record: type[msgspec.Struct], *children: Child, **more: Any) -> Stream:
    """Transactions, which people delete."""
    return _stream(name, record, Reading(name, entity, deletable=True), children=children, **more)


def _addresses(owner: str, *roles: str) -> Child:
    return Child("address", common.Address, ("owner_type", "owner_id", "role"), roles=roles, owner=owner)


def _rows(table: str, record: type[msgspec.Struct], path: str, parent: str, *, within: str = "") -> Child:
    """The list at ``path``; ``within`` names the column that holds the position in the list around it."""
    return Child(table, record, (parent, within, "index") if within else (parent, "index"), path=path)


def _sales_children(
    name: str,
    line: type[msgspec.Struct],
    bundle: type[msgspec.Struct],
    tax: type[msgspec.Struct],
    link: type[msgspec.Struct],
    *roles: str,
) -> tuple[Child, ...]:
    """The tables below a document to a customer."""
    parent = f"{name}_id"
    on_line = "refund_id" if name == "refund_receipt" else parent  # the name that Fivetran gave it
    return (
        _rows(f"{name}_line", line, "Line", on_line),
        _rows(f"{name}_line_bundle", bundle, "Line.GroupLineDetail.Line", on_line, within=f"{name}_line_index"),
        _rows(f"{name}_tax_line", tax, "TxnTaxDetail.TaxLine", parent),
        _rows(f"{name}_linked_txn", link, "LinkedTxn", parent),
        _addresses(name, *roles),
    )


def _purchase_children(
    name: str, line: type[msgspec.Struct], tax: type[msgspec.Struct], link: type[msgspec.Struct], *roles: str
) -> tuple[Child, ...]:
    """The tables below something bought."""
    parent = f"{name}_id"
    return (
        _rows(f"{name}_line", line, "Line", parent),
        _rows(f"{name}_tax_line", tax, "TxnTaxDetail.TaxLine", parent),
        _rows(f"{name}_linked_txn", link, "LinkedTxn", parent),
        _addresses(name, *roles),
    )


def _paid_children(name: str, line: type[msgspec.Struct], link: type[msgspec.Struct]) -> tuple[Child, ...]:
    """The lines of a movement of money, and what each of them pays."""
    parent = f"{name}_id"
    return (
        _rows(f"{name}_line", line, "Line", parent),
        _rows(f"{name}_line_linked_txn", link, "Line.LinkedTxn", parent, within=f"{name}_line_index"),
    )


def _filled(column: str) -> Gate:
    """A few odd records are tolerated, a batch of them without this is a fault of the source."""
    return Gate("expect_column_values_to_not_be_null", {"column": column, "mostly": 0.9})


def _one_of(column: str, values: list[str]) -> Gate:
    return Gate("expect_column_values_to_be_in_set", {"column": column, "value_set": values}, blocks=False)


STREAMS: tuple[Stream, ...] = (
    _list("customer", "Customer", names.Customer, _addresses("customer", BILL_TO, SHIP_TO)),
    _list("vendor", "Vendor", names.Vendor, _addresses("vendor", BILL_TO)),
    _list(
        "item",
        "Item",
        lists.Item,
        _rows("bundle_item", lists.BundleItem, "ItemGroupDetail.ItemGroupLine", "bundle_id"),
        gates=(_filled("name"), _one_of("type", ITEM_TYPES)),
    ),
    _transactions(
        "invoice",
        "Invoice",
        sales.Invoice,
        *_sales_children(
            "invoice",
            sales_lines.InvoiceLine,
            sales_lines.InvoiceLineBundle,
            sales_lines.InvoiceTaxLine,
            sales_lines.InvoiceLinkedTxn,
            BILL_TO,
            SHIP_TO,
            SHIP_FROM,
        ),
        gates=(
            _filled("customer_id"),
            Gate("expect_column_values_to_be_between", {"column": "total_amount", "min_value": 0}, blocks=False),
        ),
    ),
    _list("account", "Account", lists.Account, gates=(_filled("name"), _one_of("classification", CLASSES))),
    _transactions(
        "bill",
        "Bill",
        purchases.Bill,
        *_purchase_children(
            "bill", purchases.BillLine, purchases.BillTaxLine, purchases.BillLinkedTxn, "VendorAddr", "RemitToAddr"
        ),
        gates=(_filled("vendor_id"),),
    ),
    _transactions(
        "bill_payment",
        "BillPayment",
        banking.BillPayment,
        *_paid_children("bill_payment", banking.BillPaymentLine, banking.BillPaymentLineLinkedTxn),
    ),
    _list("budget", "Budget", lists.Budget, _rows("budget_detail", lists.BudgetDetail, "BudgetDetail", "budget_id")),
    _list("class", "Class", lists.Class),
    _stream(
        "company_info",
        names.CompanyInfo,
        CompanyReading("company_info"),
        children=(_addresses("company_info", "CompanyAddr", "LegalAddr", "CustomerCommunicationAddr"),),
    ),
    _transactions(
        "credit_memo",
        "CreditMemo",
        sales.CreditMemo,
        *_sales_children(
            "credit_memo",
            sales_lines.CreditMemoLine,
            sales_lines.CreditMemoLineBundle,
            sales_lines.CreditMemoTaxLine,
            sales_lines.CreditMemoLinkedTxn,
            BILL_TO,
            SHIP_TO,
            SHIP_FROM,
        ),
    ),
    _list("customer_type", "CustomerType", names.CustomerType),
    _list("department", "Department", lists.Department),
    _transactions(
        "deposit",
        "Deposit",
        banking.Deposit,
        *_paid_children("deposit", banking.DepositLine, banking.DepositLineLinkedTxn),
    ),
    _list("employee", "Employee", names.Employee, _addresses("employee", "PrimaryAddr")),
    _transactions(
        "estimate",
        "Estimate",
        sales.Estimate,
        *_sales_children(
            "estimate",
            sales_lines.EstimateLine,
            sales_lines.EstimateLineBundle,
            sales_lines.EstimateTaxLine,
            sales_lines.EstimateLinkedTxn,
            BILL_TO,
            SHIP_TO,
            SHIP_FROM,
        ),
    ),
    _transactions(
        "journal_entry",
        "JournalEntry",
        banking.JournalEntry,
        _rows("journal_entry_line", banking.JournalEntryLine, "Line", "journal_entry_id"),
        _rows("journal_entry_tax_line", banking.JournalEntryTaxLine, "TxnTaxDetail.TaxLine", "journal_entry_id"),
    ),
    _transactions(
        "payment",
        "Payment",
        banking.Payment,
        *_paid_children("payment", banking.PaymentLine, banking.PaymentLineLinkedTxn),
    ),
    _list("payment_method", "PaymentMethod", lists.PaymentMethod),
    _transactions(
        "purchase",
        "Purchase",
        purchases.Purchase,
        *_purchase_children(
            "purchase", purchases.PurchaseLine, purchases.PurchaseTaxLine, purchases.PurchaseLinkedTxn, "RemitToAddr"
        ),
    ),
    _transactions(
        "purchase_order",
        "PurchaseOrder",
        purchases.PurchaseOrder,
        *_purchase_children(
            "purchase_order",
            purchases.PurchaseOrderLine,
            purchases.PurchaseOrderTaxLine,
            purchases.PurchaseOrderLinkedTxn,
            "VendorAddr",
            SHIP_TO,
        ),
    ),
    _transactions(
        "refund_receipt",
        "RefundReceipt",
        sales.RefundReceipt,
        *_sales_children(
            "refund_receipt",
            sales_lines.RefundReceiptLine,
            sales_lines.RefundReceiptLineBundle,
            sales_lines.RefundReceiptTaxLine,
            sales_lines.RefundReceiptLinkedTxn,
            BILL_TO,
            SHIP_TO,
            SHIP_FROM,
        ),
    ),
    _transactions(
        "sales_receipt",
        "SalesReceipt",
        sales.SalesReceipt,
        *_sales_children(
            "sales_receipt",
            sales_lines.SalesReceiptLine,
            sales_lines.SalesReceiptLineBundle,
            sales_lines.SalesReceiptTaxLine,
            sales_lines.SalesReceiptLinkedTxn,
            BILL_TO,
            SHIP_TO,
            SHIP_FROM,
        ),
    ),
    # The only list that has no Active.
    _stream("tax_agency", lists.TaxAgency, Reading("tax_agency", "TaxAgency")),
    _list(
        "tax_code",
        "TaxCode",
        lists.TaxCode,
        _rows("tax_code_sales_rate", lists.TaxCodeSalesRate, "SalesTaxRateList.TaxRateDetail", "tax_code_id"),
        _rows("tax_code_purchase_rate", lists.TaxCodePurchaseRate, "PurchaseTaxRateList.TaxRateDetail", "tax_code_id"),
    ),
    _list("tax_rate", "TaxRate", lists.TaxRate),
    _list("term", "Term", lists.Term),
    # Change data capture knows nothing of it: deletions are found when all is read.
    _stream("time_activity", banking.TimeActivity, Reading("time_activity", "TimeActivity")),
    _transactions("transfer", "Transfer", banking.Transfer),
    _transactions(
        "vendor_credit",
        "VendorCredit",
        purchases.VendorCredit,
        *_purchase_children(
            "vendor_credit",
            purchases.VendorCreditLine,
            purchases.VendorCreditTaxLine,
            purchases.VendorCreditLinkedTxn,
            "VendorAddr",
        ),
        gates=(_filled("vendor_id"),),
    ),
)
NAMES = frozenset(stream.name for stream in STREAMS)


def streams(entities: Collection[str] = ()) -> tuple[Stream, ...]:
    """The streams of these names; all where none is named."""
    return tuple(stream for stream in STREAMS if not entities or stream.name in entities)
