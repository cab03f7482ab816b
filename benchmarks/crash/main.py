"""`./run crash`: kill the syncs wherever they can be killed, and see whether anything is lost or doubled."""

import argparse
import base64
import gc
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import httpx

from benchmarks.crash.ground import ground
from benchmarks.crash.hunt import Hunt, Tally, all_caught
from benchmarks.crash.server import start
from benchmarks.crash.world import Source

ROOT = Path(__file__).resolve().parents[2]
KILLS_A_PREFECT_KILL = 50
MOST_PREFECT_KILLS = 15
PREFECT_TIMEOUT_S = 900


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the harness; 0 when nothing was violated and every planted bug was caught."""
    asked = _asked(arguments)
    began = time.monotonic()
    for name in [name for name in os.environ if name.startswith(("LANDFALL_", "PREFECT_", "PG"))]:
        del os.environ[name]
    os.environ["LANDFALL_ENCRYPTION_KEY"] = base64.b64encode(secrets.token_bytes(32)).decode()
    with _prefect(asked) as prefect:
        tally, caught = _hunt(asked)
        prefect_kills, prefect_violations = prefect()
    for fault in prefect_violations:
        _say(f"violation: {fault}\n  repeat: ./run crash --seed {asked.seed} --kills {asked.kills}")
    figures = {
        "kills": tally.kills,
        "violations": len(tally.violations) + len(prefect_violations),
        "points_enumerated": len(tally.points),
        "postgres_restarts": tally.restarts,
        "prefect_kills": prefect_kills,
        "planted_bugs": len(caught),
        "planted_bugs_caught": sum(kills is not None for kills in caught.values()),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(figures) if asked.json else "\n".join(f"{name:20} {value}" for name, value in figures.items()))
    return 0 if not figures["violations"] and figures["planted_bugs"] == figures["planted_bugs_caught"] else 1


def _hunt(asked: argparse.Namespace) -> tuple[Tally, dict[str, int | None]]:
    """The kills of forked processes, and the planted bugs."""
    port, vendor = start()
    try:
        with ground(asked.database) as place:
            hunt = Hunt(place, Source(port), asked.seed, _say)
            httpx.create_ssl_context = cache(httpx.create_ssl_context)  # half of what a client costs
            gc.freeze()  # the forked processes share what is warm
            began = time.monotonic()
            _say(f"seed {asked.seed}: {asked.kills} kills …")
            hunt.run(asked.kills)
            _say(f"{hunt.tally.kills} kills in {time.monotonic() - began:.0f} s, planting bugs …")
            caught = all_caught(hunt) if asked.bugs else {}
            for name, kills in caught.items():
                _say(f"planted: {name}: " + ("NOT CAUGHT" if kills is None else f"caught after {kills} kills"))
            return hunt.tally, caught
    finally:
        vendor.terminate()
        vendor.join(5)


@contextmanager
def _prefect(asked: argparse.Namespace) -> Iterator[Callable[[], tuple[int, list[str]]]]:
    """The kills under Prefect, in a process and on a ground of their own, since their start alone takes long."""
    kills = min(MOST_PREFECT_KILLS, asked.kills // KILLS_A_PREFECT_KILL) if asked.prefect is None else asked.prefect
    if kills < 2:
        yield lambda: (0, [])
        return
    command = [sys.executable, "-m", "benchmarks.crash.prefect_kills", str(kills), str(asked.seed)]
    with tempfile.TemporaryFile("w+") as answer:
        process = subprocess.Popen(command, stdout=answer, cwd=ROOT)  # noqa: S603

        def result() -> tuple[int, list[str]]:
            _say("waiting for the kills under Prefect …")
            process.wait(PREFECT_TIMEOUT_S)
            answer.seek(0)
            try:
                found = json.loads((answer.read().splitlines() or [""])[-1])
            except ValueError:
                return 0, [f"prefect: the process that kills under Prefect ended with {process.returncode}"]
            return found["kills"], found["violations"]

        try:
            yield result
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run crash", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of standard output")
    parser.add_argument("--kills", type=int, default=200, help="how many processes to kill (200)")
    parser.add_argument("--seed", type=int, default=1, help="what all choices follow from (1)")
    parser.add_argument("--prefect", type=int, metavar="N", help="how many of them under Prefect (one in fifty, to 15)")
    parser.add_argument("--database", help="a Postgres of your own instead of a private one; its user a superuser")
    parser.add_argument("--no-bugs", dest="bugs", action="store_false", help="leave the planted bugs out")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
