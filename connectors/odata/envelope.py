"""From the bytes of an answer to undecoded records.

The fast way is msgspec. It refuses what other parsers let pass (half a surrogate pair, a bare line break in a text), and
one such record must not cost the page it is on: then the careful way finds where each record begins and ends.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from connectors.odata.dialect import Dialect, Version

# Numbers stay text: nothing is computed here, and Python refuses integers of more than 4,300 digits.
_careful = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
_BLANK = re.compile(r"[ \t\r\n]*")


class Answer(msgspec.Struct, frozen=True):
    """A page: its records as their own JSON texts, in the order received, and the address of the next, if any."""

    records: list[msgspec.Raw]
    link: str | None = None


class _Results(msgspec.Struct):
    results: list[msgspec.Raw]
    link: str | None = msgspec.field(default=None, name="__next")


class _Verbose(msgspec.Struct):
    d: _Results | list[msgspec.Raw]  # a bare list is version 1, which some servers of version 2 still write


class _Light(msgspec.Struct):
    value: list[msgspec.Raw]
    link: str | None = msgspec.field(default=None, name="odata.nextLink")


class _Plain(msgspec.Struct):
    value: list[msgspec.Raw]
    link: str | None = msgspec.field(default=None, name="@odata.nextLink")


_DECODERS: Mapping[Version, msgspec.json.Decoder[Any]] = {
    "2.0": msgspec.json.Decoder(_Verbose),
    "3.0": msgspec.json.Decoder(_Light),
    "4.0": msgspec.json.Decoder(_Plain),
}


def answer(content: bytes, dialect: Dialect) -> Answer:
    """Take a page apart.

    msgspec.ValidationError if it is JSON of another shape, ValueError if it is no whole JSON document,
    RecursionError if it is nested too deeply.
    """
    try:
        found = _DECODERS[dialect.version].decode(content)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return _with_care(content.decode("utf-8", "surrogateescape"), dialect)
    if isinstance(found, _Verbose):
        inner = found.d
        return Answer(inner) if isinstance(inner, list) else Answer(inner.results, inner.link)
    return Answer(found.value, found.link)


def parse(record: msgspec.Raw | bytes) -> Any:
    """A record as Python values, numbers as their texts; None for what is no JSON by anybody's rules."""
    try:
        return _careful.decode(bytes(record).decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return None


def _with_care(text: str, dialect: Dialect) -> Answer:
    _, end = _careful.raw_decode(text, _after_blanks(text, 0))
    if text[end:].strip():
        raise ValueError("something follows the document")
    at = _after_blanks(text, 0)
    for name in dialect.records[:-1]:
        at = dict(_members(text, at))[name]
    members = dict(_members(text, at))
    if dialect.records[-1] not in members:
        raise ValueError("no list of records in it")
    link = _careful.raw_decode(text, members[dialect.link])[0] if dialect.link in members else None
    pieces = [text[begin:end] for begin, end in _elements(text, members[dialect.records[-1]])]
    return Answer([msgspec.Raw(each.encode("utf-8", "surrogateescape")) for each in pieces], link)


def _after_blanks(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """The members of the object that begins here: name, and where the value begins. The text is known to be JSON."""
    if text[at] != "{":
        return
    at = _after_blanks(text, at + 1)
    while text[at] != "}":
        name, at = _careful.raw_decode(text, at)
        at = _after_blanks(text, _after_blanks(text, at) + 1)
        yield name, at
        _, at = _careful.raw_decode(text, at)
        at = _after_blanks(text, at)
        if text[at] == ",":
            at = _after_blanks(text, at + 1)


def _elements(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Where each element of the list that begins here begins and ends."""
    if text[at] != "[":
        raise ValueError("no list of records in it")
    at = _after_blanks(text, at + 1)
    while text[at] != "]":
        _, end = _careful.raw_decode(text, at)
        yield at, end
        at = _after_blanks(text, end)
        if text[at] == ",":
            at = _after_blanks(text, at + 1)
