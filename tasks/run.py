"""A run of a sync: one at a time for each connection, its streams' outcomes, and what they come to."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event, Timer
from typing import Any
from uuid import UUID, uuid4

from prefect import runtime
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from blocks.warehouse import database_url
from connectors import redact
from warehouse import connections, run_log
from warehouse.connect import connect, refuse_transaction_pooling, translated
from warehouse.errors import AlreadyRunning, ConnectionInactive, NotConfigured
from warehouse.landing import Landed
from warehouse.limits import SharedLimiter
from warehouse.locks import holder, try_lock
from warehouse.migrate import upgrade

CANCEL_S = 6.0  # whoever cancels a run in Prefect sees it end within ten seconds


@dataclass(slots=True)
class SyncRun:
    """What the steps of a run share. ``outcomes`` holds, for each stream, what landed or why nothing did."""

    run: run_log.Run
    url: str = field(repr=False)
    client: Any = field(default=None, repr=False)
    identity: str | None = None
    full: bool = False
    accept: frozenset[str] = frozenset()
    skipped: AlreadyRunning | None = None
    outcomes: dict[str, Landed | Exception] = field(default_factory=dict)
    stopping: Event = field(default_factory=Event, repr=False)

    @property
    def label(self) -> str:
        """Sync and connection, as messages name them."""
        return f"{self.run.sync}/{self.run.connection}"

    def state(self) -> State[Any]:
        """The flow's final state: Completed, Completed named Partial or Skipped, or Failed; says what happened."""
        if self.skipped:
            return Completed(name="Skipped", message=str(self.skipped))
        failed = {name: error for name, error in self.outcomes.items() if isinstance(error, Exception)}
        if failed:
            return Failed(message="; ".join(describe(self.label, name, error) for name, error in failed.items()))
        landed = {name: outcome for name, outcome in self.outcomes.items() if isinstance(outcome, Landed)}
        if dead := sum(outcome.counts.dead_lettered for outcome in landed.values()):
            message = f"{self.label}: {dead:,} records could not land; see `landfall dead-letters list`"
            self._announce("partial", message)
            return Completed(name="Partial", message=message)
        changed = sum(c.counts.inserted + c.counts.updated + c.counts.deleted for c in landed.values())
        read = sum(outcome.counts.read for outcome in landed.values())
        return Completed(message=f"{self.label}: {read:,} records read, {changed:,} rows changed")

    def _announce(self, what: str, message: str) -> None:
        """An event that automations can alert on."""
        resource = {"prefect.resource.id": f"landfall.sync.{self.run.sync}.{self.run.connection}"}
        emit_event(event=f"landfall.sync.{what}", resource=resource, payload={"message": message})


def describe(label: str, stream: str, error: Exception) -> str:
    """One sentence for a failed stream: where, code, what happened."""
    code = getattr(error, "code", type(error).__name__)
    return redact.REDACTOR.redact(f"{label}, {stream}: {code}: {error}")


@contextmanager
def open_run(
    sync: str,
    connection: str,
    *,
    load: Callable[[str], Any],
    full: bool = False,
    accept_shrink: bool = False,
    accept_drift: bool = False,
    accept_count: bool = False,
) -> Iterator[SyncRun]:
    """Begin a run: redaction, warehouse, the lock that dies with its holder, the vendor's client.

    ``load`` gives the block of a name. If another run of the same sync and connection is under way, the run
    that this yields is ``skipped`` and does nothing. Each ``accept_…`` lets one guard pass, for this run: a source that
    shrank, records that do not fit (they become dead letters), a count that does not match (nothing is deleted then).
    """
    redact.install()
    url = database_url()
    flow_run = runtime.flow_run.id
    run = SyncRun(
        run_log.Run(uuid4(), sync, connection, UUID(flow_run) if flow_run else None), url,
        full=full,
        accept=frozenset(
            name for name, on in (("shrink", accept_shrink), ("drift", accept_drift), ("count", accept_count)) if on
        ),
    )  # fmt: skip
    with ExitStack() as stack:
        stack.enter_context(translated(f"opening the run of {run.label}"))
        session = stack.enter_context(connect(url, f"landfall {run.label}"))
        refuse_transaction_pooling(session)
        upgrade(session)
        key = run_log.run_lock(sync, connection)
        if not try_lock(session, key):
            run.skipped = AlreadyRunning(
                f"{run.label} is running already, in the session with pid {holder(session, key)}"
            )
            run_log.fail(session, run.run, "*", "skipped", run.skipped.code, str(run.skipped))
            get_run_logger().info("Skipped: %s", run.skipped)
            yield run
            return
        run_log.reap(session, sync, connection)
        block = _block(load, connection)
        _check(session, block, connection)
        limiter = SharedLimiter(url, block.limits())
        stack.callback(limiter.close)
        run.client = stack.enter_context(block.client(limiter=limiter))
        run.identity = run.client.identity()
        connections.check_identity(session, block.get_block_type_slug(), connection, run.identity)
        try:
            yield run
        except BaseException as error:
            if not isinstance(error, Exception):
                _end_soon()
            raise
        finally:
            run.stopping.set()


def _end_soon() -> None:
    """After a signal to end: do not wait for a page that is slow to come. What is half done leaves no trace anyway."""
    watchdog = Timer(CANCEL_S, os._exit, [128 + signal.SIGTERM])
    watchdog.daemon = True
    watchdog.start()


def _block(load: Callable[[str], Any], name: str) -> Any:
    try:
        return load(name)
    except ValueError as error:
        if "find block document" not in str(error):
            raise
        raise NotConfigured(
            f"There is no connection named {name}; make it with: landfall connect SYSTEM --name {name} …"
        ) from None


def _check(session: Any, block: Any, name: str) -> None:
    kind = block.get_block_type_slug()
    known: Mapping[str, Any] | None = connections.show(session, kind, name)
    if known and known["status"] == "inactive":
        raise ConnectionInactive(
            f"{kind}/{name} has been deactivated; `landfall connections activate {kind} {name}` allows it again"
        )
    if not known:
        connections.save(session, name, kind, block.connection_type, block.provider, {})
