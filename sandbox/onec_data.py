"""Made-up catalogues, documents and balances of a 1C base, from numbers alone: the same ones on every machine.

Names are Russian, as in the vendor's own configurations. Among the values is what its bases are full of: zero GUIDs,
dates of year one, texts padded with blanks, groups among the products, marks of deletion, lines in the document.
"""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.odata_store import EntitySet, Record, Shape

TEXT, GUID, FLAG, NUMBER, LONG, TIME = (
    "Edm.String",
    "Edm.Guid",
    "Edm.Boolean",
    "Edm.Double",
    "Edm.Int64",
    "Edm.DateTime",
)
NO_GUID = "00000000-0000-0000-0000-000000000000"
NO_TIME = datetime(1, 1, 1)
BEGIN = datetime(2026, 1, 12, 9, 30)
STATUSES = ("НеСогласован", "КВыполнению", "КОтгрузке", "Закрыт")
WORDS = ("Чашка", "Лампа", "Чайник", "Плед", "Рюкзак")

PRODUCTS, ORDERS, EMPLOYEES = "Catalog_Номенклатура", "Document_ЗаказПокупателя", "Catalog_Сотрудники"
INVOICES, BALANCE = "Document_СчетНаОплатуПокупателю", "AccumulationRegister_ТоварыНаСкладах/Balance()"
HEAD = {"Ref_Key": GUID, "DataVersion": TEXT, "DeletionMark": FLAG}
_PRODUCT = {
    **HEAD, "Parent_Key": GUID, "IsFolder": FLAG, "Code": TEXT, "Description": TEXT, "Артикул": TEXT,
    "НаименованиеПолное": TEXT, "ЕдиницаИзмерения_Key": GUID, "Штрихкод": TEXT, "Вес": NUMBER, "ДатаИзменения": TIME,
}  # fmt: skip
_LINE = {
    "Ref_Key": GUID, "LineNumber": LONG, "Номенклатура_Key": GUID, "Количество": NUMBER, "Цена": NUMBER,
    "Сумма": NUMBER, "СуммаНДС": NUMBER, "Содержание": TEXT,
}  # fmt: skip
_ORDER = {
    **HEAD, "Number": TEXT, "Date": TIME, "Posted": FLAG, "Контрагент_Key": GUID, "ВалютаДокумента_Key": GUID,
    "Организация_Key": GUID, "Склад_Key": GUID, "СуммаДокумента": NUMBER, "Статус": TEXT, "ДатаОтгрузки": TIME,
    "Комментарий": TEXT,
}  # fmt: skip
_INVOICE = {
    **HEAD, "Number": TEXT, "Date": TIME, "Posted": FLAG, "Контрагент_Key": GUID, "ВалютаДокумента_Key": GUID,
    "СуммаДокумента": NUMBER, "ДокументОснование": TEXT, "ДокументОснование_Type": TEXT,
}  # fmt: skip
_EMPLOYEE = {
    **HEAD, "Code": TEXT, "Description": TEXT, "ГоловнаяОрганизация_Key": GUID, "ВАрхиве": FLAG, "ДатаПриема": TIME,
}  # fmt: skip
_BALANCE = {
    "Номенклатура_Key": GUID, "Склад_Key": GUID, "Характеристика_Key": GUID, "КоличествоBalance": NUMBER,
}  # fmt: skip


def shapes(namespace: str = "StandardODATA") -> dict[str, EntitySet]:
    """The sets of a base, empty."""

    def line(of: str, part: str) -> Shape:
        return Shape(f"{namespace}.{of}_{part}_RowType", _LINE)

    def entity(name: str, fields: dict[str, str], inline: dict[str, Shape] | None = None) -> EntitySet:
        return EntitySet(name, Shape(f"{namespace}.{name}", fields, ("Ref_Key",), inline=inline or {}), guid_order)

    balance = Shape(f"{namespace}.AccumulationRegister_ТоварыНаСкладах_Balance", _BALANCE)
    return {
        PRODUCTS: entity(PRODUCTS, _PRODUCT),
        ORDERS: entity(ORDERS, _ORDER, {"Товары": line(ORDERS, "Товары")}),
        INVOICES: entity(INVOICES, _INVOICE, {"Товары": line(INVOICES, "Товары")}),
        EMPLOYEES: entity(EMPLOYEES, _EMPLOYEE),
        BALANCE: EntitySet(BALANCE, balance, function=True),
    }


def guid(kind: str, at: int) -> str:
    """The GUID of a thing."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox:{kind}:{at}"))


def guid_order(_field: str, value: Any) -> Any:
    """Order GUIDs as a database does that stores their parts the other way round, never as texts."""
    try:
        parts = str(value).split("-")
        return tuple(reversed(parts)) if len(parts) == 5 else value
    except ValueError:
        return value


def _version(at: int) -> str:
    return f"AAAAA{at:06}="


def product(at: int) -> Record:
    """The product of this number; every fortieth is a group."""
    if at % 40 == 0:
        return {
            **_head("product", at), "Parent_Key": NO_GUID, "IsFolder": True, "Code": f"{at:011}",
            "Description": f"Группа {at // 40}",
        }  # fmt: skip
    word = WORDS[at % len(WORDS)]
    return {
        **_head("product", at),
        "DeletionMark": at % 30 == 29,
        "Parent_Key": guid("product", at - at % 40),
        "IsFolder": False,
        "Code": f"{at:011}",
        "Description": f"{word} «{at}»",
        "Артикул": f"A-{at}".ljust(25),  # a text of fixed length
        "НаименованиеПолное": f"{word} подарочная, №{at}",
        "ЕдиницаИзмерения_Key": guid("unit", at % 3) if at % 7 else NO_GUID,
        "Штрихкод": "" if at % 6 == 0 else f"46{at:011}",
        "Вес": Decimal(at * 7).scaleb(-3),
        "ДатаИзменения": NO_TIME if at % 3 else BEGIN,
    }


def _head(kind: str, at: int) -> Record:
    return {"Ref_Key": guid(kind, at), "DataVersion": _version(at), "DeletionMark": False}


def _lines(kind: str, at: int, products: int) -> list[Record]:
    lines = []
    for n in range(at % 4):  # some documents have no line
        price = Decimal(at * 991 + n * 37 + 1).scaleb(-2)
        number = Decimal(n * 1500 + 500).scaleb(-3)
        lines.append({
            "Ref_Key": guid(kind, at), "LineNumber": n + 1, "Номенклатура_Key": guid("product", (at + n) % products or 1),
            "Количество": number, "Цена": price, "Сумма": (price * number).quantize(Decimal("0.01")),
            "СуммаНДС": Decimal("0"), "Содержание": "",
        })  # fmt: skip
    return lines


def order(at: int, products: int) -> Record:
    """The order of this number."""
    lines = _lines("order", at, products)
    return {
        **_head("order", at),
        "DeletionMark": at % 25 == 24,
        "Number": f"ЗК-{at:07}".ljust(11),
        "Date": BEGIN + timedelta(minutes=at // 2),
        "Posted": at % 3 != 0,
        "Контрагент_Key": guid("customer", at % 11),
        "ВалютаДокумента_Key": guid("currency", at % 2),
        "Организация_Key": guid("company", at % 2),
        "Склад_Key": guid("store", at % 3) if at % 5 else NO_GUID,
        "СуммаДокумента": sum((line["Сумма"] for line in lines), Decimal("0")),
        "Статус": STATUSES[at % 4],
        "ДатаОтгрузки": NO_TIME if at % 2 else BEGIN + timedelta(days=7),
        "Комментарий": "срочно: «до обеда»" if at % 8 == 0 else "",
        "Товары": lines,
    }


def invoice(at: int, products: int) -> Record:
    """The invoice of this number, for the order of the same number."""
    lines = _lines("invoice", at, products)
    return {
        **_head("invoice", at),
        "Number": f"СЧ-{at:07}",
        "Date": BEGIN + timedelta(hours=at),
        "Posted": True,
        "Контрагент_Key": guid("customer", at % 11),
        "ВалютаДокумента_Key": guid("currency", at % 2),
        "СуммаДокумента": sum((line["Сумма"] for line in lines), Decimal("0")),
        "ДокументОснование": guid("order", at),
        "ДокументОснование_Type": f"StandardODATA.{ORDERS}",
        "Товары": lines,
    }


def employee(at: int) -> Record:
    """The employee of this number; they have numbers and no names."""
    return {
        **_head("employee", at),
        "Code": f"{at:09}",
        "Description": f"Сотрудник {at}",
        "ГоловнаяОрганизация_Key": guid("company", 0),
        "ВАрхиве": at % 10 == 9,
        "ДатаПриема": NO_TIME if at % 4 == 0 else BEGIN,
    }


def balance(at: int) -> Record:
    """The balance of a product in one store."""
    return {
        "Номенклатура_Key": guid("product", at),
        "Склад_Key": guid("store", at % 3),
        "Характеристика_Key": NO_GUID,
        "КоличествоBalance": Decimal(at * 1003 % 50021).scaleb(-3),
    }
