"""Asking a service: what leaves, what an answer means, and where links may lead."""

from datetime import UTC, datetime

import pytest

from connectors.errors import (
    AuthRejected,
    BlockedAddress,
    ConnectorError,
    IncompleteBody,
    RateLimited,
    SourceError,
    Unavailable,
    UnexpectedContentType,
)
from connectors.odata.auth import Basic
from connectors.odata.dialect import V2, V3, V4

EMPTY = b'{"d":{"results":[]}}'
HTML = {"Content_Type": "text/html; charset=utf-8"}


def test_what_leaves(serve, reply, client):
    """Names and values go out percent-encoded, options with their $, fixed parameters everywhere, and only as GET."""
    wire = serve(lambda asked: reply(b"7" if "$count" in asked.target else b'{"value":[]}'))
    asking = client(wire.url + "/base/", parameters={"sap-client": "100"})
    asking.page(V3, "odata/Catalog_Товары", {"filter": "Code eq 'a+b c'", "top": "5", "skip": ""})
    assert asking.count("odata/Catalog_Товары", "Цена gt 5") == 7
    first, second = wire.asked
    assert first.target == (
        "/base/odata/Catalog_%D0%A2%D0%BE%D0%B2%D0%B0%D1%80%D1%8B"
        "?$filter=Code%20eq%20%27a%2Bb%20c%27&$top=5&sap-client=100"
    )
    assert second.target.startswith("/base/odata/Catalog_%D0%A2%D0%BE%D0%B2%D0%B0%D1%80%D1%8B/$count?$filter=%D0%A6")
    assert {each.method for each in wire.asked} == {"GET"}
    assert first.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("Orders?$skiptoken=a%2Fb&sap-client=100", "/svc/Orders?$skiptoken=a%2Fb&sap-client=100"),
        ("/svc/Orders?%24skiptoken=x'y'", "/svc/Orders?%24skiptoken=x%27y%27&sap-client=100"),
        ("Orders%3F%24skiptoken%3D20", "/svc/Orders?$skiptoken=20&sap-client=100"),
        ("{url}/svc/Orders?$skiptoken=Zm9v%3D%3D", "/svc/Orders?$skiptoken=Zm9v%3D%3D&sap-client=100"),
    ],
)
def test_links_are_followed_as_written(serve, reply, client, link, target):
    """A next link may be absolute, relative or percent-encoded whole; what it says is asked, and nothing else."""
    wire = serve(lambda asked: reply(b'{"value":[]}'))
    asking = client(wire.url, parameters={"sap-client": "100"})
    reply_ = asking.page(V4, "svc/Orders", {"top": "1"})
    asking.follow(V4, link.replace("{url}", wire.url), reply_)
    assert wire.asked[1].target.replace("'", "%27") == target


@pytest.mark.parametrize(
    "link", ["https://elsewhere.example/svc?$skiptoken=1", "//127.0.0.2/x?a", "http://127.0.0.1:9/x?a"]
)
def test_links_to_other_hosts_are_not_followed(serve, reply, client, link):
    """Credentials never go to a host that an answer names."""
    wire = serve(lambda asked: reply(EMPTY))
    asking = client(wire.url)
    with pytest.raises(SourceError, match="another host"):
        asking.follow(V2, link, asking.page(V2, "svc/Orders", {}))
    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    ("body", "status", "headers", "error"),
    [
        (b"<!DOCTYPE html><h1>Sign in</h1>", 200, HTML, UnexpectedContentType),
        (b"<html>Not Found</html>", 404, HTML, UnexpectedContentType),
        (b"<html>Maintenance</html>", 503, HTML, Unavailable),
        (b"Unauthorized", 401, {"Content_Type": "text/plain"}, AuthRejected),
        (b"<html>401</html>", 401, HTML, AuthRejected),
        (b"<html>Blocked</html>", 403, HTML, AuthRejected),
        (b"slow down", 429, {}, RateLimited),
        (b'{"d":{"results":[{"a":1}', 200, {}, IncompleteBody),
        (b"", 200, {}, IncompleteBody),
        (b'{"status":"ok"}', 200, {}, SourceError),
        (b'{"d":{"results":' + b"[" * 100_000, 200, {}, SourceError),
        (b'{"error":{"code":"V1/042","message":{"value":"no"}}}', 200, {}, SourceError),
        (b"", 302, {"Location": "https://login.example.com/"}, SourceError),
    ],
    ids=str,
)
def test_answers_that_are_no_page(serve, reply, client, waits, body, status, headers, error):
    """Each kind of answer that holds no records is an error of its own, never an empty page."""
    wire = serve(lambda asked: reply(body, status, **headers))
    with pytest.raises(error) as caught:
        client(wire.url).page(V2, "svc/Orders", {})
    assert type(caught.value) is error
    assert "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 503])
def test_no_secret_in_an_error(serve, reply, client, waits, caplog, status):
    """A service that echoes the login in its refusal, as fault or as text, makes nobody read it."""
    caplog.set_level("DEBUG")
    fault = (
        b'{"error":{"code":"X","message":{"value":"no login L:canary-echo-1"},"details":[{"message":"canary-echo-1"}]}}'
    )
    for body in (fault, b"<html>canary-echo-1</html>", b"L:canary-echo-1"):
        wire = serve(lambda asked, body=body: reply(body, status, Content_Type="text/html"))
        with pytest.raises(ConnectorError) as caught:
            client(wire.url, auth=Basic("L", "canary-echo-1")).page(V2, "svc/Orders", {})
        assert "canary" not in str(caught.value)
    assert "canary" not in caplog.text


def test_what_may_pass_is_tried_again(serve, reply, client, waits):
    """503 with and without a wait, and a broken body, cost attempts and nothing else."""
    answers = iter([reply(b"", 503, Retry_After="3"), reply(b"", 503), reply(b'{"d":{"resu'), reply(EMPTY)])
    wire = serve(lambda asked: next(answers))
    assert client(wire.url).page(V2, "svc/Orders", {}).records == []
    assert len(wire.asked) == 4
    assert waits[0] == 3.0


def test_the_clock(serve, reply, client):
    """The service's own clock is told, and how far it is ahead; one without a Date header tells nothing."""
    dates = iter([{"Date": "Mon, 23 Nov 2026 08:00:00 GMT"}, {}])
    wire = serve(lambda asked: reply(EMPTY, **next(dates)))
    told, _, ahead = client(wire.url).clock(V2, "svc/Orders", {})
    assert told.time == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert abs(ahead - (told.time - datetime.now(UTC)).total_seconds()) < 60
    assert client(wire.url).clock(V2, "svc/Orders", {})[2] is None


@pytest.mark.parametrize("body", [b"seven", b"-1", b"", b'{"d":7}', "٧".encode()])
def test_a_count_that_is_none(serve, reply, client, body):
    """What is no number is never counted with."""
    wire = serve(lambda asked: reply(body, Content_Type="text/plain"))
    with pytest.raises(UnexpectedContentType):
        client(wire.url).count("svc/Orders")


def test_plain_http(client):
    """Without encryption nothing leaves this machine unless the connection says so."""
    with pytest.raises(BlockedAddress):
        client("http://erp.example.com").page(V2, "svc/Orders", {})


def test_literals():
    """Values are written in each version's own way, and a quote inside a text cannot end it."""
    moment = datetime(2026, 1, 31, 10, 30, tzinfo=UTC)
    assert (V2.moment(moment), V4.moment(moment)) == ("datetimeoffset'2026-01-31T10:30:00Z'", "2026-01-31T10:30:00Z")
    assert (V3.local(moment.date()), V4.local(moment.date())) == ("datetime'2026-01-31T00:00:00'", "2026-01-31")
    assert V2.text("O'Neill' or 1 eq 1") == "'O''Neill'' or 1 eq 1'"
    assert (V3.guid("0-0"), V4.guid("0-0")) == ("guid'0-0'", "0-0")
    assert V3.contains("Имя", "a'b") == "substringof('a''b',Имя) eq true"
    assert V4.contains("Name", "x") == "contains(Name,'x')"
