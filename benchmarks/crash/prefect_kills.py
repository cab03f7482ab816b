"""The same with the real thing: flow processes against a private Prefect server, and a worker with its run, killed.

Prefect, its flow and task engines and the block all take part; a run takes seconds here, so there are few. The vendor
itself kills, at a request and a moment of its choice.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_API_URL, temporary_settings

from benchmarks.crash.company import CONNECTION, block
from benchmarks.crash.ground import ground
from benchmarks.crash.invariants import clean_after_success, sessions_gone
from benchmarks.crash.scenarios import QUICKBOOKS
from benchmarks.crash.server import start
from benchmarks.crash.world import Source, World
from blocks import systems
from warehouse.embedded import free_port

ROOT = Path(__file__).resolve().parents[2]
PORTS = (24200, 24699)
SERVER_START_S = 180
RUN_S = 120
REQUESTS = 14  # that a run makes at least
FLOW = "from flows.refresh_quickbooks import refresh_quickbooks as flow; flow(connection='crash')"


@dataclass
class Found:
    """What came of it."""

    kills: int = 0
    violations: list[str] = field(default_factory=list)


@dataclass
class _Prefect:
    """A private Prefect server, and how processes are started that talk to it."""

    folder: Path
    environment: dict[str, str]

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start python with these words, in a session of its own."""
        with (self.folder / "prefect.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                [sys.executable, *words], env=self.environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip

    def last_words(self) -> str:
        """The end of what the processes wrote."""
        return (self.folder / "prefect.log").read_text(errors="replace")[-1500:]


def run(kills: int, seed: int) -> Found:
    """Kill so many processes, the last of them a worker with the run that it started."""
    found, chance = Found(), random.Random(f"{seed}/prefect")  # noqa: S311
    port, vendor = start()
    try:
        with ground() as place, place.database() as url:
            world = World(place, Source(port), url, seed)
            world.source.control("begin", seed=chance.randrange(2**31))
            with _server(place.folder, url) as prefect:
                systems.save("quickbooks", CONNECTION, _fields(world))
                _kill_flows(world, prefect, chance, kills - 1, found)
                _kill_worker(world, prefect, chance, found)
                _finish(world, prefect, found)
            world.close()
    finally:
        vendor.terminate()
        vendor.join(5)
    return found


def _fields(world: World) -> dict[str, Any]:
    values = block(world).model_dump(exclude={"block_type_slug"})
    return {name: getattr(value, "get_secret_value", lambda value=value: value)() for name, value in values.items()}


def _kill_flows(world: World, prefect: _Prefect, chance: random.Random, kills: int, found: Found) -> None:
    for _ in range(3 * kills):  # a moment may come too late
        if found.kills >= kills:
            return
        world.look()
        process = prefect.start("-c", FLOW)
        _aim(world, process.pid, chance)
        status = _ended(process, RUN_S)
        found.kills += status == -signal.SIGKILL
        if status not in (0, 1, -signal.SIGKILL):
            found.violations.append(f"prefect: a flow process ended with {status}: {prefect.last_words()}")
        _judge(world, found, "a flow process was killed")


def _kill_worker(world: World, prefect: _Prefect, chance: random.Random, found: Found) -> None:
    """Kill a worker and the run it started, then let another worker do a run in peace."""
    world.look()
    deployment = _deploy()
    _order_run(deployment)
    worker = _worker(prefect)
    _aim(world, worker.pid, chance)
    _ended(worker, RUN_S)
    found.kills += 1
    _judge(world, found, "a worker was killed")
    world.source.control("quiet")
    world.look()
    run_id = _order_run(deployment)
    worker = _worker(prefect)
    try:
        state = _final_state(run_id)
    finally:
        _end(worker)
    if state != "COMPLETED":
        found.violations.append(f"prefect: the run after the worker's death is {state}: {prefect.last_words()}")
    _judge(world, found, "the next worker ran")


def _finish(world: World, prefect: _Prefect, found: Found) -> None:
    """One run in peace makes all equal."""
    world.source.control("quiet")
    world.look()
    status = _ended(prefect.start("-c", FLOW), RUN_S)
    if status != 0:
        found.violations.append(f"prefect: the run in peace ended with {status}: {prefect.last_words()}")
    _judge(world, found, "the run in peace")
    for check in (*QUICKBOOKS.settled, clean_after_success):
        found.violations += [f"prefect, at the end: {fault}" for fault in check(world)]


def _judge(world: World, found: Found, when: str) -> None:
    faults = [*sessions_gone(world)]
    world.note_runs()
    world.look()
    for check in QUICKBOOKS.holds:
        faults += check(world)
    found.violations += [f"prefect, {when}: {fault}" for fault in faults]


def _aim(world: World, pid: int, chance: random.Random) -> None:
    world.source.control("kill", pid=pid, at=chance.randint(1, REQUESTS), after_s=chance.uniform(0, 0.3))


def _deploy() -> Any:
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="crash", type="process"))
        return client.create_deployment(
            flow_id=client.create_flow_from_name("refresh-quickbooks"),
            name="crash",
            entrypoint="flows.refresh_quickbooks.refresh_quickbooks",
            work_pool_name="crash",
            parameters={"connection": CONNECTION},
            pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": "."}}],
        )


def _order_run(deployment: Any) -> Any:
    with get_client(sync_client=True) as client:
        return client.create_flow_run_from_deployment(deployment).id


def _worker(prefect: _Prefect) -> "subprocess.Popen[bytes]":
    return prefect.start("-m", "prefect", "worker", "start", "--pool", "crash", "--type", "process")


def _final_state(run_id: Any) -> str:
    deadline, state = time.monotonic() + RUN_S, "never started"
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            found = client.read_flow_run(run_id).state
            state = found.type.value if found else state
            if found and found.is_final():
                break
            time.sleep(0.3)
    return state


def _ended(process: "subprocess.Popen[bytes]", timeout_s: float) -> int:
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        _end(process)
        return 255


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all below it."""
    with suppress(psutil.Error):
        root = psutil.Process(process.pid)
        for each in (root, *root.children(recursive=True)):
            each.kill()
    process.wait(10)


@contextmanager
def _server(folder: Path, url: str) -> Iterator[_Prefect]:
    port = free_port(PORTS[0] + os.getpid() % 400, PORTS)
    api = f"http://127.0.0.1:{port}/api"
    told = {
        "PREFECT_API_URL": api, "PREFECT_HOME": str(folder / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1", "PREFECT_WORKER_QUERY_SECONDS": "1", "LANDFALL_DATABASE_URL": url,
        "PYTHONPATH": str(ROOT), "PREFECT_LOGGING_LEVEL": "WARNING",
    }  # fmt: skip
    prefect = _Prefect(folder, os.environ | told)
    server = prefect.start("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    try:
        _wait_for(f"{api}/ready", server, prefect)
        os.environ["LANDFALL_DATABASE_URL"] = url
        with temporary_settings({PREFECT_API_URL: api}):
            yield prefect
    finally:
        _end(server)


def _wait_for(address: str, server: "subprocess.Popen[bytes]", prefect: _Prefect) -> None:
    deadline = time.monotonic() + SERVER_START_S
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError), urlopen(address, timeout=5):  # noqa: S310
            return
        time.sleep(0.1)
    raise RuntimeError(f"The Prefect server does not start: {prefect.last_words()}")


def main(arguments: Sequence[str]) -> int:
    """How many kills, and the seed; prints what was found as JSON."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    found = run(int(arguments[0]), int(arguments[1]))
    print(json.dumps(asdict(found)))
    return bool(found.violations)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
