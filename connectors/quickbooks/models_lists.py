"""The lists that transactions refer to: accounts, items, classes, taxes, terms; and budgets."""

from typing import Annotated

from connectors.quickbooks.models_common import (
    CURRENCY,
    HOME,
    UNITS,
    Day,
    Flag,
    Json,
    Listed,
    Number,
    Record,
    Row,
    Text,
    Whole,
)
from connectors.stream import column


class Account(Listed, kw_only=True):
    """An account of the ledger."""

    name: Annotated[Text, column("Name, unique below its parent", source="Name")] = None
    fully_qualified_name: Annotated[
        Text, column("Name with those of its parents, colons between", source="FullyQualifiedName")
    ] = None
    account_number: Annotated[Text, column("Number in the chart of accounts", source="AcctNum")] = None
    description: Annotated[Text, column("What it is for", source="Description")] = None
    classification: Annotated[Text, column("Asset, Equity, Expense, Liability or Revenue", source="Classification")] = (
        None
    )
    account_type: Annotated[Text, column("Kind of account, such as Bank", source="AccountType")] = None
    account_sub_type: Annotated[Text, column("Finer kind, such as Checking", source="AccountSubType")] = None
    sub_account: Annotated[Flag, column("True if under another account", source="SubAccount")] = None
    parent_account_id: Annotated[Text, column("Account that this is under", source="ParentRef.value")] = None
    balance: Annotated[Number, column("Balance now", source="CurrentBalance", unit=CURRENCY)] = None
    balance_with_sub_accounts: Annotated[
        Number, column("Balance now with all accounts below", source="CurrentBalanceWithSubAccounts", unit=CURRENCY)
    ] = None
    currency_id: Annotated[Text, column("ISO code of the account's currency", source="CurrencyRef.value")] = None
    currency_name: Annotated[Text, column("Name of that currency when sent", source="CurrencyRef.name")] = None
    tax_code_id: Annotated[Text, column("Usual tax code", source="TaxCodeRef.value")] = None


class Item(Listed, kw_only=True):
    """A product, service, category or bundle that is bought or sold."""

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
    income_account_name: Annotated[Text, column("Name of that account when sent", source="IncomeAccountRef.name")] = (
        None
    )
    expense_account_id: Annotated[Text, column("Account that costs go to", source="ExpenseAccountRef.value")] = None
    expense_account_name: Annotated[Text, column("Name of that account when sent", source="ExpenseAccountRef.name")] = (
        None
    )
    asset_account_id: Annotated[Text, column("Account that holds the stock", source="AssetAccountRef.value")] = None
    asset_account_name: Annotated[Text, column("Name of that account when sent", source="AssetAccountRef.name")] = None
    preferred_vendor_id: Annotated[Text, column("Vendor it is usually bought from", source="PrefVendorRef.value")] = (
        None
    )
    reorder_point: Annotated[Number, column("Stock below which to reorder", source="ReorderPoint", unit=UNITS)] = None
    print_grouped_items: Annotated[
        Flag, column("Whether documents show what is in the bundle", source="PrintGroupedItems")
    ] = None


class BundleItem(Row, kw_only=True):
    """An item that is in a bundle; bundles are the items of type Group, and the view bundle shows them alone."""

    bundle_id: Annotated[str, column("The bundle, an item itself", source="^Id")]
    item_id: Annotated[Text, column("Item in it", source="ItemRef.value")] = None
    item_quantity: Annotated[Number, column("How many in one bundle", source="Qty", unit=UNITS)] = None


class Budget(Listed, kw_only=True):
    """A budget of one span of time; its amounts are in budget_detail."""

    name: Annotated[Text, column("Name of the budget", source="Name")] = None
    start_date: Annotated[Day, column("First day", source="StartDate")] = None
    end_date: Annotated[Day, column("Last day", source="EndDate")] = None
    budget_type: Annotated[Text, column("Kind, such as ProfitAndLoss", source="BudgetType")] = None
    budget_entry_type: Annotated[Text, column("Monthly, Quarterly or Annually", source="BudgetEntryType")] = None


class BudgetDetail(Row, kw_only=True):
    """An amount of a budget for one account and one period."""

    budget_id: Annotated[str, column("The budget", source="^Id")]
    budget_date: Annotated[Day, column("Period it is for: its first day", source="BudgetDate")] = None
    amount: Annotated[Number, column("Amount planned", source="Amount", unit=HOME)] = None
    account_id: Annotated[Text, column("Account", source="AccountRef.value")] = None
    class_id: Annotated[Text, column("Class, if planned by class", source="ClassRef.value")] = None
    customer_id: Annotated[Text, column("Customer, if planned by customer", source="CustomerRef.value")] = None
    department_id: Annotated[Text, column("Department, if planned by department", source="DepartmentRef.value")] = None


class Class(Listed, kw_only=True):
    """A class that sales and costs are counted to."""

    name: Annotated[Text, column("Name, unique below its parent", source="Name")] = None
    fully_qualified_name: Annotated[
        Text, column("Name with those of its parents, colons between", source="FullyQualifiedName")
    ] = None
    sub_class: Annotated[Flag, column("True if under another class", source="SubClass")] = None
    parent_class_id: Annotated[Text, column("Class that this is under", source="ParentRef.value")] = None


class Department(Listed, kw_only=True):
    """A department; QuickBooks shows it as a location."""

    name: Annotated[Text, column("Name, unique below its parent", source="Name")] = None
    fully_qualified_name: Annotated[
        Text, column("Name with those of its parents, colons between", source="FullyQualifiedName")
    ] = None
    sub_department: Annotated[Flag, column("True if under another department", source="SubDepartment")] = None
    parent_department_id: Annotated[Text, column("Department that this is under", source="ParentRef.value")] = None


class PaymentMethod(Listed, kw_only=True):
    """A way in which customers pay."""

    name: Annotated[Text, column("Name of the method", source="Name")] = None
    type: Annotated[Text, column("CREDIT_CARD or NON_CREDIT_CARD", source="Type")] = None


class Term(Listed, kw_only=True):
    """Terms of payment."""

    name: Annotated[Text, column("Name, such as Net 30", source="Name")] = None
    type: Annotated[Text, column("STANDARD or DATE_DRIVEN", source="Type")] = None
    due_days: Annotated[Whole, column("Time to pay", source="DueDays", unit="days")] = None
    discount_percent: Annotated[
        Number, column("Discount for paying early", source="DiscountPercent", unit="percent")
    ] = None
    discount_days: Annotated[Whole, column("Time to pay early", source="DiscountDays", unit="days")] = None
    day_of_month_due: Annotated[Whole, column("Day of the month when due", source="DayOfMonthDue")] = None
    due_next_month_days: Annotated[
        Whole, column("Nearer to that day than this, due a month later", source="DueNextMonthDays", unit="days")
    ] = None
    discount_day_of_month: Annotated[
        Whole, column("Day of the month until when paying is early", source="DiscountDayOfMonth")
    ] = None


class TaxAgency(Record, kw_only=True):
    """An office that taxes are paid to."""

    display_name: Annotated[Text, column("Name of the office", source="DisplayName")] = None
    tax_registration_number: Annotated[Text, column("Number the company has there", source="TaxRegistrationNumber")] = (
        None
    )
    tax_tracked_on_purchases: Annotated[
        Flag, column("Whether tax on purchases is tracked", source="TaxTrackedOnPurchases")
    ] = None
    tax_tracked_on_sales: Annotated[Flag, column("Whether tax on sales is tracked", source="TaxTrackedOnSales")] = None
    last_file_date: Annotated[Day, column("When tax was last declared", source="LastFileDate")] = None


class TaxRate(Listed, kw_only=True):
    """A rate of tax."""

    name: Annotated[Text, column("Name of the rate", source="Name")] = None
    description: Annotated[Text, column("What it is for", source="Description")] = None
    rate_value: Annotated[Number, column("The rate now", source="RateValue", unit="percent")] = None
    tax_agency_id: Annotated[Text, column("Office it is paid to", source="AgencyRef.value")] = None
    display_type: Annotated[Text, column("Where it is shown", source="DisplayType")] = None
    special_tax_type: Annotated[Text, column("NONE, or why it is special", source="SpecialTaxType")] = None
    effective_tax_rate: Annotated[
        Json, column("Rates by time: a list of RateValue, EffectiveDate, EndDate", source="EffectiveTaxRate")
    ] = None


class TaxCode(Listed, kw_only=True):
    """A tax code: rates that apply together."""

    name: Annotated[Text, column("Name of the code", source="Name")] = None
    description: Annotated[Text, column("What it is for", source="Description")] = None
    taxable: Annotated[Flag, column("False for the code that means no tax", source="Taxable")] = None
    tax_group: Annotated[Flag, column("True if it is made of rates", source="TaxGroup")] = None
    hidden: Annotated[Flag, column("True if people do not see it", source="Hidden")] = None


class TaxCodeRate(Row, kw_only=True):
    """A rate in a tax code."""

    tax_code_id: Annotated[str, column("The code", source="^Id")]
    tax_rate_id: Annotated[Text, column("The rate", source="TaxRateRef.value")] = None
    tax_type_applicable: Annotated[
        Text, column("What it is taken of, such as TaxOnAmount", source="TaxTypeApplicable")
    ] = None
    tax_order: Annotated[Whole, column("Order in which it applies", source="TaxOrder")] = None
    tax_on_tax_order: Annotated[Whole, column("Order of the tax that it is taken of", source="TaxOnTaxOrder")] = None


class TaxCodeSalesRate(TaxCodeRate, kw_only=True):
    """A rate that a tax code puts on sales."""


class TaxCodePurchaseRate(TaxCodeRate, kw_only=True):
    """A rate that a tax code puts on purchases."""
