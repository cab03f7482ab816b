"""From an inspection point to its device: the mapping of the vendor's sample, and the rules that go beyond it."""

import json
from typing import Any

import pytest

from connectors.microshare.device import Point, Rules, cluster_for, device_of, kind_of, location_of, said
from connectors.microshare.points import point_of, point_record, service_record, text_of

ROW = {
    "id": 7, "customer": "Golden Grain Mills", "site": "North Plant", "area": "Silo A", "erp_reference": " ERP1 ",
    "placement": "", "device_id": "58a0cb000011f85e", "van": "x",
}  # fmt: skip


def test_a_device_is_made_as_the_vendor_shows_it() -> None:
    """A point becomes a pending trap with a placeholder, its location, and a guid that leads back to it."""
    assert device_of(point_of(ROW, {}), Rules()) == {
        "id": "00-00-00-00-00-00-00-00",
        "meta": {"location": ["Golden Grain Mills", "North Plant", "Silo A", "ERP1", "Internal", "Bait/Lured"]},
        "status": "pending",
        "guid": "erp-sync-7",
    }


def test_a_gateway_has_four_elements() -> None:
    """What is to be a gateway gets no placement, whatever the defaults are."""
    gateway = point_of({**ROW, "device_type": "Gateway"}, {})
    assert kind_of(gateway) == "gateway"
    assert device_of(gateway, Rules())["meta"]["location"] == ["Golden Grain Mills", "North Plant", "Silo A", "ERP1"]


def test_a_location_of_its_own_is_kept_whole() -> None:
    """An ERP that keeps the whole location, of three to nine elements, is taken at its word."""
    for given in (["a", "b", "c"], list("abcdefghi")):
        assert device_of(point_of({"id": "1", "location": given}, {}), Rules())["meta"]["location"] == given
    assert said(point_of({"id": "1", "location": "a| b |c|R"}, {})) == ["a", "b", "c", "R"]


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (["C", "S", "A", "R", "internal", "bait"], ["c", "s", "a", "r", "internal", "bait"]),
        (["C", "S", "A", "R", "external", "Glue", "Level 2", "Bay 7", ""], ["c", "s", "a", "r", "Internal", "Bait/Lured", "Level 2", "Bay 7", ""]),
        (["C", "S", "A"], ["c", "s", "a", "r"]),
        (["C", "S", "A", "R", ""], ["c", "s", "a", "r", "Internal"]),
    ],
)  # fmt: skip
def test_a_location_that_is_there_keeps_what_the_erp_does_not_say(there: list[str], wanted: list[str]) -> None:
    """What the ERP says is put over what is there; more elements, another spelling and a length of its own stay."""
    point = Point("1", "r", "c", "s", "a", "Internal", "Bait/Lured")
    assert location_of(point, there) == wanted
    assert location_of(Point("1"), there)[: len(there)] == there


def test_the_first_rule_that_fits_names_the_cluster() -> None:
    """Where a new device goes is a rule; without one that fits it is nobody's guess."""
    rules = Rules(
        clusters=[{"site": "North*", "kind": "trap", "cluster": "one"}, {"kind": "gateway", "cluster": "two"}]
    )
    point = point_of(ROW, {})
    assert cluster_for(point, rules) == "one"
    assert cluster_for(point_of({**ROW, "kind": "gateway"}, {}), rules) == "two"
    assert cluster_for(point_of({**ROW, "site": "South"}, {}), rules) is None
    assert cluster_for(point_of({**ROW, "cluster": "three"}, {}), rules) == "three"


def test_a_mapping_says_which_column_is_what() -> None:
    """Columns with names of their own, parts of a text and fixed values all become fields; the rest is kept beside them."""
    mapping = {
        "id": "key", "reference": {"column": "code", "pattern": r"R-(\d+)"}, "customer": {"value": "Mills"},
        "site": {"column": "nothing", "pattern": "x"}, "active": "used",
    }  # fmt: skip
    row = {"key": 12345678901234567890, "code": "R-77/b", "used": "N", "area": "Dock", "weight": None}
    found = json.loads(point_record(row, mapping, Rules()))
    own = found.pop("landfall")
    assert (own["id"], own["reference"], own["customer"], own["site"], own["area"], own["active"]) == (
        "12345678901234567890", "77", "Mills", None, "Dock", False,
    )  # fmt: skip
    assert found == {"code": "R-77/b", "weight": None}


def test_no_column_is_dropped() -> None:
    """Of two columns that could be the same field one is taken, and the other is kept beside the fields."""
    found = json.loads(point_record({"id": 1, "reference": "R", "erp_reference": "other", "status": "x"}, {}, Rules()))
    assert (found["landfall"]["reference"], found["landfall"]["state"]) == ("R", "x")
    assert found["erp_reference"] == "other"
    assert set(found) == {"landfall", "erp_reference"}


def test_what_makes_no_sense_is_left_for_the_landing_to_refuse() -> None:
    """An unknown word for yes or no, and a time that is none, are handed on, so that the row becomes a dead letter."""
    assert json.loads(point_record({"id": "1", "active": "perhaps"}, {}, Rules()))["landfall"]["active"] == "perhaps"
    assert json.loads(service_record({"id": "1", "performed_at": "soon"}, {}))["landfall"]["performed_at"] == "soon"
    assert json.loads(point_record({"reference": "R"}, {}, Rules()))["landfall"]["id"] == "R"
    assert json.loads(point_record({"area": "x"}, {}, Rules()))["landfall"]["id"] is None


@pytest.mark.parametrize(
    ("value", "text"), [(None, None), ("  ", None), (" a ", "a"), (5, "5"), (True, "true"), ([3, "Site"], "Site")]
)
def test_values_become_text(value: Any, text: str | None) -> None:
    """Whatever a source gives becomes the text that a person would read."""
    assert text_of(value) == text
