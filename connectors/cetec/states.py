"""The state of a customer's backup database: one decision table, without a side effect.

From the top, the first line that fits:

| condition                                            | state            |
|------------------------------------------------------|------------------|
| the customer is not billed                           | not_billing      |
| ITAR hosting                                         | itar_hosting     |
| the domain is blank or 'undefined'                   | invalid_domain   |
| no MySQL connection is set, resident hosting         | resident_hosting |
| no MySQL connection is set                           | mysql_disabled   |
| resident hosting, no schema is mapped to its domain  | unavailable      |
| MySQL could not be asked                             | mysql_error      |
| MySQL gave no answer in time                         | batch_timeout    |
| no such schema, or one without `usage_stats`         | false            |
| a schema with `usage_stats`                          | true             |

An ITAR customer is never looked up, whatever else is true of it.
"""

from dataclasses import dataclass

from connectors.mysql import Answer

STATES = (
    "true", "false", "resident_hosting", "itar_hosting", "unavailable", "mysql_error", "batch_timeout",
    "invalid_domain", "mysql_disabled", "not_billing",
)  # fmt: skip
TABLE = "usage_stats"
NO_TABLE = f"the schema has no table {TABLE}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision rests on; ``mapped`` is the schema of a resident customer's domain, if one is mapped."""

    billing: bool
    itar: bool
    resident: bool
    domain: str | None
    mapped: str | None = None

    @property
    def schema(self) -> str:
        """The schema to look for."""
        return (self.mapped if self.resident else self.domain or "") or ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state, why, and the schema that was looked for; ``stale`` says that it is an earlier run's."""

    state: str
    reason: str
    schema: str | None = None
    stale: bool = False


def is_valid_domain(domain: str | None) -> bool:
    """Whether a domain names anything: it may be absent, blank, or the text 'undefined' that a browser left there."""
    return bool(domain) and domain != "undefined"


def decide(facts: Facts, answer: Answer | None, *, mysql: bool) -> Verdict | None:
    """The state of a customer; None when MySQL has to be asked for `Facts.schema` first.

    ``mysql`` says whether there is a MySQL connection, ``answer`` what it said.
    """
    settled = _without_asking(facts, mysql)
    if settled is not None or answer is None:
        return settled
    state, reason = {
        Answer.FAILED: ("mysql_error", "MySQL could not be asked"),
        Answer.TIMED_OUT: ("batch_timeout", "MySQL gave no answer in time"),
        Answer.NO_SCHEMA: ("false", "there is no schema of this name"),
        Answer.NO_TABLE: ("false", NO_TABLE),
        Answer.HAS_TABLE: ("true", f"the schema has a table {TABLE}"),
    }[answer]
    return Verdict(state, reason, facts.schema)


def _without_asking(facts: Facts, mysql: bool) -> Verdict | None:
    if not facts.billing:
        return Verdict("not_billing", "the customer is not billed")
    if facts.itar:
        return Verdict("itar_hosting", "hosted under ITAR rules, so it is never looked up")
    if not is_valid_domain(facts.domain):
        return Verdict("invalid_domain", "the domain is blank or 'undefined'")
    if not mysql and facts.resident:
        return Verdict("resident_hosting", "hosted by the customer, and there is no MySQL connection to ask")
    if not mysql:
        return Verdict("mysql_disabled", "there is no MySQL connection to ask")
    if facts.resident and not facts.mapped:
        return Verdict("unavailable", "hosted by the customer, and no schema is mapped to its domain")
    return None
