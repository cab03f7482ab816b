"""What the simulated QuickBooks knows about its entities (facts/quickbooks.md: Query, Objects, Change tracking)."""


def words(text: str) -> frozenset[str]:
    """Return the words of a text; lists of names read better so."""
    return frozenset(text.split())


# Lists with an Active flag: cannot be deleted, inactive rows are hidden, default order by name.
NAME_LISTS = words(
    "Account Budget Class CompanyCurrency Customer CustomerType Department Employee Item PaymentMethod TaxAgency"
    " TaxCode TaxRate Term Vendor"
)
TRANSACTIONS = words(
    "Bill BillPayment CreditMemo Deposit Estimate Invoice JournalCode JournalEntry Payment Purchase PurchaseOrder"
    " RefundReceipt SalesReceipt TimeActivity Transfer VendorCredit"
)
OTHERS = frozenset({"Attachable", "CompanyInfo", "Preferences"})
ENTITIES = {name.lower(): name for name in NAME_LISTS | TRANSACTIONS | OTHERS}

# Envelopes of these carry totalCount, those of the others do not (recorded 2026).
WITH_TOTAL_COUNT = frozenset({"Invoice", "Bill", "PurchaseOrder", "BillPayment", "Deposit", "JournalEntry"})
WITHOUT_CDC = frozenset({"JournalCode", "TaxAgency", "TimeActivity", "TaxCode", "TaxRate"})
VOIDABLE = frozenset({"Invoice", "Payment", "SalesReceipt"})
# Ids of these are drawn from one sequence: a vendor never has the id of a customer.
NAMES = frozenset({"Customer", "Vendor", "Employee"})

_TIMES = "MetaData.CreateTime MetaData.LastUpdatedTime"
_PERSON = (
    "Id Active DisplayName GivenName MiddleName FamilyName Suffix Title CompanyName PrintOnCheckName Balance"
    " PrimaryEmailAddr PrimaryPhone CurrencyRef "
)
# What WHERE and ORDERBY accept. PrivateNote and Item.Sku exist and are not filterable.
FILTERABLE = {
    "Customer": _PERSON + "FullyQualifiedName BalanceWithJobs Job ParentRef Taxable " + _TIMES,
    "Vendor": _PERSON + "AcctNum Vendor1099 " + _TIMES,
    "Item": "Id Active Name FullyQualifiedName Type UnitPrice PurchaseCost QtyOnHand InvStartDate ParentRef Taxable "
    + _TIMES,
    "Invoice": "Id DocNumber TxnDate DueDate CustomerRef TotalAmt Balance CurrencyRef " + _TIMES,
}
FILTERABLE_ELSEWHERE = (
    "Id Active Name DisplayName FullyQualifiedName DocNumber TxnDate DueDate TotalAmt Balance CustomerRef VendorRef"
    " AccountType Classification CompanyName " + _TIMES
)

_ADDRESSES = "BillAddr ShipAddr "
_RECORD = "Id SyncToken MetaData domain sparse status CustomField "
# What a posted record may hold; other fields are refused with 2010. Entities not named here take anything.
FIELDS = {
    "Customer": _RECORD + _ADDRESSES + "Active DisplayName Title GivenName MiddleName FamilyName Suffix"
    " FullyQualifiedName CompanyName PrintOnCheckName PrimaryPhone AlternatePhone Mobile Fax PrimaryEmailAddr WebAddr"
    " Notes Taxable Job BillWithParent IsProject ParentRef Level CustomerTypeRef Balance BalanceWithJobs"
    " OpenBalanceDate CurrencyRef SalesTermRef PaymentMethodRef PreferredDeliveryMethod ARAccountRef"
    " DefaultTaxCodeRef TaxExemptionReasonId ResaleNum",
    "Vendor": _RECORD + "BillAddr Active DisplayName Title GivenName MiddleName FamilyName Suffix CompanyName"
    " PrintOnCheckName PrimaryPhone AlternatePhone Mobile Fax PrimaryEmailAddr WebAddr OtherContactInfo AcctNum"
    " TaxIdentifier Vendor1099 Balance CurrencyRef TermRef",
    "Item": _RECORD + "Name Active FullyQualifiedName Type Sku Description PurchaseDesc UnitPrice PurchaseCost"
    " QtyOnHand TrackQtyOnHand InvStartDate ParentRef SubItem Level Taxable SalesTaxIncluded PurchaseTaxIncluded"
    " SalesTaxCodeRef PurchaseTaxCodeRef IncomeAccountRef ExpenseAccountRef AssetAccountRef PrefVendorRef"
    " ReorderPoint ItemGroupDetail PrintGroupedItems",
    "Invoice": _RECORD + _ADDRESSES + "DocNumber TxnDate DueDate ShipDate CustomerRef CustomerMemo PrivateNote"
    " BillEmail BillEmailCc BillEmailBcc SalesTermRef ClassRef DepartmentRef DepositToAccountRef Deposit Line"
    " LinkedTxn TxnTaxDetail TotalAmt Balance HomeTotalAmt HomeBalance ExchangeRate CurrencyRef GlobalTaxCalculation"
    " ApplyTaxAfterDiscount AllowIPNPayment AllowOnlinePayment AllowOnlineACHPayment AllowOnlineCreditCardPayment"
    " EmailStatus PrintStatus DeliveryInfo TrackingNum ShipMethodRef ShipFromAddr TxnSource",
}
REQUIRED = {
    "Customer": ("DisplayName",),
    "Vendor": ("DisplayName",),
    "Item": ("Name",),
    "Invoice": ("CustomerRef", "Line"),
}


def filterable(entity: str) -> dict[str, str]:
    """Return the properties that a query may name, by their lower-case form."""
    return {name.lower(): name for name in FILTERABLE.get(entity, FILTERABLE_ELSEWHERE).split()}


def sequence(entity: str) -> str:
    """Return the name of the sequence that an entity's ids are drawn from."""
    if entity in NAMES:
        return "names"
    return "transactions" if entity in TRANSACTIONS else entity
