"""The benchmark's own parts: what it measures with has to be right before its figures can be."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import measure, place, results
from benchmarks.contents import OURS, contents, types
from benchmarks.data import Company
from benchmarks.fetch import Memory
from benchmarks.measure import CommandFailed, Cost
from benchmarks.runs import Runs, WrongContents
from connectors.quickbooks.client import QuickBooksClient
from connectors.quickbooks.streams import streams


def test_the_company_is_the_same_everywhere_and_of_the_promised_size() -> None:
    """Results of two machines are about the same records."""
    company = Company(0.01)
    customers, invoices = (company.first(entity) for entity in ("Customer", "Invoice"))
    assert (len(customers), len(invoices)) == (2000, 1000)
    assert sum(len(json.loads(text)["Line"]) for _, text in invoices) == 6510
    assert customers == Company(0.01, company.begin).first("Customer")


def test_the_second_version_differs_as_much_as_it_should() -> None:
    """A re-run finds one percent changed, and one in a thousand gone and new."""
    company = Company(0.05)
    first = company.first("Invoice")
    second = company.second("Invoice", first)
    before, after = ({json.loads(text)["Id"]: text for _, text in records} for records in (first, second))
    assert len(before.keys() - after.keys()) == len(after.keys() - before.keys()) == 5
    assert sum(before[id_] != after[id_] for id_ in before.keys() & after.keys()) == 50
    assert second == sorted(second)


@pytest.fixture(scope="module")
def source() -> Iterator[place.Source]:
    """The page server with a small company."""
    with place.source(0.02) as found:
        yield found


def test_our_connector_reads_the_whole_company_from_the_page_server(source: place.Source) -> None:
    """The page server speaks as much QuickBooks as our connector needs, in both versions."""
    address = {"base_url": source.url, "token_url": source.url, "realm_id": "1"}
    with QuickBooksClient(client_id="bench", client_secret="bench-only", tokens=Memory(), **address) as client:
        for version in (2, 1):
            source.control(version=version)
            read = {
                stream.name: sum(len(p.records) for p in stream.pages(client, None))
                for stream in streams(("customer", "vendor", "item", "invoice"))
            }
            assert read == {"customer": 4000, "vendor": 0, "item": 0, "invoice": 2000}
    assert source.control()["requests"] > 12


def test_cpu_and_wal_of_a_command_are_counted_on_both_sides(empty_database: str, tmp_path: Path) -> None:
    """What a load costs Postgres is found although its session has ended."""
    code = (
        "import psycopg, sys, time\n"
        "until = time.process_time() + 0.3\n"
        "while time.process_time() < until: pass\n"
        "with psycopg.connect(sys.argv[1]) as session:\n"
        "    session.execute('CREATE TABLE t AS SELECT g, md5(g::text) FROM generate_series(1, 200000) g')\n"
        "print('loaded')"
    )
    cost = measure.run(
        [sys.executable, "-c", code, empty_database],
        dict(os.environ),
        empty_database,
        tmp_path / "log",
        checkpoint=False,
    )
    assert cost.output == "loaded\n"
    assert cost.client_s >= 0.3
    assert cost.postgres_s > 0
    assert cost.wal_bytes > 5_000_000
    assert cost.peak_rss > 5_000_000


def test_a_command_that_fails_is_not_measured(empty_database: str, tmp_path: Path) -> None:
    """A peer that dies early never looks fast."""
    with pytest.raises(CommandFailed, match="ended with 3"):
        measure.run(
            [sys.executable, "-c", "exit(3)"], dict(os.environ), empty_database, tmp_path / "log", checkpoint=False
        )


def test_a_row_that_differs_is_found(empty_database: str) -> None:
    """A tool that loses or changes a value never gets a figure."""
    import psycopg

    with psycopg.connect(empty_database, autocommit=True) as session:
        session.execute("CREATE SCHEMA quickbooks")
        session.execute("CREATE TABLE quickbooks.customer (id text, display_name text, balance numeric)")
        session.execute("INSERT INTO quickbooks.customer VALUES ('1', 'Alder', 1.50), ('2', 'Birch', 2)")
        only = {"customer": OURS["customer"]}
        before = contents(empty_database, only)
        session.execute("UPDATE quickbooks.customer SET balance = 1.5 WHERE id = '1'")
        assert contents(empty_database, only) == before
        session.execute("UPDATE quickbooks.customer SET balance = 1.51 WHERE id = '1'")
        after = contents(empty_database, only)
    assert before["customer"][0] == after["customer"][0] == 2
    with pytest.raises(WrongContents, match="customer holds"):
        Runs._check("some tool", after, before)


def test_a_column_of_another_type_is_found(empty_database: str) -> None:
    """Money as floating point is less work than money, and no load of the same."""
    import psycopg

    with psycopg.connect(empty_database, autocommit=True) as session:
        session.execute("CREATE SCHEMA quickbooks")
        session.execute("CREATE TABLE quickbooks.customer (id varchar, balance numeric, level bigint)")
        ours = types(empty_database, OURS)
        assert ours == {"customer.id": "text", "customer.balance": "numeric", "customer.level": "numeric"}
        session.execute("ALTER TABLE quickbooks.customer ALTER balance TYPE double precision, ADD _dlt_id text")
    Runs._check_types("some tool", ours | {"customer._dlt_id": "text"}, ours)
    with pytest.raises(WrongContents, match=r"customer\.balance is double precision instead of numeric"):
        Runs._check_types("some tool", types(empty_database, OURS), ours)


def _figures(cpu_s: float, rss: int = 100_000_000, wal: int = 1_000) -> results.Figures:
    return results.medians([Cost(cpu_s / 2, cpu_s / 2, cpu_s, wal, rss, rss, 0.0)])


def test_ratios_are_net_of_an_empty_flow_and_say_what_is_missing() -> None:
    """Ours is compared without what Prefect costs anyway, and what was not measured is no number."""
    figures = {
        "prefect_flow": _figures(2.0), "prefect_import": _figures(1.5, rss=80_000_000), "prefect_tasks": _figures(2.5),
        "first": _figures(12.0), "rerun": _figures(5.0, wal=10), "copy": _figures(4.0), "dlt_dict_first": _figures(40.0),
    }  # fmt: skip
    net, gross = (results.ratios(figures, net=net) for net in (True, False))
    assert (net["first_over_copy"], gross["first_over_copy"]) == (2.5, 3.0)
    assert (net["rerun_over_first"], net["dlt_dict_first"], net["prefect_added_s"]) == (0.3, 4.0, 1.0)
    assert (net["wal_rerun_over_first"], net["flow_rss_over_prefect_mb"]) == (0.01, 20.0)
    assert net["delta_over_first"] is net["singer_first"] is net["rss_4x_over_1x"] is None


def test_the_page_of_results_names_goals_that_were_missed() -> None:
    """Nobody has to compare numbers by hand."""
    figures = {"prefect_flow": _figures(2.0), "first": _figures(22.0), "rerun": _figures(4.0), "copy": _figures(4.0)}
    found = {
        "scale": 1.0, "figures": figures, "ratios": results.ratios(figures, net=True), "reasons": {"singer_first": "no network"},
        "ratios_gross": results.ratios(figures, net=False),
    }  # fmt: skip
    text = results.table(found)
    assert "| first_over_copy | 5 | 5.5 | ≤ 4 | **missed** |" in text
    assert "| rerun_over_first | 0.1 | 0.182 | ≤ 0.4 | met |" in text
    assert "| singer_first | – | – | ≥ 5 | no network |" in text
    assert results.plot(found).count("<rect") == 1 + 2 * 3
    assert "| first_over_copy | 5 | 5.5 | ≤ 4 | at full size |" in results.table(found | {"scale": 0.1})


def test_an_unknown_harness_is_refused() -> None:
    """A wrong word gets an answer, not a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "sprint"], capture_output=True, text=True, cwd=place.ROOT
    )
    assert done.returncode == 1
    assert done.stderr == "Say what to run: bench or crash.\n"
