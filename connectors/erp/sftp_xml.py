"""Records of an XML file, one at a time. No document type, so no entities and nothing from elsewhere."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from connectors.errors import FileInvalid, IncompleteFile

MAX_DEPTH = 60
BLOCK = 65536
# What expat says when the text ends too soon.
_ENDS = {3, 4, 5, 6, 20}  # no element, (5) unclosed token, (6) partial character, (20) unclosed CDATA


class Records:
    """Builds records out of what the parser meets. ``record`` is the path of their element, from the root.

    An element is its text, or an object of its attributes (``@name``), elements, and text (``#text``) if it has these.
    What occurs more than once is a list, and so is always what ``lists`` names (paths below the record).
    """

    def __init__(self, record: str, lists: Collection[str]) -> None:
        self._record = record.split(".")
        self._lists = frozenset(lists)
        self._path: list[str] = []
        self._open: list[dict[str, Any]] = []
        self._texts: list[list[str]] = []
        self.done: list[dict[str, Any]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._path.append(tag.rpartition(":")[2])
        if len(self._path) > MAX_DEPTH:
            raise FileInvalid(f"elements are nested deeper than {MAX_DEPTH}")
        if self._open or self._path == self._record:
            self._open.append(
                {
                    f"@{name.rpartition(':')[2]}": value
                    for name, value in attributes.items()
                    if not name.startswith("xmlns")
                }
            )
            self._texts.append([])

    def text(self, text: str) -> None:
        """Text of the element that is open."""
        if self._texts:
            self._texts[-1].append(text)

    def end(self, _tag: str) -> None:
        """An element ends."""
        below = ".".join(self._path[len(self._record) :])
        name = self._path.pop()
        if not self._open:
            return
        value, text = self._open.pop(), "".join(self._texts.pop()).strip()
        if not self._open:
            self.done.append({**value, **({"#text": text} if text else {})})
            return
        whole: Any = {**value, **({"#text": text} if text else {})} if value else text
        outer = self._open[-1]
        if name not in outer:
            outer[name] = [whole] if below in self._lists else whole
        elif isinstance(outer[name], list):
            outer[name].append(whole)
        else:
            outer[name] = [outer[name], whole]


def records(path: Path, record: str, lists: Collection[str], name: str) -> Iterator[dict[str, Any]]:
    """The records of a file. Raises IncompleteFile for an end too soon, FileInvalid for what is no such XML."""
    builder = Records(record, lists)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = _no_document_type
    with path.open("rb") as source:
        while True:
            block = source.read(BLOCK)
            try:
                parser.Parse(block, not block)
            except expat.ExpatError as error:
                where = f"{name}, line {error.lineno}"
                if not block and error.code in _ENDS:
                    raise IncompleteFile(f"{where}: the XML ends before its last end tag.") from None
                raise FileInvalid(f"{where}: no well-formed XML ({expat.ErrorString(error.code)}).") from None
            except FileInvalid as error:
                raise FileInvalid(f"{name}, line {parser.CurrentLineNumber}: {error.message}.") from None
            yield from builder.done
            builder.done.clear()
            if not block:
                return


def _no_document_type(*_: object) -> None:
    raise FileInvalid("the XML has a document type declaration, which is never read")
