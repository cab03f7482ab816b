"""Edits JSON as text, so that what is not edited stays as it was written.

A parser that reads a document and writes it again turns 1.50 into 1.5, moves keys and drops escapes. Here values are
found by their place in the text, and only the places that change are written anew.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Number(str):
    """A number as it is written; nothing is computed with it here."""

    __slots__ = ()


# Numbers stay text, and texts may hold bare control characters: what the vendor sends is not ours to refuse.
_decoder = json.JSONDecoder(strict=False, parse_int=Number, parse_float=Number, parse_constant=Number)
_BLANK = re.compile(r"[ \t\r\n]*")
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is written: from ``start`` to ``end``; ``name`` and ``outer`` (where its key begins) in objects.

    ``inner`` holds the places in it where it was looked into; its ``value`` is then left out, since large documents are
    read once.
    """

    start: int
    end: int
    value: Any
    name: str = ""
    outer: int = -1
    inner: "list[Place] | None" = None

    @property
    def begin(self) -> int:
        """Where the member or element begins, its name included."""
        return self.start if self.outer < 0 else self.outer


def decode(text: str) -> Any:
    """The value of a whole JSON text, numbers as `Number`; ValueError if it is none."""
    place = value_at(text, blank(text, 0))
    if blank(text, place.end) != len(text):
        raise ValueError(f"something follows the value at {place.end}")
    return place.value


def dump(value: Any) -> str:
    """The compact JSON text of a value that is written anew."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair has no bytes of its own, and is written as an escape.
    return text if _HALF.search(text) is None else json.dumps(value, separators=(",", ":"))


def blank(text: str, at: int) -> int:
    """The place after blanks."""
    match = _BLANK.match(text, at)
    return match.end() if match else at


def value_at(text: str, start: int) -> Place:
    """The value that begins at ``start``; ValueError if none does."""
    value, end = _decoder.raw_decode(text, start)
    return Place(start, end, value)


def members(text: str, start: int, into: Sequence[str] = ()) -> tuple[list[Place], int]:
    """The members of the object that begins at ``start``, in order, and where it ends; ValueError if it is none.

    ``into`` names the member to look into as well, then the member of that, and so on.
    """
    return _items(text, start, "{}", into)


def elements(text: str, start: int) -> tuple[list[Place], int]:
    """The elements of the list that begins at ``start``, and where it ends; ValueError if it is none."""
    return _items(text, start, "[]")


def _items(text: str, start: int, braces: str, into: Sequence[str] = ()) -> tuple[list[Place], int]:
    if text[start : start + 1] != braces[0]:
        raise ValueError(f"no {braces} at {start}")
    found: list[Place] = []
    at = blank(text, start + 1)
    if text[at : at + 1] == braces[1]:
        return found, at + 1
    while True:
        place = _member(text, at, into) if braces == "{}" else value_at(text, at)
        found.append(place)
        at = blank(text, place.end)
        mark = text[at : at + 1]
        if mark == braces[1]:
            return found, at + 1
        if mark != ",":
            raise ValueError(f"neither , nor {braces[1]} at {at}")
        at = blank(text, at + 1)


def _member(text: str, at: int, into: Sequence[str]) -> Place:
    name = value_at(text, at)
    if not isinstance(name.value, str) or isinstance(name.value, Number):
        raise ValueError(f"no name of a member at {at}")  # noqa: TRY004  it is the text that is wrong
    colon = blank(text, name.end)
    if text[colon : colon + 1] != ":":
        raise ValueError(f"no colon at {colon}")
    start = blank(text, colon + 1)
    if into[:1] == [name.value] and text[start : start + 1] in ("{", "["):
        braces = "{}" if text[start] == "{" else "[]"
        inner, end = _items(text, start, braces, into[1:])
        return Place(start, end, None, name.value, at, inner)
    value = value_at(text, start)
    return Place(value.start, value.end, value.value, name.value, at)


def rewrite(
    text: str,
    start: int,
    end: int,
    items: Sequence[Place],
    changed: Mapping[int, str | None],
    added: Iterable[str] = (),
) -> str:
    """The text of the object or list from ``start`` to ``end`` with some of its items changed.

    ``changed`` gives, for an item's number, the new text of its value, or None to leave the item out; ``added`` are
    texts of whole new items. Blanks and separators of what stays are kept.
    """
    head = items[0].begin if items else start + 1
    tail = text[items[-1].end if items else start + 1 : end]
    parts, before = [text[start:head]], head
    first = True
    for number, item in enumerate(items):
        separator, before = text[before : item.begin], item.end
        if number in changed and changed[number] is None:
            continue
        new = changed.get(number)
        parts.append(("" if first else separator or ",") + text[item.begin : item.start])
        parts.append(text[item.start : item.end] if new is None else new)
        first = False
    for each in added:
        parts.append(each if first else f",{each}")
        first = False
    return "".join(parts) + tail


def merge(text: str, patch: Any) -> str:
    """The text of a value after a JSON merge patch (RFC 7396): given members replace, None removes, others stay.

    Of a list only the elements that differ are written anew.
    """
    if not isinstance(patch, Mapping):
        return _replace(text, patch)
    if text[:1] != "{":
        return dump(_without_none(patch))
    items, end = members(text, 0)
    last = {item.name: number for number, item in enumerate(items)}
    changed: dict[int, str | None] = {}
    added = []
    for name, value in patch.items():
        if value is None:
            changed |= {number: None for number, item in enumerate(items) if item.name == name}
        elif name in last:
            changed[last[name]] = merge(text[items[last[name]].start : items[last[name]].end], value)
        else:
            added.append(f"{dump(name)}:{dump(_without_none(value))}")
    return rewrite(text, 0, end, items, changed, added)


def _replace(text: str, value: Any) -> str:
    new = dump(value)
    if _same(decode(text), decode(new)):
        return text
    if not isinstance(value, list | tuple) or text[:1] != "[":
        return new
    items, end = elements(text, 0)
    changed: dict[int, str | None] = dict.fromkeys(range(len(value), len(items)))
    changed |= {
        number: _replace(text[item.start : item.end], each)
        for number, (item, each) in enumerate(zip(items, value, strict=False))
    }
    return rewrite(text, 0, end, items, changed, [dump(each) for each in value[len(items) :]])


def _same(old: Any, new: Any) -> bool:
    """Equal as JSON, where a number is never equal to the text that looks like it, nor to another spelling of it."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_same(old[name], new[name]) for name in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return type(old) is type(new) and bool(old == new)


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_none(each) for name, each in value.items() if each is not None}
    return value
