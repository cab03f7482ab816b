"""Bugs, put into the product's classes at run time to see that the harness finds them. They are nowhere else.

Each is called in the process under test, before its doors are wrapped.
"""

import copy
import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from benchmarks.crash import scenarios
from connectors.errors import ConnectorError, Unavailable
from connectors.quickbooks import reading
from connectors.quickbooks.client import QuickBooksClient
from connectors.stream import Page
from tasks import microshare_apply as microshare_tasks
from tasks import pull
from warehouse import cursors, run_log
from warehouse import outbox as product_outbox
from warehouse.connect import connect
from warehouse.landing import _Landing
from warehouse.merge import Merge
from warehouse.tokens import TokenStore

LAST_PAGE_FAILS = 0.3


@dataclass(frozen=True, slots=True)
class Bug:
    """What was done wrong, in which scenario, which invariant it breaks, and within how many kills that must be seen."""

    name: str
    scenario: str
    breaks: str
    plant: Callable[[], None]
    within: int = 60


def cursor_before_data() -> None:
    """The cursor is committed before the rows."""
    commit = _Landing._commit

    def committed(self: Any, **how: Any) -> None:
        if self.cursor is not None:
            state = cursors.State(dict(self.cursor), self.live_before, self.version)
            cursors.save(self.connection, self.run, self.stream.name, state)
        commit(self, **how)

    _Landing._commit = committed  # type: ignore[method-assign]


def cursor_in_a_later_transaction() -> None:
    """Cursor and run log are written after the rows have been committed."""
    log, commit = _Landing._log, _Landing._commit
    held: list[tuple[Any, ...]] = []

    def committed(self: Any, **how: Any) -> None:
        before = copy.deepcopy(self.counts)
        commit(self, **how)
        after, self.counts = self.counts, before
        with self.connection.transaction():
            log(self, *held.pop())
        self.counts = after

    _Landing._log = lambda self, *told: held.append(told)  # type: ignore[method-assign]
    _Landing._commit = committed  # type: ignore[method-assign]


def cursor_of_time_only() -> None:
    """Reading goes on after the last second, as if no two changes shared one."""
    follow = scenarios.follow
    scenarios.follow = lambda after: follow((after[0], "zzzz"))


def mark_of_the_last_answer() -> None:
    """The mark is the vendor's clock when the reading ends, as if nothing had changed, or come late, meanwhile."""
    rows = QuickBooksClient.rows
    latest: list[Any] = [None]

    def read(self: QuickBooksClient, entity: str, statement: str) -> Any:
        found = rows(self, entity, statement)
        latest[0] = found.time or latest[0]
        return found

    QuickBooksClient.rows = read  # type: ignore[method-assign]
    reading._mark_at = lambda began: max(latest[0] or began, began)


def insert_or_nothing() -> None:
    """ON CONFLICT DO NOTHING: a row that is there stays as it is."""
    Merge.update = lambda self, number, *, also=None: 0  # type: ignore[method-assign]


def no_reaper() -> None:
    """Dead runs are left running in the run log."""
    start = run_log.start

    class Forgetful:
        """A session that will not hear of crashed runs."""

        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def execute(self, statement: str, parameters: Any) -> Any:
            return None if "'crashed'" in statement else self._connection.execute(statement, parameters)

    run_log.start = lambda connection, *rest: start(Forgetful(connection), *rest)  # type: ignore[arg-type]
    run_log.reap = lambda *_: 0


def token_saved_after_use() -> None:
    """A new token is kept when the run is over, instead of before it is used."""
    save, close = TokenStore.save, QuickBooksClient.close
    unsaved: dict[TokenStore, Mapping[str, Any]] = {}
    read = TokenStore.read

    def closed(self: Any) -> None:
        for store, token in unsaved.items():
            save(store, token)
        close(self)

    TokenStore.save = lambda self, token: unsaved.__setitem__(self, token)  # type: ignore[method-assign]
    TokenStore.read = lambda self: unsaved.get(self) or read(self)  # type: ignore[method-assign]
    QuickBooksClient.close = closed  # type: ignore[method-assign]


def sent_before_post() -> None:
    """The outbox calls an order sent before it is."""
    deliver = product_outbox.deliver

    def hasty(url: str, lane: Any, send: Any, look: Any, **how: Any) -> Any:
        def settled_first(messages: Any) -> Any:
            with closing(connect(url)) as session:
                session.execute(
                    "UPDATE ops.outbox SET status = 'acked', settled_at = now() WHERE id = ANY(%s)",
                    ([message.id for message in messages],),
                )
            return send(messages)

        return deliver(url, lane, settled_first, look, **how)

    product_outbox.deliver = hasty


def called_applied_before_it_is_written() -> None:
    """A plan's items are called applied before the document is sent."""
    rewrite = getattr(microshare_tasks, "rewrite")  # noqa: B009

    def boastful(client: Any, rec_type: str, id_: str, changes: Any, **how: Any) -> Any:
        with closing(connect(os.environ["LANDFALL_DATABASE_URL"])) as session:
            session.execute(
                "UPDATE microshare.plan_item SET state = 'applied', result = 'surely', settled_at = now()"
                " WHERE cluster_id = %s AND state = 'sending'",
                (id_,),
            )
        return rewrite(client, rec_type, id_, changes, **how)

    setattr(microshare_tasks, "rewrite", boastful)  # noqa: B010


def deleted_by_half_a_reading() -> None:
    """A reading that broke off is taken for all there is; here it often does on its last page, too late for a shrink."""
    reader, rows = pull._reader, QuickBooksClient.rows

    def breaking(self: QuickBooksClient, entity: str, statement: str) -> Any:
        found = rows(self, entity, statement)
        if 0 < len(found) < self.page_size and random.random() < LAST_PAGE_FAILS:  # noqa: S311
            raise Unavailable("The vendor broke off.")
        return found

    def careless(run: Any, stream: Any) -> Callable[[Any], Iterator[Page]]:
        read = reader(run, stream)

        def pages(cursor: Any) -> Iterator[Page]:
            with suppress(ConnectorError):
                yield from read(cursor)
            yield Page(at="the end", complete=True)

        return pages

    QuickBooksClient.rows = breaking  # type: ignore[method-assign]
    pull._reader = careless


BUGS = (
    Bug("cursor committed before the data", "ledger", "I1", cursor_before_data),
    Bug("cursor committed in a later transaction", "ledger", "I4", cursor_in_a_later_transaction),
    Bug("cursor on the time only", "ledger", "I1", cursor_of_time_only),
    # It takes a change that commits late at the end of a reading: one in forty kills or so.
    Bug("mark of the last answer", "changes", "I1", mark_of_the_last_answer, within=600),
    Bug("on conflict do nothing", "quickbooks", "I1", insert_or_nothing),
    Bug("no reaper", "quickbooks", "I4", no_reaper),
    Bug("token persisted after use", "quickbooks", "I5", token_saved_after_use),
    Bug("outbox recorded before the POST", "orders", "I6", sent_before_post),
    Bug("plan called applied before the write", "plans", "I6", called_applied_before_it_is_written),
    Bug("deletions inferred from a partial snapshot", "quickbooks", "I1", deleted_by_half_a_reading),
)
