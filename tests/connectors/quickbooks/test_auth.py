"""Signing in to QuickBooks: tokens are refreshed once, kept before use, and never sent again after a refusal."""

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.errors import (
    AuthRejected,
    IncompleteBody,
    ReauthRequired,
    SourceError,
    Unavailable,
    UnexpectedContentType,
)

COUNT = '{"QueryResponse":{"totalCount":3},"time":"2026-05-05T03:28:39.892-07:00"}'
EXPIRED = json.dumps(
    {"fault": {"error": [{"message": "AuthenticationFailed", "code": "3200"}], "type": "AUTHENTICATION"}}
)


class Vendor:
    """A token endpoint that numbers what it hands out, and an API that accepts the newest access token alone."""

    def __init__(self, reply, **answer):
        self.reply = reply
        self.extra = answer
        self.refreshes = 0
        self.lock = threading.Lock()
        self.before = []

    @property
    def access(self):
        return f"canary-access-{self.refreshes}"

    def __call__(self, asked):
        if asked.path.endswith("/bearer"):
            with self.lock:
                self.refreshes += 1
                if self.before:
                    return self.before.pop(0)
                token = {"access_token": self.access, "refresh_token": f"canary-refresh-{self.refreshes}"}
                answer = token | {"expires_in": 3600, "x_refresh_token_expires_in": 8640000} | self.extra
                return self.reply(json.dumps({name: value for name, value in answer.items() if value is not None}))
        if asked.headers["authorization"] != f"Bearer {self.access}":
            return self.reply(EXPIRED, 401)
        return self.reply(COUNT)


@pytest.fixture
def vendor(reply):
    return Vendor(reply)


def test_the_seed_is_exchanged_and_kept_before_use(serve, vendor, company, tokens):
    """A first run turns the refresh token into an access token, which is committed before it is sent anywhere.

    What is about to be asked is committed before it is asked, too.
    """
    seed = tokens()
    kept_when_used = []
    wire = serve(lambda asked: kept_when_used.append((asked.path, len(seed.saved))) or vendor(asked))
    began = time.time()
    assert company(wire.url, tokens=seed).count("Customer") == 3
    assert kept_when_used == [("/oauth2/v1/tokens/bearer", 1), ("/v3/company/9130/query", 2)]
    assert began <= seed.saved[0]["asked_at"] < began + 10
    assert wire.asked[0].form == {"grant_type": "refresh_token", "refresh_token": "canary-seed-1"}
    assert (
        wire.asked[0].headers["authorization"]
        == "Basic " + base64.b64encode(b"client-1:canary-client-secret-1").decode()
    )
    saved = seed.saved[-1]
    assert saved["refresh_token"] == "canary-refresh-1"
    assert "asked_at" not in saved
    assert 3600 <= saved["expires_at"] - began < 3610
    assert 8640000 <= saved["refresh_expires_at"] - began < 8640010


def test_a_valid_token_is_used_as_it_is(serve, vendor, company, tokens):
    """While the access token is good, no run asks for another."""
    vendor.refreshes = 1
    wire = serve(vendor)
    company(wire.url, tokens=tokens(access_token="canary-access-1", expires_at=time.time() + 3600)).count("Item")
    assert vendor.refreshes == 1


def test_a_token_is_refreshed_before_it_expires(serve, vendor, company, tokens):
    """An access token with less than the margin left is replaced before it is used."""
    wire = serve(vendor)
    near = tokens(access_token="canary-old-1", expires_at=time.time() + 200)
    client = company(wire.url, tokens=near)
    client.count("Item")
    client.count("Item")
    assert [asked.path.rpartition("/")[2] for asked in wire.asked] == ["bearer", "query", "query"]


def test_a_refused_token_is_refreshed_once(serve, vendor, company, tokens):
    """An access token that the vendor refuses early costs one refresh, and the same request is sent again."""
    stale = tokens(access_token="canary-stale-1", expires_at=time.time() + 3600)
    wire = serve(vendor)
    assert company(wire.url, tokens=stale).count("Vendor") == 3
    targets = [asked.path.rpartition("/")[2] for asked in wire.asked]
    assert targets == ["query", "bearer", "query"]
    assert wire.asked[0].target == wire.asked[2].target


def test_an_expiry_told_with_status_200_counts_too(serve, reply, company, vendor):
    """The body decides: the expiry fault with a friendly status is still an expiry."""

    def answer(asked):
        made = vendor(asked)
        return made.replace(b" 401 ", b" 200 ")

    assert company(serve(answer).url).count("Vendor") == 3
    assert vendor.refreshes == 1


def test_a_new_token_that_is_refused_too_ends_it(serve, reply, company):
    """Two refusals in a row are the vendor's last word: no loop."""
    token = json.dumps({"access_token": "canary-access-2", "refresh_token": "canary-refresh-2", "expires_in": 3600})
    wire = serve(lambda asked: reply(token) if asked.path.endswith("bearer") else reply(EXPIRED, 401))
    with pytest.raises(AuthRejected, match="although it is new"):
        company(wire.url).count("Item")
    assert len(wire.asked) == 3


def test_a_token_of_somebody_else_may_be_refused_too(serve, vendor, company, tokens):
    """While a request waits, another reader's new token can go the way of the old one: then it is our turn to ask."""
    shared = tokens(access_token="canary-stale-1", expires_at=time.time() + 3600)

    def answer(asked):
        if asked.headers["authorization"] == "Bearer canary-stale-1":
            shared.token = {**shared.token, "access_token": "canary-stale-2"}
        return vendor(asked)

    wire = serve(answer)
    assert company(wire.url, tokens=shared).count("Vendor") == 3
    assert [asked.path.rpartition("/")[2] for asked in wire.asked] == ["query", "query", "bearer", "query"]


def test_eight_at_once_make_one_refresh(serve, vendor, company, tokens):
    """Eight readers that meet an expired token together refresh it once, and all go on."""
    shared = tokens()
    wire = serve(vendor)
    clients = [company(wire.url, tokens=shared) for _ in range(8)]
    together = threading.Barrier(8)

    def read(client):
        together.wait(10)
        return client.count("Customer")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, clients)) == [3] * 8
    assert vendor.refreshes == 1
    assert [bool(each.get("asked_at")) for each in shared.saved] == [True, False]


@pytest.mark.parametrize(
    "body", ['{"error":"invalid_grant"}', '{"error_description":"Incorrect","error":"invalid_grant"}']
)
def test_a_revoked_consent_is_told_once(serve, reply, company, tokens, waits, body):
    """A refused refresh token is sent once: not again by this request, the streams after it, or any later run."""
    wire = serve(lambda asked: reply(body, 400))
    seed = tokens()
    for _ in range(3):
        with pytest.raises(ReauthRequired, match="refuses the refresh token") as caught:
            company(wire.url, tokens=seed).count("Customer")
        assert "canary" not in str(caught.value)
    assert len(wire.asked) == 1
    assert {each["refresh_token"] for each in seed.saved} == {"canary-seed-1"}
    client = company(wire.url, tokens=seed)
    seed.token = {"refresh_token": "canary-seed-2"}
    with pytest.raises(ReauthRequired):
        client.count("Customer")
    assert wire.asked[1].form["refresh_token"] == "canary-seed-2"


def test_a_wrong_client_secret(serve, reply, company, tokens):
    """A wrong client id or secret is told as what it is, at once."""
    wire = serve(lambda asked: reply('{"error":"invalid_client"}', 401))
    with pytest.raises(AuthRejected, match="wrong client id or secret"):
        company(wire.url, tokens=tokens()).count("Item")
    assert len(wire.asked) == 1


def test_an_answer_without_a_refresh_token_keeps_the_old(serve, reply, company, tokens):
    """A vendor that leaves the refresh token out does not cost us the one we have."""
    seed = tokens()
    wire = serve(Vendor(reply, refresh_token=None))
    company(wire.url, tokens=seed).count("Item")
    assert seed.saved[-1]["refresh_token"] == "canary-seed-1"
    assert seed.saved[-1]["access_token"]


@pytest.mark.parametrize("lifetime", ["3600", 3600.0])
def test_lifetimes_in_other_forms(serve, reply, company, tokens, lifetime):
    """A lifetime given as text is a lifetime."""
    seed = tokens()
    vendor = Vendor(reply, expires_in=lifetime)
    client = company(serve(vendor).url, tokens=seed)
    client.count("Item")
    client.count("Item")
    assert vendor.refreshes == 1


@pytest.mark.parametrize("lifetime", [0, None, "soon", -5, [1]])
def test_a_token_without_a_lifetime_is_used_once(serve, reply, company, tokens, lifetime):
    """A token of unknown life is used for the request at hand and then refreshed, never thrown away."""
    vendor = Vendor(reply, expires_in=lifetime)
    client = company(serve(vendor).url, tokens=tokens())
    assert client.count("Item") == 3
    assert client.count("Item") == 3
    assert vendor.refreshes == 2


def test_tokens_that_live_briefly_are_used(serve, reply, company, tokens):
    """A token that lives less than the margin is not refreshed for every request."""
    vendor = Vendor(reply, expires_in=120)
    client = company(serve(vendor).url, tokens=tokens())
    for _ in range(3):
        client.count("Item")
    assert vendor.refreshes == 1


def test_a_lost_answer_is_asked_for_again_with_the_same_token(serve, reply, vendor, company, tokens):
    """If the line drops a refresh, the same token is sent once more; if it still counts, nobody notices."""
    vendor.before = [b"\0reset\0"]
    wire = serve(vendor)
    assert company(wire.url, tokens=tokens(), retry_attempts=1).count("Item") == 3
    sent = [asked.form["refresh_token"] for asked in wire.asked if asked.path.endswith("bearer")]
    assert sent == ["canary-seed-1", "canary-seed-1"]


def test_a_lost_rotation_says_when(serve, reply, vendor, company, tokens):
    """If the vendor had replaced the token in the lost answer, the error names the moment, for the vendor's support."""
    vendor.before = [[b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"], reply('{"error":"invalid_grant"}', 400)]
    wire = serve(vendor)
    with pytest.raises(ReauthRequired, match=r"rotation reply lost at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"):
        company(wire.url, tokens=tokens()).count("Item")
    assert len(wire.asked) == 2


def test_an_outage_of_the_token_host(serve, reply, company, tokens, waits):
    """A token host that is down is an outage, not a lost consent."""
    seed = tokens()
    wire = serve(lambda asked: reply("busy", 503))
    with pytest.raises(Unavailable):
        company(wire.url, tokens=seed, retry_attempts=2).count("Item")
    assert not any(each.get("access_token") for each in seed.saved)
    assert {asked.form["refresh_token"] for asked in wire.asked} == {"canary-seed-1"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("<html>Please sign in canary-seed-1</html>", UnexpectedContentType),
        ("[]", SourceError),
        ("{}", SourceError),
        ('{"access_token": null}', SourceError),
        ('{"access_token": ""}', SourceError),
    ],
)
def test_nonsense_from_the_token_host_is_not_kept(serve, reply, company, tokens, body, error):
    """What is no token is never stored over the one that works, and the error shows no secret."""
    seed = tokens()
    with pytest.raises(error) as caught:
        company(serve(lambda asked: reply(body)).url, tokens=seed).count("Item")
    assert not any(each.get("access_token") for each in seed.saved)
    assert "canary" not in str(caught.value)


def test_no_secret_in_errors_or_logs(serve, reply, vendor, company, tokens, caplog, waits):
    """Whatever a host sends back, errors and logs hold neither tokens nor the client secret."""
    caplog.set_level("DEBUG")
    mirror = serve(lambda asked: reply(f"{asked.headers} {asked.body!r}", 500, Content_Type="text/plain"))
    with pytest.raises(Unavailable) as caught:
        company(mirror.url, tokens=tokens(), retry_attempts=2).count("Item")
    texts = [
        str(caught.value),
        *(record.getMessage() for record in caplog.records if record.name.startswith("landfall")),
    ]
    assert "canary" not in " ".join(texts)
    assert base64.b64encode(b"client-1:canary-client-secret-1").decode() not in " ".join(texts)


def test_only_the_token_endpoint_is_posted_to(serve, vendor, company, tokens):
    """Reading a company sends nothing but GET, and POST to the token endpoint alone."""
    wire = serve(vendor)
    client = company(wire.url, tokens=tokens())
    client.count("Item")
    assert {(asked.method, asked.path.rpartition("/")[2]) for asked in wire.asked} == {
        ("POST", "bearer"),
        ("GET", "query"),
    }


def test_a_cut_off_token_answer_is_no_token(serve, reply, company, tokens, waits):
    """Half a token answer is not stored."""
    seed = tokens()
    wire = serve(lambda asked: reply('{"access_token": "canary-half-1", "refresh_token": "ca')[:-1])
    with pytest.raises(IncompleteBody):
        company(wire.url, tokens=seed, retry_attempts=1).count("Item")
    assert not any(each.get("access_token") for each in seed.saved)
