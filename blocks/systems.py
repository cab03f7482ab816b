"""The systems that can be connected: one file each in this folder, found by looking.

``blocks/quickbooks.py`` makes the system ``quickbooks``; an underscore in a file's name is a dash in the system's.
"""

import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError
from pydantic_core import PydanticUndefined

import blocks
from warehouse.errors import AmbiguousConnection


@dataclass(frozen=True, slots=True)
class BlockField:
    """What a person must know to fill in one field of a block."""

    name: str
    required: bool
    secret: bool
    default: object
    description: str


class UnknownSystem(LookupError):
    """No file in blocks/ makes a system of this name."""

    code = "UnknownSystem"


class UnknownConnection(LookupError):
    """No block of this system has this name."""

    code = "UnknownConnection"


def names() -> list[str]:
    """Return the systems' names, in order, without importing them."""
    modules = (module.name for module in pkgutil.iter_modules(blocks.__path__))
    return sorted(name.replace("_", "-") for name in modules if name != "systems")


def block_class(system: str) -> type[Block]:
    """Return the block class of a system; raises `UnknownSystem`."""
    if system not in names():
        raise UnknownSystem(f"There is no system {system!r}; there are: {', '.join(names())}.")
    module = import_module(f"blocks.{system.replace('-', '_')}")
    found = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Block)]
    return next(c for c in found if c.__module__ == module.__name__)


def fields(system: str) -> list[BlockField]:
    """Return the fields of a system's block, those that must be given first."""
    found = []
    for name, info in block_class(system).model_fields.items():
        secret = "SecretStr" in str(info.annotation)
        default = None if info.default is PydanticUndefined else info.default
        found.append(BlockField(name, info.is_required(), secret, default, info.description or ""))
    return sorted(found, key=lambda field: not field.required)


def values(block: Block) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what a block holds: fields in clear, and its secrets that are set, in clear too."""
    clear: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    for name, info in type(block).model_fields.items():
        value = getattr(block, name)
        if "SecretStr" not in str(info.annotation):
            clear[name] = value
        elif value is not None and value.get_secret_value():
            secrets[name] = value.get_secret_value()
    return clear, secrets


def connections(system: str) -> list[str]:
    """Return the names of the saved blocks of a system, in order."""
    slug = block_class(system).get_block_type_slug()
    with get_client(sync_client=True) as client:
        try:
            client.read_block_type_by_slug(slug)
        except ObjectNotFound:  # nobody has registered it yet
            return []
        documents = client.read_block_documents_by_type(slug, include_secrets=False)
    return sorted(document.name for document in documents if document.name)


def load(system: str, name: str) -> Any:
    """Load a saved block; raises `UnknownSystem` or `UnknownConnection`."""
    cls = block_class(system)
    known = connections(system)
    if name not in known:
        there = f"there are: {', '.join(known)}" if known else f"there is none of {system} yet"
        how = f"`landfall connect {system} --name {name}` makes it"
        raise UnknownConnection(f"There is no connection {system}/{name}; {there}. {how}.")
    return cls.load(name)


def family(name: str) -> list[str]:
    """Return the systems that a sync of this name serves: the one so named, or those named ``NAME-…``."""
    return [system for system in names() if system == name or system.startswith(f"{name}-")]


def namesakes(system: str, name: str) -> list[str]:
    """Return the other systems of the same family that have a connection of this name."""
    kin = family(system.partition("-")[0])
    return [other for other in kin if other != system and system in kin and name in connections(other)]


def load_of(sync: str, name: str) -> Any:
    """Load the saved block of this name, of whichever of the systems that a sync serves.

    Raises `UnknownConnection`, and `warehouse.errors.AmbiguousConnection` where two systems have one of this name.
    """
    found = [system for system in family(sync) if name in connections(system)]
    if len(found) > 1:
        raise AmbiguousConnection(f"{' and '.join(f'{system}/{name}' for system in found)} have the same name")
    if not found:
        known = sorted({each for system in family(sync) for each in connections(system)})
        there = f"there are: {', '.join(known)}" if known else "there is none yet"
        how = f"`landfall connect {sync}-… --name {name}` makes it, of: {', '.join(family(sync)) or 'no system'}"
        raise UnknownConnection(f"There is no {sync} connection {name}; {there}. {how}.")
    return block_class(found[0]).load(name)


def saved_values(system: str, name: str) -> dict[str, Any]:
    """Return the fields of a saved block, secrets in clear, and nothing when there is no such block."""
    slug = block_class(system).get_block_type_slug()
    with get_client(sync_client=True) as client:
        try:
            return client.read_block_document_by_name(name, slug).data
        except ObjectNotFound:
            return {}


def save(system: str, name: str, values: Mapping[str, Any]) -> None:
    """Save a block with exactly these fields, over one of the same name.

    Raises ValueError, in a sentence without the values, for what the fields or Prefect's rule for names refuse.
    """
    if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"A connection's name has small letters, digits and dashes only, which {name!r} has not.")
    try:
        block = block_class(system)(**values)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        raise ValueError(f"{system} refuses these fields: {'; '.join(problems)}.") from None
    block.save(name, overwrite=True)


def delete(system: str, name: str) -> None:
    """Delete a saved block."""
    block_class(system).delete(name)


def register() -> None:
    """Tell the Prefect server about every block type; what it knows already stays."""
    for system in names():
        block_class(system).register_type_and_schema()
