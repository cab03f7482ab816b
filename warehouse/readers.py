"""How the fast way reads converted columns: as what msgspec decodes a value, and what code its field becomes.

A value is decoded as the simplest type that its converter can take, so that converting costs a look in a dictionary of
the values met lately; what is written otherwise than expected is the careful way's business. Where columns of different
types read one value, it stays undecoded JSON and each converts it for itself.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import Any

import msgspec

from warehouse.careful import made_of
from warehouse.coerce import UNSTORABLE, Number, parse_json
from warehouse.convert import ConvertLike, Note, choice, single
from warehouse.copying import MISSING, NULL, text
from warehouse.errors import BadRow
from warehouse.shape import Leaf
from warehouse.table import Column

# Values remembered per column; statuses, units and days repeat, keys and moments do not and push each other out.
MAX_MEMORY = 20_000

TEXT, FLAG, RAW = "text", "flag", "raw"
Reader = Callable[..., str]


def wire_of(leaf: Leaf) -> Any:
    """As what the value is decoded: a Python type (as for a column without conversion), or TEXT, FLAG or RAW."""
    if leaf.kept or leaf.ignored:
        return RAW
    wanted = {_wanted(column) for column in (*leaf.columns, *leaf.below)}
    if len(wanted) > 1 and wanted <= {str, TEXT, datetime}:
        return datetime if datetime in wanted else str
    if len(wanted) > 1:
        return RAW
    [one] = wanted
    return RAW if one is msgspec.Raw else str if one == TEXT else one


def _wanted(column: Column) -> Any:
    convert, python = column.convert, column.python
    if convert is None:
        return python
    if any("[" in path for path in convert.paths):
        return RAW
    if {"true", "false"} & {word for word, _ in convert.values}:
        return FLAG
    if convert.values or python in (str, date):
        return TEXT
    if convert.texts or convert.decimal is not None or convert.format not in (None, "iso") or convert.zone:
        return TEXT
    # What is a number, flag or time may stand for "no value", which only its text as written tells.
    return RAW if any(map(_looks_typed, convert.nulls)) else python


def _looks_typed(word: str) -> bool:
    if word in ("true", "false") or "T" in word:
        return True
    try:
        return Decimal(word).is_finite()
    except InvalidOperation:
        return False


def as_is(column: Column) -> bool:
    """Whether a value that was decoded as the column's own type needs nothing more."""
    convert = column.convert
    if convert is None:
        return True
    simple = _wanted(column) is column.python and len(convert.paths) == 1
    return simple and convert.default is None and convert.scale is None and column.nullable


def inline(column: Column, value: str, names: dict[str, Any], *, plain: bool) -> str | None:
    """Code for a text that is only trimmed and compared with what means "no value"; None for anything more."""
    convert = column.convert
    if convert is None or column.python is not str or len(convert.paths) != 1 or not column.nullable:
        return None
    if convert.values or convert.default is not None or convert.join is not None or "[" in convert.paths[0]:
        return None
    if not plain and convert.trim:
        return None
    name = f"S{len(names)}"
    names[name] = frozenset(convert.nulls)
    if not plain:
        return f"(M if (v := {value}) is None or v is N or v in {name} else v)"
    value = f"{value}.strip()" if convert.trim else value
    return f"({value} or N)" if convert.nulls == ("",) else f"(N if (v := {value}) in {name} else v)"


def reader(column: Column, wires: Sequence[Any], note: Note, *, plain: bool) -> Reader:
    """The function that makes the field of a column from its decoded values; RecordError if it cannot.

    In a ``plain`` record the field is as COPY takes it, else as it is before its line is finished.
    """
    null, finished = (NULL, text) if plain else (MISSING, str)

    def made(values: Sequence[Any]) -> str:
        result = made_of(column, values, note)
        if result is None:
            if not column.nullable:
                raise BadRow(f"{column.name} is missing", column.name)
            return null
        if UNSTORABLE.search(result):
            raise BadRow(f"{column.name} holds what Postgres cannot store", column.name)
        return finished(result)

    if len(wires) == 1 and wires[0] in (str, datetime, FLAG):
        return _remembered(lambda value: made((value,)), absent=made((None,)) if column.nullable else None, plain=plain)
    if column.convert is not None and column.convert.join is None and all("[" in path for path in column.convert.paths):
        return _choosing(column, column.convert, note, made([None] * len(wires)), finished)
    if len(wires) == 1 and wires[0] == RAW:
        return _remembered_raw(lambda value: made((value,)))
    return lambda *values: made([_plain_value(value) for value in values])


def _choosing(column: Column, convert: ConvertLike, note: Note, absent: str, finished: Callable[[str], str]) -> Reader:
    """Texts out of lists, of which nothing else is decoded; msgspec refuses what is no text there."""
    choosers = [_chooser(path) for path in convert.paths]
    one = single(column.name, column.python, convert)
    plain = column.python is str and not convert.values and not convert.trim
    nulls = frozenset(convert.nulls)

    def read(*values: msgspec.Raw | None) -> str:
        for value, choose in zip(values, choosers, strict=True):
            found = None if value is None else choose(value)
            if found is None:
                continue
            made = one(found, note) if not plain else None if found in nulls else found
            if made is not None:
                return finished(made)
        return absent

    return read


def _chooser(path: str) -> Callable[[msgspec.Raw], Any]:
    key, wanted, (first, *rest) = choice(path)
    wire: Any = str
    for name in reversed(rest):
        wire = msgspec.defstruct("Inner", [("value", wire | None, None)], rename={"value": name}, gc=False)
    # The name to match may be the one that is read.
    matched = [] if wanted is None or key == first else [("key", str | None, None)]
    names = {"key": key, "value": first}
    element = msgspec.defstruct("Element", [*matched, ("value", wire | None, None)], rename=names, gc=False)
    decode = msgspec.json.Decoder(list[element] | None).decode  # type: ignore[valid-type]  # made, not written
    held = attrgetter("key" if matched else "value")

    def inner(value: Any) -> Any:
        for _ in rest:
            value = value and value.value
        return value

    def choose(raw: msgspec.Raw) -> Any:
        elements = decode(raw) or ()
        if wanted is None:
            return inner(elements[int(key)].value) if int(key) < len(elements) else None
        for each in elements:
            if held(each) == wanted:
                return inner(each.value)
        return None

    return choose


def _remembered(make: Callable[[Any], str], absent: str | None, *, plain: bool) -> Reader:
    memory = _Memory(make)
    if plain and absent is not None:
        # A plain record has no backslash, so NULL can only stand for an absent value.
        memory.seed[NULL] = absent
        memory.update(memory.seed)
        return memory.__getitem__

    def read(value: Any) -> str:
        return make(None) if value is None or value is NULL else memory[value]

    return read


class _Memory(dict[Any, str]):
    """What values became, lately."""

    def __init__(self, make: Callable[[Any], str]) -> None:
        super().__init__()
        self.make = make
        self.seed: dict[Any, str] = {}

    def __missing__(self, value: Any) -> str:
        if len(self) >= MAX_MEMORY:
            self.clear()
            self.update(self.seed)
        made = self[value] = self.make(value)
        return made


def _remembered_raw(make: Callable[[Any], str]) -> Reader:
    memory = _Memory(lambda json: make(parse_json(json)))

    def read(value: msgspec.Raw | None) -> str:
        return make(None) if value is None else memory[bytes(value)]

    return read


def _plain_value(value: Any) -> Any:
    """A decoded value as the careful way would have it."""
    if value is None or value is NULL:
        return None
    if isinstance(value, msgspec.Raw):
        return parse_json(bytes(value))
    return Number(value) if isinstance(value, Decimal) else value


def stripper(names: Collection[str]) -> Callable[[msgspec.Raw], str]:
    """JSON of a list without some members of its elements; of anything else as it is."""
    decode = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode

    def strip(raw: msgspec.Raw) -> str:
        try:
            elements = decode(raw)
        except msgspec.ValidationError:
            return str(raw, "utf-8")
        for element in elements:
            for name in names:
                element.pop(name, None)
        return msgspec.json.encode(elements).decode()

    return strip


def literal(column: Column) -> str | None:
    """The text of a column that is the same in every record."""
    return made_of(column, (), lambda _column, _value: None)
