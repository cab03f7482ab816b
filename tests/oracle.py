"""What has to hold after every case, whatever went wrong: one oracle for all tests of landing.

A `World` is a small made-up source, the database it lands in, and the judgement of the one by the other. The
expected rows are worked out from the source's own text here, without a line of the code under test.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from connectors.stream import Child, Page, Stream, column
from tests.postgres import ask
from warehouse.landing import Landed, Options, land
from warehouse.run_log import Run

CANARY = "canary-password-in-a-record"
KEY = "bGFuZGZhbGwtdGVzdHMtbm90LWEtc2VjcmV0LWtleSE="  # 32 bytes that protect nothing
ENCODE = msgspec.json.Encoder(decimal_format="number").encode
# Postgres lists a session until its process is gone, some milliseconds after it was closed.
SESSION_ENDS_S = 2
Rows = dict[tuple[str, ...], tuple[Any, ...]]


class Line(msgspec.Struct):
    """A line of a thing."""

    thing_id: Annotated[str, column("The thing", source="^id")]
    index: Annotated[int, column("Position, from 0", source="#")]
    sku: Annotated[str | None, column("What", source="sku")] = None
    quantity: Annotated[Decimal | None, column("How many", source="quantity")] = None


class Place(msgspec.Struct):
    """A place that several kinds of things may have."""

    owner_type: Annotated[str, column("Whose", source="$owner")]
    owner_id: Annotated[str, column("Whose", source="^id")]
    role: Annotated[str, column("What for", source="$role")]
    city: Annotated[str | None, column("City", source="city")] = None


class Thing(msgspec.Struct):
    """A thing."""

    id: Annotated[str, column("Its id", source="id")]
    name: Annotated[str | None, column("Its name", source="name")] = None
    amount: Annotated[Decimal | None, column("Money", source="amount", unit="USD")] = None
    pieces: Annotated[int | None, column("Whole number", source="pieces")] = None
    good: Annotated[bool | None, column("Yes or no", source="good")] = None
    day: Annotated[date | None, column("A day", source="day")] = None
    changed_at: Annotated[datetime | None, column("When it changed", source="meta.changed")] = None
    tags: Annotated[msgspec.Raw | None, column("Anything", source="tags")] = None


LINES = Child("thing_line", Line, ("thing_id", "index"), path="lines")
PLACES = Child("place", Place, ("owner_type", "owner_id", "role"), roles=("home", "work"), owner="thing")


def stream(name: str = "thing", **changes: Any) -> Stream:
    """The stream of things, by its own time of change; ``changes`` are other arguments of `Stream`."""
    arguments: dict[str, Any] = {
        "name": name, "schema": "lab", "record": Thing, "key": ("id",), "pages": lambda _client, _cursor: iter(()),
        "children": (LINES, PLACES), "version": "changed_at",
    }  # fmt: skip
    return Stream(**(arguments | changes))


@dataclass
class Source:
    """Records as JSON texts by key, in the order in which they are given."""

    records: dict[str, bytes] = field(default_factory=dict)
    tick: int = 0

    def put(self, key: str, **fields: Any) -> None:
        """Add or change a record; it gets a later time of change."""
        self.tick += 1
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.tick)
        record = {"id": key, "name": f"thing {key}", "meta": {"changed": moment.isoformat()}} | fields
        self.records[key] = ENCODE(record)

    def fill(self, count: int, start: int = 0) -> None:
        """Add things with all kinds of values, lines and places."""
        for number in range(start, start + count):
            self.put(
                str(number), amount=Decimal(number) / 100, pieces=number, good=number % 2 == 0, day="2026-02-28",
                tags=["a", {"b": number}], lines=[{"sku": f"s{line}", "quantity": line} for line in range(number % 3)],
                home={"city": f"City {number}", "zip": number} if number % 2 else None, color="red",
            )  # fmt: skip

    def pages(self, size: int = 100) -> list[Page]:
        """Everything, in pages; the last says that it was all."""
        texts = list(self.records.values())
        cuts = [texts[at : at + size] for at in range(0, len(texts), size)]
        pages = [Page(records=cut, at=f"page {number}") for number, cut in enumerate(cuts, 1)]
        return [*pages, Page(at=f"page {len(pages) + 1}", complete=True)]


@dataclass
class World:
    """A source, the database that it lands in, and the judgement."""

    url: str
    stream: Stream = field(default_factory=stream)
    source: Source = field(default_factory=Source)
    connection: str = "main"
    bad: set[str] = field(default_factory=set)
    last: Run | None = None

    def run(
        self, pages: Sequence[Page] | Callable[[Any], Iterator[Page]] | None = None, *, url: str = "",
        run_id: uuid.UUID | None = None, size: int = 100, **options: Any,
    ) -> Landed:  # fmt: skip
        """Land what the source holds now, or these pages; raises what `land` raises."""
        self.last = Run(run_id or uuid.uuid4(), "lab", self.connection)

        def read(cursor: Mapping[str, Any] | None) -> Iterator[Page]:
            if callable(pages):
                return pages(cursor)
            return iter(self.source.pages(size) if pages is None else pages)

        return land(url or self.url, self.last, self.stream, read, Options(**options))

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return ask(self.url, statement, parameters)

    def log(self) -> dict[str, Any]:
        """The last run's row of ops.sync_run."""
        assert self.last is not None
        rows = self.query("SELECT row_to_json(r) FROM ops.sync_run r WHERE run_id = %s", self.last.run_id)
        return dict(rows[0][0]) if rows else {}

    def landed(self) -> dict[str, Rows]:
        """The live rows of this connection by table and key, values as text."""
        where = "FROM lab.{} WHERE connection = %s AND _deleted_at IS NULL"
        things = (
            "SELECT id, name, amount::text, pieces, good, day::text, extract(epoch FROM changed_at)::text, tags::text "
        )
        lines, places = "SELECT thing_id, index, sku, quantity::text ", "SELECT owner_type, owner_id, role, city "
        return {
            "thing": {r[:1]: r[1:] for r in self.query(things + where.format(self.stream.name), self.connection)},
            "line": {r[:2]: r[2:] for r in self.query(lines + where.format("thing_line"), self.connection)},
            "place": {r[:3]: r[3:] for r in self.query(places + where.format("place"), self.connection)},
        }

    def everything(self) -> dict[str, list[Any]]:
        """Every landed row of every connection with all columns, and the cursors: what a failure must not touch."""
        state = {"cursor": self.query("SELECT row_to_json(c)::text FROM ops.sync_cursor c ORDER BY 1")}
        for (table,) in self.query("SELECT table_name FROM ops.landed_table WHERE table_schema = 'lab' ORDER BY 1"):
            state[table] = self.query(f'SELECT t::text, ctid FROM lab."{table}" t ORDER BY 1')
        return state

    def check(self) -> None:
        """The whole oracle: rows as at the source, the books true, nothing left over, no secret anywhere."""
        assert self.landed() == expected(record for key, record in self.source.records.items() if key not in self.bad)
        self.check_books()

    def check_books(self) -> None:
        """Whatever happened: the run log tells the truth, no session, lock or staging table is left, no secret."""
        wrong = self.query(
            "SELECT * FROM ops.sync_run WHERE status = 'running'"
            " OR read <> inserted + updated + unchanged + dead_lettered + duplicates_collapsed"
        )
        assert wrong == []
        left = "SELECT relname FROM pg_class WHERE relnamespace = 'staging'::regnamespace"
        assert self.query(left) == [], "staging tables are left"
        live = "SELECT pid, application_name FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'landfall%'"
        deadline = time.monotonic() + SESSION_ENDS_S
        while (left_open := self.query(live)) and time.monotonic() < deadline:
            time.sleep(0.005)
        assert left_open == [], "sessions are left"
        mine = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        assert self.query(mine) == [], "locks are left"
        for (table,) in self.query(
            "SELECT relname FROM pg_class WHERE relnamespace = 'ops'::regnamespace AND relkind = 'r'"
        ):
            found = self.query(f"SELECT t::text FROM ops.{table} t WHERE t::text LIKE %s", f"%{CANARY}%")
            assert found == [], f"a secret is in ops.{table}"

    def check_converges(self) -> None:
        """Once nothing is wrong any more: an ordinary run reaches the source's state, and the next changes nothing."""
        self.run()
        self.check()
        before = self.everything()
        counts = self.run().counts
        assert (counts.inserted, counts.updated, counts.deleted) == (0, 0, 0)
        assert self.everything() == before, "a run without a change at the source changed something"


def counts(landed: Landed) -> dict[str, int]:
    """The counts of a landing that are not zero."""
    return {name: value for name, value in landed.counts.numbers().items() if value}


def expected(records: Any) -> dict[str, Rows]:
    """The rows that these records (JSON texts) mean."""
    rows: dict[str, Rows] = {"thing": {}, "line": {}, "place": {}}
    for text in records:
        record = json.loads(text, parse_float=Decimal)
        key = record["id"]
        changed = datetime.fromisoformat(record["meta"]["changed"])
        tags = json.dumps(record["tags"], ensure_ascii=False) if record.get("tags") is not None else None
        rows["thing"][(key,)] = (
            record.get("name"), _number(record.get("amount")), record.get("pieces"), record.get("good"),
            record.get("day"), f"{changed.timestamp():.6f}", tags,
        )  # fmt: skip
        for index, line in enumerate(record.get("lines") or ()):
            rows["line"][(key, index)] = (line.get("sku"), _number(line.get("quantity")))
        for role in ("home", "work"):
            if (place := record.get(role)) is not None:
                rows["place"][("thing", key, role)] = (place.get("city"),)
    return rows


def _number(value: Any) -> str | None:
    return None if value is None else str(value)
