"""Expectations that Postgres can see to hold, so that Great Expectations is only loaded when something is wrong.

Loading it takes five seconds and 200 MB, as much as a whole landing. So the common expectations are first asked of
Postgres, all in one query. This may only ever say yes: whatever is broken, or not known here with all its arguments,
is judged by Great Expectations, which then also says what was found and where.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from warehouse.table import GateLike

Connection = psycopg.Connection[Any]
Arguments = Mapping[str, Any]


def hold(connection: Connection, relation: sql.Identifier, gates: Sequence[GateLike]) -> dict[int, str]:
    """The positions of the gates that hold for the rows of ``relation``, and what was observed, in words."""
    known = {at: made for at, gate in enumerate(gates) if (made := _condition(gate)) is not None}
    if not known:
        return {}
    parts = sql.SQL(", ").join(sql.SQL("({})::boolean, ({})::text").format(*made) for made in known.values())
    row: Any = connection.execute(sql.SQL("SELECT {} FROM {}").format(parts, relation)).fetchone()
    answers = zip(row[::2], row[1::2], strict=True)
    return {at: observed for at, (holds, observed) in zip(known, answers, strict=True) if holds}


def _condition(gate: GateLike) -> tuple[sql.Composable, sql.Composable] | None:
    """An aggregate that is true if the gate holds, and one that says what was seen; None if it is not known here."""
    entry = _KNOWN.get(gate.expectation)
    if entry is None:
        return None
    allowed, make = entry
    if not set(gate.arguments) <= allowed or not 0 < gate.arguments.get("mostly", 1) <= 1:
        return None
    return make(gate.arguments)


def _unexpected(
    among: sql.Composable, bad: sql.Composable, arguments: Arguments
) -> tuple[sql.Composable, sql.Composable]:
    """At most 1 - ``mostly`` of the values are bad; no values at all is fine."""
    found = sql.SQL("count(*) FILTER (WHERE {} AND {})").format(among, bad)
    total = sql.SQL("count(*) FILTER (WHERE {})").format(among)
    share = sql.Literal(arguments.get("mostly", 1))
    return sql.SQL("{0} = 0 OR ({0} - {1})::numeric / {0} >= {2}").format(total, found, share), found


def _not_null(arguments: Arguments) -> tuple[sql.Composable, sql.Composable]:
    return _unexpected(sql.SQL("true"), sql.SQL("{} IS NULL").format(sql.Identifier(arguments["column"])), arguments)


def _between(arguments: Arguments) -> tuple[sql.Composable, sql.Composable] | None:
    column = sql.Identifier(arguments["column"])
    bounds = [(arguments.get("min_value"), "<"), (arguments.get("max_value"), ">")]
    outside = [
        sql.SQL("{} {} {}").format(column, sql.SQL(sign), sql.Literal(bound))
        for bound, sign in bounds
        if isinstance(bound, int | float) and not isinstance(bound, bool)
    ]
    if len(outside) != sum(bound is not None for bound, _ in bounds) or not outside:
        return None
    bad = sql.SQL("({})").format(sql.SQL(" OR ").join(outside))
    return _unexpected(sql.SQL("{} IS NOT NULL").format(column), bad, arguments)


def _in_set(arguments: Arguments) -> tuple[sql.Composable, sql.Composable] | None:
    values = arguments["value_set"]
    if not values or not all(isinstance(value, str) for value in values):
        return None
    column = sql.Identifier(arguments["column"])
    bad = sql.SQL("{} <> ALL ({})").format(column, sql.Literal(list(values)))
    return _unexpected(sql.SQL("{} IS NOT NULL").format(column), bad, arguments)


def _unique(arguments: Arguments) -> tuple[sql.Composable, sql.Composable]:
    twice = sql.SQL("count({0}) - count(DISTINCT {0})").format(sql.Identifier(arguments["column"]))
    return sql.SQL("{} = 0").format(twice), twice


def _row_count(arguments: Arguments) -> tuple[sql.Composable, sql.Composable]:
    low, high = arguments.get("min_value") or 0, arguments.get("max_value")
    return sql.SQL("count(*) >= {0} AND ({1}::bigint IS NULL OR count(*) <= {1})").format(
        sql.Literal(low), sql.Literal(high)
    ), sql.SQL("count(*)")


Make = Callable[[Arguments], tuple[sql.Composable, sql.Composable] | None]
_KNOWN: dict[str, tuple[set[str], Make]] = {
    "expect_column_values_to_not_be_null": ({"column", "mostly"}, _not_null),
    "expect_column_values_to_be_between": ({"column", "min_value", "max_value", "mostly"}, _between),
    "expect_column_values_to_be_in_set": ({"column", "value_set", "mostly"}, _in_set),
    "expect_column_values_to_be_unique": ({"column"}, _unique),
    "expect_table_row_count_to_be_between": ({"min_value", "max_value"}, _row_count),
}
