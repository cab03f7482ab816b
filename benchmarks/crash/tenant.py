"""A simulated Microshare tenant in a process of its own, which loses answers now and then; the harness looks at its truth."""

import multiprocessing
import random
from multiprocessing.connection import Connection
from typing import Any

from sandbox import microshare
from sandbox.microshare_data import TRAPS

LOST_SHARE = 0.15  # of the writes that happen are answered as if they had not, or not at all
DOWN_SHARE = 0.05  # of the writes do not get there, and nobody knows
WRITES = 150  # of a chapter at most
CLUSTERS = 2
FOREIGN = {"id": "58-A0-CB-00-00-00-00-01", "meta": {"location": ["a", "b", "c"]}, "guid": "foreign", "odd": [1.50]}


class Tenant:
    """The tenant, seen from the harness; started when it is first asked for."""

    def __init__(self) -> None:
        self._pipe: Any = None
        self._begun = ""
        self.connection: dict[str, Any] = {}
        self.ids: list[str] = []

    def begin(self, chapter: str, seed: int) -> None:
        """Have fresh clusters for a chapter of the test; nothing when it has begun already."""
        if self._begun == chapter:
            return
        if self._pipe is None:
            self._start()
        self._begun, self.ids = chapter, self._ask("begin", seed)

    def quiet(self) -> None:
        """Lose nothing any more."""
        self._ask("quiet")

    def devices(self) -> dict[str, list[dict[str, Any]]]:
        """The devices of each cluster, as they are."""
        found: dict[str, list[dict[str, Any]]] = self._ask("devices")
        return found

    def _start(self) -> None:
        # Not forked: the harness forks processes to kill, and must stay without threads of a server.
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        context.Process(target=_serve, args=(other,), daemon=True).start()
        other.close()
        self.connection = self._pipe.recv()

    def _ask(self, what: str, *arguments: Any) -> Any:
        self._pipe.send((what, *arguments))
        return self._pipe.recv()


def _serve(pipe: Connection) -> None:
    with microshare.running(clusters=0) as vendor:
        pipe.send(vendor.connection())
        while True:
            try:
                what, *arguments = pipe.recv()
            except EOFError:
                return
            if what == "begin":
                _trouble(vendor, random.Random(arguments[0]))  # noqa: S311
                vendor.clusters.clear()
                pipe.send([vendor.add(TRAPS, [FOREIGN], f"Cluster {number}") for number in range(CLUSTERS)])
            elif what == "quiet":
                vendor.faults.clear()
                pipe.send(None)
            else:
                pipe.send({id_: vendor.devices(id_) for id_ in vendor.clusters})


def _trouble(vendor: microshare.Microshare, chance: random.Random) -> None:
    vendor.faults.clear()
    for number in range(WRITES):
        lot = chance.random()
        if lot < LOST_SHARE:
            vendor.fault(chance.choice(("stored_500", "stored_504")), entity="write", after=number)
        elif lot < LOST_SHARE + DOWN_SHARE:
            vendor.fault("gateway_timeout", entity="write", after=number)
