"""QuickBooks from run to run: whatever people do in the company meanwhile, the tables end as the company is."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from connectors.errors import CountMismatch
from connectors.quickbooks import STREAMS, QuickBooksClient, reading
from sandbox import qbo_api, quickbooks
from tests.connectors.quickbooks.conftest import MemoryTokens
from warehouse.landing import Landed, Options, land
from warehouse.run_log import Run

# Two hundred take a minute or two, so that is for whoever changes the reading: LANDFALL_HISTORIES=200.
HISTORIES = int(os.environ.get("LANDFALL_HISTORIES", "40"))
BY_NAME = {stream.name: stream for stream in STREAMS}
NO_LIMITS = quickbooks.Limits(0, 0, 0)
MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass
class Shop:
    """A simulated company, a client of it, and the database that its customers and invoices land in."""

    books: quickbooks.QuickBooks
    client: QuickBooksClient
    url: str
    connection: str = "main"
    streams: tuple[str, ...] = ("customer", "invoice")
    picker: random.Random = field(default_factory=random.Random)

    def run(self, name: str, **options: Any) -> Landed:
        """Land a stream; once more where the company's count did not match, as the flow does."""
        stream = BY_NAME[name]
        for attempt in (1, 2):
            try:
                return land(
                    self.url,
                    Run(uuid4(), "quickbooks", self.connection),
                    stream,
                    lambda cursor: stream.pages(self.client, cursor),
                    Options(**options),
                )
            except CountMismatch:
                if attempt == 2:
                    raise
        raise AssertionError

    def pull(self) -> None:
        """Land all streams; one that fails for the company's changes is for the next run."""
        for name in self.streams:
            with suppress(CountMismatch):
                self.run(name, accept_shrink=True)

    def landed(self, table: str, columns: str) -> dict[str, tuple[Any, ...]]:
        """The rows that are not deleted, by id."""
        with psycopg.connect(self.url) as session:
            rows = session.execute(
                f"SELECT id, {columns} FROM quickbooks.{table} WHERE connection = %s AND _deleted_at IS NULL",
                (self.connection,),
            )
            return {row[0]: row[1:] for row in rows}

    def statements(self) -> list[str]:
        """What the company was asked since the last call: COUNT, SELECT, cdc."""
        entries = self.books.journal.entries("/v3/")
        self.books.journal.clear()
        return [
            "cdc" if "/cdc" in each.path else "COUNT" if "COUNT" in each.statement else "SELECT" for each in entries
        ]

    def late(self, moment: float, entity: str, id_: str) -> None:
        """Stamp a record as if its change, visible now, had been made a little before; never before its own last one."""
        before = self.books.store.table(entity).rows[id_].updated
        self.books.store.touch(entity, id_, at=max(before, int(moment) - self.picker.randrange(110)))

    def something_happens(self) -> None:
        """Somebody works in the company."""
        store, picker, now = self.books.store, self.picker, self.books.clock.now()
        invoices, customers = store.ids("Invoice"), store.ids("Customer")
        deed = picker.choice(
            ["edit", "edit", "late", "create", "late create", "delete", "late delete", "void", "rename"]
        )
        with store.lock, suppress(quickbooks_refusal):
            if deed in ("create", "late create"):
                line = {"Amount": picker.randrange(1, 500), "DetailType": "DescriptionOnly"}
                made = store.create("Invoice", {"CustomerRef": {"value": picker.choice(customers)}, "Line": [line]})
                if deed == "late create":
                    store.touch("Invoice", made, at=now - picker.randrange(110))
            elif deed == "rename":
                store.update("Customer", picker.choice(customers), {"Notes": f"note {picker.random()}"})
            elif not invoices:
                return
            elif deed in ("edit", "late"):
                one = picker.choice(invoices)
                store.update("Invoice", one, {"PrivateNote": f"note {picker.random()}"})
                if deed == "late":
                    self.late(now, "Invoice", one)
            elif deed == "void":
                store.void("Invoice", picker.choice(invoices))
            else:
                gone = picker.choice(invoices)
                store.delete("Invoice", gone)
                if deed == "late delete":
                    store.table("Invoice").deleted[gone] = int(now) - picker.randrange(110)

    def check(self, seed: int) -> None:
        """Every row is there, none is stale, none is of a record that is gone."""
        for table, entity, columns, fields in (
            ("invoice", "Invoice", "total_amount, private_note, updated_at", ("TotalAmt", "PrivateNote")),
            ("customer", "Customer", "balance, notes, updated_at", ("Balance", "Notes")),
        ):
            truth = {}
            for id_ in self.books.store.ids(entity):
                record = self.books.store.get(entity, id_)
                changed = datetime.fromisoformat(record["MetaData"]["LastUpdatedTime"])
                truth[id_] = (*(record.get(name) for name in fields), changed)
            assert self.landed(table, columns) == truth, f"{table}, history {seed}"


quickbooks_refusal = quickbooks.qbo_errors.Refusal


@contextmanager
def shop(url: str, **sizes: int) -> Iterator[Shop]:
    """A company of this size, read in small pages."""
    with quickbooks.running(**{"vendors": 1, "items": 3, "limits": NO_LIMITS, **sizes}) as books:  # type: ignore[arg-type]
        names = ("base_url", "token_url", "realm_id", "client_id", "client_secret")
        settings = {name: getattr(books, name) for name in names}
        tokens = MemoryTokens(books.refresh_token)
        with QuickBooksClient(**settings, tokens=tokens, page_size=7) as client:
            yield Shop(books, client, url)


def live(here: Shop, seed: int) -> None:
    """One history: runs with work between and during them, then a quiet one."""
    here.picker, here.connection = random.Random(seed), f"history-{seed}"
    picker, clock = here.picker, here.books.clock
    busy = picker.random()

    def during(entity: str, page: int) -> None:
        if entity in ("Invoice", "Customer") and picker.random() < busy:
            for _ in range(picker.randrange(1, 4)):
                here.something_happens()

    for _ in range(picker.randrange(2, 5)):
        here.books.on_page(during)
        here.pull()
        here.books.on_page(None)
        for _ in range(picker.randrange(6)):
            clock.advance(picker.random() * MINUTE)
            here.something_happens()
        clock.advance(picker.choice([1, 30, MINUTE, HOUR, HOUR, HOUR, 3 * HOUR, 25 * HOUR, 31 * DAY]))
    clock.advance(3 * MINUTE)  # what is late has shown itself
    here.pull()
    here.check(seed)


def test_two_hundred_histories_converge(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits, deletes, voids and late commits while reading: after a quiet run no row is lost, stale or left over."""
    for seed in range(HISTORIES):
        # The vendor's thousand objects, reached by small companies too in every fourth history.
        most = 12 if seed % 4 == 3 else 1000
        monkeypatch.setattr(qbo_api, "CDC_MOST_ROWS", most)
        monkeypatch.setattr(reading, "CAPTURE_OBJECTS", most)
        with shop(database, customers=12, invoices=25, seed=seed) as here:
            live(here, seed)
