"""YAML whose every value knows its line and column, read without making objects of it.

Texts stay as they were written: ``NO`` is no boolean, ``007`` no number and ``1.10`` keeps its zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml  # type: ignore[import-untyped]

MAX_CHARACTERS = 1_000_000  # a mapping has a few hundred lines
MAX_DEPTH = 20
_LAYOUT = str.maketrans("", "", "\t\r\n")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a mapping: which one, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, column {self.column}"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A mistake and where it is."""

    at: Mark
    text: str

    def __str__(self) -> str:
        return f"{self.at}: {self.text}"


class Complaints(list[Complaint]):
    """What is wrong, in the order found."""

    def say(self, at: Mark, text: str) -> None:
        """Add one."""
        self.append(Complaint(at, text))


@dataclass(frozen=True, slots=True)
class Part:
    """A value of the document: text (None for null), list of parts, or parts by name."""

    at: Mark
    value: str | bool | list[Part] | dict[str, Part] | None

    def members(self) -> dict[str, Part]:
        """The parts by name; empty if this is something else."""
        return self.value if isinstance(self.value, dict) else {}

    def plain(self) -> Any:
        """The value alone; whole numbers are `int`."""
        if isinstance(self.value, dict):
            return {name: part.plain() for name, part in self.value.items()}
        if isinstance(self.value, list):
            return [part.plain() for part in self.value]
        if (
            isinstance(self.value, str)
            and self.value.isascii()
            and self.value.isdigit()
            and str(int(self.value)) == self.value
        ):
            return int(self.value)
        return self.value


def parse(text: str, file: str, complaints: Complaints) -> Part:
    """Read a document; what is no YAML, or has a name twice, becomes a complaint."""
    nothing = Part(Mark(file, 1, 1), {})
    if len(text) > MAX_CHARACTERS:
        complaints.say(nothing.at, f"is longer than {MAX_CHARACTERS:,} characters")
        return nothing
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = Mark(file, mark.line + 1, mark.column + 1) if mark else nothing.at
        complaints.say(at, f"is no YAML: {error.problem or error.context}")
        return nothing
    except (yaml.YAMLError, RecursionError) as error:
        complaints.say(nothing.at, f"is no YAML: {' '.join(str(error).split())}")
        return nothing
    return nothing if node is None else _part(node, file, complaints, 0)


def _part(node: Any, file: str, complaints: Complaints, depth: int) -> Part:
    at = Mark(file, node.start_mark.line + 1, node.start_mark.column + 1)
    if depth > MAX_DEPTH:
        complaints.say(at, "is nested too deeply")
        return Part(at, None)
    if isinstance(node, yaml.SequenceNode):
        return Part(at, [_part(inner, file, complaints, depth + 1) for inner in node.value])
    if isinstance(node, yaml.MappingNode):
        return Part(at, dict(_members(node, file, complaints, depth)))
    if not (plain := node.value.translate(_LAYOUT)).isprintable() and any(ord(each) < 32 for each in plain):
        complaints.say(at, "holds a control character")
        return Part(at, None)
    if node.tag == "tag:yaml.org,2002:null":
        return Part(at, None)
    if node.tag == "tag:yaml.org,2002:bool" and node.value.lower() in ("true", "false"):
        return Part(at, node.value.lower() == "true")
    return Part(at, node.value)


def _members(node: Any, file: str, complaints: Complaints, depth: int) -> Iterator[tuple[str, Part]]:
    seen: set[str] = set()
    for key, value in node.value:
        at = Mark(file, key.start_mark.line + 1, key.start_mark.column + 1)
        if not isinstance(key, yaml.ScalarNode):
            complaints.say(at, "a name is a text")
            continue
        if key.value in seen:
            complaints.say(at, f"{key.value} stands here a second time")
            continue
        seen.add(key.value)
        yield key.value, _part(value, file, complaints, depth + 1)
