"""The connector and the simulated vendor over real HTTP: both follow the vendor's documentation, not each other."""

import json

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
    UnexpectedContentType,
)
from connectors.quickbooks import STREAMS
from sandbox import quickbooks
from warehouse.encode import Encoder, Record

NO_LIMITS = quickbooks.Limits(0, 0, 0)
BY_NAME = {stream.name: stream for stream in STREAMS}


@pytest.fixture(scope="module")
def books():
    with quickbooks.running(customers=260, vendors=30, items=70, invoices=230, limits=NO_LIMITS) as running:
        yield running


@pytest.fixture
def client(books, company, tokens):
    """A client of the simulated company, with small pages; switches are back where they were afterwards."""
    names = ("base_url", "token_url", "realm_id", "client_id", "client_secret")
    settings = {name: getattr(books, name) for name in names}
    books.journal.clear()
    yield company("", **settings, tokens=tokens(books.oauth.current_refresh_token()), page_size=50)
    books.faults.clear()
    books.on_page(None)


def read(client, name="invoice"):
    """The ids of a whole reading in the order given."""
    pages = list(BY_NAME[name].pages(client, None))
    assert pages[-1].complete
    return [key for page in pages for key in page.keys or []]


@pytest.mark.parametrize(("name", "many"), [("customer", 260), ("vendor", 30), ("item", 70), ("invoice", 230)])
def test_everything_is_read_once(books, client, name, many):
    """All records of every kind arrive, inactive ones included, each once."""
    keys = read(client, name)
    assert len(keys) == len(set(keys)) >= many
    assert set(keys) == set(books.store.ids(name.capitalize()))


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_every_kind_of_record_is_read_and_fits(books, client, stream):
    """All records of every kind arrive once and fit their tables, whichever way they are decoded; then changes are read."""
    entity = getattr(stream.pages.__self__, "entity", "CompanyInfo")
    client.page_size = 1000
    pages = list(stream.pages(client, None))
    records = [bytes(record) for page in pages for record in page.records]
    assert sorted(json.loads(record)["Id"] for record in records) == sorted(books.store.ids(entity))
    assert records
    assert pages[-1].complete
    encoder = Encoder(stream)
    rows = [Record(number, False, "0" * 32, record) for number, record in enumerate(records)]
    fast, careful = encoder.encode(rows), encoder.encode_carefully(rows)
    assert fast.refused == careful.refused == []
    assert [len(lines) for lines in fast.lines] == [len(lines) for lines in careful.lines]
    without_column = {path[-1] for _, path in encoder.discovered}
    assert without_column <= {"domain", "sparse", "name", "type", "ShipMethodRef", "value"}
    changed = list(stream.pages(client, pages[-1].cursor)) if pages[-1].cursor else []
    assert [page.records for page in changed if page.records] == []


def test_records_come_as_they_were_sent(books, client):
    """Every record is the vendor's own text, amounts as written."""
    page = next(BY_NAME["invoice"].pages(client, None))
    first = json.loads(bytes(page.records[0]))
    assert first["Id"] == page.keys[0]
    assert first["MetaData"]["LastUpdatedTime"]


def test_a_connection_can_be_tested(client):
    """The company's name comes back."""
    assert client.test()["company"] == "Sandbox Trading Company"


@pytest.mark.parametrize("kind", ["unauthorized", "unavailable", "truncate", "reset", "throttle"])
def test_a_fault_on_one_page_is_overcome(books, client, waits, kind):
    """A fault that passes costs that page's repetition and nothing else."""
    books.faults.add(kind, entity="Invoice", page=3)
    keys = read(client)
    assert len(keys) == len(set(keys)) == len(books.store.ids("Invoice"))


FAULTS = [
    ("html", {}, UnexpectedContentType),
    ("unauthorized", {"times": None}, AuthRejected),
    ("throttle", {"times": None}, RateLimited),
    ("truncate", {"times": None}, IncompleteBody),
    ("reset", {"times": None}, IncompleteBody),
    ("fault_200", {"times": None}, ConnectorError),
    ("gzip_bomb", {"megabytes": 70}, ResponseTooLarge),
    ("answer", {"status": 400, "body": '{"Fault":{"Error":[{"code":"4001","Message":"no"}]}}'}, SourceError),
    ("empty_after_rows", {"rows": 100}, CountMismatch),
    ("repeat_page", {"page": 2}, PagingLoop),
]


@pytest.mark.parametrize(("kind", "options", "error"), FAULTS, ids=[kind for kind, _, _ in FAULTS])
def test_a_fault_that_stays_is_told(books, client, waits, kind, options, error):
    """Each fault ends the reading with its own error, after a bounded number of requests, and never as complete."""
    books.faults.add(
        kind, entity="Invoice", **({} if "page" in options or "rows" in options else {"after": 2}), **options
    )
    given = []
    with pytest.raises(error) as caught:
        given.extend(BY_NAME["invoice"].pages(client, None))
    assert not any(page.complete for page in given)
    assert "invoice" in str(caught.value) or caught.value.at.startswith("invoice")
    assert books.journal.count() < 20


def test_a_dripping_page_is_given_up(books, company, tokens):
    """A vendor that drips is given up at the deadline of the connection."""
    names = ("base_url", "token_url", "realm_id", "client_id", "client_secret")
    settings = {name: getattr(books, name) for name in names}
    seed = tokens(books.oauth.current_refresh_token())
    slow = company("", **settings, tokens=seed, timeout_s=0.5, retry_attempts=1)
    books.faults.add("drip", entity="Invoice", bytes_per_s=20)
    with pytest.raises(Deadline):
        read(slow)
    books.faults.clear()


def test_short_pages_are_followed(books, client):
    """A vendor that gives fewer rows than asked for is read to the end."""
    books.faults.add("page_rows", rows=17)
    assert len(read(client)) == len(books.store.ids("Invoice"))


def test_many_records_of_one_second(books, client):
    """Two hundred records changed in one second, with pages of fifty, arrive once each."""
    books.store.tie("Customer", sorted(books.store.ids("Customer"))[:200])
    keys = read(client, "customer")
    assert len(keys) == len(set(keys)) == len(books.store.ids("Customer"))


def test_rows_touched_while_reading(books, client):
    """A row that is edited while we read moves behind us and is met again; nobody slides out of sight."""
    touched = sorted(books.store.ids("Item"))[:3]
    books.on_page(lambda entity, k: books.store.touch("Item", touched[k - 1]) if k <= 3 else None)
    client.page_size = 20
    keys = read(client, "item")
    assert set(keys) == set(books.store.ids("Item"))


def test_an_expired_token_on_page_three(books, client):
    """A token that expires in the middle is refreshed once and reading goes on where it was."""
    books.on_page(lambda entity, k: books.oauth.expire_access_tokens() if k == 3 else None)
    assert len(read(client)) == len(books.store.ids("Invoice"))
    assert books.journal.count("tokens/bearer") == 2


def test_a_bad_record_is_handed_on(books, client):
    """A record whose values make no sense is not the connector's to judge."""
    victim = sorted(books.store.ids("Invoice"))[10]
    books.store.spoil("Invoice", victim, {"TotalAmt": "N/A", "PrivateNote": "half \ud800 and \x00"})
    try:
        assert victim in read(client)
    finally:
        books.store.spoil_text("Invoice", victim, None)


def test_the_wrong_secret(books, company, tokens):
    """A wrong client secret says so."""
    names = ("base_url", "token_url", "realm_id", "client_id")
    settings = {name: getattr(books, name) for name in names}
    wrong = company("", **settings, client_secret="canary-wrong-1", tokens=tokens(books.refresh_token))
    with pytest.raises(AuthRejected, match="wrong client id or secret"):
        wrong.test()


def test_a_revoked_token(books, company, tokens):
    """A token that the vendor does not know asks for a new consent, and the first stream's call is the only one."""
    names = ("base_url", "token_url", "realm_id", "client_id", "client_secret")
    settings = {name: getattr(books, name) for name in names}
    books.journal.clear()
    gone = company("", **settings, tokens=tokens("canary-unknown-1"))
    for stream in STREAMS:
        with pytest.raises(ReauthRequired):
            list(stream.pages(gone, None))
    assert books.journal.count("tokens/bearer") == 1


def test_nothing_is_written(books, client):
    """The vendor's journal shows reading and nothing else."""
    for name in BY_NAME:
        read(client, name)
    assert {entry.method for entry in books.journal.entries("/v3/")} == {"GET"}
