"""`./run crash`: kill the syncs wherever they can be killed, and see whether anything is lost or doubled."""

import argparse
import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
LANES = 2
KILLS_A_PREFECT_KILL = 50  # one takes as long as many others
MOST_PREFECT_KILLS = 15
SECONDS_A_KILL = 10  # far more than one takes; a part that is not done by then is stuck


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the harness; 0 when nothing was violated and every planted bug was caught."""
    asked = _asked(arguments)
    began = time.monotonic()
    environment = {
        name: text for name, text in os.environ.items() if not name.startswith(("LANDFALL_", "PREFECT_", "PG"))
    }
    environment["LANDFALL_ENCRYPTION_KEY"] = base64.b64encode(secrets.token_bytes(32)).decode()
    prefect = min(MOST_PREFECT_KILLS, asked.kills // KILLS_A_PREFECT_KILL) if asked.prefect is None else asked.prefect
    words = [str(asked.kills), str(asked.seed), str(int(asked.bugs)), asked.database or ""]
    parts = [_Part(f"lane {lane}", ["lane", str(lane), str(LANES), *words], environment) for lane in range(LANES)]
    if prefect >= 2:
        parts.append(_Part("prefect", ["prefect_kills", str(prefect), str(asked.seed)], environment))
    try:
        found = [part.found(300 + SECONDS_A_KILL * asked.kills) for part in parts]
    finally:
        for part in parts:
            part.end()
    return _tell(asked, found[:LANES], found[LANES:], round(time.monotonic() - began, 1))


def _tell(asked: argparse.Namespace, lanes: list[dict[str, Any]], prefect: list[dict[str, Any]], seconds: float) -> int:
    caught = {name: kills for lane in lanes for name, kills in lane.get("caught", {}).items()}
    for name, kills in caught.items():
        _say(f"planted: {name}: " + ("NOT CAUGHT" if kills is None else f"caught after {kills} kills"))
    violations = [fault for part in (*lanes, *prefect) for fault in part["violations"]]
    if violations:
        _say("\n".join(violations[:20]) + f"\nrepeat: ./run crash --seed {asked.seed} --kills {asked.kills}")
    figures = {
        "kills": sum(lane.get("kills", 0) for lane in lanes),
        "violations": len(violations),
        "points_enumerated": len({tuple(point) for lane in lanes for point in lane.get("points", [])}),
        "postgres_restarts": sum(lane.get("restarts", 0) for lane in lanes),
        "prefect_kills": sum(part.get("kills", 0) for part in prefect),
        "planted_bugs": len(caught),
        "planted_bugs_caught": sum(kills is not None for kills in caught.values()),
        "seconds": seconds,
    }
    print(json.dumps(figures) if asked.json else "\n".join(f"{name:20} {value}" for name, value in figures.items()))
    return 0 if not violations and figures["planted_bugs"] == figures["planted_bugs_caught"] else 1


class _Part:
    """A part of the harness in a process of its own, whose last line says what it found."""

    def __init__(self, name: str, words: list[str], environment: dict[str, str]) -> None:
        self._name = name
        self._answer: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115  -- open as long as the process
        command = [sys.executable, "-m", f"benchmarks.crash.{words[0]}", *words[1:]]
        self._process = subprocess.Popen(command, stdout=self._answer, cwd=ROOT, env=environment)  # noqa: S603

    def found(self, timeout_s: float) -> dict[str, Any]:
        """Wait for what it found; that it found nothing out is a violation too."""
        try:
            self._process.wait(timeout_s)
            self._answer.seek(0)
            found: dict[str, Any] = json.loads((self._answer.read().splitlines() or [""])[-1])
        except (ValueError, subprocess.TimeoutExpired):
            return {"violations": [f"{self._name} ended with {self._process.poll()} and told nothing"]}
        return found

    def end(self) -> None:
        """Stop it, if it has not ended."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)
        self._answer.close()


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run crash", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of standard output")
    parser.add_argument("--kills", type=int, default=200, help="how many processes to kill (200)")
    parser.add_argument("--seed", type=int, default=1, help="what all choices follow from (1)")
    parser.add_argument("--prefect", type=int, metavar="N", help="how many more under Prefect (one for fifty, to 15)")
    parser.add_argument("--database", help="a Postgres of your own instead of a private one; its user a superuser")
    parser.add_argument("--no-bugs", dest="bugs", action="store_false", help="leave the planted bugs out")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
