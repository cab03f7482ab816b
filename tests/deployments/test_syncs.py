import pytest

from deployments import syncs


def test_syncs_are_found_by_looking() -> None:
    """A file in flows/ named verb_noun is all that a new sync needs; helpers are none."""
    found = syncs.modules()
    assert found["quickbooks"] == "refresh_quickbooks"
    assert "connection" not in found


def test_a_sync_knows_its_flow() -> None:
    """The name of a sync leads to its flow, and the flow's name back to it."""
    assert syncs.load("quickbooks").name == "refresh-quickbooks"
    assert syncs.of_flow("refresh-quickbooks") == "quickbooks"
    assert syncs.of_flow("test-connection") is None


def test_an_unknown_sync_names_the_known_ones() -> None:
    """A typing error in a sync's name is answered with the names that there are."""
    with pytest.raises(syncs.UnknownSync, match=r"no sync 'quikbooks'; there are: .*quickbooks"):
        syncs.load("quikbooks")
