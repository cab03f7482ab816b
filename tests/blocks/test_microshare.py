"""The blocks of a Microshare tenant and of the sources beside it."""

from typing import Any

import pytest
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import ValidationError

from blocks.microshare import Microshare
from blocks.record_source import RecordSource

GIVEN = {"username": "sync@tenant.example", "password": "canary-password-1"}
SOURCE = {"kind": "sql", "address": "postgresql+psycopg://sync@erp.example/erp", "query": "SELECT 1"}


class TestManners(BlockStandardTestSuite):
    """The block documents itself in the Prefect UI as Prefect's own blocks do."""

    test_has_a_valid_image = None  # a picture would have to come from a host on the internet

    @pytest.fixture
    def block(self) -> type[Microshare]:
        return Microshare


class TestSourceManners(BlockStandardTestSuite):
    """So does the block of sources."""

    test_has_a_valid_image = None

    @pytest.fixture
    def block(self) -> type[RecordSource]:
        return RecordSource


def test_secrets_never_show() -> None:
    """A block that is printed, logged or dumped shows stars where its secrets are."""
    made = (Microshare(**GIVEN, client_id="canary-key"), RecordSource(**SOURCE, password="canary-erp-password"))
    for block in made:
        for text in (repr(block), str(block), str(block.model_dump()), block.model_dump_json()):
            assert "canary" not in text


def test_an_unsaved_block_makes_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its token would have no place to live, and says so."""
    monkeypatch.setattr("blocks.microshare.database_url", lambda: pytest.fail("a database was started for it"))
    with pytest.raises(ValueError, match="Save this Microshare block first"):
        Microshare(**GIVEN).client()


def test_all_runs_of_an_account_share_its_pace() -> None:
    """Without a word, all runs of an account together leave seconds between their calls."""
    limits = Microshare(**GIVEN).limits()
    assert (limits.key, limits.per_second, limits.per_minute) == (
        "microshare/api.microshare.io/sync@tenant.example",
        1,
        30,
    )


def test_rules_come_as_json_too() -> None:
    """On the command line a list is JSON text; what is none, or names no cluster or no field, is refused with its place."""
    block = Microshare(**GIVEN, cluster_rules='[{"site": "North*", "cluster": "Traps"}]')
    assert block.rules().clusters == ({"site": "North*", "cluster": "Traps"},)
    for wrong, words in (("[", "no JSON"), ('[{"site": "x"}]', "rule 1 names no cluster"),
                         ('[{"cluster": "x", "sitte": "y"}]', "has no sitte")):  # fmt: skip
        with pytest.raises(ValidationError, match=words):
            Microshare(**GIVEN, cluster_rules=wrong)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "sql", "address": "sqlite://", "query": ""}, "kind sql also needs query"),
        ({"kind": "odoo", "address": "https://erp.example"}, "kind odoo also needs user, database, password"),
        ({**SOURCE, "address": "mysql+pymysql://u:canary@erp.example/d"}, "The address holds a password"),
        ({**SOURCE, "mapping": "{"}, "no JSON"),
        ({"kind": "xml", "address": "x"}, "Input should be"),
        ({"kind": "odoo", "address": "https://e.example", "user": "u", "database": "d", "password": "canary-1", "query": "{}"}, "must be a list"),
    ],
)  # fmt: skip
def test_a_source_that_is_not_complete_says_what_is_missing(fields: dict[str, Any], words: str) -> None:
    """What a kind of source needs is told when it is entered, not at night."""
    with pytest.raises(ValidationError, match=words):
        RecordSource(**fields)


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        (SOURCE, "SqlSource"),
        ({"kind": "csv", "address": "points.csv", "write_back": "yes"}, "CsvSource"),
        ({"kind": "rest", "address": "https://erp.example/points"}, "RestSource"),
        ({"kind": "odoo", "address": "https://e.example", "user": "u", "database": "d", "password": "canary-1"}, "OdooSource"),
        ({"kind": "python", "address": "erp.points:all_of_them", "write_back": "erp.points:tell"}, "PythonSource"),
    ],
)  # fmt: skip
def test_each_kind_makes_its_source(fields: dict[str, Any], made: str) -> None:
    """A block becomes the source of its kind, which can be told of devices where the block says how."""
    source = RecordSource(**fields, mapping='{"reference": "code"}').client()
    assert type(source).__name__ == made
    assert source.mapping["reference"] == "code"
    assert source.writable is bool(fields.get("write_back"))
    source.close()
