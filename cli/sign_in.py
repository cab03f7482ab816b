"""The part of `landfall connect --sign-in` that waits for a person: the address to open, and the redirect that follows.

The redirect arrives on a port of this machine, or is pasted: vendors allow loopback addresses for trials only, and
then the browser ends on a page of one's own, whose address is all that is needed.
"""

import json
import secrets
import socket
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

from cli.console import FAILED, fail, note

REDIRECT_URI = "http://localhost:8737/callback"  # the developer portal wants it named; no known service has the port
WAIT_S = 300.0
REMIND_S = 30.0
LOOPBACK = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "::1": "::1"}
_PAGE = b"<!doctype html><title>Landfall</title><p>Landfall has the answer; go on in the terminal and close this window.</p>"


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where the browser was sent back to, and the redirect address and state that were sent along."""

    url: str
    redirect_uri: str
    state: str


def begin(where: Path, address: Callable[[str], str], redirect_uri: str, wait_s: float, browser: bool) -> Redirect:
    """Show the address to open (made from a state) and wait for the redirect; too late, the command fails.

    ``where`` is a file that keeps the state, for whoever pastes the redirect later (see `resume`).
    """
    from warehouse.home import write_private

    state = secrets.token_urlsafe(24)
    write_private(where, json.dumps({"state": state, "redirect_uri": redirect_uri}))
    came: SimpleQueue[str] = SimpleQueue()
    with _listening(redirect_uri, came) as listens:
        note(f"Open this address, choose the company and allow the access:\n\n  {address(state)}\n")
        paste = "paste the address that the browser ends on here"
        note(f"Waiting for the browser to come back to {redirect_uri}, or {paste}." if listens else f"Then {paste}.")
        if browser:
            webbrowser.open(address(state))
        Thread(target=_read_pasted, args=(came,), daemon=True).start()
        url = _waited(came, wait_s)
    where.unlink(missing_ok=True)
    return Redirect(url, redirect_uri, state)


def resume(where: Path, url: str) -> Redirect:
    """The pasted redirect of a sign-in that was begun by an earlier command."""
    try:
        begun = json.loads(where.read_text())
    except (OSError, ValueError):
        fail("No sign-in has been begun for this connection here; leave --redirect out to begin one.", code="NoSignIn")
    where.unlink(missing_ok=True)
    return Redirect(url, begun["redirect_uri"], begun["state"])


@contextmanager
def _listening(redirect_uri: str, came: SimpleQueue[str]) -> Iterator[bool]:
    """Serve the redirect address, if it is one of this machine."""
    parts = urlsplit(redirect_uri)
    host = LOOPBACK.get(parts.hostname or "")
    if parts.scheme != "http" or host is None:
        yield False
        return

    family = socket.AF_INET6 if ":" in host else socket.AF_INET

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ours = urlsplit(self.path).path == (parts.path or "/") and "state=" in self.path
            self.send_response(200 if ours else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            if ours:
                self.wfile.write(_PAGE)
                came.put(f"{parts.scheme}://{parts.netloc}{self.path}")

        def log_message(self, *_: object) -> None:
            """The address holds a code, which belongs into no log."""

    class Server(ThreadingHTTPServer):
        address_family = family
        daemon_threads = True

    try:
        server = Server((host, parts.port or 80), Callback)
    except OSError as error:
        sentence = (
            f"Nothing can listen on {parts.netloc} ({error.strerror}); give another --redirect-uri, also in the portal."
        )
        fail(sentence, code="PortTaken")
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    try:
        yield True
    finally:
        server.shutdown()
        server.server_close()


def _read_pasted(came: SimpleQueue[str]) -> None:
    for line in sys.stdin:
        if line.strip():
            came.put(line.strip())
            return


def _waited(came: SimpleQueue[str], wait_s: float) -> str:  # noqa: RET503 -- fail() ends the command
    end = time.monotonic() + wait_s
    while (left := end - time.monotonic()) > 0:
        try:
            return came.get(timeout=min(left, REMIND_S))
        except Empty:
            if end - time.monotonic() > 1:
                note(f"still waiting for the sign-in, {end - time.monotonic():.0f} s left")
    fail(
        f"Nobody signed in within {wait_s:.0f} s. Begin again; or, if the browser has come back after all, run the same with"
        " --redirect 'ADDRESS', the one that it ended on.",
        code="SignInTimeout",
        status=FAILED,
    )
