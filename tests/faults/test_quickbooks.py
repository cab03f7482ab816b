"""What QuickBooks, and the way to it, can do to a run: a retry that nobody notices, or an error by name and tables as before."""

import resource
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.errors import (
    AuthRejected,
    ConnectorError,
    CountMismatch,
    Deadline,
    IncompleteBody,
    PagingLoop,
    RateLimited,
    ReauthRequired,
    ResponseTooLarge,
    SourceError,
    Unavailable,
    UnexpectedContentType,
)
from tests.faults.conftest import Books
from warehouse.errors import SuspiciousShrink

FAULT = b'{"Fault":{"Error":[{"Message":"Invalid query","Detail":"no","code":"4001"}],"type":"ValidationFault"}}'


@pytest.mark.parametrize("name", ["customer", "vendor", "invoice"])
def test_every_stream_lands_page_by_page(books: Books, name: str) -> None:
    """Without a fault a company is in the tables, and a second run changes nothing."""
    books.check_converges(name)


def test_a_page_that_breaks_off_once_is_asked_for_again(books: Books) -> None:
    """A2, A9: a truncated body and a reset in the middle of a page cost one more request and no row."""
    clean = books.usual_requests()
    books.qb.faults.add("truncate", entity="Customer", page=2)
    books.qb.faults.add("reset", entity="Customer", page=5)
    books.pull()
    assert books.requests() == len(clean) + 2
    books.check_converges()


@pytest.mark.parametrize(
    ("fault", "error", "options"),
    [
        ({"kind": "html"}, UnexpectedContentType, {}),
        ({"kind": "truncate"}, IncompleteBody, {}),
        ({"kind": "unavailable"}, Unavailable, {}),
        ({"kind": "gzip_bomb", "megabytes": 200}, ResponseTooLarge, {}),
        ({"kind": "drip", "bytes_per_s": 20}, Deadline, {"timeout_s": 0.5, "retry_attempts": 2}),
        ({"kind": "fault_200"}, Unavailable, {}),
        ({"kind": "answer", "body": FAULT}, SourceError, {}),
        ({"kind": "answer", "body": b'{"QueryResponse":'}, IncompleteBody, {}),
        ({"kind": "answer", "body": b"[]"}, UnexpectedContentType, {}),
        ({"kind": "answer", "body": b'{"QueryResponse":{"Customer":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"}, SourceError, {}),
    ],
)  # fmt: skip
def test_a_fault_that_stays_is_an_error_by_name(
    books: Books, fault: dict[str, Any], error: type[ConnectorError], options: dict[str, Any]
) -> None:
    """A1, A2, A5, A7, A8, A10, D5: the second page never comes right: a few requests, then a code, and everything as before."""
    clean = books.usual_requests()
    # A full reading begins with a count.
    second_page = [statement.startswith("SELECT COUNT") for statement in clean].index(True) + 2
    before, asked = books.state(), books.requests()
    books.qb.store.update("Customer", books.qb.store.ids("Customer")[0], {"CompanyName": "Changed"})
    books.qb.faults.add(**{"entity": "Customer", "after": second_page, "times": None} | fault)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(error) as caught:
        books.pull(**options)
    if fault["kind"] != "gzip_bomb":  # the simulator packs it in this process
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used < 128 * 1024
    assert "customer page 2" in str(caught.value)
    assert books.state() == before
    assert books.requests() - asked <= 8
    books.check_converges()


def test_an_unreachable_vendor_is_an_error(books: Books) -> None:
    """A7: nobody listens there; a few tries, then a code."""
    with pytest.raises(Unavailable):
        books.pull(base_url="http://127.0.0.1:9")
    books.check_converges()


def test_short_outages_pass_unnoticed(books: Books) -> None:
    """A7: 503 twice, on a count and on a page, and the counts are those of a run without."""
    books.qb.faults.add("unavailable", entity="Customer", times=2)
    books.qb.faults.add("unavailable", entity="Customer", page=4, times=2)
    assert books.pull().counts.inserted == 60
    assert 0 < sum(books.waits) <= 300
    books.check_converges()


def test_too_many_requests_are_waited_for_within_reason(books: Books) -> None:
    """A6: what the vendor asks is honoured up to five minutes in all; then the error names the wait."""
    books.pull()
    before, asked = books.state(), books.requests()
    books.qb.faults.add(
        "throttle", entity="Customer", times=20, retry_after=("2", "Wed, 21 Oct 2065 07:28:00 GMT", "abc", "86400")
    )
    with pytest.raises(RateLimited) as caught:
        books.pull()
    assert caught.value.wait_s
    assert books.state() == before
    assert sum(books.waits) <= 300
    assert books.requests() - asked <= 8
    books.check_converges()


def test_a_throttle_that_ends_is_waited_out(books: Books) -> None:
    """A6: the seconds that the vendor names are the seconds waited."""
    books.qb.faults.add("throttle", entity="Customer", times=2, retry_after=("2",))
    assert books.pull().counts.inserted == 60
    assert all(wait >= 2 for wait in books.waits)
    books.check_converges()


def test_eight_runs_at_expiry_refresh_once(books: Books) -> None:
    """B1, K-3: the vendor sees one refresh, every run gets its rows, and the newest token is kept."""
    books.pull()
    books.qb.oauth.rotate_always = books.qb.oauth.revoke_on_reuse = True
    books.qb.oauth.expire_access_tokens()
    books.qb.journal.clear()

    def read(_: int) -> int:
        with books.client() as client:
            return client.count("Customer")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(read, range(8)))) == 1
    assert books.qb.journal.count("tokens/bearer") == 1
    books.qb.oauth.expire_access_tokens()
    books.check_converges()


def test_a_withdrawn_consent_needs_a_person(books: Books) -> None:
    """B3: one call, no retry, and the stored token is still there."""
    books.pull()
    before = books.token()["refresh_token"]
    books.qb.oauth.expire_access_tokens()
    books.qb.faults.add("answer", path="tokens/bearer", status=400, body=b'{"error":"invalid_grant"}', times=None)
    books.qb.journal.clear()
    with pytest.raises(ReauthRequired):
        books.pull()
    assert books.qb.journal.count("tokens/bearer") == 1
    assert books.token()["refresh_token"] == before
    with pytest.raises(ReauthRequired):
        books.pull()
    assert books.qb.journal.count("tokens/bearer") == 1, "told once, it is not asked again"
    books.check_books()


@pytest.mark.parametrize(
    "changes",
    [{"refresh_token": None}, {"expires_in": "3600"}, {"expires_in": 0}, {"expires_in": None}, {"expires_in": "soon"}],
)
def test_odd_token_answers_are_understood(books: Books, changes: dict[str, Any]) -> None:
    """B4: without a new refresh token the old one stays; without a lifetime the access token is used once."""
    books.qb.oauth.answer_changes = changes
    books.pull()
    books.qb.oauth.answer_changes = {}
    books.check_converges()


def test_a_lost_answer_to_a_refresh_is_asked_for_once_more(books: Books) -> None:
    """B5: where the vendor still takes the token the run goes on."""
    books.pull()
    books.qb.oauth.expire_access_tokens()
    books.qb.faults.add("reset", path="tokens/bearer", fraction=0)
    books.qb.journal.clear()
    books.pull()
    assert books.qb.journal.count("tokens/bearer") == 2
    books.check_converges()


def test_a_token_lost_in_rotation_says_when(books: Books) -> None:
    """B5: where the vendor has replaced the token a person has to consent, and learns why."""
    books.pull()
    books.qb.oauth.rotate_always = True
    books.qb.oauth.expire_access_tokens()
    books.qb.faults.add("reset", path="tokens/bearer", fraction=0)
    with pytest.raises(ReauthRequired, match="rotation reply lost at 20"):
        books.pull()
    books.check_books()


def test_a_token_that_expires_on_a_page_is_refreshed_there(books: Books) -> None:
    """B6: one refresh, and the run goes on with that page."""
    clean = books.usual_requests()
    books.qb.faults.add("unauthorized", entity="Customer", page=4)
    books.pull()
    assert books.qb.journal.count("tokens/bearer") == 1
    assert books.requests() == len(clean) + 1
    books.check_converges()


def test_a_token_refused_twice_ends_the_run(books: Books) -> None:
    """B6: refused right after a refresh: no loop."""
    books.pull()
    before = books.state()
    books.qb.journal.clear()
    books.qb.faults.add("unauthorized", entity="Customer", after=3, times=None)
    with pytest.raises(AuthRejected):
        books.pull()
    assert books.qb.journal.count("tokens/bearer") == 1
    assert books.state() == before
    books.check_converges()


def test_a_second_with_more_records_than_a_page(books: Books) -> None:
    """C1: sixty records of one second, ten a page: all of them land."""
    books.qb.store.tie("Customer", books.qb.store.ids("Customer"))
    assert books.pull().counts.inserted == 60
    books.check_converges()


@pytest.mark.parametrize("page_size", [2, 10])
def test_times_finer_than_the_vendors_filter_lose_nothing(books: Books, page_size: int) -> None:
    """C9: records tell fractions of a second, the filter knows whole ones: seven of seven land, now and when changed."""
    store = books.qb.store
    ids, fractions = store.ids("Customer"), ("250", "999999", "000001")
    store.vanish("Customer", ids[7:])

    def stamp(second: int) -> None:
        for number, key in enumerate(ids[:7]):
            record = store.get("Customer", key)
            moment = f"{second + number // 4:02}.{fractions[number % 3]}"
            record["MetaData"]["LastUpdatedTime"] = f"2026-05-05T02:11:{moment}-07:00"
            record["CompanyName"] = f"Changed at {moment}"
            store.put("Customer", record)

    stamp(10)
    assert books.pull(page_size=page_size).counts.inserted == 7
    landed = {moment.microsecond for (moment,) in books.query("SELECT updated_at FROM quickbooks.customer")}
    assert landed == {int(fraction.ljust(6, "0")) for fraction in fractions}, "landed times are not rounded"
    stamp(30)
    assert books.pull(page_size=page_size).counts.updated == 7
    books.check_converges()


def test_records_that_move_while_they_are_read(books: Books) -> None:
    """C3: a record that is changed while pages are read is met again, and none slides out of view."""
    ids = books.qb.store.ids("Customer")

    def touch(entity: str, page: int) -> None:
        if page <= 5:
            for key in ids[page * 10 - 10 : page * 10 + 5]:
                books.qb.store.update("Customer", key, {"CompanyName": f"Touched on page {page}"})

    books.qb.on_page(touch)
    books.pull()
    books.qb.on_page(None)
    books.check_converges()


def test_records_that_go_while_they_are_read(books: Books) -> None:
    """C4: deletions behind and before the reader lose no other record."""
    books.pull()
    ids = books.qb.store.ids("Customer")

    def vanish(entity: str, page: int) -> None:
        if page == 2:
            books.qb.store.vanish("Customer", [ids[0], ids[1], ids[-1]])

    books.qb.on_page(vanish)
    books.pull()
    books.qb.on_page(None)
    books.check_converges()


def test_short_pages_are_no_end(books: Books) -> None:
    """C5: a page with fewer records than asked for is not taken for the last."""
    books.qb.faults.add("page_rows", entity="Customer", rows=7)
    assert books.pull().counts.inserted == 60
    books.check_converges()


@pytest.mark.parametrize("rows", [0, 30, 59])
def test_records_that_never_come_are_missed(books: Books, rows: int) -> None:
    """C5, C7: the vendor's own count says more: an error, and nothing is taken for deleted."""
    books.pull()
    before = books.state()
    books.qb.faults.add("empty_after_rows", entity="Customer", rows=rows)
    with pytest.raises(CountMismatch, match=r"read \d+ of 60"):
        books.pull()
    assert books.state() == before
    books.check_converges()


def test_a_page_that_repeats_is_a_loop(books: Books) -> None:
    """C6: after at most two repetitions."""
    books.pull()
    before, asked = books.state(), books.requests()
    books.qb.faults.add("repeat_page", entity="Customer", page=2)
    with pytest.raises(PagingLoop):
        books.pull()
    assert books.state() == before
    assert books.requests() - asked <= 6
    books.check_converges()


def test_records_deleted_at_the_vendor_are_marked_and_may_come_back(books: Books) -> None:
    """C11: a customer that vanishes is marked; restored it lives again, with its addresses."""
    store = books.qb.store
    key = store.ids("Customer")[5]
    kept = store.row("Customer", key)
    books.pull()
    store.vanish("Customer", [key])
    assert books.pull().counts.deleted == 1
    books.check()
    assert kept is not None
    store.put("Customer", kept.text)
    assert books.pull().counts.updated == 1
    books.check_converges()


@pytest.mark.parametrize("left", [0, 24])
def test_a_company_that_shrinks_is_not_believed(books: Books, left: int) -> None:
    """C12: empty, or at 40 %: nothing changes until somebody accepts it."""
    books.pull()
    before = books.state()
    books.qb.store.vanish("Customer", books.qb.store.ids("Customer")[left:])
    with pytest.raises(SuspiciousShrink, match=f"{left} of 60"):
        books.pull()
    assert books.state() == before
    assert books.pull(accept_shrink=True).counts.deleted == 60 - left
    books.check_converges()


@pytest.mark.parametrize("text", [b'"a\\u0000b"', b'"a\\ud800b"', b'"a\tb"', b'"\\\\N"'])
def test_odd_text_of_the_vendor_lands(books: Books, text: bytes) -> None:
    """D1, D2: one record that other programs choke on costs neither its page nor itself."""
    store = books.qb.store
    key = store.ids("Customer")[7]
    row = store.row("Customer", key)
    assert row is not None
    store.spoil_text("Customer", key, row.text.replace(b'"domain":"QBO"', b'"domain":%b' % text))
    counts = books.pull().counts
    assert (counts.inserted, counts.dead_lettered) == (60, 0)
    books.check_converges()
