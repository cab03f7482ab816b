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
from typing import Any

import msgspec


def column(doc: str, *, source: str, unit: str | None = None) -> msgspec.Meta:
    """Describe a column.

    ``source`` is the path in the source record, dots between object keys (``MetaData.CreateTime``).
    In the record type of a child it may also be ``^PATH`` (a value of the parent record), ``#`` (the
    position in the list, from 0), ``$owner`` or ``$role`` (see `Child`). ``$identity`` is the vendor's identity
    of the connection (a company id), the same in every row.
    """
    return msgspec.Meta(description=doc, extra={"source": source, "unit": unit})


@dataclass(frozen=True, slots=True)
class Child:
    """Records that live inside a parent record and land with it, in the parent's stream.

    Either ``path`` names a list (``Line``): the key is the parent's key and the position. Or ``roles``
    names single objects (``BillAddr``, ``ShipAddr``) of a table that several streams share: the key is
    ``owner``, the parent's key and the role.
    """

    table: str
    record: type[msgspec.Struct]
    key: tuple[str, ...]
    path: str | None = None
    roles: tuple[str, ...] = ()
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What one answer of the source held.

    ``records`` are the undecoded JSON texts of the records, in the order received; ``keys``, where the
    connector has read them anyway, the key of each (else the warehouse reads them). ``deleted`` are keys
    that the source says are gone. ``at`` says where this was, for errors (``page 7``). ``cursor``, when
    given, promises that everything up to it has been handed over. ``complete`` on the last page
    promises that the pages of this call held every record that the source has: only then are rows
    that did not appear taken for deleted.
    """

    records: Sequence[msgspec.Raw | bytes] = ()
    keys: Sequence[str] | None = None
    deleted: Sequence[str] = ()
    at: str = ""
    cursor: Mapping[str, Any] | None = None
    complete: bool = False
    fetched: int | None = None


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
    warehouse's business; they are declared here because they are facts about the data.
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
