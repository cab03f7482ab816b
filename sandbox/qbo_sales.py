"""The made-up company's dealings with customers beside its invoices: payments, deposits, estimates, receipts, credits."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from sandbox import qbo_ledger as ledger
from sandbox import qbo_words as words
from sandbox.clock import pacific, parse_time
from sandbox.qbo_desk import DAY, Desk, linked
from sandbox.qbo_invoices import Books
from sandbox.qbo_lists import CODE_ID, RATE_ID
from sandbox.qbo_store import Record
from sandbox.qbo_words import money, number

TAX = 825  # hundredths of a percent
_NOT_TAXED = {"value": "NON"}


def cents(value: Any) -> int:
    """Return an amount as the vendor writes it in cents."""
    return int(Decimal(bytes(value).decode() if not isinstance(value, int | float) else str(value)) * 100)


def post_invoice(desk: Desk, invoice: Record) -> None:
    """Post an invoice: receivable against income, discount, shipping and tax."""
    entries: list[tuple[str, int]] = []
    for line in invoice["Line"]:
        amount = cents(line.get("Amount", 0))
        if line["DetailType"] == "DiscountLineDetail":
            entries.append((ledger.DISCOUNTS, amount))
        elif line["DetailType"] in ("SalesItemLineDetail", "GroupLineDetail"):
            sold = line.get("SalesItemLineDetail", {})
            entries.append((sold.get("ItemAccountRef", {"value": ledger.SALES})["value"], -amount))
    entries.append((ledger.SALES_TAX, -cents(invoice["TxnTaxDetail"]["TotalTax"])))
    desk.post((receivable(invoice), -sum(amount for _, amount in entries)), *entries, rate=rate(invoice))


def receivable(record: Record) -> str:
    """Return the account of what customers owe in the record's currency."""
    return ledger.RECEIVABLE_EUR if record["CurrencyRef"]["value"] == "EUR" else ledger.RECEIVABLE


def rate(record: Record) -> int:
    """Return what its currency costs, in ten-thousandths."""
    return round(float(record.get("ExchangeRate", 1)) * 10_000)


def payments(desk: Desk, invoices: Sequence[Record]) -> list[tuple[str, int, Record]]:
    """Write the payments that invoices are linked to; return id, cents and record of each in home currency."""
    banked = []
    for invoice in invoices:
        ids = [link["TxnId"] for link in invoice["LinkedTxn"] if link["TxnType"] == "Payment"]
        paid = cents(invoice["TotalAmt"]) - cents(invoice["Balance"])
        for part, id_ in enumerate(ids):
            amount = paid // len(ids) + (paid % len(ids) if part == 0 else 0)
            created = parse_time(invoice["MetaData"]["CreateTime"]) + (part + 1) * 5 * DAY
            record = _payment(invoice, id_, amount)
            desk.write("Payment", created, record, id_=id_)
            desk.post((ledger.UNDEPOSITED, amount), (receivable(invoice), -amount), rate=rate(invoice))
            if receivable(invoice) == ledger.RECEIVABLE and amount:
                banked.append((id_, amount, record | {"at": created}))
    return banked


def _payment(invoice: Record, id_: str, amount: int) -> Record:
    record: Record = {
        "CustomerRef": invoice["CustomerRef"],
        "CurrencyRef": invoice["CurrencyRef"],
        "DepositToAccountRef": ledger.account_ref(ledger.UNDEPOSITED),
        "TotalAmt": money(amount),
        "UnappliedAmt": 0,
        "ProcessPayment": False,
        "Line": [{"Amount": money(amount), "LinkedTxn": [linked(invoice["Id"], "Invoice")]}],
    }
    if "ExchangeRate" in invoice:
        record["ExchangeRate"] = invoice["ExchangeRate"]
    if int(id_) % 3:
        record |= {"PaymentMethodRef": {"value": "2"}, "PaymentRefNum": f"CK-{int(id_) % 10_000:04}"}
    return record


def deposits(desk: Desk, banked: Sequence[tuple[str, int, Record]]) -> None:
    """Bring payments to the bank, five at a time; now and then with interest, or with cash taken out."""
    for begin in range(0, len(banked), 5):
        batch, at = banked[begin : begin + 5], begin // 5
        lines: list[Record] = [
            {"Amount": money(amount), "LinkedTxn": [linked(id_, "Payment")]} for id_, amount, _ in batch
        ]
        interest, cash = (1_250, 0) if at % 10 == 3 else (0, 2_000) if at % 10 == 7 else (0, 0)
        if interest:
            detail: Record = {"AccountRef": ledger.account_ref(ledger.INTEREST), "PaymentMethodRef": {"value": "1"}}
            detail["Entity"] = {**batch[0][2]["CustomerRef"], "type": "CUSTOMER"}
            line: Record = {"Id": "1", "LineNum": 1, "Description": "Interest", "Amount": money(interest)}
            lines.append({**line, "DetailType": "DepositLineDetail", "DepositLineDetail": detail})
        paid = sum(amount for _, amount, _ in batch)
        if cash >= paid:
            cash = 0
        record: Record = {
            "DepositToAccountRef": ledger.account_ref(ledger.CHECKING),
            "CurrencyRef": {"value": "USD"},
            "TotalAmt": money(paid + interest - cash),
            "Line": lines,
        }
        if cash:
            record["CashBack"] = {"AccountRef": ledger.account_ref(ledger.PETTY_CASH), "Amount": money(cash)}
            record["CashBack"]["Memo"] = "Till"
        desk.write("Deposit", max(each["at"] for _, _, each in batch) + DAY, record)
        desk.post(
            (ledger.CHECKING, paid + interest - cash),
            (ledger.PETTY_CASH, cash),
            (ledger.UNDEPOSITED, -paid),
            (ledger.INTEREST, -interest),
        )


def estimates(desk: Desk, invoices: Sequence[Record]) -> None:
    """Write the estimates that invoices came from, and some that wait. They post nothing."""
    for at, invoice in enumerate(invoices):
        id_ = next((link["TxnId"] for link in invoice["LinkedTxn"] if link["TxnType"] == "Estimate"), "")
        if not id_ and at % 40 != 7:
            continue
        created = parse_time(invoice["MetaData"]["CreateTime"]) - (7 * DAY if id_ else 0)
        kept = (
            "CustomerRef",
            "CurrencyRef",
            "ExchangeRate",
            "CustomField",
            "BillAddr",
            "ShipAddr",
            "BillEmail",
            "Line",
        )
        record = {name: invoice[name] for name in kept if name in invoice}
        record |= {
            "DocNumber": f"E-{1_001 + at}",
            "TxnDate": pacific(created)[:10],
            "TxnStatus": "Closed" if id_ else "Pending",
            "ExpirationDate": pacific(created + 60 * DAY)[:10],
            "TxnTaxDetail": invoice["TxnTaxDetail"],
            "TotalAmt": invoice["TotalAmt"],
            "ApplyTaxAfterDiscount": False,
            "PrintStatus": "NeedToPrint",
            "EmailStatus": "NotSet",
            "LinkedTxn": [linked(invoice["Id"], "Invoice")] if id_ else [],
        }
        desk.write("Estimate", created, record, id_=id_)


def receipts(desk: Desk, books: Books, invoices: int) -> None:
    """Write sales paid at once, money given back, and credits that customers may still use."""
    wanted = {"SalesReceipt": invoices // 20, "RefundReceipt": invoices // 60, "CreditMemo": invoices // 50}
    if not books.customers or not books.items:
        return
    for entity, count in wanted.items():
        for at in range(count):
            created = desk.moment(at, count)
            customer = next(c % books.customers for c in range(at * 7, at * 7 + 500) if _home(books, c))
            line, amount, taxable = _sale(desk, books)
            tax = (taxable * TAX + 5_000) // 10_000 if at % 2 else 0
            record = _receipt(books, customer, at, entity, line, amount, tax, taxable)
            desk.write(entity, created, record)
            _post_receipt(desk, books, entity, customer, amount, tax)


def _home(books: Books, customer: int) -> bool:
    at = customer % books.customers
    return books.customer_active(at) and books.currency(at)["value"] == "USD"


def _sale(desk: Desk, books: Books) -> tuple[Record, int, int]:
    """Return a line that sells an item, and in cents its amount and what of it is taxed."""
    draws: Iterator[int] = (desk.rng.randrange(books.items) for _ in range(1_000))
    item = next((at for at in draws if books.item_kind(at) not in ("Category", "Group")), -1)
    if item < 0:
        return {"DetailType": "DescriptionOnly", "DescriptionLineDetail": {}, "Description": "Nothing"}, 0, 0
    quantity = desk.rng.randint(1, 9)
    amount, taxed = quantity * books.price(item), item % 4 == 1
    detail: Record = {"ItemRef": books.item_ref(item), "UnitPrice": number(books.price(item)), "Qty": quantity}
    detail |= {"TaxCodeRef": {"value": "TAX"} if taxed else _NOT_TAXED}
    if item % 3 == 0:
        detail["ClassRef"] = {"value": str(1 + item % 2)}
    line = {"Id": "1", "LineNum": 1, "Description": words.item_name(item), "Amount": money(amount)}
    return {**line, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}, amount, amount * taxed


def _receipt(
    books: Books, customer: int, at: int, entity: str, line: Record, amount: int, tax: int, taxable: int
) -> Record:
    subtotal = {"Amount": money(amount), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
    detail: Record = {"TotalTax": money(tax)}
    if tax:
        rate_detail = {"TaxRateRef": {"value": RATE_ID}, "PercentBased": True, "TaxPercent": number(TAX)}
        rate_detail["NetAmountTaxable"] = money(taxable)
        detail["TxnTaxCodeRef"] = {"value": CODE_ID}
        detail["TaxLine"] = [{"Amount": money(tax), "DetailType": "TaxLineDetail", "TaxLineDetail": rate_detail}]
    record: Record = {
        "DocNumber": f"{entity[0]}-{2_001 + at}",
        "CustomerRef": {"value": str(customer + 1), "name": books.customer_names(customer)[0]},
        "CurrencyRef": {"value": "USD"},
        "Line": [line, subtotal],
        "TxnTaxDetail": detail,
        "TotalAmt": money(amount + tax),
        "ApplyTaxAfterDiscount": False,
        "PrintStatus": "NeedToPrint",
        "Balance": money(amount + tax if entity == "CreditMemo" else 0),
        "CustomField": [],
        "DepartmentRef": {"value": str(1 + at % 2)},
    }
    if entity == "CreditMemo":
        return record | {"RemainingCredit": money(amount + tax), "CustomerMemo": {"value": "With our apologies."}}
    record |= {"DepositToAccountRef": ledger.account_ref(ledger.CHECKING), "PaymentMethodRef": {"value": "1"}}
    return record | ({"PaymentType": "Cash"} if entity == "RefundReceipt" else {"EmailStatus": "NotSet"})


def _post_receipt(desk: Desk, books: Books, entity: str, customer: int, amount: int, tax: int) -> None:
    sign = 1 if entity == "SalesReceipt" else -1
    against = ledger.RECEIVABLE if entity == "CreditMemo" else ledger.CHECKING
    entries = [(against, sign * (amount + tax)), (ledger.SALES, -sign * amount), (ledger.SALES_TAX, -sign * tax)]
    desk.post(*entries)
    if entity == "CreditMemo":
        books.balances[customer] = books.balances.get(customer, 0) - amount - tax
