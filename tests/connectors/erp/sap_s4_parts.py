"""What the tests of the S/4HANA connector share: reading a data type whole, and what the simulated system holds."""

import json

from connectors.erp.mapping import load

DATA_TYPES = ("orders", "products", "order_status", "inventory", "invoices")
SETS = {
    "orders": "A_SalesOrder", "order_status": "A_SalesOrder", "products": "A_Product",
    "inventory": "A_MatlStkInAcctMod", "invoices": "A_BillingDocument",
}  # fmt: skip
KEYS = {"orders": "SalesOrder", "order_status": "SalesOrder", "products": "Product", "invoices": "BillingDocument"}


MAPPINGS = {"v2": load("sap-s4"), "v4": load("sap-s4", variant="v4")}


def pages(client, name="orders", cursor=None, version="v2"):
    return list(client.pages(name, cursor, MAPPINGS[version].binding(name)))


def records(given):
    return [json.loads(bytes(record)) for page in given for record in page.records]


def keys(given, name="orders"):
    if name == "inventory":
        parts = ("Material", "Plant", "StorageLocation", "Batch", "InventoryStockType")
        return ["/".join(record[part] for part in parts) for record in records(given)]
    return [record[KEYS[name]] for record in records(given)]


def set_of(system, name):
    return {"A_SalesOrder": system.orders, "A_Product": system.products, "A_MatlStkInAcctMod": system.stock,
            "A_BillingDocument": system.bills}[SETS[name]]  # fmt: skip
