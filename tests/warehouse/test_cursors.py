"""How far a stream has landed: wiped, changed by hand, and given back as it was."""

from typing import Any

import pytest

from connectors.stream import Page
from tests.oracle import World
from warehouse.errors import StateCorrupt

pytestmark = pytest.mark.both_postgres


def test_wiped_tables_and_cursors_are_filled_again(world: World) -> None:
    """Whatever of it somebody empties, the next run lands all of it, without a duplicate."""
    world.run()
    for wipe in (
        "DELETE FROM ops.sync_cursor", "TRUNCATE lab.thing", "TRUNCATE lab.thing_line", "TRUNCATE lab.thing, lab.place",
        "DELETE FROM lab.thing WHERE id = '1'", "DELETE FROM lab.place WHERE owner_id = '1'",
    ):  # fmt: skip
        world.query(wipe)
        world.run(full="thing_line" in wipe or "lab.place WHERE" in wipe)
    world.check_converges()


def test_a_cursor_changed_by_hand_is_not_believed(world: World) -> None:
    """The stream fails by name; a full reading makes it right again."""
    world.run([*world.source.pages(), Page(cursor={"tick": 250})])
    world.query("""UPDATE ops.sync_cursor SET cursor = '{"tick": 999}'""")
    before = world.everything()
    with pytest.raises(StateCorrupt, match="lab/main, stream thing"):
        world.run()
    assert world.everything() == before
    world.check_books()
    world.run(full=True)
    world.check_converges()


@pytest.mark.parametrize(
    "cursor",
    [
        {"at": 1e16},
        {"at": 1.0},
        {"at": 1e-9},
        {"at": "2026-01-01T00:00:00.000001Z", "id": "é\u2028"},
        {"a": [None, True, 2**70]},
    ],
)
def test_a_cursor_comes_back_as_it_was_given(world: World, cursor: dict[str, Any]) -> None:
    """Whatever JSON a connector keeps as its mark, the next run gets it."""
    seen = []

    def pages(since: Any) -> Any:
        seen.append(since)
        yield Page(cursor=cursor)

    world.run(pages)
    world.run(pages)
    assert seen == [None, cursor]
    assert world.log()["cursor_from"] == world.log()["cursor_to"] == cursor
