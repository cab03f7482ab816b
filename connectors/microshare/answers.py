"""What Microshare's answers mean: records, pages, and each way in which it says no."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.errors import AuthRejected, Deadline, IncompleteBody, RateLimited, RecordNotFound, SourceError
from connectors.http import Body, accept, retry_after, unexpected
from connectors.microshare import jsontext
from connectors.redact import REDACTOR

RATE_LIMIT_WAIT_S = 60.0  # nobody has recorded a 429 of this vendor; a minute is what others mean by it


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of records, undecoded. What it says of itself is None where it does not say.

    ``total`` counts records that the account may not see: it proves nothing, and only tells that there may be more.
    """

    records: list[msgspec.Raw]
    page: int | None
    pages: int | None
    total: int | None

    def is_last(self, number: int) -> bool:
        """Whether nothing comes after this one, asked for as page ``number``; without page numbers an empty one is."""
        return number >= self.pages if self.pages else not self.records


def read(body: Body) -> Answer:
    """The records of an answer; raises what any other answer means."""
    refuse(body)
    start = body.content[:64].lstrip()[:1]
    if start != b"{":
        raise unexpected(body, "application/json")
    try:
        envelope = _ENVELOPE.decode(body.content)
        records, meta = envelope.objs, envelope.meta
    except msgspec.ValidationError as error:
        said = REDACTOR.snippet(body.content)
        raise SourceError(f"{body.where} answered in a shape that is not documented ({error}): {said}") from None
    except (msgspec.DecodeError, RecursionError):
        records, meta = _read_with_care(body)
    numbers = meta if isinstance(meta, Mapping) else {}
    return Answer(records, *(_count(numbers.get(name)) for name in ("currentPage", "totalPages", "totalCount")))


def refuse(body: Body) -> None:
    """Raise what a status other than success means at this vendor."""
    if 200 <= body.status < 300:
        return
    said = REDACTOR.snippet(body.content)
    if body.status == 401:
        raise AuthRejected(
            f"{body.where} refuses the token, also a new one: the account lacks a right. It says: {said}"
        )
    if body.status == 403:
        raise AuthRejected(f"{body.where} answered 403, also with a slash at the end of the path: {said}")
    if body.status == 404:
        raise RecordNotFound(
            f"{body.where} answered 404: it is not there, or the account may not see it. It says: {said}"
        )
    if body.status == 503 and retry_after(body.headers) is None:
        # The vendor says so when it cannot read the question; asking the same again gives the same answer.
        raise SourceError(f"{body.where} answered 503, its way of refusing a question that it cannot read: {said}")
    if body.status == 504:
        raise Deadline(f"{body.where} answered 504: the list is too long to be put together in time.")
    accept(body, default_wait_s=RATE_LIMIT_WAIT_S)


def written(body: Body) -> None:
    """Whether a change was carried out: nothing if it was; `Doubt` if nobody knows; an error if it was refused."""
    if body.status >= 500:
        raise Doubt(f"answered {body.status}: {REDACTOR.snippet(body.content)}")
    if body.status == 429:
        raise RateLimited(f"{body.where} answers that there were too many requests; nothing was changed.")
    refuse(body)
    if body.content[:64].lstrip()[:1] not in (b"{", b""):
        raise Doubt(f"answered {body.status} with something else than JSON: {REDACTOR.snippet(body.content)}")


class Doubt(Exception):
    """An answer that does not say whether a change was carried out."""


def moment(value: Any) -> datetime | None:
    """A time in milliseconds since 1970, as a number or in the object of older records; None if it is none."""
    while isinstance(value, Mapping):
        value = value.get("$numberLong", value.get("$date"))
    try:
        return datetime.fromtimestamp(int(value) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


class _Envelope(msgspec.Struct):
    objs: list[msgspec.Raw]
    meta: Any = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def _read_with_care(body: Body) -> tuple[list[msgspec.Raw], Any]:
    """The same for a document that msgspec refuses, since one odd character must not cost the whole page."""
    text = body.content.decode("utf-8", "surrogateescape")
    try:
        places, _ = jsontext.members(text, jsontext.blank(text, 0), ["objs"])
    except (ValueError, RecursionError) as error:
        raise IncompleteBody(f"The answer of {body.where} is no whole JSON document: {error}.") from error
    found = {place.name: place for place in places}
    inner = found["objs"].inner if "objs" in found else None
    if inner is None:
        raise SourceError(f"{body.where} answered without a list of records: {REDACTOR.snippet(body.content)}")
    records = [msgspec.Raw(text[each.start : each.end].encode("utf-8", "surrogateescape")) for each in inner]
    return records, found["meta"].value if "meta" in found else None


def _count(value: Any) -> int | None:
    try:
        return int(value) if value is not None else None
    except (TypeError, ValueError):
        return None
