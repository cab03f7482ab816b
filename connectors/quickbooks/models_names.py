"""Whom the company deals with, and the company itself."""

from typing import Annotated

from connectors.quickbooks.models_common import (
    CURRENCY,
    HOME,
    Day,
    Flag,
    Json,
    Listed,
    Number,
    Person,
    Record,
    Text,
    Whole,
)
from connectors.stream import column


class Customer(Person, kw_only=True):
    """A customer, or a job or project under one (see parent_customer_id)."""

    fully_qualified_name: Annotated[
        Text, column("Name with those of its parents, colons between", source="FullyQualifiedName")
    ] = None
    company_name: Annotated[Text, column("Company the customer is or works for", source="CompanyName")] = None
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
    currency_name: Annotated[Text, column("Name of that currency when sent", source="CurrencyRef.name")] = None
    sales_term_id: Annotated[Text, column("Usual terms of payment", source="SalesTermRef.value")] = None
    sales_term_name: Annotated[Text, column("Name of those terms when sent", source="SalesTermRef.name")] = None
    payment_method_id: Annotated[Text, column("Usual method of payment", source="PaymentMethodRef.value")] = None
    payment_method_name: Annotated[Text, column("Name of that method when sent", source="PaymentMethodRef.name")] = None
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
    custom_fields: Annotated[
        Json, column("The company's own fields: a list of DefinitionId, Name, Type, StringValue", source="CustomField")
    ] = None


class CustomerType(Listed, kw_only=True):
    """A kind of customer, as the company sorts them."""

    name: Annotated[Text, column("Name of the kind", source="Name")] = None


class Vendor(Person, kw_only=True):
    """Somebody who sells to the company."""

    company_name: Annotated[Text, column("Company the vendor is or works for", source="CompanyName")] = None
    primary_phone: Annotated[Text, column("Main telephone, as typed", source="PrimaryPhone.FreeFormNumber")] = None
    mobile_phone: Annotated[Text, column("Mobile telephone, as typed", source="Mobile.FreeFormNumber")] = None
    alternate_phone: Annotated[Text, column("Second telephone, as typed", source="AlternatePhone.FreeFormNumber")] = (
        None
    )
    fax_number: Annotated[Text, column("Fax number, as typed", source="Fax.FreeFormNumber")] = None
    web_url: Annotated[Text, column("Web address", source="WebAddr.URI")] = None
    other_contacts: Annotated[Json, column("Further contacts, as the vendor sends them", source="OtherContactInfo")] = (
        None
    )
    account_number: Annotated[Text, column("Our account number with the vendor", source="AcctNum")] = None
    tax_identifier: Annotated[Text, column("Tax number, masked by QuickBooks", source="TaxIdentifier")] = None
    vendor_1099: Annotated[Flag, column("Whether payments go on a US form 1099", source="Vendor1099")] = None
    billing_address_id: Annotated[Text, column("Id of the address", source="BillAddr.Id")] = None
    balance: Annotated[Number, column("What we owe the vendor", source="Balance", unit=CURRENCY)] = None
    currency_id: Annotated[Text, column("ISO code of the vendor's currency", source="CurrencyRef.value")] = None
    currency_name: Annotated[Text, column("Name of that currency when sent", source="CurrencyRef.name")] = None
    term_id: Annotated[Text, column("Usual terms of payment", source="TermRef.value")] = None


class Employee(Person, kw_only=True):
    """Somebody who works for the company."""

    primary_phone: Annotated[Text, column("Main telephone, as typed", source="PrimaryPhone.FreeFormNumber")] = None
    mobile_phone: Annotated[Text, column("Mobile telephone, as typed", source="Mobile.FreeFormNumber")] = None
    employee_number: Annotated[Text, column("Number the company gave", source="EmployeeNumber")] = None
    organization: Annotated[Flag, column("True for an organization", source="Organization")] = None
    gender: Annotated[Text, column("Male or Female, where told", source="Gender")] = None
    birth_date: Annotated[Day, column("Day of birth", source="BirthDate")] = None
    hired_date: Annotated[Day, column("First day", source="HiredDate")] = None
    released_date: Annotated[Day, column("Last day", source="ReleasedDate")] = None
    billable_time: Annotated[Flag, column("Whether hours are billed to customers", source="BillableTime")] = None
    bill_rate: Annotated[Number, column("Price of an hour", source="BillRate", unit=HOME)] = None
    cost_rate: Annotated[Number, column("Cost of an hour", source="CostRate", unit=HOME)] = None
    address_id: Annotated[Text, column("Id of the address", source="PrimaryAddr.Id")] = None


class CompanyInfo(Record, kw_only=True):
    """The company itself: one row for each connection."""

    company_name: Annotated[Text, column("Name in daily use", source="CompanyName")] = None
    legal_name: Annotated[Text, column("Name in law", source="LegalName")] = None
    country: Annotated[Text, column("Country of the books", source="Country")] = None
    email: Annotated[Text, column("Email of the company", source="Email.Address")] = None
    customer_communication_email: Annotated[
        Text, column("Email that customers see", source="CustomerCommunicationEmailAddr.Address")
    ] = None
    primary_phone: Annotated[Text, column("Telephone, as typed", source="PrimaryPhone.FreeFormNumber")] = None
    website: Annotated[Text, column("Web address", source="WebAddr.URI")] = None
    company_start_date: Annotated[Day, column("When the books were opened", source="CompanyStartDate")] = None
    fiscal_year_start_month: Annotated[Text, column("Month that a year begins with", source="FiscalYearStartMonth")] = (
        None
    )
    supported_languages: Annotated[Text, column("Languages, commas between", source="SupportedLanguages")] = None
    default_time_zone: Annotated[Text, column("Time zone of the company", source="DefaultTimeZone")] = None
    company_address_id: Annotated[Text, column("Id of the address", source="CompanyAddr.Id")] = None
    legal_address_id: Annotated[Text, column("Id of the address in law", source="LegalAddr.Id")] = None
    properties: Annotated[Json, column("Plan, features and the like: a list of Name and Value", source="NameValue")] = (
        None
    )
