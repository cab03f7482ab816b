"""Gates: expectations on the table as it would be, judged by Great Expectations before anything lands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from warehouse import quick_gates
from warehouse.errors import GateFailed
from warehouse.staging import Staging
from warehouse.table import GateLike, StreamLike

Connection = psycopg.Connection[Any]

MAX_KEYS = 20  # enough to see what is wrong; the rest is a query away


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one expectation said: ``observed`` in words, ``keys`` the first rows that broke it."""

    expectation: str
    blocks: bool
    passed: bool
    observed: str = ""
    keys: list[str] = field(default_factory=list)


def judge(url: str, connection: Connection, staging: Staging, stream: StreamLike) -> list[Verdict]:
    """Judge the staged rows over those that stay (or the staged rows alone, for gates on changed rows).

    GateFailed, with all verdicts, if one that blocks is broken. Where Postgres sees that they hold, that is the
    verdict; Great Expectations, which takes seconds to load, judges the others.
    """
    as_if = _view(connection, staging)
    verdicts: list[Verdict] = []
    for changed_only, name in ((False, as_if), (True, staging.names[0])):
        wanted = [gate for gate in stream.gates if gate.changed_only is changed_only]
        if wanted:
            holding = quick_gates.hold(connection, sql.Identifier("staging", name), wanted)
            verdicts += [
                Verdict(_text(wanted[at]), wanted[at].blocks, True, seen) for at, seen in sorted(holding.items())
            ]
            if left := [gate for at, gate in enumerate(wanted) if at not in holding]:
                verdicts += _validate(url, name, stream, left)
    if broken := [verdict for verdict in verdicts if verdict.blocks and not verdict.passed]:
        error = GateFailed(f"{stream.schema}.{stream.name} would break: {'; '.join(_sentence(v) for v in broken)}")
        error.verdicts = verdicts
        raise error
    return verdicts


def _view(connection: Connection, staging: Staging) -> str:
    """The table as it would be: a view of staged rows over landed ones that are neither staged nor gone."""
    table = staging.tables[0]
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.staged)

    def absent(name: sql.Identifier) -> sql.Composed:
        keys = (sql.SQL("x.{0} = t.{0}").format(sql.Identifier(key)) for key in table.key)
        return sql.SQL("NOT EXISTS (SELECT FROM {} x WHERE {})").format(name, sql.SQL(" AND ").join(keys))

    name = staging.view_name
    connection.execute(
        sql.SQL(
            "CREATE OR REPLACE VIEW {} AS SELECT {} FROM {} UNION ALL SELECT {} FROM {} t"
            " WHERE connection = {} AND _deleted_at IS NULL AND {} AND {}"
        ).format(
            sql.Identifier("staging", name), columns, staging.rows[0], columns, table.identifier,
            sql.Literal(staging.connection_name), absent(staging.rows[0]), absent(staging.gone),
        )
    )  # fmt: skip
    return name


def _validate(url: str, name: str, stream: StreamLike, gates: Sequence[GateLike]) -> list[Verdict]:
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_postgres(
        "warehouse", connection_string=f"{_sqlalchemy(url)}{'&' if '?' in url else '?'}options=-csearch_path%3Dstaging"
    )
    try:
        batch = (
            source.add_table_asset(stream.name, table_name=name).add_batch_definition_whole_table("whole").get_batch()
        )
        suite = gx.ExpectationSuite(
            name=stream.name,
            expectations=[
                ExpectationConfiguration(type=gate.expectation, kwargs=dict(gate.arguments)).to_domain_obj()
                for gate in gates
            ],
        )
        results = batch.validate(
            suite,
            result_format={
                "result_format": "COMPLETE",
                "unexpected_index_column_names": list(stream.key),
                "partial_unexpected_count": MAX_KEYS,
                "return_unexpected_index_query": False,
            },
        )
    finally:
        source.get_engine().dispose()
    return [_verdict(gate, result, stream) for gate, result in _paired(gates, results.results)]


def _paired(gates: Sequence[GateLike], results: Sequence[Any]) -> list[tuple[GateLike, Any]]:
    """Great Expectations may answer in another order."""
    left, pairs = list(results), []
    for gate in gates:
        match = next(
            result
            for result in left
            if result.expectation_config.type == gate.expectation
            and all(result.expectation_config.kwargs.get(key) == value for key, value in gate.arguments.items())
        )
        left.remove(match)
        pairs.append((gate, match))
    return pairs


def _verdict(gate: GateLike, result: Any, stream: StreamLike) -> Verdict:
    found = result.result or {}
    keys = [", ".join(str(row.get(key)) for key in stream.key) for row in (found.get("unexpected_index_list") or [])]
    observed = found.get("observed_value", found.get("unexpected_count"))
    if result.exception_info.get("raised_exception"):
        observed = f"could not be judged: {result.exception_info.get('exception_message')}"
    return Verdict(_text(gate), gate.blocks, bool(result.success), str(observed), keys[:MAX_KEYS])


def _text(gate: GateLike) -> str:
    arguments = ", ".join(f"{key}={value!r}" for key, value in gate.arguments.items())
    return f"{gate.expectation}({arguments})"


def _sentence(verdict: Verdict) -> str:
    keys = f", keys {', '.join(verdict.keys)}" if verdict.keys else ""
    return f"{verdict.expectation} (found {verdict.observed}{keys})"


def _sqlalchemy(url: str) -> str:
    return "postgresql+psycopg://" + url.split("://", 1)[1]
