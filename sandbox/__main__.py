"""``python -m sandbox quickbooks`` or ``cetec``: serve a simulator until SIGTERM or Ctrl-C.

The first line of standard output is one JSON object with all that a client needs to connect.
"""

import argparse
import json
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sandbox import cetec, cetec_data, mysql, quickbooks


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, serve, and return when told to stop."""
    options = vars(_parser().parse_args(arguments))
    serve = {"quickbooks": _quickbooks, "cetec": _cetec}[options.pop("system")]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with serve(**options) as connection:
        print(json.dumps(connection), flush=True)
        stop.wait()


@contextmanager
def _quickbooks(**options: Any) -> Iterator[Mapping[str, Any]]:
    limits = quickbooks.Limits(*(options.pop(name) for name in ("per_second", "per_minute", "in_flight")))
    with quickbooks.running(**options, limits=limits) as qb:
        yield qb.connection()


@contextmanager
def _cetec(**options: Any) -> Iterator[Mapping[str, Any]]:
    """An instance, and a stand-in for the MySQL server that holds its customers' backups."""
    with cetec.running(**options) as vendor, mysql.running({**vendor.databases, cetec.SENTINEL: True}) as stand_in:
        login = {**stand_in.connection(), "sentinel": cetec.SENTINEL}
        yield {"cetec": vendor.connection(), "mysql": login, "resident": vendor.resident}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Simulators of the vendors, on loopback.")
    systems = parser.add_subparsers(dest="system", required=True)
    qbo = systems.add_parser("quickbooks", help="QuickBooks Online: OAuth 2.0 and the accounting API")
    qbo.add_argument("--port", type=int, default=0, help="0: a free one")
    sizes, limits = quickbooks.Sizes(), quickbooks.Limits()
    for name in ("customers", "vendors", "items", "invoices"):
        qbo.add_argument(f"--{name}", type=int, default=getattr(sizes, name), help="how many (default: %(default)s)")
    qbo.add_argument("--seed", type=int, default=7, help="the same seed makes the same company")
    qbo.add_argument("--captures", metavar="DIR", help="add the records of a folder of recorded answers")
    qbo.add_argument("--only", nargs="*", default=(), metavar="SUB", help="read only these sub-folders of it")
    qbo.add_argument("--refresh-token", default="", help="the first refresh token (default: a new one each time)")
    for name in ("per_second", "per_minute", "in_flight"):
        option = f"--{name.replace('_', '-')}"
        qbo.add_argument(option, type=int, default=getattr(limits, name), help="requests; 0: no limit")
    erp = systems.add_parser("cetec", help="Cetec ERP: the customer list, and a stand-in for MySQL")
    erp.add_argument("--port", type=int, default=0, help="0: a free one")
    erp.add_argument("--customers", type=int, default=cetec_data.CUSTOMERS, help="how many (default: %(default)s)")
    return parser


if __name__ == "__main__":
    main()
