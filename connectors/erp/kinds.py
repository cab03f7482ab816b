"""What a kind of ERP has to offer: the contract between its client and everything else.

A kind is a client that keeps this contract, a default mapping ``mappings/<kind>.yaml`` and a block
``blocks/erp_<kind>.py``. Flow, tasks and warehouse know no kind by name.
"""

from collections.abc import Collection, Iterator, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from connectors.erp.mapping import Binding
from connectors.stream import Page


class ErpClient(Protocol):
    """Talks to one ERP. Its streams are read side by side, so all of it may be called from several threads."""

    def __enter__(self) -> Self:
        """Sign in, where that is needed."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Sign out and close."""

    def identity(self) -> str:
        """What tells this company's system from another's: a system id and client, a base, a host key and folder."""

    def pages(self, data_type: str, cursor: Mapping[str, Any] | None, binding: Binding) -> Iterator[Page]:
        """The vendor's records of a data type as raw JSON texts, everything or what changed since the cursor.

        Raises the errors of connectors.errors. ``Page(complete=True)`` only after a whole enumeration whose count has
        been checked against the source's own.
        """

    def describe(self, data_type: str, binding: Binding) -> Collection[str] | None:
        """All paths that the source's records of a data type can have, as a mapping writes them; None: not known."""

    def test(self, bindings: Collection[Binding]) -> Mapping[str, Any]:
        """Ask for one record of each data type and compare the mapping with what `describe` says.

        Answers what a person wants to see (``version``, ``clock_difference_s``, …); raises what is wrong.
        """
