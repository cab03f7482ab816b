"""What change data capture answers, in every shape that was recorded or told of; and the redirect of a sign-in."""

import json
from datetime import UTC, datetime

import pytest

from connectors.errors import IncompleteBody, QuotaReached, SignInRefused, SourceError
from connectors.quickbooks.reading import CompanyReading, Reading
from connectors.quickbooks.sign_in import address, read_redirect

SINCE = datetime(2026, 5, 5, 10, tzinfo=UTC)
TIME = '"time":"2026-05-05T03:28:39.892-07:00"'
GONE = '{"domain":"QBO","status":"Deleted","Id":"65"}'
LIVE = '{"Id":"7","SyncToken":"1","MetaData":{"LastUpdatedTime":"2026-05-05T02:11:41-07:00"}}'


def capture(*groups):
    return '{"CDCResponse":[{"QueryResponse":[' + ",".join(groups) + "]}]," + TIME + "}"


def test_a_question_for_changes(serve, reply, company):
    """The entity and the moment are sent as the vendor reads them."""
    wire = serve(lambda asked: reply(capture("{}")))
    told = company(wire.url).changes("Invoice", SINCE)
    assert (told.deleted, told.objects) == ((), 0)
    assert told.time == datetime(2026, 5, 5, 10, 28, 39, 892000, tzinfo=UTC)
    assert wire.asked[0].path == "/v3/company/9130/cdc"
    assert "changedSince=2026-05-05T10%3A00%3A00%2B00%3A00" in wire.asked[0].target


@pytest.mark.parametrize(
    "answer",
    [
        capture('{"Invoice":[' + LIVE + "," + GONE + '],"startPosition":1,"maxResults":2,"totalCount":2}'),
        capture('{"Invoice":[' + GONE + "," + LIVE + "]}", "{}"),  # no counts, no MetaData, deleted ones first
        capture("{}", '{"Bill":[{"Id":"65"}],"maxResults":1}', '{"Invoice":[' + LIVE + "," + GONE + "]}"),
        capture('{"Invoice":[' + LIVE + "]}", '{"Invoice":[' + GONE + "]}"),
        capture('{"Invoice":[' + LIVE.replace('"1"', '"half \\ud800 and \n a break"') + "," + GONE + "]}"),
    ],
    ids=["documented", "bare", "out of order", "two groups", "strange text"],
)
def test_deletions_are_found_in_every_shape(serve, reply, company, answer):
    """Groups in any order, counts or MetaData missing, odd texts in other records: the deleted one is found."""
    told = company(serve(lambda asked: reply(answer)).url).changes("Invoice", SINCE)
    assert (told.deleted, told.objects) == (("65",), 2)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ('{"CDCResponse":[{"Fault":{}}]}', SourceError),
        ("{}", SourceError),
        (capture("{}")[:-30], IncompleteBody),
        ('{"Fault":{"Error":[{"code":"2040","Message":"Invalid changedSince"}]}}', SourceError),
    ],
)
def test_what_is_no_answer_is_not_taken_for_no_change(serve, reply, company, waits, answer, error):
    """A fault, another shape or half an answer never reads as "nothing was deleted"."""
    with pytest.raises(error):
        company(serve(lambda asked: reply(answer)).url).changes("Invoice", SINCE)


def test_an_id_is_no_statement(serve, reply, company):
    """An id out of an answer cannot change the question that confirms it."""
    asked = Reading("invoice", "Invoice")._by_id(["1", "2' OR '3", "4\\"])
    assert r"Id IN ('1','2\' OR \'3','4\\') STARTPOSITION" in asked


def test_without_the_vendors_clock_there_is_no_mark(serve, reply, company):
    """An answer that tells no time leaves no mark, so that the next run reads everything instead of trusting ours."""

    def answer(asked):
        counted = "COUNT" in asked.query["query"]
        return reply('{"QueryResponse":{"totalCount":0}}' if counted else '{"QueryResponse":{}}')

    [page] = list(Reading("item", "Item").pages(company(serve(answer).url), None))
    assert page.complete
    assert page.cursor is None


@pytest.mark.parametrize("cursor", [{}, {"since": "yesterday", "full_at": 4}, {"since": "2026-05-05T10:00:00"}])
def test_a_mark_of_another_shape_is_none(serve, reply, company, cursor):
    """A cursor that this version does not know costs a full reading, not a failure."""
    wire = serve(lambda asked: reply('{"QueryResponse":{"totalCount":0},' + TIME + "}"))
    pages = list(Reading("item", "Item").pages(company(wire.url), cursor))
    assert pages[-1].complete
    assert pages[-1].cursor == {"since": "2026-05-05T10:26:39+00:00", "full_at": "2026-05-05T10:26:39+00:00"}


def test_a_ceiling_stops_before_the_request(serve, reply, company):
    """When the month's calls are used up nothing is sent any more, and the sentence says so."""

    class UsedUp:
        def note(self, *args, **more): ...
        def flush(self): ...
        def used_up(self):
            return "its ceiling is 5"

    wire = serve(lambda asked: reply("{}"))
    with pytest.raises(QuotaReached, match="ceiling is 5"):
        company(wire.url, calls=UsedUp()).count("Item")
    assert wire.asked == []


def test_sandboxes_are_not_metered(company):
    """Reads of production companies count, refusals, tokens and sandbox companies do not."""
    noted = []

    class Noting:
        def note(self, method, host, status, seconds, *, metered):
            noted.append(metered)

        def flush(self): ...
        def used_up(self): ...

    client = company("https://quickbooks.api.intuit.com", calls=Noting())
    read = "/v3/company/1/query"
    client._note("GET", "quickbooks.api.intuit.com", read, 200, 0.1)
    client._note("GET", "quickbooks.api.intuit.com", read, 429, 0.1)
    client._note("GET", "sandbox-quickbooks.api.intuit.com", read, 200, 0.1)
    client._note("POST", "oauth.platform.intuit.com", "/oauth2/v1/tokens/bearer", 200, 0.1)
    assert noted == [True, False, False, False]


def test_the_address_to_sign_in_at():
    """The address asks for accounting data alone, and carries the state."""
    made = address("https://vendor.example/connect", "app 1", "http://localhost:1/callback", "state-1")
    assert made.startswith("https://vendor.example/connect?client_id=app+1&response_type=code&scope=com.intuit.")
    assert made.endswith("redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fcallback&state=state-1")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("code=c&state=other&realmId=1", "another sign-in"),
        ("code=c&realmId=1", "another sign-in"),
        ("error=access_denied&state=mine", "not allowed in the browser"),
        ("error=invalid_scope&state=mine", "may not ask for accounting data"),
        ("code=c&state=mine", "no realmId"),
        ("state=mine&realmId=1", "no code"),
    ],
)
def test_a_redirect_that_is_no_consent(query, says):
    """What comes back without consent, or for somebody else, is told in one sentence."""
    with pytest.raises(SignInRefused, match=says):
        read_redirect(f"http://localhost:1/callback?{query}", "mine")


def test_a_consent_never_shows_its_code():
    """The code that a redirect brings appears in no log line that prints it."""
    consent = read_redirect("http://localhost:1/callback?" + "code=canary-code-1&state=mine&realmId=9130\n", "mine")
    assert (consent.code, consent.realm_id) == ("canary-code-1", "9130")
    assert "canary" not in json.dumps(repr(consent))


@pytest.mark.parametrize(("code", "status"), [("5020", 400), ("5020", 403), ("5030", 400)])
def test_what_the_plan_does_not_have(serve, reply, company, code, status):
    """A kind of record that the company's plan lacks is a warning with the vendor's code, and lands and deletes nothing."""
    fault = f'{{"Fault":{{"Error":[{{"code":"{code}","Message":"no","Detail":"not in it"}}]}}}}'
    wire = serve(lambda asked: reply(fault, status=status))
    [page] = list(Reading("budget", "Budget").pages(company(wire.url), None))
    assert (page.complete, page.cursor, page.records, page.deleted) == (False, None, (), ())
    assert code in page.warning
    assert "Nothing of budget was read" in page.warning
    assert len(wire.asked) == 1


def test_the_company_itself_is_one_record(serve, reply, company):
    """The record of the company is asked for by its id, in one call, and lands as the vendor wrote it."""
    wire = serve(
        lambda asked: reply('{"CompanyInfo":{"Id":"1","Country" : "US"},"time":"2026-05-05T03:28:39.892-07:00"}')
    )
    [page] = list(CompanyReading("company_info").pages(company(wire.url), None))
    assert page.complete
    assert [bytes(record) for record in page.records] == [b'{"Id":"1","Country" : "US"}']
    assert wire.asked[0].path == "/v3/company/9130/companyinfo/9130"
