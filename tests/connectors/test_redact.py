"""Secrets stay out of everything that is written down."""

import io
import json
import logging
import subprocess
import sys
from urllib.parse import quote_plus

import pytest

from connectors.redact import MASK, RedactingFilter, Redactor

CANARY = "canary/refresh+1=é\"'x"

SHAPES = [
    "Authorization: Bearer canary-value-1",
    "authorization: Basic canary-value-1=",
    "{'Authorization': 'Bearer canary-value-1', 'Accept': 'text/plain'}",
    "[('authorization', 'Bearer canary-value-1')]",
    "[(b'Authorization', b'Basic canary-value-1')]",
    "the header was Bearer canary-value-1, it said",
    '{"refresh_token": "canary-value-1", "expires_in": 3600}',
    '{"access_token":"canary-value-1"}',
    '"{\\"refresh_token\\": \\"canary-value-1\\"}"',
    "{'client_secret': 'canary-value-1'}",
    "password=canary-value-1&user=x",
    "password=bcanary-value-1",
    "PASSWORD = 'canary value-1'",
    "dsn host=db password=canary-value-1 port=5432",
    "postgresql://landfall:canary-value-1@127.0.0.1:5432/landfall",
    "https://canary-value-1@git.example/x",
    "redis://:canary-value-1@cache.example/0",
    "GET /callback?code=canary-value-1&state=7 HTTP/1.1",
    "https://api.example/v1?api_key=canary-value-1",
    "https://api.example/v1?x=1&sig=canary-value-1#top",
    "X-Api-Key: canary-value-1",
    "Set-Cookie: session=canary-value-1; Path=/",
    "Cookie: a=1; b=canary-value-1",
    'OAuth realm="1", oauth_token="canary-value-1", oauth_signature="canary-value-1"',
    "SecretStr => canary-value-1",
    "-----BEGIN RSA PRIVATE KEY-----\ncanary-value-1\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\ncanary-value-1 and cut off",
    "jwt eyJjYW5hcnkiOiJ2YWx1ZSJ9.eyJjYW5hcnktdmFsdWUtMSI6MX0.canary-value-1",
]


@pytest.mark.parametrize("text", SHAPES)
def test_shapes_that_give_a_secret_away(text):
    """Headers, fields, addresses and keys are masked although nobody registered the value; twice is as once."""
    clean = Redactor().redact(text)
    assert "canary" not in clean
    assert "anary" not in clean
    assert MASK in clean
    assert Redactor().redact(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "customer page 7 of 20",
        "https://oauth.example:8443/tokens/bearer answered 400 with fault 3200",
        "SELECT * FROM Customer WHERE MetaData.LastUpdatedTime >= '2026-05-05T02:11:41-07:00'",
        '{"token_type": "bearer", "token_url": "https://x.example/t"}',
        "the bearer of bad news, basic configuration",
        "mail someone@example.com about https://x.example/a?b=1",
        "errorCode=003001; statusCode=429",
    ],
)
def test_what_one_looks_for_in_a_log_stays(text):
    """Ordinary messages are left as they are."""
    assert Redactor().redact(text) == text


def test_known_values_in_every_form():
    """A registered secret is found raw, in JSON, in a repr, in an address, and beside another that contains it."""
    redactor = Redactor()
    redactor.add(CANARY)
    redactor.add("canary")
    for form in (CANARY, json.dumps(CANARY), repr(CANARY), quote_plus(CANARY), f"{CANARY}canary"):
        clean = redactor.redact(f"before {form} after")
        assert "canary" not in clean
        assert "refresh" not in clean


def test_nothing_is_no_secret():
    """Empty and very short values do not blank out a log."""
    redactor = Redactor()
    for value in (None, "", "  ", "    ", "ab"):
        redactor.add(value)
    assert redactor.redact("ab  abc") == "ab  abc"


def test_a_snippet_is_redacted_before_it_is_cut():
    """The beginning of an answer holds no half of a secret, no line break and no control character."""
    redactor = Redactor()
    redactor.add("canary-snippet-1")
    snippet = redactor.snippet(b"x" * 70 + b" canary-snippet-1\r\n\x1b[31mred \xff" + b"y" * 99)
    assert "canary" not in snippet
    assert len(snippet) == 80
    assert redactor.snippet("a\r\n\tb\x1b[0m") == "a b [0m"


def test_long_texts_are_quick():
    """A megabyte of anything is cleaned without the patterns running wild."""
    redactor = Redactor()
    for text in ("a" * 10**6, "token" * 10**5, "=" * 10**5, '"' * 10**5, "://" * 10**5, "\\" * 10**5):
        redactor.redact(text)


@pytest.fixture
def written():
    """A logger of its own with the filter on its handler, and what it wrote."""
    redactor = Redactor()
    redactor.add("canary-known-1")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(extra)s", defaults={"extra": ""}))
    handler.addFilter(RedactingFilter(redactor))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    return logger, stream


class Holder:
    """Something that shows a secret when printed."""

    def __str__(self) -> str:
        return "holder of canary-known-1"


def test_logs_hold_no_secret(written):
    """Message, arguments of all kinds, tracebacks with causes, stacks and extra fields are clean."""
    logger, stream = written
    logger.warning("token is canary-known-1")
    logger.warning("got %s and %r", "canary-known-1", {"password": "canary-other-1"})
    logger.warning("password=%s", "canary-split-1")
    logger.warning("%(a)s", {"a": "canary-known-1"})
    logger.warning("%s", Holder())
    logger.warning(ValueError("canary-known-1"))
    logger.warning("wrong format %d", "canary-known-1")
    logger.warning("x", extra={"extra": "canary-known-1"})
    logger.warning("x", stack_info=True)
    try:
        try:
            int("Bearer canary-inner-1")
        except ValueError as error:
            raise RuntimeError("https://u:canary-outer-1@h.example") from error
    except RuntimeError:
        logger.exception("it failed")
    assert "canary" not in stream.getvalue().replace(__file__, "").replace('"canary-known-1"', "")
    assert "RuntimeError: https://u:***@h.example" in stream.getvalue()
    assert "ValueError: invalid literal" in stream.getvalue()


def test_arguments_that_others_unpack_stay(written):
    """An access log that takes its arguments apart still gets them, clean."""
    logger, _ = written
    record = logger.makeRecord(
        "access", logging.INFO, "", 0, '%s - "%s %s" %d', ("127.0.0.1", "GET", "/cb?code=canary-code-1", 200), None
    )
    RedactingFilter(Redactor()).filter(record)
    assert record.args == ("127.0.0.1", "GET", "/cb?code=***", 200)


SCRIPT = """
import logging, sys
from connectors import redact
logging.basicConfig(stream=sys.stdout, format="%(name)s %(message)s")
own = logging.getLogger("own"); own.propagate = False
own.addHandler(logging.StreamHandler(sys.stdout))
redact.install(); redact.install()
redact.REDACTOR.add("canary-install-1")
later = logging.getLogger("later"); later.propagate = False
later.addHandler(logging.StreamHandler(sys.stdout))
for name in ("own", "later", "some.child"):
    logging.getLogger(name).error("says canary-install-1 and %s", "password=canary-install-2")
print(sum(isinstance(each, redact.RedactingFilter) for each in own.handlers[0].filters))
raise RuntimeError("canary-install-1 at the end")
"""


def test_install_covers_the_whole_process():
    """Once installed, every logger, later handlers and the last traceback are clean; installing twice is once."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.count("says *** and password=***") == 3
    assert done.stdout.rstrip().endswith("\n1")
    assert "RuntimeError: *** at the end" in done.stderr
    assert "canary" not in done.stdout + done.stderr.replace("raise RuntimeError", "")
