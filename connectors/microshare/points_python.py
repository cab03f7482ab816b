"""Rows from a function of the user's own, named as ``package.module:function``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice
from typing import Any

from connectors.errors import ConnectorError, SourceError
from connectors.microshare.points import Mapped, Row, Update, Written
from connectors.redact import REDACTOR

CHUNK = 500


@dataclass
class PythonSource:
    """``function`` is called without arguments and gives mappings, one a row; it must be importable where flows run.

    ``taker`` names a function that is called with a list of `Update`, where there is one; what it raises means that
    nobody knows how far it got.
    """

    function: str
    taker: str = ""
    mapping: Mapped = field(default_factory=dict)

    @property
    def writable(self) -> bool:
        """Whether there is a function that takes updates."""
        return bool(self.taker)

    def rows(self) -> Iterator[Sequence[Row]]:
        """What the function gives, some hundreds at a time."""
        given = iter(self._run(self.function))
        while part := self._part(given):
            yield part

    def write_back(self, updates: Sequence[Update]) -> list[Written]:
        """Hand the updates over; all are taken when the function returns."""
        if not self.taker:
            return [Written(each.id, False, "The source has no function that takes updates.") for each in updates]
        self._run(self.taker, list(updates))
        return [Written(each.id, True) for each in updates]

    def close(self) -> None:
        """Nothing is open."""

    def _part(self, given: Iterator[Any]) -> list[Row]:
        try:
            part = list(islice(given, CHUNK))
        except ConnectorError:
            raise
        except Exception as error:
            raise self._failed(self.function, error) from error
        if odd := next((row for row in part if not isinstance(row, Mapping)), None):
            raise SourceError(f"{self.function} gave a {type(odd).__name__} where a mapping was wanted.")
        return part

    def _run(self, name: str, *arguments: Any) -> Any:
        try:
            return _found(name)(*arguments)
        except ConnectorError:
            raise
        except Exception as error:
            raise self._failed(name, error) from error

    @staticmethod
    def _failed(name: str, error: Exception) -> SourceError:
        return SourceError(f"{name} failed with {type(error).__name__}: {REDACTOR.snippet(str(error), 200)}")


def _found(name: str) -> Callable[..., Any]:
    module, colon, attribute = name.partition(":")
    if not colon:
        raise SourceError(f"{name!r} names no function; the form is package.module:function.")
    try:
        function = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SourceError(f"{name} cannot be found where the flow runs: {error}.") from None
    if not callable(function):
        raise SourceError(f"{name} is no function.")
    return function  # type: ignore[no-any-return]
