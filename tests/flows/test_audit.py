"""Who changed what: what a person does with a connection, here or in the UI, is found in the audit log."""

from typing import Any

import psycopg

from blocks import systems
from flows.refresh_quickbooks import refresh_quickbooks
from sandbox import quickbooks
from tests.cli.conftest import Landfall, answer

Landed = psycopg.Connection[dict[str, Any]]


def _log(landfall: Landfall) -> list[tuple[Any, ...]]:
    rows = answer(landfall("audit", "list", "--json"))["entries"]
    return [(row["action"], row["actor"], row["via"], row["before"], row["after"]) for row in reversed(rows)]


def test_the_life_of_a_connection_is_in_the_log(landfall: Landfall, connected: str, landed: Landed) -> None:
    """Connecting, running, switching off and on and deleting are there, by the user of this machine; the chain holds."""
    assert landfall("run", "quickbooks", "-p", "full=true", "--json").exit_code == 0
    assert landfall("connections", "deactivate", "quickbooks", "main").exit_code == 0
    assert landfall("run", "quickbooks").exit_code == 1
    assert landfall("connections", "activate", "quickbooks", "main").exit_code == 0
    assert landfall("connections", "delete", "quickbooks", "main", "--yes").exit_code == 0
    log = _log(landfall)
    # A schedule of another test may still hang on this name at the server that they share.
    log = [entry for entry in log if entry[0] != "schedule.removed"]
    assert [entry[0] for entry in log] == [
        "connection.made", "connection.test-passed", "run.started", "connection.deactivated", "run.started",
        "connection.activated", "connection.deleted",
    ]  # fmt: skip
    assert {entry[2] for entry in log} == {"cli"}
    assert {entry[1] for entry in log} != {"unknown"}
    made, run = log[0][4], log[2][4]
    assert (made["client_secret"], made["refresh_token"]) == ("set", "set")
    assert run["parameters"]["full"] == "True"
    assert run["run_id"] in {str(row["run_id"]) for row in landed.execute("SELECT run_id FROM ops.sync_run").fetchall()}
    assert answer(landfall("audit", "verify", "--json"))["ok"]
    assert "connection quickbooks/main" in landfall("audit", "list").stdout
    landed.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER audit_log_only_grows")
    landed.execute("UPDATE ops.audit_log SET actor = 'somebody-else' WHERE id = 4")
    told = landfall("audit", "verify")
    assert (told.exit_code, "row 4 was changed" in told.stdout) == (1, True)


def test_an_edit_in_the_ui_is_noticed_at_the_next_use(
    landfall: Landfall, connected: str, landed: Landed, company: quickbooks.QuickBooks
) -> None:
    """A block that was changed elsewhere is logged by the next run, its fields in clear, of a secret only that it changed."""
    values = systems.saved_values("quickbooks", "main")
    systems.save("quickbooks", "main", values | {"timeout_s": 33, "client_secret": "canary-edited-secret"})
    state = refresh_quickbooks(connected, return_state=True)
    noticed = [entry for entry in _log(landfall) if entry[0] == "connection.changed"]
    assert noticed == [
        ("connection.changed", "unknown", "an edit of the block, noticed by flow refresh-quickbooks",
         {"timeout_s": 60, "client_secret": "set"}, {"timeout_s": 33, "client_secret": "changed"}),
    ]  # fmt: skip
    systems.save("quickbooks", "main", values | {"timeout_s": 44})
    assert landfall("connect", "quickbooks", "--set", "timeout_s=55", "--no-test").exit_code == 0
    last, mine = [entry for entry in _log(landfall) if entry[0] == "connection.changed"][-2:]
    assert (last[1], last[4]) == ("unknown", {"timeout_s": 44, "client_secret": "changed"})
    assert (mine[2], mine[3], mine[4]) == ("cli", {"timeout_s": 44}, {"timeout_s": 55})
    for table in ("audit_log", "connection"):
        text = landed.execute(f"SELECT string_agg(t::text, '') AS text FROM ops.{table} t").fetchone()  # type: ignore[arg-type]
        assert "canary" not in str(text)
        assert str(values["client_secret"]) not in str(text)
    assert state is not None


def test_a_run_that_the_vendor_refuses_puts_the_connection_in_error(
    landfall: Landfall, connected: str, company: quickbooks.QuickBooks
) -> None:
    """Whoever lists connections sees which one does not work, until a run or a test passes again."""

    def status() -> str:
        return str(answer(landfall("connections", "show", "quickbooks", "main", "--json"))["connection"]["status"])

    good = systems.saved_values("quickbooks", "main")
    assert status() == "active"
    systems.save("quickbooks", "main", good | {"refresh_token": "canary-wrong-token"})
    assert landfall("run", "quickbooks").exit_code == 1
    assert status() == "error"
    systems.save("quickbooks", "main", good)
    assert landfall("run", "quickbooks").exit_code == 0
    assert status() == "active"
