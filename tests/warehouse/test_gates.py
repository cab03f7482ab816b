"""Gates: the quick look and Great Expectations say the same, and a stream that breaks none does not pay for it."""

import subprocess
import sys

import psycopg
import pytest
from psycopg import sql

from connectors.stream import Gate
from tests.oracle import World, stream
from warehouse import gates, quick_gates
from warehouse.errors import GateFailed

CASES = [
    ("numbers", [1, 2, 3, None], Gate("expect_column_values_to_not_be_null", {"column": "number"})),
    ("numbers", [1, 2, 3, None], Gate("expect_column_values_to_not_be_null", {"column": "number", "mostly": 0.75})),
    ("numbers", [1, 2, 3, None], Gate("expect_column_values_to_not_be_null", {"column": "number", "mostly": 0.76})),
    ("numbers", [], Gate("expect_column_values_to_not_be_null", {"column": "number"})),
    ("numbers", [None, None], Gate("expect_column_values_to_be_between", {"column": "number", "min_value": 1})),
    (
        "numbers",
        [0, 1, 2],
        Gate("expect_column_values_to_be_between", {"column": "number", "min_value": 0, "max_value": 2}),
    ),
    ("numbers", [0, 1, 2], Gate("expect_column_values_to_be_between", {"column": "number", "max_value": 1.5})),
    (
        "numbers",
        [0, 1, 2],
        Gate("expect_column_values_to_be_between", {"column": "number", "max_value": 1, "mostly": 0.6}),
    ),
    ("numbers", [1, 1, None, None], Gate("expect_column_values_to_be_unique", {"column": "number"})),
    ("numbers", [1, 2, None, None], Gate("expect_column_values_to_be_unique", {"column": "number"})),
    ("texts", ["a", "b", None], Gate("expect_column_values_to_be_in_set", {"column": "text", "value_set": ["a", "b"]})),
    ("texts", ["a", "b", "A"], Gate("expect_column_values_to_be_in_set", {"column": "text", "value_set": ["a", "b"]})),
    ("texts", ["a"], Gate("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 1})),
    ("texts", [], Gate("expect_table_row_count_to_be_between", {"min_value": 1})),
    ("texts", ["a", "b"], Gate("expect_table_row_count_to_be_between", {"max_value": 1})),
]


def test_the_quick_look_agrees_with_great_expectations(database: str) -> None:
    """Whatever the quick look lets pass, Great Expectations lets pass too, and the other way round for what it knows."""
    with psycopg.connect(database, autocommit=True) as session:
        for number, (kind, values, gate) in enumerate(CASES):
            name, column = f"case_{number}", "number numeric" if kind == "numbers" else "text text"
            table = sql.Identifier("staging", name)
            session.execute(sql.SQL("CREATE TABLE {} (id text, {})").format(table, sql.SQL(column)))
            for row, value in enumerate(values):
                session.execute(sql.SQL("INSERT INTO {} VALUES (%s, %s)").format(table), (str(row), value))
            quick = bool(quick_gates.hold(session, table, [gate]))
            (slow,) = gates._validate(database, name, stream(gates=(gate,)), [gate])
            assert quick is slow.passed, (values, gate)


@pytest.mark.parametrize(
    "gate",
    [
        Gate("expect_column_values_to_match_regex", {"column": "name", "regex": "^thing"}),
        Gate("expect_column_values_to_be_between", {"column": "amount", "min_value": 0, "strict_min": True}),
        Gate("expect_column_values_to_be_between", {"column": "day", "min_value": "2026-01-01"}),
        Gate("expect_column_values_to_be_in_set", {"column": "amount", "value_set": [1, 2]}),
    ],
)
def test_what_the_quick_look_does_not_know_is_left_to_great_expectations(database: str, gate: Gate) -> None:
    """An expectation, or an argument of one, that is not known for certain is never said to hold."""
    with psycopg.connect(database, autocommit=True) as session:
        assert quick_gates.hold(session, sql.Identifier("ops", "connection"), [gate]) == {}


def test_a_broken_gate_names_the_keys_and_all_verdicts(world: World) -> None:
    """Whoever reads the failure sees which records broke which expectation; what held is told too."""
    world.stream = stream(
        gates=(
            Gate("expect_column_values_to_not_be_null", {"column": "name"}),
            Gate("expect_table_row_count_to_be_between", {"min_value": 10}),
        )
    )
    world.source.put("9", name=None)
    world.source.put("11", name=None)
    with pytest.raises(GateFailed, match=r"keys (11, 9|9, 11)") as caught:
        world.run()
    assert [(verdict.passed, bool(verdict.keys)) for verdict in caught.value.verdicts] == [(True, False), (False, True)]
    assert world.query("SELECT count(*) FROM lab.thing") == [(0,)]


def test_gates_that_hold_do_not_load_great_expectations() -> None:
    """Neither the engine nor the flow pays for it until something is wrong."""
    code = "import sys, warehouse.landing, warehouse.gates, flows.refresh_quickbooks; print('great_expectations' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "False"
