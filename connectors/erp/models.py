"""What every ERP has, in one shape: one record type a table, one annotated field a column.

These are the types that analysts query, whatever the source. A mapping (see mapping.py) says where a vendor's record
holds each of them; ``source`` is the canonical name, which a file in Landfall's own format uses as it is. Keys and ids
are the source's, as text; amounts and quantities are exact; a field that a mapping does not bind is NULL.
(Longer than other files because a table is a list of columns, and better read in one place.)
"""

import datetime as dt
from decimal import Decimal
from typing import Annotated

import msgspec

from connectors.stream import column

CURRENCY = "currency"
UOM = "uom"

Text = str | None
Flag = bool | None
Number = Decimal | None
Day = dt.date | None
Instant = dt.datetime | None
Json = msgspec.Raw | None

ORDER_STATUSES = (
    "draft", "open", "processing", "partially_shipped", "shipped", "delivered", "completed", "on_hold", "cancelled",
)  # fmt: skip
PRODUCT_STATUSES = ("active", "inactive", "discontinued", "deleted")
EMPLOYEE_STATUSES = ("active", "leave", "terminated")
INVOICE_STATUSES = ("draft", "open", "partially_paid", "paid", "void")
STOCK_TYPES = ("unrestricted", "quality_inspection", "blocked", "returns", "in_transit", "reserved")


class SalesOrder(msgspec.Struct, kw_only=True):
    """A sales order, with its lines in sales_order_line."""

    source_key: Annotated[str, column("Key of the order at the source", source="source_key")]
    order_number: Annotated[Text, column("Number that people use", source="order_number")] = None
    external_reference: Annotated[
        Text, column("The customer's or shop's own number of the order", source="external_reference")
    ] = None
    order_type: Annotated[Text, column("sales, return or purchase; else the source's word", source="order_type")] = None
    status: Annotated[
        Text,
        column(
            "draft, open, processing, partially_shipped, shipped, delivered, completed, on_hold or cancelled; a status"
            " that the mapping does not know stands as the source has it",
            source="status",
        ),
    ] = None
    source_status: Annotated[Text, column("Status as the source has it", source="source_status")] = None
    fulfillment_status: Annotated[
        Text, column("How far it is delivered, as the source has it", source="fulfillment_status")
    ] = None
    payment_status: Annotated[
        Text, column("How far it is billed or paid, as the source has it", source="payment_status")
    ] = None
    customer_key: Annotated[Text, column("Key of the customer at the source", source="customer_key")] = None
    customer_name: Annotated[Text, column("Name of the customer", source="customer_name")] = None
    currency: Annotated[Text, column("Currency of the amounts, an ISO 4217 code", source="currency")] = None
    order_date: Annotated[Day, column("Day of the order, in the source's own zone", source="order_date")] = None
    requested_date: Annotated[Day, column("Day for which delivery is asked", source="requested_date")] = None
    subtotal: Annotated[Number, column("Sum of the lines before tax", source="subtotal", unit=CURRENCY)] = None
    discount_total: Annotated[Number, column("Discounts of the order", source="discount_total", unit=CURRENCY)] = None
    shipping_total: Annotated[Number, column("Cost of delivery", source="shipping_total", unit=CURRENCY)] = None
    tax_total: Annotated[Number, column("Taxes", source="tax_total", unit=CURRENCY)] = None
    grand_total: Annotated[Number, column("What the customer pays", source="grand_total", unit=CURRENCY)] = None
    payment_terms: Annotated[Text, column("Terms of payment, the source's code", source="payment_terms")] = None
    sales_channel: Annotated[Text, column("Where it was sold, the source's code", source="sales_channel")] = None
    location_key: Annotated[Text, column("Place that delivers, the source's key", source="location_key")] = None
    ship_to: Annotated[Json, column("Where it goes, as the source has it", source="ship_to")] = None
    bill_to: Annotated[Json, column("Who pays, as the source has it", source="bill_to")] = None
    notes: Annotated[Text, column("Free text about the order", source="notes")] = None
    client_id: Annotated[
        Text, column("Client whose order it is (erp.client), from the mapping or the assignment", source="client_id")
    ] = None
    site_id: Annotated[
        Text, column("Site whose order it is (erp.site), from the mapping or the assignment", source="site_id")
    ] = None
    source_deleted: Annotated[
        Flag, column("The source's own mark of deletion, where it marks", source="source_deleted")
    ] = None
    source_created_at: Annotated[Instant, column("When it was entered", source="source_created_at")] = None
    source_updated_at: Annotated[Instant, column("Last change at the source", source="source_updated_at")] = None
    source_version: Annotated[
        Text, column("The source's version of the record: an ETag, counter or time", source="source_version")
    ] = None


class SalesOrderLine(msgspec.Struct, kw_only=True):
    """A line of a sales order."""

    order_source_key: Annotated[str, column("The order", source="^source_key")]
    index: Annotated[int, column("Position in the record of the order, from 0", source="#")]
    line_key: Annotated[Text, column("Key of the line at the source", source="line_key")] = None
    line_number: Annotated[Text, column("Number that people use", source="line_number")] = None
    parent_line_key: Annotated[Text, column("Line that this one belongs to", source="parent_line_key")] = None
    line_type: Annotated[Text, column("Kind of line, as the source has it", source="line_type")] = None
    product_source_key: Annotated[Text, column("The product (product.source_key)", source="product_source_key")] = None
    sku: Annotated[Text, column("Article number that people use", source="sku")] = None
    customer_sku: Annotated[Text, column("The customer's own article number", source="customer_sku")] = None
    description: Annotated[Text, column("What is ordered, in words", source="description")] = None
    quantity: Annotated[Number, column("Quantity ordered", source="quantity", unit=UOM)] = None
    quantity_shipped: Annotated[Number, column("Quantity shipped", source="quantity_shipped", unit=UOM)] = None
    quantity_cancelled: Annotated[Number, column("Quantity cancelled", source="quantity_cancelled", unit=UOM)] = None
    uom: Annotated[Text, column("Unit of the quantities", source="uom")] = None
    unit_price: Annotated[Number, column("Price of one unit", source="unit_price", unit=CURRENCY)] = None
    discount: Annotated[Number, column("Discount of the line", source="discount", unit=CURRENCY)] = None
    tax: Annotated[Number, column("Tax of the line", source="tax", unit=CURRENCY)] = None
    line_total: Annotated[Number, column("Amount of the line", source="line_total", unit=CURRENCY)] = None
    currency: Annotated[Text, column("Currency of the amounts, an ISO 4217 code", source="currency")] = None
    requested_date: Annotated[Day, column("Day for which delivery is asked", source="requested_date")] = None
    location_key: Annotated[Text, column("Place that delivers, the source's key", source="location_key")] = None
    lot_key: Annotated[Text, column("Lot or batch", source="lot_key")] = None
    status: Annotated[Text, column("As sales_order.status, of the line", source="status")] = None
    source_status: Annotated[Text, column("Status as the source has it", source="source_status")] = None
    rejection_reason: Annotated[
        Text, column("Why the line was rejected or cancelled, the source's code", source="rejection_reason")
    ] = None


class Product(msgspec.Struct, kw_only=True):
    """A product or material of the catalog."""

    source_key: Annotated[str, column("Key of the product at the source", source="source_key")]
    catalog_id: Annotated[Text, column("Catalog that it belongs to, where there are several", source="catalog_id")] = (
        None
    )
    sku: Annotated[Text, column("Article number that people use", source="sku")] = None
    name: Annotated[Text, column("Name", source="name")] = None
    description: Annotated[Text, column("Description", source="description")] = None
    barcode: Annotated[Text, column("GTIN, EAN or UPC", source="barcode")] = None
    product_type: Annotated[Text, column("Kind of product, the source's code", source="product_type")] = None
    product_group: Annotated[Text, column("Group of products, the source's code", source="product_group")] = None
    brand: Annotated[Text, column("Brand", source="brand")] = None
    status: Annotated[
        Text,
        column(
            "active, inactive, discontinued or deleted; a status that the mapping does not know stands as the source has it",
            source="status",
        ),
    ] = None
    source_status: Annotated[Text, column("Status as the source has it", source="source_status")] = None
    is_group: Annotated[Flag, column("True for a group of products, not one itself", source="is_group")] = None
    parent_key: Annotated[Text, column("Group or product that it belongs to", source="parent_key")] = None
    uom: Annotated[Text, column("Unit in which stock is kept", source="uom")] = None
    sales_uom: Annotated[Text, column("Unit in which it is sold", source="sales_uom")] = None
    list_price: Annotated[Number, column("Price without discounts", source="list_price", unit=CURRENCY)] = None
    cost: Annotated[Number, column("Cost of one unit", source="cost", unit=CURRENCY)] = None
    currency: Annotated[Text, column("Currency of price and cost, an ISO 4217 code", source="currency")] = None
    gross_weight: Annotated[Number, column("Weight with packaging", source="gross_weight", unit="weight_uom")] = None
    net_weight: Annotated[Number, column("Weight without packaging", source="net_weight", unit="weight_uom")] = None
    weight_uom: Annotated[Text, column("Unit of the weights", source="weight_uom")] = None
    volume: Annotated[Number, column("Volume", source="volume", unit="volume_uom")] = None
    volume_uom: Annotated[Text, column("Unit of the volume", source="volume_uom")] = None
    country_of_origin: Annotated[Text, column("Country of origin", source="country_of_origin")] = None
    lot_managed: Annotated[Flag, column("Whether stock is kept by lot", source="lot_managed")] = None
    client_id: Annotated[
        Text, column("Client whose product it is (erp.client), from the mapping or the assignment", source="client_id")
    ] = None
    site_id: Annotated[
        Text, column("Site whose product it is (erp.site), from the mapping or the assignment", source="site_id")
    ] = None
    source_deleted: Annotated[
        Flag, column("The source's own mark of deletion, where it marks", source="source_deleted")
    ] = None
    source_created_at: Annotated[Instant, column("When it was entered", source="source_created_at")] = None
    source_updated_at: Annotated[Instant, column("Last change at the source", source="source_updated_at")] = None
    source_version: Annotated[
        Text, column("The source's version of the record: an ETag, counter or time", source="source_version")
    ] = None


class InventoryLevel(msgspec.Struct, kw_only=True):
    """The stock of one product in one place, of one lot and one stock type."""

    source_key: Annotated[
        str, column("Key at the source: product, place, lot, stock type and whatever else tells stocks apart",
                    source="source_key")
    ]  # fmt: skip
    product_source_key: Annotated[Text, column("The product (product.source_key)", source="product_source_key")] = None
    sku: Annotated[Text, column("Article number that people use", source="sku")] = None
    location_key: Annotated[
        Text, column("Place: plant, warehouse or store, the source's key", source="location_key")
    ] = None
    sublocation_key: Annotated[
        Text, column("Part of the place, such as a storage location", source="sublocation_key")
    ] = None
    location_name: Annotated[Text, column("Name of the place", source="location_name")] = None
    lot_key: Annotated[Text, column("Lot or batch", source="lot_key")] = None
    expires_on: Annotated[Day, column("Last day of use of the lot", source="expires_on")] = None
    stock_type: Annotated[
        Text,
        column(
            "unrestricted, quality_inspection, blocked, returns, in_transit or reserved; a type that the mapping does not"
            " know stands as the source has it",
            source="stock_type",
        ),
    ] = None
    source_stock_type: Annotated[Text, column("Stock type as the source has it", source="source_stock_type")] = None
    special_stock: Annotated[
        Text, column("Kind of special stock (consignment, project, …), the source's code", source="special_stock")
    ] = None
    owner_key: Annotated[Text, column("Whose special stock it is, the source's key", source="owner_key")] = None
    uom: Annotated[Text, column("Unit of the quantities", source="uom")] = None
    on_hand: Annotated[Number, column("Quantity there", source="on_hand", unit=UOM)] = None
    reserved: Annotated[Number, column("Quantity promised to somebody", source="reserved", unit=UOM)] = None
    on_order: Annotated[Number, column("Quantity ordered from suppliers", source="on_order", unit=UOM)] = None
    available: Annotated[Number, column("Quantity that can be promised", source="available", unit=UOM)] = None
    as_of: Annotated[Instant, column("Moment of the count, where the source says it", source="as_of")] = None
    client_id: Annotated[
        Text, column("Client whose stock it is (erp.client), from the mapping or the assignment", source="client_id")
    ] = None
    site_id: Annotated[
        Text, column("Site whose stock it is (erp.site), from the mapping or the assignment", source="site_id")
    ] = None
    source_updated_at: Annotated[Instant, column("Last change at the source", source="source_updated_at")] = None
    source_version: Annotated[
        Text, column("The source's version of the record: an ETag, counter or time", source="source_version")
    ] = None


class OrderStatusEvent(msgspec.Struct, kw_only=True):
    """Something that happened to an order. Rows are only ever added.

    Where the source has no events but a status, an event is a change of that status between two looks.
    """

    source_key: Annotated[str, column("Key of the event", source="source_key")]
    order_source_key: Annotated[Text, column("The order (sales_order.source_key)", source="order_source_key")] = None
    order_number: Annotated[Text, column("Number of the order that people use", source="order_number")] = None
    line_key: Annotated[Text, column("The line, where the event is about one", source="line_key")] = None
    event_type: Annotated[
        Text, column("What kind: status, shipment, delivery, cancellation; else the source's word", source="event_type")
    ] = None
    status: Annotated[Text, column("Status since then, as sales_order.status", source="status")] = None
    source_status: Annotated[Text, column("Status as the source has it", source="source_status")] = None
    fulfillment_status: Annotated[
        Text, column("How far the order is delivered since then, as the source has it", source="fulfillment_status")
    ] = None
    payment_status: Annotated[
        Text, column("How far the order is billed or paid since then, as the source has it", source="payment_status")
    ] = None
    carrier: Annotated[Text, column("Who carries the parcel", source="carrier")] = None
    tracking_number: Annotated[Text, column("Tracking number", source="tracking_number")] = None
    quantity: Annotated[Number, column("Quantity that the event is about", source="quantity", unit=UOM)] = None
    uom: Annotated[Text, column("Unit of the quantity", source="uom")] = None
    occurred_at: Annotated[
        Instant,
        column("When it happened, where the source says it; _inserted_at is when it was seen", source="occurred_at"),
    ] = None
    client_id: Annotated[
        Text, column("Client whose order it is (erp.client), from the mapping or the assignment", source="client_id")
    ] = None
    site_id: Annotated[
        Text, column("Site whose order it is (erp.site), from the mapping or the assignment", source="site_id")
    ] = None
    source_version: Annotated[
        Text, column("The source's version of the record that told of the event", source="source_version")
    ] = None


class Employee(msgspec.Struct, kw_only=True):
    """Somebody who works there."""

    source_key: Annotated[str, column("Key of the employee at the source", source="source_key")]
    employee_number: Annotated[Text, column("Personnel number", source="employee_number")] = None
    work_email: Annotated[Text, column("E-mail address at work", source="work_email")] = None
    first_name: Annotated[Text, column("First name", source="first_name")] = None
    last_name: Annotated[Text, column("Last name", source="last_name")] = None
    display_name: Annotated[Text, column("Whole name, as shown", source="display_name")] = None
    department: Annotated[Text, column("Department", source="department")] = None
    job_title: Annotated[Text, column("What the job is called", source="job_title")] = None
    manager_source_key: Annotated[Text, column("Whom they report to", source="manager_source_key")] = None
    location: Annotated[Text, column("Where they work", source="location")] = None
    hire_date: Annotated[Day, column("First day", source="hire_date")] = None
    termination_date: Annotated[Day, column("Last day", source="termination_date")] = None
    status: Annotated[
        Text,
        column(
            "active, leave or terminated; a status that the mapping does not know stands as the source has it",
            source="status",
        ),
    ] = None
    source_status: Annotated[Text, column("Status as the source has it", source="source_status")] = None
    client_id: Annotated[
        Text, column("Client whose employee it is (erp.client), from the mapping or the assignment", source="client_id")
    ] = None
    site_id: Annotated[
        Text, column("Site of the employee (erp.site), from the mapping or the assignment", source="site_id")
    ] = None
    source_deleted: Annotated[
        Flag, column("The source's own mark of deletion, where it marks", source="source_deleted")
    ] = None
    source_updated_at: Annotated[Instant, column("Last change at the source", source="source_updated_at")] = None
    source_version: Annotated[
        Text, column("The source's version of the record: an ETag, counter or time", source="source_version")
    ] = None


class Invoice(msgspec.Struct, kw_only=True):
    """An invoice or credit note, with its lines in invoice_line."""

    source_key: Annotated[str, column("Key of the invoice at the source", source="source_key")]
    invoice_number: Annotated[Text, column("Number that people use", source="invoice_number")] = None
    invoice_type: Annotated[
        Text, column("receivable, payable or credit_note; else the source's word", source="invoice_type")
    ] = None
    order_source_key: Annotated[Text, column("The order (sales_order.source_key)", source="order_source_key")] = None
    status: Annotated[
        Text,
        column(
            "draft, open, partially_paid, paid or void; a status that the mapping does not know stands as the source has it",
            source="status",
        ),
    ] = None
    source_status: Annotated[Text, column("Status as the source has it", source="source_status")] = None
    customer_key: Annotated[Text, column("Key of the customer at the source", source="customer_key")] = None
    customer_name: Annotated[Text, column("Name of the customer", source="customer_name")] = None
    currency: Annotated[Text, column("Currency of the amounts, an ISO 4217 code", source="currency")] = None
    issue_date: Annotated[Day, column("Day of the invoice", source="issue_date")] = None
    due_date: Annotated[Day, column("Day on which it has to be paid", source="due_date")] = None
    paid_date: Annotated[Day, column("Day on which it was paid", source="paid_date")] = None
    subtotal: Annotated[Number, column("Sum of the lines before tax", source="subtotal", unit=CURRENCY)] = None
    tax_total: Annotated[Number, column("Taxes", source="tax_total", unit=CURRENCY)] = None
    grand_total: Annotated[Number, column("What has to be paid in all", source="grand_total", unit=CURRENCY)] = None
    balance: Annotated[Number, column("What is still open", source="balance", unit=CURRENCY)] = None
    payment_terms: Annotated[Text, column("Terms of payment, the source's code", source="payment_terms")] = None
    client_id: Annotated[
        Text, column("Client whose invoice it is (erp.client), from the mapping or the assignment", source="client_id")
    ] = None
    site_id: Annotated[
        Text, column("Site whose invoice it is (erp.site), from the mapping or the assignment", source="site_id")
    ] = None
    source_deleted: Annotated[
        Flag, column("The source's own mark of deletion, where it marks", source="source_deleted")
    ] = None
    source_created_at: Annotated[Instant, column("When it was entered", source="source_created_at")] = None
    source_updated_at: Annotated[Instant, column("Last change at the source", source="source_updated_at")] = None
    source_version: Annotated[
        Text, column("The source's version of the record: an ETag, counter or time", source="source_version")
    ] = None


class InvoiceLine(msgspec.Struct, kw_only=True):
    """A line of an invoice."""

    invoice_source_key: Annotated[str, column("The invoice", source="^source_key")]
    index: Annotated[int, column("Position in the record of the invoice, from 0", source="#")]
    line_key: Annotated[Text, column("Key of the line at the source", source="line_key")] = None
    line_number: Annotated[Text, column("Number that people use", source="line_number")] = None
    product_source_key: Annotated[Text, column("The product (product.source_key)", source="product_source_key")] = None
    sku: Annotated[Text, column("Article number that people use", source="sku")] = None
    description: Annotated[Text, column("What is billed, in words", source="description")] = None
    quantity: Annotated[Number, column("Quantity billed", source="quantity", unit=UOM)] = None
    uom: Annotated[Text, column("Unit of the quantity", source="uom")] = None
    unit_price: Annotated[Number, column("Price of one unit", source="unit_price", unit=CURRENCY)] = None
    tax: Annotated[Number, column("Tax of the line", source="tax", unit=CURRENCY)] = None
    line_total: Annotated[Number, column("Amount of the line", source="line_total", unit=CURRENCY)] = None
    currency: Annotated[Text, column("Currency of the amounts, an ISO 4217 code", source="currency")] = None
    order_source_key: Annotated[Text, column("The order (sales_order.source_key)", source="order_source_key")] = None
    order_line_key: Annotated[
        Text, column("The line of the order (sales_order_line.line_key)", source="order_line_key")
    ] = None
