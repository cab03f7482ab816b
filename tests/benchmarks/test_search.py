"""The benchmark of search: both sides look for the same, and what it says is right."""

import pytest

from benchmarks import search


class _Target:
    """A place to load into that is there already."""

    def __init__(self, url: str) -> None:
        self.url = url

    def fresh(self, _name: str) -> str:
        """The database of the test, as it is."""
        return self.url


def test_search_is_measured_beside_scans(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours and both scans answer ten clients at once, and the page says whether the goal is met."""
    monkeypatch.setattr(search, "QUERIES_OURS", 3)
    figures = search.measure(_Target(empty_database), 300)  # type: ignore[arg-type]
    assert figures["items"] == 300
    assert all(figures[f"{name}_p50_ms"] > 0 for name in ("ours", "scan", "fastest_scan"))
    text = search.table(figures)
    assert "| **ours** |" in text
    assert "≥ 20, at 1,000,000 items." in text, "a goal for many says nothing about few"
    full = figures | {"items": 1_000_000}
    assert "≥ 20, at 1,000,000 items: **missed**" in search.table(full | {"scan_over_ours": 19.0})
    assert "≥ 20, at 1,000,000 items: met" in search.table(full | {"scan_over_ours": 21.0})


def test_what_people_type_is_found_by_both() -> None:
    """The scan finds the parts of names and numbers that the queries are made of, so its work is no empty one."""
    items = [
        {"name": name, "sku": sku, "search_text": f"{name} {sku}".lower()} for name, sku in map(search.item, range(500))
    ]
    typed = search.queries(500)
    assert len(typed) == 150
    for stop in (False, True):
        found = sum(bool(search.scan(items, query, stop=stop)) for query in typed)
        assert 90 <= found < 140
