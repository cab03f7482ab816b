import pytest

from blocks import systems
from sandbox.quickbooks import QuickBooks
from tests.cli.conftest import Landfall, answer, connect_arguments


def test_connecting_tests_and_notes_the_connection(landfall: Landfall, connected: str) -> None:
    """After `landfall connect` the connection is listed as active, with the company that answered."""
    [row] = answer(landfall("connections", "list", "--json"))["connections"]
    assert (row["kind"], row["name"], row["status"], row["type"]) == ("quickbooks", "main", "active", "accounting")
    assert row["identity"]
    assert row["last_test_ok"]


def test_what_is_not_given_stays(landfall: Landfall, connected: str) -> None:
    """Changing one field leaves the others and the secrets as they were."""
    before = systems.saved_values("quickbooks", "main")
    result = landfall("connect", "quickbooks", "--name", "main", "--set", "timeout_s=30", "--json")
    assert result.exit_code == 0
    assert answer(result)["ok"]
    assert systems.saved_values("quickbooks", "main") == before | {"timeout_s": 30}


def test_a_missing_field_lists_the_fields(landfall: Landfall) -> None:
    """A connection without its required fields is not made; the answer says which fields there are."""
    result = landfall("connect", "quickbooks", "--name", "half", "--set", "realm_id=1", "--json")
    assert result.exit_code == 2
    message = answer(result)["error"]["message"]
    assert "needs client_id, client_secret, refresh_token" in message
    for field in systems.fields("quickbooks"):
        assert field.name in message
        assert field.description in message
    assert "half" not in systems.connections("quickbooks")


def test_an_unknown_field_lists_the_fields(landfall: Landfall) -> None:
    """A typing error in a field's name is answered with the names that there are."""
    result = landfall("connect", "quickbooks", "--set", "realmid=1")
    assert result.exit_code == 2
    assert "no field 'realmid'" in result.stderr
    assert "realm_id" in result.stderr


def test_a_secret_in_the_command_is_refused(landfall: Landfall) -> None:
    """A secret is never taken from the command line, and the refusal shows the right form, not the secret."""
    result = landfall("connect", "quickbooks", "--set", "client_secret=canary-secret-1")
    assert result.exit_code == 2
    assert "--secret client_secret=CLIENT_SECRET" in result.stderr
    assert "canary" not in result.output


@pytest.mark.parametrize("variable", ["NOT_THERE", "canary-pasted-secret"])
def test_a_missing_variable_is_named(landfall: Landfall, variable: str) -> None:
    """A variable that is not set is an error; a secret pasted in its place is not repeated."""
    result = landfall("connect", "quickbooks", "--secret", f"client_secret={variable}")
    assert result.exit_code == 2
    assert "is not set; the form is --secret client_secret=NAME_OF_A_VARIABLE" in result.stderr
    assert "canary" not in result.output


def test_an_unknown_system_names_the_known_ones(landfall: Landfall) -> None:
    """A system that there is not is answered with those that there are."""
    result = landfall("connect", "quikbooks", "--json")
    assert result.exit_code == 2
    message = answer(result)["error"]["message"]
    assert "no system 'quikbooks'" in message
    assert ", ".join(systems.names()) in message


def test_a_wrong_secret_is_found_at_once(landfall: Landfall, connected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong client secret fails the test, though the access token of before would still be good for an hour."""
    monkeypatch.setenv("WRONG", "canary-wrong-secret")
    result = landfall("connect", "quickbooks", "--name", "main", "--secret", "client_secret=WRONG", "--json")
    assert result.exit_code == 1
    assert answer(result)["error"]["code"] == "AuthRejected"
    assert "canary" not in result.output
    assert answer(landfall("connections", "show", "quickbooks", "main", "--json"))["connection"]["status"] == "error"


def test_another_company_under_the_same_name_is_refused(
    landfall: Landfall, connected: str, company: QuickBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pointing a connection that landed rows at another company fails, so that two companies never mix."""
    monkeypatch.setattr(company.api, "realm_id", "4242")
    result = landfall(*connect_arguments(company, monkeypatch), "--json")
    assert result.exit_code == 1
    assert answer(result)["error"]["code"] == "ConnectionChanged"


def test_without_a_test_nothing_is_asked(
    landfall: Landfall, company: QuickBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--no-test saves a connection without a word to the vendor."""
    result = landfall(*connect_arguments(company, monkeypatch), "--no-test", "--json")
    assert answer(result) == {"system": "quickbooks", "name": "main", "tested": False}
    assert len(company.journal.entries()) == 0
    systems.delete("quickbooks", "main")
