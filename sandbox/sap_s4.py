"""A simulator of an S/4HANA system: sales orders (OData 2 and 4), products, stock and billing documents.

::

    with sap_s4.running(orders=50) as system:
        system.switches.page_size = 20
        system.orders.touch("17", at=system.now())
        system.host.fault("unavailable", entity="A_SalesOrder", page=2)
        ...
        assert system.host.journal.count("A_SalesOrder") == 4
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox import sap_s4_data as data
from sandbox.faults import Answer, Fault, Faults
from sandbox.odata import Service, Switches, error_v2, error_v4
from sandbox.odata_http import HTML_404, JSON, PLAIN, Door, Host, app
from sandbox.odata_store import EntitySet, Record
from sandbox.server import serving

USER, PASSWORD = "LANDFALL", "sandbox password with ü"
CLIENT = "100"
SIZES = {"orders": 60, "products": 120, "bills": 30, "stocked": 40, "page_size": 0}
V2_ROOT = "/sap/opu/odata/sap"
V4_ORDERS = "/sap/opu/odata4/sap/api_salesorder/srvd_a2x/sap/salesorder/0001"
PRESETS: Mapping[str, Answer] = {
    "unauthorized": (401, PLAIN, b"Unauthorized"),  # as plain text, which happens
    "forbidden": (403, JSON, error_v2("/IWFND/CM_CONSUMER/000", "No authorization to read sales orders")),
    "not_activated": (403, JSON, error_v2("/IWFND/MED/170", "No service found for namespace '', name 'X'")),
    "throttled": (429, JSON, error_v2("429", "Too many requests")),
    "refused": (400, JSON, error_v2("V1/042", "Sales document 17 is locked")),
    "refused_200": (200, JSON, error_v2("V1/042", "Sales document 17 is locked")),
    "html_404": (404, {"Content-Type": "text/html"}, HTML_404),
}


@dataclass
class SapS4:
    """A running system. ``orders`` are kept once and served in both versions; change them, and both show it."""

    host: Host
    switches: Switches
    orders: EntitySet
    orders_v4: EntitySet
    products: EntitySet
    stock: EntitySet
    bills: EntitySet
    sizes: Mapping[str, int]

    @property
    def base_url(self) -> str:
        """Where the system is."""
        return self.host.base_url

    def connection(self) -> dict[str, str]:
        """All that a client needs to connect with user and password."""
        return {"base_url": self.base_url, "user": USER, "password": PASSWORD, "sap_client": CLIENT}

    def now(self) -> datetime:
        """This moment, as the system would stamp a change."""
        return datetime.now(UTC)

    def touch(self, number: str, **values: Any) -> None:
        """Change an order now, with further values."""
        moment = self.now()
        self.orders.change(number, **values)
        self.orders.touch(number, at=moment)
        self.orders_v4.change(number, **values)
        self.orders_v4.touch(number, at=moment)

    def add_order(self, at: int, changed: datetime | None = None) -> str:
        """Add the order that the generator makes of a number; ``changed`` in the past makes it one committed late."""
        row = data.order(at, len(self.products.records))
        row["LastChangeDateTime"] = changed or self.now()
        _place(self.orders, self.orders_v4, row)
        return str(row["SalesOrder"])

    def sets(self) -> tuple[EntitySet, ...]:
        """All sets of the system."""
        return self.orders, self.orders_v4, self.products, self.stock, self.bills

    def reset(self) -> None:
        """Hold the records of the beginning again, and take back all faults, hooks and switches."""
        for mine, fresh in zip(self.sets(), make(**self.sizes).sets(), strict=True):
            mine.replace(fresh.records)
        self.host.calm()

    def delete_order(self, number: str) -> None:
        """Delete an order for good."""
        self.orders.delete(number)
        self.orders_v4.delete(number)

    def tie(self, entities: EntitySet, number: int, at: datetime | None = None) -> None:
        """Give the first so many records of a set one and the same time of change."""
        moment = at or self.now() - timedelta(hours=1)
        for _, key in list(entities.ordered())[:number]:
            entities.touch(*key, at=moment)


@contextmanager
def running(
    *,
    orders: int = SIZES["orders"],
    products: int = SIZES["products"],
    bills: int = SIZES["bills"],
    stocked: int = SIZES["stocked"],
    page_size: int = SIZES["page_size"],
    port: int = 0,
) -> Iterator[SapS4]:
    """Serve a system with so many records on loopback (0: a free port) until the block ends.

    ``stocked`` is the number of products that have stock levels. ``page_size`` 0: the server pages nothing.
    """
    system = make(orders=orders, products=products, bills=bills, stocked=stocked)
    system.switches.page_size = page_size
    with serving(app(system.host), port) as base_url:
        system.host.base_url = base_url
        yield system


def make(*, orders: int, products: int, bills: int, stocked: int) -> SapS4:
    """A system that is not served yet."""
    switches = Switches()
    v2 = data.order_set("API_SALES_ORDER_SRV", "A_SalesOrder", "to_Item")
    v4 = data.order_set("com.sap.gateway.srvd_a2x.api_sales_order.v0001", "SalesOrder", "_Item", days="Edm.Date")
    for at in range(orders):
        _place(v2, v4, data.order(at, products))
    product, stock = data.product_set("API_PRODUCT_SRV"), data.stock_set("API_MATERIAL_STOCK_SRV")
    product.put(*(data.product(at) for at in range(products)))
    stock.put(*(row for at in range(stocked) for row in data.stock(at)))
    bill = data.bill_set("API_BILLING_DOCUMENT_SRV")
    bill.put(*(data.bill(at, products) for at in range(bills)))
    services = [
        Service(f"{V2_ROOT}/{namespace}", namespace, "2.0", {each.name: each}, switches)
        for namespace, each in (
            ("API_SALES_ORDER_SRV", v2),
            ("API_PRODUCT_SRV", product),
            ("API_MATERIAL_STOCK_SRV", stock),
            ("API_BILLING_DOCUMENT_SRV", bill),
        )
    ]
    services.append(
        Service(V4_ORDERS, "com.sap.gateway.srvd_a2x.api_sales_order.v0001", "4.0", {"SalesOrder": v4}, switches)
    )
    host = Host(
        services,
        Door(USER, PASSWORD, api_key="sandbox-api-key"),
        switches,
        lambda service: error_v4 if service.version == "4.0" else error_v2,
        PRESETS["unauthorized"],
        Faults({name: _preset(answer) for name, answer in PRESETS.items()}),
    )
    sizes = {"orders": orders, "products": products, "bills": bills, "stocked": stocked}
    return SapS4(host, switches, v2, v4, product, stock, bill, sizes)


def _place(v2: EntitySet, v4: EntitySet, row: Record) -> None:
    """Put an order in both sets. Dates are the same, but version 4 writes them as dates."""
    items = row.pop("Items")
    v2.put({**row, "to_Item": items})
    v4.put({**row, "_Item": items})


def _preset(answer: Answer) -> Any:
    def make(_fault: Fault) -> Answer:
        return answer

    return make
