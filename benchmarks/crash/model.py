"""A business system that changes while it is read: the truth that landed tables are compared with.

Every change makes a version of a record, stamped with a clock of whole seconds. Nearly a third of the changes share
their second with another (ties), some become visible only after later ones (late commits), records are deleted and
come back. All of it follows from the seed and the order of the requests.
"""

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

# Second 0, the same for all that is forked: yesterday, since a vendor tells of deletions for a month only.
EPOCH = int(time.time()) - 86_400
KINDS = ("Customer", "Vendor", "Item", "Invoice", "Ledger")
# Rows at the start; few, since what is tested are the steps of a run and not its size.
SIZES = {"Customer": 90, "Vendor": 3, "Item": 3, "Invoice": 70, "Ledger": 110}
TIE_SHARE = 0.3
LATE_SHARE = 0.12
# A late commit shows itself at most this many seconds after its stamp; readers of changes overlap by more.
LATE_S = 3
_DEEDS = ("update",) * 6 + ("insert",) * 2 + ("delete",) * 2 + ("undelete",)


class Version(NamedTuple):
    """One state of one record: its stamp, a number that its content is made of, and since which request it shows."""

    kind: str
    id: str
    at: int
    number: int
    deleted: bool
    visible: int


def moment(at: int) -> str:
    """A stamp as the vendor writes times."""
    return datetime.fromtimestamp(EPOCH + at, UTC).isoformat()


def second(text: str) -> float:
    """The stamp of a time as the vendor writes it."""
    return datetime.fromisoformat(text).timestamp() - EPOCH


@dataclass
class Model:
    """The records as they are, how they came to be, and what is on its way."""

    seed: int
    asked: int = 0
    clock: int = 0
    active: bool = True
    journal: list[Version] = field(default_factory=list)
    now: dict[str, dict[str, Version]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _late: list[tuple[int, Version]] = field(default_factory=list)
    _used: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311  -- repeatable, not secret
        for kind in KINDS:
            for _ in range(SIZES[kind]):
                self._tick()
                self._insert(kind)

    def change(self, times: int = 1) -> None:
        """Let so many things happen, unless it is quiet."""
        for _ in range(times if self.active else 0):
            self._tick()
            kind = self.random.choice(("Customer", "Invoice", "Ledger"))
            deed = self.random.choice(_DEEDS)
            if deed == "insert":
                self._insert(kind)
            elif row := self._pick(kind, gone=deed == "undelete"):
                self._stamp(row, deleted=deed == "delete")

    def quiet(self) -> None:
        """Let what is late arrive, and nothing happen any more."""
        self.active = False
        self._arrive(everything=True)

    def _tick(self) -> None:
        if self.random.random() >= TIE_SHARE:
            self.clock += 1
        self._arrive()

    def _arrive(self, *, everything: bool = False) -> None:
        due = [entry for entry in self._late if everything or entry[0] <= self.clock]
        self._late = [entry for entry in self._late if entry not in due]
        for _, version in due:
            self._show(version)

    def _insert(self, kind: str) -> None:
        # Numbers of one width, so that texts sort as the numbers do; never used twice.
        self._used[kind] += 1
        self._publish(Version(kind, str(1000 + self._used[kind]), self.clock, self._number(), False, 0))

    def _stamp(self, row: Version, *, deleted: bool) -> None:
        self.clock = max(self.clock, row.at + 1)  # one version of a record a second
        self._publish(row._replace(at=self.clock, number=self._number(), deleted=deleted))

    def _publish(self, version: Version) -> None:
        if self.asked and not version.deleted and self.random.random() < LATE_SHARE:
            self._late.append((self.clock + self.random.randint(1, LATE_S), version))
        else:
            self._show(version)

    def _show(self, version: Version) -> None:
        version = version._replace(visible=self.asked)
        self.now[version.kind][version.id] = version
        self.journal.append(version)

    def _pick(self, kind: str, *, gone: bool) -> Version | None:
        coming = {(version.kind, version.id) for _, version in self._late}
        rows = [r for r in self.now[kind].values() if r.deleted == gone and (kind, r.id) not in coming]
        return self.random.choice(rows) if rows else None

    def _number(self) -> int:
        return self.random.randrange(100, 10_000_000)
