"""Made-up customers of a Cetec instance, from numbers alone: the same ones on every machine.

Every state that a customer can have by itself is among them, and every spelling in which flags were seen.
"""

from collections.abc import Sequence
from typing import Any

Customer = dict[str, Any]

CUSTOMERS = 344  # as many as the vendor's own program had
INTERNAL_ID = 5165  # the account that stands for the vendor itself
_FIRST = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ironwood", "Juniper", "Kauri")
_SECOND = ("Circuits", "Optics", "Castings", "Controls", "Sensors", "Machining", "Boards", "Cables", "Drives")
_YES, _NO = (1, "1", True, "true"), (0, "0", False, "false", "", None)
_SUPPORT = ("Enterprise", "ent", "e", "Standard", "STD", "s", "Lite", "L", "", None, "0")
_TESTS = ("Update Nightly", "", "0", "false", "Update Weekly", None)
_INVALID = (None, "", "   ", "undefined")
# Each of these customers out of forty has one thing that sets it apart; all others bill and have their database.
_NOT_BILLING, _ITAR, _RESIDENT, _MAPPED, _INVALID_AT, _NO_SCHEMA, _NO_TABLE = (3, 17, 29), 7, 11, 13, 19, 23, 31


def make(number: int) -> list[Customer]:
    """Return so many customers; the first ones and the last is the vendor's internal account."""
    customers = [_customer(at) for at in range(number)]
    if number > 1:
        customers[-1] |= {"id": INTERNAL_ID, "name": "Internal account", "domain": "internal"}
    return customers


def databases(customers: Sequence[Customer]) -> dict[str, bool]:
    """Return the schemas that the customers' backups are in; True: with a table usage_stats."""
    held = {}
    mapped = resident(customers)
    for at, customer in enumerate(customers):
        domain = str(customer.get("domain") or "").strip()
        name = mapped.get(domain, domain) if _is(at, _MAPPED) else domain
        if domain and domain != "undefined" and not _is(at, _NO_SCHEMA) and not _is(at, _RESIDENT):
            held[name] = not _is(at, _NO_TABLE)
    return held


def resident(customers: Sequence[Customer]) -> dict[str, str]:
    """Return the schema of each resident customer's domain that is mapped to one."""
    domains = [str(customer["domain"]) for at, customer in enumerate(customers) if _is(at, _MAPPED)]
    return {domain: domain.replace(".", "_") for domain in domains}


def _is(at: int, kind: int) -> bool:
    return at % 40 == kind


def _customer(at: int) -> Customer:
    name = f"{_FIRST[at % len(_FIRST)]} {_SECOND[at % len(_SECOND)]}"
    label = f"{name.lower().replace(' ', '_')}{at}"
    is_resident = _is(at, _RESIDENT) or _is(at, _MAPPED)
    domain: str | None = f"erp.{label}.example" if is_resident else label
    if _is(at, _INVALID_AT):
        domain = _INVALID[at // 40 % len(_INVALID)]
    return {
        "id": 1000 + at,
        "name": name if at % 5 else f"{name} №{at}",
        "domain": domain,
        "external_key": f"K-{at:05}" if at % 3 else None,
        "ok_to_bill": _flag(at, at % 40 not in _NOT_BILLING),
        "priority_support": _SUPPORT[at % len(_SUPPORT)],
        "resident_hosting": _flag(at, is_resident),
        "test_environment": _TESTS[at % len(_TESTS)],
        "itar_hosting_bc": _flag(at, _is(at, _ITAR)),
        "num_prod_users": str(at % 150) if at % 4 else at % 150,
        "num_full_users": at % 25 if at % 7 else None,
        "techx_password": f"canary-techx-{at}",
        "addresses": [{"type": "billing", "city": "Eastmere", "zip": f"{10000 + at}"}],
    }


def _flag(at: int, is_set: bool) -> Any:
    spellings = _YES if is_set else _NO
    return spellings[at % len(spellings)]
