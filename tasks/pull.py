"""Pulling: each stream from its source into its tables, streams side by side, none stopping another."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger

from connectors.errors import ConnectorError, CountMismatch, Transient
from connectors.redact import REDACTOR
from connectors.stream import Page, Stream
from tasks.origin import deployment_id
from tasks.report import report
from tasks.run import SyncRun, describe, without_secrets
from warehouse.errors import Cancelled, DatabaseUnavailable, WarehouseError
from warehouse.landing import Landed, Options, land
from warehouse.page import PageLike, Read

Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]

PROGRESS_S = 2.0
# The client has waited seconds already; what is still down after that needs minutes. Runs that a person started are
# not made to wait: they are told at once.
RETRY_DELAYS_S = [60, 300]


class UnexpectedError(Exception):
    """Something that this project does not know; the message is redacted."""

    def __init__(self, error: Exception) -> None:
        super().__init__(REDACTOR.redact(str(error)))
        self.code = type(error).__name__


def pull_all(run: SyncRun, streams: Sequence[Stream]) -> None:
    """Pull every stream as a task of its own and report; outcomes end up in ``run.outcomes``."""
    if run.skipped:
        return
    futures: dict[str, PrefectFuture[Landed]] = {}
    attempts = {"retries": len(RETRY_DELAYS_S), "retry_delay_seconds": RETRY_DELAYS_S} if deployment_id() else {}
    for stream in streams:
        futures[stream.name] = pull.with_options(name=f"pull {stream.name}", **attempts).submit(run, stream)  # type: ignore[arg-type]
    outcomes: dict[str, Landed | Exception] = {}
    for name, future in futures.items():
        outcome = future.result(raise_on_failure=False)
        outcomes[name] = (
            outcome if isinstance(outcome, Landed | Exception) else UnexpectedError(Exception(str(outcome)))
        )
    # Not one by one: as a task begins, Prefect walks through the run, which must not change meanwhile.
    run.outcomes.update(outcomes)
    report(run)


def worth_another_try(_task: object, _run: object, state: Any) -> bool:
    """Whether the task may be run again: only what time may heal."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, Transient | DatabaseUnavailable)


@task(name="pull", cache_policy=NO_CACHE, persist_result=False, retry_condition_fn=worth_another_try)
def pull(run: SyncRun, stream: Stream) -> Landed:
    """Land one stream of the run; the error says where and what to do."""
    logger = get_run_logger()
    landed = pull_stream(run, stream, logger)
    for warning in landed.warnings:
        logger.warning("%s, %s: %s", run.label, stream.name, warning)
    logger.info("%s, %s: %s", run.label, stream.name, sentence(landed))
    return landed


def pull_stream(run: SyncRun, stream: Stream, logger: Logger) -> Landed:
    """Read a stream and land it; once more where the source's own count did not match what it gave."""
    options = Options(
        full=run.full, accept_shrink="shrink" in run.accept, accept_drift="drift" in run.accept, identity=run.identity, redact=REDACTOR.redact,
        progress=_progress(run, stream, logger),
    )  # fmt: skip
    read = _reader(run, stream)
    with without_secrets():
        try:
            try:
                return land(run.url, run.run, stream, read, options)
            except CountMismatch as error:
                logger.warning("%s; reading once more", describe(run.label, stream.name, error))
                # Accepted, what was read lands, but nothing is taken for deleted: it may just be what is missing.
                return land(run.url, run.run, stream, _lenient(read) if "count" in run.accept else read, options)
        except (ConnectorError, WarehouseError):
            raise
        except Exception as error:
            raise UnexpectedError(error) from error


def sentence(landed: Landed) -> str:
    """What became of a stream, in words."""
    counts = landed.counts.numbers()
    return ", ".join(f"{counts[name]:,} {name.replace('_', ' ')}" for name in counts if counts[name] or name == "read")


def _reader(run: SyncRun, stream: Stream) -> Callable[[Mapping[str, Any] | None], Iterator[Page]]:
    def read(cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        try:
            for page in stream.pages(run.client, cursor):
                if run.stopping.is_set():
                    break
                yield page
        except Exception:
            if not run.stopping.is_set():
                raise
            # The run has closed what the pages come through; whatever broke by that is no fault.
        if run.stopping.is_set():
            raise Cancelled(f"{run.label}, {stream.name}: the run was asked to end")

    return read


def _lenient(read: Read) -> Read:
    def lenient(cursor: Mapping[str, Any] | None) -> Iterator[PageLike]:
        with suppress(CountMismatch):
            yield from read(cursor)

    return lenient


def _progress(run: SyncRun, stream: Stream, logger: Logger) -> Callable[[int], None]:
    last = time.monotonic()

    def progress(read: int) -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_S:
            last = time.monotonic()
            logger.info("%s, %s: %s records read", run.label, stream.name, f"{read:,}")

    return progress
