from contextlib import closing

import pytest

from cli.run import COUNTS
from sandbox.quickbooks import QuickBooks
from tests.cli.conftest import Landfall, answer
from warehouse.connect import connect
from warehouse.locks import try_lock
from warehouse.run_log import run_lock

STREAMS = {"customer": 12, "vendor": 5, "item": 8, "invoice": 10}


def test_a_run_says_what_it_changed_and_the_next_that_nothing(landfall: Landfall, connected: str) -> None:
    """The answer of a run has every stream's figures; running again with no change at the source changes no row."""
    first = landfall("run", "quickbooks", "--connection", "main", "--json")
    assert first.exit_code == 0
    outcome = answer(first)
    assert set(outcome) == {"run_id", "status", "error", "streams"}
    assert (outcome["status"], outcome["error"]) == ("success", None)
    assert {name: row["inserted"] for name, row in outcome["streams"].items()} == STREAMS
    for row in outcome["streams"].values():
        assert set(row) == {"status", *COUNTS, "error"}
    second = answer(landfall("run", "quickbooks", "--connection", "main", "--full", "--json"))
    assert {name: row["unchanged"] for name, row in second["streams"].items()} == STREAMS
    assert not any(row[name] for row in second["streams"].values() for name in ("inserted", "updated", "deleted"))


def test_a_person_sees_a_table(landfall: Landfall, connected: str) -> None:
    """Without --json the run ends with a table of streams and figures."""
    result = landfall("run", "quickbooks")
    assert result.exit_code == 0
    for name in STREAMS:
        assert name in result.stdout


def test_a_bad_row_is_partial(landfall: Landfall, connected: str, company: QuickBooks) -> None:
    """One bad record among good ones ends the run with 3; the good ones have landed."""
    company.store.spoil("Invoice", company.store.ids("Invoice")[0], {"TotalAmt": "N/A"})
    result = landfall("run", "quickbooks", "--json")
    assert result.exit_code == 3
    outcome = answer(result)
    assert outcome["status"] == "partial"
    assert outcome["streams"]["invoice"]["dead_lettered"] == 1
    assert outcome["streams"]["invoice"]["inserted"] == 9


def test_a_vendor_that_cannot_be_reached_is_a_failure(landfall: Landfall, connected: str) -> None:
    """When the vendor is not there the run ends with 1 and says so by code, and no stream has changed a row."""
    landfall("connect", "quickbooks", "--set=base_url=http://127.0.0.1:9", "--set=retry_attempts=1", "--no-test")
    result = landfall("run", "quickbooks", "--json")
    assert result.exit_code == 1
    outcome = answer(result)
    assert outcome["error"]["code"] == "Unavailable"
    assert all(row["inserted"] == 0 for row in outcome["streams"].values())


def test_a_second_run_at_a_time_is_skipped(landfall: Landfall, connected: str, database: str) -> None:
    """While another run of the same company holds its lock, a run ends with 4 and has done nothing."""
    with closing(connect(database)) as other:
        assert try_lock(other, run_lock("quickbooks", "main"))
        result = landfall("run", "quickbooks", "--json")
    assert result.exit_code == 4
    assert answer(result)["status"] == "skipped"


def test_parameters_are_read_as_what_they_are(landfall: Landfall, connected: str) -> None:
    """-p takes the flow's own parameters, a truth value as such."""
    assert landfall("run", "quickbooks", "-p", "full=true", "--json").exit_code == 0
    wrong = landfall("run", "quickbooks", "-p", "full=perhaps", "--json")
    assert wrong.exit_code == 2
    assert "full" in answer(wrong)["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "quikbooks"], "There is no sync 'quikbooks'; there are: "),
        (["run", "quickbooks", "--connection", "mian"], "no quickbooks connection 'mian'; there are: main"),
        (["run", "quickbooks", "-p", "speed=1"], "has no parameter 'speed'; it has:\n  connection:"),
        (["run", "quickbooks", "-p", "full"], "the form is -p KEY=VALUE"),
    ],
)
def test_a_wrong_command_says_what_there_is(
    landfall: Landfall, connected: str, arguments: list[str], says: str
) -> None:
    """A wrong sync, connection or parameter ends with 2 and lists the right ones."""
    result = landfall(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr


def test_what_ran_can_be_looked_at(landfall: Landfall, connected: str) -> None:
    """After a run, runs, status and tables tell of it, each as one JSON object."""
    run_id = answer(landfall("run", "quickbooks", "--json"))["run_id"]
    assert answer(landfall("runs", "--json"))["runs"][0]["run_id"] == run_id
    assert {row["stream"] for row in answer(landfall("status", "--json"))["streams"]} == set(STREAMS)
    assert "quickbooks.customer" in landfall("tables").stdout
    assert "just now" in landfall("status").stdout or "seconds ago" in landfall("status").stdout
