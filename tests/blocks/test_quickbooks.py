import pytest
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import ValidationError

from blocks.quickbooks import QuickBooks

GIVEN = {
    "realm_id": "9130",
    "client_id": "app",
    "client_secret": "canary-secret-1",
    "refresh_token": "canary-refresh-1",
}


class TestManners(BlockStandardTestSuite):
    """The block documents itself in the Prefect UI as Prefect's own blocks do."""

    test_has_a_valid_image = None  # a picture would have to come from a host on the internet

    @pytest.fixture
    def block(self) -> type[QuickBooks]:
        return QuickBooks


def test_secrets_never_show() -> None:
    """A block that is printed, logged or dumped shows stars where its secrets are."""
    block = QuickBooks(**GIVEN)
    for text in (repr(block), str(block), str(block.model_dump()), block.model_dump_json()):
        assert "canary" not in text


def test_limits_are_the_documented_ones_and_belong_to_the_company() -> None:
    """Without a word, all runs on a company together keep Intuit's limits."""
    limits = QuickBooks(**GIVEN).limits()
    assert (limits.key, limits.in_flight, limits.per_second, limits.per_minute) == ("quickbooks/9130", 10, 10, 500)


@pytest.mark.parametrize(("field", "value"), [("timeout_s", 0), ("retry_attempts", 0), ("requests_per_second", -1)])
def test_senseless_settings_are_refused(field: str, value: int) -> None:
    """A setting that could only break runs is refused when it is entered."""
    with pytest.raises(ValidationError, match=field):
        QuickBooks(**GIVEN, **{field: value})


def test_an_unsaved_block_makes_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens that rotate need a place under the block's name, so that none is lost."""
    monkeypatch.setattr("blocks.quickbooks.database_url", lambda: pytest.fail("a database was started for it"))
    with pytest.raises(ValueError, match="Save this QuickBooks block first"):
        QuickBooks(**GIVEN).client()


def test_kinds_of_records_are_checked_when_entered() -> None:
    """A kind that does not exist is refused at once, with those that do; none named means all."""
    assert QuickBooks(**GIVEN).entities == ""
    assert QuickBooks(**GIVEN, entities="customer, bill").entities == "customer, bill"
    with pytest.raises(ValidationError, match=r"there is no bills; there are account, bill, .*vendor_credit"):
        QuickBooks(**GIVEN, entities="bills")
