"""The decision table of a customer's database, over every combination that there is."""

from itertools import product

import pytest

from connectors.cetec.states import NO_TABLE, STATES, Facts, decide
from connectors.mysql import Answer

DOMAINS = {"good": "acme", "none": None, "empty": "", "undefined": "undefined"}
SAID = {
    Answer.HAS_TABLE: "true",
    Answer.NO_TABLE: "false",
    Answer.NO_SCHEMA: "false",
    Answer.TIMED_OUT: "batch_timeout",
    Answer.FAILED: "mysql_error",
}
COMBINATIONS = list(product((True, False), (True, False), (True, False), DOMAINS, (True, False), (True, False), Answer))


def expected(billing: bool, itar: bool, resident: bool, domain: str, mapped: bool, mysql: bool, said: Answer) -> str:
    """The state, by the rules as people tell them rather than in the order of the code."""
    asked = billing and not itar and domain == "good" and mysql and (mapped or not resident)
    if asked:
        return SAID[said]
    reasons = {
        "not_billing": not billing,
        "itar_hosting": billing and itar,
        "invalid_domain": billing and not itar and domain != "good",
        "resident_hosting": billing and not itar and domain == "good" and resident and not mysql,
        "mysql_disabled": billing and not itar and domain == "good" and not resident and not mysql,
        "unavailable": billing and not itar and domain == "good" and resident and mysql and not mapped,
    }
    (state,) = [state for state, holds in reasons.items() if holds]
    return state


def test_every_combination_has_the_documented_state() -> None:
    """Whatever Cetec and MySQL say, a customer is in exactly one state, the documented one."""
    seen = set()
    for billing, itar, resident, domain, mapped, mysql, said in COMBINATIONS:
        facts = Facts(billing, itar, resident, DOMAINS[domain], "acme_at_home" if mapped else None)
        verdict = decide(facts, said, mysql=mysql)
        assert verdict is not None
        assert verdict.state == expected(billing, itar, resident, domain, mapped, mysql, said), facts
        assert verdict.reason
        seen.add(verdict.state)
    assert seen == set(STATES)


def test_mysql_is_asked_only_where_its_answer_counts() -> None:
    """Nobody is looked up whose state is settled; an ITAR customer never is."""
    for billing, itar, resident, domain, mapped, mysql, said in COMBINATIONS:
        facts = Facts(billing, itar, resident, DOMAINS[domain], "acme_at_home" if mapped else None)
        is_asked = decide(facts, None, mysql=mysql) is None
        verdict = decide(facts, said, mysql=mysql)
        assert verdict is not None
        assert is_asked == (verdict.schema is not None)
        assert not (is_asked and itar)


@pytest.mark.parametrize(("resident", "schema"), [(False, "acme"), (True, "acme_at_home")])
def test_a_resident_is_looked_up_under_its_mapped_schema(resident: bool, schema: str) -> None:
    """The schema of a customer is its domain, that of a resident one what somebody mapped it to."""
    assert Facts(True, False, resident, "acme", "acme_at_home").schema == schema


def test_false_says_which() -> None:
    """Whoever reads `false` learns whether the schema is missing or only its table."""
    facts = Facts(True, False, False, "acme")
    reasons = {answer: decide(facts, answer, mysql=True) for answer in (Answer.NO_SCHEMA, Answer.NO_TABLE)}
    assert reasons[Answer.NO_TABLE].reason == NO_TABLE  # type: ignore[union-attr]
    assert reasons[Answer.NO_SCHEMA].reason != NO_TABLE  # type: ignore[union-attr]
