"""A made-up QuickBooks company of any size, from numbers alone: the same records on every machine.

`Company(scale)` at scale 1 has 200,000 customers and 100,000 invoices with about 651,000 lines, 480 MB of JSON. Its
second version differs in 1 % of the records, lacks 0.1 % and has 0.1 % more. So does what an hour may bring, in which
fewer of the changes fall on invoices: of 1,000 and more the vendor's change data capture tells no deletions. Records
come in the vendor's order, that of their last change, as the bytes that the vendor would send. Only their times differ
from day to day, since change data capture reaches back 30 days.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

CUSTOMERS, INVOICES = 200_000, 100_000
SPAN = 600 * 86_400  # seconds in which everything of the first version changed last
LATER = 3600  # seconds after that in which all the changes fall
NAMES = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ironwood", "Juniper", "Kauri", "Linde")
TRADES = ("Pumps", "Valves", "Freight", "Paper", "Optics", "Castings", "Tools", "Glass", "Cables", "Bearings", "Café")
CITIES = ("Bayshore", "Tucson", "Half Moon Bay", "Menlo Park", "Millbrae", "Palo Alto", "South Orange", "Zürich")

Record = tuple[int, bytes]
"""Unix seconds of the last change, and the JSON text."""


@dataclass(frozen=True, slots=True)
class Company:
    """A company of a size; ``scale`` 1 is the size that results are given for. ``begin`` is its first moment (Unix s)."""

    scale: float = 1.0
    begin: int = field(default_factory=lambda: int(time.time()) - SPAN - LATER)

    def count(self, entity: str) -> int:
        """How many records of an entity the first version has."""
        return round({"Customer": CUSTOMERS, "Invoice": INVOICES}.get(entity, 0) * self.scale)

    def first(self, entity: str) -> list[Record]:
        """The first version of an entity."""
        count = self.count(entity)
        return [self._record(entity, at, int(at * SPAN / count), edited=False) for at in range(count)]

    def second(self, entity: str, first: list[Record]) -> list[Record]:
        """The second version, made from the first, which stays as it is."""
        return self._changed(entity, first, edited=lambda at: at % 100 == 7, removed=lambda at: at % 1000 == 13)

    def hour(self, entity: str, first: list[Record]) -> list[Record]:
        """What an hour makes of the first version: 1 % of all records changed, 0.7 % of the invoices among them.

        Invoices are deleted; customers, as the vendor has it, only become inactive.
        """
        if entity == "Invoice":
            return self._changed(
                entity, first, edited=lambda at: at % 1000 // 7 == 1, removed=lambda at: at % 1000 == 3
            )
        return self._changed(entity, first, edited=lambda at: at % 2000 // 23 == 1, removed=lambda at: False)

    def _changed(
        self, entity: str, first: list[Record], *, edited: Callable[[int], bool], removed: Callable[[int], bool]
    ) -> list[Record]:
        """The first version without what was removed and edited, then what was edited and one new record a thousand."""
        count = len(first)
        kept = [record for at, record in enumerate(first) if not (removed(at) or edited(at))]
        changed = [at for at in range(count) if edited(at) and not removed(at)]
        added = range(count, count + count // 1000)
        step = LATER / (count + count // 1000 + 1)
        return kept + [self._record(entity, at, SPAN + int(at * step), edited=True) for at in (*changed, *added)]

    def _record(self, entity: str, at: int, seconds: int, *, edited: bool) -> Record:
        changed = self.begin + seconds
        if entity == "Customer":
            return changed, _customer(at, edited, changed, self.begin).encode()
        return changed, _invoice(at, edited, changed, self.begin, max(1, self.count("Customer"))).encode()


def _money(cents: int) -> str:
    """An amount as the vendor writes it: a number without superfluous zeros, at least one decimal."""
    whole, rest = divmod(cents, 100)
    return f"{whole}.{rest:02}" if rest % 10 else f"{whole}.{rest // 10}"


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S-08:00", time.gmtime(seconds - 8 * 3600))


def _day(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _name(at: int) -> str:
    return f"{NAMES[at % 12]} {NAMES[at // 12 % 12]} {TRADES[at // 7 % 11]} {at}"


def _address(at: int, id_: int) -> str:
    return (
        f'{{"Id":"{id_}","Line1":"{at * 37 % 9973} {NAMES[at % 12]} St.","City":"{CITIES[at % 8]}",'
        f'"CountrySubDivisionCode":"CA","PostalCode":"{10000 + at * 7919 % 89999}",'
        f'"Lat":"{at * 31 % 90}.{at * 7907 % 1000000:06}","Long":"-{at * 17 % 180}.{at * 7901 % 1000000:06}"}}'
    )


def _head(id_: int, edited: bool, changed: int, begin: int) -> str:
    return (
        f'"domain":"QBO","sparse":false,"Id":"{id_}","SyncToken":"{id_ % 5 + edited}",'
        f'"MetaData":{{"CreateTime":"{_time(begin + id_)}","LastUpdatedTime":"{_time(changed)}"}}'
    )


def _customer(at: int, edited: bool, changed: int, begin: int) -> str:
    name, balance = _name(at), at * 7919 % 2_000_000 + (2_500 if edited else 0)
    parts = ['{"Taxable":' + ("true" if at % 4 else "false")]
    if at % 6 != 5:
        parts.append(f'"BillAddr":{_address(at, at + 1)}')
    if at % 2:
        parts.append(f'"ShipAddr":{_address(at + 1, at + 5_000_001)}')
    if at % 50 == 9:  # what needs an escape in JSON, as a few records of every company do
        parts.append(f'"Notes":"Ring the bell.\\nThen ask for \\"{NAMES[at % 12]}\\"."')
    parts.append(
        f'"Job":false,"BillWithParent":false,"Balance":{_money(balance)},"BalanceWithJobs":{_money(balance)},'
        f'"CurrencyRef":{{"value":"USD","name":"United States Dollar"}},"PreferredDeliveryMethod":"Print",'
        f"{_head(at + 1, edited, changed, begin)},"
        f'"GivenName":"Front","FamilyName":"Office","FullyQualifiedName":"{name}","CompanyName":"{name}",'
        f'"DisplayName":"{name}","PrintOnCheckName":"{name}","Active":{"false" if at % 37 == 11 else "true"},'
        f'"PrimaryPhone":{{"FreeFormNumber":"(650) 555-{at % 10000:04}"}},'
        f'"PrimaryEmailAddr":{{"Address":"office.{at}@example.com"}},"DefaultTaxCodeRef":{{"value":"2"}}}}'
    )
    return ",".join(parts)


def _line(at: int, number: int, cents: int, quantity: int) -> str:
    item = (at * 13 + number * 7) % 2000
    return (
        f'{{"Id":"{number}","LineNum":{number},"Description":"{NAMES[item % 12]} {TRADES[item % 10]}, model {item}",'
        f'"Amount":{_money(cents * quantity)},"DetailType":"SalesItemLineDetail","SalesItemLineDetail":'
        f'{{"ItemRef":{{"value":"{item + 1}","name":"{NAMES[item % 12]} {item}"}},"UnitPrice":{_money(cents)},'
        f'"Qty":{quantity},"ItemAccountRef":{{"value":"79","name":"Sales of Product Income"}},'
        f'"TaxCodeRef":{{"value":"{"TAX" if at % 2 else "NON"}"}}}}}}'
    )


def _lines(at: int, edited: bool) -> tuple[str, int]:
    """The lines of an invoice and their sum in cents: one to ten sales, at times a discount, and the subtotal."""
    lines, total = [], 0
    for number in range(1, 2 + (at * 7 + at // 10) % 10):
        cents, quantity = 100 + (at * 31 + number * 977) % 90_000, 1 + (at + number) % 9 + (edited and number == 1)
        lines.append(_line(at, number, cents, quantity))
        total += cents * quantity
    if at % 100 == 3:
        lines.append(
            f'{{"Amount":{_money(total // 10)},"DetailType":"DiscountLineDetail","DiscountLineDetail":'
            f'{{"PercentBased":true,"DiscountPercent":10,"DiscountAccountRef":{{"value":"86","name":"Discounts"}}}}}}'
        )
    lines.append(f'{{"Amount":{_money(total)},"DetailType":"SubTotalLineDetail","SubTotalLineDetail":{{}}}}')
    return ",".join(lines), total


def _invoice(at: int, edited: bool, changed: int, begin: int, customers: int) -> str:
    lines, total = _lines(at, edited)
    customer = at * 7907 % customers
    made = begin + at * 500
    linked = f'{{"TxnId":"{at + 900_001}","TxnType":"Payment"}}' if at % 4 == 0 else ""
    ship = f'"ShipAddr":{_address(customer + 1, customer + 5_000_001)},' if at % 2 else ""
    return (
        f'{{"AllowIPNPayment":false,"AllowOnlinePayment":false,"AllowOnlineCreditCardPayment":false,'
        f'"AllowOnlineACHPayment":false,{_head(at + 1, edited, changed, begin)},"CustomField":[{{"DefinitionId":"1",'
        f'"Name":"P.O. Number","Type":"StringType","StringValue":"PO-{at * 613 % 100000:05}"}}],'
        f'"DocNumber":"{at + 1001}","TxnDate":"{_day(made)}",'
        f'"CurrencyRef":{{"value":"USD","name":"United States Dollar"}},"LinkedTxn":[{linked}],"Line":[{lines}],'
        f'"TxnTaxDetail":{{"TotalTax":0}},"CustomerRef":{{"value":"{customer + 1}","name":"{_name(customer)}"}},'
        f'"CustomerMemo":{{"value":"Thank you for your business and have a great day!"}},'
        f'"BillAddr":{_address(customer, customer + 1)},{ship}"SalesTermRef":{{"value":"3","name":"Net 30"}},'
        f'"DueDate":"{_day(made + 30 * 86400)}","TotalAmt":{_money(total)},"ApplyTaxAfterDiscount":false,'
        f'"PrintStatus":"NeedToPrint","EmailStatus":"NotSet","BillEmail":{{"Address":"office.{customer}@example.com"}},'
        f'"Balance":{_money(0 if linked else total)}}}'
    )
