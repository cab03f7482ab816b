"""`landfall search`: from a made-up company to hits on a screen or in JSON."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import answer

Landfall = Callable[..., Any]


@pytest.fixture
def landed(landfall: Landfall, connected: str) -> Landfall:
    """The command, after one run has landed the company."""
    result = landfall("run", "quickbooks", "--connection", connected, "--json")
    assert result.exit_code == 0, result.output
    return landfall


def test_what_has_landed_is_found(landed: Landfall) -> None:
    """A run is all it takes: names, numbers and order numbers of the company are found, and status lists the indexes."""
    found = answer(landed("search", "part_numbers", "sku-00001", "--json"))
    assert (found["query"], found["total"]) == ("sku-00001", len(found["results"]))
    first = found["results"][0]
    assert first.items() >= {"type": "item", "sku": "SKU-00001", "active": True, "matched": "exact"}.items()
    assert isinstance(first["unit_price"], float)
    assert {hit["type"] for hit in answer(landed("search", "client_pos", "PO-0", "--json"))["results"]} >= {"invoice"}
    sorted_ = answer(landed("search", "invoices", "", "--sort=-amount", "--limit", "3", "--json"))["results"]
    assert [hit["amount"] for hit in sorted_] == sorted((hit["amount"] for hit in sorted_), reverse=True)
    shown = landed("search", "client_names", "office.2@")
    assert "office.2@example.com" in shown.stdout
    assert "Nothing in client_names fits" in landed("search", "client_names", "zzzz", "--active", "any").stdout
    many = landed("search", "invoices", "", "--limit", "500", "--json")
    assert "1 to 100" in many.stderr
    assert answer(many)["total"] == 10
    indexes = {row["index"]: row for row in answer(landed("status", "--json"))["search"]}
    assert indexes["client_names"]["rows"] == 12
    assert all(row["ready"] and row["bytes"] for row in indexes.values() if row["rows"])
    assert "part_numbers" in landed("status").stdout


def test_a_search_that_cannot_be_is_answered(landfall: Landfall) -> None:
    """Before the first landing nothing is found; a wrong index, time or filter is told in one sentence."""
    assert answer(landfall("search", "client_names", "x", "--json")) == {"query": "x", "results": [], "total": 0}
    for words, told in (
        (("parts", "x"), "There are client_names, client_pos"),
        (("client_names", "x", "--updated-since", "yesterdayish"), "yesterdayish"),
        (("client_names", "x", "--sort", "weight"), "cannot sort by"),
    ):
        with pytest.raises(Exception, match=told) as error:
            raise landfall("search", *words).exception
        assert error.value.code == "BadSearch"
    assert landfall("search", "client_names", "x", "--active", "perhaps").exit_code == 2
    listed = {row["check"]: row["status"] for row in answer(landfall("doctor", "--json"))["checks"]}
    assert listed["search"] == "ok"
