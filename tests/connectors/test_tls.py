"""Signing in by a certificate, against a real server that wants one."""

import ssl
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from blocks.erp_sap_s4 import SapS4
from connectors import tls
from connectors.errors import AuthRejected, TlsError
from connectors.http import fetch, make_client
from tests.authority import write_certificates


class Door(BaseHTTPRequestHandler):
    """Tells a client whose certificate it has shown."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        shown = self.connection.getpeercert()  # type: ignore[attr-defined]
        body = str(shown["subject"]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that wants a certificate of the tests' authority, by an old and a new version of TLS."""
    write_certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = request.param
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    context.load_verify_locations(tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as running:
        running.handle_error = lambda *_: None  # type: ignore[method-assign]
        running.socket = context.wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"https://localhost:{running.server_port}/"
        running.shutdown()


def pem_of(folder: Path, password: str = "") -> str:
    """Certificate and key, one after the other; the key encrypted where there is a password."""
    key = (folder / "server.key").read_bytes()
    if password:
        loaded = serialization.load_pem_private_key(key, None)
        how = serialization.BestAvailableEncryption(password.encode())
        key = loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    return (folder / "server.pem").read_text() + key.decode()


def ask(address: str, context: ssl.SSLContext | None) -> str:
    with make_client(context=context) as client:
        return fetch(client, client.build_request("GET", address), lambda body: body.content.decode(), attempts=1)


@pytest.mark.parametrize("password", ["", "canary-of-the-key"])
def test_the_certificate_is_shown_and_nothing_stays_on_disk(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """Who the server takes us for stands in the certificate; its key is on no disk afterwards."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    assert "localhost" in ask(server, tls.with_certificate(pem_of(tmp_path, password), password))
    assert list(place.iterdir()) == []


def test_a_server_that_refuses_the_certificate_refuses_the_login(server: str, tmp_path: Path) -> None:
    """One of an authority that the server does not trust: the sign-in is wrong, not the line."""
    other = tmp_path / "other"
    other.mkdir()
    write_certificates(other)
    with pytest.raises(AuthRejected, match="localhost does not accept the client certificate, or wants one"):
        ask(server, tls.with_certificate(pem_of(other)))


def test_a_server_that_misses_a_certificate_is_no_fault_of_the_line(server: str) -> None:
    """TLS 1.3 says what is missing, 1.2 only that there is no agreement; neither is tried again."""
    with pytest.raises((AuthRejected, TlsError), match=r"wants one|HANDSHAKE_FAILURE"):
        ask(server, None)


@pytest.mark.parametrize("wrong", ["no PEM", "key missing", "password missing", "password wrong", "another's key"])
def test_a_certificate_that_cannot_be_used_is_said_to_be(tmp_path: Path, wrong: str) -> None:
    """Nobody is asked for a password at a terminal, and the message holds nothing of the key."""
    write_certificates(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    write_certificates(other)
    pem, password = {
        "no PEM": ("canary", ""),
        "key missing": ((tmp_path / "server.pem").read_text(), ""),
        "password missing": (pem_of(tmp_path, "canary-one"), ""),
        "password wrong": (pem_of(tmp_path, "canary-one"), "canary-two"),
        "another's key": ((tmp_path / "server.pem").read_text() + (other / "server.key").read_text(), ""),
    }[wrong]
    with pytest.raises(AuthRejected, match="cannot be used") as told:
        tls.with_certificate(pem, password)
    assert "canary" not in str(told.value)


def test_a_block_signs_in_by_certificate_alone(tmp_path: Path) -> None:
    """A certificate is a sign-in of its own; its secrets never show."""
    write_certificates(tmp_path)
    block = SapS4(base_url="https://s4.example.com", client_certificate=pem_of(tmp_path))  # type: ignore[arg-type]
    block.client().close()
    assert "PRIVATE" not in f"{block!r} {block.model_dump_json()}"
