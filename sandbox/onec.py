"""A simulator of a 1C:Enterprise base published over its standard OData interface (version 3).

It pages nothing by itself, orders GUIDs in its own way, and ignores ``$top`` and ``$skip`` where an inline count is asked for::

    with onec.running(orders=50) as base:
        base.products.change(base.guid("product", 3), Description="…")
        base.host.fault("business", entity=onec.ORDERS)
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox import onec_data as data
from sandbox.faults import Answer, Fault, Faults
from sandbox.odata import Service, Switches, error_v3
from sandbox.odata_http import HTML_404, JSON, Door, Host, app
from sandbox.odata_store import EntitySet
from sandbox.onec_data import BALANCE, EMPLOYEES, INVOICES, ORDERS, PRODUCTS
from sandbox.server import serving

__all__ = ["BALANCE", "EMPLOYEES", "INVOICES", "ORDERS", "PRODUCTS", "OneC", "running"]

USER, PASSWORD = "Обмен", "пароль песочницы"
SIZES = {"orders": 40, "products": 90, "invoices": 12, "employees": 15}
BASE = "/trade"
ROOT = f"{BASE}/odata/standard.odata"
# 1C's codes for what the service refuses, by the words of `sandbox.odata`.
CODES = {"NO_SET": "8", "BAD_FILTER": "14", "BAD_ORDER": "10", "BAD_OPTION": "14", "BAD_EXPAND": "14"}
XML = b"""<?xml version="1.0" encoding="UTF-8"?><m:error xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
<m:code>-1</m:code><m:message>\xd0\x9e\xd1\x88\xd0\xb8\xd0\xb1\xd0\xba\xd0\xb0</m:message></m:error>"""
PRESETS: Mapping[str, Answer] = {
    "business": (500, JSON, error_v3("-1", "Документ заблокирован другим пользователем")),
    "business_xml": (500, {"Content-Type": "application/xml"}, XML),
    "no_rights": (401, JSON, error_v3("20", "Недостаточно прав")),
    "unpublished": (404, JSON, error_v3("8", "Тип сущности не найден")),
    "html_404": (404, {"Content-Type": "text/html"}, HTML_404),
    "unauthorized": (401, {"Content-Type": "text/html", "WWW-Authenticate": 'Basic realm="1C"'}, b"<html>401</html>"),
}


@dataclass
class OneC:
    """A running base and its sets."""

    host: Host
    switches: Switches
    sets: dict[str, EntitySet]
    sizes: Mapping[str, int]

    def reset(self) -> None:
        """Hold the records of the beginning again, and take back all faults, hooks and switches."""
        fresh = make(**self.sizes)
        for name, entities in self.sets.items():
            entities.replace(fresh.sets[name].records)
        self.host.calm()

    @property
    def products(self) -> EntitySet:
        """The catalogue of products and groups of them."""
        return self.sets[PRODUCTS]

    @property
    def orders(self) -> EntitySet:
        """The customers' orders."""
        return self.sets[ORDERS]

    @property
    def balances(self) -> EntitySet:
        """What is in the stores."""
        return self.sets[BALANCE]

    def guid(self, kind: str, at: int) -> str:
        """The key of a thing: product, order, employee or invoice."""
        return data.guid(kind, at)

    def connection(self) -> dict[str, str]:
        """All that a client needs to connect."""
        return {"base_url": f"{self.host.base_url}{BASE}", "user": USER, "password": PASSWORD}


@contextmanager
def running(
    *,
    orders: int = SIZES["orders"],
    products: int = SIZES["products"],
    invoices: int = SIZES["invoices"],
    employees: int = SIZES["employees"],
    port: int = 0,
) -> Iterator[OneC]:
    """Serve a base with so many records on loopback (0: a free port) until the block ends."""
    base = make(orders=orders, products=products, invoices=invoices, employees=employees)
    with serving(app(base.host), port) as base_url:
        base.host.base_url = base_url
        yield base


def make(*, orders: int, products: int, invoices: int, employees: int) -> OneC:
    """A base that is not served yet."""
    sets = data.shapes()
    sets[PRODUCTS].put(*(data.product(at) for at in range(products)))
    sets[ORDERS].put(*(data.order(at, max(products, 1)) for at in range(orders)))
    sets[INVOICES].put(*(data.invoice(at, max(products, 1)) for at in range(invoices)))
    sets[EMPLOYEES].put(*(data.employee(at) for at in range(employees)))
    for at in range(1, products, 2):
        sets[BALANCE].records[(at,)] = data.balance(at)
    switches = Switches()
    service = Service(ROOT, "StandardODATA", "3.0", sets, switches, counts_ignore_paging=True)
    host = Host(
        [service],
        Door(USER, PASSWORD),
        switches,
        lambda _service: lambda code, words: error_v3(CODES.get(code, code), words),
        PRESETS["unauthorized"],
        Faults({name: _preset(answer) for name, answer in PRESETS.items()}),
    )
    sizes = {"orders": orders, "products": products, "invoices": invoices, "employees": employees}
    return OneC(host, switches, sets, sizes)


def _preset(answer: Answer) -> Any:
    def make(_fault: Fault) -> Answer:
        return answer

    return make
