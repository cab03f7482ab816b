"""What every connector can rely on when it asks a source over HTTP."""

import gc
import gzip
import itertools
import re
import ssl
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Thread

import httpx
import pytest

from connectors import net
from connectors.errors import (
    AuthRejected,
    BlockedAddress,
    Deadline,
    IncompleteBody,
    RateLimited,
    ResponseTooLarge,
    SourceError,
    TlsError,
    Unavailable,
    UnexpectedContentType,
    WriteRefused,
)
from connectors.http import accept, expect_content_type, fetch, make_client, retry_after
from connectors.transport import _unpack


def get(wire, path="/data", **options):
    client_options = {name: options.pop(name) for name in list(options) if name in CLIENT_OPTIONS}
    with make_client(wire.url, **client_options) as client:
        return fetch(client, client.build_request("GET", path), accept, **options)


CLIENT_OPTIONS = {"timeout_s", "max_body_bytes", "limiter", "on_call", "headers", "methods"}


def test_an_answer_comes_back_whole(serve, reply):
    """What the source sends is what a connector gets, packed or not."""
    wire = serve(lambda asked: reply(gzip.compress(b'{"a": 1}'), Content_Encoding="gzip"))
    assert get(wire).content == b'{"a": 1}'
    assert wire.asked[0].headers["accept-encoding"] == "gzip"


def test_bodies_do_not_pile_up(serve, reply):
    """An answer is gone when it has been read, and does not wait for the garbage collector."""
    wire = serve(lambda asked: reply(b"[1, 2, 3]"))
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            get(wire)
        assert [answer for answer in gc.get_objects() if isinstance(answer, httpx.Response)] == []
    finally:
        gc.enable()


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_source_out_of_order_is_asked_again(serve, reply, waits, status):
    """A source that is down for a moment costs nothing but a moment."""
    statuses = iter([status, status, 200])
    wire = serve(lambda asked: reply(b'{"ok": true}', next(statuses)))
    assert get(wire).content == b'{"ok": true}'
    assert len(wire.asked) == 3
    assert len(waits) == 2


def test_attempts_are_bounded(serve, reply, waits):
    """A source that stays down is given up after the attempts of the connection, with its own words."""
    wire = serve(lambda asked: reply(b"under repair", 503, Content_Type="text/plain"))
    with pytest.raises(Unavailable, match="503: under repair"):
        get(wire, attempts=3)
    assert len(wire.asked) == 3


def test_a_write_is_sent_once(serve, reply, waits):
    """A request that may change something is not repeated on the chance that it did not arrive."""
    wire = serve(lambda asked: reply(b"", 503))
    with make_client(wire.url, methods=("POST",)) as client, pytest.raises(Unavailable):
        fetch(client, client.build_request("POST", "/order", content=b"x"), accept)
    assert len(wire.asked) == 1


def test_too_many_requests_is_waited_for_as_asked(serve, reply, waits):
    """The four forms of Retry-After: seconds, a date, nonsense, and a day; the last is not waited for."""
    forms = iter(["2", format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True), "abc", "86400"])
    wire = serve(lambda asked: reply(b"", 429, Retry_After=next(forms)))
    with make_client(wire.url) as client, pytest.raises(RateLimited, match="wait 86400 s") as caught:
        fetch(client, client.build_request("GET", "/"), lambda body: accept(body, default_wait_s=60), attempts=8)
    assert len(wire.asked) == 4
    assert waits[0] == 2
    assert 25 < waits[1] <= 31
    assert waits[2] == 60
    assert len(waits) == 3
    assert caught.value.wait_s == 86400


def test_waiting_has_an_end(serve, reply, waits):
    """However often a source asks to wait, a run waits five minutes for one request and no longer."""
    wire = serve(lambda asked: reply(b"", 429, Retry_After="100"))
    with pytest.raises(RateLimited):
        get(wire, attempts=20)
    assert sum(waits) == 300
    assert len(wire.asked) == 4


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 1.0), ("7", 7.0), ("abc", None), ("", None), ("-5", None), ("1e9", None), ("9" * 40, None)],
)
def test_retry_after_values(value, seconds):
    """Only what the standard allows is a wait, and none is shorter than a second."""
    assert retry_after(httpx.Headers({"Retry-After": value})) == seconds


def test_retry_after_trusts_the_sources_own_clock():
    """A date is measured from the date of the answer, so that a wrong clock here does no harm."""
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:40 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert retry_after(httpx.Headers(headers)) == 40


def test_a_truncated_body_is_read_again(serve, reply, waits):
    """An answer shorter than it said is never taken for the whole."""
    whole = reply(b'{"records": [1, 2, 3]}')
    answers = iter([whole[:-5], whole])
    wire = serve(lambda asked: next(answers))
    assert get(wire).content == b'{"records": [1, 2, 3]}'


def test_a_body_that_stays_truncated_fails(serve, reply, waits):
    """If the line cuts every answer, the run fails and says where."""
    wire = serve(lambda asked: reply(b"x" * 100)[:-5])
    with pytest.raises(IncompleteBody, match=r"/data ended before it was complete"):
        get(wire)
    assert len(wire.asked) == 4


def test_half_a_packed_body_is_not_the_whole(serve, reply, waits):
    """A packed answer that was cut before it was sent is noticed although its length is right."""
    packed = gzip.compress(b"y" * 10_000)
    wire = serve(lambda asked: reply(packed[: len(packed) // 2], Content_Encoding="gzip"))
    with pytest.raises(IncompleteBody):
        get(wire, attempts=1)


def test_a_broken_connection_is_asked_again(serve, reply, waits):
    """A connection that breaks off in the middle costs one repetition of that request."""
    whole = reply(b"z" * 1000)
    answers = iter([[whole[:500], b"\0reset\0"], [b"\0reset\0"], whole])
    wire = serve(lambda asked: next(answers))
    assert get(wire).content == b"z" * 1000
    assert len(wire.asked) == 3


def test_nobody_there(waits):
    """An address where nobody answers is named."""
    with make_client("http://127.0.0.1:9") as client, pytest.raises(Unavailable, match=r"127\.0\.0\.1 cannot be"):
        fetch(client, client.build_request("GET", "/"), accept)
    assert len(waits) == 3


def test_an_unknown_name(waits, monkeypatch):
    """A host name that does not exist is named, and tried again, since resolvers fail too."""

    def unknown(*args, **kwargs):
        raise net.socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(net.socket, "getaddrinfo", unknown)
    with make_client("https://nowhere.example") as client, pytest.raises(Unavailable, match=r"nowhere\.example"):
        fetch(client, client.build_request("GET", "/"), accept)
    assert len(waits) == 3


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_dripping_answer_meets_the_deadline(serve, reply, where):
    """A source that sends a byte now and then does not hold a run for ever, although no single read is late."""
    whole = reply(b"d" * 500)
    fast = 0 if where == "head" else len(whole) - 450

    def drip() -> Iterator[bytes]:
        yield whole[:fast]
        for at in range(fast, len(whole)):
            if wire.stopped.wait(0.05):
                return
            yield whole[at : at + 1]

    wire = serve(lambda asked: drip())
    with pytest.raises(Deadline, match="within"):
        get(wire, timeout_s=0.4, attempts=1)


def test_a_packed_bomb_is_not_unpacked(serve, reply):
    """A small answer that unpacks to gigabytes is refused at the limit, and memory stays small."""
    bomb = gzip.compress(bytes(200 * 1024 * 1024), 1)
    wire = serve(lambda asked: reply(bomb, Content_Encoding="gzip"))
    tracemalloc.start()
    with pytest.raises(ResponseTooLarge, match="larger than 8 MB"):
        get(wire, max_body_bytes=8 * 1024 * 1024)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(wire.asked) == 1
    assert peak < 32 * 1024 * 1024 + len(bomb)


def test_an_endless_answer_is_cut_off(serve, reply):
    """An answer without end is refused at the limit."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    wire = serve(lambda asked: itertools.chain([head], itertools.repeat(b"e" * 65536)))
    with pytest.raises(ResponseTooLarge):
        get(wire, max_body_bytes=1024 * 1024)


def test_exactly_the_limit_is_no_bomb():
    """The limit itself is allowed, packed or not."""
    headers = httpx.Headers({"content-encoding": "gzip"})
    assert len(_unpack([gzip.compress(bytes(1000))], headers, 1000, "here")) == 1000
    assert len(_unpack([bytes(1000)], httpx.Headers(), 1000, "here")) == 1000
    with pytest.raises(ResponseTooLarge):
        _unpack([gzip.compress(bytes(1001))], headers, 1000, "here")


def test_a_packing_that_was_not_asked_for(serve, reply):
    """An answer in a packing that we did not ask for is an error, not garbage."""
    wire = serve(lambda asked: reply(b"?", Content_Encoding="br"))
    with pytest.raises(SourceError, match="br"):
        get(wire)


def test_a_page_of_another_kind_says_so(serve, reply):
    """A login page instead of data names the address and how it begins, without the secrets in it."""
    wire = serve(
        lambda asked: reply(
            "<html>\n<b>Please sign in</b> password=canary-page-1", Content_Type="text/html; charset=utf-8"
        )
    )
    with pytest.raises(UnexpectedContentType, match=r"/data answered 200 with text/html .*Please sign in") as caught:
        expect_content_type(get(wire), "application/json")
    assert "canary" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_not_tried_again(serve, reply, status):
    """A wrong password is told at once, not tried four times."""
    wire = serve(lambda asked: reply(b"no", status))
    with pytest.raises(AuthRejected):
        get(wire)
    assert len(wire.asked) == 1


@pytest.mark.parametrize("location", ["https://elsewhere.example/x", "/login", "http://[broken"])
def test_redirects_are_not_followed(serve, reply, location):
    """A redirect is reported, so that credentials never follow it to another host."""
    wire = serve(lambda asked: reply(b"", 302, Location=location))
    with pytest.raises(SourceError):
        get(wire, headers={"Authorization": "Bearer canary-redirect-1"})
    assert len(wire.asked) == 1


def test_a_reader_cannot_write(serve, reply):
    """A connection that only reads cannot send anything else, whatever the code above it does."""
    wire = serve(lambda asked: reply())
    with make_client(wire.url) as client:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with pytest.raises(WriteRefused, match=method):
                fetch(client, client.build_request(method, "/data"), accept)
    assert wire.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "http://erp.example/x",  # in the clear
        "http://2130706433:{port}/",  # this machine in disguise
        "https://0x7f000001:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/",
        "https://169.254.169.254/latest",  # cloud metadata
        "https://[fe80::1]/",
        "https://0.0.0.0:{port}/",
        "https://224.0.0.1/",
        "ftp://files.example/",
        "https://user:canary-userinfo-1@127.0.0.1:{port}/",
    ],
)
def test_addresses_that_are_not_for_us(serve, reply, address):
    """Neither a slip nor malice in a base URL reaches this machine, the cloud's metadata, or the open net in clear."""
    wire = serve(lambda asked: reply())
    port = wire.url.rpartition(":")[2]
    with make_client() as client, pytest.raises(BlockedAddress) as caught:
        fetch(client, client.build_request("GET", address.format(port=port)), accept)
    assert "canary" not in str(caught.value)
    assert wire.asked == []


def test_a_name_that_leads_back_to_this_machine(serve, reply, monkeypatch):
    """A public name that resolves to this machine or to the metadata service is refused at the moment of connecting."""
    for address in ("127.0.0.1", "169.254.169.254", "::1"):
        found = [(2, 1, 6, "", (address, 443))]
        monkeypatch.setattr(net.socket, "getaddrinfo", lambda *args, found=found, **kwargs: found)
        with pytest.raises(BlockedAddress, match=r"trap\.example"):
            net.resolve("trap.example", 443)


def test_waiting_is_told_in_a_sentence(serve, reply, waits, caplog):
    """Whoever looks on reads which fault it is and how long is waited, and no secret."""
    answers = iter([reply(b"not now", 503), reply(b"{}")])
    wire = serve(lambda asked: next(answers))
    with make_client(wire.url) as client:
        fetch(client, client.build_request("GET", "/things?token=canary-wait-1"), accept)
    (told,) = [record.getMessage() for record in caplog.records if record.name == "connectors.retrying"]
    assert re.fullmatch(r"Unavailable: .*503.* Trying again in [0-9.]+ s \(attempt 2\)\.", told)
    assert "canary" not in told


def test_plain_http_by_permission_is_warned_of(monkeypatch, caplog, waits):
    """Whoever allows plain http is told on every run what that means."""
    monkeypatch.setattr(net, "resolve", lambda host, port: ["127.0.0.1"])
    with make_client("http://erp.example:9", allow_http=True) as client, pytest.raises(Unavailable):
        fetch(client, client.build_request("GET", "/"), accept)
    assert [record.levelname for record in caplog.records if "without encryption" in record.message] == ["WARNING"]


def test_a_certificate_that_nobody_vouches_for(tmp_path):
    """A self-signed source is refused by name, and the request never leaves."""
    with tls_server(tmp_path, "localhost") as (port, received):
        with (
            make_client(f"https://localhost:{port}") as client,
            pytest.raises(TlsError, match=r"localhost: self.signed"),
        ):
            fetch(client, client.build_request("GET", "/", headers={"Authorization": "Bearer canary-tls-1"}), accept)
        assert received == []


def test_a_certificate_for_somebody_else(tmp_path, monkeypatch):
    """A valid certificate of another host is refused too."""
    with tls_server(tmp_path, "other.example") as (port, received):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        with make_client(f"https://localhost:{port}") as client, pytest.raises(TlsError, match="ostname mismatch"):
            fetch(client, client.build_request("GET", "/"), accept)
        assert received == []


def test_ones_own_authority_is_accepted(tmp_path, monkeypatch):
    """A company's own authority, named in SSL_CERT_FILE, is trusted."""
    with tls_server(tmp_path, "localhost") as (port, received):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        with make_client(f"https://localhost:{port}") as client:
            assert fetch(client, client.build_request("GET", "/"), accept).content == b"{}"
        assert received


def test_every_request_asks_the_limiter_and_is_reported(serve, reply, waits):
    """Limits hold for repetitions too, and the call log has host, path and status but no query."""
    events: list[object] = []

    class Counting:
        @contextmanager
        def slot(self) -> Iterator[None]:
            events.append("in")
            yield
            events.append("out")

    statuses = iter([503, 200])
    wire = serve(lambda asked: reply(b"{}", next(statuses)))
    get(wire, "/data?token=canary-query-1", limiter=Counting(), on_call=lambda *call: events.append(call[:4]))
    host = "127.0.0.1"
    assert events == ["in", ("GET", host, "/data", 503), "out", "in", ("GET", host, "/data", 200), "out"]


@contextmanager
def tls_server(folder, name: str) -> Iterator[tuple[int, list[bytes]]]:
    """A TLS server with a certificate of its own making."""
    import socket

    make_certificate(folder, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    received: list[bytes] = []

    def serve_all() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(peer, server_side=True) as secure:
                    received.append(secure.recv(65536))
                    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            except OSError:
                continue

    Thread(target=serve_all, daemon=True).start()
    try:
        yield listener.getsockname()[1], received
    finally:
        listener.close()


def make_certificate(folder, name: str) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
