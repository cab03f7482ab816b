"""Whatever JSON, whatever names, whatever order of events: equal, or refused by name; never an exception or a silent change.

LANDFALL_EXAMPLES multiplies the examples (default 1, for an ordinary run).
"""

import json
import os
import re
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from psycopg import sql

from connectors.stream import Page, column
from tests.oracle import Source, World
from warehouse.errors import WarehouseError
from warehouse.table import MAX_NAME_BYTES, table_of

TIMES = int(os.environ.get("LANDFALL_EXAMPLES", "1"))
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None, "derandomize": TIMES == 1}

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=12) | st.sampled_from(
    ["", "\x00", "\ud800", "\\N", "\\.", "\t", "{}", "NaN", "Infinity", "null"]
)
NUMBER = (
    st.integers(-(10**25), 10**25).map(str)
    | st.decimals(allow_nan=False, allow_infinity=False).map(str)
    | st.sampled_from(["1.50", "-0", "1e400", "1E-300", "0.10", "1" * 900, "NaN"])
)
NAME = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8)


class Written(str):
    """A JSON number as it stands in the text."""


VALUE = st.recursive(
    st.none() | st.booleans() | NUMBER.map(Written) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=8,
)


def write(value: Any) -> str:
    """JSON text of a value."""
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{write(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value)


def kept(value: Any) -> Any:
    """What Postgres can keep of a value: without NUL, half characters replaced, numbers as numbers."""
    if isinstance(value, Written):
        return "NaN" if value == "NaN" else Decimal(value)
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value.replace("\x00", ""))
    if isinstance(value, dict):
        return {name: kept(inner) for name, inner in value.items()}
    return [kept(inner) for inner in value] if isinstance(value, list) else value


@settings(max_examples=20 * TIMES, **QUIET)
@given(values=st.lists(VALUE, min_size=1, max_size=100))
def _any_json_lands_as_it_is(url: str, values: list[Any]) -> None:
    world = World(url, connection=uuid.uuid4().hex)
    places = ("name", "amount", "pieces", "good", "day", "tags", "lines", "home", "other", "meta")
    records = [
        f'{{"id":"{number}","{places[number % len(places)]}":{write(value)}}}'.encode()
        for number, value in enumerate(values)
    ]
    counts = world.run([Page(records=records)], accept_drift=True).counts
    assert counts.read == counts.inserted + counts.dead_lettered == len(records)
    rows = world.query(
        "SELECT id, row_to_json(t)::text, _extra::text FROM lab.thing t WHERE connection = %s", world.connection
    )
    for key, row, extra in rows:
        value, place = values[int(key)], places[int(key) % len(places)]
        found, rest = (
            json.loads(row, parse_float=Decimal, parse_int=Decimal),
            json.loads(extra or "{}", parse_float=Decimal, parse_int=Decimal),
        )
        if place == "tags":
            assert found["tags"] == kept(value)
        elif place == "other":
            assert rest["other"] == kept(value)
        elif place == "name" and isinstance(value, str):
            assert found["name"] == (str(value) if isinstance(value, Written) else kept(value))
        elif place == "amount" and isinstance(value, Written):
            assert found["amount"] == Decimal(value)
        if "\x00" in row or (place in ("tags", "other") and kept(value) != value and _unclean(value)):
            assert "_sanitized" in rest
    letters = world.query("SELECT key, reason_code FROM ops.dead_letter WHERE connection = %s", world.connection)
    assert {key for key, _ in letters} | {key for key, *_ in rows} == {str(number) for number in range(len(values))}
    assert {code for _, code in letters} <= {"BadRow", "BadNumber", "BadDate"}
    again = world.run([Page(records=records)], accept_drift=True).counts
    assert (again.inserted, again.updated, again.dead_lettered) == (0, 0, counts.dead_lettered)


def _unclean(value: Any) -> bool:
    if isinstance(value, Written):
        return False
    if isinstance(value, str):
        return bool(re.search("[\x00\ud800-\udfff]", value))
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_unclean, inner))


def test_any_json_lands_as_it_is_or_is_a_dead_letter(shared_database: str) -> None:
    """Property a: never an exception, never a silent change, and a second reading changes nothing."""
    _any_json_lands_as_it_is(shared_database)


IDENTIFIER = (
    st.text(st.characters(categories=("L", "Nd", "Pc")), min_size=1, max_size=40)
    | st.sampled_from(
        ["select", "Order", "order", "user", "connection", "_row_hash", "ctid", "a" * 63, "a" * 64, "é" * 40]
    )
).filter(str.isidentifier)


@settings(max_examples=60 * TIMES, **QUIET)
@given(names=st.lists(IDENTIFIER, min_size=1, max_size=10, unique=True))
def _every_name_is_a_column(conn: Any, names: list[str]) -> None:
    fields = [(name, Annotated[str | None, column("Text", source=name)], None) for name in names]
    record = msgspec.defstruct(
        "Odd", [("id", Annotated[str, column("Key", source="id")]), *[f for f in fields if f[0] != "id"]]
    )
    try:
        table = table_of("lab", "odd", record, ("id",))
    except TypeError:
        assert [
            name
            for name in names
            if len(name.encode()) > MAX_NAME_BYTES or name.startswith("_") or name in ("connection", "ctid")
        ]
        return
    definitions = [sql.SQL("{} {}").format(sql.Identifier(each.name), sql.SQL(each.pg_type)) for each in table.columns]
    with conn.transaction(force_rollback=True):
        conn.execute(sql.SQL("CREATE TEMPORARY TABLE odd ({})").format(sql.SQL(", ").join(definitions)))
        found = conn.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'pg_temp.odd'::regclass AND attnum > 0"
        ).fetchall()
    assert [name for (name,) in found] == [each.name for each in table.columns]


def test_every_name_is_a_column_of_that_name_or_is_refused(shared_database: str) -> None:
    """Property b: no two fields share a column, no name is shortened, none is executed."""
    with psycopg.connect(shared_database, autocommit=True) as conn:
        _every_name_is_a_column(conn)


class Feed(RuleBasedStateMachine):
    """A source that tells changes since a moment, late commits and deletions included, read by runs that may break off."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.url, connection=uuid.uuid4().hex)
        self.source: Source = self.world.source
        self.changed: dict[str, int] = {}
        self.deleted: dict[str, int] = {}
        self.settled = False

    @rule(key=st.integers(0, 30), lines=st.integers(0, 2), late=st.booleans())
    def put(self, key: int, lines: int, late: bool) -> None:
        """Add or change a record; a late one is stamped a little earlier than what was read already."""
        self.source.put(str(key), lines=[{"sku": str(self.source.tick)}] * lines)
        self.changed[str(key)] = self.source.tick - (3 if late else 0)
        self.deleted.pop(str(key), None)
        self.settled = False

    @rule(key=st.integers(0, 30))
    def delete(self, key: int) -> None:
        """Take a record away."""
        if self.source.records.pop(str(key), None) is not None:
            self.source.tick += 1
            self.deleted[str(key)] = self.source.tick
            self.changed.pop(str(key), None)
            self.settled = False

    def pages(self, cursor: Any, stop: int | None = None) -> Iterator[Page]:
        """What changed since the cursor, less an overlap; in pages of three, cut at page ``stop``."""
        since = cursor["tick"] - 5 if cursor else -1
        keys = sorted(
            (key for key, tick in self.changed.items() if tick >= since), key=lambda key: (self.changed[key], key)
        )
        gone = [key for key, tick in self.deleted.items() if tick >= since]
        cuts = [keys[at : at + 3] for at in range(0, len(keys), 3)]
        for number, cut in enumerate(cuts):
            if number == stop:
                raise ConnectionError("the source broke off")
            yield Page(records=[self.source.records[key] for key in cut], at=f"page {number}")
        yield Page(deleted=gone, cursor={"tick": self.source.tick})

    @rule(slices=st.sampled_from([2, 1000]))
    def run(self, slices: int) -> None:
        """An ordinary run."""
        self.world.run(self.pages, slice_records=slices)
        self.settled = True

    @rule(stop=st.integers(0, 4))
    def break_off(self, stop: int) -> None:
        """A run whose source breaks off at some page."""
        try:
            self.world.run(lambda cursor: self.pages(cursor, stop))
        except ConnectionError:
            pass
        else:
            self.settled = True

    @rule()
    def lose_the_session(self) -> None:
        """A run whose session with Postgres ends before its last page."""

        def pages(cursor: Any) -> Iterator[Page]:
            yield from self.pages(cursor)
            self.world.query(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = %s", f"landfall lab/{self.world.connection} thing"
            )  # fmt: skip
            yield Page()

        self.settled = False
        try:
            self.world.run(pages)
        except WarehouseError:
            pass
        else:
            raise AssertionError("the session was ended and nobody noticed")

    @rule()
    def read_everything(self) -> None:
        """A complete reading, whatever was lost or accepted before."""
        self.world.run(
            [*self.source.pages(4)[:-1], Page(complete=True, cursor={"tick": self.source.tick})],
            full=True,
            accept_shrink=True,
        )
        self.settled = True

    @invariant()
    def landed_is_what_the_source_holds(self) -> None:
        """After a run that ended well: the same rows. At any time: a cursor that is not ahead, books that are true."""
        if self.settled:
            self.world.check()

    def teardown(self) -> None:
        """At the end one clean run, and nothing differs."""
        self.run(1000)
        self.world.check()


def test_changes_deletions_ties_and_crashes_in_any_order(shared_database: str) -> None:
    """Property c: whatever happens in whatever order, after the next good run the rows are those of the source."""
    Feed.url = shared_database
    run_state_machine_as_test(Feed, settings=settings(max_examples=6 * TIMES, stateful_step_count=20, **QUIET))
