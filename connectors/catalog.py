"""All streams of all connectors, found by looking."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import connectors
from connectors.stream import Stream


def all_streams() -> Iterator[Stream]:
    """Every stream that a package of connectors/ declares as ``STREAMS`` in its module ``streams``."""
    for package in pkgutil.iter_modules(connectors.__path__, "connectors."):
        if package.ispkg and any(
            m.name == "streams" for m in pkgutil.iter_modules(import_module(package.name).__path__)
        ):
            yield from import_module(f"{package.name}.streams").STREAMS


def find_stream(schema: str, name: str) -> Stream | None:
    """The stream that lands in ``schema.name``, if a connector declares one."""
    return next((stream for stream in all_streams() if (stream.schema, stream.name) == (schema, name)), None)
