"""The block of a Cetec instance."""

import pytest
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite

from blocks.cetec import Cetec

GIVEN = {"base_url": "https://acme.cetecerp.com", "preshared_token": "canary;token|1["}


class TestManners(BlockStandardTestSuite):
    """The block documents itself in the Prefect UI as Prefect's own blocks do."""

    test_has_a_valid_image = None  # a picture would have to come from a host on the internet

    @pytest.fixture
    def block(self) -> type[Cetec]:
        return Cetec


def test_the_token_never_shows() -> None:
    """A block that is printed, logged or dumped shows stars where its token is."""
    block = Cetec(**GIVEN)
    for text in (repr(block), str(block), str(block.model_dump()), block.model_dump_json()):
        assert "canary" not in text


def test_makes_a_client_with_its_settings() -> None:
    """What was entered is what the client goes by; internal accounts are given with commas."""
    with Cetec(**GIVEN, excluded_ids="5165, 7,", mysql_required=True).client() as client:
        assert client.identity() == "acme.cetecerp.com"
        assert client.excluded_ids == {"5165", "7"}
        assert client.required
        assert client.databases is None


def test_limits_belong_to_the_instance() -> None:
    """All runs on one instance share its pace."""
    limits = Cetec(**GIVEN).limits()
    assert (limits.key, limits.in_flight, limits.per_second) == ("cetec/acme.cetecerp.com", 2, 5)
