"""Reads records out of a folder of recorded QuickBooks answers, whatever they are wrapped in, text kept as it is."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from sandbox import qbo_schema
from sandbox.clock import parse_time
from sandbox.qbo_store import Store


class _Version(msgspec.Struct):
    class _Times(msgspec.Struct):
        LastUpdatedTime: str

    MetaData: _Times
    SyncToken: str = "0"


def load_captures(store: Store, folder: str | Path, only: Sequence[str] = ()) -> dict[str, int]:
    """Put every recorded record into the store once, in its newest version; return how many of each entity.

    ``only`` names the sub-folders to read: two companies' captures use the same ids. Understood are answers,
    request-and-answer files (the request is left out), bare records and lists (the file's name says of what),
    bodies of create, read and void, CDC and batch answers. What is told of deletes, and stubs that have no
    MetaData, are left out. Numbers stay as they were written (100.0); only blanks between tokens go.
    """
    newest: dict[tuple[str, str], tuple[tuple[int, int, int], bytes]] = {}
    for file in _files(Path(folder), only):
        for entity, id_, text in _records(file.read_bytes(), _entity_of(file)):
            version = msgspec.json.decode(text, type=_Version)
            token = int(version.SyncToken) if version.SyncToken.isdecimal() else 0
            # Of equally new ones the fuller: the minor version asked for decides which fields an answer has.
            rank = parse_time(version.MetaData.LastUpdatedTime), token, len(text)
            if (entity, id_) not in newest or newest[entity, id_][0] < rank:
                newest[entity, id_] = rank, text
    counts: dict[str, int] = {}
    for (entity, _), (_, text) in newest.items():
        store.put(entity, text)
        counts[entity] = counts.get(entity, 0) + 1
    return counts


def _files(folder: Path, only: Sequence[str]) -> list[Path]:
    roots = [folder / name for name in only] or [folder]
    for root in roots:
        if not root.is_dir():
            raise FileNotFoundError(f"There is no folder {root.name} of captures.")
    return sorted(file for root in roots for file in root.rglob("*.json"))


def _entity_of(file: Path) -> str | None:
    letters = re.sub(r"[^a-z]", "", file.name.lower())
    names = [name for name in qbo_schema.ENTITIES if letters.startswith(name)]
    return qbo_schema.ENTITIES[max(names, key=len)] if names else None


def _records(text: bytes | msgspec.Raw, entity: str | None) -> Iterator[tuple[str, str, bytes]]:
    start = bytes(text).lstrip()[:1]
    if start == b"[":
        for element in msgspec.json.decode(text, type=list[msgspec.Raw]):
            yield from _records(element, entity)
    elif start == b"{":
        fields = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        if "Id" in fields and "MetaData" in fields and entity:
            if bytes(fields.get("status", b"")) != b'"Deleted"':
                yield entity, msgspec.json.decode(fields["Id"], type=str), msgspec.json.format(bytes(text), indent=-1)
            return
        for name, value in fields.items():
            if name != "request":
                yield from _records(value, name if name in qbo_schema.ENTITIES.values() else entity)
