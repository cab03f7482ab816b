"""Everything that can go wrong on the Postgres side, in one tree.

The code of an error is the name of its class; its docstring is the cause, ``cure`` what to do. Both end
up in docs/errors.md.
"""

from typing import Any, ClassVar


class WarehouseError(Exception):
    """Something went wrong on the Postgres side."""

    cure: ClassVar[str] = "Read the message; it names the table or the setting."

    @property
    def code(self) -> str:
        """The documented code: the name of the class."""
        return type(self).__name__


class NotConfigured(WarehouseError):
    """A setting that this process needs, such as where to land or the encryption key, is missing."""

    cure = "Set the variable that the message names, or run `landfall doctor`."


class DatabaseUnavailable(WarehouseError):
    """Postgres could not be reached, or it went away in the middle."""

    cure = (
        "Check that Postgres runs and that LANDFALL_DATABASE_URL is right; the next run takes up where this one began."
    )


class AlreadyRunning(WarehouseError):
    """Another run of the same sync and connection holds the lock; this one is skipped, not failed."""

    cure = "Nothing: wait for the other run."


class Overtaken(WarehouseError):
    """A scheduled run came late, and another of its schedule that began after its time has landed: it is skipped."""

    cure = "Nothing: after an outage of the workers one run catches up for all that were missed."


class LockTimeout(WarehouseError):
    """Somebody holds a lock on a table that the landing needs."""

    cure = "The message names the table and the session; end that session or wait, then run again."


class LockLost(WarehouseError):
    """The session that held the run's lock is gone, so this run may no longer write."""

    cure = "Nothing was written; run again."


class SuspiciousShrink(WarehouseError):
    """The source held far fewer records than the table, so they were not taken for deleted."""

    cure = "Look at the source; if it is right, run once with --accept-shrink."


class SchemaDrift(WarehouseError):
    """More than 10 % of the records (and at least 20) do not fit the record type."""

    cure = "The source has changed its format: see `landfall dead-letters list`, adapt the record type, run again."


class TargetSchemaChanged(WarehouseError):
    """Somebody changed a landed table so that records no longer fit it."""

    cure = "Undo the change that the message names, or drop the column; views and tables are never changed by force."


class GateFailed(WarehouseError):
    """The table as it would be breaks an expectation that blocks; nothing was landed."""

    cure = "The message names the expectation and the keys; correct the source, or the gate if it is wrong."
    verdicts: list[Any]


class StorageFull(WarehouseError):
    """Postgres has no space left."""

    cure = "Make space on the disk of Postgres and run again; tables and cursor are as before."


class StateCorrupt(WarehouseError):
    """A stored cursor, token or payload cannot be read: changed by hand, or written with another key."""

    cure = "Restore LANDFALL_ENCRYPTION_KEY, or run once with --full to read everything again."


class ConnectionChanged(WarehouseError):
    """The connection now leads to another company than the one whose rows have landed under its name."""

    cure = "Use a new connection name for the other company, or correct the credentials."


class ConnectionInactive(WarehouseError):
    """The connection has been deactivated, so its syncs are refused."""

    cure = "If it should run again: landfall connections activate SYSTEM NAME."


class AmbiguousConnection(WarehouseError):
    """Two connections that one sync serves have the same name, so their rows could not be told apart."""

    cure = "Give one of them another name: make it anew with `landfall connect`, then delete the one the message names."


class NotEnabled(WarehouseError):
    """What was asked for has been switched off for this connection, or its system does not offer it."""

    cure = "Leave it out, or switch it on as the message says."


class AssignmentRefused(WarehouseError):
    """A client, a site or a connection is not there, or an assignment would contradict another one."""

    cure = "The message says what is there and what stands in the way; nothing was changed."


class SessionPooling(WarehouseError):
    """The address leads through a pooler in transaction mode, on which locks of a session do not hold."""

    cure = "Use the direct address of Postgres, or a pool in session mode."


class Cancelled(WarehouseError):
    """The run was asked to end, by Prefect or by whoever started it."""

    cure = "Nothing was landed by it; run again when you like."


class BadSearch(WarehouseError):
    """A search names an index, a column to sort by, or a time that there is not."""

    cure = "The message names those that there are; docs/search.md explains them."


class SearchUnavailable(WarehouseError):
    """The database lacks the extension pg_trgm, which search needs; landing goes on without."""

    cure = (
        "Let the owner of the database or an administrator run in it: CREATE EXTENSION pg_trgm; (where Postgres does not"
        " know it, install its contrib package first). The next landing makes the indexes."
    )


class UnknownDevice(WarehouseError):
    """No device or cluster of this name has landed, or several have."""

    cure = "Run the sync, look at the landed tables, and name one by its key or id."


class UnknownPlan(WarehouseError):
    """There is no plan of this number."""

    cure = "The list command of the plans shows which there are."


class PlanNotOpen(WarehouseError):
    """The plan is in a state in which this cannot be done with it: superseded, applied, or not approved yet."""

    cure = "The message names the state; a new run of the sync makes a new plan of what is still to do."


class PlanIncomplete(WarehouseError):
    """Some changes of a plan could not be settled: the system could not be reached, or a lost answer was not resolved."""

    cure = "Apply the plan again: it looks first, and does nothing twice."


class PayloadTooDeep(WarehouseError):
    """A record is nested deeper than any business record is."""

    cure = "The message names the record; correct it at the source."


class RecordError(WarehouseError):
    """One record could not be landed; it is kept as a dead letter, the others land."""

    cure = "See `landfall dead-letters show`; correct it at the source or replay it."

    def __init__(self, message: str, column: str = "") -> None:
        super().__init__(message)
        self.column = column


class BadRow(RecordError):
    """A value has a type that its column cannot hold, or the record is not an object."""


class BadNumber(RecordError):
    """A number is no number, is not finite, or has over 1,000 digits."""


class BadDate(RecordError):
    """A date or time does not exist, has no time zone, or lies outside the years 1 to 9999."""


class MissingKey(RecordError):
    """The record has no key, an empty one, or one with characters that no text in Postgres can hold."""


class RowTooLarge(RecordError):
    """One record is larger than the limit of 16 MiB."""
