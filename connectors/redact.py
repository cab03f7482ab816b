"""Keeps secrets out of logs, errors and everything else that is written down.

Two nets: values that are known (tokens and passwords are registered the moment they are), and shapes that give a
secret away (headers, key=value pairs, JSON fields, addresses with a password).
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable
from threading import Lock
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
# Shorter values would blank out ordinary words all over a log.
SHORTEST_SECRET = 4

_NAMES = (
    r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|encryption[_-]?key"
    r"|credentials?|signature|verifier|assertion|session[_-]?id)"
)
# token_url, token_type and the like are no secrets, and their values are what one looks for in a log.
_HARMLESS = r"(?![_-]?(?:type|url|uri|endpoint|expires\w*|count)\b)"
_QUOTED = r"""(?P<q>\\*["'])(?P<quoted>.*?)(?P=q)"""

_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_SCHEME = re.compile(r"(?i:\b(bearer|basic|token)\s+)(?=\S*[0-9A-Z=])[A-Za-z0-9._~+/=-]{8,}")
_HEADER = re.compile(
    r"""(?i)((?:proxy-)?authorization\\*["']?\s{0,3}[:=,]\s{0,3}(?:b(?=\\*["']))?\\*["']?)(?:[a-z]+\s+)?[^\s"',;}\\]+"""
)
_COOKIE = re.compile(r"""(?i)(\b(?:set-)?cookie\\*["']?\s{0,3}[:=,]\s{0,3}(?:b(?=\\*["']))?\\*["']?)[^\r\n"'\\]+""")
_PAIR = re.compile(
    rf"""(?i)({_NAMES}{_HARMLESS}[\w-]{{0,30}}\\*["']?\s{{0,3}}(?:=>|[:=])\s{{0,3}}(?:[bru](?=\\*["']))?)(?:{_QUOTED}|(?P<bare>[^\s,;&"'\])}}>\\]+))"""
)
_USERINFO = re.compile(r"""([A-Za-z][A-Za-z0-9+.-]{0,30}://)(?:([^\s/?#@:"'<>]*):)?[^\s/?#"'<>]*@""")
_QUERY = re.compile(r"""(?i)([?&](?:code|sig|key|auth|jwt|hmac)=)[^&\s#"'<>\\]+""")
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*")


def _pair(match: re.Match[str]) -> str:
    mark = match["q"] or ""
    return f"{match[1]}{mark}{MASK}{mark}"


def _userinfo(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}:{MASK}@" if match[2] else f"{match[1]}{MASK}@"


_SHAPES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (_PEM, MASK),
    (_USERINFO, _userinfo),
    (_HEADER, rf"\1{MASK}"),
    (_COOKIE, rf"\1{MASK}"),
    (_PAIR, _pair),
    (_SCHEME, rf"\1 {MASK}"),
    (_QUERY, rf"\1{MASK}"),
    (_JWT, MASK),
)


class Redactor:
    """Replaces secrets in texts; safe to share between threads."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self._lock = Lock()

    def add(self, value: str | None) -> None:
        """Remember a secret value, in the forms in which it may be written down.

        Values under four characters are ignored.
        """
        if not value or len(value) < SHORTEST_SECRET or value.isspace():
            return
        forms = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], repr(value)[1:-1]}
        with self._lock:
            if forms <= self._values:
                return
            self._values |= forms
            # The longest first, so that a secret that contains another leaves no rest.
            ordered = sorted(self._values, key=len, reverse=True)
            self._known = re.compile("|".join(re.escape(each) for each in ordered))

    def redact(self, text: str) -> str:
        """Return the text with every known value and every telling shape masked. Doing it twice changes nothing."""
        known = self._known
        if known is not None:
            text = known.sub(MASK, text)
        for shape, mask in _SHAPES:
            text = shape.sub(mask, text)
        return text

    def snippet(self, content: bytes | str, limit: int = 80) -> str:
        """The first ``limit`` characters of an answer, on one line, redacted before they are cut."""
        text = content[:65536].decode("utf-8", "replace") if isinstance(content, bytes) else content[:65536]
        flat = " ".join("".join(each if each.isprintable() else " " for each in text).split())
        return self.redact(flat)[:limit]


_ORDINARY = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class RedactingFilter(logging.Filter):
    """Cleans log records: message, arguments, traceback, stack and extra fields."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redact = redactor.redact

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record in place; it is always let through."""
        self._clean_message(record)
        self._clean_traceback(record)
        if record.stack_info:
            record.stack_info = self._redact(record.stack_info)
        for name, value in record.__dict__.items():
            if name not in _ORDINARY:
                record.__dict__[name] = self._value(value)
        return True

    def _value(self, value: Any) -> Any:
        """The value itself where it gives nothing away, else its redacted text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        text = value if isinstance(value, str) else str(value)
        clean = self._redact(text)
        return value if clean == text else clean

    def _clean_message(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError):
            text = f"{record.msg} {record.args}"  # a wrong format string is no reason to let a secret through
        clean = self._redact(text)
        if isinstance(record.args, tuple):
            # Formatters of others (an access log's) unpack the arguments: keep them where that is safe.
            arguments = tuple(self._value(each) for each in record.args)
            if arguments == record.args and clean == text:
                return
            probe = logging.makeLogRecord({"msg": record.msg, "args": arguments})
            try:
                if probe.getMessage() == clean:
                    record.args = arguments
                    return
            except (TypeError, ValueError, KeyError):
                pass
        elif clean == text:
            return
        record.msg, record.args = clean, ()

    def _clean_traceback(self, record: logging.LogRecord) -> None:
        if isinstance(record.exc_info, tuple) and record.exc_info[0] is not None:
            text = record.exc_text or "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            clean = self._redact(text)
            if clean != text:
                # Handlers that format the exception themselves would print it as it was.
                record.exc_info, record.exc_text = None, clean
        elif record.exc_text:
            record.exc_text = self._redact(record.exc_text)


REDACTOR = Redactor()
"""The redactor of this process: connectors register what they learn, logging is cleaned with it."""

redact = REDACTOR.redact


def install() -> None:
    """Clean all logging of this process, and uncaught exceptions. May be called again; it then covers new handlers.

    Records are cleaned where they are made, so handlers that are added later see clean ones too; the filter on the
    handlers that exist cleans what is attached to a record afterwards (``extra``).
    """
    global _filter
    if _filter is None:
        _filter = RedactingFilter(REDACTOR)
        _clean_at_source(_filter)
        sys.excepthook = _clean_excepthook(sys.excepthook)
    names = list(logging.root.manager.loggerDict)
    for logger in (logging.root, *(logging.getLogger(name) for name in names)):
        for handler in logger.handlers:
            handler.addFilter(_filter)  # adding it twice does nothing


_filter: RedactingFilter | None = None


def _clean_at_source(cleaner: RedactingFilter) -> None:
    make = logging.getLogRecordFactory()

    def make_clean(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        cleaner.filter(record)
        return record

    logging.setLogRecordFactory(make_clean)


type_hook = Callable[[type[BaseException], BaseException, TracebackType | None], Any]


def _clean_excepthook(ordinary: type_hook) -> type_hook:
    def hook(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        text = "".join(traceback.format_exception(kind, error, where))
        clean = redact(text)
        if clean == text:
            ordinary(kind, error, where)
        else:
            sys.stderr.write(clean)

    return hook
