"""The made-up company's ledger: its chart of accounts, and postings that always balance.

Amounts are whole cents of the home currency, debits above zero. What an account holds in the end is what the vendor
tells as its balance, so that whoever lands the transactions can be checked against the accounts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sandbox.qbo_invoices import books_head
from sandbox.qbo_store import Record
from sandbox.qbo_words import money

CHECKING, SAVINGS, PETTY_CASH, UNDEPOSITED, INVENTORY, EQUIPMENT = "35", "36", "37", "4", "81", "64"
RECEIVABLE, RECEIVABLE_EUR, PAYABLE, CARD, SALES_TAX = "84", "85", "33", "41", "90"
OWNERS_EQUITY, RETAINED = "30", "2"
SALES, SHIPPING_INCOME, DISCOUNTS, INTEREST = "79", "83", "86", "25"
COST_OF_GOODS, ADVERTISING, RENT, UTILITIES, ELECTRICITY, DEPRECIATION = "80", "7", "17", "24", "76", "40"
AGENCY = "Eastmere Revenue Office"

# The vendor shows these with the sign of the ledger: what is owed, and equity, below zero.
BALANCE_SHEET = ("Asset", "Liability", "Equity")


@dataclass(frozen=True, slots=True)
class Account:
    """An account: the vendor's classification, type and sub-type; ``above`` is the account that it is under."""

    name: str
    classification: str
    type: str
    sub_type: str
    above: str = ""
    currency: str = "USD"
    active: bool = True


CHART: Mapping[str, Account] = {
    CHECKING: Account("Checking", "Asset", "Bank", "Checking"),
    SAVINGS: Account("Savings", "Asset", "Bank", "Savings"),
    PETTY_CASH: Account("Petty Cash", "Asset", "Bank", "CashOnHand"),
    UNDEPOSITED: Account("Undeposited Funds", "Asset", "Other Current Asset", "UndepositedFunds"),
    RECEIVABLE: Account("Accounts Receivable (A/R)", "Asset", "Accounts Receivable", "AccountsReceivable"),
    RECEIVABLE_EUR: Account(
        "Accounts Receivable (A/R) - EUR", "Asset", "Accounts Receivable", "AccountsReceivable", currency="EUR"
    ),
    INVENTORY: Account("Inventory Asset", "Asset", "Other Current Asset", "Inventory"),
    EQUIPMENT: Account("Workshop Equipment", "Asset", "Fixed Asset", "MachineryAndEquipment"),
    PAYABLE: Account("Accounts Payable (A/P)", "Liability", "Accounts Payable", "AccountsPayable"),
    CARD: Account("Company Card", "Liability", "Credit Card", "CreditCard"),
    SALES_TAX: Account(f"{AGENCY} Payable", "Liability", "Other Current Liability", "GlobalTaxPayable"),
    OWNERS_EQUITY: Account("Owner's Equity", "Equity", "Equity", "OwnersEquity"),
    RETAINED: Account("Retained Earnings", "Equity", "Equity", "RetainedEarnings"),
    SALES: Account("Sales of Product Income", "Revenue", "Income", "SalesOfProductIncome"),
    SHIPPING_INCOME: Account("Shipping Income", "Revenue", "Income", "OtherPrimaryIncome"),
    DISCOUNTS: Account("Discounts given", "Revenue", "Income", "DiscountsRefundsGiven"),
    INTEREST: Account("Interest Earned", "Revenue", "Other Income", "InterestEarned"),
    COST_OF_GOODS: Account("Cost of Goods Sold", "Expense", "Cost of Goods Sold", "SuppliesMaterialsCogs"),
    ADVERTISING: Account("Advertising", "Expense", "Expense", "AdvertisingPromotional"),
    RENT: Account("Rent", "Expense", "Expense", "RentOrLeaseOfBuildings"),
    UTILITIES: Account("Utilities", "Expense", "Expense", "Utilities"),
    ELECTRICITY: Account("Electricity", "Expense", "Expense", "Utilities", above=UTILITIES),
    DEPRECIATION: Account("Depreciation", "Expense", "Other Expense", "Depreciation"),
    "99": Account("Old Till (deleted)", "Asset", "Bank", "CashOnHand", active=False),
}


def account_ref(id_: str) -> dict[str, str]:
    """Return a reference to an account."""
    return {"value": id_, "name": CHART[id_].name}


class Ledger:
    """What has been posted. Posting what does not balance is a fault of the simulator and raises AssertionError."""

    def __init__(self) -> None:
        self.home = dict.fromkeys(CHART, 0)
        self.own = dict.fromkeys(CHART, 0)

    def post(self, *entries: tuple[str, int], rate: int = 10_000) -> None:
        """Post debits (above zero) and credits of one transaction, in cents of its currency.

        ``rate`` is how many ten-thousandths of the home currency one unit of it costs. What rounding leaves over goes
        to the first entry, as the vendor does it.
        """
        assert sum(cents for _, cents in entries) == 0, entries
        converted = [(cents * rate + 5_000) // 10_000 for _, cents in entries[1:]]
        for (account, cents), home in zip(entries, [-sum(converted), *converted], strict=True):
            self.home[account] += home
            self.own[account] += cents if CHART[account].currency != "USD" else home

    def accounts(self, moment: tuple[int, int, str]) -> Iterator[Record]:
        """Yield the vendor's records of all accounts, with what they hold now.

        Accounts of income and cost show 0: their sum is in retained earnings, as after the books of a year are closed.
        """
        shown = {id_: cents if CHART[id_].classification in BALANCE_SHEET else 0 for id_, cents in self.own.items()}
        shown[RETAINED] += sum(c for id_, c in self.home.items() if CHART[id_].classification not in BALANCE_SHEET)
        for id_, account in CHART.items():
            below = sum(shown[other] for other, each in CHART.items() if each.above == id_)
            full = f"{CHART[account.above].name}:{account.name}" if account.above else account.name
            record: Record = {"Name": account.name, "SubAccount": bool(account.above)}
            if account.above:
                record["ParentRef"] = {"value": account.above}
            yield record | {
                "FullyQualifiedName": full,
                "Active": account.active,
                "Classification": account.classification,
                "AccountType": account.type,
                "AccountSubType": account.sub_type,
                "CurrentBalance": money(shown[id_]),
                "CurrentBalanceWithSubAccounts": money(shown[id_] + below),
                "CurrencyRef": {"value": account.currency},
                **books_head(int(id_), moment),
            }
