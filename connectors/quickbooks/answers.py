"""From the bytes of an answer to undecoded records and what paging must know of each.

The fast way is msgspec. It refuses what other parsers let pass (half a surrogate pair, a bare line break in a text), and
one such record must not cost the page it is on: then the careful way finds where each record begins and ends.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Annotated, Any

import msgspec

# Numbers stay text: nothing is computed here, and Python refuses integers of more than 4,300 digits.
_careful = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
_BLANK = re.compile(r"[ \t\r\n]*")
_TIME = re.compile(r'"time"\s*:\s*"([^"]*)"')


class Rows(list[msgspec.Raw]):
    """The records of one answer, each as its own JSON text; ``time`` is the vendor's clock, None if it did not say."""

    def __init__(self, records: Iterable[msgspec.Raw] = (), time: datetime | None = None) -> None:
        super().__init__(records)
        self.time = time


class Changes(msgspec.Struct, frozen=True):
    """What change data capture tells of one entity: the ids of deleted records, and of how many records it told.

    ``in_all`` is how many records of all entities the answer told of, ``groups`` in how many groups: one for each
    entity that was asked for, empty where nothing changed.
    """

    deleted: tuple[str, ...]
    objects: int
    time: datetime | None
    in_all: int = 0
    groups: int = 1


@cache
def _envelope(entity: str) -> msgspec.json.Decoder[Any]:
    """Decodes the answer to a query; no match, or past the end, comes as an empty QueryResponse."""
    empty: Any = msgspec.field(default_factory=list)
    response = msgspec.defstruct(
        "QueryResponse", [(entity, list[msgspec.Raw], empty), ("totalCount", int | None, None)]
    )
    return msgspec.json.Decoder(msgspec.defstruct("Envelope", [("QueryResponse", response), ("time", Any, None)]))


def rows(content: bytes, entity: str) -> Rows:
    """The records in a query's answer, in its order, and the vendor's time.

    msgspec.ValidationError if it is JSON of another shape, ValueError if it is no whole JSON document.
    """
    try:
        answer = _envelope(entity).decode(content)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return _rows_with_care(content, entity)
    return Rows(getattr(answer.QueryResponse, entity), moment(answer.time))


def _rows_with_care(content: bytes, entity: str) -> Rows:
    text = content.decode("utf-8", "surrogateescape")
    _, end = _careful.raw_decode(text)
    begin = re.search(rf'"{entity}"\s*:\s*\[', text)
    if begin is None or text[end:].strip():
        raise ValueError("no list of records in it")
    records = []
    at = _after_blanks(text, begin.end())
    while text[at] != "]":
        _, end = _careful.raw_decode(text, at)
        records.append(msgspec.Raw(text[at:end].encode("utf-8", "surrogateescape")))
        at = _after_blanks(text, end)
        if text[at] == ",":
            at = _after_blanks(text, at + 1)
    time = _TIME.search(text, at)
    return Rows(records, moment(time[1] if time else None))


def _after_blanks(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def total(content: bytes, entity: str) -> int | None:
    """The number in a COUNT's answer; errors as in `rows`."""
    counted: int | None = _envelope(entity).decode(content).QueryResponse.totalCount
    return counted


class _Told(msgspec.Struct):
    Id: Any = None
    status: Any = None


@cache
def _capture(entities: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """Decodes what change data capture answers; of the records no more than is needed, of other entities nothing."""
    empty: Any = msgspec.field(default_factory=list)
    group = msgspec.defstruct("Group", [(entity, list[_Told], empty) for entity in entities])
    response = msgspec.defstruct("Response", [("QueryResponse", list[group])])  # type: ignore[valid-type]
    return msgspec.json.Decoder(
        msgspec.defstruct("Capture", [("CDCResponse", list[response]), ("time", Any, None)])  # type: ignore[valid-type]
    )


def changes(content: bytes, entities: tuple[str, ...]) -> dict[str, Changes]:
    """What change data capture answered about each of these entities; errors as in `rows`.

    Groups come in any order, empty where nothing changed, and their counts may be missing or wrong: records are
    counted here. A deleted one is no more than its id and ``"status": "Deleted"``, sometimes without MetaData.
    """
    try:
        answer = _capture(entities).decode(content)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:  # a record that msgspec refuses
        answer = msgspec.convert(_careful.decode(content.decode("utf-8", "surrogateescape")), _capture(entities).type)
    groups = [group for part in answer.CDCResponse for group in part.QueryResponse]
    told = {entity: [record for group in groups for record in getattr(group, entity)] for entity in entities}
    time, in_all = moment(answer.time), sum(map(len, told.values()))
    return {
        entity: Changes(_gone(records), len(records), time, in_all, len(groups)) for entity, records in told.items()
    }


def _gone(records: Iterable[_Told]) -> tuple[str, ...]:
    return tuple(record.Id for record in records if record.status == "Deleted" and isinstance(record.Id, str))


def moment(text: object) -> datetime | None:
    """A time as the vendor writes it; None if it is none, or has no offset and so could mean several."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


class _MetaData(msgspec.Struct):
    LastUpdatedTime: Annotated[datetime, msgspec.Meta(tz=True)]


class _Head(msgspec.Struct):
    Id: str
    MetaData: _MetaData


_head = msgspec.json.Decoder(_Head)


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What paging needs to know of a record. ``key`` is '' and ``updated`` None where it does not say."""

    key: str
    updated: datetime | None
    identity: str

    @property
    def version(self) -> tuple[str, datetime | None]:
        """What tells this version of this record from every other."""
        return self.identity, self.updated


def look(record: msgspec.Raw) -> Seen:
    """Read a record's id and time of change; what cannot be read stays empty, and the record goes on all the same."""
    try:
        head = _head.decode(record)
    except (msgspec.DecodeError, RecursionError):
        return _look_with_care(bytes(record))
    return Seen(head.Id, head.MetaData.LastUpdatedTime, head.Id)


def _look_with_care(record: bytes) -> Seen:
    try:
        value = _careful.decode(record.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        value = None
    fields = value if isinstance(value, dict) else {}
    key = fields.get("Id") if isinstance(fields.get("Id"), str) else ""
    meta = fields.get("MetaData")
    written = meta.get("LastUpdatedTime") if isinstance(meta, dict) else None
    return Seen(key or "", moment(written), key or f"raw {hashlib.blake2b(record, digest_size=16).hexdigest()}")
