"""Signing in: Basic in UTF-8, a key, and tokens that are had for a client id and secret."""

import base64
import json

import pytest

from connectors.errors import AuthRejected, SourceError, Unavailable, UnexpectedContentType
from connectors.odata.auth import ApiKey, Basic, ClientCredentials
from connectors.odata.dialect import V2
from connectors.redact import REDACTOR
from sandbox import sap_s4

ORDERS = f"{sap_s4.V2_ROOT}/API_SALES_ORDER_SRV/A_SalesOrder"


@pytest.fixture(scope="module")
def system():
    with sap_s4.running(orders=12, products=1, bills=0, stocked=0) as running:
        yield running


@pytest.fixture(autouse=True)
def calm(system):
    system.host.door.expire_tokens()
    yield
    system.host.calm()


def tokens(system, **settings):
    door = system.host.door
    names = {"client_id": door.client_id, "client_secret": door.client_secret, **settings}
    return ClientCredentials(**{"token_url": f"{system.base_url}/oauth/token", **names})


def test_logins_in_any_script(serve, reply, client):
    """A Cyrillic login goes out in UTF-8, and neither the password nor the header is ever written down."""
    wire = serve(lambda asked: reply(b'{"d":{"results":[]}}'))
    client(wire.url, auth=Basic("Обмен", "пароль-канарейка")).page(V2, "x", {})
    scheme, _, given = wire.asked[0].headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(given).decode()) == ("Basic", "Обмен:пароль-канарейка")
    assert REDACTOR.redact(f"{given} пароль-канарейка") == "*** ***"


def test_a_key(system, client):
    """A key in its header opens the door, and a wrong one does not."""
    assert client(system.base_url, auth=ApiKey("sandbox-api-key")).page(V2, ORDERS, {}).records
    with pytest.raises(AuthRejected):
        client(system.base_url, auth=ApiKey("canary-key-1")).page(V2, ORDERS, {})


def test_one_token_serves_many_requests(system, client):
    """A token is had once and used until it is about to end."""
    asking = client(system.base_url, auth=tokens(system))
    for _ in range(3):
        assert asking.page(V2, ORDERS, {"top": "1"}).records
    assert system.host.journal.count("/oauth/token") == 1


def test_a_token_that_ends_in_the_middle(system, client):
    """A token that is refused is replaced once, and the page comes all the same."""
    asking = client(system.base_url, auth=tokens(system))
    asking.page(V2, ORDERS, {"top": "1"})
    system.host.door.expire_tokens()
    assert asking.page(V2, ORDERS, {"top": "1"}).records
    assert system.host.journal.count("/oauth/token") == 2


def test_a_refusal_that_stays(system, client):
    """A new token that is refused as well ends it: no loop."""
    system.host.fault("unauthorized", path="/sap/", times=None)
    with pytest.raises(AuthRejected, match="does not accept the login"):
        client(system.base_url, auth=tokens(system)).page(V2, ORDERS, {})
    assert system.host.journal.count(ORDERS) == 2


def test_a_token_is_replaced_before_its_end(system, client):
    """No request goes out with a token that ends within the minute."""
    clock = [0.0]
    system.host.door.lifetime_s = 300
    asking = client(system.base_url, auth=tokens(system, now=lambda: clock[0]))
    for at, asked in ((0, 1), (239, 1), (241, 2)):
        clock[0] = at
        asking.page(V2, ORDERS, {"top": "1"})
        assert system.host.journal.count("/oauth/token") == asked


def test_a_wrong_secret(system, client):
    """A refused client says so in a sentence without the secret, after one question."""
    with pytest.raises(AuthRejected, match="no token for this client") as caught:
        client(system.base_url, auth=tokens(system, client_secret="canary-secret-1")).page(V2, ORDERS, {})
    assert "canary" not in str(caught.value)
    assert system.host.journal.count("/oauth/token") == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [((200, b"{}"), SourceError), ((200, b"<html>"), UnexpectedContentType), ((503, b"later"), Unavailable)],
)
def test_token_hosts_that_give_none(serve, reply, client, waits, answer, error):
    """What is no token is an error of its own, and one that may pass is tried again."""
    status, body = answer
    wire = serve(lambda asked: reply(body, status))
    auth = ClientCredentials(token_url=wire.url, client_id="id", client_secret="canary-secret-2")
    with pytest.raises(error):
        client(wire.url, auth=auth).page(V2, ORDERS, {})
    assert len(wire.asked) == (4 if status == 503 else 1)


@pytest.mark.parametrize("expires_in", [None, 0, "3600", "soon", -5])
def test_odd_lifetimes(serve, reply, client, expires_in):
    """A lifetime that is missing or nonsense is no reason to refuse a token."""

    def answer(asked):
        if asked.method == "POST":
            return reply(json.dumps({"access_token": "canary-access-1", "expires_in": expires_in}))
        return reply(b'{"d":{"results":[]}}')

    wire = serve(answer)
    auth = ClientCredentials(token_url=f"{wire.url}/token", client_id="id", client_secret="canary-secret-3")
    client(wire.url, auth=auth).page(V2, "x", {})
    assert wire.asked[1].headers["authorization"] == "Bearer canary-access-1"
