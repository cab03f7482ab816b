"""One record of Cetec's list, in every spelling that was seen and some that were not."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.cetec.records import compose, read, support_level, unreadable


def record(**fields: Any) -> bytes:
    return msgspec.json.encode({"id": 7, **fields})


@pytest.mark.parametrize(
    ("given", "flag"),
    [(1, True), ("1", True), (True, True), ("true", True), (" TRUE ", True), (0, False), ("0", False), (False, False),
     ("false", False), ("", False), (None, False), ("yes", True), (2, True)],
)  # fmt: skip
def test_flags_in_every_spelling(given: Any, flag: bool) -> None:
    """A flag is understood however it is written, and what is no plain "no" counts as set."""
    customer = read(record(itar_hosting_bc=given))
    assert customer is not None
    assert customer.flag("itar_hosting_bc") is flag


def test_an_odd_flag_is_kept_and_told() -> None:
    """A spelling without a known meaning can be told from the row, and people hear of it."""
    customer = read(record(ok_to_bill="perhaps"))
    assert customer is not None
    assert b'"ok_to_bill_as_given":"perhaps"' in compose(customer.id, customer.values, customer.extra, {})
    assert customer.warnings == ['ok_to_bill is neither yes nor no: "perhaps"']


@pytest.mark.parametrize(
    ("given", "id_"),
    [(b"7", "7"), (b'"7"', "7"), (b'" 7 "', "7"), (b"12345678901234567890123", "12345678901234567890123"),
     (b"null", ""), (b'""', ""), (b"true", ""), (b"[7]", ""), (b"{}", "")],
)  # fmt: skip
def test_ids_are_exact_text(given: bytes, id_: str) -> None:
    """An id is the same customer whether it comes as a number or as text; what is none is empty."""
    customer = read(b'{"id":' + given + b"}")
    assert customer is not None
    assert customer.id == id_


@pytest.mark.parametrize(
    ("given", "landed"),
    [
        ("12", b"12"),
        (12, b"12"),
        (" 12 ", b"12"),
        ("", b"null"),
        (None, b"null"),
        ("N/A", b'"N/A"'),
        ("1,200", b'"1,200"'),
    ],
)
def test_numbers_as_text(given: Any, landed: bytes) -> None:
    """A number lands whether it comes as text or not; what is none is left for the landing to refuse."""
    customer = read(record(num_prod_users=given))
    assert customer is not None
    assert b'"num_prod_users":' + landed in compose(customer.id, customer.values, {}, {})


@pytest.mark.parametrize("name", ["techx_password", "TECHX_PASSWORD", "techx_passw\\u006frd", "old_passwd"])
def test_a_login_secret_never_gets_further(name: str) -> None:
    """The secret that opens a customer's instance is dropped where it comes in, under whatever name."""
    customer = read(b'{"id":7,"' + name.encode() + b'":"canary-techx"}')
    assert customer is not None
    assert b"canary" not in compose(customer.id, customer.values, customer.extra, {})
    assert len(customer.warnings) == 1
    assert "canary" not in customer.warnings[0]


def test_a_nested_or_unreadable_secret_never_gets_further() -> None:
    """Nor does it in a nested field, or in a record that cannot be read."""
    customer = read(record(access={"techx_password": "canary-techx"}, city="Eastmere"))
    assert customer is not None
    composed = compose(customer.id, customer.values, customer.extra, {})
    assert b"canary" not in composed
    assert b"Eastmere" in composed
    assert read(b'["techx_password"]') is None
    assert b"canary" not in unreadable(b'[{"techx_password":"canary-techx"}]')


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ("L", "lite"),
        ("std", "standard"),
        ("Enterprise", "enterprise"),
        (" ent ", "enterprise"),
        ("Platinum", None),
        (None, None),
    ],
)
def test_levels_of_support_in_one_spelling(given: Any, level: str | None) -> None:
    """A level of support can be counted in one spelling; an unknown one is no known one."""
    assert support_level(given) == level


def test_an_unknown_level_is_told() -> None:
    """An unknown level of support is kept as it is, and people hear of it."""
    customer = read(record(priority_support="Platinum"))
    assert customer is not None
    assert customer.warnings == ["priority_support 'platinum' is unknown"]


def test_unknown_fields_stay_as_they_are_written() -> None:
    """Fields without a column keep every digit."""
    raw = b'{"id":7,"credit":12345678901234567.890,"z":[1.10,{"a":1e400}]}'
    customer = read(raw)
    assert customer is not None
    assert b'"credit":12345678901234567.890,"z":[1.10,{"a":1e400}]' in compose(customer.id, {}, customer.extra, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["id", "name", "domain", "ok_to_bill", "num_prod_users", "priority_support", "other"])


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, JSON))
def test_no_record_breaks_a_run(fields: dict[str, Any]) -> None:
    """Whatever a record holds, it is read, and written as valid JSON that gives the same when read again."""
    customer = read(msgspec.json.encode(fields))
    assert customer is not None
    composed = compose(customer.id, customer.values, customer.extra, {})
    again = read(composed)
    assert again is not None
    del again.extra["landfall"]
    assert compose(again.id, again.values, again.extra, {}) == composed
