"""The simulated time is written and read as the vendor's."""

import pytest

from sandbox.clock import Clock, pacific, parse_time


@pytest.mark.parametrize(
    ("utc", "there"),
    [
        ("2026-01-15T20:00:00Z", "2026-01-15T12:00:00-08:00"),
        ("2026-03-08T09:59:59Z", "2026-03-08T01:59:59-08:00"),
        ("2026-03-08T10:00:00Z", "2026-03-08T03:00:00-07:00"),
        ("2026-11-01T08:59:59Z", "2026-11-01T01:59:59-07:00"),
        ("2026-11-01T09:00:00Z", "2026-11-01T01:00:00-08:00"),
    ],
)
def test_the_offset_follows_the_season(utc: str, there: str) -> None:
    """One answer of the vendor mixes two offsets, changing to the second as clocks in California do."""
    assert pacific(parse_time(utc)) == there
    assert parse_time(there) == parse_time(utc)


def test_times_without_an_offset_are_pacific() -> None:
    """A date or time without an offset is taken for local time of the vendor."""
    assert parse_time("2026-07-01") == parse_time("2026-07-01T00:00:00-07:00")
    with pytest.raises(ValueError, match="yesterday"):
        parse_time("yesterday")


def test_time_can_be_set_and_advanced() -> None:
    """A test can let a day pass at once."""
    clock = Clock()
    clock.set("2026-02-01T00:00:00Z")
    clock.advance(86_400)
    assert pacific(clock.now())[:10] == "2026-02-01"
    assert 0 <= clock.now() - parse_time("2026-02-02T00:00:00Z") < 60
