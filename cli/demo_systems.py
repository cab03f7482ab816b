"""The simulated systems that `landfall demo` shows, and how each is connected."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.console import note
from cli.context import warehouse

Sandbox = Mapping[str, Any]


class DemoFailed(Exception):
    """The demo could not show what it promises."""

    code = "DemoFailed"
    cure = "Run `./run landfall doctor`, look at logs/worker.log in LANDFALL_HOME, then run `./run demo` again."


@dataclass(frozen=True, slots=True)
class Demo:
    """A system to show: ``connect`` makes the connections of a name out of what the sandbox says of itself."""

    sync: str
    deployment: str
    words: str
    connect: Callable[[Sandbox, str], None]


def _quickbooks(sandbox: Sandbox, name: str) -> None:
    _save("quickbooks", name, sandbox)


def _cetec(sandbox: Sandbox, name: str) -> None:
    from warehouse import cetec

    note("what answers as MySQL here is a stand-in, no database: it only says which databases there would be")
    _save("mysql", name, sandbox["mysql"])
    with warehouse() as conn:
        for domain, schema in sandbox["resident"].items():
            cetec.map_resident(conn, name, domain, schema)
    _save("cetec", name, {**sandbox["cetec"], "mysql": name})


def _save(system: str, name: str, given: Sandbox) -> None:
    """Make a connection to a simulator and test it."""
    from blocks import systems
    from tasks.connection import check_connection

    names = {field.name for field in systems.fields(system)}
    systems.save(system, name, {key: value for key, value in given.items() if key in names} | {"test_mode": True})
    check = check_connection(system, name)
    if not check.ok:
        raise DemoFailed(f"The simulator of {system} refused: {check.sentence}")
    note(f"connected: {check.sentence}")


SYSTEMS = (
    Demo(
        "quickbooks",
        "refresh-quickbooks/hourly",
        "a simulated QuickBooks with 1,000 customers, 300 vendors, 2,000 items and 5,000 invoices",
        _quickbooks,
    ),
    Demo(
        "cetec",
        "enrich-cetec-customers/daily",
        "a simulated Cetec ERP with 344 customers, and a stand-in for the MySQL server with their backups",
        _cetec,
    ),
)
