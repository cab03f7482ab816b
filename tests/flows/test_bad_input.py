"""What goes wrong at the vendor or on the way ends the run with a documented code and leaves the tables as they were."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from sandbox import quickbooks
from tests.cli.conftest import Landfall, answer
from tests.flows.conftest import UNLIMITED

Fault = Callable[[quickbooks.QuickBooks], None]


@pytest.fixture
def books() -> Iterator[quickbooks.QuickBooks]:
    """A company with invoices on three pages."""
    with quickbooks.running(customers=6, vendors=3, items=4, invoices=2_200, limits=UNLIMITED) as running:
        yield running


def _always(kind: str, **options: Any) -> Fault:
    return lambda company: (company.faults.add(kind, times=None, **options), None)[1]


def _revoke(company: quickbooks.QuickBooks) -> None:
    basic = base64.b64encode(f"{company.client_id}:{company.client_secret}".encode()).decode()
    status, _ = company.oauth.revoke(f"Basic {basic}", company.refresh_token)
    assert status == 200


CASES = {
    "html": (_always("html", entity="Invoice"), "UnexpectedContentType"),
    "truncated": (_always("truncate", entity="Invoice"), "IncompleteBody"),
    "reset": (_always("reset", entity="Invoice"), "IncompleteBody"),
    "unavailable": (_always("unavailable", entity="Invoice"), "Unavailable"),
    "repeating page": (_always("repeat_page", entity="Invoice", page=2), "PagingLoop"),
    "empty after 1,000 rows": (_always("empty_after_rows", entity="Invoice", rows=1_000), "CountMismatch"),
    "a fault with status 200": (_always("fault_200", entity="Invoice"), "Unavailable"),
}


def _tables(landed: "psycopg.Connection[dict[str, Any]]") -> list[dict[str, Any]]:
    names = [row["table_name"] for row in landed.execute("SELECT table_name FROM ops.landed_table").fetchall()]
    query = "SELECT {name!r} AS name, count(*), max(_changed_at), count(_deleted_at) AS gone FROM quickbooks.{name}"
    return [row for name in sorted(names) for row in landed.execute(query.format(name=name)).fetchall()]


def test_a_bad_answer_fails_by_code_and_changes_nothing(
    books: quickbooks.QuickBooks,
    connect: Callable[..., None],
    landfall: Landfall,
    landed: "psycopg.Connection[dict[str, Any]]",
) -> None:
    """The run ends with 1 and the code of the fault, the other streams land, and no row of the stream is touched."""
    connect(books, retry_attempts=1)
    assert landfall("run", "quickbooks", "--json").exit_code == 0
    before = _tables(landed)
    # One landing serves all cases: a landing each would take a minute.
    for case, (fault, code) in CASES.items():
        books.faults.clear()
        fault(books)
        result = landfall("run", "quickbooks", "--full", "--json")
        outcome = answer(result)
        assert (result.exit_code, outcome["status"]) == (1, "failed"), case
        assert outcome["error"]["code"] == code, f"{case}: {outcome['error']}"
        assert {name for name, row in outcome["streams"].items() if row["status"] != "success"} == {"invoice"}, case
        assert _tables(landed) == before, case


@pytest.mark.parametrize("case", ["wrong secret", "revoked token", "unreachable host"])
def test_a_refusal_at_the_door_fails_by_code(
    case: str,
    books: quickbooks.QuickBooks,
    connect: Callable[..., None],
    landfall: Landfall,
    landed: "psycopg.Connection[dict[str, Any]]",
) -> None:
    """Wrong credentials, a consent that was withdrawn and a host that is not there each have a code of their own."""
    code = {"wrong secret": "AuthRejected", "revoked token": "ReauthRequired", "unreachable host": "Unavailable"}[case]
    fields: dict[str, Any] = {"retry_attempts": 1}
    if case == "wrong secret":
        fields["client_secret"] = "canary-wrong-secret"
    elif case == "revoked token":
        _revoke(books)
    else:
        fields |= {"base_url": "http://127.0.0.1:9"}
    connect(books, **fields)
    result = landfall("run", "quickbooks", "--json")
    assert result.exit_code == 1
    assert answer(result)["error"]["code"] == code
    assert all(row["count"] == 0 for row in _tables(landed))


def test_one_bad_row_is_one_dead_letter(
    books: quickbooks.QuickBooks,
    connect: Callable[..., None],
    landfall: Landfall,
    landed: "psycopg.Connection[dict[str, Any]]",
) -> None:
    """A bad row among good ones ends the run with 3; it is a dead letter that names its column, the others landed."""
    books.store.spoil("Invoice", books.store.ids("Invoice")[0], {"TotalAmt": "N/A"})
    connect(books)
    assert landfall("run", "quickbooks", "--json").exit_code == 3
    [letter] = landed.execute("SELECT stream, reason_code, column_name FROM ops.dead_letter").fetchall()
    assert letter == {"stream": "invoice", "reason_code": "BadNumber", "column_name": "total_amount"}
    assert landed.execute("SELECT count(*) FROM quickbooks.invoice").fetchone() == {"count": 2_199}
