"""One lane of the hunt: a process with a ground and a vendor of its own, so that two cores have something to do."""

import gc
import json
import signal
import sys
from collections.abc import Sequence
from functools import cache

import httpx

from benchmarks.crash.ground import ground
from benchmarks.crash.hunt import Hunt
from benchmarks.crash.planted import BUGS
from benchmarks.crash.server import start
from benchmarks.crash.world import Source


def main(arguments: Sequence[str]) -> int:
    """Lane, lanes, kills of all lanes, seed, whether to plant bugs, a given database or nothing: prints JSON."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    lane, lanes, kills, seed, plant = (int(argument) for argument in arguments[:5])
    port, vendor = start()
    try:
        with ground(arguments[5]) as place:
            hunt = Hunt(place, Source(port), seed, lane, lanes)
            httpx.create_ssl_context = cache(httpx.create_ssl_context)  # half of what a client costs
            gc.freeze()  # the forked processes share what is warm
            hunt.run(kills)
            bugs = BUGS[lane::lanes] if plant else ()
            caught = {bug.name: hunt.catches(bug) for bug in bugs}
    finally:
        vendor.terminate()
        vendor.join(5)
    tally = hunt.tally
    found = {"kills": tally.kills, "restarts": tally.restarts, "violations": tally.violations}
    print(json.dumps(found | {"points": [*tally.points], "caught": caught}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
