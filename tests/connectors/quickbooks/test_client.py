"""What QuickBooks says, in all its shapes, becomes rows or one clear error."""

import json
from datetime import UTC

import msgspec
import pytest

from connectors.errors import (
    AuthRejected,
    ConnectorError,
    IncompleteBody,
    RateLimited,
    SourceError,
    Unavailable,
    UnexpectedContentType,
    WriteRefused,
)
from connectors.quickbooks.answers import look
from connectors.quickbooks.faults import read_fault

ROWS = (
    '{"QueryResponse":{"Item":[{"Id":"1","UnitPrice":10.50},{"Id":"2"}],"startPosition":1,"maxResults":2},"time":"x"}'
)
THROTTLE = """<?xml version="1.0"?><IntuitResponse time="2026-01-01T00:00:00Z"><Fault type="SERVICE">
<Error code="3001"><Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</Message>
<Detail>Too many, canary &amp; co</Detail></Error></Fault></IntuitResponse>"""


def fault(code, message="Some words", detail="more words", upper=True):
    error = {"Message": message, "Detail": detail, "code": code}
    if upper:
        return json.dumps({"Fault": {"Error": [error], "type": "ValidationFault"}, "time": "x"})
    return json.dumps({"warnings": None, "fault": {"error": [{name.lower(): v for name, v in error.items()}]}})


def test_a_query_is_sent_as_the_vendor_reads_it(serve, reply, company):
    """Spaces, plus signs, quotes and times arrive as they were written; the version and the format are asked for."""
    statement = "SELECT * FROM Item WHERE Name = 'a+b & c\\'s %' AND X >= '2026-05-05T02:11:41+05:30'"
    wire = serve(lambda asked: reply(ROWS))
    rows = company(wire.url).rows("Item", statement)
    assert [bytes(row) for row in rows] == [b'{"Id":"1","UnitPrice":10.50}', b'{"Id":"2"}']
    asked = wire.asked[0]
    assert asked.path == "/v3/company/9130/query"
    assert "+" not in asked.target
    assert asked.query == {"query": statement, "minorversion": "75"}
    assert asked.headers["accept"] == "application/json"


def test_no_match_is_no_row(serve, reply, company):
    """An empty answer of the right shape is an empty list, and only that."""
    wire = serve(lambda asked: reply('{"QueryResponse":{},"time":"x"}'))
    assert company(wire.url).rows("Item", "SELECT") == []


@pytest.mark.parametrize(
    "body", ["{}", "[]", '{"Item": []}', '{"QueryResponse": null}', '{"QueryResponse":{"Item":{}}}']
)
def test_another_shape_is_not_taken_for_empty(serve, reply, company, waits, body):
    """An answer without the expected envelope is an error, never "no rows"."""
    with pytest.raises((SourceError, UnexpectedContentType)):
        company(serve(lambda asked: reply(body)).url).rows("Item", "SELECT")


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("status", [200, 400])
def test_a_fault_with_any_status(serve, reply, company, status, upper):
    """A fault is a fault, in capitals or not, with status 400 or 200; vendor code and words are told."""
    wire = serve(lambda asked: reply(fault("4001", "Invalid query", "no such thing", upper), status))
    with pytest.raises(SourceError, match=r"fault 4001: Invalid query: no such thing") as caught:
        company(wire.url).rows("Item", "SELECT")
    assert caught.value.code == "SourceError"
    assert len(wire.asked) == 1


def test_a_faults_words_are_short_and_clean(serve, reply, company):
    """Of the vendor's words the first eighty characters are shown, without tokens."""
    wire = serve(lambda asked: reply(fault("2010", "Bearer canary-access-1 " + "long " * 99), 400))
    with pytest.raises(SourceError) as caught:
        company(wire.url).rows("Item", "SELECT")
    assert "canary" not in str(caught.value)
    assert len(str(caught.value)) < 220


@pytest.mark.parametrize("status", [429, 403, 200])
@pytest.mark.parametrize("body", [THROTTLE, fault("3001"), fault("003001")])
def test_throttling_in_every_form(serve, reply, company, waits, status, body):
    """Throttling, as XML or JSON and with any of three statuses, is waited for, a minute unless told otherwise."""
    answers = iter([reply(body, status), reply(body, status, Retry_After="5"), reply(ROWS)])
    wire = serve(lambda asked: next(answers))
    assert len(company(wire.url).rows("Item", "SELECT")) == 2
    assert waits == [60.0, 5.0]


def test_throttling_without_end(serve, reply, company, waits):
    """Who stays throttled is told what the vendor asked for."""
    wire = serve(lambda asked: reply(THROTTLE, 429, Content_Type="text/xml"))
    with pytest.raises(RateLimited, match="asks to wait 60 s"):
        company(wire.url).rows("Item", "SELECT")
    assert sum(waits) <= 300
    assert len(wire.asked) <= 8


@pytest.mark.parametrize(("code", "hint"), [("3100", "not authorised"), ("120", "lost access"), ("3200", "although")])
def test_refusals_come_with_a_hint(serve, reply, company, tokens, waits, code, hint):
    """The vendor's codes for missing rights are told in words, and not tried again."""

    def answer(asked):
        if asked.path.endswith("bearer"):
            return reply('{"access_token": "canary-access-9", "expires_in": 3600}')
        return reply(fault(code), 403)

    wire = serve(answer)
    with pytest.raises(AuthRejected, match=hint):
        company(wire.url).rows("Item", "SELECT")
    assert sum(asked.method == "GET" for asked in wire.asked) <= 2


@pytest.mark.parametrize(("body", "status"), [(fault("10000"), 200), (fault("10000"), 500), ("<h1>Sorry</h1>", 503)])
def test_the_vendors_own_failures_pass(serve, reply, company, waits, body, status):
    """A failure inside QuickBooks is tried again, and told with its words if it stays."""
    answers = iter([reply(body, status), reply(ROWS)])
    assert len(company(serve(lambda asked: next(answers)).url).rows("Item", "SELECT")) == 2
    with pytest.raises(Unavailable):
        company(serve(lambda asked: reply(body, status)).url).rows("Item", "SELECT")


def test_a_login_page_with_status_200(serve, reply, company):
    """HTML in place of rows names host and path, not "0 rows"."""
    wire = serve(lambda asked: reply("<!DOCTYPE html><p>Sign in</p>", Content_Type="text/html"))
    with pytest.raises(
        UnexpectedContentType, match=r"127\.0\.0\.1:\d+/v3/company/9130/query answered 200 with text/html"
    ):
        company(wire.url).rows("Item", "SELECT")
    assert len(wire.asked) == 1


@pytest.mark.parametrize("body", [ROWS[:-1], ROWS[:40], "", "{"])
def test_half_a_document_is_read_again(serve, reply, company, waits, body):
    """A document cut short behind a correct length is noticed, read again, and in the end an error."""
    answers = iter([reply(body), reply(ROWS)])
    assert len(company(serve(lambda asked: next(answers)).url).rows("Item", "SELECT")) == 2
    for ask in ("count", "test"):
        with pytest.raises(IncompleteBody):
            getattr(company(serve(lambda asked: reply(body)).url), ask)(*["Item"] * (ask == "count"))
    with pytest.raises(IncompleteBody):
        company(serve(lambda asked: reply(body)).url).rows("Item", "SELECT")


def test_a_document_without_bottom(serve, reply, company):
    """An absurdly nested answer is an error, not the end of the process."""
    deep = '{"QueryResponse":{"Item":' + "[" * 100_000 + "]" * 100_000 + "}}"
    with pytest.raises(SourceError):
        company(serve(lambda asked: reply(deep)).url).rows("Item", "SELECT")


ODD = [
    b'{"Id":"1","Name":"half a pair \\ud800","N":100.0}',
    b'{"Id":"2","Name":"a\\u0000b"}',
    b'{"Id":"3","N":1' + b"0" * 5000 + b"}",
    b'{"Id":"4","Name":"a bare\nline break, ] and , and \\""}',
    b'{"Id":"5","Name":"\xff is no UTF-8"}',
    '{ "Id" : "6", "Name": "ünï \U0001f600" }'.encode(),
    b"7",
    b'"Item"',
    b"{}",
]


@pytest.mark.parametrize("joint", [b",", b" ,\n\t "])
def test_strange_texts_pass_through(serve, reply, company, joint):
    """Records with odd characters or huge numbers are handed on byte for byte; the warehouse judges them."""
    body = b'{"QueryResponse":{"startPosition":1,"Item":[ ' + joint.join(ODD) + b' ],"maxResults":9},"time":"x"}'
    wire = serve(lambda asked: reply(body))
    assert [bytes(row) for row in company(wire.url).rows("Item", "SELECT")] == ODD
    assert len(wire.asked) == 1


def test_a_count_without_a_number(serve, reply, company):
    """A count that does not come is an error, not zero."""
    with pytest.raises(SourceError, match="without a number"):
        company(serve(lambda asked: reply('{"QueryResponse":{}}')).url).count("Item")


def test_testing_a_connection_tells_the_company(serve, reply, company):
    """Who connects sees at once whose books these are."""
    wire = serve(lambda asked: reply('{"CompanyInfo":{"CompanyName":"Made-up Trading","Country":"US"},"time":"x"}'))
    client = company(wire.url)
    told = client.test()
    assert (told["company"], told["country"], told["realm_id"]) == ("Made-up Trading", "US", "9130")
    assert isinstance(told["milliseconds"], int)
    assert client.identity() == "9130"
    assert wire.asked[0].path == "/v3/company/9130/companyinfo/9130"


def test_a_company_id_is_no_path(serve, reply, company):
    """A slip in the company's id cannot lead to another address."""
    wire = serve(lambda asked: reply(ROWS))
    company(wire.url, realm_id="../x?y=1").rows("Item", "SELECT")
    assert wire.asked[0].path == "/v3/company/..%2Fx%3Fy%3D1/query"


def test_it_only_reads(serve, reply, company):
    """Nothing that changes the books can be sent, whatever the code above does."""
    wire = serve(lambda asked: reply(ROWS))
    client = company(wire.url)
    with pytest.raises(WriteRefused):
        client._http.post("/v3/company/9130/invoice", json={"Id": "1"})
    assert wire.asked == []


RECORDED = {
    "minimul__qbo_api/error/400.1.json": ("SourceError", "4001"),
    "minimul__qbo_api/error/400_json.0.json": ("SourceError", "2010"),
    "minimul__qbo_api/error/401.0.json": ("AuthRejected", "3200"),
    "minimul__qbo_api/error/500.0.json": ("SourceError", "500"),
    "minimul__qbo_api/error/500.1.json": ("SourceError", "2030"),
    "minimul__qbo_api/error/validation.0.json": ("SourceError", None),
    "Boulevard__ExQuickBooks/api/query_error.json": ("SourceError", "4000"),
    "Boulevard__ExQuickBooks/item/read_item_error.json": ("SourceError", "610"),
    "intuit-docs/throttle_429.xml": ("RateLimited", "3001"),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_refusals(serve, reply, company, captures, waits, name):
    """Each refusal that was recorded live gives the documented error, with the vendor's code."""
    content = (captures / name).read_bytes()
    status = 429 if name.endswith("xml") else 400
    if not name.endswith("xml") and "response" in (exchange := json.loads(content)):
        status, content = exchange["response"]["status"], json.dumps(exchange["response"]["body"]).encode()

    def answer(asked):
        if asked.path.endswith("bearer"):
            return reply('{"access_token": "canary-access-8", "refresh_token": "canary-refresh-8", "expires_in": 3600}')
        return reply(content, status)

    code, vendor_code = RECORDED[name]
    with pytest.raises(ConnectorError, match=f"fault {vendor_code or ''}") as caught:
        company(serve(answer).url).rows("Item", "SELECT")
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["invalid_grant_described.json", "invalid_grant_short.json"])
def test_recorded_refusals_of_tokens(serve, reply, company, captures, tokens, name):
    """The recorded refusals of a refresh token ask for a new consent."""
    body = (captures / "intuit-docs" / "oauth" / name).read_bytes()
    with pytest.raises(ConnectorError) as caught:
        company(serve(lambda asked: reply(body, 400)).url, tokens=tokens()).rows("Item", "SELECT")
    assert caught.value.code == "ReauthRequired"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Fault",
        b"<Fault",
        b"<Fault><Error>",
        b'{"Fault"',
        b'{"Fault": 7}',
        b'{"a": "Default"}',
        b"[" * 60_000 + b"ault",
        b"{" + b'"a":{' * 10_000 + b"ault",
        b"\xff\xfe Fault",
        b'<Error code="1">' * 4000,
    ],
)
def test_a_fault_is_looked_for_in_anything(body):
    """Whatever comes, looking for a fault in it does no harm."""
    found = read_fault(body)
    assert found is None or found.code in ("", "1")


def test_a_fault_without_its_list_is_still_a_fault():
    """A fault that names no error is not passed over."""
    assert read_fault(b'{"Fault": {}}').code == ""


@pytest.mark.parametrize(
    ("record", "key", "updated"),
    [
        (b'{"Id":"1","MetaData":{"LastUpdatedTime":"2026-05-05T02:11:41-07:00"}}', "1", "2026-05-05T09:11:41+00:00"),
        (
            b'{"N":"\\ud800","Id":"1","MetaData":{"LastUpdatedTime":"2026-05-05T02:11:41-07:00"}}',
            "1",
            "2026-05-05T09:11:41+00:00",
        ),
        (b'{"Id":12345678901234567890,"MetaData":{"LastUpdatedTime":"N/A"}}', "12345678901234567890", None),
        (b'{"Id":"1","MetaData":{"LastUpdatedTime":"2026-05-05T02:11:41"}}', "1", None),
        (b'{"Id":"1","MetaData":[]}', "1", None),
        (b'{"Id":null}', "", None),
        (b'{"Id":{"a":1}}', "", None),
        (b"[]", "", None),
        (b"not json", "", None),
    ],
)
def test_a_record_is_recognised_as_far_as_it_can_be(record, key, updated):
    """A damaged record keeps its id where it has one, so that its dead letter can be found."""
    seen = look(msgspec.Raw(record))
    assert (seen.key, seen.updated and seen.updated.astimezone(UTC).isoformat()) == (key, updated)
    assert seen.identity
