"""What has changed in a company, asked once for all kinds of records.

Change data capture answers about thirty entities in one metered call. So that an hour in which nothing happens costs
one call and not thirty, the first stream that asks asks for all, and the others look at the same answer.
"""

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from threading import Lock

from connectors.errors import ConnectorError
from connectors.quickbooks.answers import Changes

# Those that change data capture tells of (the vendor's list leaves out TaxAgency, TaxCode, TaxRate and TimeActivity; of
# Budget and CompanyInfo it says nothing).
CAPTURED = (
    "Account", "Bill", "BillPayment", "Class", "CreditMemo", "Customer", "CustomerType", "Department", "Deposit",
    "Employee", "Estimate", "Invoice", "Item", "JournalEntry", "Payment", "PaymentMethod", "Purchase", "PurchaseOrder",
    "RefundReceipt", "SalesReceipt", "Term", "Transfer", "Vendor", "VendorCredit",
)  # fmt: skip
CAPTURE_OBJECTS = 1000  # an answer that is full may lack changes, and deletions first
SLACK = timedelta(minutes=5)  # streams begin at slightly different marks
FRESH_S = 600.0  # a stream that asks later than that, after a pause or in another run, wants to know what is new
AFTER_FAILURE_S = 60.0

Ask = Callable[[tuple[str, ...], datetime], dict[str, Changes]]


class Capture:
    """One answer about all entities, out of which each is served once. May be called from several threads."""

    def __init__(self, ask: Ask, entities: Collection[str] = CAPTURED) -> None:
        self._ask = ask
        self._entities = tuple(entity for entity in CAPTURED if entity in entities)
        self._lock = Lock()
        self._answer: dict[str, Changes] = {}
        self._since: datetime | None = None
        self._got_at = self._failed_at = float("-inf")

    def of(self, entity: str, since: datetime) -> Changes | None:
        """What has changed of an entity since a moment; None where the common answer cannot tell for sure."""
        if entity not in self._entities or len(self._entities) < 2:
            return None
        with self._lock:
            if not self._knows(entity, since):
                if time.monotonic() - self._failed_at < AFTER_FAILURE_S:
                    return None
                self._fetch(since - SLACK)
            told = self._answer.pop(entity, None)
            if told is None or self._since is None or since < self._since:
                return None
            whole = told.in_all < CAPTURE_OBJECTS and told.groups >= len(self._entities)
            return told if whole else None

    def _knows(self, entity: str, since: datetime) -> bool:
        """Whether the answer still holds something on the entity, younger than what the stream has read before."""
        told = self._answer.get(entity)
        fresh = time.monotonic() - self._got_at <= FRESH_S
        return told is not None and fresh and (told.time is None or told.time >= since)

    def _fetch(self, since: datetime) -> None:
        """Ask anew. A refusal is no fault here: whoever is meant by it gets it when it asks for itself."""
        try:
            self._answer = self._ask(self._entities, since)
        except ConnectorError:
            self._answer, self._failed_at = {}, time.monotonic()
        self._since, self._got_at = since, time.monotonic()
