"""A made-up company: customers, vendors, items and invoices of a chosen size, the same for the same seed.

It has what makes real companies hard: sub-customers and projects, inactive rows, several records changed in one
second, change times that moved without SyncToken, both Pacific offsets, missing fields, lines of every kind.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox import qbo_purchases, qbo_sales
from sandbox import qbo_words as words
from sandbox.clock import parse_time
from sandbox.qbo_desk import Desk
from sandbox.qbo_invoices import Books, books_head, invoices
from sandbox.qbo_lists import lists
from sandbox.qbo_store import Record, Store
from sandbox.qbo_words import address, money, number, phone

BEGIN, END = parse_time("2024-01-02T08:00:00-08:00"), parse_time("2026-05-05T02:11:41-07:00")
# So many records in a row may share one second, as after an import.
IMPORT_SIZE = 25


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many records of each kind."""

    customers: int = 1_000
    vendors: int = 300
    items: int = 2_000
    invoices: int = 5_000


class Moments:
    """Creation and change times for ``count`` records, in the order of their ids."""

    def __init__(self, count: int, rng: random.Random) -> None:
        self.step, self.rng = (END - BEGIN) / max(count, 1), rng

    def of(self, at: int) -> tuple[int, int, str]:
        """Return created and changed (Unix seconds) and SyncToken of the record at this position."""
        start = at - at % IMPORT_SIZE if at // IMPORT_SIZE % 3 == 0 else at
        created = BEGIN + int(start * self.step)
        if at % 5 < 2:
            return created, created, "0"
        changed = min(END, created + self.rng.randrange(60, 90 * 86_400))
        # Two of three changes are an edit; the third moved a balance, which leaves SyncToken as it was.
        return created, changed, "0" if at % 3 == 0 else str(1 + at % 4)


def fill(store: Store, sizes: Sizes, seed: int) -> None:
    """Put a company of this size into an empty store."""
    rng = random.Random(seed)  # noqa: S311
    books = Books(sizes.customers, sizes.items, sizes.vendors)
    written = list(invoices(books, sizes.invoices, Moments(sizes.invoices, rng), rng))
    if sizes.customers or sizes.vendors or sizes.items:
        _keep_books(store, books, sizes, written, random.Random(seed + 1))  # noqa: S311
    parts: tuple[tuple[str, int, Callable[..., Iterator[Record]]], ...] = (
        ("Customer", sizes.customers, _customers),
        ("Vendor", sizes.vendors, _vendors),
        ("Item", sizes.items, _items),
    )
    for entity, count, make in parts:
        for record in make(books, count, Moments(count, rng)):
            store.put(entity, record)
    for record in written:
        store.put("Invoice", record)


def _keep_books(store: Store, books: Books, sizes: Sizes, written: list[Record], rng: random.Random) -> None:
    """Write all other transactions and lists, so that the accounts hold what the transactions have moved."""
    # Invoices name payments and estimates by ids up to four times their number.
    desk, first_employee = Desk(store, 4 * sizes.invoices + 1, BEGIN, END, rng), sizes.customers + sizes.vendors + 1
    for invoice in written:
        qbo_sales.post_invoice(desk, invoice)
    qbo_sales.deposits(desk, qbo_sales.payments(desk, written))
    qbo_sales.estimates(desk, written)
    qbo_sales.receipts(desk, books, sizes.invoices)
    qbo_purchases.vendors(desk, books)
    qbo_purchases.purchases(desk, books, sizes.invoices // 20)
    qbo_purchases.own_money(desk, sizes.invoices // 100)
    qbo_purchases.hours(desk, books, first_employee, sizes.invoices // 100)
    for entity, record in lists(first_employee):
        store.put(entity, record)
    for record in desk.ledger.accounts((BEGIN, END, "0")):
        store.put("Account", record)


def _customers(books: Books, count: int, moments: Moments) -> Iterator[Record]:
    for at in range(count):
        id_, parent = at + 1, books.parent(at)
        name, full_name = books.customer_names(at)
        gone = not books.customer_active(at)
        suffix = " (deleted)" if gone else ""
        record: Record = {"Taxable": at % 4 != 1}
        if at % 6 != 5:
            record["BillAddr"] = address(at, str(id_))
            record["ShipAddr"] = address(at if at % 3 else at + 1, str(id_ if at % 3 else count + id_))
        record |= {"Job": parent is not None, "BillWithParent": parent is not None and at % 2 == 0}
        if parent is not None:
            record |= {"ParentRef": {"value": str(parent + 1)}, "Level": 1 if books.parent(parent) is None else 2}
            record["IsProject"] = at % 3 == 0
        record |= {
            "Balance": money(books.balances.get(at, 0)),
            "BalanceWithJobs": money(books.balance_with_jobs(at)),
            "CurrencyRef": books.currency(at),
            "PreferredDeliveryMethod": ("Print", "Email", "None")[at % 3],
            **books_head(id_, moments.of(at)),
            **_contact(at),
            "FullyQualifiedName": full_name + suffix,
            "CompanyName": name,
            "DisplayName": name + suffix,
            "PrintOnCheckName": name,
            "Active": not gone,
        }
        if at % 8:
            record |= {"PrimaryPhone": phone(at), "PrimaryEmailAddr": {"Address": f"office.{id_}@example.com"}}
        if at % 10 == 6:
            record |= {"Mobile": phone(at + 1), "Fax": phone(at + 2), "AlternatePhone": phone(at + 3)}
            record |= {"WebAddr": {"URI": f"http://site{id_}.example.com"}, "Notes": "Ring the bell.\nTwice."}
        if at % 5 == 2:
            record |= {"SalesTermRef": {"value": "3", "name": "Net 30"}, "PaymentMethodRef": {"value": "2"}}
            record |= {"DefaultTaxCodeRef": {"value": "2"}, "ResaleNum": f"R-{id_:06}"}
        yield record


def _contact(at: int) -> Record:
    # Departments instead of people: the fields get values, and nobody is made up.
    return {"GivenName": "Front", "FamilyName": "Office"} if at % 4 == 0 else {}


def _vendors(books: Books, count: int, moments: Moments) -> Iterator[Record]:
    for at in range(count):
        id_ = books.customers + at + 1
        name, gone = words.company_name(at, words.VENDOR_KINDS), at % 41 == 17
        record: Record = {}
        if at % 3:
            record["BillAddr"] = address(at + 77, str(3_000_000 + id_))
        if at % 7 == 1:
            record["TaxIdentifier"] = f"XXXXXX{1000 + at % 9000}"
        record |= {"Balance": money(qbo_purchases.owed(at)), "Vendor1099": at % 7 == 1}
        if at % 2:
            record |= {"AcctNum": f"{at * 811 % 1_000_000:09}", "TermRef": {"value": "3"}}
        record |= {
            "CurrencyRef": {"value": "USD", "name": "United States Dollar"},
            **books_head(id_, moments.of(at)),
            **_contact(at),
            "CompanyName": name,
            "DisplayName": f"{name} (deleted)" if gone else name,
            "PrintOnCheckName": name,
            "Active": not gone,
        }
        if at % 5:
            record |= {"PrimaryPhone": phone(at), "PrimaryEmailAddr": {"Address": f"orders.{id_}@example.com"}}
        if at % 9 == 2:
            record["WebAddr"] = {"URI": f"http://vendor{id_}.example.com"}
        yield record


def _items(books: Books, count: int, moments: Moments) -> Iterator[Record]:
    for at in range(count):
        kind, category = books.item_kind(at), books.category(at)
        gone = at % 47 == 33 and kind not in ("Category", "Group")
        name = f"{words.item_name(at)}{' (deleted)' if gone else ''}"
        record: Record = {"Name": name}
        if kind != "Category" and at % 3:
            record |= {"Sku": f"SKU-{at:05}", "Description": f"{words.item_name(at)}, per piece"}
        record["Active"] = not gone
        record["FullyQualifiedName"] = name if category is None else f"{words.item_name(category)}:{name}"
        if category is not None:
            parent = {"value": str(category + 1), "name": words.item_name(category)}
            record |= {"SubItem": True, "ParentRef": parent, "Level": 1}
        if kind != "Category":
            record |= {"Taxable": at % 4 == 1, "UnitPrice": number(books.price(at))}
        record |= {"Type": kind, **_stock(books, at, kind), **books_head(at + 1, moments.of(at))}
        yield record


def _stock(books: Books, at: int, kind: str) -> Record:
    if kind == "Category":
        return {}
    if kind == "Group":
        lines = [{"ItemRef": books.item_ref(other), "Qty": 1 + other % 3} for other in books.group_members(at)]
        return {"PrintGroupedItems": at % 2 == 0, "ItemGroupDetail": {"ItemGroupLine": lines}}
    record: dict[str, Any] = {"IncomeAccountRef": {"value": "79", "name": "Sales of Product Income"}}
    record |= {"PurchaseCost": number(books.price(at) * 6 // 10), "TrackQtyOnHand": kind == "Inventory"}
    if kind == "Inventory":
        record |= {
            "PurchaseDesc": f"{words.item_name(at)}, bought",
            "ExpenseAccountRef": {"value": "80", "name": "Cost of Goods Sold"},
            "AssetAccountRef": {"value": "81", "name": "Inventory Asset"},
            "QtyOnHand": number(at % 400 * 100 + (50 if at % 11 == 1 else 0)),
            "InvStartDate": "2024-01-01",
        }
    return record
