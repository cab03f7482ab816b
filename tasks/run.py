"""A run of a sync: one at a time for each connection, its streams' outcomes, and what they come to."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
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
from connectors.errors import Authentication, ConnectorError, Source, Transient
from connectors.stream import Stream
from tasks.catch_up import overtaken_by
from tasks.connection import note_block
from tasks.origin import origin, started_by_a_person
from warehouse import audit, connections, run_log
from warehouse.connect import connect, refuse_transaction_pooling, translated
from warehouse.errors import (
    AlreadyRunning,
    ConnectionChanged,
    ConnectionInactive,
    NotConfigured,
    Overtaken,
    WarehouseError,
)
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
    block: Any = field(default=None, repr=False)
    client: Any = field(default=None, repr=False)
    identity: str | None = None
    full: bool = False
    accept: frozenset[str] = frozenset()
    skipped: AlreadyRunning | Overtaken | None = None
    outcomes: dict[str, Landed | Exception] = field(default_factory=dict)
    stopping: Event = field(default_factory=Event, repr=False)
    claim: Callable[[str], bool] = field(default=lambda _part: True, repr=False)

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
    side_by_side: bool = False,
) -> Iterator[SyncRun]:
    """Begin a run: redaction, warehouse, the lock that dies with its holder, the vendor's client.

    ``load`` gives the block of a name. If another run of the same sync and connection is under way, or a later one of
    the same schedule has done this one's work, the run that this yields is ``skipped`` and does nothing; with
    ``side_by_side`` such runs share a connection, and `free` sees to it that they share no stream. Each ``accept_…``
    lets one guard pass, for this run: a source that shrank, records that do not fit (they become dead letters), a count
    that does not match (nothing is deleted then).
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
        stack.enter_context(without_secrets())
        stack.enter_context(translated(f"opening the run of {run.label}"))
        session = stack.enter_context(connect(url, f"landfall {run.label}"))
        refuse_transaction_pooling(session)
        upgrade(session)
        if started_by_a_person():
            _log_request(session, run)
        run.skipped = _reason_to_skip(session, run, side_by_side)
        if run.skipped:
            run_log.fail(session, run.run, "*", "skipped", run.skipped.code, str(run.skipped))
            get_run_logger().info("Skipped: %s", run.skipped)
            yield run
            return
        run.claim = lambda part: try_lock(session, run_log.run_lock(sync, connection, part))
        run_log.reap(session, sync, connection)
        run.block = block = _block(load, connection)
        kind = block.get_block_type_slug()
        _check(session, block, kind, connection)
        limiter = SharedLimiter(url, block.limits())
        stack.callback(limiter.close)
        with _noting_refusal(session, kind, connection):
            run.client = stack.enter_context(block.client(limiter=limiter))
            run.identity = run.client.identity()
            connections.check_identity(session, kind, connection, run.identity)
        try:
            yield run
            _note_outcome(session, kind, run)
        except BaseException as error:
            if not isinstance(error, Exception):
                _end_soon()
            raise
        finally:
            run.stopping.set()


@contextmanager
def without_secrets() -> Iterator[None]:
    """Clean the message of an error on its way out: Prefect keeps it as the state of the task or flow.

    Postgres and vendors repeat what they were told, in words that nobody here has chosen.
    """
    try:
        yield
    except Exception as error:
        error.args = tuple(redact.redact(part) if isinstance(part, str) else part for part in error.args)
        if isinstance(error, ConnectorError):
            error.message = redact.redact(error.message)
        raise


def _reason_to_skip(session: Any, run: SyncRun, side_by_side: bool) -> AlreadyRunning | Overtaken | None:
    """Take the lock of the run; the reason why there is nothing to do for it, if there is one."""
    key = run_log.run_lock(run.run.sync, run.run.connection)
    if not try_lock(session, key, shared=side_by_side):
        pid = holder(session, key)
        return AlreadyRunning(f"{run.label} is running already, in the session with pid {pid}")
    if other := overtaken_by():
        return Overtaken(f"{run.label} was read by the run {other.name}, which began after the time this one was for")
    return None


def free(run: SyncRun, streams: Sequence[Stream]) -> list[Stream]:
    """The streams that no other run on the connection has under way; the others are noted as skipped in this run.

    For runs that go side by side. If none is left, the whole run is ``skipped``.
    """
    mine = [stream for stream in streams if not run.skipped and run.claim(stream.name)]
    busy = [stream.name for stream in streams if stream not in mine]
    if busy and not run.skipped:
        skipped = AlreadyRunning(f"{run.label}: another run has {', '.join(busy)} under way")
        get_run_logger().info("Skipped: %s", skipped)
        with closing(connect(run.url)) as session:
            for name in busy:
                run_log.fail(session, run.run, name, "skipped", skipped.code, str(skipped))
        run.skipped = None if mine else skipped
    return mine


def _log_request(session: Any, run: SyncRun) -> None:
    """Note that somebody asked for this run, and with which parameters."""
    given = (runtime.flow_run.parameters or {}).items()
    asked = {name: redact.redact(str(value)) for name, value in given if value}  # what is empty or off says nothing
    audit.append(
        session,
        origin(),
        "run.started",
        f"sync {run.label}",
        after={"run_id": str(run.run.run_id), "parameters": asked},
    )


@contextmanager
def _noting_refusal(session: Any, kind: str, name: str) -> Iterator[None]:
    try:
        yield
    except (ConnectorError, ConnectionChanged):
        connections.happened(session, kind, name, "run refused", origin())
        raise


def _note_outcome(session: Any, kind: str, run: SyncRun) -> None:
    """Bring the state of the connection up to date: did its system let itself be read?"""
    outcomes = run.outcomes.values()
    refused = any(isinstance(outcome, Authentication | Transient | Source) for outcome in outcomes)
    if not refused and not any(isinstance(outcome, Landed) for outcome in outcomes):
        return  # nothing was read, or what failed was no fault of the system
    try:
        with translated("noting the state of the connection"):
            event = "run refused" if refused else "run succeeded"
            connections.happened(session, kind, run.run.connection, event, origin())
    except WarehouseError as error:
        # What landed has landed and is in the run log; that session was only waiting here.
        get_run_logger().warning("%s: %s", error.code, error)


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


def _check(session: Any, block: Any, kind: str, name: str) -> None:
    known = connections.show(session, kind, name)
    if known and known["status"] == "inactive":
        raise ConnectionInactive(
            f"{kind}/{name} has been deactivated; `landfall connections activate {kind} {name}` allows it again"
        )
    note_block(session, kind, name, block)
