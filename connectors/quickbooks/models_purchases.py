"""What is bought: bills, vendor credits, purchases and purchase orders, with their lines."""

from typing import Annotated

from connectors.quickbooks.models_common import (
    CURRENCY,
    HOME,
    OF_PARENT,
    UNITS,
    Day,
    Document,
    Flag,
    Line,
    LinkedTxn,
    Number,
    TaxLine,
    Text,
)
from connectors.quickbooks.models_sales import VOIDED
from connectors.stream import column


class PayableForm(Document, kw_only=True):
    """What every document from a vendor has."""

    vendor_id: Annotated[Text, column("Vendor it is from", source="VendorRef.value")] = None
    vendor_name: Annotated[Text, column("That vendor's name when sent", source="VendorRef.name")] = None
    payable_account_id: Annotated[Text, column("Payables account", source="APAccountRef.value")] = None
    payable_account_name: Annotated[Text, column("Name of that account when sent", source="APAccountRef.name")] = None
    vendor_address_id: Annotated[Text, column("Id of the vendor's address", source="VendorAddr.Id")] = None


class Bill(PayableForm, kw_only=True):
    """A bill from a vendor, to be paid later."""

    due_date: Annotated[Day, column("Day when payment is due", source="DueDate")] = None
    sales_term_id: Annotated[Text, column("Terms of payment", source="SalesTermRef.value")] = None
    sales_term_name: Annotated[Text, column("Name of those terms when sent", source="SalesTermRef.name")] = None
    balance: Annotated[Number, column("Still to be paid", source="Balance", unit=CURRENCY)] = None
    home_balance: Annotated[Number, column("Still to be paid, converted", source="HomeBalance", unit=HOME)] = None


class VendorCredit(PayableForm, kw_only=True):
    """What a vendor gives back, as a credit on later bills."""

    balance: Annotated[Number, column("Not used yet", source="Balance", unit=CURRENCY)] = None


class PurchaseOrder(PayableForm, kw_only=True):
    """An order to a vendor; it changes no account."""

    due_date: Annotated[Day, column("Day when it should come", source="DueDate")] = None
    sales_term_id: Annotated[Text, column("Terms of payment", source="SalesTermRef.value")] = None
    sales_term_name: Annotated[Text, column("Name of those terms when sent", source="SalesTermRef.name")] = None
    class_id: Annotated[Text, column("Class the costs are counted to", source="ClassRef.value")] = None
    shipping_address_id: Annotated[Text, column("Id of the address to ship to", source="ShipAddr.Id")] = None
    email: Annotated[Text, column("Where it is sent", source="POEmail.Address")] = None
    email_status: Annotated[Text, column("NotSet, NeedToSend or EmailSent", source="EmailStatus")] = None
    memo: Annotated[Text, column("Message that the vendor sees", source="Memo")] = None
    ship_method: Annotated[Text, column("How it is sent", source="ShipMethodRef.name")] = None
    status: Annotated[Text, column("Open or Closed", source="POStatus")] = None


class Purchase(Document, kw_only=True):
    """Something bought and paid at once: by check, cash or card."""

    account_id: Annotated[Text, column("Account that it was paid from", source="AccountRef.value")] = None
    payment_type: Annotated[Text, column("Cash, Check or CreditCard", source="PaymentType")] = None
    payment_method_id: Annotated[Text, column("Method of payment", source="PaymentMethodRef.value")] = None
    payment_method_name: Annotated[Text, column("Name of that method when sent", source="PaymentMethodRef.name")] = None
    entity_id: Annotated[Text, column("Whom it was bought from", source="EntityRef.value")] = None
    entity_type: Annotated[Text, column("Vendor, Customer or Employee", source="EntityRef.type")] = None
    entity_name: Annotated[Text, column("Their name when sent", source="EntityRef.name")] = None
    credit: Annotated[Flag, column("True if it is money back on a card", source="Credit")] = None
    print_status: Annotated[Text, column("NotSet, NeedToPrint or PrintComplete", source="PrintStatus")] = None
    remit_to_address_id: Annotated[Text, column("Id of the address to pay to", source="RemitToAddr.Id")] = None
    is_voided: Annotated[Flag, VOIDED] = None


_ACCOUNT, _ITEM = "AccountBasedExpenseLineDetail", "ItemBasedExpenseLineDetail"


class ExpenseLine(Line, kw_only=True):
    """What every line of something bought has: for an account, or for an item; detail_type says which."""

    account_expense_account_id: Annotated[Text, column("Account", source=f"{_ACCOUNT}.AccountRef.value")] = None
    account_expense_class_id: Annotated[
        Text, column("Class the costs are counted to", source=f"{_ACCOUNT}.ClassRef.value")
    ] = None
    account_expense_customer_id: Annotated[
        Text, column("Customer it was bought for", source=f"{_ACCOUNT}.CustomerRef.value")
    ] = None
    account_expense_billable_status: Annotated[
        Text, column("Billable, NotBillable or HasBeenBilled", source=f"{_ACCOUNT}.BillableStatus")
    ] = None
    account_expense_tax_code_id: Annotated[Text, column("Tax code", source=f"{_ACCOUNT}.TaxCodeRef.value")] = None
    account_expense_tax_amount: Annotated[
        Number, column("Tax of the line", source=f"{_ACCOUNT}.TaxAmount", unit=OF_PARENT)
    ] = None
    item_expense_item_id: Annotated[Text, column("Item bought", source=f"{_ITEM}.ItemRef.value")] = None
    item_expense_item_name: Annotated[Text, column("Name of that item when sent", source=f"{_ITEM}.ItemRef.name")] = (
        None
    )
    item_expense_quantity: Annotated[Number, column("Bought", source=f"{_ITEM}.Qty", unit=UNITS)] = None
    item_expense_unit_price: Annotated[
        Number, column("Price of one unit", source=f"{_ITEM}.UnitPrice", unit=OF_PARENT)
    ] = None
    item_expense_class_id: Annotated[
        Text, column("Class the costs are counted to", source=f"{_ITEM}.ClassRef.value")
    ] = None
    item_expense_customer_id: Annotated[
        Text, column("Customer it was bought for", source=f"{_ITEM}.CustomerRef.value")
    ] = None
    item_expense_billable_status: Annotated[
        Text, column("Billable, NotBillable or HasBeenBilled", source=f"{_ITEM}.BillableStatus")
    ] = None
    item_expense_tax_code_id: Annotated[Text, column("Tax code", source=f"{_ITEM}.TaxCodeRef.value")] = None


class BillLine(ExpenseLine, kw_only=True):
    """A line of a bill."""

    bill_id: Annotated[str, column("Bill the line is on", source="^Id")]


class BillTaxLine(TaxLine, kw_only=True):
    """Tax of one rate on a bill."""

    bill_id: Annotated[str, column("Bill that is taxed", source="^Id")]


class BillLinkedTxn(LinkedTxn, kw_only=True):
    """A transaction tied to a bill."""

    bill_id: Annotated[str, column("Bill it is tied to", source="^Id")]


class VendorCreditLine(ExpenseLine, kw_only=True):
    """A line of a vendor credit."""

    vendor_credit_id: Annotated[str, column("Vendor credit the line is on", source="^Id")]


class VendorCreditTaxLine(TaxLine, kw_only=True):
    """Tax of one rate on a vendor credit."""

    vendor_credit_id: Annotated[str, column("Vendor credit that is taxed", source="^Id")]


class VendorCreditLinkedTxn(LinkedTxn, kw_only=True):
    """A transaction tied to a vendor credit."""

    vendor_credit_id: Annotated[str, column("Vendor credit it is tied to", source="^Id")]


class PurchaseLine(ExpenseLine, kw_only=True):
    """A line of a purchase."""

    purchase_id: Annotated[str, column("Purchase the line is on", source="^Id")]


class PurchaseTaxLine(TaxLine, kw_only=True):
    """Tax of one rate on a purchase."""

    purchase_id: Annotated[str, column("Purchase that is taxed", source="^Id")]


class PurchaseLinkedTxn(LinkedTxn, kw_only=True):
    """A transaction tied to a purchase."""

    purchase_id: Annotated[str, column("Purchase it is tied to", source="^Id")]


class PurchaseOrderLine(ExpenseLine, kw_only=True):
    """A line of a purchase order."""

    purchase_order_id: Annotated[str, column("Purchase order the line is on", source="^Id")]


class PurchaseOrderTaxLine(TaxLine, kw_only=True):
    """Tax of one rate on a purchase order."""

    purchase_order_id: Annotated[str, column("Purchase order that is taxed", source="^Id")]


class PurchaseOrderLinkedTxn(LinkedTxn, kw_only=True):
    """A transaction tied to a purchase order."""

    purchase_order_id: Annotated[str, column("Purchase order it is tied to", source="^Id")]
