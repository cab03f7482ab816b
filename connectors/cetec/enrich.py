"""From Cetec's customer list to records that say where each customer's backup database is.

One reading: fetch the list, settle whose state needs no look at MySQL, ask MySQL once for all others, and write each
customer with its state. What an earlier run knew is kept where this one was given no answer.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.cetec.client import Asked, CetecClient
from connectors.cetec.records import FIELDS, SUFFIX, Read, compose, read, unreadable
from connectors.cetec.states import NO_TABLE, STATES, TABLE, Facts, Verdict, decide
from connectors.errors import MassFlip
from connectors.mysql import Databases
from connectors.stream import Page

# Lists of just these lengths were seen to be cut by the vendor's newer endpoints.
ROUND_LENGTHS = (50, 100, 500, 1000)
MAX_FLIPPED, MIN_FLIPPED = 0.05, 3  # one or two databases may go in a small company
MAX_SHRINK = 0.3  # beyond this the landing's own guard stops
KNOWN, UNSURE = ("true", "false"), ("mysql_error", "batch_timeout")


@dataclass(frozen=True, slots=True)
class Change:
    """A billing customer's database that disappeared (``there`` False) or came back."""

    id: str
    name: str
    schema: str
    there: bool
    reason: str


@dataclass(slots=True)
class Found:
    """What a run found, for its summary."""

    checked_at: datetime
    states: Counter[str] = field(default_factory=Counter)
    without_table: int = 0
    stale: int = 0
    excluded: int = 0
    mysql_status: str = "skipped"
    mysql_enabled: bool = False
    mysql_message: str | None = None
    filtered: bool = False
    warnings: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Customers read: the sum over all states."""
        return self.states.total()

    def counts(self) -> dict[str, int]:
        """The number of customers in every state."""
        return {state: self.states[state] for state in STATES}


@dataclass(slots=True)
class Enrichment:
    """What a run knows beside the vendor's answer; after `pages` has ended, ``found`` is what came of it.

    ``earlier`` holds the last landed values of each customer by id (columns, and ``_extra``), ``resident`` the schema
    of each resident customer's domain (in lower case), ``pulls`` when a customer's backup was last pulled.
    ``accept_flip`` accepts that many databases are gone.
    """

    asked: Asked = field(default_factory=Asked)
    earlier: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    resident: Mapping[str, str] = field(default_factory=dict)
    pulls: Mapping[str, datetime] = field(default_factory=dict)
    accept_flip: bool = False
    found: Found | None = None

    def pages(self, client: CetecClient, _cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """The customers, as one page: Cetec gives them in one answer, and MySQL is asked for all at once."""
        found = Found(datetime.now(UTC), filtered=self.asked.filtered, mysql_enabled=client.databases is not None)
        names = self.asked.names()
        raws = client.customers(self.asked)
        given, odd = self._read(client, raws, found)
        customers = {customer.id: customer for customer in given}
        answer = self._ask(client, customers.values(), found)
        verdicts = {id_: self._verdict(customer, answer) for id_, customer in customers.items()}
        self._check_flips(customers, verdicts, found)
        verdicts = {id_: self._lasting(id_, verdict, found) for id_, verdict in verdicts.items()}
        records = [self._record(customer, verdicts[customer.id], names, found) for customer in given]
        self.found = found
        yield Page(
            records=[*records, *map(unreadable, odd)],
            keys=[*(customer.id for customer in given), *("" for _ in odd)],
            at="the customer list",
            complete=self._complete(len(raws), found),
            fetched=len(raws),
        )

    def _read(self, client: CetecClient, raws: list[Any], found: Found) -> tuple[list[Read], list[Any]]:
        """The customers that were asked for, as often as they were given, and what was no customer at all."""
        customers: list[Read] = []
        odd: list[Any] = []
        unasked, warnings = 0, Counter[str]()
        for raw in raws:
            customer = read(raw)
            if customer is None or not customer.id:
                odd.append(raw)
            elif customer.id in client.excluded_ids:
                found.excluded += 1
            elif not self._was_asked_for(customer):
                unasked += 1
            else:
                customers.append(customer)
                warnings.update(customer.warnings)
        if unasked:
            found.warnings.append(f"{unasked:,} customers that the filter does not name were given and left out")
        if len(raws) in ROUND_LENGTHS:
            found.warnings.append(f"the list is exactly {len(raws):,} long, so it may have been cut")
        found.warnings += [f"{text} ({number:,} times)" for text, number in warnings.most_common(20)]
        return customers, odd

    def _was_asked_for(self, customer: Read) -> bool:
        """The vendor's filter is not trusted: some versions ignore it, and how it compares names is not known."""
        asked = self.asked
        return (
            (not asked.id or asked.id.strip() == customer.id)
            and asked.name.strip().lower() in customer.text("name").lower()
            and (not asked.external_key or asked.external_key.strip() == customer.text("external_key"))
        )

    def _facts(self, customer: Read) -> Facts:
        domain = customer.text("domain")
        mapped = self.resident.get(domain.lower())
        flag = customer.flag
        return Facts(flag("ok_to_bill"), flag("itar_hosting_bc"), flag("resident_hosting"), domain, mapped)

    def _ask(self, client: CetecClient, customers: Collection[Read], found: Found) -> Databases | None:
        """Ask MySQL once for everybody whose state needs it; None when there is no MySQL connection."""
        if client.databases is None:
            return None
        facts = [self._facts(customer) for customer in customers]
        wanted = {each.schema for each in facts if decide(each, None, mysql=True) is None}
        if not wanted:
            return Databases()
        answer = client.databases.look(wanted, TABLE)
        found.mysql_status = "completed"
        if answer.failure is not None:
            if client.required:
                raise answer.failure
            found.mysql_status = "failed"
            found.mysql_message = f"{answer.failure.code}: {answer.failure}"
            found.warnings.append(f"MySQL could not be asked, so states are those of earlier runs: {answer.failure}")
        return answer

    def _verdict(self, customer: Read, answer: Databases | None) -> Verdict:
        facts = self._facts(customer)
        mysql = answer is not None
        verdict = decide(facts, None, mysql=mysql) or decide(
            facts, answer.of(facts.schema) if answer else None, mysql=mysql
        )
        assert verdict is not None
        return verdict

    def _check_flips(self, customers: Mapping[str, Read], verdicts: Mapping[str, Verdict], found: Found) -> None:
        """Note whose database disappeared or came back; `MassFlip` when too many did at once."""
        there_before = 0
        for id_, verdict in verdicts.items():
            was, now = self.earlier.get(id_, {}).get("database_state"), verdict.state
            there_before += was == "true" and now in KNOWN
            if {was, now} == set(KNOWN):
                name = customers[id_].text("name")
                found.changes.append(Change(id_, name, verdict.schema or "", now == "true", verdict.reason))
        gone = [change for change in found.changes if not change.there]
        if self.accept_flip or len(gone) < MIN_FLIPPED or len(gone) <= MAX_FLIPPED * there_before:
            return
        raise MassFlip(
            f"{len(gone):,} of {there_before:,} databases have vanished since the last run (limit {MAX_FLIPPED:.0%}),"
            f" among them {', '.join(change.schema for change in gone[:5])}; the states stay as they were."
        )

    def _lasting(self, id_: str, verdict: Verdict, found: Found) -> Verdict:
        """The state to land, counted: an earlier good one stays where MySQL gave no answer about the same schema."""
        before = self.earlier.get(id_, {})
        stale = (
            verdict.state in UNSURE
            and before.get("database_state") in KNOWN
            and before.get("database_schema") == verdict.schema
        )
        if stale:
            verdict = Verdict(before["database_state"], before["database_reason"], verdict.schema, stale=True)
        found.states[verdict.state] += 1
        found.stale += stale
        found.without_table += verdict.reason == NO_TABLE
        return verdict

    def _record(self, customer: Read, verdict: Verdict, names: tuple[str, ...], found: Found) -> bytes:
        before = self.earlier.get(customer.id, {})
        same = (verdict.state, verdict.schema) == (before.get("database_state"), before.get("database_schema"))
        checked = before.get("database_checked_at") if same else found.checked_at
        pulled = self.pulls.get(customer.id)
        values, extra = self._kept(customer, before, names)
        return compose(
            customer.id,
            values,
            extra,
            {
                "database_state": verdict.state,
                "database_reason": verdict.reason,
                "database_schema": verdict.schema,
                "database_checked_at": _moment(checked if verdict.state in KNOWN else None),
                "database_stale": verdict.stale,
                "last_pulled_at": _moment(pulled),
            },
        )

    def _kept(
        self, customer: Read, before: Mapping[str, Any], names: tuple[str, ...]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The vendor's fields: what was neither asked for nor given stays as it landed before."""
        kept = {name: before[name] for name in FIELDS if name not in names and before.get(name) is not None}
        extra = {
            name: value
            for name, value in (before.get("_extra") or {}).items()
            if name not in names and not name.endswith(SUFFIX) and name != "_sanitized"
        }
        return kept | customer.values, extra | customer.extra

    def _complete(self, length: int, found: Found) -> bool:
        """Whether who is missing may be taken for deleted: never after a filter, nor when a list looks cut.

        A cut so deep that the landing's guard stops it is left to that guard.
        """
        if self.asked.filtered:
            return False
        before = sum(row.get("_deleted_at") is None for row in self.earlier.values())
        looks_cut = length in ROUND_LENGTHS and (1 - MAX_SHRINK) * before <= found.total < before
        if looks_cut:
            found.warnings.append(f"{before - found.total:,} customers are missing and were not taken for deleted")
        return not looks_cut


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat()
