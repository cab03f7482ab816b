"""What QuickBooks records mean: one record type a table, one annotated field a column.

Table and column names follow the Fivetran schema for QuickBooks, so that queries written for it work; sources are
the vendor's own field names. Ids are text. A field that the vendor leaves out is NULL: it only sends what has a value.
(Longer than other files because a table is a list of columns, and better read in one place.)
"""

import datetime as dt
from decimal import Decimal
from typing import Annotated

import msgspec

from connectors.stream import column

CURRENCY = "currency_id"
HOME = "the company's home currency"
UNITS = "the item's own unit"

Text = str | None
Flag = bool | None
Number = Decimal | None
Day = dt.date | None
Instant = dt.datetime | None
Whole = int | None


class Customer(msgspec.Struct, kw_only=True):
    """A customer, or a job or project under one (see parent_customer_id)."""

    realm_id: Annotated[Text, column("Company in QuickBooks, which calls this the realm id", source="$identity")] = None
    id: Annotated[str, column("Id of the customer in QuickBooks", source="Id")]
    sync_token: Annotated[Text, column("Edit counter; balances change without it", source="SyncToken")] = None
    active: Annotated[Flag, column("False once made inactive; customers are never deleted", source="Active")] = None
    display_name: Annotated[Text, column("Unique name in the lists of QuickBooks", source="DisplayName")] = None
    fully_qualified_name: Annotated[
        Text, column("Name with those of its parents, colons between", source="FullyQualifiedName")
    ] = None
    company_name: Annotated[Text, column("Company the customer is or works for", source="CompanyName")] = None
    title: Annotated[Text, column("Title of the person", source="Title")] = None
    given_name: Annotated[Text, column("First name of the person", source="GivenName")] = None
    middle_name: Annotated[Text, column("Middle name of the person", source="MiddleName")] = None
    family_name: Annotated[Text, column("Last name of the person", source="FamilyName")] = None
    suffix: Annotated[Text, column("Suffix of the person's name, such as Jr.", source="Suffix")] = None
    print_on_check_name: Annotated[Text, column("Name printed on checks", source="PrintOnCheckName")] = None
    email: Annotated[Text, column("Main email, several with commas between", source="PrimaryEmailAddr.Address")] = None
    phone_number: Annotated[Text, column("Main telephone, as typed", source="PrimaryPhone.FreeFormNumber")] = None
    mobile_number: Annotated[Text, column("Mobile telephone, as typed", source="Mobile.FreeFormNumber")] = None
    alternate_phone_number: Annotated[
        Text, column("Second telephone, as typed", source="AlternatePhone.FreeFormNumber")
    ] = None
    fax_number: Annotated[Text, column("Fax number, as typed", source="Fax.FreeFormNumber")] = None
    website: Annotated[Text, column("Web address", source="WebAddr.URI")] = None
    notes: Annotated[Text, column("Free notes about the customer", source="Notes")] = None
    bill_address_id: Annotated[Text, column("Id of the billing address", source="BillAddr.Id")] = None
    shipping_address_id: Annotated[Text, column("Id of the shipping address", source="ShipAddr.Id")] = None
    parent_customer_id: Annotated[Text, column("Customer that this is a part of", source="ParentRef.value")] = None
    level: Annotated[Whole, column("Depth below the topmost customer", source="Level", unit="steps")] = None
    job: Annotated[Flag, column("True for a job or other part of a customer", source="Job")] = None
    bill_with_parent: Annotated[Flag, column("True if billed through the parent", source="BillWithParent")] = None
    is_project: Annotated[Flag, column("True if kept as a project", source="IsProject")] = None
    customer_type_id: Annotated[Text, column("Kind of customer", source="CustomerTypeRef.value")] = None
    balance: Annotated[Number, column("What the customer owes", source="Balance", unit=CURRENCY)] = None
    balance_with_jobs: Annotated[
        Number, column("What the customer owes with all parts", source="BalanceWithJobs", unit=CURRENCY)
    ] = None
    open_balance_date: Annotated[Day, column("Day of the opening balance", source="OpenBalanceDate")] = None
    currency_id: Annotated[Text, column("ISO code of the customer's currency", source="CurrencyRef.value")] = None
    sales_term_id: Annotated[Text, column("Usual terms of payment", source="SalesTermRef.value")] = None
    payment_method_id: Annotated[Text, column("Usual method of payment", source="PaymentMethodRef.value")] = None
    preferred_delivery_method: Annotated[
        Text, column("How documents are sent: Print, Email or None", source="PreferredDeliveryMethod")
    ] = None
    ar_account_id: Annotated[Text, column("Receivables account", source="ARAccountRef.value")] = None
    taxable: Annotated[Flag, column("Whether sales are taxed", source="Taxable")] = None
    default_tax_code_id: Annotated[Text, column("Usual tax code", source="DefaultTaxCodeRef.value")] = None
    tax_exemption_reason_id: Annotated[
        Text, column("Number of the reason for not being taxed", source="TaxExemptionReasonId")
    ] = None
    resale_number: Annotated[Text, column("Resale certificate or similar", source="ResaleNum")] = None
    created_at: Annotated[Instant, column("When it was made in QuickBooks", source="MetaData.CreateTime")] = None
    updated_at: Annotated[Instant, column("When it last changed, to the second", source="MetaData.LastUpdatedTime")] = (
        None
    )


class Vendor(msgspec.Struct, kw_only=True):
    """Somebody who sells to the company."""

    realm_id: Annotated[Text, column("Company in QuickBooks, which calls this the realm id", source="$identity")] = None
    id: Annotated[str, column("Id of the vendor in QuickBooks", source="Id")]
    sync_token: Annotated[Text, column("Edit counter; balances change without it", source="SyncToken")] = None
    active: Annotated[Flag, column("False once made inactive; vendors are never deleted", source="Active")] = None
    display_name: Annotated[Text, column("Unique name in the lists of QuickBooks", source="DisplayName")] = None
    company_name: Annotated[Text, column("Company the vendor is or works for", source="CompanyName")] = None
    title: Annotated[Text, column("Title of the person", source="Title")] = None
    given_name: Annotated[Text, column("First name of the person", source="GivenName")] = None
    middle_name: Annotated[Text, column("Middle name of the person", source="MiddleName")] = None
    family_name: Annotated[Text, column("Last name of the person", source="FamilyName")] = None
    suffix: Annotated[Text, column("Suffix of the person's name, such as Jr.", source="Suffix")] = None
    print_on_check_name: Annotated[Text, column("Name printed on checks", source="PrintOnCheckName")] = None
    email: Annotated[Text, column("Main email, several with commas between", source="PrimaryEmailAddr.Address")] = None
    primary_phone: Annotated[Text, column("Main telephone, as typed", source="PrimaryPhone.FreeFormNumber")] = None
    mobile_phone: Annotated[Text, column("Mobile telephone, as typed", source="Mobile.FreeFormNumber")] = None
    alternate_phone: Annotated[Text, column("Second telephone, as typed", source="AlternatePhone.FreeFormNumber")] = (
        None
    )
    fax_number: Annotated[Text, column("Fax number, as typed", source="Fax.FreeFormNumber")] = None
    web_url: Annotated[Text, column("Web address", source="WebAddr.URI")] = None
    other_contacts: Annotated[
        msgspec.Raw | None, column("Further contacts, as the vendor sends them", source="OtherContactInfo")
    ] = None
    account_number: Annotated[Text, column("Our account number with the vendor", source="AcctNum")] = None
    tax_identifier: Annotated[Text, column("Tax number, masked by QuickBooks", source="TaxIdentifier")] = None
    vendor_1099: Annotated[Flag, column("Whether payments go on a US form 1099", source="Vendor1099")] = None
    billing_address_id: Annotated[Text, column("Id of the address", source="BillAddr.Id")] = None
    balance: Annotated[Number, column("What we owe the vendor", source="Balance", unit=CURRENCY)] = None
    currency_id: Annotated[Text, column("ISO code of the vendor's currency", source="CurrencyRef.value")] = None
    term_id: Annotated[Text, column("Usual terms of payment", source="TermRef.value")] = None
    created_at: Annotated[Instant, column("When it was made in QuickBooks", source="MetaData.CreateTime")] = None
    updated_at: Annotated[Instant, column("When it last changed, to the second", source="MetaData.LastUpdatedTime")] = (
        None
    )


class Item(msgspec.Struct, kw_only=True):
    """A product, service, category or bundle that is bought or sold."""

    realm_id: Annotated[Text, column("Company in QuickBooks, which calls this the realm id", source="$identity")] = None
    id: Annotated[str, column("Id of the item in QuickBooks", source="Id")]
    sync_token: Annotated[Text, column("Edit counter; stock changes without it", source="SyncToken")] = None
    active: Annotated[Flag, column("False once made inactive; items are never deleted", source="Active")] = None
    name: Annotated[Text, column("Name, unique within its category", source="Name")] = None
    fully_qualified_name: Annotated[
        Text, column("Name with those of its parents, colons between", source="FullyQualifiedName")
    ] = None
    type: Annotated[Text, column("Inventory, Service, NonInventory, Category or Group", source="Type")] = None
    stock_keeping_unit: Annotated[Text, column("Stock keeping unit; the nearest to a part number", source="Sku")] = None
    description: Annotated[Text, column("Text on sales documents", source="Description")] = None
    purchase_description: Annotated[Text, column("Text on purchase documents", source="PurchaseDesc")] = None
    unit_price: Annotated[Number, column("Sales price of one unit", source="UnitPrice", unit=HOME)] = None
    purchase_cost: Annotated[Number, column("Purchase price of one unit", source="PurchaseCost", unit=HOME)] = None
    quantity_on_hand: Annotated[Number, column("Stock now", source="QtyOnHand", unit=UNITS)] = None
    track_quantity_on_hand: Annotated[Flag, column("Whether stock is counted", source="TrackQtyOnHand")] = None
    inventory_start_date: Annotated[Day, column("Day since when stock is counted", source="InvStartDate")] = None
    parent_item_id: Annotated[Text, column("Category or item that this is under", source="ParentRef.value")] = None
    sub_item: Annotated[Flag, column("True if under another item", source="SubItem")] = None
    level: Annotated[Whole, column("Depth below the topmost item", source="Level", unit="steps")] = None
    taxable: Annotated[Flag, column("Whether sales are taxed", source="Taxable")] = None
    sales_tax_included: Annotated[Flag, column("Whether unit_price holds the tax", source="SalesTaxIncluded")] = None
    purchase_tax_included: Annotated[
        Flag, column("Whether purchase_cost holds the tax", source="PurchaseTaxIncluded")
    ] = None
    sales_tax_code_id: Annotated[Text, column("Tax code of sales", source="SalesTaxCodeRef.value")] = None
    purchase_tax_code_id: Annotated[Text, column("Tax code of purchases", source="PurchaseTaxCodeRef.value")] = None
    income_account_id: Annotated[Text, column("Account that sales go to", source="IncomeAccountRef.value")] = None
    expense_account_id: Annotated[Text, column("Account that costs go to", source="ExpenseAccountRef.value")] = None
    asset_account_id: Annotated[Text, column("Account that holds the stock", source="AssetAccountRef.value")] = None
    preferred_vendor_id: Annotated[Text, column("Vendor it is usually bought from", source="PrefVendorRef.value")] = (
        None
    )
    reorder_point: Annotated[Number, column("Stock below which to reorder", source="ReorderPoint", unit=UNITS)] = None
    created_at: Annotated[Instant, column("When it was made in QuickBooks", source="MetaData.CreateTime")] = None
    updated_at: Annotated[Instant, column("When it last changed, to the second", source="MetaData.LastUpdatedTime")] = (
        None
    )


class Address(msgspec.Struct, kw_only=True):
    """An address as it stands on one owner in one role; the same id may stand on several owners."""

    owner_type: Annotated[str, column("Kind of record that holds it: customer, vendor, invoice", source="$owner")]
    owner_id: Annotated[str, column("Id of the record that holds it", source="^Id")]
    role: Annotated[str, column("What it is for: BillAddr, ShipAddr or ShipFromAddr", source="$role")]
    id: Annotated[Text, column("Id of the address in QuickBooks", source="Id")] = None
    line_1: Annotated[Text, column("First line", source="Line1")] = None
    line_2: Annotated[Text, column("Second line", source="Line2")] = None
    line_3: Annotated[Text, column("Third line", source="Line3")] = None
    line_4: Annotated[Text, column("Fourth line", source="Line4")] = None
    line_5: Annotated[Text, column("Fifth line", source="Line5")] = None
    city: Annotated[Text, column("City", source="City")] = None
    country: Annotated[Text, column("Country, as typed", source="Country")] = None
    country_sub_division_code: Annotated[
        Text, column("State, province or the like", source="CountrySubDivisionCode")
    ] = None
    postal_code: Annotated[Text, column("Postal code", source="PostalCode")] = None
    latitude: Annotated[Text, column("Latitude in degrees as text; also INVALID", source="Lat")] = None
    longitude: Annotated[Text, column("Longitude in degrees as text; also INVALID", source="Long")] = None


class Invoice(msgspec.Struct, kw_only=True):
    """A sales invoice. A voided one stays, with amounts of zero."""

    realm_id: Annotated[Text, column("Company in QuickBooks, which calls this the realm id", source="$identity")] = None
    id: Annotated[str, column("Id of the invoice in QuickBooks", source="Id")]
    sync_token: Annotated[Text, column("Edit counter", source="SyncToken")] = None
    doc_number: Annotated[Text, column("Number on the document", source="DocNumber")] = None
    transaction_date: Annotated[Day, column("Date of the document", source="TxnDate")] = None
    due_date: Annotated[Day, column("Day when payment is due", source="DueDate")] = None
    ship_date: Annotated[Day, column("Day of shipping", source="ShipDate")] = None
    customer_id: Annotated[Text, column("Customer who is billed", source="CustomerRef.value")] = None
    customer_name: Annotated[Text, column("That customer's name when sent", source="CustomerRef.name")] = None
    customer_memo: Annotated[Text, column("Message that the customer sees", source="CustomerMemo.value")] = None
    private_note: Annotated[Text, column("Note that the customer does not see", source="PrivateNote")] = None
    billing_email: Annotated[Text, column("Where it is sent", source="BillEmail.Address")] = None
    billing_cc_email: Annotated[Text, column("Where copies are sent", source="BillEmailCc.Address")] = None
    billing_bcc_email: Annotated[Text, column("Where hidden copies are sent", source="BillEmailBcc.Address")] = None
    billing_address_id: Annotated[Text, column("Id of the billing address", source="BillAddr.Id")] = None
    shipping_address_id: Annotated[Text, column("Id of the shipping address", source="ShipAddr.Id")] = None
    sales_term_id: Annotated[Text, column("Terms of payment", source="SalesTermRef.value")] = None
    class_id: Annotated[Text, column("Class the sale is counted to", source="ClassRef.value")] = None
    department_id: Annotated[Text, column("Department or location", source="DepartmentRef.value")] = None
    deposit_to_account_id: Annotated[
        Text, column("Account a payment made with it goes to", source="DepositToAccountRef.value")
    ] = None
    deposit: Annotated[Number, column("Paid on the spot", source="Deposit", unit=CURRENCY)] = None
    total_amount: Annotated[Number, column("Total with tax", source="TotalAmt", unit=CURRENCY)] = None
    balance: Annotated[Number, column("Still to be paid", source="Balance", unit=CURRENCY)] = None
    home_total_amount: Annotated[Number, column("Total with tax, converted", source="HomeTotalAmt", unit=HOME)] = None
    home_balance: Annotated[Number, column("Still to be paid, converted", source="HomeBalance", unit=HOME)] = None
    exchange_rate: Annotated[
        Number, column("Home currency for one of the invoice's", source="ExchangeRate", unit="ratio")
    ] = None
    currency_id: Annotated[Text, column("ISO code of the currency", source="CurrencyRef.value")] = None
    total_tax: Annotated[Number, column("Tax in the total", source="TxnTaxDetail.TotalTax", unit=CURRENCY)] = None
    tax_code_id: Annotated[Text, column("Tax code of the whole", source="TxnTaxDetail.TxnTaxCodeRef.value")] = None
    global_tax_calculation: Annotated[
        Text, column("TaxExcluded, TaxInclusive or NotApplicable", source="GlobalTaxCalculation")
    ] = None
    apply_tax_after_discount: Annotated[
        Flag, column("Whether the discount lowers the tax", source="ApplyTaxAfterDiscount")
    ] = None
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
    email_status: Annotated[Text, column("NotSet, NeedToSend or EmailSent", source="EmailStatus")] = None
    print_status: Annotated[Text, column("NotSet, NeedToPrint or PrintComplete", source="PrintStatus")] = None
    delivery_type: Annotated[Text, column("How it was delivered", source="DeliveryInfo.DeliveryType")] = None
    delivery_time: Annotated[Instant, column("When it was delivered", source="DeliveryInfo.DeliveryTime")] = None
    tracking_number: Annotated[Text, column("Shipper's tracking number", source="TrackingNum")] = None
    transaction_source: Annotated[Text, column("What made it, if not a person", source="TxnSource")] = None
    created_at: Annotated[Instant, column("When it was made in QuickBooks", source="MetaData.CreateTime")] = None
    updated_at: Annotated[Instant, column("When it last changed, to the second", source="MetaData.LastUpdatedTime")] = (
        None
    )


class InvoiceLine(msgspec.Struct, kw_only=True):
    """A line of an invoice; which columns are filled follows from detail_type."""

    invoice_id: Annotated[str, column("Invoice the line is on", source="^Id")]
    index: Annotated[int, column("Position on the invoice, from 0", source="#")]
    line_id: Annotated[Text, column("Id of the line; subtotal lines have none", source="Id")] = None
    line_num: Annotated[Whole, column("Number shown on the line", source="LineNum")] = None
    detail_type: Annotated[Text, column("Kind of line, such as SalesItemLineDetail", source="DetailType")] = None
    amount: Annotated[Number, column("Amount of the line", source="Amount", unit="currency_id of the invoice")] = None
    description: Annotated[Text, column("Text on the line", source="Description")] = None
    sales_item_item_id: Annotated[Text, column("Item sold", source="SalesItemLineDetail.ItemRef.value")] = None
    sales_item_quantity: Annotated[Number, column("Sold", source="SalesItemLineDetail.Qty", unit=UNITS)] = None
    sales_item_unit_price: Annotated[
        Number,
        column("Price of one unit", source="SalesItemLineDetail.UnitPrice", unit="currency_id of the invoice"),
    ] = None
    sales_item_account_id: Annotated[
        Text, column("Account the sale goes to", source="SalesItemLineDetail.ItemAccountRef.value")
    ] = None
    sales_item_class_id: Annotated[
        Text, column("Class the sale is counted to", source="SalesItemLineDetail.ClassRef.value")
    ] = None
    sales_item_tax_code_id: Annotated[
        Text, column("Tax code of the sale", source="SalesItemLineDetail.TaxCodeRef.value")
    ] = None
    sales_item_service_date: Annotated[Day, column("Day of the service", source="SalesItemLineDetail.ServiceDate")] = (
        None
    )
    sales_item_discount_rate: Annotated[
        Number, column("Discount on the line", source="SalesItemLineDetail.DiscountRate", unit="percent")
    ] = None
    sales_item_discount_amount: Annotated[
        Number,
        column("Discount on the line", source="SalesItemLineDetail.DiscountAmt", unit="currency_id of the invoice"),
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


class InvoiceLinkedTxn(msgspec.Struct, kw_only=True):
    """A transaction tied to an invoice: the estimate it came from, a payment, a charge."""

    invoice_id: Annotated[str, column("Invoice it is tied to", source="^Id")]
    index: Annotated[int, column("Position in the invoice's list, from 0", source="#")]
    linked_txn_id: Annotated[Text, column("Id of the other transaction", source="TxnId")] = None
    linked_txn_type: Annotated[Text, column("Its kind: Payment, Estimate, …", source="TxnType")] = None
