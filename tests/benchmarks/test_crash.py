"""Kill it anywhere: nothing is lost or doubled, and the harness that says so finds what is planted."""

import json
import subprocess
import sys
from pathlib import Path

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
