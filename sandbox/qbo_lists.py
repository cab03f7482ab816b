"""The made-up company's lists: classes, departments, terms, methods, taxes, kinds of customers, employees, a budget."""

from collections.abc import Iterator

from sandbox import qbo_ledger as ledger
from sandbox.clock import parse_time
from sandbox.qbo_invoices import books_head
from sandbox.qbo_store import Record
from sandbox.qbo_words import money

OPENED = parse_time("2024-01-02T08:00:00-08:00")
TOUCHED = parse_time("2025-07-01T09:30:00-07:00")
TERMS = {"1": ("Due on receipt", 0), "2": ("Net 15", 15), "3": ("Net 30", 30)}
METHODS = {"1": ("Cash", "NON_CREDIT_CARD"), "2": ("Check", "NON_CREDIT_CARD"), "3": ("Company Card", "CREDIT_CARD")}
CLASSES = {"1": ("Retail", ""), "2": ("Wholesale", ""), "3": ("Export", "2")}
DEPARTMENTS = {"1": ("Main Hall", ""), "2": ("Annex", "1")}
RATE_ID, CODE_ID = "3", "2"


def lists(first_employee: int) -> Iterator[tuple[str, Record]]:
    """Yield entity and record of every entry; employees' ids begin at ``first_employee``."""
    for id_, (name, days) in TERMS.items():
        yield "Term", {"Name": name, "Active": True, "Type": "STANDARD", "DueDays": days, **_head(id_)}
    for id_, (name, kind) in METHODS.items():
        yield "PaymentMethod", {"Name": name, "Active": id_ != "3", "Type": kind, **_head(id_)}
    for entity, flag, entries in (("Class", "SubClass", CLASSES), ("Department", "SubDepartment", DEPARTMENTS)):
        for id_, (name, above) in entries.items():
            full = f"{entries[above][0]}:{name}" if above else name
            record: Record = {"Name": name, flag: bool(above), "FullyQualifiedName": full, "Active": True}
            yield entity, {**record, **({"ParentRef": {"value": above}} if above else {}), **_head(id_)}
    for id_, name in (("1", "Walk-in"), ("2", "Contract")):
        yield "CustomerType", {"Name": name, "Active": True, **_head(id_)}
    yield from _taxes()
    for number in range(3):
        yield "Employee", _employee(first_employee + number, number)
    yield "Budget", _budget()


def _head(id_: str) -> Record:
    moment = (OPENED, TOUCHED if id_ == "2" else OPENED, "1" if id_ == "2" else "0")
    return books_head(0, moment) | {"Id": id_}


def _taxes() -> Iterator[tuple[str, Record]]:
    yield (
        "TaxAgency",
        {
            "DisplayName": ledger.AGENCY, "TaxRegistrationNumber": "EA-0001", "TaxTrackedOnPurchases": False,
            "TaxTrackedOnSales": True, **_head("1"),
        },
    )  # fmt: skip
    yield (
        "TaxRate",
        {
            "Name": "Eastmere", "Description": "Sales tax of Eastmere", "Active": True, "RateValue": 8.25,
            "AgencyRef": {"value": "1"}, "SpecialTaxType": "NONE", "DisplayType": "ReadOnly",
            "EffectiveTaxRate": [{"RateValue": 8.25, "EffectiveDate": "2010-01-01T00:00:00-08:00"}], **_head(RATE_ID),
        },
    )  # fmt: skip
    detail = {"TaxRateRef": {"value": RATE_ID, "name": "Eastmere"}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0}
    for id_, name in (("NON", "NON"), ("TAX", "TAX"), (CODE_ID, "Eastmere")):
        group = id_ == CODE_ID
        code: Record = {"Name": name, "Description": name, "Active": True, "Taxable": id_ != "NON", "TaxGroup": group}
        if group:
            code |= {"SalesTaxRateList": {"TaxRateDetail": [detail]}, "PurchaseTaxRateList": {"TaxRateDetail": []}}
        yield "TaxCode", {**code, **_head(id_)}


def _employee(id_: int, number: int) -> Record:
    # Posts instead of people: the fields get values, and nobody is made up.
    gone = number == 2
    name = f"{('Night', 'Day', 'Spare')[number]} Shift{' (deleted)' if gone else ''}"
    return {
        "GivenName": name.split(maxsplit=1)[0], "FamilyName": "Shift", "DisplayName": name, "Active": not gone,
        "PrintOnCheckName": name, "BillableTime": number == 1, "HiredDate": "2024-02-01",
        "PrimaryPhone": {"FreeFormNumber": f"(209) 555-018{number}"}, **_head(str(id_)),
    }  # fmt: skip


def _budget() -> Record:
    details = [
        {
            "BudgetDate": f"2026-{month:02}-01", "Amount": money(250_000 + 10_000 * month),
            "AccountRef": ledger.account_ref(account),
        }
        for month in range(1, 13)
        for account in (ledger.RENT, ledger.ADVERTISING)
    ]  # fmt: skip
    return {
        "Name": "Plan 2026", "StartDate": "2026-01-01", "EndDate": "2026-12-31", "BudgetType": "ProfitAndLoss",
        "BudgetEntryType": "Monthly", "Active": True, "BudgetDetail": details, **_head("1"),
    }  # fmt: skip
