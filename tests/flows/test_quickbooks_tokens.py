"""Tokens of QuickBooks in the warehouse: refreshed once by all together, and kept whatever dies when."""

import base64
import os
import random
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest

from connectors.errors import ReauthRequired
from connectors.quickbooks import QuickBooksClient
from sandbox import quickbooks
from warehouse import health
from warehouse.api_calls import CallLog
from warehouse.tokens import TokenStore

# All of it (500 and 50) takes a minute, so that is for whoever changes the refreshing: QUICKBOOKS_ROTATIONS=500.
ROTATIONS = int(os.environ.get("QUICKBOOKS_ROTATIONS", "30"))
KILLS = ROTATIONS // 10
# The places of one refresh: around keeping the intent, then around keeping the token.
BEFORE_INTENT, AFTER_INTENT, ANSWERED, KEPT = range(4)


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Iterator[quickbooks.QuickBooks]:
    """A company whose refresh token changes with each use; using an old one ends the consent."""
    monkeypatch.setenv("LANDFALL_ENCRYPTION_KEY", base64.b64encode(b"only-for-tests".ljust(32)).decode())
    no_limits = quickbooks.Limits(0, 0, 0)
    with quickbooks.running(customers=2, vendors=1, items=1, invoices=1, limits=no_limits) as running:
        running.oauth.rotate_always = running.oauth.revoke_on_reuse = True
        yield running


def client(books: quickbooks.QuickBooks, url: str, seed: str = "") -> QuickBooksClient:
    """A client as the block makes it."""
    names = ("base_url", "token_url", "realm_id", "client_id", "client_secret")
    settings = {name: getattr(books, name) for name in names}
    tokens = TokenStore(url, "quickbooks/main", {"refresh_token": seed or books.refresh_token})
    return QuickBooksClient(**settings, tokens=tokens, calls=CallLog(url, "quickbooks/main"))


def rotations(books: quickbooks.QuickBooks) -> int:
    """How many refreshes the company has answered."""
    return sum(entry.status == 200 for entry in books.journal.entries("tokens/bearer"))


def test_twenty_at_once_make_one_refresh(books: quickbooks.QuickBooks, database: str) -> None:
    """Twenty runs that meet an expired token together refresh it once, and all go on."""
    clients = [client(books, database) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(lambda each: each.count("Customer"), clients)) == [2] * 20
    for each in clients:
        each.close()
    assert rotations(books) == 1


def in_a_process(books: quickbooks.QuickBooks, url: str, times: int, die_at: int | None) -> None:
    """Refresh so many times in a process of its own, which dies at this place, counted over all refreshes."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    with suppress(BaseException):
        save, place = TokenStore.save, iter(range(10_000))

        def dying(self: TokenStore, token: dict[str, object]) -> None:
            if next(place) == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            save(self, token)
            if next(place) == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

        TokenStore.save = dying  # type: ignore[method-assign, assignment]
        each = client(books, url)
        for _ in range(times):
            each.count("Customer")
    os._exit(0)


@pytest.mark.parametrize("forgiving", [True, False])
def test_kills_need_no_new_consent(books: quickbooks.QuickBooks, database: str, forgiving: bool) -> None:
    """A process killed anywhere while it refreshes costs nobody a new consent.

    At a host that refuses the old token at once, all but the moment between its answer and the commit: there nobody
    can help, see below.
    """
    books.oauth.old_until_used = forgiving
    books.oauth.answer_changes = {"expires_in": 0}  # each request refreshes
    places = [BEFORE_INTENT, AFTER_INTENT, *([ANSWERED] if forgiving else []), KEPT]
    picker, kills, half = random.Random(7), 0, ROTATIONS // 2
    while rotations(books) < half or kills < KILLS // 2:
        in_a_process(books, database, 10, 4 * picker.randrange(10) + picker.choice(places))
        kills += 1
        assert kills < half
    with client(books, database) as last:
        assert last.count("Customer") == 2
    assert all(entry.status == 200 for entry in books.journal.entries("tokens/bearer"))


def test_a_rotation_that_is_lost_is_told_with_its_time(books: quickbooks.QuickBooks, database: str) -> None:
    """Killed between the answer and the commit, at a host that forgives nothing: the error says when, and says it once."""
    in_a_process(books, database, 1, ANSWERED)
    for _ in range(3):
        with client(books, database) as later, pytest.raises(ReauthRequired, match=r"reply lost at \d{4}-\d\d-\d\d"):
            later.count("Customer")
    assert books.journal.count("tokens/bearer") == 2
    books.oauth.refresh_token = "sandbox-refresh-after-a-new-consent"
    books.oauth._consent(books.oauth.refresh_token)
    with client(books, database) as renewed:
        assert renewed.count("Customer") == 2


def test_calls_are_added_up(books: quickbooks.QuickBooks, database: str) -> None:
    """Requests are counted by day, host, method and outcome, whether or not the run came to a good end; reads are metered."""
    for _ in range(2):
        with suppress(ValueError), client(books, database) as each:
            each.count("Customer")
            each.count("Vendor")
            raise ValueError
    with psycopg.connect(database) as session:
        rows = session.execute(
            "SELECT method, outcome, calls, metered, seconds > 0 FROM ops.api_call ORDER BY 1"
        ).fetchall()
        month = session.execute("SELECT calls, metered, failed FROM ops.api_call_month").fetchall()
    assert rows == [("GET", "ok", 4, 4, True), ("POST", "ok", 1, 0, True)]
    assert month == [(5, 4, 0)]


def test_counting_never_stops_a_run(books: quickbooks.QuickBooks, database: str) -> None:
    """Where the counts cannot be written they are kept for later, and the run goes on."""
    calls = CallLog("postgresql://nobody@127.0.0.1:1/nowhere", "quickbooks/main")
    calls.note("GET", "host", None, 1.0, metered=False)
    calls.flush()
    calls._url = database
    calls.flush()
    with psycopg.connect(database) as session:
        assert session.execute("SELECT outcome, calls FROM ops.api_call").fetchall() == [("lost", 1)]


def test_no_secret_is_beside_the_tokens(books: quickbooks.QuickBooks, database: str) -> None:
    """What analysts may read of tokens tells their ends and nothing else."""
    with client(books, database) as each:
        each.count("Customer")
    with psycopg.connect(database) as session:
        [row] = session.execute("SELECT s::text, t::text FROM ops.token_status s, ops.oauth_token t").fetchall()
    assert "good" in row[0]
    for text in row:
        assert "sandbox-" not in text


@pytest.mark.parametrize(
    ("refresh_days", "consent_days", "says"),
    [(100, 1800, None), (13, 1800, "the refresh token ends on"), (100, 59, "the consent ends on")],
)
def test_the_end_of_a_token_is_told_in_time(
    books: quickbooks.QuickBooks, database: str, refresh_days: int, consent_days: int, says: str | None
) -> None:
    """Doctor warns two weeks before a refresh token ends, and two months before a consent does; else it is content."""
    ends = {"x_refresh_token_expires_in": refresh_days, "x_refresh_token_hard_expires_in": consent_days}
    books.oauth.answer_changes = {name: days * 86400 for name, days in ends.items()}
    with client(books, database) as each:
        each.count("Customer")
    with psycopg.connect(database) as session:
        [need] = health.tokens(session)
    assert need.ok == (says is None)
    assert (says or "good until") in need.found
    assert says is None or "landfall connect quickbooks --name main --sign-in" in need.cure
