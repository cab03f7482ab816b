"""Landing: from pages of records to rows that analysts trust. One call lands one stream of one run, or nothing.

Pages are split, compared by fingerprint, decoded and copied to staging outside any transaction; gates judge
the table as it would be; one short transaction merges, and writes cursor, dead letters and run log with it.
"""

import copy
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg

from warehouse import cursors, events, gates, guards, history, run_log, search
from warehouse.careful import clean
from warehouse.connect import connect, refuse_transaction_pooling, translated
from warehouse.ddl import ensure_tables
from warehouse.dead_letters import DeadLetters
from warehouse.encode import Encoder, Record, Refused
from warehouse.errors import (
    BadRow,
    DatabaseUnavailable,
    LockTimeout,
    MissingKey,
    PayloadTooDeep,
    RowTooLarge,
)
from warehouse.keys import MAX_KEY_BYTES, KeyReader, label
from warehouse.locks import blocked_by, try_lock
from warehouse.merge import Merge, Values
from warehouse.page import PageLike, Read, UnreadableLike, fingerprints
from warehouse.run_log import Counts, Run, stream_lock
from warehouse.schema_changes import MIN_VANISHED, known_extras, note_extras, vanished
from warehouse.settle import Settle
from warehouse.staging import Staging
from warehouse.table import StreamLike, mapping_version, tables_of

Connection = psycopg.Connection[Any]
logger = logging.getLogger(__name__)

LOCK_WAIT_S = 15.0  # a backend notices within 2 s (10 s over a network) that its client died
MERGE_ATTEMPTS = 3  # for deadlocks and serialization failures, which say themselves: try again
# A landing this large takes a minute or two: so much work a failure may cost. Only sources that give cursors on the
# way can be cut.
SLICE_RECORDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """How to land.

    ``full``: read everything again. ``accept_shrink``: take records that are gone for deleted, however many.
    ``identity``: the vendor's, for columns that hold it. ``accept_drift``: land what fits, however much does not.
    """

    full: bool = False
    accept_shrink: bool = False
    slice_records: int = SLICE_RECORDS
    accept_drift: bool = False
    identity: str | None = None
    redact: Callable[[str], str] = str
    progress: Callable[[int], None] = lambda read: None


@dataclass(slots=True)
class Landed:
    """What a landing did, and what it wants people to know."""

    counts: Counts
    verdicts: list[gates.Verdict] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def land(url: str, run: Run, stream: StreamLike, read: Read, options: Options) -> Landed:
    """Land what ``read`` yields in the tables of ``stream``.

    ``read`` gets the cursor of the last landing, or None to read everything. Raises what ``read`` raises and
    the errors of warehouse.errors; the tables and the cursor are then as they were, and the run log says so.
    """
    name = f"landfall {run.sync}/{run.connection} {stream.name}"
    with connect(url, name) as connection, ThreadPoolExecutor(1, "landfall-copy") as sender:
        with translated(f"preparing to land {stream.schema}.{stream.name}"):
            refuse_transaction_pooling(connection)
            _lock(connection, run, stream)
            before, done = run_log.landed(connection, run, stream.name)
        if done:
            return Landed(before)
        landing = _Landing(connection, url, run, stream, options, before, sender)
        try:
            with translated(f"landing {stream.schema}.{stream.name}"):
                try:
                    return landing.run_through(read)
                except psycopg.errors.LockNotAvailable:
                    raise LockTimeout(blocked_by(connection, landing.staging.tables)) from None
        except BaseException as error:
            if landing.give_up(error):
                return landing.landed
            raise


def _lock(connection: Connection, run: Run, stream: StreamLike) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while not try_lock(connection, stream_lock(run, stream.name)):
        if time.monotonic() > deadline:
            raise LockTimeout(f"Another run still writes {stream.schema}.{stream.name} for {run.connection}")
        time.sleep(0.2)


class _Landing:
    """The state of one landing: what has been read so far."""

    def __init__(
        self, connection: Connection, url: str, run: Run, stream: StreamLike, options: Options, before: Counts,
        sender: Executor,
    ) -> None:  # fmt: skip
        self.connection, self.url, self.run, self.stream, self.options = connection, url, run, stream, options
        self.version = mapping_version(stream)
        self.staging = Staging(connection, tables_of(stream), stream_lock(run, stream.name), run, sender)
        self.key_reader = KeyReader(stream)
        self.dead = DeadLetters(connection, self.staging, run, stream.name, options.redact)
        self.counts = before
        self.landed = Landed(self.counts)
        self.seq = self.skipped = self.refused = self.known = self.collapsed = self.present = self.revived = 0
        self.cursor: Mapping[str, Any] | None = None
        self.complete = False

    def run_through(self, read: Read) -> Landed:
        run_log.start(self.connection, self.run, self.stream.name, self.version)
        ensure_tables(self.connection, self.staging.tables)
        if self.stream.history:
            history.ensure(self.connection, self.stream)
        events.ensure(self.connection, self.stream)
        self.state = cursors.load(self.connection, self.run, self.stream.name) if not self.options.full else None
        self.empty = not guards.has_landed(self.connection, self.staging.tables[0], self.run.connection)
        self.live_before = self.state.live_rows if self.state else self._live_rows()
        self.encoder = Encoder(self.stream, known_extras(self.connection, self.run, self.stream))
        self.staging.drop()  # what runs that died have left
        self.counts.fetched = 0
        # With other columns everything is read again, or old rows would never get theirs.
        since = self.state.cursor if self.state and self.state.mapping_version == self.version else None
        if since is not None:
            run_log.read_from(self.connection, self.run, self.stream.name, since)
        for page in read(since):
            self._page(page)
            if self.cursor is not None and self.seq >= self.options.slice_records and not self.complete:
                self._land_slice()
        self._settle()
        self._commit()
        if self.staging.there:
            self.staging.drop()
        self.landed.warnings += search.keep_indexes(self.connection, self.staging.tables, self.run.connection)
        for name, words in self.encoder.unlisted.items():
            said = ", ".join(repr(word[:40]) for word in sorted(words))
            sentence = f"the column {name} has values that no value map lists, landed as they are: {said}"
            self.landed.warnings.append(self.options.redact(sentence))
        return self.landed

    def give_up(self, error: BaseException) -> bool:
        """Leave nothing behind but the truth in the run log; where Postgres is gone, the next run does it.

        True if all has landed after all: only the answer to the last COMMIT was lost.
        """
        code = getattr(error, "code", None) or type(error).__name__
        status = "failed" if isinstance(error, Exception) and code != "Cancelled" else "cancelled"
        message = clean(self.options.redact(str(error) or code)[:2000])
        with suppress(Exception):  # whatever became of a page that is on its way, nothing of it stays
            self.staging.sent()
        try:
            if self.connection.closed:
                with connect(self.url) as other:
                    with suppress(LockTimeout):  # the session that was lost may still be at its COMMIT
                        _lock(other, self.run, self.stream)
                        self.staging.drop(other)
                    counts, done = run_log.landed(other, self.run, self.stream.name)
                    if done and isinstance(error, DatabaseUnavailable):
                        self.landed.counts = counts
                        return True
                    run_log.fail(other, self.run, self.stream.name, status, code, message, self.counts.fetched)
                return False
            self.connection.rollback()
            run_log.fail(self.connection, self.run, self.stream.name, status, code, message, self.counts.fetched)
            self.staging.drop()
        except Exception as second:  # noqa: BLE001 -- the first error is the one to be told
            logger.warning(
                "The run log could not be written (%s); the next run will call this one crashed", type(second).__name__
            )
        return False

    def _page(self, page: PageLike) -> None:
        records = page.records
        if records or page.unreadable or page.deleted:
            self.staging.create()
        self.counts.fetched += page.fetched if page.fetched is not None else len(records)
        if records:
            try:
                self._stage(records, page)
            except PayloadTooDeep as error:
                raise PayloadTooDeep(f"{error}, on {page.at or 'a page'}") from None
        if page.unreadable:
            self._keep_unreadable(page.unreadable)
        if page.deleted:
            self._sent()
            self.staging.mark_gone(self.key_reader.split(page.deleted), self.seq - 1)
        if page.cursor is not None:
            self.cursor = page.cursor
        self.complete = self.complete or page.complete
        if page.warning:
            self.landed.warnings.append(page.warning)
        self.options.progress(self.counts.fetched)

    def _stage(self, records: Sequence[msgspec.Raw | bytes], page: PageLike) -> None:
        columns = self.key_reader.read(records, page.keys)
        digests = fingerprints(self.version.encode(), records)
        same: set[int] = set()
        differ: set[int] = set()
        if not self.empty:
            self._sent()
            # A full reading also repairs what somebody changed or removed in the tables.
            same, differ = self.staging.classify(columns, digests, self.seq, trust=not self.options.full)
        staged, refused = [], []
        for index, (json, key) in enumerate(zip(records, map(label, zip(*columns, strict=True)), strict=True)):
            if index in same:
                continue
            record = Record(self.seq + index, index in differ, digests[index], bytes(json), key)
            if not key:
                names, place = " or ".join(self.stream.key), page.at or "the source"
                no_key = MissingKey(f"no {names} that could be stored in a record of {place}")
                refused.append(Refused(record, no_key))
            elif 4 * len(key) > MAX_KEY_BYTES and len(key.encode()) > MAX_KEY_BYTES:
                # Longer ones fit no index, so such a record can never have landed.
                too_long = RowTooLarge(f"a key of {len(key):,} characters; the limit is {MAX_KEY_BYTES:,} bytes")
                refused.append(Refused(msgspec.structs.replace(record, key=""), too_long))
            else:
                staged.append(record)
        if staged:
            encoded = self.encoder.encode(staged)
            self._sent()
            self.staging.send(self.encoder, staged, encoded)
            refused += encoded.refused
        self._refuse(refused, [[column[item.record.seq - self.seq] for column in columns] for item in refused])
        self.skipped += len(same)
        self.known += len(differ)
        self.seq += len(records)

    def _sent(self) -> None:
        """Wait until the connection is free, and keep what Postgres refused of the last page."""
        refused = self.staging.sent()
        parts = self.key_reader.split([item.record.key for item in refused])
        self._refuse(refused, list(zip(*parts, strict=True)))

    def _refuse(self, refused: Sequence[Refused], parts: Sequence[Sequence[str]]) -> None:
        """Make dead letters of records, whose keys have these parts, empty where there is none."""
        if not refused:
            return
        self._sent()
        none = [[part or None for part in key] for key in parts]
        self.dead.stage(list(zip(refused, none, strict=True)))
        self.refused += len(refused)

    def _keep_unreadable(self, pieces: Sequence[UnreadableLike]) -> None:
        """Dead letters of what is no record, so has no key."""
        records = (Record(self.seq + index, False, "", piece.json) for index, piece in enumerate(pieces))
        refused = [Refused(record, BadRow(piece.why)) for record, piece in zip(records, pieces, strict=True)]
        self._refuse(refused, [[""] * len(self.stream.key)] * len(pieces))
        self.counts.fetched += len(pieces)
        self.seq += len(pieces)

    def _land_slice(self) -> None:
        """Land what a long first load has staged so far; its cursor says where to go on after a failure."""
        self._settle()
        self._commit(slice_only=True)
        self.staging.next_slice()
        self.present += self.seq - self.collapsed
        self.seq = self.skipped = self.refused = self.known = self.collapsed = 0
        self.empty = False

    def _settle(self) -> None:
        """Newest version of each record, deletions, and whether to land at all."""
        self._sent()
        if not self.staging.there:
            if not self.complete or self.empty:
                return
            self.staging.create()  # a source that has nothing any more
        if not self.options.accept_drift:
            guards.check_drift(self.connection, self.staging, self.refused, self.seq)
        if not self.empty:
            self.staging.analyze()
        settle = Settle(self.connection, self.staging, self.stream)
        self.collapsed = settle.collapse_staged()
        if self.skipped:
            again = settle.collapse_seen()
            overtaken, undone = settle.collapse_both() if self.known else (0, 0)
            self.collapsed += again + overtaken + undone
        if self.known and self.stream.version and not self.options.full:
            settle.drop_stale(self.run.connection)
        if self.stream.append_only and self.known:
            events.drop_known(self.connection, self.staging, self.stream)
        if self.stream.observed:
            events.drop_unchanged(self.connection, self.staging, self.stream)
        settle.forget_gone()
        if self.known >= MIN_VANISHED:
            for name in vanished(self.connection, self.staging, self.run, self.stream):
                self.landed.warnings.append(f"the column {name} was filled before and is empty in all that changed")
        if self.complete and not self.empty:
            settle.find_gone(self.run.connection)
        if self.complete and not self.options.accept_shrink:
            present = self.present + self.seq - self.collapsed
            guards.check_shrink(self.stream.name, present, self.live_before)
        if self.stream.gates and self.staging.holds_changes():
            self.landed.verdicts = gates.judge(self.url, self.connection, self.staging, self.stream)
        note_extras(self.connection, self.run, self.stream, self.encoder.discovered)

    def _live_rows(self) -> int:
        return guards.live_rows(self.connection, self.staging.tables[0], self.run.connection)

    def _commit(self, *, slice_only: bool = False) -> None:
        for attempt in range(1, MERGE_ATTEMPTS + 1):
            try:
                with self.connection.transaction():
                    counts = self._merge(slice_only)
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                if attempt == MERGE_ATTEMPTS:
                    raise
                time.sleep(0.1 * attempt)
            except psycopg.errors.LockNotAvailable:
                # An index of a large table takes minutes; whoever makes it is one of us and will be done.
                if attempt == MERGE_ATTEMPTS or not search.wait_for_indexes(self.connection, self.staging.tables):
                    raise
            except psycopg.errors.UniqueViolation:
                # Children without a parent, since somebody emptied its table: they are known after all.
                known = self.staging.note_known_children()
                if not known or attempt == MERGE_ATTEMPTS:
                    raise
                self.known += known
            else:
                self.counts.add(counts)
                return

    def _merge(self, slice_only: bool) -> Counts:
        counts = Counts(read=self.seq, dead_lettered=self.refused, duplicates_collapsed=self.collapsed)
        for table in self.staging.tables[1:]:
            counts.children[table.name] = {"inserted": 0, "updated": 0, "deleted": 0}
        if self.staging.there:
            self._move_rows(counts)
        self._log(counts, slice_only)
        return counts

    def _move_rows(self, counts: Counts) -> None:
        """From staging to the landed tables, and what that did into ``counts``."""
        same = Values(self.run.connection, self.run.run_id, self.options.identity)
        merge = Merge(self.connection, self.staging, self.stream.children, same)
        for number, child in enumerate(counts.children.values(), 1):
            child["inserted"] = merge.insert(number)
            if self.known:
                child["updated"] = merge.update(number)
                child["inserted"] += merge.insert_children_of_known(number)
                child["deleted"] = merge.drop_children_no_longer_there(number)
        counts.updated = merge.update_parents() if self.known else 0
        counts.inserted = merge.insert(0)
        if self.known:
            merge.refresh_fingerprints()
        counts.deleted, gone_children = merge.delete()
        for child, number in zip(counts.children.values(), gone_children, strict=True):
            child["deleted"] += number
        counts.unchanged = self.seq - counts.inserted - counts.updated - self.refused - self.collapsed
        if self.stream.history:
            history.record(self.connection, self.staging)

    def _log(self, counts: Counts, slice_only: bool) -> None:
        """What is written beside the rows, in their transaction: dead letters, cursor, run log."""
        if self.refused:
            self.dead.keep()
        if self.staging.there:
            self.dead.close_landed()
        total = copy.deepcopy(self.counts)
        total.add(counts)
        # Counting reads the whole table, which is worth it only after a reading of everything.
        counted = self.complete or slice_only or self.present or self.state is None
        live = self._live_rows() if counted else self.live_before + counts.inserted + self.revived - counts.deleted
        cursor = dict(self.cursor) if self.cursor is not None else (self.state.cursor if self.state else None)
        # Records that came alone, as in a replay, say nothing about the columns of all others.
        whole = self.complete or self.cursor is not None or self.state is None
        version = self.version if whole or self.state is None else self.state.mapping_version
        cursors.save(self.connection, self.run, self.stream.name, cursors.State(cursor, live, version))
        run_log.finish(self.connection, self.run, self.stream.name, total, cursor, slice_only=slice_only)
