"""What is sold: invoices, estimates, credit memos, sales and refund receipts, with their lines."""

from typing import Annotated

from connectors.quickbooks.models_common import (
    CURRENCY,
    HOME,
    OF_PARENT,
    UNITS,
    Day,
    Document,
    Flag,
    Instant,
    Line,
    Number,
    Text,
    Whole,
)
from connectors.stream import column, derived

# A voided transaction stays, with amounts of 0, and QuickBooks writes this into its note (recorded answers; there is no
# field for it). People can edit the note.
VOIDED = derived("Whether it was voided: its total is 0 and its note says so", total_amount=0, private_note="Voided")


class SalesForm(Document, kw_only=True):
    """What every document to a customer has."""

    customer_id: Annotated[Text, column("Customer it is for", source="CustomerRef.value")] = None
    customer_name: Annotated[Text, column("That customer's name when sent", source="CustomerRef.name")] = None
    customer_memo: Annotated[Text, column("Message that the customer sees", source="CustomerMemo.value")] = None
    billing_address_id: Annotated[Text, column("Id of the billing address", source="BillAddr.Id")] = None
    shipping_address_id: Annotated[Text, column("Id of the shipping address", source="ShipAddr.Id")] = None
    class_id: Annotated[Text, column("Class the sale is counted to", source="ClassRef.value")] = None
    apply_tax_after_discount: Annotated[
        Flag, column("Whether the discount lowers the tax", source="ApplyTaxAfterDiscount")
    ] = None
    print_status: Annotated[Text, column("NotSet, NeedToPrint or PrintComplete", source="PrintStatus")] = None
    email_status: Annotated[Text, column("NotSet, NeedToSend or EmailSent", source="EmailStatus")] = None


class Shipped(SalesForm, kw_only=True):
    """What documents have that goods may be sent with."""

    ship_date: Annotated[Day, column("Day of shipping", source="ShipDate")] = None
    tracking_number: Annotated[Text, column("Shipper's tracking number", source="TrackingNum")] = None
    delivery_type: Annotated[Text, column("How the document was delivered", source="DeliveryInfo.DeliveryType")] = None
    delivery_time: Annotated[Instant, column("When it was delivered", source="DeliveryInfo.DeliveryTime")] = None


class Invoice(Shipped, kw_only=True):
    """A sales invoice. A voided one stays, with amounts of zero."""

    due_date: Annotated[Day, column("Day when payment is due", source="DueDate")] = None
    billing_email: Annotated[Text, column("Where it is sent", source="BillEmail.Address")] = None
    billing_cc_email: Annotated[Text, column("Where copies are sent", source="BillEmailCc.Address")] = None
    billing_bcc_email: Annotated[Text, column("Where hidden copies are sent", source="BillEmailBcc.Address")] = None
    sales_term_id: Annotated[Text, column("Terms of payment", source="SalesTermRef.value")] = None
    sales_term_name: Annotated[Text, column("Name of those terms when sent", source="SalesTermRef.name")] = None
    deposit_to_account_id: Annotated[
        Text, column("Account a payment made with it goes to", source="DepositToAccountRef.value")
    ] = None
    deposit_to_account_name: Annotated[
        Text, column("Name of that account when sent", source="DepositToAccountRef.name")
    ] = None
    deposit: Annotated[Number, column("Paid on the spot", source="Deposit", unit=CURRENCY)] = None
    balance: Annotated[Number, column("Still to be paid", source="Balance", unit=CURRENCY)] = None
    home_balance: Annotated[Number, column("Still to be paid, converted", source="HomeBalance", unit=HOME)] = None
    allow_ipnpayment: Annotated[Flag, column("Whether instant payment is offered", source="AllowIPNPayment")] = None
    allow_online_payment: Annotated[Flag, column("Whether payment online is offered", source="AllowOnlinePayment")] = (
        None
    )
    allow_online_achpayment: Annotated[
        Flag, column("Whether payment by bank transfer is offered", source="AllowOnlineACHPayment")
    ] = None
    allow_online_credit_card_payment: Annotated[
        Flag, column("Whether payment by card is offered", source="AllowOnlineCreditCardPayment")
    ] = None
    is_voided: Annotated[Flag, VOIDED] = None


class Estimate(Shipped, kw_only=True):
    """An estimate or quote; it changes no account."""

    due_date: Annotated[Day, column("Day when payment would be due", source="DueDate")] = None
    expiration_date: Annotated[Day, column("Until when it holds", source="ExpirationDate")] = None
    accepted_by: Annotated[Text, column("Who accepted it", source="AcceptedBy")] = None
    accepted_date: Annotated[Day, column("When it was accepted", source="AcceptedDate")] = None
    transaction_status: Annotated[Text, column("Pending, Accepted, Closed or Rejected", source="TxnStatus")] = None
    bill_email: Annotated[Text, column("Where it is sent", source="BillEmail.Address")] = None
    sales_term_id: Annotated[Text, column("Terms of payment", source="SalesTermRef.value")] = None
    sales_term_name: Annotated[Text, column("Name of those terms when sent", source="SalesTermRef.name")] = None


class CreditMemo(SalesForm, kw_only=True):
    """What a customer gets back, as a credit on later invoices."""

    bill_email: Annotated[Text, column("Where it is sent", source="BillEmail.Address")] = None
    sales_term_id: Annotated[Text, column("Terms of payment", source="SalesTermRef.value")] = None
    sales_term_name: Annotated[Text, column("Name of those terms when sent", source="SalesTermRef.name")] = None
    payment_method_id: Annotated[Text, column("Method of payment", source="PaymentMethodRef.value")] = None
    payment_method_name: Annotated[Text, column("Name of that method when sent", source="PaymentMethodRef.name")] = None
    balance: Annotated[Number, column("Not used yet", source="Balance", unit=CURRENCY)] = None
    home_balance: Annotated[Number, column("Not used yet, converted", source="HomeBalance", unit=HOME)] = None
    remaining_credit: Annotated[Number, column("Not used yet", source="RemainingCredit", unit=CURRENCY)] = None
    is_voided: Annotated[Flag, VOIDED] = None


_CHARGE, _ANSWER = "CreditCardPayment.CreditChargeInfo", "CreditCardPayment.CreditChargeResponse"


# Columns of a payment by card, which payments and receipts share.
CardType = Annotated[Text, column("Kind of card", source=f"{_CHARGE}.Type")]
CardName = Annotated[Text, column("Name on the card", source=f"{_CHARGE}.NameOnAcct")]
CardStreet = Annotated[Text, column("Street of the card's owner", source=f"{_CHARGE}.BillAddrStreet")]
CardPostalCode = Annotated[Text, column("Postal code of it", source=f"{_CHARGE}.PostalCode")]
CardMonth = Annotated[Whole, column("Month it expires", source=f"{_CHARGE}.CcExpiryMonth")]
CardYear = Annotated[Whole, column("Year it expires", source=f"{_CHARGE}.CcExpiryYear")]
CardAmount = Annotated[Number, column("Charged", source=f"{_CHARGE}.Amount", unit=CURRENCY)]
CardProcess = Annotated[Flag, column("Whether QuickBooks charges the card", source=f"{_CHARGE}.ProcessPayment")]
CardStatus = Annotated[Text, column("Completed or Unknown", source=f"{_ANSWER}.Status")]
CardAuthCode = Annotated[Text, column("Code of the approval", source=f"{_ANSWER}.AuthCode")]
CardTime = Annotated[Instant, column("When it was approved", source=f"{_ANSWER}.TxnAuthorizationTime")]
CardTransaction = Annotated[Text, column("Id of the charge", source=f"{_ANSWER}.CCTransId")]


class Receipt(Shipped, kw_only=True):
    """What documents have that money moves with."""

    bill_email: Annotated[Text, column("Where it is sent", source="BillEmail.Address")] = None
    payment_method_id: Annotated[Text, column("Method of payment", source="PaymentMethodRef.value")] = None
    payment_method_name: Annotated[Text, column("Name of that method when sent", source="PaymentMethodRef.name")] = None
    payment_reference_number: Annotated[Text, column("Number of the check or transfer", source="PaymentRefNum")] = None
    balance: Annotated[Number, column("Still to be paid; 0", source="Balance", unit=CURRENCY)] = None
    home_balance: Annotated[Number, column("Still to be paid, converted", source="HomeBalance", unit=HOME)] = None
    credit_card_type: CardType = None
    credit_card_name_on_account: CardName = None
    credit_card_billing_address_street: CardStreet = None
    credit_card_postal_code: CardPostalCode = None
    credit_card_cc_expiry_month: CardMonth = None
    credit_card_cc_expiry_year: CardYear = None
    credit_card_amount: CardAmount = None
    credit_card_process_payment: CardProcess = None
    credit_card_status: CardStatus = None
    credit_card_auth_code: CardAuthCode = None
    credit_card_transaction_authorization_time: CardTime = None
    credit_card_cctrans_id: CardTransaction = None
    is_voided: Annotated[Flag, VOIDED] = None


class SalesReceipt(Receipt, kw_only=True):
    """A sale that was paid at once."""

    deposit_to_account_id: Annotated[Text, column("Account the money goes to", source="DepositToAccountRef.value")] = (
        None
    )
    deposit_to_account_name: Annotated[
        Text, column("Name of that account when sent", source="DepositToAccountRef.name")
    ] = None


class RefundReceipt(Receipt, kw_only=True):
    """Money given back to a customer."""

    deposit_to_account_id: Annotated[
        Text, column("Account the money comes from", source="DepositToAccountRef.value")
    ] = None
    deposit_to_account_name: Annotated[
        Text, column("Name of that account when sent", source="DepositToAccountRef.name")
    ] = None
    payment_type: Annotated[Text, column("Cash, Check, CreditCard or Other", source="PaymentType")] = None
    check_payment_check_number: Annotated[Text, column("Number of the check", source="CheckPayment.CheckNum")] = None
    check_payment_status: Annotated[Text, column("Status of the check", source="CheckPayment.Status")] = None
    check_payment_name_on_account: Annotated[Text, column("Name on the account", source="CheckPayment.NameOnAcct")] = (
        None
    )
    check_payment_account_number: Annotated[Text, column("Number of it, masked", source="CheckPayment.AcctNum")] = None
    check_payment_bank_name: Annotated[Text, column("Name of the bank", source="CheckPayment.BankName")] = None


_SOLD = "SalesItemLineDetail"


class SalesLine(Line, kw_only=True):
    """What every line of a document to a customer has; which columns are filled follows from detail_type."""

    sales_item_item_id: Annotated[Text, column("Item sold", source=f"{_SOLD}.ItemRef.value")] = None
    sales_item_item_name: Annotated[Text, column("Name of that item when sent", source=f"{_SOLD}.ItemRef.name")] = None
    sales_item_quantity: Annotated[Number, column("Sold", source=f"{_SOLD}.Qty", unit=UNITS)] = None
    sales_item_unit_price: Annotated[
        Number, column("Price of one unit", source=f"{_SOLD}.UnitPrice", unit=OF_PARENT)
    ] = None
    sales_item_account_id: Annotated[
        Text, column("Account the sale goes to", source=f"{_SOLD}.ItemAccountRef.value")
    ] = None
    sales_item_account_name: Annotated[
        Text, column("Name of that account when sent", source=f"{_SOLD}.ItemAccountRef.name")
    ] = None
    sales_item_class_id: Annotated[Text, column("Class the sale is counted to", source=f"{_SOLD}.ClassRef.value")] = (
        None
    )
    sales_item_tax_code_id: Annotated[Text, column("Tax code of the sale", source=f"{_SOLD}.TaxCodeRef.value")] = None
    sales_item_service_date: Annotated[Day, column("Day of the service", source=f"{_SOLD}.ServiceDate")] = None
    sales_item_discount_rate: Annotated[
        Number, column("Discount on the line", source=f"{_SOLD}.DiscountRate", unit="percent")
    ] = None
    sales_item_discount_amount: Annotated[
        Number, column("Discount on the line", source=f"{_SOLD}.DiscountAmt", unit=OF_PARENT)
    ] = None
    discount_percent_based: Annotated[
        Flag, column("Whether a discount line is a percentage", source="DiscountLineDetail.PercentBased")
    ] = None
    discount_discount_percent: Annotated[
        Number, column("Discount of a discount line", source="DiscountLineDetail.DiscountPercent", unit="percent")
    ] = None
    discount_account_id: Annotated[
        Text, column("Account the discount goes to", source="DiscountLineDetail.DiscountAccountRef.value")
    ] = None
    discount_account_name: Annotated[
        Text, column("Name of that account when sent", source="DiscountLineDetail.DiscountAccountRef.name")
    ] = None
    discount_class_id: Annotated[
        Text, column("Class the discount is counted to", source="DiscountLineDetail.ClassRef.value")
    ] = None
    discount_tax_code_id: Annotated[
        Text, column("Tax code of the discount", source="DiscountLineDetail.TaxCodeRef.value")
    ] = None
    description_service_date: Annotated[
        Day, column("Day of the service, on a text line", source="DescriptionLineDetail.ServiceDate")
    ] = None
    description_tax_code_id: Annotated[
        Text, column("Tax code of a text line", source="DescriptionLineDetail.TaxCodeRef.value")
    ] = None
    sub_total_item_id: Annotated[Text, column("Item of a subtotal line", source="SubTotalLineDetail.ItemRef.value")] = (
        None
    )
    bundle_id: Annotated[Text, column("Bundle sold", source="GroupLineDetail.GroupItemRef.value")] = None
    bundle_quantity: Annotated[Number, column("Bundles sold", source="GroupLineDetail.Quantity", unit="bundles")] = None
    account_id: Annotated[
        Text, column("Account of a charge passed on", source="ReimburseLineDetail.ItemAccountRef.value")
    ] = None
    item_id: Annotated[Text, column("Item of a charge passed on", source="ReimburseLineDetail.ItemRef.value")] = None
    quantity: Annotated[Number, column("Units of a charge passed on", source="ReimburseLineDetail.Qty", unit=UNITS)] = (
        None
    )
    tax_code_id: Annotated[
        Text, column("Tax code of a charge passed on", source="ReimburseLineDetail.TaxCodeRef.value")
    ] = None


class BundleLine(Line, kw_only=True):
    """A line within a line that sells a bundle."""

    item_id: Annotated[Text, column("Item sold", source=f"{_SOLD}.ItemRef.value")] = None
    sales_item_item_id: Annotated[Text, column("The same", source=f"{_SOLD}.ItemRef.value")] = None
    sales_item_quantity: Annotated[Number, column("Sold", source=f"{_SOLD}.Qty", unit=UNITS)] = None
    sales_item_account_id: Annotated[
        Text, column("Account the sale goes to", source=f"{_SOLD}.ItemAccountRef.value")
    ] = None
    sales_item_tax_code_id: Annotated[Text, column("Tax code of the sale", source=f"{_SOLD}.TaxCodeRef.value")] = None
    quantity: Annotated[Number, column("Sold", source=f"{_SOLD}.Qty", unit=UNITS)] = None
    unit_price: Annotated[Number, column("Price of one unit", source=f"{_SOLD}.UnitPrice", unit=OF_PARENT)] = None
    account_id: Annotated[Text, column("Account the sale goes to", source=f"{_SOLD}.ItemAccountRef.value")] = None
    class_id: Annotated[Text, column("Class the sale is counted to", source=f"{_SOLD}.ClassRef.value")] = None
    tax_code_id: Annotated[Text, column("Tax code of the sale", source=f"{_SOLD}.TaxCodeRef.value")] = None
    service_date: Annotated[Day, column("Day of the service", source=f"{_SOLD}.ServiceDate")] = None
    discount_rate: Annotated[Number, column("Discount", source=f"{_SOLD}.DiscountRate", unit="percent")] = None
    discount_amount: Annotated[Number, column("Discount", source=f"{_SOLD}.DiscountAmt", unit=OF_PARENT)] = None
