"""A vendor's limits, shared by all runs: what a dead run held is free for the next one."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from connectors.http import Limits
from warehouse.limits import SharedLimiter

ROOT = Path(__file__).parents[2]
ONE = Limits(key="acme/1", in_flight=1, per_second=0, per_minute=0)
HOLD = """
import sys
from connectors.http import Limits
from warehouse.limits import SharedLimiter
with SharedLimiter(sys.argv[1], Limits(key="acme/1", in_flight=1, per_second=0, per_minute=0)).slot():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_slot_that_a_killed_run_held_is_free_again(database: str) -> None:
    """J6: the only request that may be under way was that of a run that was killed; the next run is not kept waiting."""
    command = [sys.executable, "-c", HOLD, database]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        limiter = SharedLimiter(database, ONE)

        def take() -> bool:
            with limiter.slot():
                return True

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(take)
            assert not waiting.done()
            holder.send_signal(signal.SIGKILL)
            assert waiting.result(60)
        limiter.close()
