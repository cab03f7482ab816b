from blocks import systems
from flows import test_connection as flow_file
from tests.cli.conftest import Landfall, answer


def test_a_good_connection_passes_and_is_noted(landfall: Landfall, connected: str) -> None:
    """Testing from the UI ends Completed with what the vendor said, and ops.connection knows."""
    state = flow_file.test_connection("quickbooks", connected, return_state=True)
    assert state.is_completed()
    assert "quickbooks/main answers: identity" in str(state.message)
    assert answer(landfall("connections", "show", "quickbooks", "main", "--json"))["connection"]["last_test_ok"]


def test_a_refused_connection_fails_with_its_code(landfall: Landfall, connected: str) -> None:
    """Testing wrong credentials ends Failed, by code and without the secret."""
    values = systems.saved_values("quickbooks", connected) | {"client_secret": "canary-wrong-secret"}
    systems.save("quickbooks", connected, values)
    state = flow_file.test_connection("quickbooks", connected, return_state=True)
    assert state.is_failed()
    assert str(state.message).startswith("AuthRejected: ")
    assert "canary" not in str(state.message)


def test_the_ui_offers_the_systems_there_are() -> None:
    """The form in the UI is a list of systems, with the new ones as soon as they are there."""
    assert flow_file.test_connection.parameters.properties["system"]["enum"] == systems.names()
