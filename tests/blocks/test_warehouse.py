from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite

from blocks.warehouse import LandfallWarehouse, database_url
from warehouse import embedded
from warehouse.errors import NotConfigured


class TestManners(BlockStandardTestSuite):
    """The block documents itself in the Prefect UI as Prefect's own blocks do."""

    test_has_a_valid_image = None  # a picture would have to come from a host on the internet

    @pytest.fixture
    def block(self) -> type[LandfallWarehouse]:
        return LandfallWarehouse


@pytest.fixture
def saved(prefect_api: str) -> Iterator[str]:
    """The address in a block landfall-warehouse/main."""
    url = "postgresql://landfall:canary-password@db.example.com/landfall"
    LandfallWarehouse(url=url).save("main", overwrite=True)
    yield url
    LandfallWarehouse.delete("main")


def test_the_variable_comes_first(saved: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """LANDFALL_DATABASE_URL decides, whatever the block says."""
    monkeypatch.setenv("LANDFALL_DATABASE_URL", "postgresql://elsewhere/x")
    assert database_url() == "postgresql://elsewhere/x"


def test_then_the_block(saved: str) -> None:
    """Without the variable, the block landfall-warehouse/main says where to land."""
    assert database_url() == saved


def test_a_worker_never_lands_in_private(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run by a worker that knows no warehouse refuses and says what to set."""
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "0c6f1f2e-0000-4000-8000-000000000000")
    monkeypatch.setattr(embedded, "start", lambda: pytest.fail("landed in private"))
    with pytest.raises(NotConfigured, match=r"LANDFALL_DATABASE_URL.*landfall connect warehouse"):
        database_url()


def test_a_command_on_one_machine_uses_the_embedded_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing set, commands land in the Postgres that comes with Landfall, and ask no server for it."""
    monkeypatch.setattr(embedded, "start", lambda: "postgresql://landfall@127.0.0.1:15432/landfall")
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert database_url() == "postgresql://landfall@127.0.0.1:15432/landfall"


def test_the_test_of_the_block_says_which_database(database: str) -> None:
    """Testing a warehouse tells its name and version and whether both will do."""
    answer = LandfallWarehouse(url=database).test_connection()
    assert answer["identity"].startswith("127.0.0.1:")
    assert answer["new_enough"]
    assert answer["may_create"]
