"""Where the made-up company's transactions are written: each gets an id, times, and balanced postings."""

import random
from collections.abc import Mapping
from typing import Any

from sandbox import qbo_ledger
from sandbox.clock import pacific
from sandbox.qbo_invoices import books_head
from sandbox.qbo_ledger import Ledger
from sandbox.qbo_store import Record, Store
from sandbox.qbo_words import money

DAY = 86_400


class Desk:
    """Writes transactions into a store and their postings into a ledger."""

    def __init__(self, store: Store, next_id: int, begin: int, end: int, rng: random.Random) -> None:
        self.store, self.ledger, self.rng = store, Ledger(), rng
        self._next_id, self._begin, self._end = next_id, begin, end

    def new_id(self) -> str:
        """Return an id that no transaction has."""
        self._next_id += 1
        return str(self._next_id - 1)

    def moment(self, at: int, of: int) -> int:
        """Return the time of the ``at``-th of so many transactions, spread over the years of the company."""
        return self._begin + (self._end - 40 * DAY - self._begin) * at // max(of, 1)

    def write(self, entity: str, created: int, record: Mapping[str, Any], *, id_: str = "") -> str:
        """Store a record made at that moment; every fourth was edited later."""
        id_ = id_ or self.new_id()
        edited = int(id_) % 4 == 1
        changed = min(self._end, created + self.rng.randrange(60, 30 * DAY)) if edited else created
        head = books_head(int(id_), (created, changed, "1" if edited else "0"))
        self.store.put(entity, {"TxnDate": pacific(created)[:10], **record, **head})
        return id_

    def post(self, *entries: tuple[str, int], rate: int = 10_000) -> None:
        """Post debits and credits (see `Ledger.post`)."""
        self.ledger.post(*entries, rate=rate)


def account_line(number: int, account: str, cents: int, **detail: Any) -> Record:
    """Return a line that buys something for an account."""
    return {
        "Id": str(number),
        "LineNum": number,
        "Amount": money(cents),
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": {
            "AccountRef": qbo_ledger.account_ref(account),
            "BillableStatus": "NotBillable",
            "TaxCodeRef": {"value": "NON"},
            **detail,
        },
    }


def linked(id_: str, kind: str) -> dict[str, str]:
    """Return a link to another transaction."""
    return {"TxnId": id_, "TxnType": kind}
