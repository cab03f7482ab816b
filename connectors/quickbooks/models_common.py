"""What many QuickBooks records have in common: types of columns, and the columns that they share.

Table and column names follow the Fivetran schema for QuickBooks, so that queries written for it work; sources are
the vendor's own field names. Ids are text. A field that the vendor leaves out is NULL: it only sends what has a value.
"""

import datetime as dt
from decimal import Decimal
from typing import Annotated

import msgspec

from connectors.stream import column

CURRENCY = "currency_id"
OF_PARENT = "currency_id of the parent"
HOME = "the company's home currency"
UNITS = "the item's own unit"

Text = str | None
Flag = bool | None
Number = Decimal | None
Day = dt.date | None
Instant = dt.datetime | None
Whole = int | None
Json = msgspec.Raw | None


class Record(msgspec.Struct, kw_only=True):
    """What every record has."""

    id: Annotated[str, column("Id in QuickBooks", source="Id")]
    realm_id: Annotated[Text, column("Company in QuickBooks, which calls this the realm id", source="$identity")] = None
    domain: Annotated[Text, column("Product it is from: QBO", source="domain")] = None
    sparse: Annotated[Flag, column("Whether the answer left fields out", source="sparse")] = None
    sync_token: Annotated[Text, column("Edit counter; balances and stock change without it", source="SyncToken")] = None
    created_at: Annotated[Instant, column("When it was made in QuickBooks", source="MetaData.CreateTime")] = None
    updated_at: Annotated[Instant, column("When it last changed, to the second", source="MetaData.LastUpdatedTime")] = (
        None
    )


class Listed(Record, kw_only=True):
    """What every entry of a list of names has."""

    active: Annotated[Flag, column("False once made inactive; such entries are never deleted", source="Active")] = None


class Person(Listed, kw_only=True):
    """How somebody is called."""

    display_name: Annotated[Text, column("Unique name in the lists of QuickBooks", source="DisplayName")] = None
    title: Annotated[Text, column("Title of the person", source="Title")] = None
    given_name: Annotated[Text, column("First name of the person", source="GivenName")] = None
    middle_name: Annotated[Text, column("Middle name of the person", source="MiddleName")] = None
    family_name: Annotated[Text, column("Last name of the person", source="FamilyName")] = None
    suffix: Annotated[Text, column("Suffix of the person's name, such as Jr.", source="Suffix")] = None
    print_on_check_name: Annotated[Text, column("Name printed on checks", source="PrintOnCheckName")] = None
    email: Annotated[Text, column("Main email, several with commas between", source="PrimaryEmailAddr.Address")] = None


class Transaction(Record, kw_only=True):
    """What every transaction has."""

    transaction_date: Annotated[Day, column("Date of the document", source="TxnDate")] = None
    private_note: Annotated[Text, column("Note that only the company sees", source="PrivateNote")] = None
    currency_id: Annotated[Text, column("ISO code of the currency", source="CurrencyRef.value")] = None
    currency_name: Annotated[Text, column("Name of that currency when sent", source="CurrencyRef.name")] = None
    exchange_rate: Annotated[
        Number, column("Home currency for one of the transaction's", source="ExchangeRate", unit="ratio")
    ] = None


class Document(Transaction, kw_only=True):
    """What transactions with lines and tax have."""

    doc_number: Annotated[Text, column("Number on the document", source="DocNumber")] = None
    department_id: Annotated[Text, column("Department or location", source="DepartmentRef.value")] = None
    total_amount: Annotated[Number, column("Total with tax", source="TotalAmt", unit=CURRENCY)] = None
    total_tax: Annotated[Number, column("Tax in the total", source="TxnTaxDetail.TotalTax", unit=CURRENCY)] = None
    tax_code_id: Annotated[Text, column("Tax code of the whole", source="TxnTaxDetail.TxnTaxCodeRef.value")] = None
    global_tax_calculation: Annotated[
        Text, column("TaxExcluded, TaxInclusive or NotApplicable", source="GlobalTaxCalculation")
    ] = None
    home_total_amount: Annotated[Number, column("Total with tax, converted", source="HomeTotalAmt", unit=HOME)] = None
    transaction_source: Annotated[Text, column("What made it, if not a person", source="TxnSource")] = None
    custom_fields: Annotated[
        Json, column("The company's own fields: a list of DefinitionId, Name, Type, StringValue", source="CustomField")
    ] = None


class Row(msgspec.Struct, kw_only=True):
    """What every line has."""

    index: Annotated[int, column("Position in the record's list, from 0", source="#")]


class Line(Row, kw_only=True):
    """What every line of a transaction has."""

    line_id: Annotated[Text, column("Id of the line; subtotal lines have none", source="Id")] = None
    line_num: Annotated[Whole, column("Number shown on the line", source="LineNum")] = None
    detail_type: Annotated[Text, column("Kind of line; which columns are filled follows", source="DetailType")] = None
    amount: Annotated[Number, column("Amount of the line", source="Amount", unit=OF_PARENT)] = None
    description: Annotated[Text, column("Text on the line", source="Description")] = None


class LinkedTxn(Row, kw_only=True):
    """Another transaction that a transaction is tied to."""

    linked_txn_id: Annotated[Text, column("Id of the other transaction", source="TxnId")] = None
    linked_txn_type: Annotated[Text, column("Its kind: Payment, Estimate, Bill, …", source="TxnType")] = None
    linked_txn_line_id: Annotated[Text, column("Id of the line there, if one is meant", source="TxnLineId")] = None


class TaxLine(Row, kw_only=True):
    """Tax of one rate on a transaction."""

    amount: Annotated[Number, column("Tax", source="Amount", unit=OF_PARENT)] = None
    detail_type: Annotated[Text, column("Kind of line: TaxLineDetail", source="DetailType")] = None
    tax_rate_id: Annotated[Text, column("Rate that applies", source="TaxLineDetail.TaxRateRef.value")] = None
    percent_based: Annotated[Flag, column("Whether it is a percentage", source="TaxLineDetail.PercentBased")] = None
    tax_percent: Annotated[Number, column("The percentage", source="TaxLineDetail.TaxPercent", unit="percent")] = None
    net_amount_taxable: Annotated[
        Number, column("Amount that is taxed", source="TaxLineDetail.NetAmountTaxable", unit=OF_PARENT)
    ] = None
    tax_inclusive_amount: Annotated[
        Number, column("Amount with the tax in it", source="TaxLineDetail.TaxInclusiveAmount", unit=OF_PARENT)
    ] = None
    override_delta_amount: Annotated[
        Number,
        column("By how much a person changed the tax", source="TaxLineDetail.OverrideDeltaAmount", unit=OF_PARENT),
    ] = None


class Address(msgspec.Struct, kw_only=True):
    """An address as it stands on one owner in one role; the same id may stand on several owners."""

    owner_type: Annotated[str, column("Table of the record that holds it: customer, invoice, …", source="$owner")]
    owner_id: Annotated[str, column("Id of the record that holds it", source="^Id")]
    role: Annotated[str, column("What it is for, as in QuickBooks: BillAddr, ShipAddr, …", source="$role")]
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
