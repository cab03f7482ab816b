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

from connectors.errors import CountMismatch, SourceError
from connectors.quickbooks import STREAMS, QuickBooksClient, capture, reading
from sandbox import qbo_api, quickbooks
from tests.connectors.quickbooks.conftest import MemoryTokens
from warehouse.landing import Landed, Options, land
from warehouse.run_log import Run

# Two hundred take three minutes of CPU, so that is for whoever changes the reading: QUICKBOOKS_HISTORIES=200.
HISTORIES = int(os.environ.get("QUICKBOOKS_HISTORIES", "8"))
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
        """What the company answered since the last call: COUNT, SELECT, cdc."""
        entries = [each for each in self.books.journal.entries("/v3/") if each.status == 200]
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
    busy, left = picker.random(), 0

    def during(entity: str, page: int) -> None:
        nonlocal left
        if picker.random() < busy:
            for _ in range(min(left, picker.randrange(1, 4))):
                left -= 1
                here.something_happens()

    for _ in range(picker.randrange(2, 5)):
        left = 20  # people rest: who changes things as fast as they are read is read for ever
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


def test_histories_converge(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits, deletes, voids and late commits while reading: after a quiet run no row is lost, stale or left over."""
    for seed in range(HISTORIES):
        # The vendor's thousand objects, reached by small companies too in every fourth history.
        most = 12 if seed % 4 == 3 else 1000
        monkeypatch.setattr(qbo_api, "CDC_MOST_ROWS", most)
        monkeypatch.setattr(capture, "CAPTURE_OBJECTS", most)
        monkeypatch.setattr(reading, "CAPTURE_OBJECTS", most)
        with shop(database, customers=12, invoices=25, seed=seed) as here:
            live(here, seed)


@pytest.fixture
def here(database: str) -> Iterator[Shop]:
    """A small company that has landed whole, read in one page, its journal empty."""
    with shop(database, customers=20, invoices=40) as made:
        made.client.page_size = 1000
        made.pull()
        made.statements()
        yield made


def test_a_quiet_hour_costs_one_call_for_all(here: Shop) -> None:
    """Where nothing changed, an hourly run asks once for all kinds of records; what changed in one is read in one more."""
    here.books.clock.advance(HOUR)
    assert [here.run(name).counts.read for name in ("customer", "invoice", "payment", "bill")] == [0, 0, 40, 0]
    assert here.statements().count("cdc") == 1
    here.books.clock.advance(HOUR)
    here.books.store.update("Invoice", here.books.store.ids("Invoice")[0], {"PrivateNote": "one"})
    assert [here.run(name).counts.read for name in ("customer", "invoice", "payment", "bill")] == [0, 1, 0, 0]
    assert here.statements() == ["cdc", "SELECT", "SELECT"]


def test_one_call_for_all_may_fail(here: Shop) -> None:
    """A company whose plan refuses the question for all kinds is asked kind by kind, and nothing is lost."""
    here.books.clock.advance(HOUR)
    here.books.api.not_offered = frozenset({"Employee"})
    here.books.store.delete("Invoice", here.books.store.ids("Invoice")[0])
    assert here.run("invoice").counts.deleted == 1
    landed = here.run("employee")
    assert landed.counts.read == 0
    assert "5020" in landed.warnings[0]
    here.check(0)


def test_an_hour_reads_what_changed(here: Shop) -> None:
    """An edit, a new, a voided and a deleted invoice, an inactive customer: an hourly run lands these, and only these."""
    here.books.clock.advance(HOUR)
    store = here.books.store
    edited, voided, gone = store.ids("Invoice")[:3]
    made = store.create("Invoice", {"CustomerRef": {"value": store.ids("Customer")[5]}, "Line": []})
    store.update("Invoice", edited, {"PrivateNote": "another"})
    store.void("Invoice", voided)
    store.delete("Invoice", gone)
    inactive = store.ids("Customer", active_only=True)[9]
    store.deactivate("Customer", inactive)
    counts = here.run("invoice").counts
    assert (counts.inserted, counts.updated, counts.deleted, counts.read) == (1, 2, 1, 3)
    notes = here.landed("invoice", "private_note, total_amount")
    assert notes[edited][0] == "another"
    assert notes[voided] == ("Voided", 0)
    assert made in notes
    assert gone not in notes
    here.run("customer")
    active, name = here.landed("customer", "active, display_name")[inactive]
    assert not active
    assert name.endswith(" (deleted)")
    here.check(0)


def test_a_deletion_that_is_none_does_not_land(here: Shop) -> None:
    """An invoice that is told as deleted and still is there stays, in its present version."""
    here.books.clock.advance(HOUR)
    told = here.books.store.ids("Invoice")[4]
    here.books.store.table("Invoice").deleted[told] = int(here.books.clock.now())
    assert here.run("invoice").counts.deleted == 0
    assert told in here.landed("invoice", "total_amount")
    assert here.statements() == ["cdc", "SELECT", "SELECT"]


def test_more_changes_than_are_told_are_read_whole(here: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the vendor's thousand objects leave deletions out, everything is read, and they are found."""
    monkeypatch.setattr(qbo_api, "CDC_MOST_ROWS", 3)
    monkeypatch.setattr(capture, "CAPTURE_OBJECTS", 3)
    monkeypatch.setattr(reading, "CAPTURE_OBJECTS", 3)
    here.books.clock.advance(HOUR)
    first, *others = here.books.store.ids("Invoice")
    here.books.store.delete("Invoice", first)
    for one in others[:3]:
        here.books.store.touch("Invoice", one)
    assert here.run("invoice").counts.deleted == 1
    assert here.statements().count("COUNT") == 2


@pytest.mark.parametrize(("pause", "counted"), [(23 * HOUR, 0), (24 * HOUR, 4), (40 * DAY, 4)])
def test_once_a_day_everything_is_read(here: Shop, pause: float, counted: int) -> None:
    """After a day, and after a pause that deletions are not told over, all is read: what vanished silently goes."""
    here.books.clock.advance(pause)
    here.books.store.vanish("Customer", here.books.store.ids("Customer")[:1])
    here.pull()
    assert here.statements().count("COUNT") == counted
    assert len(here.landed("customer", "balance")) == 20 - bool(counted)


def test_how_often_is_a_setting(here: Shop) -> None:
    """A company that wants its full reading every six hours has it."""
    here.client.full_every_hours = 6
    here.books.clock.advance(6 * HOUR)
    here.pull()
    assert here.statements().count("COUNT") == 4


def test_a_time_in_the_future_moves_no_mark(here: Shop) -> None:
    """A record stamped next year lands, and what changes after it is not lost for a year."""
    here.books.clock.advance(HOUR)
    first, second = here.books.store.ids("Invoice")[:2]
    here.books.store.touch("Invoice", first, at=here.books.clock.now() + 365 * DAY)
    here.pull()
    here.books.clock.advance(HOUR)
    here.books.store.update("Invoice", second, {"PrivateNote": "later"})
    here.pull()
    here.check(0)


def test_a_rerun_changes_no_row(here: Shop) -> None:
    """Reading the same minutes again changes nothing that landed."""
    here.pull()
    before = here.landed("invoice", "_changed_at, _run_id")
    assert here.run("invoice").counts.updated == 0
    assert here.landed("invoice", "_changed_at, _run_id") == before


def test_a_failed_run_is_made_up_for(here: Shop) -> None:
    """A run that dies on its deletions moves no mark; the next one finds them."""
    here.books.clock.advance(HOUR)
    here.books.store.delete("Invoice", here.books.store.ids("Invoice")[0])
    here.books.faults.add("answer", path="/cdc", times=2, status=400, body=b'{"Fault":{"Error":[{"code":"4001"}]}}')
    with pytest.raises(SourceError, match="4001"):
        here.run("invoice")
    here.books.clock.advance(HOUR)
    assert here.run("invoice").counts.deleted == 1


def test_what_commits_late_behind_a_full_reading_is_found_by_it(here: Shop) -> None:
    """An invoice not yet read whose change shows itself behind us is met at the end, so that the count agrees at once."""
    store, now = here.books.store, here.books.clock.now()
    ids = store.ids("Invoice")
    for number, one in enumerate(ids):
        store.touch("Invoice", one, at=now - 60 + number)
    here.client.page_size = 7

    def during(entity: str, page: int) -> None:
        if page == 4:
            store.update("Invoice", ids[35], {"PrivateNote": "late"})
            store.touch("Invoice", ids[35], at=now - 90)

    here.books.on_page(during)
    assert here.run("invoice", full=True).counts.deleted == 0
    assert here.statements().count("COUNT") == 2
    here.check(0)
