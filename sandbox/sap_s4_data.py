"""Made-up orders, products, stock and billing documents of an S/4HANA system, from numbers alone: the same everywhere.

Property names are the vendor's. Among the values is everything that a reader stumbles over: decimals of three places,
empty texts, missing optional fields, dates before 1970, apostrophes in names.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.odata_store import EntitySet, Record, Shape

TEXT, DECIMAL, DAY, MOMENT, FLAG = "Edm.String", "Edm.Decimal", "Edm.DateTime", "Edm.DateTimeOffset", "Edm.Boolean"
BEGIN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
PLANTS = ("1010", "1020", "1710")
CURRENCIES = ("EUR", "USD", "JPY", "KWD")  # two, two, no and three decimals
PLACES = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
NOUNS = ("Mug", "Lamp", "Kettle", "Blanket", "Backpack", "Bottle", "Notebook", "Headset")
WORDS = ("Amber", "Basalt", "Coral", "Dune", "Ebony", "Fern", "Granite")


def _fields(kind: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), kind)


ITEM = {
    **_fields(TEXT, "SalesOrder SalesOrderItem HigherLevelItem SalesOrderItemCategory SalesOrderItemText Material"),
    **_fields(
        TEXT, "MaterialByCustomer RequestedQuantityUnit TransactionCurrency Batch ProductionPlant StorageLocation"
    ),
    **_fields(TEXT, "SalesDocumentRjcnReason SDProcessStatus DeliveryStatus"),
    **_fields(DECIMAL, "RequestedQuantity NetAmount ItemNetWeight"),
}
ORDER = {
    **_fields(TEXT, "SalesOrder SalesOrderType SalesOrganization DistributionChannel SoldToParty"),
    **_fields(TEXT, "PurchaseOrderByCustomer TransactionCurrency CustomerPaymentTerms DeliveryBlockReason"),
    **_fields(TEXT, "OverallSDProcessStatus OverallTotalDeliveryStatus OverallSDDocumentRejectionSts"),
    **_fields(DAY, "CreationDate LastChangeDate SalesOrderDate RequestedDeliveryDate"),
    "LastChangeDateTime": MOMENT,
    "TotalNetAmount": DECIMAL,
    "CompleteDeliveryIsDefined": FLAG,
}
DESCRIPTION = _fields(TEXT, "Product Language ProductDescription")
PRODUCT = {
    **_fields(TEXT, "Product ProductType CrossPlantStatus ProductOldID ProductGroup BaseUnit WeightUnit VolumeUnit"),
    **_fields(TEXT, "CountryOfOrigin Division Brand ProductStandardID InternationalArticleNumberCat ProductHierarchy"),
    **_fields(DECIMAL, "GrossWeight NetWeight MaterialVolume"),
    **_fields(DAY, "CreationDate LastChangeDate"),
    **_fields(FLAG, "IsMarkedForDeletion IsBatchManagementRequired"),
    "LastChangeDateTime": MOMENT,
}
STOCK_KEY = (
    "Material", "Plant", "StorageLocation", "Batch", "Supplier", "Customer", "WBSElementInternalID", "SDDocument",
    "SDDocumentItem", "InventorySpecialStockType", "InventoryStockType",
)  # fmt: skip
STOCK = {
    **_fields(TEXT, " ".join(STOCK_KEY)),
    "MaterialBaseUnit": TEXT,
    "MatlWrhsStkQtyInMatlBaseUnit": DECIMAL,
}
BILL_ITEM = {
    **_fields(TEXT, "BillingDocument BillingDocumentItem Material BillingDocumentItemText BillingQuantityUnit"),
    **_fields(TEXT, "TransactionCurrency SalesDocument SalesDocumentItem"),
    **_fields(DECIMAL, "BillingQuantity NetAmount TaxAmount GrossAmount"),
}
BILL = {
    **_fields(TEXT, "BillingDocument BillingDocumentType SoldToParty TransactionCurrency CustomerPaymentTerms"),
    **_fields(TEXT, "OverallBillingStatus AccountingPostingStatus InvoiceClearingStatus CompanyCode"),
    **_fields(DECIMAL, "TotalNetAmount TaxAmount TotalGrossAmount"),
    **_fields(DAY, "BillingDocumentDate CreationDate LastChangeDate"),
    "LastChangeDateTime": MOMENT,
    "BillingDocumentIsCancelled": FLAG,
}


def alpha(_field: str, value: Any) -> Any:
    """Order numbers as numbers, as the database does that stores them with zeros in front."""
    return value.zfill(40) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def order_set(namespace: str, name: str, items: str, *, days: str = DAY) -> EntitySet:
    """The set of sales orders; version 4 names it and its items otherwise and has real dates (``Edm.Date``)."""
    shape = Shape(
        f"{namespace}.{name}Type",
        {field: days if edm == DAY else edm for field, edm in ORDER.items()},
        ("SalesOrder",),
        navigation={items: Shape(f"{namespace}.{name}ItemType", ITEM, ("SalesOrder", "SalesOrderItem"))},
    )
    return EntitySet(name, shape, alpha, "LastChangeDateTime")


def product_set(namespace: str) -> EntitySet:
    """The set of products, with descriptions to expand."""
    described = Shape(f"{namespace}.A_ProductDescriptionType", DESCRIPTION, ("Product", "Language"))
    shape = Shape(f"{namespace}.A_ProductType", PRODUCT, ("Product",), navigation={"to_Description": described})
    return EntitySet("A_Product", shape, alpha, "LastChangeDateTime")


def stock_set(namespace: str) -> EntitySet:
    """The set of stock levels; it has no time of change."""
    return EntitySet("A_MatlStkInAcctMod", Shape(f"{namespace}.A_MatlStkInAcctModType", STOCK, STOCK_KEY), alpha)


def bill_set(namespace: str) -> EntitySet:
    """The set of billing documents, with items to expand."""
    item = Shape(f"{namespace}.A_BillingDocumentItemType", BILL_ITEM, ("BillingDocument", "BillingDocumentItem"))
    shape = Shape(f"{namespace}.A_BillingDocumentType", BILL, ("BillingDocument",), navigation={"to_Item": item})
    return EntitySet("A_BillingDocument", shape, alpha, "LastChangeDateTime")


def material(at: int) -> str:
    """The number of a product: numeric for most, with letters for some."""
    return f"TG{at:02}" if at % 10 == 3 else str(at + 1)


def product(at: int) -> Record:
    """The product of this number."""
    changed = BEGIN + timedelta(minutes=at // 3)  # several share a moment
    name = f"{WORDS[at % len(WORDS)]} {NOUNS[at % len(NOUNS)]}"
    return {
        "Product": material(at),
        "ProductType": ("FERT", "HAWA", "ROH")[at % 3],
        "CrossPlantStatus": ("", "", "01", "02")[at % 4],
        "ProductOldID": "" if at % 5 else f"OLD-{at}",
        "ProductGroup": f"G{at % 12:03}",
        "BaseUnit": ("PC", "KG", "M")[at % 3],
        "WeightUnit": "KG",
        "VolumeUnit": "L",
        "CountryOfOrigin": ("DE", "UZ", "US", "")[at % 4],
        "Division": f"{at % 4:02}",
        "Brand": "",
        "ProductStandardID": f"40{at:011}",
        "InternationalArticleNumberCat": "HE",
        "ProductHierarchy": f"{at % 9:05}",
        "GrossWeight": Decimal(at * 7 + 1).scaleb(-3),
        "NetWeight": Decimal(at * 7).scaleb(-3),
        "MaterialVolume": Decimal(at % 40).scaleb(-3),
        "CreationDate": date(1968, 3, 1) if at == 1 else BEGIN.date(),
        "LastChangeDate": (changed + timedelta(days=200)).date(),
        "LastChangeDateTime": changed,
        "IsMarkedForDeletion": at % 50 == 49,
        "IsBatchManagementRequired": at % 6 == 0,
        "to_Description": [
            {"Product": material(at), "Language": "DE", "ProductDescription": f"{name} (deutsch) №{at}"},
            {"Product": material(at), "Language": "EN", "ProductDescription": f"{name}'s best №{at}"},
        ],
    }


def amount(at: int, currency: str) -> Decimal:
    """An amount in the currency's own number of decimals, written with three as the vendor's fields are."""
    return (Decimal(at * 1237 % 99991 + 1).scaleb(-PLACES[currency])).quantize(Decimal("0.001"))


def order(at: int, products: int) -> Record:
    """The sales order of this number, with one to four items."""
    number, currency = str(at + 1), CURRENCIES[at % len(CURRENCIES)]
    changed = BEGIN + timedelta(minutes=at // 2)
    items = [_item(number, n, at, products, currency) for n in range(1 + at % 4)]
    row: Record = {
        "SalesOrder": number,
        "SalesOrderType": ("OR", "OR", "RE")[at % 3],
        "SalesOrganization": ("1010", "1710")[at % 2],
        "DistributionChannel": "10",
        "SoldToParty": str(10_000 + at % 17),
        "PurchaseOrderByCustomer": "" if at % 4 == 0 else f"W-{at:05}",
        "TransactionCurrency": currency,
        "CustomerPaymentTerms": "0001",
        "DeliveryBlockReason": "",
        "OverallSDProcessStatus": "" if at % 30 == 7 else "ABC"[at % 3],
        "OverallTotalDeliveryStatus": ("A", "B", "C", "")[at % 4],
        "OverallSDDocumentRejectionSts": "C" if at % 20 == 19 else "A",
        "CreationDate": (BEGIN + timedelta(days=at % 60)).date(),
        "LastChangeDate": None if at % 7 == 0 else (changed + timedelta(days=210)).date(),
        "SalesOrderDate": (BEGIN + timedelta(days=at % 60)).date(),
        "RequestedDeliveryDate": None if at % 5 == 0 else (BEGIN + timedelta(days=at % 60 + 7)).date(),
        "LastChangeDateTime": changed,
        "TotalNetAmount": sum((item["NetAmount"] for item in items), Decimal("0.000")),
        "CompleteDeliveryIsDefined": at % 2 == 0,
        "Items": items,
    }
    if at % 9 == 8:
        del row["CustomerPaymentTerms"]  # releases differ in what they send
    return row


def _item(order_number: str, n: int, at: int, products: int, currency: str) -> Record:
    return {
        "SalesOrder": order_number,
        "SalesOrderItem": str((n + 1) * 10),
        "HigherLevelItem": "0",
        "SalesOrderItemCategory": "TAN",
        "SalesOrderItemText": f"Line {n + 1} of order {order_number}",
        "Material": material((at + n) % max(products, 1)),
        "MaterialByCustomer": "",
        "RequestedQuantity": Decimal(n * 1500 + 500).scaleb(-3),
        "RequestedQuantityUnit": "PC",
        "NetAmount": amount(at * 4 + n, currency),
        "TransactionCurrency": currency,
        "ItemNetWeight": Decimal(n * 125).scaleb(-3),
        "Batch": "",
        "ProductionPlant": PLANTS[at % 3],
        "StorageLocation": f"000{n % 3 + 1}",
        "SalesDocumentRjcnReason": "01" if at % 20 == 19 else "",
        "SDProcessStatus": ("A", "B", "C")[at % 3],
        "DeliveryStatus": ("A", "B", "C")[at % 3],
    }


def stock(at: int) -> Sequence[Record]:
    """The stock levels of a product: several plants, and more than one stock type and batch in the first."""
    rows = []
    for n in range(1 + at % 5):
        row: Record = dict.fromkeys(STOCK_KEY, "")
        row |= {
            "Material": material(at),
            "Plant": PLANTS[n % 3],
            "StorageLocation": f"000{n % 3 + 1}",
            "Batch": f"B{n}" if n > 2 else "",
            "SDDocumentItem": "0",
            "WBSElementInternalID": "0",
            "InventoryStockType": ("01", "02", "07")[n % 3],
            "MaterialBaseUnit": ("PC", "KG", "M")[at % 3],
            "MatlWrhsStkQtyInMatlBaseUnit": Decimal(at * 1003 % 50021).scaleb(-3),
        }
        rows.append(row)
    return rows


def _tax(net: Decimal) -> Decimal:
    return (net / 10).quantize(Decimal("0.001"))


def bill(at: int, products: int) -> Record:
    """The billing document of this number, for the order of the same number."""
    number, currency = str(90_000_000 + at), CURRENCIES[at % len(CURRENCIES)]
    items: list[Record] = [
        {
            "BillingDocument": number,
            "BillingDocumentItem": str((n + 1) * 10),
            "Material": material((at + n) % max(products, 1)),
            "BillingDocumentItemText": f"Line {n + 1}",
            "BillingQuantity": Decimal(n * 1500 + 500).scaleb(-3),
            "BillingQuantityUnit": "PC",
            "NetAmount": amount(at * 4 + n, currency),
            "TaxAmount": _tax(amount(at * 4 + n, currency)),
            "GrossAmount": amount(at * 4 + n, currency) + _tax(amount(at * 4 + n, currency)),
            "TransactionCurrency": currency,
            "SalesDocument": str(at + 1),
            "SalesDocumentItem": str((n + 1) * 10),
        }
        for n in range(1 + at % 3)
    ]
    changed = BEGIN + timedelta(minutes=at)
    return {
        "BillingDocument": number,
        "BillingDocumentType": ("F2", "F2", "G2")[at % 3],
        "SoldToParty": str(10_000 + at % 17),
        "TransactionCurrency": currency,
        "CustomerPaymentTerms": "0001",
        "OverallBillingStatus": ("A", "B", "C", "")[at % 4],
        "AccountingPostingStatus": "C",
        "InvoiceClearingStatus": ("A", "B", "C", "")[at % 4],
        "CompanyCode": "1010",
        "TotalNetAmount": sum((item["NetAmount"] for item in items), Decimal("0.000")),
        "TaxAmount": sum((item["TaxAmount"] for item in items), Decimal("0.000")),
        "TotalGrossAmount": sum((item["GrossAmount"] for item in items), Decimal("0.000")),
        "BillingDocumentDate": changed.date(),
        "CreationDate": changed.date(),
        "LastChangeDate": None,
        "LastChangeDateTime": changed,
        "BillingDocumentIsCancelled": at % 25 == 24,
        "to_Item": items,
    }
