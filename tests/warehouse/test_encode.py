"""Encoding: the fast way is made for the members that a source fills, and made anew when it fills another."""

import json
import random
from typing import Any

import pytest

from connectors.quickbooks.streams import STREAMS
from tests.warehouse.converted import fields_of
from warehouse import careful
from warehouse.encode import Encoder, Record
from warehouse.shape import meet_all

INVOICE = next(stream for stream in STREAMS if stream.name == "invoice")
ADDRESS = {"Id": "7", "Line1": "1 Long Road", "City": "Zürich", "Lat": "0.5"}
SALE = {"ItemRef": {"value": "3", "name": "Pump"}, "Qty": 2, "UnitPrice": 10.5, "TaxCodeRef": {"value": "TAX"}}
WHOLE: dict[str, Any] = {
    "domain": "QBO", "sparse": False, "SyncToken": "1", "TxnDate": "2026-01-31", "PrivateNote": "a\tb\\c\nd",
    "MetaData": {"CreateTime": "2026-01-31T10:00:00-08:00", "LastUpdatedTime": "2026-02-01T10:00:00Z"},
    "CurrencyRef": {"value": "USD", "name": "annulled"}, "ExchangeRate": 1.25, "DocNumber": "1001", "TotalAmt": 21.0,
    "TxnTaxDetail": {"TotalTax": 0, "TxnTaxCodeRef": {"value": "2"}}, "CustomerMemo": {"value": "thanks"},
    "BillAddr": ADDRESS, "ShipAddr": ADDRESS | {"Line2": None}, "ShipFromAddr": {}, "Deposit": 1, "Balance": None,
    "CustomField": [{"Name": "P.O.", "StringValue": "77"}], "AllowIPNPayment": True, "DueDate": None,
    "LinkedTxn": [{"TxnId": "5", "TxnType": "Estimate"}],
    "Line": [
        {"Id": "1", "LineNum": 1, "Amount": 21.0, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": SALE},
        {"Id": "2", "Amount": 1, "DetailType": "DiscountLineDetail", "DiscountLineDetail": {"PercentBased": True}},
        {"DetailType": "SubTotalLineDetail", "Amount": 22.0, "SubTotalLineDetail": {"ItemRef": None}},
    ],
    "NewAtTheVendor": {"a": [1, None]},
}  # fmt: skip


def _record(number: int, members: dict[str, Any]) -> Record:
    return Record(number, number % 3 == 0, f"{number:032}", json.dumps({"Id": str(number), **members}).encode())


def _in_random_parts(seed: int, count: int) -> list[Record]:
    """Records that hold ever more of all members, each of them a few."""
    chance = random.Random(seed)
    names = list(WHOLE)
    chance.shuffle(names)
    records = []
    for number in range(count):
        known = names[: 1 + number * len(names) // count]
        records.append(_record(number, {name: WHOLE[name] for name in chance.sample(known, min(len(known), 8))}))
    return records


@pytest.mark.parametrize("seed", range(5))
def test_members_that_come_late(seed: int) -> None:
    """A member may show up in the thousandth record only: it lands as it would have from the first."""
    records = _in_random_parts(seed, 1500)
    encoder, knowing = Encoder(INVOICE), Encoder(INVOICE)
    meet_all(knowing._shape.root)
    pages = [encoder.encode(records[begin : begin + 250]) for begin in range(0, len(records), 250)]
    assert not any(page.refused for page in pages)
    whole = knowing.encode(records)
    for number, table in enumerate(knowing.tables):
        found = [fields for page in pages for fields in fields_of(encoder, page, number)]
        assert [_plain(fields) for fields in found] == [_plain(line) for line in fields_of(knowing, whole, number)], (
            table.name
        )
    assert sorted(encoder.discovered) == sorted(knowing.discovered) == [((), ("NewAtTheVendor",))]


def test_known_members_keep_to_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meeting a member that the record type knows costs that record another look, and no record the careful writer."""
    slow: list[int] = []
    write = careful.write
    monkeypatch.setattr(careful, "write", lambda *given: slow.append(given[2]) or write(*given))
    encoded = Encoder(INVOICE).encode(_in_random_parts(1, 1500))
    assert len(encoded.lines[0]) == 1500
    assert slow == []


@pytest.mark.parametrize("carefully", [False, True])
def test_only_columns_that_something_fills_are_copied(carefully: bool) -> None:
    """A company leaves half of all fields empty. One that the last record of a page fills is copied with all of the page."""
    encoder = Encoder(INVOICE)
    encode = encoder.encode_carefully if carefully else encoder.encode
    few = [_record(number, {"DocNumber": str(number)}) for number in range(300)]
    first = encode(few)
    assert first.columns[0] == ("_seq", "_known", "id", "doc_number", "_row_hash", "_extra")
    assert first.lines[0][7] == "7\tf\t7\t7\t00000000000000000000000000000007\t\\N\n"
    late = encode([*few, _record(300, {"PrivateNote": "late"})])
    assert late.columns[0] == ("_seq", "_known", "id", "private_note", "doc_number", "_row_hash", "_extra")
    assert [line.count("\t") for line in late.lines[0]] == [6] * 301
    again = encode(few)
    assert (again.columns, again.lines[0]) == (late.columns, late.lines[0][:300])


def _plain(fields: list[str]) -> list[str]:
    """The fields of a line; JSON without what spaces it."""
    return [field.replace(": ", ":").replace(", ", ",") if field[:1] in "[{" else field for field in fields]
