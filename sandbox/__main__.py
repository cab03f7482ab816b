"""Serve a simulator until SIGTERM or Ctrl-C: ``python -m sandbox quickbooks``, ``cetec``, ``microshare``, ``sap-s4``, ``1c``, ``sftp``.

The first line of standard output is one JSON object with all that a client needs to connect.
"""

import argparse
import json
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sandbox import cetec, cetec_data, erp_sftp, microshare, microshare_data, mysql, odoo, onec, quickbooks, sap_s4


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, serve, and return when told to stop."""
    options = vars(_parser().parse_args(arguments))
    serve: Any = {
        "quickbooks": _quickbooks, "cetec": _cetec, "microshare": _microshare, "sap-s4": _sap_s4, "1c": _onec,
        "sftp": _sftp,
    }[options.pop("system")]  # fmt: skip
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


@contextmanager
def _microshare(points: int, clusters: int, devices: int, **options: Any) -> Iterator[Mapping[str, Any]]:
    """A tenant, and an Odoo with the inspection points: some have no device yet, some devices stand elsewhere by now."""
    erp = odoo.running(odoo.products(microshare_data.points(points)))
    with microshare.running(clusters=clusters, devices=devices, **options) as vendor, erp as products:
        vendor.happen([1, 2])
        rules = microshare_data.cluster_rules(clusters, devices)
        yield {"microshare": {**vendor.connection(), "cluster_rules": rules}, "odoo": products.connection()}


@contextmanager
def _sap_s4(**options: Any) -> Iterator[Mapping[str, Any]]:
    with sap_s4.running(**options) as system:
        yield system.connection()


@contextmanager
def _onec(**options: Any) -> Iterator[Mapping[str, Any]]:
    with onec.running(**options) as base:
        yield base.connection()


@contextmanager
def _sftp(**options: Any) -> Iterator[Mapping[str, Any]]:
    with erp_sftp.running(**options) as server:
        yield server.connection()


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
    iot = systems.add_parser("microshare", help="Microshare: clusters of devices, and an Odoo with inspection points")
    iot.add_argument("--port", type=int, default=0, help="0: a free one")
    iot.add_argument("--clusters", type=int, default=2, help="of traps, beside one of gateways (default: %(default)s)")
    iot.add_argument("--devices", type=int, default=10, help="in each cluster (default: %(default)s)")
    iot.add_argument("--points", type=int, default=26, help="in the ERP (default: %(default)s)")
    shown = {**sap_s4.SIZES, "orders": 400, "products": 1000, "bills": 200, "stocked": 300}  # what the demo shows
    _add(systems, "sap-s4", "SAP S/4HANA: orders, products, stock and billing documents over OData", shown)
    _add(systems, "1c", "1C:Enterprise: catalogues, documents and balances over OData", onec.SIZES)
    _add(systems, "sftp", "files of an ERP on an SFTP server: products, stock and orders as CSV", erp_sftp.SIZES)
    return parser


def _add(systems: Any, name: str, words: str, sizes: Mapping[str, int]) -> None:
    command = systems.add_parser(name, help=words)
    command.add_argument("--port", type=int, default=0, help="0: a free one")
    for each, number in sizes.items():
        option = f"--{each.replace('_', '-')}"
        command.add_argument(option, type=int, default=number, help="how many (default: %(default)s)")


if __name__ == "__main__":
    main()
