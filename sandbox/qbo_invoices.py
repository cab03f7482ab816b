"""The made-up company's invoices, whose amounts add up to the cent, and the plan of who buys what."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox import qbo_words as words
from sandbox.clock import pacific
from sandbox.qbo_store import Record
from sandbox.qbo_words import address, money, number

_USD = {"value": "USD", "name": "United States Dollar"}
_EUR = {"value": "EUR", "name": "Euro"}
# Ten-thousandths of a dollar that a euro costs, on one day and another.
_RATES = (10_825, 10_800)
# Sales tax in hundredths of a percent.
_TAX = 825
_SHIPPING_INCOME = {"value": "83", "name": "Shipping Income"}
_SHIPPING = {"value": "SHIPPING_ITEM_ID", "name": "Shipping"}


class _Moments(Protocol):
    def of(self, at: int) -> tuple[int, int, str]: ...


@dataclass(frozen=True, slots=True)
class Books:
    """Who is whose parent, what costs what; positions count from 0, ids are positions plus 1."""

    customers: int
    items: int
    vendors: int
    balances: dict[int, int] = field(default_factory=dict)

    def parent(self, at: int) -> int | None:
        """Return the parent of a customer; every seventh is a sub-customer, some of those have a project below."""
        if at >= 10 and at % 7 == 3:
            return at - 3
        return at - 1 if at >= 12 and at % 35 == 4 else None

    def customer_names(self, at: int) -> tuple[str, str]:
        """Return a customer's own name and the full one with its parents'."""
        parent = self.parent(at)
        if parent is None:
            name = words.company_name(at, words.CUSTOMER_KINDS)
            return name, name
        name = f"{'Project' if at % 3 == 0 else 'Dock'} {at + 1}"
        return name, f"{self.customer_names(parent)[1]}:{name}"

    def customer_active(self, at: int) -> bool:
        """Say whether a customer is in use; no one's parent is ever inactive."""
        return not (at % 37 == 11 and at % 7 in (1, 2, 5, 6))

    def currency(self, at: int) -> dict[str, str]:
        """Return a customer's currency."""
        return _EUR if at % 20 == 9 else _USD

    def balance_with_jobs(self, at: int) -> int:
        """Return what a customer and those right below it owe, in cents."""
        below = [other for other in (at + 3, at + 1) if other < self.customers and self.parent(other) == at]
        return sum(self.balances.get(other, 0) for other in (at, *below))

    def item_kind(self, at: int) -> str:
        """Return an item's Type."""
        if at % 50 == 0:
            return "Category"
        if at % 50 == 49:
            return "Group"
        return ("NonInventory", "Inventory", "Service", "Inventory")[at % 4]

    def category(self, at: int) -> int | None:
        """Return the category that an item is in, if it is in one."""
        return at - at % 50 if at % 3 == 0 and at % 50 not in (0, 49) else None

    def price(self, at: int) -> int:
        """Return an item's price in cents."""
        return 0 if self.item_kind(at) == "Group" else 100 + at * 7_919 % 250_000

    def group_members(self, at: int) -> tuple[int, ...]:
        """Return the items in a group item."""
        return at - 1, at - 2, at - 5

    def item_ref(self, at: int) -> dict[str, str]:
        """Return a reference to an item."""
        return {"value": str(at + 1), "name": words.item_name(at)}


def books_head(id_: int, moment: tuple[int, int, str]) -> Record:
    """Return the fields that every record has; ``moment`` is created, changed, SyncToken."""
    created, changed, token = moment
    return {
        "domain": "QBO",
        "sparse": False,
        "Id": str(id_),
        "SyncToken": token,
        "MetaData": {"CreateTime": pacific(created), "LastUpdatedTime": pacific(changed)},
    }


def invoices(books: Books, count: int, moments: _Moments, rng: random.Random) -> Iterator[Record]:
    """Make invoices one by one and note in ``books`` what each customer owes."""
    if not books.customers:
        return
    for at in range(count):
        yield _invoice(books, at, count, moments.of(at), rng)


def _invoice(books: Books, at: int, count: int, moment: tuple[int, int, str], rng: random.Random) -> Record:
    customer = rng.randrange(books.customers)
    if not books.customer_active(customer):
        customer = 0
    voided = at % 101 == 50
    lines, subtotal, discount, taxable = _lines(books, voided, rng)
    tax = (taxable * _TAX + 5_000) // 10_000 if at % 3 == 0 else 0
    total = subtotal - discount + tax
    paid = (total, total, total // 3, 0)[at % 4]
    if voided:
        total = tax = paid = 0
    books.balances[customer] = books.balances.get(customer, 0) + total - paid
    name = books.customer_names(customer)[0]
    record: Record = dict.fromkeys(_ONLINE, at % 6 == 1) | books_head(at + 1, moment)
    record["CustomField"] = _custom_fields(at)
    record |= {
        "DocNumber": str(1_001 + at),
        "TxnDate": pacific(moment[0])[:10],
        "CurrencyRef": books.currency(customer),
    }
    if record["CurrencyRef"] is _EUR:
        rate = _RATES[at % 2]
        record["ExchangeRate"] = rate / 10_000
    if voided or at % 9 == 4:
        record["PrivateNote"] = "Voided" if voided else "Checked against the delivery note"
    record["LinkedTxn"] = _linked(at, count, 0 if voided else paid)
    record |= {"Line": lines, "TxnTaxDetail": _tax_detail(tax, taxable)}
    record["CustomerRef"] = {"value": str(customer + 1), "name": name}
    record |= _delivery(at, customer, moment[0])
    record |= {"TotalAmt": money(total), "ApplyTaxAfterDiscount": at % 2 == 1}
    record |= {"PrintStatus": "NeedToPrint", "EmailStatus": ("NotSet", "NeedToSend", "EmailSent")[at % 3]}
    record["Balance"] = money(total - paid)
    if record["CurrencyRef"] is _EUR:
        record |= {"HomeTotalAmt": money(_home(total, rate)), "HomeBalance": money(_home(total - paid, rate))}
    return record


_ONLINE = ("AllowIPNPayment", "AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment")


def _home(cents: int, rate: int) -> int:
    return (cents * rate + 5_000) // 10_000


def _custom_fields(at: int) -> list[dict[str, str]]:
    order = {"DefinitionId": "1", "Name": "P.O. Number", "Type": "StringType"}
    if at % 4:
        order["StringValue"] = f"PO-{at * 613 % 100_000:05}"
    return [order, {"DefinitionId": "2", "Name": "Sales Rep", "Type": "StringType"}]


def _linked(at: int, count: int, paid: int) -> list[dict[str, str]]:
    linked = (
        [{"TxnId": str(count + 2 * at + part + 1), "TxnType": "Payment"} for part in range(1 + at % 2)] if paid else []
    )
    if at % 13 == 5:
        linked.insert(0, {"TxnId": str(3 * count + at + 1), "TxnType": "Estimate"})
    return linked


def _tax_detail(tax: int, taxable: int) -> dict[str, Any]:
    if not tax:
        return {"TotalTax": 0}
    detail = {
        "TaxRateRef": {"value": "3"},
        "PercentBased": True,
        "TaxPercent": number(_TAX),
        "NetAmountTaxable": money(taxable),
    }
    line = {"Amount": money(tax), "DetailType": "TaxLineDetail", "TaxLineDetail": detail}
    return {"TxnTaxCodeRef": {"value": "2"}, "TotalTax": money(tax), "TaxLine": [line]}


def _delivery(at: int, customer: int, created: int) -> Record:
    record: Record = {}
    if at % 5 == 3:
        record["CustomerMemo"] = {"value": "Thank you for your order."}
    if customer % 6 != 5:
        # The vendor repeats the customer's address, id and all; some invoices have one of their own.
        record["BillAddr"] = address(customer, str(customer + 1))
        record["ShipAddr"] = (
            address(at + 31, str(5_000_000 + at)) if at % 4 == 2 else address(customer, str(customer + 1))
        )
    record["DueDate"] = pacific(created + 30 * 86_400)[:10]
    if at % 2:
        record["SalesTermRef"] = {"value": "3", "name": "Net 30"}
    if at % 3 == 1:
        record["BillEmail"] = {"Address": f"office.{customer + 1}@example.com"}
    if at % 11 == 2:
        record |= {"ShipDate": pacific(created + 86_400)[:10], "TrackingNum": f"TRACK{at:08}"}
        record |= {"ShipMethodRef": {"value": "Road freight", "name": "Road freight"}}
        record |= {"DeliveryInfo": {"DeliveryType": "Email", "DeliveryTime": pacific(created + 3_600)}}
    return record


def _lines(books: Books, voided: bool, rng: random.Random) -> tuple[list[Record], int, int, int]:
    """Return the lines, and in cents: their sum, the discount, and what of the sum is taxed."""
    lines: list[Record] = []
    subtotal = taxable = 0
    for line_number in range(1, rng.randint(1, 10) + 1):
        line, amount, taxed = _line(books, line_number, voided, rng.random(), rng.randrange(1 << 20))
        lines.append(line)
        subtotal, taxable = subtotal + amount, taxable + (amount if taxed else 0)
    discount = 0
    if rng.random() < 0.05:
        percent = 5 if subtotal % 2 else 10
        discount = 0 if voided else (subtotal * percent + 50) // 100
        detail = {"PercentBased": True, "DiscountPercent": percent, "DiscountAccountRef": {"value": "86"}}
        lines.append({"Amount": money(discount), "DetailType": "DiscountLineDetail", "DiscountLineDetail": detail})
    lines.append({"Amount": money(subtotal), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}})
    return lines, subtotal, discount, min(taxable, subtotal - discount)


def _line(books: Books, line_number: int, voided: bool, chance: float, draw: int) -> tuple[Record, int, bool]:
    line: Record = {"Id": str(line_number), "LineNum": line_number}
    if chance < 0.03:
        line |= {"Description": "As agreed on the telephone", "DetailType": "DescriptionOnly"}
        return line | {"DescriptionLineDetail": {}}, 0, False
    if chance < 0.05 or not books.items:
        amount = 0 if voided else 500 + draw % 4_000
        detail: Record = {"ItemRef": _SHIPPING, "ItemAccountRef": _SHIPPING_INCOME, "TaxCodeRef": {"value": "NON"}}
        return line | _sold(amount, detail), amount, False
    item = draw % books.items
    kind = books.item_kind(item)
    if kind == "Group":
        return _bundle(books, line, item, voided)
    if kind == "Category":
        item = item + 1 if item + 1 < books.items else item
    # Most are sold by the piece, some by the quarter.
    quantity = 100 * (1 + draw % 20) if draw % 6 else 25 * (1 + draw % 90)
    amount = 0 if voided else (quantity * books.price(item) + 50) // 100
    taxed = item % 4 == 1
    detail = {"ItemRef": books.item_ref(item), "UnitPrice": number(books.price(item)), "Qty": number(quantity)}
    if draw % 17 == 3:
        detail["ServiceDate"] = "2026-01-15"
    detail["TaxCodeRef"] = {"value": "TAX" if taxed else "NON"}
    if draw % 4:
        line["Description"] = f"{words.item_name(item)}, per piece"
    return line | _sold(amount, detail), amount, taxed


def _sold(amount: int, detail: Record) -> Record:
    return {"Amount": money(amount), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}


def _bundle(books: Books, line: Record, item: int, voided: bool) -> tuple[Record, int, bool]:
    inner: list[Record] = []
    total = 0
    for at, member in enumerate(books.group_members(item), 1):
        amount = 0 if voided else books.price(member)
        total += amount
        detail = {"ItemRef": books.item_ref(member), "UnitPrice": number(books.price(member)), "Qty": 1}
        inner.append({"Id": f"{line['Id']}{at}", **_sold(amount, {**detail, "TaxCodeRef": {"value": "NON"}})})
    group = {"GroupItemRef": books.item_ref(item), "Quantity": 1, "Line": inner}
    line |= {"Description": words.item_name(item), "Amount": money(total)}
    return line | {"DetailType": "GroupLineDetail", "GroupLineDetail": group}, total, False
