"""A simulated company, a client of it whose tokens are in Postgres, and landing of its streams, without Prefect."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity.nap

from connectors.quickbooks import QuickBooksClient
from connectors.quickbooks.streams import STREAMS
from sandbox import quickbooks
from tests.oracle import KEY
from tests.postgres import ask
from warehouse.landing import Landed, Options, land
from warehouse.run_log import Run
from warehouse.tokens import TokenStore

ENTITIES = {"customer": "Customer", "vendor": "Vendor", "item": "Item", "invoice": "Invoice"}


@dataclass
class Books:
    """A company and where it lands; ``waits`` are the seconds that the client would have waited."""

    url: str
    qb: quickbooks.QuickBooks
    waits: list[float] = field(default_factory=list)
    last: Run | None = None

    def client(self, **options: Any) -> QuickBooksClient:
        """A client of its own, as another process would have one."""
        settings: dict[str, Any] = {
            name: getattr(self.qb, name) for name in ("base_url", "token_url", "realm_id", "client_id", "client_secret")
        }
        seed = {"refresh_token": self.qb.refresh_token}
        settings |= {"tokens": TokenStore(self.url, "quickbooks/main", seed), "page_size": 10, "full_every_hours": 0}
        settings["entities"] = ("customer",)  # alone, so that it asks for itself
        return QuickBooksClient(**(settings | options))

    def token(self) -> Mapping[str, Any]:
        """The tokens that are stored."""
        return TokenStore(self.url, "quickbooks/main", {"refresh_token": self.qb.refresh_token}).read()

    def pull(self, name: str = "customer", *, url: str = "", accept_shrink: bool = False, **options: Any) -> Landed:
        """Land one stream; raises what `land` raises."""
        stream = next(stream for stream in STREAMS if stream.name == name)
        self.last = Run(uuid.uuid4(), "quickbooks", "main")
        with self.client(**options) as client:
            read = lambda cursor: stream.pages(client, cursor)  # noqa: E731
            return land(url or self.url, self.last, stream, read, Options(accept_shrink=accept_shrink))

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return ask(self.url, statement, parameters)

    def state(self, name: str = "customer") -> Any:
        """All that a failed run must leave as it was."""
        return [*self.rows(name), self.query("SELECT c::text FROM ops.sync_cursor c ORDER BY 1")]

    def rows(self, name: str = "customer") -> list[Any]:
        """The rows of a stream as they are, and where they lie."""
        tables = [name, *([] if name == "item" else ["address"]), *(["invoice_line"] if name == "invoice" else [])]
        return [self.query(f"SELECT t::text, ctid FROM quickbooks.{table} t ORDER BY 1") for table in tables]

    def check(self, name: str = "customer") -> None:
        """Every record of the company is a live row in its present version, and no other row is; the books are true."""
        company = self.qb.store
        records = [json.loads(company.row(ENTITIES[name], key).text) for key in company.ids(ENTITIES[name])]  # type: ignore[union-attr]
        wanted = {(record["Id"], record["SyncToken"], len(record.get("Line", ()))) for record in records}
        lines = "(SELECT count(*) FROM quickbooks.invoice_line_current l WHERE l.invoice_id = t.id)"
        rows = self.query(
            f"SELECT id, sync_token, {lines if name == 'invoice' else 0} FROM quickbooks.{name}_current t"
        )
        assert set(rows) == wanted
        assert len(rows) == len(wanted)
        self.check_books()

    def check_books(self) -> None:
        """Whatever happened: nothing runs, nothing is left over, and no token can be read anywhere."""
        assert self.query("SELECT 1 FROM ops.sync_run WHERE status = 'running'") == []
        assert self.query("SELECT relname FROM pg_class WHERE relnamespace = 'staging'::regnamespace") == []
        for (table,) in self.query(
            "SELECT relname FROM pg_class WHERE relnamespace = 'ops'::regnamespace AND relkind = 'r'"
        ):
            shown = self.query(f"SELECT t::text FROM ops.{table} t")
            for secret in ("sandbox-access-", "sandbox-refresh-", self.qb.client_secret):
                assert not [row for row in shown if secret in row[0]], f"a secret is in ops.{table}"

    def check_converges(self, name: str = "customer") -> None:
        """Without the fault an ordinary run reaches the company's state, and the next one changes nothing."""
        self.qb.faults.clear()
        self.pull(name)
        self.check(name)
        before = self.rows(name)
        counts = self.pull(name).counts
        assert (counts.inserted, counts.updated, counts.deleted) == (0, 0, 0)
        assert self.rows(name) == before

    def usual_requests(self) -> list[str]:
        """The queries of a run in which nothing is wrong and nothing has changed; they are forgotten afterwards."""
        self.pull()
        self.qb.journal.clear()
        self.pull()
        statements = [entry.statement for entry in self.qb.journal.entries("/query")]
        self.qb.journal.clear()
        return statements

    def requests(self, text: str = "") -> int:
        """How many queries of the API there were."""
        return self.qb.journal.count("/query", statement=text)


@pytest.fixture
def books(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """A small company, an empty database, waits that take no time."""
    monkeypatch.setenv("LANDFALL_ENCRYPTION_KEY", KEY)
    sizes = {"customers": 60, "vendors": 12, "items": 20, "invoices": 30}
    with quickbooks.running(**sizes, limits=quickbooks.Limits(0, 0, 0)) as qb:
        made = Books(database, qb)
        monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=made.waits.append))
        yield made
