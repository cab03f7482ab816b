"""What is killed: syncs, each declared by its steps and by what must hold after every kill.

To put another sync under the harness, write what it does once (`act`, run in a process that may die anywhere), what
must hold whenever it died (`holds`), what must hold once it was let finish in peace (`settled`), and add it to
`SCENARIOS`.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import msgspec

from benchmarks.crash import invariants, outbox, plans
from benchmarks.crash.company import ALWAYS_FULL, CONNECTION, block
from benchmarks.crash.doors import Doors
from benchmarks.crash.invariants import Landing
from benchmarks.crash.world import World
from connectors.errors import ConnectorError
from connectors.quickbooks import reading
from connectors.quickbooks.streams import STREAMS
from connectors.stream import Page, Stream, column
from tasks import pull
from tasks.run import open_run
from warehouse.errors import WarehouseError
from warehouse.landing import Options

PAGE_SIZE = 25  # so that a reading has several pages
LEDGER_PAGE_SIZE = 10  # so that some of them end among changes of one second
SLICE_RECORDS = 50  # so that a first load of changes lands in slices
DAY_H = 24
OVERLAP_S = 5  # more than a late commit is late by, see model.LATE_S
logger = logging.getLogger("landfall.crash")

Check = Callable[[World], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A sync under test. ``holds`` and ``settled`` yield a sentence for each violation.

    ``prepare`` gives it something more to do before each of its lives; ``quiet`` keeps its vendor from losing answers.
    """

    name: str
    act: Callable[[World, Doors], None]
    holds: tuple[Check, ...]
    settled: tuple[Check, ...]
    prepare: Callable[[World], None] | None = None
    quiet: Callable[[], None] | None = None


class Entry(msgspec.Struct):
    """An entry of the ledger, of which only changes are read."""

    id: Annotated[str, column("Id of the entry", source="Id")]
    at: Annotated[int | None, column("When it last changed", source="at")] = None
    amount: Annotated[Decimal | None, column("Amount", source="amount")] = None


class _Head(msgspec.Struct):
    Id: str
    at: int
    deleted: bool


def changes(client: Any, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
    """The ledger's changes in the order of (at, id), from a little before the cursor on."""
    after = (cursor["at"] - OVERLAP_S, "") if cursor else (-1, "")
    reached = (cursor["at"], cursor["id"]) if cursor else after
    while records := client.rows("Ledger", follow(after)):
        heads = [msgspec.json.decode(record, type=_Head) for record in records]
        after = (heads[-1].at, heads[-1].Id)
        reached = max(reached, after)
        live = [at for at, head in enumerate(heads) if not head.deleted]
        yield Page(
            records=[records[at] for at in live],
            keys=[heads[at].Id for at in live],
            deleted=[head.Id for head in heads if head.deleted],
            cursor={"at": reached[0], "id": reached[1]},
            at=f"ledger after {after}",
        )


def follow(after: tuple[int, str]) -> str:
    """The query for what comes after an entry."""
    return (
        f"SELECT * FROM Ledger WHERE (at, id) > ({after[0]}, '{after[1]}') ORDERBY at, id MAXRESULTS {LEDGER_PAGE_SIZE}"  # noqa: S608
    )


LEDGER = Stream(name="ledger", schema="crash", record=Entry, key=("id",), pages=changes, version="at", history=True)


def _pull(
    sync: str, streams: tuple[Stream, ...], full_every_hours: float = ALWAYS_FULL
) -> Callable[[World, Doors], None]:
    def act(world: World, doors: Doors) -> None:
        """One run: what the flow does, without Prefect's engine around it."""
        setattr(pull, "Options", partial(Options, slice_records=SLICE_RECORDS))  # noqa: B010
        reading.OVERLAP = timedelta(seconds=OVERLAP_S)
        with open_run(sync, CONNECTION, load=lambda _: block(world)) as run:
            run.client.page_size, run.client.full_every_hours = PAGE_SIZE, full_every_hours
            for stream in streams:
                try:
                    pull.pull_stream(run, stream, logger)
                except (ConnectorError, WarehouseError) as error:
                    doors.failed(error.code, str(error))

    return act


def _pull_scenario(name: str, act: Callable[[World, Doors], None], landings: tuple[Landing, ...]) -> Scenario:
    def for_each(check: Callable[[World, Landing], Iterator[str]]) -> Check:
        def checked(world: World) -> Iterator[str]:
            for landing in landings:
                yield from check(world, landing)

        return checked

    return Scenario(
        name,
        act,
        holds=(
            for_each(invariants.nothing_lost),
            for_each(invariants.same_version_same_content),
            for_each(invariants.nothing_twice),
            invariants.history_agrees,
            invariants.run_log_is_true,
            invariants.token_works,
            invariants.nothing_left_over,
        ),
        settled=(for_each(invariants.equal_to_source),),
    )


# Gates only read, and take longer than all else; runs under Prefect have them.
_BY_NAME = {stream.name: replace(stream, gates=()) for stream in STREAMS}

QUICKBOOKS = _pull_scenario(
    "quickbooks",
    _pull("quickbooks", (_BY_NAME["customer"], _BY_NAME["invoice"])),
    (invariants.CUSTOMER, invariants.INVOICE),
)
# In the same tables what the hourly run does: what changed by a query, what is gone by change data capture and a look.
# Customers are not in it: lists of names are never deleted at this vendor, and here they are.
CHANGES = _pull_scenario("changes", _pull("quickbooks", (_BY_NAME["invoice"],), DAY_H), (invariants.INVOICE,))
LEDGERS = _pull_scenario("ledger", _pull("ledger", (LEDGER,)), (invariants.LEDGER,))
ORDERS = Scenario(
    "orders",
    outbox.send_all,
    holds=(outbox.sent_means_there_once,),
    settled=(outbox.everything_sent,),
    prepare=outbox.enqueue,
)
PLANS = Scenario(
    "plans",
    plans.apply_all,
    holds=(plans.each_change_once,),
    settled=(plans.everything_applied,),
    prepare=plans.propose,
    quiet=plans.quiet,
)
SCENARIOS = (QUICKBOOKS, CHANGES, LEDGERS, ORDERS, PLANS)
