"""Lists within lists, and columns that follow from others, land like everything else."""

import json
from decimal import Decimal
from typing import Annotated, Any
from uuid import uuid4

import msgspec
import psycopg
import pytest

from connectors.stream import Child, Page, Stream, column, derived
from warehouse.landing import Landed, Options, land
from warehouse.run_log import Run
from warehouse.table import table_of


class Order(msgspec.Struct, kw_only=True):
    """An order."""

    id: Annotated[str, column("Its id", source="Id")]
    total: Annotated[Decimal | None, column("Total", source="Total")] = None
    note: Annotated[str | None, column("Note", source="Note")] = None
    is_void: Annotated[bool | None, derived("Whether it is void", total=0, note="it's 'Void'")] = None


class Line(msgspec.Struct, kw_only=True):
    """A line of an order."""

    what: Annotated[str | None, column("What", source="What")] = None
    size: Annotated[str | None, column("Size", source="Box.Size")] = None
    order_id: Annotated[str, column("The order", source="^Id")]
    index: Annotated[int, column("Position, from 0", source="#")]


class Part(msgspec.Struct, kw_only=True):
    """A part in the box of a line."""

    order_id: Annotated[str, column("The order", source="^Id")]
    line_index: Annotated[int, column("Position of the line", source="#^")]
    index: Annotated[int, column("Position, from 0", source="#")]
    number: Annotated[Decimal | None, column("Number", source="Number")] = None


ORDERS = Stream(
    name="orders",
    schema="nest",
    record=Order,
    key=("id",),
    pages=lambda _client, _cursor: iter(()),
    children=(
        Child("order_line", Line, ("order_id", "index"), path="Lines"),
        Child("order_part", Part, ("order_id", "line_index", "index"), path="Lines.Box.Parts"),
    ),
)
RECORDS: list[dict[str, Any]] = [
    {"Id": "a", "Lines": [{"What": "x", "Box": {"Size": "S", "Parts": [{"Number": 1}, {"Number": 2.50}]}}, {"What": "y"}]},
    {"Id": "b", "Total": 0, "Note": "it's 'Void', they say", "Lines": [{"Box": {"Parts": []}}, {"Box": {"Parts": [{}]}}]},
    {"Id": "c", "Total": 0.00, "Lines": None},
    {"Id": "d", "Note": "it's 'Void'", "Lines": [{"What": "ta\tb", "Box": None}, {"Box": {"Parts": None, "Seal": 7}}]},
    {"Id": "e", "Total": 7, "Lines": [{"Box": {"Parts": [{"Number": "3", "Glue": ["g"]}]}}], "Note": "it's 'Void'"},
]  # fmt: skip


def run(url: str, records: list[dict[str, Any]], **options: Any) -> Landed:
    """Land these records as all there are."""
    texts = [json.dumps(record).encode() for record in records]
    return land(
        url, Run(uuid4(), "nest", "main"), ORDERS, lambda _: iter([Page(records=texts, complete=True)]),
        Options(accept_shrink=True, **options),
    )  # fmt: skip


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with psycopg.connect(url) as session:
        return session.execute(statement).fetchall()


@pytest.mark.both_postgres
def test_a_list_within_a_list(database: str) -> None:
    """Each element lands with the positions of both lists, the rest of it in _extra; a run without change is quiet."""
    counts = run(database, RECORDS).counts
    assert (counts.inserted, counts.dead_lettered, counts.children["order_part"]["inserted"]) == (5, 0, 4)
    parts = "SELECT order_id, line_index, index, number::text, _extra FROM nest.order_part_current ORDER BY 1, 2, 3"
    assert rows(database, parts) == [
        ("a", 0, 0, "1", None), ("a", 0, 1, "2.5", None), ("b", 1, 0, None, None), ("e", 0, 0, "3", {"Glue": ["g"]}),
    ]  # fmt: skip
    lines = "SELECT order_id, index, what, size, _extra FROM nest.order_line_current WHERE order_id IN ('a', 'd') ORDER BY 1, 2"
    assert rows(database, lines) == [
        ("a", 0, "x", "S", None), ("a", 1, "y", None, None),
        ("d", 0, "ta\tb", None, None), ("d", 1, None, None, {"Box": {"Seal": 7}}),
    ]  # fmt: skip
    again = run(database, RECORDS, full=True).counts
    assert (again.inserted, again.updated, again.deleted) == (0, 0, 0)
    changed = json.loads(json.dumps(RECORDS))
    changed[0]["Lines"][0]["Box"]["Parts"] = [{"Number": 9}]
    counts = run(database, [changed[0], *changed[2:]]).counts
    assert (counts.updated, counts.deleted) == (1, 1)
    assert rows(database, parts) == [("a", 0, 0, "9", None), ("e", 0, 0, "3", {"Glue": ["g"]})]


def test_a_column_that_follows_from_others(database: str) -> None:
    """It is true where all that it asks for holds, false where anything does not or is not known, and follows changes."""
    run(database, RECORDS)
    void = "SELECT id FROM nest.orders_current WHERE is_void ORDER BY 1"
    assert rows(database, void) == [("b",)]
    assert rows(database, "SELECT count(*) FROM nest.orders WHERE is_void IS NULL") == [(0,)]
    run(database, [*RECORDS[:3], {**RECORDS[4], "Total": 0}])
    assert rows(database, void) == [("b",), ("e",)]


@pytest.mark.parametrize(
    ("lines", "said"),
    [([{"Box": {"Parts": "none"}}], "not a list"), ([{"Box": {"Parts": [3]}}], "where an object belongs")],
)
def test_a_nested_list_that_is_none(database: str, lines: Any, said: str) -> None:
    """A record whose nested list is something else is kept as a dead letter, and the others land."""
    landed = run(database, [*RECORDS, {"Id": "z", "Lines": lines}])
    assert (landed.counts.inserted, landed.counts.dead_lettered) == (5, 1)
    assert said in rows(database, "SELECT message FROM ops.dead_letter")[0][0]


def test_the_key_comes_first() -> None:
    """Whoever looks at a table sees first what names the row, wherever its type declares that."""
    names = [column.name for column in table_of("nest", "order_line", Line, ("order_id", "index")).columns]
    assert names == ["order_id", "index", "what", "size"]


def test_a_column_that_follows_from_none() -> None:
    """A declaration that names a column that is not there is refused at once."""

    class Odd(msgspec.Struct):
        """Odd."""

        id: Annotated[str, column("Its id", source="Id")]
        flag: Annotated[bool | None, derived("A flag", nowhere=1)] = None

    with pytest.raises(TypeError, match="no field nowhere"):
        table_of("nest", "odd", Odd, ("id",))
