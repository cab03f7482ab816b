"""C9: a source whose times are finer than its filter, read by a mark that is one of the source's own values."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from connectors.stream import Page
from tests.oracle import World

# Seven records within two seconds; the source writes nanoseconds, and its filter knows whole seconds.
TIMES = ("10.000000001", "10.499999999", "10.5", "10.999999999", "11", "11.000000001", "11.999999999")


def fill(world: World, minute: int, keys: range) -> dict[str, str]:
    """Put a record at each of the times; return what the source says of when each changed."""
    written = {}
    for key, second in zip(keys, TIMES, strict=True):
        written[str(key)] = f"2026-05-05T02:{minute:02}:{second}Z"
        # The column takes microseconds, so the column of this source is a shorter text beside the mark.
        world.source.put(str(key), meta={"changed": f"2026-05-05T02:{minute:02}:{second.partition('.')[0]}+00:00"})
    return written


@pytest.mark.parametrize("seen_first", [1, 4])
def test_a_filter_in_seconds_loses_nothing(world: World, seen_first: int) -> None:
    """Whatever part of a second was visible at the first run: seven of seven, and the mark is never ahead."""
    world.source.records.clear()
    changed = fill(world, 1, range(7))
    visible: list[str] = []
    asked: list[str | None] = []

    def pages(cursor: Any) -> Iterator[Page]:
        asked.append(cursor and cursor["changed"])
        since = cursor["changed"][:19] if cursor else ""  # rounded down, as the mark itself is never rounded
        found = [key for key in visible if changed[key][:19] >= since]
        newest = max((changed[key] for key in found), key=exact, default=asked[-1])
        yield Page(records=[world.source.records[key] for key in found])
        yield Page(cursor={"changed": newest} if newest else None)

    for seen in (seen_first, 7, 7):
        visible = list(changed)[:seen]
        world.run(pages)
        stored = world.query("SELECT cursor->>'changed' FROM ops.sync_cursor")
        assert stored[0][0] in {None, *changed.values()}, "a mark is a value that the source gave, digit by digit"
        assert {key for (key,) in world.query("SELECT id FROM lab.thing")} == set(visible)
    assert world.log()["unchanged"] == sum(exact(time) >= exact("2026-05-05T02:01:11Z") for time in changed.values())
    world.check()


def exact(text: str) -> tuple[datetime, int]:
    """A time with nanoseconds, in its order."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(whole), int(fraction.ljust(9, "0") or 0)
