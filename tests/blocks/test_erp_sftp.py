"""The block of an SFTP account with files."""

from typing import Any

import pytest
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite

from blocks.erp_sftp import Sftp

GIVEN: dict[str, Any] = {
    "host": "sftp.example.com", "user": "landfall", "password": "canary-sftp-1", "private_key": "canary-sftp-2",
    "passphrase": "canary-sftp-3",
}  # fmt: skip


class TestManners(BlockStandardTestSuite):
    """The block documents itself in the Prefect UI as Prefect's own blocks do."""

    test_has_a_valid_image = None  # a picture would have to come from a host on the internet

    @pytest.fixture
    def block(self) -> type[Sftp]:
        return Sftp


def test_no_secret_shows() -> None:
    """A block that is printed, logged or dumped shows stars where password, key and passphrase are."""
    block = Sftp(**GIVEN)
    for text in (repr(block), str(block), str(block.model_dump()), block.model_dump_json()):
        assert "canary" not in text


def test_a_block_without_a_name_has_nowhere_to_note_files() -> None:
    """An unsaved block says what to do instead of landing files twice."""
    with pytest.raises(ValueError, match="Save this SFTP block first"):
        Sftp(**GIVEN).client()
    assert Sftp(**GIVEN).limits().key == "erp-sftp/sftp.example.com:22"


def test_the_mapping_is_the_default_with_what_is_different() -> None:
    """A mapping of the connection is laid over the default one."""
    assert Sftp(**GIVEN).erp_mapping().data_types == ("orders", "products", "inventory")
    assert Sftp(**GIVEN, mapping="orders: ~\n").erp_mapping().data_types == ("products", "inventory")
