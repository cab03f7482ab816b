"""The syncs that there are, found by looking at flows/.

A flow file is named verb_noun and its second word names the sync: ``refresh_quickbooks`` is the sync ``quickbooks``,
``enrich_cetec_customers`` is ``cetec``. The flow in it has the file's name.
"""

import pkgutil
from importlib import import_module
from typing import Any

from prefect import Flow

import flows
from blocks import systems

#: Verbs of flows that land nothing: they test, tell people, or carry out what a sync has planned.
_NO_SYNC = {"test", "tell", "apply"}


class UnknownSync(LookupError):
    """No file in flows/ makes a sync of this name."""

    code = "UnknownSync"


def modules() -> dict[str, str]:
    """Return the name of the flow file (without its ending) of every sync, in order, without importing it."""
    words = [module.name.split("_") for module in pkgutil.iter_modules(flows.__path__)]
    return {parts[1]: "_".join(parts) for parts in sorted(words) if len(parts) > 1 and parts[0] not in _NO_SYNC}


def entrypoint(sync: str) -> str:
    """Return the dotted path of a sync's flow; raises `UnknownSync`."""
    known = modules()
    if sync not in known:
        raise UnknownSync(f"There is no sync {sync!r}; there are: {', '.join(known)}.")
    return f"flows.{known[sync]}.{known[sync]}"


def load(sync: str) -> Flow[..., Any]:
    """Import a sync's flow."""
    module, _, name = entrypoint(sync).rpartition(".")
    found = getattr(import_module(module), name)
    assert isinstance(found, Flow)
    return found


def of_flow(flow_name: str) -> str | None:
    """Return the sync that a flow (``refresh-quickbooks``) is, None when it is none."""
    return next((sync for sync, stem in modules().items() if stem.replace("_", "-") == flow_name), None)


def connections(sync: str) -> list[str]:
    """Return the names of the connections that a sync can run on."""
    # One sync may serve several kinds of system: `erp` runs on blocks named erp-…
    return sorted({name for kind in systems.family(sync) for name in systems.connections(kind)})
