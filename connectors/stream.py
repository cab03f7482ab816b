"""What a connector declares: record types, and streams of them.

A record type is a ``msgspec.Struct`` whose annotated fields are the columns of a table::

    class Customer(msgspec.Struct):
        \"\"\"A customer, sub-customer or project.\"\"\"

        id: Annotated[str, column("Id given by QuickBooks", source="Id")]
        balance: Annotated[Decimal | None, column("Open balance", source="Balance", unit="currency_id")] = None

The warehouse makes table, comments, staging and COPY from it by looking at it alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import msgspec


@dataclass(frozen=True, slots=True)
class Convert:
    """How a column's value is made of what the source wrote, where that is more than reading one path.

    ``paths`` are where it is read: of several the first that holds a value, or, with ``join`` (a separator), all of
    them put together, where one that ends in ``?`` may be absent. What ``|`` joins can be told apart again:
    ``%`` and ``|`` inside a part become ``%25`` and ``%7C``. A path may choose from a list:
    ``names[lang=en].text`` (the first that matches), ``names[0].text``. ``constant`` is a value that is the same in all
    records; with neither paths nor constant there is no value.

    In this order: ``trim`` takes blanks off both ends of a text; ``values`` maps what the source wrote (a text, a number
    as written, ``true``, ``false``) to what the column gets, None for no value; ``nulls`` are texts that mean that there
    is no value; ``default`` stands where there is none. What ``values`` does not list is kept as it is and reported, or
    with ``unknown="reject"`` makes the record a dead letter.

    ``format`` is how dates and times are written: ``iso`` (the default), ``odata`` (``/Date(ms)/``, also with an
    ``Edm.Time`` joined to it; else ISO) or a pattern of `datetime.strptime`; ``zone`` is the IANA zone of those without
    one. ``decimal`` and ``group`` are the characters before the decimals and between thousands in numbers that are
    texts, where a minus may stand behind; a number is multiplied with ``scale``. ``texts`` says that the source
    writes every value as text, as files do; it is about speed alone.
    """

    paths: tuple[str, ...] = ()
    join: str | None = None
    constant: str | None = None
    trim: bool = False
    values: tuple[tuple[str, str | None], ...] = ()
    nulls: tuple[str, ...] = ()
    default: str | None = None
    unknown: Literal["keep", "reject"] = "keep"
    format: str | None = None
    zone: str | None = None
    decimal: str | None = None
    group: str = ""
    scale: str | None = None
    texts: bool = False


def column(doc: str, *, source: str, unit: str | None = None, convert: Convert | None = None) -> msgspec.Meta:
    """Describe a column.

    ``source`` is the path in the source record, dots between object keys (``MetaData.CreateTime``).
    In the record type of a child it may also be ``^PATH`` (a value of the parent record), ``#`` (the
    position in the list, from 0), ``#^`` (the position of the element that the list is in, where lists are nested),
    ``$owner`` or ``$role`` (see `Child`). ``$identity`` is the vendor's identity of the connection (a company id), the
    same in every row. With ``convert``, that says where the value is read, and ``source`` only names it.
    """
    return msgspec.Meta(description=doc, extra={"source": source, "unit": unit, "convert": convert})


def derived(doc: str, **holds: Decimal | int | str) -> msgspec.Meta:
    """Describe a yes-or-no column that the warehouse works out from other columns of the row.

    It is true where each column that is named equals the number given for it, or contains the text given for it, and
    false otherwise.
    """
    return msgspec.Meta(description=doc, extra={"source": "$derived", "unit": None, "holds": dict(holds)})


@dataclass(frozen=True, slots=True)
class Child:
    """Records that live inside a parent record and land with it, in the parent's stream.

    Either ``path`` names a list (``Line``): the key is the parent's key and the position. It may lead through the list
    of a child declared before (``Line.LinkedTxn``): the key is the parent's key and both positions. Or ``roles`` names
    single objects (``BillAddr``, ``ShipAddr``) of a table that several streams share: the key is ``owner``, the
    parent's key and the role. ``ignored`` are paths that land nowhere, not even in ``_extra``.
    """

    table: str
    record: type[msgspec.Struct]
    key: tuple[str, ...]
    path: str | None = None
    roles: tuple[str, ...] = ()
    owner: str | None = None
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A piece of the source that is no record, such as a row with too many fields: it becomes a dead letter.

    ``json`` is what is there, as a JSON text; ``why`` says what is wrong and where, as the end of a sentence.
    """

    json: bytes
    why: str


@dataclass(frozen=True, slots=True)
class Page:
    """What one answer of the source held.

    ``records`` are the undecoded JSON texts of the records, in the order received; ``keys``, where the
    connector has read them anyway, the key of each (else the warehouse reads them). ``deleted`` are keys
    that the source says are gone. ``at`` says where this was, for errors (``page 7``). ``cursor``, when
    given, promises that everything up to it has been handed over. ``complete`` on the last page
    promises that the pages of this call held every record that the source has: only then are rows
    that did not appear taken for deleted. ``warning`` is what people should know although the run goes on;
    ``unreadable`` are pieces that are no records.
    """

    records: Sequence[msgspec.Raw | bytes] = ()
    keys: Sequence[str] | None = None
    deleted: Sequence[str] = ()
    at: str = ""
    cursor: Mapping[str, Any] | None = None
    complete: bool = False
    fetched: int | None = None
    warning: str = ""
    unreadable: Sequence[Unreadable] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """An expectation on the table as it would be: a Great Expectations type name and its arguments.

    ``blocks`` says whether a violation stops the landing or is only reported. ``changed_only`` looks at
    the rows that this run adds or changes instead of the whole table.
    """

    expectation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    blocks: bool = True
    changed_only: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record of one system, and how to read it.

    ``pages(client, cursor)`` yields what the source holds (``cursor`` None: everything; otherwise what
    changed since the cursor that an earlier page gave). ``version`` names the column that orders two
    versions of a record (of equal ones the later read wins). ``gates`` and ``history`` are the
    warehouse's business; they are declared here because they are facts about the data. ``ignored`` are paths that land
    nowhere, not even in ``_extra``.

    The rows of an ``append_only`` stream are events: once landed they never change. Where events are made by looking
    again and again at the same thing, ``subject`` names the columns that tell which thing, and ``observed`` those that
    tell its state: a look that finds the state of the last event is no event.
    """

    name: str
    schema: str
    record: type[msgspec.Struct]
    key: tuple[str, ...]
    pages: Callable[[Any, Mapping[str, Any] | None], Iterator[Page]]
    children: tuple[Child, ...] = ()
    version: str | None = None
    gates: tuple[Gate, ...] = ()
    history: bool = False
    ignored: tuple[str, ...] = ()
    append_only: bool = False
    subject: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
