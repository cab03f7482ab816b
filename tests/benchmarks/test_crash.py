"""Kill it anywhere: nothing is lost or doubled, and the harness that says so finds what is planted."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.crash.doors import Doors
from benchmarks.crash.invariants import Row, _missing
from benchmarks.crash.model import Version
from benchmarks.crash.process import Order, live
from benchmarks.crash.scenarios import Scenario
from benchmarks.crash.world import World

ROOT = Path(__file__).resolve().parents[2]


def test_kills_violate_nothing() -> None:
    """Wherever a run is killed, and while Postgres dies under it, what landed is true; all planted bugs are found."""
    # Kills under Prefect take a server of their own; `./run crash` has them, and more of all others.
    command = [sys.executable, "-m", "benchmarks", "crash", "--json", "--kills", "120", "--prefect", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["violations"] == 0
    assert found["kills"] >= 120
    assert found["points_enumerated"] >= 60
    assert found["postgres_restarts"] >= 3
    assert (found["planted_bugs"], found["planted_bugs_caught"]) == (10, 10)


def test_a_process_killed_at_once_is_not_told_of_what_the_one_before_it_wrote(tmp_path: Path) -> None:
    """What a life has left in the log is its own: else its failure would be called a violation of the next one."""

    def fails(world: World, doors: Doors) -> None:
        doors.failed("DatabaseUnavailable", "Postgres was restarted")

    world: Any = SimpleNamespace(ground=SimpleNamespace(folder=tmp_path))
    failing = Scenario("failing", fails, (), ())
    idle = Scenario("idle", lambda world, doors: None, (), ())
    assert live(world, failing, Order()).failures == [("DatabaseUnavailable", "Postgres was restarted")]
    for _ in range(5):
        assert live(world, idle, Order(kill_after_s=0.0)).failures == []


@pytest.mark.parametrize(
    ("row_at", "due_at", "later", "fault"),
    [
        (72, 269, [], "the row is of second 72, not 269"),
        (72, 269, [(275, False)], "the row is of second 72, not 269"),
        # Deleted after change data capture had answered and before the query came by: the next run tells of it.
        (72, 269, [(275, True)], ""),
        (72, 269, [(275, True), (280, False)], ""),
        (269, 269, [], ""),
    ],
)
def test_what_a_landed_run_must_hold(row_at: int, due_at: int, later: list[tuple[int, bool]], fault: str) -> None:
    """An old row is a violation, unless its record was deleted while the run was reading."""
    versions = [Version("Invoice", "1010", at, 1, deleted, 5) for at, deleted in [(72, False), (due_at, False), *later]]
    assert _missing(Row("1010", row_at, False, ()), versions[1], versions) == fault
