"""What can be read from QuickBooks; how, is in reading.py and walk.py."""

from connectors.quickbooks.models import Address, Customer, Invoice, InvoiceLine, InvoiceLinkedTxn, Item, Vendor
from connectors.quickbooks.reading import Reading
from connectors.stream import Child, Gate, Stream

# Without this the vendor hides inactive customers, vendors and items.
INACTIVE_TOO = "Active IN (true,false)"
# Documented kinds; another one lands as it is and is reported.
ITEM_TYPES = ["Inventory", "Service", "NonInventory", "Category", "Group", "Bundle"]


def _addresses(owner: str, *roles: str) -> Child:
    return Child("address", Address, ("owner_type", "owner_id", "role"), roles=roles, owner=owner)


STREAMS: tuple[Stream, ...] = (
    Stream(
        name="customer",
        schema="quickbooks",
        record=Customer,
        key=("id",),
        pages=Reading("customer", "Customer", INACTIVE_TOO).pages,
        children=(_addresses("customer", "BillAddr", "ShipAddr"),),
        version="updated_at",
    ),
    Stream(
        name="vendor",
        schema="quickbooks",
        record=Vendor,
        key=("id",),
        pages=Reading("vendor", "Vendor", INACTIVE_TOO).pages,
        children=(_addresses("vendor", "BillAddr"),),
        version="updated_at",
    ),
    Stream(
        name="item",
        schema="quickbooks",
        record=Item,
        key=("id",),
        pages=Reading("item", "Item", INACTIVE_TOO).pages,
        version="updated_at",
        gates=(
            # An item without a name cannot be found again; a batch of them is a fault of the source.
            Gate("expect_column_values_to_not_be_null", {"column": "name", "mostly": 0.9}),
            Gate("expect_column_values_to_be_in_set", {"column": "type", "value_set": ITEM_TYPES}, blocks=False),
        ),
    ),
    Stream(
        name="invoice",
        schema="quickbooks",
        record=Invoice,
        key=("id",),
        pages=Reading("invoice", "Invoice", deletable=True).pages,
        children=(
            Child("invoice_line", InvoiceLine, ("invoice_id", "index"), path="Line"),
            Child("invoice_linked_txn", InvoiceLinkedTxn, ("invoice_id", "index"), path="LinkedTxn"),
            _addresses("invoice", "BillAddr", "ShipAddr", "ShipFromAddr"),
        ),
        version="updated_at",
        gates=(
            # An invoice belongs to a customer; a few odd ones are tolerated, a batch without customers is not.
            Gate("expect_column_values_to_not_be_null", {"column": "customer_id", "mostly": 0.9}),
            Gate("expect_column_values_to_be_between", {"column": "total_amount", "min_value": 0}, blocks=False),
        ),
    ),
)
