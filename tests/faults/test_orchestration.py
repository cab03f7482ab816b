"""Runs that meet, die or are told to stop: one at a time, the log says what was, and the next run just works."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest

from flows.refresh_quickbooks import refresh_quickbooks
from sandbox.quickbooks import QuickBooks
from tests.cli.conftest import company, connected, landfall  # noqa: F401 - fixtures

ROOT = Path(__file__).parents[2]
RUN = "from flows.refresh_quickbooks import refresh_quickbooks as run; print(run('main', return_state=True).name)"
Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def query(database: str, connected: str) -> Iterator[Query]:  # noqa: F811 - the fixture
    """Ask the warehouse."""
    with psycopg.connect(database, autocommit=True) as conn:
        yield lambda statement: conn.execute(statement).fetchall()


@contextmanager
def running(company: QuickBooks) -> Iterator["subprocess.Popen[str]"]:  # noqa: F811 - the fixture
    """A run in a process of its own, so slow that it is in the middle; killed at the end if it still lives."""
    company.faults.add("latency", entity="Customer", seconds=1.0, times=None)
    company.journal.clear()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not company.journal.count("/query", statement="Customer") and time.monotonic() < deadline:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
        company.faults.clear()


def test_of_two_runs_at_once_one_lands_and_one_is_skipped(query: Query, company: QuickBooks) -> None:  # noqa: F811
    """J2, K-1: round after round, whoever comes second says so and is no failure; nothing lands twice."""
    rounds = 4
    with ThreadPoolExecutor(1) as pool:
        for _ in range(rounds):
            entered, released = Event(), Event()

            def hold(_entity: str, _page: int, entered: Event = entered, released: Event = released) -> None:
                entered.set()
                released.wait(60)

            company.on_page(hold)
            first = pool.submit(refresh_quickbooks, "main", full=True, return_state=True)
            assert entered.wait(60)
            second = refresh_quickbooks("main", return_state=True)
            company.on_page(None)
            released.set()
            assert (first.result().name, second.name) == ("Completed", "Skipped")
    log = query("SELECT status, stream, count(*) FROM ops.sync_run GROUP BY 1, 2 ORDER BY 1, 2")
    assert log == [
        ("skipped", "*", rounds), *[("success", stream, rounds) for stream in ("customer", "invoice", "item", "vendor")]
    ]  # fmt: skip
    assert query("SELECT count(*) FROM quickbooks.customer") == [(12,)]
    messages = query("SELECT error_code, error_message FROM ops.sync_run WHERE status = 'skipped'")
    assert all(code == "AlreadyRunning" and "quickbooks/main" in message for code, message in messages)


def test_a_killed_run_is_crashed_and_the_next_one_lands(query: Query, company: QuickBooks) -> None:  # noqa: F811
    """J1: nobody has to tidy up: the log reads crashed at once, and the connection is free."""
    with running(company) as process:
        assert ("customer", "running") in query("SELECT stream, status FROM ops.sync_run")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        deadline = time.monotonic() + 15
        while query("SELECT 1 FROM ops.sync_run WHERE status = 'running'") and time.monotonic() < deadline:
            time.sleep(0.05)
        assert ("customer", "crashed") in query("SELECT stream, status FROM ops.sync_run")
    assert refresh_quickbooks("main", return_state=True).name == "Completed"
    assert query("SELECT count(*) FROM quickbooks.customer") == [(12,)]
    assert query("SELECT 1 FROM ops.sync_run_log WHERE status = 'running'") == []
    assert query("SELECT relname FROM pg_class WHERE relnamespace = 'staging'::regnamespace") == []


def test_a_cancelled_run_stops_soon_and_asks_for_nothing_more(query: Query, company: QuickBooks) -> None:  # noqa: F811
    """J4: what Prefect does to cancel (SIGTERM) ends the run within ten seconds; no page is half there."""
    with running(company) as process:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        asked = company.journal.count("/query")
        assert query("SELECT count(*) FROM quickbooks.customer") in ([(0,)], [(12,)])
        deadline = time.monotonic() + 15
        while query("SELECT 1 FROM ops.sync_run WHERE status = 'running'") and time.monotonic() < deadline:
            time.sleep(0.05)
        [(found, code)] = query("SELECT status, error_code FROM ops.sync_run WHERE stream = 'customer'")
        assert found in ("cancelled", "crashed"), code
        assert company.journal.count("/query") == asked
    assert refresh_quickbooks("main", return_state=True).name == "Completed"
    assert query("SELECT count(*) FROM quickbooks.customer") == [(12,)]
