"""The made-up company's dealings with vendors and its own money: orders, bills, purchases, transfers, entries, hours."""

from typing import Any

from sandbox import qbo_ledger as ledger
from sandbox import qbo_words as words
from sandbox.clock import pacific
from sandbox.qbo_desk import DAY, Desk, account_line, linked
from sandbox.qbo_invoices import Books
from sandbox.qbo_store import Record
from sandbox.qbo_words import address, money, number

_USD = {"value": "USD", "name": "United States Dollar"}
COSTS = (ledger.ADVERTISING, ledger.RENT, ledger.ELECTRICITY, ledger.UTILITIES)


def owed(vendor: int) -> int:
    """Return what the company owes a vendor (by position, from 0), in cents."""
    return vendor * 3_731 % 90_000 if vendor % 4 == 0 else 0


def vendors(desk: Desk, books: Books) -> None:
    """Write each vendor's orders, bills, credits and payments; what stays open is what the vendor is owed."""
    stocked = [at for at in range(min(books.items, 400)) if books.item_kind(at) == "Inventory"]
    for vendor in range(books.vendors):
        created = desk.moment(vendor * 37 % max(books.vendors, 1), books.vendors)
        ref = {"value": str(books.customers + vendor + 1), "name": words.company_name(vendor, words.VENDOR_KINDS)}
        head: Record = {"VendorRef": ref, "CurrencyRef": _USD}
        order = _order(desk, books, head, vendor, stocked, created) if vendor % 5 == 2 and stocked else ""
        credit = 2_500 + vendor if vendor % 20 == 4 else 0
        if owed(vendor) or credit:
            _bill(desk, books, head, vendor, stocked, created, owed(vendor) + credit, order="")
        if credit:
            _credit(desk, head, credit, created + 3 * DAY)
        if vendor % 3 or order:
            _paid_bill(desk, books, head, vendor, stocked, created, order)


def _order(desk: Desk, books: Books, head: Record, vendor: int, stocked: list[int], created: int) -> str:
    line, amount = _item_line(books, stocked[vendor % len(stocked)], 4 + vendor % 7)
    fields = {"DefinitionId": "1", "Name": "PO Number", "Type": "StringType", "StringValue": f"OUR-{vendor:04}"}
    record = {
        **head, "DocNumber": f"PO-{3_001 + vendor}", "Line": [line], "TotalAmt": money(amount), "POStatus": "Closed",
        "APAccountRef": ledger.account_ref(ledger.PAYABLE), "CustomField": [fields], "EmailStatus": "NotSet",
        "VendorAddr": address(vendor + 77, str(6_000_000 + vendor)), "ShipAddr": address(5, "7000000"),
        "Memo": "Ring before delivery.", "LinkedTxn": [],
    }  # fmt: skip
    return desk.write("PurchaseOrder", created - 9 * DAY, record)


def _item_line(books: Books, item: int, quantity: int) -> tuple[Record, int]:
    """Return a line that buys an item for stock, and its amount in cents."""
    cost = books.price(item) * 6 // 10
    detail = {"ItemRef": books.item_ref(item), "UnitPrice": number(cost), "Qty": quantity}
    detail |= {"BillableStatus": "NotBillable", "TaxCodeRef": {"value": "NON"}}
    line = {"Id": "1", "LineNum": 1, "Description": words.item_name(item), "Amount": money(cost * quantity)}
    return {**line, "DetailType": "ItemBasedExpenseLineDetail", "ItemBasedExpenseLineDetail": detail}, cost * quantity


def _bill(
    desk: Desk, books: Books, head: Record, vendor: int, stocked: list[int], created: int, balance: int | None,
    *, order: str, paid_by: str = "",
) -> tuple[str, int]:  # fmt: skip
    """Write a bill, open with that balance or paid; return its id and its total in cents."""
    if balance is None and stocked:
        line, total = _item_line(books, stocked[vendor % len(stocked)], 4 + vendor % 7)
        account = ledger.INVENTORY
    else:
        total, account = balance or 12_000 + vendor * 313 % 40_000, COSTS[vendor % 4]
        line = account_line(1, account, total, **({"ClassRef": {"value": "1"}} if vendor % 6 == 0 else {}))
    links = [linked(order, "PurchaseOrder")] if order else []
    links += [linked(paid_by, "BillPaymentCheck" if vendor % 2 else "BillPaymentCreditCard")] if paid_by else []
    record: Record = {
        **head, "DocNumber": f"B-{vendor:04}", "DueDate": pacific(created + 30 * DAY)[:10], "Line": [line],
        "TotalAmt": money(total), "Balance": money(balance or 0), "LinkedTxn": links, "SalesTermRef": {"value": "3"},
        "APAccountRef": ledger.account_ref(ledger.PAYABLE), "VendorAddr": address(vendor + 77, str(6_000_000 + vendor)),
    }  # fmt: skip
    desk.post((account, total), (ledger.PAYABLE, -total))
    return desk.write("Bill", created, record), total


def _paid_bill(
    desk: Desk, books: Books, head: Record, vendor: int, stocked: list[int], created: int, order: str
) -> None:
    payment = desk.new_id()
    bill, total = _bill(desk, books, head, vendor, stocked, created + DAY, None, order=order, paid_by=payment)
    how: dict[str, Any] = {"CheckPayment": {"BankAccountRef": ledger.account_ref(ledger.CHECKING)}}
    how["CheckPayment"]["PrintStatus"] = "NeedToPrint"
    if vendor % 2 == 0:
        how = {"CreditCardPayment": {"CCAccountRef": ledger.account_ref(ledger.CARD)}}
    record = {
        **head, **how, "PayType": "Check" if vendor % 2 else "CreditCard", "TotalAmt": money(total),
        "DocNumber": str(500 + vendor), "Line": [{"Amount": money(total), "LinkedTxn": [linked(bill, "Bill")]}],
    }  # fmt: skip
    desk.write("BillPayment", created + 20 * DAY, record, id_=payment)
    desk.post((ledger.PAYABLE, total), (ledger.CHECKING if vendor % 2 else ledger.CARD, -total))


def _credit(desk: Desk, head: Record, cents: int, created: int) -> None:
    line = account_line(1, ledger.ADVERTISING, cents)
    record = {
        **head, "DocNumber": "VC-1", "Line": [line], "TotalAmt": money(cents), "Balance": money(cents),
        "APAccountRef": ledger.account_ref(ledger.PAYABLE),
    }  # fmt: skip
    desk.write("VendorCredit", created, record)
    desk.post((ledger.PAYABLE, cents), (ledger.ADVERTISING, -cents))


def purchases(desk: Desk, books: Books, count: int) -> None:
    """Write what was bought and paid at once; every eleventh is money back on the card, every twentieth is voided."""
    for at in range(count):
        credit, voided = at % 11 == 10, at % 20 == 12
        amount = 0 if voided else 1_900 + at * 617 % 60_000
        paid_from = ledger.CARD if credit or at % 2 else ledger.CHECKING
        record: Record = {
            "AccountRef": ledger.account_ref(paid_from), "CurrencyRef": _USD, "TotalAmt": money(amount),
            "PaymentType": "CreditCard" if paid_from == ledger.CARD else "Check", "DocNumber": f"P-{at:04}",
            "Line": [account_line(1, COSTS[at % 4], amount)], "PrintStatus": "NotSet",
        }  # fmt: skip
        if credit:
            record["Credit"] = True
        if voided:
            record["PrivateNote"] = "Voided"
        if books.vendors and at % 3:
            vendor = at % books.vendors
            record["EntityRef"] = {"value": str(books.customers + vendor + 1), "type": "Vendor"}
        desk.write("Purchase", desk.moment(at, count), record)
        sign = -1 if credit else 1
        desk.post((COSTS[at % 4], sign * amount), (paid_from, -sign * amount))


def own_money(desk: Desk, transfers: int) -> None:
    """Write what the owner put in, a monthly entry for wear, and money moved to savings."""
    _entry(desk, 0, "Opening", [(ledger.CHECKING, 5_000_000), (ledger.OWNERS_EQUITY, -5_000_000)])
    _entry(desk, 1, "Equipment", [(ledger.EQUIPMENT, 900_000), (ledger.CHECKING, -900_000)])
    for month in range(24):
        _entry(desk, month * 30 + 31, "Wear", [(ledger.DEPRECIATION, 15_000), (ledger.EQUIPMENT, -15_000)])
    for at in range(transfers):
        record = {
            "FromAccountRef": ledger.account_ref(ledger.CHECKING), "ToAccountRef": ledger.account_ref(ledger.SAVINGS),
            "Amount": money(20_000), "CurrencyRef": _USD,
        }  # fmt: skip
        desk.write("Transfer", desk.moment(at, transfers), record)
        desk.post((ledger.SAVINGS, 20_000), (ledger.CHECKING, -20_000))


def _entry(desk: Desk, day: int, note: str, entries: list[tuple[str, int]]) -> None:
    lines = [
        {
            "Id": str(number), "Description": note, "Amount": money(abs(cents)), "DetailType": "JournalEntryLineDetail",
            "JournalEntryLineDetail": {
                "PostingType": "Debit" if cents > 0 else "Credit", "AccountRef": ledger.account_ref(account),
            },
        }
        for number, (account, cents) in enumerate(entries)
    ]  # fmt: skip
    total = sum(cents for _, cents in entries if cents > 0)
    record = {
        "DocNumber": f"J-{day}", "Adjustment": note == "Wear", "PrivateNote": note, "Line": lines,
        "CurrencyRef": _USD, "TotalAmt": money(total),
    }  # fmt: skip
    desk.write("JournalEntry", desk.moment(day, 860), record)
    desk.post(*entries)


def hours(desk: Desk, books: Books, first_employee: int, count: int) -> None:
    """Write hours that employees worked for customers."""
    for at in range(count if books.customers else 0):
        created = desk.moment(at, count)
        record = {
            "NameOf": "Employee", "EmployeeRef": {"value": str(first_employee + at % 2)}, "Hours": 1 + at % 8,
            "Minutes": 15 * (at % 4), "CustomerRef": {"value": str(1 + at % books.customers)}, "HourlyRate": 45,
            "BillableStatus": "NotBillable", "Taxable": False, "Description": "On site",
            "StartTime": pacific(created), "EndTime": pacific(created + 3_600 * (1 + at % 8) + 900 * (at % 4)),
        }  # fmt: skip
        desk.write("TimeActivity", created, record)
