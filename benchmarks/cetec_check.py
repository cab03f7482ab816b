"""How long it takes to find out which of 2,000 customers have their database: our two queries, and one connection each.

The peer does what the program did that this replaces: ten threads, and for each customer a connection and a count. Both
talk to the same private MariaDB, through a proxy that delays every answer, and without TLS, which spares the peer most.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pymysql  # type: ignore[import-untyped]

from connectors.mysql import Answer, Server
from sandbox import faultproxy

DATABASES, THREADS = 2_000, 10
LATENCIES_S = (0.0, 0.02)
GOAL_AT_20_MS = 15.0
COUNT = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = 'usage_stats'"


def measure(databases: int = DATABASES, echo: Callable[[str], None] = print) -> dict[str, Any]:
    """Seconds of both at each latency, and the ratio: ``{"databases", "results": [{"latency_ms", …}]}``."""
    with _mariadb() as server:
        names = [f"customer_{number}" for number in range(databases)]
        echo(f"making {databases:,} databases")
        # Half of them: the other customers have none, as happens.
        server.make({name: at % 4 > 0 for at, name in enumerate(names) if at % 2})
        results = [_at(server, names, latency_s, echo) for latency_s in LATENCIES_S]
    return {"databases": databases, "threads_of_peer": THREADS, "results": results}


def _at(server: Any, names: list[str], latency_s: float, echo: Callable[[str], None]) -> dict[str, Any]:
    with faultproxy.running(server.host, server.port) as proxy:
        if latency_s:
            proxy.toxics.add("latency", seconds=latency_s)
        ours, found = _timed(lambda: _look(server, proxy.port, names))
        peers, counted = _timed(lambda: _one_by_one(server, proxy.port, names))
    if found != counted:
        raise AssertionError("the two do not agree on which databases there are")
    ratio = peers / ours
    echo(f"at {latency_s * 1000:.0f} ms: {ours:.2f} s, one connection each {peers:.1f} s, {ratio:.0f} times faster")
    return {
        "latency_ms": round(latency_s * 1000),
        "seconds": round(ours, 3),
        "seconds_of_peer": round(peers, 3),
        "times_faster": round(ratio, 1),
    }


def _look(server: Any, port: int, names: list[str]) -> set[str]:
    look = Server(host=server.host, port=port, user=server.user, password=server.password, tls=False)
    answer = look.look(names, "usage_stats")
    return {name for name in names if answer.of(name) is Answer.HAS_TABLE}


def _one_by_one(server: Any, port: int, names: list[str]) -> set[str]:
    def there(name: str) -> bool:
        login = {"user": server.user, "password": server.password, "ssl_disabled": True}
        with closing(pymysql.connect(host=server.host, port=port, **login)) as session, session.cursor() as cursor:
            cursor.execute(COUNT, (name,))
            return bool(cursor.fetchone()[0])

    with ThreadPoolExecutor(THREADS) as pool:
        return {name for name, is_there in zip(names, pool.map(there, names), strict=True) if is_there}


def _timed(work: Callable[[], set[str]]) -> tuple[float, set[str]]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


@contextmanager
def _mariadb() -> Iterator[Any]:
    """The tests' own private MariaDB, in a folder of ours."""
    mariadb: Any = import_module("tests.mariadb")
    folder = Path(tempfile.mkdtemp(prefix="landfall-bench-", dir="/tmp" if os.geteuid() == 0 else None))  # noqa: S108
    folder.chmod(0o711)
    os.environ["LANDFALL_TEST_SCRATCH"] = str(folder)
    try:
        yield mariadb.server()
    finally:
        mariadb.stop_all(folder)
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """``python -m benchmarks.cetec_check [--json] [--databases N]``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cetec_check", description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--databases", type=int, default=DATABASES)
    options = parser.parse_args()
    outcome = measure(options.databases)
    if options.json:
        print(json.dumps(outcome))


if __name__ == "__main__":
    main()
