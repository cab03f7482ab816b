from blocks import systems
from tests.cli.conftest import Landfall, answer


def test_show_hides_secrets(landfall: Landfall, connected: str) -> None:
    """A connection can be shown to anybody: its fields are there, its secrets are stars."""
    result = landfall("connections", "show", "quickbooks", "main")
    values = systems.saved_values("quickbooks", "main")
    assert str(values["realm_id"]) in result.stdout
    assert str(values["client_secret"]) not in result.output
    assert str(values["refresh_token"]) not in result.output


def test_a_deactivated_connection_stays_so_until_activated(landfall: Landfall, connected: str) -> None:
    """Runs on an inactive connection are refused, and a passing test does not activate it."""
    assert landfall("connections", "deactivate", "quickbooks", "main").exit_code == 0
    assert landfall("connections", "test", "quickbooks", "main").exit_code == 0
    refused = landfall("run", "quickbooks", "--connection", "main", "--json")
    assert refused.exit_code == 1
    assert answer(refused)["error"]["code"] == "ConnectionInactive"
    assert landfall("connections", "activate", "quickbooks", "main").exit_code == 0
    assert landfall("run", "quickbooks", "--connection", "main", "--json").exit_code == 0


def test_deleting_asks_and_then_forgets(landfall: Landfall, connected: str) -> None:
    """Without --yes and a person to ask nothing is deleted; with it the block and the entry are gone, the rows stay."""
    assert landfall("run", "quickbooks", "--json").exit_code == 0
    assert landfall("connections", "delete", "quickbooks", "main").exit_code == 1
    assert "main" in systems.connections("quickbooks")
    assert landfall("connections", "delete", "quickbooks", "main", "--yes").exit_code == 0
    assert answer(landfall("connections", "list", "--json"))["connections"] == []
    rows = {row["table"]: row["rows"] for row in answer(landfall("tables", "--json"))["tables"]}
    assert rows["customer"] == 12


def test_a_connection_that_is_not_there_names_the_others(landfall: Landfall, connected: str) -> None:
    """Asking for an unknown connection is answered with the known ones."""
    result = landfall("connections", "delete", "quickbooks", "mian", "--yes")
    assert isinstance(result.exception, systems.UnknownConnection)
    assert "there are: main" in str(result.exception)
