"""The flattening that who lands with Arrow or Singer writes: the same tables as ours, as rows of plain columns.

Every field of a record gets a column, since ours loses none either; what has no place of its own stays JSON. The columns have
the types of ours: exact numbers for money, dates, moments.
"""

# mypy: ignore-errors

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]

NUMBERS = {"balance", "balance_with_jobs", "total_amount", "total_tax", "amount", "unit_price", "quantity",
           "discount_percent"}  # fmt: skip
WHOLE = {"index", "line_num"}
FLAGS = {"active", "job", "bill_with_parent", "sparse", "taxable", "apply_tax_after_discount", "allow_ipnpayment",
         "allow_online_payment", "allow_online_achpayment", "allow_online_credit_card_payment", "percent_based"}  # fmt: skip
JSON = {"custom_fields"}


def kind(name: str) -> str:
    """What a column holds: ``number``, ``whole``, ``flag``, ``date``, ``moment``, ``json`` or ``text``."""
    kinds = {"number": NUMBERS, "whole": WHOLE, "flag": FLAGS, "json": JSON}
    endings = {"_date": "date", "_at": "moment"}
    known = next((kind for kind, names in kinds.items() if name in names), None)
    return known or next((kind for ending, kind in endings.items() if name.endswith(ending)), "text")


ROLES = ("BillAddr", "ShipAddr")


def addresses(owner: str, records: Iterable[Row]) -> list[Row]:
    """The rows of all addresses on records, keyed by their owner, since one address stands on several."""
    return [
        {
            "owner_type": owner, "owner_id": record["Id"], "role": role, "id": address["Id"],
            "line_1": address["Line1"], "city": address["City"],
            "country_sub_division_code": address["CountrySubDivisionCode"], "postal_code": address["PostalCode"],
            "latitude": address["Lat"], "longitude": address["Long"],
        }
        for record in records for role in ROLES if (address := record.get(role))
    ]  # fmt: skip


def linked(records: Iterable[Row]) -> list[Row]:
    """The rows of the transactions that invoices are tied to."""
    return [
        {"invoice_id": record["Id"], "index": index, "linked_txn_id": txn["TxnId"], "linked_txn_type": txn["TxnType"]}
        for record in records
        for index, txn in enumerate(record["LinkedTxn"])
    ]


def customer(record: Row) -> Row:
    """The row of a customer."""
    meta = record["MetaData"]
    return {
        "id": record["Id"], "sync_token": record["SyncToken"], "active": record["Active"],
        "display_name": record["DisplayName"], "fully_qualified_name": record["FullyQualifiedName"],
        "company_name": record["CompanyName"], "given_name": record["GivenName"],
        "family_name": record["FamilyName"], "print_on_check_name": record["PrintOnCheckName"],
        "email": record["PrimaryEmailAddr"]["Address"], "phone_number": record["PrimaryPhone"]["FreeFormNumber"],
        "notes": record.get("Notes"), "job": record["Job"], "bill_with_parent": record["BillWithParent"],
        "balance": record["Balance"], "balance_with_jobs": record["BalanceWithJobs"],
        "currency_id": record["CurrencyRef"]["value"], "currency_name": record["CurrencyRef"]["name"],
        "domain": record["domain"], "sparse": record["sparse"],
        "preferred_delivery_method": record["PreferredDeliveryMethod"], "taxable": record["Taxable"],
        "default_tax_code_id": record["DefaultTaxCodeRef"]["value"],
        "created_at": meta["CreateTime"], "updated_at": meta["LastUpdatedTime"],
    }  # fmt: skip


def invoice(record: Row) -> Row:
    """The row of an invoice."""
    meta = record["MetaData"]
    return {
        "id": record["Id"], "sync_token": record["SyncToken"], "doc_number": record["DocNumber"],
        "transaction_date": record["TxnDate"], "due_date": record["DueDate"],
        "customer_id": record["CustomerRef"]["value"], "customer_name": record["CustomerRef"]["name"],
        "customer_memo": record["CustomerMemo"]["value"], "billing_email": record["BillEmail"]["Address"],
        "sales_term_id": record["SalesTermRef"]["value"], "sales_term_name": record["SalesTermRef"]["name"],
        "domain": record["domain"], "sparse": record["sparse"], "currency_name": record["CurrencyRef"]["name"],
        "total_amount": record["TotalAmt"],
        "balance": record["Balance"], "currency_id": record["CurrencyRef"]["value"],
        "total_tax": record["TxnTaxDetail"]["TotalTax"],
        "apply_tax_after_discount": record["ApplyTaxAfterDiscount"],
        "allow_ipnpayment": record["AllowIPNPayment"], "allow_online_payment": record["AllowOnlinePayment"],
        "allow_online_achpayment": record["AllowOnlineACHPayment"],
        "allow_online_credit_card_payment": record["AllowOnlineCreditCardPayment"],
        "email_status": record["EmailStatus"], "print_status": record["PrintStatus"],
        "custom_fields": record["CustomField"],
        "created_at": meta["CreateTime"], "updated_at": meta["LastUpdatedTime"],
    }  # fmt: skip


def lines(records: Iterable[Row]) -> list[Row]:
    """The rows of all lines of invoices; ``index`` is the place on the invoice, from 0."""
    rows = []
    for record in records:
        id_ = record["Id"]
        for index, line in enumerate(record["Line"]):
            sale, discount = line.get("SalesItemLineDetail") or {}, line.get("DiscountLineDetail") or {}
            rows.append({
                "invoice_id": id_, "index": index, "line_id": line.get("Id"), "line_num": line.get("LineNum"),
                "detail_type": line["DetailType"], "amount": line["Amount"], "description": line.get("Description"),
                "item_id": sale.get("ItemRef", {}).get("value"), "item_name": sale.get("ItemRef", {}).get("name"),
                "unit_price": sale.get("UnitPrice"), "quantity": sale.get("Qty"),
                "account_id": sale.get("ItemAccountRef", {}).get("value"),
                "account_name": sale.get("ItemAccountRef", {}).get("name"),
                "tax_code_id": sale.get("TaxCodeRef", {}).get("value"),
                "percent_based": discount.get("PercentBased"), "discount_percent": discount.get("DiscountPercent"),
                "discount_account_id": discount.get("DiscountAccountRef", {}).get("value"),
                "discount_account_name": discount.get("DiscountAccountRef", {}).get("name"),
            })  # fmt: skip
    return rows
