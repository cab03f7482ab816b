"""The block of an S/4HANA system."""

from typing import Any

import pytest
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import ValidationError

from blocks.erp_sap_s4 import SapS4
from connectors.errors import MappingInvalid
from sandbox import sap_s4

GIVEN: dict[str, Any] = {"base_url": "https://s4.example.com", "user": "LANDFALL", "password": "canary-sap-1"}
TOKEN = {"client_id": "id", "client_secret": "canary-sap-2", "token_url": "https://login.example.com/token"}


class TestManners(BlockStandardTestSuite):
    """The block documents itself in the Prefect UI as Prefect's own blocks do."""

    test_has_a_valid_image = None  # a picture would have to come from a host on the internet

    @pytest.fixture
    def block(self) -> type[SapS4]:
        return SapS4


def test_secrets_never_show() -> None:
    """A block that is printed, logged or dumped shows stars where its secrets are."""
    for block in (SapS4(**GIVEN), SapS4(base_url="https://s4.example.com", **TOKEN)):
        for text in (repr(block), str(block), str(block.model_dump()), block.model_dump_json()):
            assert "canary" not in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": ""},
        {"api_key": "canary-sap-3"},
        {"client_id": "id"},
        {"user": "", "client_id": "id", "token_url": ""},
        {"sap_client": "1"},
        {"orders_version": "v3"},
        {"paging": "skip"},
        {"page_size": 0},
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    """There is one way to sign in, and what is out of bounds is refused at once."""
    with pytest.raises(ValidationError):
        SapS4(**{**GIVEN, **wrong})


def test_a_connection_is_tested_as_it_is_used() -> None:
    """A test reads every data type in the version chosen; the mapping of the connection counts."""
    with sap_s4.running(orders=3, products=3, bills=3, stocked=3) as system:
        door = system.host.door
        token = {
            "client_id": door.client_id,
            "client_secret": door.client_secret,
            "token_url": f"{system.base_url}/oauth/token",
        }
        for way in (
            system.connection(),
            {"base_url": system.base_url, "api_key": "sandbox-api-key"},
            {"base_url": system.base_url, **token},
        ):
            told = SapS4(**way, orders_version="v4").test_connection()
            assert told["data_types"]["orders"] == {**told["data_types"]["orders"], "version": "v4", "sample": True}
            assert set(told["data_types"]) == {"orders", "products", "order_status", "inventory", "invoices"}
        some = SapS4(**system.connection(), mapping="invoices: ~\ninventory: ~\n").test_connection()
        assert set(some["data_types"]) == {"orders", "products", "order_status"}
        assert set(SapS4(**system.connection()).test_connection(["products"])["data_types"]) == {"products"}
        with pytest.raises(MappingInvalid, match="line 1"):
            SapS4(**system.connection(), mapping="products: {fields: {sku: Nothing}}").test_connection()


def test_limits_belong_to_the_system() -> None:
    """All runs on one system share its pace."""
    assert SapS4(**GIVEN).limits().key == "erp-sap-s4/s4.example.com"
