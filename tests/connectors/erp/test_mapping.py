"""Mappings: what they mean, every mistake with line and column before a run, and one's own over the default."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.erp import mapping as mappings
from connectors.erp.document import Complaints, parse
from connectors.erp.mapping import DATA_TYPES, check, kinds, load
from connectors.erp.streams import STREAMS, streams
from connectors.errors import MappingInvalid, NotMapped
from warehouse.preview import preview
from warehouse.table import mapping_version, tables_of

DEFAULT = """\
kind: lab
nulls: [""]
zone: Europe/Berlin
products:
  read: {set: Products, page: 10, since: "007"}
  ignore: [meta, names.uri]
  fields:
    source_key: No
    name: ["names[lang=en].text", "names[0].text"]
    status: {from: Gone, values: {true: deleted, false: active}}
    source_deleted: Gone
    list_price: {from: Price, decimal: ",", group: "."}
    currency: {constant: EUR}
    source_updated_at: {from: Changed, format: "%d.%m.%Y %H:%M"}
    source_version: Changed
orders:
  fields:
    source_key: {join: [Company, No, "Part?"]}
    status: {from: Status, values: {A: open, "NO": cancelled}, unknown: reject}
    currency: Cur
  lines:
    path: Items.all
    ignore: [meta]
    nulls: ["-"]
    fields: {sku: Sku, quantity: Qty, currency: ^Cur}
order_status:
  observe: true
  fields:
    source_key: {join: [No, Status]}
    order_source_key: No
    source_status: Status
"""


@pytest.fixture(autouse=True)
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of ERP of the tests' own beside the real ones."""
    real = mappings.default_text
    monkeypatch.setattr(mappings, "default_text", lambda kind: DEFAULT if kind == "lab" else real(kind))


def rows(own: str, data_type: str, *records: Any, constants: dict[str, str] | None = None) -> Any:
    """What records become, without columns that are null."""
    [stream] = streams(load("lab", own), [data_type], constants)
    found = preview(stream, [json.dumps(record).encode() for record in records])
    shown = {
        table: [{name: value for name, value in row.items() if value is not None} for row in each]
        for table, each in found.rows.items()
    }
    return shown, found.refused


def complaints(own: str) -> list[str]:
    """The mistakes of a connection's own mapping, without the words for where it is from."""
    _, found = check("lab", own)
    return [str(each).removeprefix("the mapping of the connection, ") for each in found]


def test_a_record_becomes_a_canonical_row() -> None:
    """Choice, value map, notation, constant and zone, as the mapping says; what is over stays, what is ignored goes."""
    record = {
        "No": "17", "names": [{"lang": "de", "text": "Hut", "uri": "x"}, {"lang": "en", "text": "Hat"}], "Gone": False,
        "Price": "1.234,50", "Changed": "31.01.2026 09:00", "meta": {"uri": "x"}, "Colour": "red",
    }  # fmt: skip
    shown, refused = rows("", "products", record, {"No": ""}, constants={"client_id": "acme", "status": "never"})
    assert shown == {
        "product": [
            {
                "source_key": "17", "name": "Hat", "status": "active", "list_price": "1234.50", "currency": "EUR",
                "source_deleted": "f", "client_id": "acme", "source_updated_at": "2026-01-31T08:00:00+00:00",
                "source_version": "31.01.2026 09:00",
                "_extra": '{"names":[{"lang":"de","text":"Hut"},{"lang":"en","text":"Hat"}],"Colour":"red"}',
            }
        ]
    }  # fmt: skip
    assert refused == ["record 2 has no source_key"]


def test_lines_are_children_with_the_key_of_their_order() -> None:
    """A line has the joined key of its order, its position, and what it takes from above; a bad status is refused."""
    record = {"Company": "1", "No": "a|b", "Status": "NO", "Cur": "EUR", "Items": {"all": [{"Sku": "-"}, {"Qty": 2}]}}
    shown, refused = rows("", "orders", record, record | {"Status": "Q"}, {"No": "5"})
    key = "1|a%7Cb|"
    assert shown["sales_order"] == [{"source_key": key, "status": "cancelled", "currency": "EUR"}]
    assert shown["sales_order_line"] == [
        {"order_source_key": key, "index": "0", "currency": "EUR"},
        {"order_source_key": key, "index": "1", "quantity": "2", "currency": "EUR"},
    ]
    assert refused[0].startswith(f"{key}: BadRow: status (Status): 'Q' is not among the values")
    assert refused[1] == "record 3 has no source_key"


def test_what_a_client_needs_to_know_is_in_the_binding() -> None:
    """Paths with their places, the key, the list of lines, and the kind's own words."""
    mapping = load("lab")
    products, orders = mapping.binding("products"), mapping.binding("orders")
    assert (products.read, products.key, products.changed_at) == (
        {"set": "Products", "page": 10, "since": "007"}, ("No",), ("Changed",),
    )  # fmt: skip
    assert [(each.path, each.at.line) for each in products.paths][:4] == [
        ("No", 8), ("names.text", 9), ("names.lang", 9), ("names.text", 9),
    ]  # fmt: skip
    assert [each.path for each in orders.paths] == [
        "Company",
        "No",
        "Status",
        "Cur",
        "Items.all.Sku",
        "Items.all.Qty",
        "Cur",
    ]
    assert orders.lines == "Items.all"
    known = ["Company", "No", "Status", "Cur", "Items.all.Sku", "Items.all.Qtty"]
    assert [str(each) for each in orders.missing(known)] == [
        "the default mapping of lab, line 25, column 34: sales_order_line.quantity: Items.all.Qty is unknown in what the"
        " source offers; perhaps Items.all.Qtty"
    ]
    assert (
        str(products.refuse("page", "is too small"))
        == "the default mapping of lab, line 5, column 31: page is too small"
    )


MISTAKES = {
    "a: [": "line 1, column 5: is no YAML: expected the node content, but found '<stream end>'",
    "zone: Mars/Olympus": "line 1, column 7: Mars/Olympus is no IANA time zone, such as Europe/Berlin",
    'products: {fields: {uom: {constant: "a\\x1eb"}}}': "line 1, column 37: holds a control character",
    "zone: [UTC]": "line 1, column 7: ['UTC'] is no IANA time zone",
    "zone: UTC\nzone: UTC": "line 2, column 1: zone stands here a second time",
    "kind: other": "line 1, column 7: is for other; the connection is of kind lab",
    "producs: {}": "line 1, column 10: producs is unknown in a mapping; perhaps products",
    "products: {field: {}}": "line 1, column 19: field is unknown in products; perhaps fields",
    "products: {fields: {naem: X}}": "line 1, column 27: naem is unknown in Product; perhaps name",
    "products: {fields: {name: {form: X}}}": "line 1, column 34: form is unknown in a text field; perhaps from",
    "products: {fields: {name: {trim: true}}}": "line 1, column 27: says one of from, join and constant",
    "products: {fields: {source_key: ~}}": "line 1, column 11: products needs the field source_key",
    "products: {fields: {name: a..b}}": "line 1, column 27: is no path",
    "products: {fields: {name: []}}": "line 1, column 27: names no path",
    "products: {fields: {name: ^No}}": "line 1, column 27: ^ reads from the record that a line belongs to",
    "products: {fields: {name: Price.net}}": "line 1, column 27: name reads Price.net, but list_price takes all of Price",
    "products: {ignore: [names.lang.x]}": "line 1, column 11: ignore reads names.lang.x, but name takes all of names",
    "products: {fields: {uom: {from: U, values: {A: [b]}}}}": "line 1, column 48: a value map gives texts",
    "products: {fields: {uom: {from: U, unknown: reject}}}": "line 1, column 45: unknown says what becomes of values",
    "products: {fields: {status: {from: S, values: {A: actve}}}}": "line 1, column 51: actve is unknown in this field",
    "products: {fields: {list_price: {from: P, values: {A: b}}}}": "line 1, column 51: values is unknown in a number field",
    "products: {fields: {list_price: {from: P, scale: ten}}}": "line 1, column 50: ten is no number",
    "products: {fields: {list_price: {from: P, group: '.'}}}": "line 1, column 50: needs `decimal` beside it",
    "products: {fields: {list_price: {from: P, decimal: ab}}}": "line 1, column 52: is one character, no digit",
    "products: {fields: {cost: {constant: x}}}": "line 1, column 38: x is no number",
    "products: {fields: {is_group: {from: G, values: {A: maybe}}}}": "line 1, column 49: maybe is neither true nor false",
    "products: {fields: {is_group: {from: G, default: ja}}}": "line 1, column 50: ja is neither true nor false",
    "products: {fields: {source_updated_at: {from: T, zone: CEST}}}": "line 1, column 56: CEST is no IANA time zone",
    "products: {fields: {source_updated_at: {from: T, format: dd.mm.yyyy}}}": "line 1, column 58: is no format",
    "products: {fields: {source_updated_at: {from: T, format: '%H:%M'}}}": "line 1, column 58: a format says year, month",
    "products: {fields: {source_key: {join: [A, B], separator: '-'}}}": "line 1, column 59: a key is joined with |",
    "orders: {lines: {path: ~, fields: {sku: S}}}": "line 1, column 17: lines need the path of their list",
    "orders: {lines: {fields: {index: S}}}": "line 1, column 34: index is unknown in SalesOrderLine",
    "orders: {fields: {ship_to: {from: A, trim: true}}}": "line 1, column 44: trim is unknown in a JSON field",
    "order_status: {fields: {order_source_key: ~}}": "line 1, column 15: observe needs the field order_source_key",
    "products: {lines: {}}": "line 1, column 19: lines is unknown in products",
    "products: [a]": "",
    "nulls: x": "line 1, column 8: nulls is a list of texts",
    "trim: yes": "line 1, column 7: trim is true or false",
}  # fmt: skip


@pytest.mark.parametrize("own", MISTAKES)
def test_every_mistake_is_told_with_its_place(own: str) -> None:
    """Whoever writes a mapping reads what is wrong where, and what was probably meant."""
    found = complaints(own)
    assert found, "it was taken for right"
    assert MISTAKES[own] in " ".join(found)


def test_all_mistakes_are_told_at_once() -> None:
    """Nobody corrects them one by one; the error lists them and names the command."""
    own = "products:\n  fields:\n    naem: X\n    status: {from: S, values: {A: actve}}\ntrim: maybe\n"
    with pytest.raises(MappingInvalid) as caught:
        load("lab", own)
    assert [each.at.line for each in caught.value.complaints] == [3, 4, 5]  # type: ignore[attr-defined]
    assert "erp map check" in caught.value.cure


def test_a_mapping_of_ones_own_lies_over_the_default(tmp_path: Path) -> None:
    """A field replaces the field, ``read`` is replaced name by name, ``~`` takes away; a file will do as well."""
    own = tmp_path / "own.yaml"
    own.write_text(
        "products:\n  read: {set: Goods}\n  fields:\n    name: Name\n    currency: ~\n    client_id: Owner\norders: ~\n"
    )
    mapping = load("lab", str(own))
    assert mapping.data_types == ("products", "order_status")
    binding = mapping.binding("products", {"client_id": "never", "site_id": "north"})
    assert binding.read == {"set": "Goods", "page": 10, "since": "007"}
    assert {(each.path, str(each.at)) for each in binding.paths} >= {
        ("Name", "own.yaml, line 4, column 11"),
        ("Price", "the default mapping of lab, line 12, column 24"),
    }
    shown, _ = rows(str(own), "products", {"No": "1", "Name": "Hat", "Owner": "acme"}, constants={"site_id": "north"})
    assert shown["product"] == [{"source_key": "1", "name": "Hat", "client_id": "acme", "site_id": "north"}]
    with pytest.raises(NotMapped, match=r"has no orders; it has: products, order_status"):
        mapping.binding("orders")
    assert [str(each) for each in check("lab", "gone.yaml")[1]] == [
        "gone.yaml, line 1, column 1: cannot be read (No such file or directory)"
    ]


def test_the_tables_are_the_same_whatever_the_mapping() -> None:
    """Two kinds of ERP share tables; what differs is where values come from, and with it the version of the mapping."""
    for canonical in STREAMS:
        for kind in kinds():
            mapping = load(kind)
            name = next(name for name, each in DATA_TYPES.items() if each.table == canonical.name)
            if name not in mapping.data_types:
                continue
            [bound] = streams(mapping, [name])
            wanted = {table.name: table for table in tables_of(canonical)}
            for table in tables_of(bound):
                same = wanted[table.name]
                assert (table.doc, table.key) == (same.doc, same.key)
                assert [(c.name, c.definition, c.doc, c.unit) for c in table.columns] == [
                    (c.name, c.definition, c.doc, c.unit) for c in same.columns
                ]
            assert mapping_version(bound) != mapping_version(canonical)
            assert bound.history is canonical.history
    [one], [other] = (streams(load("lab", own), ["products"]) for own in ("", "products: {fields: {sku: No}}"))
    assert mapping_version(one) != mapping_version(other)


def test_a_file_of_our_own_format_needs_no_mapping() -> None:
    """The canonical streams read canonical names, lines and all."""
    orders = next(each for each in STREAMS if each.name == "sales_order")
    found = preview(orders, [b'{"source_key":"1","grand_total":1.50,"lines":[{"sku":"A"}]}'])
    assert found.rows["sales_order"][0]["grand_total"] == "1.50"
    assert found.rows["sales_order_line"][0]["sku"] == "A"


def test_texts_stay_as_they_were_written() -> None:
    """Norway is a country, 007 a text, and only a plain whole number is a number."""
    found: Any = parse("{a: NO, b: 007, c: 1.10, d: ~, e: true, f: 12, g: [yes, 0]}", "x", Complaints()).plain()
    assert found == {"a": "NO", "b": "007", "c": "1.10", "d": None, "e": True, "f": 12, "g": ["yes", 0]}


@pytest.mark.parametrize(
    "text", ["? [a]\n: b", "a: &x [*x]", "a: " + "[" * 50 + "]" * 50, "%YAML 9", "\x00", "a: b: c"]
)
def test_odd_documents_are_refused_in_words(text: str) -> None:
    """Whatever is put in the field of a connection, the answer is a sentence with a place."""
    assert complaints(text)


def test_only_complete_events_never_delete(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that forgets its events does not make ours vanish."""
    from connectors.stream import Page

    class Client:
        def pages(self, *_: Any) -> Any:
            yield Page(records=[b"{}"], complete=True, deleted=["x"])

    events, products = streams(load("lab"), ["order_status", "products"])
    assert [(page.complete, page.deleted) for page in events.pages(Client(), None)] == [(False, ())]
    assert [page.complete for page in products.pages(Client(), None)] == [True]
    assert (events.append_only, events.subject) == (True, ("order_source_key",))
