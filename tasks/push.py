"""Pushing: messages of the outbox to a system, each at most once, whatever fails between."""

from collections.abc import Callable, Mapping, Sequence

from connectors.errors import AmbiguousWrite, Authentication, ConnectorError, Transient
from connectors.redact import REDACTOR
from warehouse.outbox import Delivered, Lane, Look, Message, Outcome, deliver

Give = Callable[[Sequence[Message]], Mapping[int, Outcome]]


def push(url: str, lane: Lane, give: Give, look: Look, *, idempotent: bool = False) -> Delivered:
    """Deliver what is due in a lane.

    ``give`` hands messages over and says what became of each. What it raises decides for all of them: a lost answer leaves
    them unknown, so that ``look`` has to find them before anything is sent again; a refused sign-in and what passes by
    itself leave them pending; any other error of the system rejects them. ``idempotent``: giving the same again changes
    nothing, so what may have arrived in part is simply due again.
    """

    def send(messages: Sequence[Message]) -> Mapping[int, Outcome]:
        try:
            return give(messages)
        except ConnectorError as error:
            status = _status(error, idempotent=idempotent)
            return {message.id: Outcome(status, REDACTOR.redact(f"{error.code}: {error}")) for message in messages}

    return deliver(url, lane, send, look)


def _status(error: ConnectorError, *, idempotent: bool) -> str:
    if isinstance(error, Authentication):
        return "pending"
    if isinstance(error, AmbiguousWrite | Transient):
        return "pending" if idempotent else "unknown"
    return "rejected"
