"""`landfall cetec`: what people tell about backups."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.conftest import answer

Landfall = Callable[..., Any]


def test_a_pull_of_an_unknown_customer_is_refused(landfall: Landfall) -> None:
    """Whoever mistypes an id is told where the ids are."""
    result = landfall("cetec", "record-pull", "nobody", "--json")
    assert result.exit_code == 1
    assert answer(result)["error"]["code"] == "UnknownCustomer"


@pytest.mark.parametrize("at", ["yesterday", "2026-05-04T10:30:00", "2999-01-01T00:00:00Z"])
def test_a_time_that_is_none_is_refused(landfall: Landfall, at: str) -> None:
    """A pull has a time that happened, with its zone."""
    result = landfall("cetec", "record-pull", "1", "--at", at)
    assert result.exit_code == 2
    assert at in result.stderr


def test_pulls_of_the_old_program_are_taken_over_once(landfall: Landfall, database: str, tmp_path: Path) -> None:
    """The file of the program that this replaces is read; reading it again changes nothing."""
    file = tmp_path / "pull-timestamps.json"
    file.write_text(json.dumps({"1": "2025-01-13T10:30:00.000Z", "2": None, "3": "2025-02-13T10:30:00.000Z"}))
    assert answer(landfall("cetec", "import-pulls", str(file), "--json")) == {"read": 2, "recorded": 2}
    assert answer(landfall("cetec", "import-pulls", str(file), "--json")) == {"read": 2, "recorded": 0}
    file.write_text("[]")
    assert landfall("cetec", "import-pulls", str(file)).exit_code == 1
    with psycopg.connect(database) as session:
        rows = session.execute("SELECT connection, customer_id, pulled_by FROM cetec.backup_pull ORDER BY 2").fetchall()
    assert rows == [("main", "1", "imported"), ("main", "3", "imported")]


def test_residents_are_mapped_and_forgotten(landfall: Landfall) -> None:
    """Where a resident customer's backup is can be said, listed, changed and forgotten."""
    for schema in ("erp_alder", "erp_alder_2"):
        assert landfall("cetec", "map-resident", " ERP.Alder.example", schema).exit_code == 0
    listed = answer(landfall("cetec", "residents", "--json"))
    assert listed == {"residents": [{"domain": "erp.alder.example", "schema": "erp_alder_2"}]}
    assert landfall("cetec", "map-resident", "erp.alder.example").exit_code == 2
    assert landfall("cetec", "map-resident", "erp.alder.example", "--remove").exit_code == 0
    assert answer(landfall("cetec", "residents", "--json")) == {"residents": []}
