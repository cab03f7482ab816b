"""Trying again, and telling people so: which fault it was, and how long is waited."""

import logging

import stamina
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from connectors.redact import REDACTOR

logger = logging.getLogger(__name__)

#: Attempts with growing waits, as `stamina.retry_context` has them.
attempts = stamina.retry_context


def tell(details: RetryDetails) -> None:
    """Say it in a sentence, without secrets."""
    code = getattr(details.caused_by, "code", type(details.caused_by).__name__)
    said = REDACTOR.redact(f"{code}: {details.caused_by}")
    logger.warning("%s Trying again in %.1f s (attempt %d).", said, details.wait_for, details.retry_num + 1)


# Instead of the library's own lines, which are made for machines.
set_on_retry_hooks([tell])
