"""One life of a process under test: forked from the warm harness, killed where or when it was told, or let finish."""

import gc
import logging
import os
import random
import select
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.crash.doors import FAILED, Doors, install
from benchmarks.crash.scenarios import Scenario
from benchmarks.crash.world import World
from connectors.errors import ConnectorError
from warehouse.errors import WarehouseError

HANGS_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """How a life ends: at a place, after some seconds, or by itself; ``meanwhile`` happens after some seconds."""

    place: str | None = None
    kill_after_s: float | None = None
    meanwhile_after_s: float = 0.0
    meanwhile: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Life:
    """How it went: the places passed, whether it was killed, what failed (code, message), how long it took."""

    places: list[str]
    killed: bool
    hung: bool
    failures: list[tuple[str, str]]
    seconds: float


def live(world: World, scenario: Scenario, order: Order, before: Callable[[], None] | None = None) -> Life:
    """Let a scenario happen once in a process of its own. ``before`` is called in it first (see `planted`)."""
    path = world.ground.folder / "places.log"
    path.write_text("")  # or one that is killed before its first line would be told of what the one before it wrote
    began = time.monotonic()
    ended, alive = os.pipe()  # only the child holds its end: when it is gone, the pipe ends
    pid = os.fork()
    if pid == 0:
        os.close(ended)
        _be(path, world, scenario, order, before)
    os.close(alive)
    if order.meanwhile:
        time.sleep(order.meanwhile_after_s)
        order.meanwhile()
    limit_s = HANGS_AFTER_S if order.kill_after_s is None else order.kill_after_s
    hung = not select.select([ended], [], [], max(0.0, began + limit_s - time.monotonic()))[0]
    os.close(ended)
    if hung:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    lines = path.read_text().splitlines()
    failures = [line.removeprefix(FAILED).partition(": ") for line in lines if line.startswith(FAILED)]
    return Life(
        places=[line for line in lines if not line.startswith(FAILED)],
        killed=os.WIFSIGNALED(status),
        hung=hung and order.kill_after_s is None,
        failures=[(code, message) for code, _, message in failures],
        seconds=time.monotonic() - began,
    )


def _be(path: Path, world: World, scenario: Scenario, order: Order, before: Callable[[], None] | None) -> None:
    """What the child does; it never returns."""
    status = 1
    try:
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        doors = Doors(log, order.place)
        logging.disable()
        gc.disable()  # or it would touch, and so copy, all that is shared with the parent
        random.seed()
        if before:
            before()
        install(doors)
        try:
            scenario.act(world, doors)
        except (ConnectorError, WarehouseError) as error:
            doors.failed(error.code, str(error))
        except Exception as error:  # noqa: BLE001  -- whatever it is, the harness must hear of it
            where = traceback.extract_tb(error.__traceback__)[-1]
            doors.failed(type(error).__name__, f"{error} ({where.filename}:{where.lineno})")
        status = 0
    finally:
        os._exit(status)
