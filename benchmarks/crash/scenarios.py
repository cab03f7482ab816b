"""What is killed: syncs, each declared by its steps and by what must hold after every kill.

To put another sync under the harness, write what it does once (`act`, run in a process that may die anywhere), what
must hold whenever it died (`holds`), what must hold once it was let finish in peace (`settled`), and add it to
`SCENARIOS`.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import msgspec

from benchmarks.crash import invariants, outbox
from benchmarks.crash.company import CONNECTION, block
from benchmarks.crash.doors import Doors
from benchmarks.crash.invariants import Landing
from benchmarks.crash.world import World
from connectors.errors import ConnectorError
from connectors.quickbooks.streams import STREAMS
from connectors.stream import Page, Stream, column
from tasks import pull
from tasks.run import open_run
from warehouse.errors import WarehouseError
from warehouse.landing import Options

PAGE_SIZE = 25  # so that a reading has several pages
LEDGER_PAGE_SIZE = 10  # so that some of them end among changes of one second
SLICE_RECORDS = 50  # so that a first load of changes lands in slices
OVERLAP_S = 5  # more than a late commit is late by, see model.LATE_S
logger = logging.getLogger("landfall.crash")

Check = Callable[[World], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A sync under test. ``holds`` and ``settled`` yield a sentence for each violation."""

    name: str
    act: Callable[[World, Doors], None]
    holds: tuple[Check, ...]
    settled: tuple[Check, ...]


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


def _pull(sync: str, streams: tuple[Stream, ...]) -> Callable[[World, Doors], None]:
    def act(world: World, doors: Doors) -> None:
        """One run: what the flow does, without Prefect's engine around it."""
        setattr(pull, "Options", partial(Options, slice_records=SLICE_RECORDS))  # noqa: B010
        with open_run(sync, CONNECTION, load=lambda _: block(world)) as run:
            run.client.page_size = PAGE_SIZE
            for stream in streams:
                try:
                    pull.pull_stream(run, stream, logger)
                except (ConnectorError, WarehouseError) as error:
                    doors.failed(error.code, str(error))

    return act


def _pull_scenario(sync: str, streams: tuple[Stream, ...], landings: tuple[Landing, ...]) -> Scenario:
    def for_each(check: Callable[[World, Landing], Iterator[str]]) -> Check:
        def checked(world: World) -> Iterator[str]:
            for landing in landings:
                yield from check(world, landing)

        return checked

    return Scenario(
        sync,
        _pull(sync, streams),
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
    (_BY_NAME["customer"], _BY_NAME["invoice"]),
    (invariants.CUSTOMER, invariants.INVOICE),
)
CHANGES = _pull_scenario("ledger", (LEDGER,), (invariants.LEDGER,))
ORDERS = Scenario(
    "orders",
    outbox.send_all,
    holds=(outbox.sent_means_there_once,),
    settled=(outbox.everything_sent,),
)
SCENARIOS = (QUICKBOOKS, CHANGES, ORDERS)
