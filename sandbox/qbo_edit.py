"""Changes to the simulated company as its users make them, for tests: create, update, deactivate, void, delete.

Also what no user can do but tests need: records that change time without SyncToken, ties, spoilt values, and
records that vanish.
"""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from sandbox import qbo_schema
from sandbox.clock import pacific, parse_time
from sandbox.qbo_errors import Refusal, duplicate_name, not_found, stale
from sandbox.qbo_store import Record, Store, encode

_ZERO_ON_VOID = ("TotalAmt", "Balance", "HomeTotalAmt", "HomeBalance")
# A full update need not repeat these.
_KEPT = qbo_schema.words("Active Balance BalanceWithJobs CurrencyRef DefaultTaxCodeRef DocNumber TxnDate DueDate")
_MARK = "\ue000{}\ue000"


class Company(Store):
    """A store with the changes that people make in it. Refusals are raised as `Refusal`."""

    def create(self, entity: str, record: Mapping[str, Any]) -> str:
        """Add a record under a new id, complete it as the vendor does, and return the id."""
        with self.lock:
            now = pacific(self.clock.now())
            head: Record = {
                "domain": "QBO",
                "sparse": False,
                "Id": self.next_id(entity),
                "SyncToken": "0",
                "MetaData": {"CreateTime": now, "LastUpdatedTime": now},
            }
            whole: Record = {**head, **_defaults(entity), **record, **head}
            self._complete(entity, whole)
            self._refuse_taken_name(entity, whole)
            self.put(entity, whole)
            if entity == "Invoice":
                self._owe(whole, Decimal(whole["Balance"]))
            return str(whole["Id"])

    def update(self, entity: str, id_: str, changes: Mapping[str, Any], *, sync_token: str | None = None) -> Record:
        """Change fields (None removes one) and return the record; one that stays the same keeps its SyncToken."""
        with self.lock:
            old = self._existing(entity, id_, sync_token)
            merged = dict(old)
            merged.update(changes)
            return self._change(entity, old, merged)

    def replace(self, entity: str, id_: str, record: Mapping[str, Any], *, sync_token: str | None = None) -> Record:
        """Update in full: what the record does not name is cleared, but for what the vendor keeps itself."""
        with self.lock:
            old = self._existing(entity, id_, sync_token)
            merged = {**_defaults(entity), **{name: old[name] for name in _KEPT if name in old}}
            merged.update(record)
            merged["MetaData"] = old["MetaData"]
            if entity == "Invoice":
                self._complete_invoice(merged)
            else:
                self._complete(entity, merged)
            return self._change(entity, old, merged)

    def deactivate(self, entity: str, id_: str) -> Record:
        """Make a row of a name list inactive; its names get " (deleted)"."""
        return self.update(entity, id_, {"Active": False})

    def void(self, entity: str, id_: str, *, sync_token: str | None = None) -> Record:
        """Void a transaction: it stays, with amounts of 0 and the note "Voided"."""
        with self.lock:
            record = self._existing(entity, id_, sync_token)
            self._owe(record, -Decimal(record.get("Balance", 0)))
            for line in record.get("Line", []):
                line["Amount"] = 0
            record.update({name: 0 for name in _ZERO_ON_VOID if name in record})
            return self._save(entity, {**record, "PrivateNote": "Voided"})

    def delete(self, entity: str, id_: str, *, sync_token: str | None = None) -> None:
        """Delete a transaction; change data capture tells of it for 30 days."""
        if entity in qbo_schema.NAME_LISTS:
            raise Refusal("500", "Unsupported Operation", f"Operation delete is not supported for {entity}.")
        with self.lock:
            record = self._existing(entity, id_, sync_token)
            self._owe(record, -Decimal(record.get("Balance", 0)))
            self.vanish(entity, [id_])
            self.table(entity).deleted[id_] = int(self.clock.now())

    def touch(self, entity: str, id_: str, *, at: float | str | None = None) -> None:
        """Move LastUpdatedTime (to ``at``, or now) and nothing else, as a change of balance does."""
        moment = self.clock.now() if at is None else parse_time(at) if isinstance(at, str) else at
        with self.lock:
            record = self.get(entity, id_)
            record["MetaData"]["LastUpdatedTime"] = pacific(int(moment))
            self.put(entity, record)

    def tie(self, entity: str, ids: Iterable[str], *, at: float | str | None = None) -> None:
        """Give these records one and the same LastUpdatedTime."""
        moment = self.clock.now() if at is None else at
        for id_ in ids:
            self.touch(entity, id_, at=moment)

    def vanish(self, entity: str, ids: Iterable[str]) -> None:
        """Take records away without a trace, as if the company had been restored from an old copy."""
        with self.lock:
            for id_ in list(ids):
                self.table(entity).remove(id_)

    def spoil(self, entity: str, id_: str, values: Mapping[str, Any]) -> None:
        """Serve other values in a record from now on; queries and order go by the true ones.

        Keys are paths (``TotalAmt``, ``Line.0.Amount``); a value may hold NUL or a lone surrogate (sent as JSON
        escapes); a `msgspec.Raw` is sent as the bytes it holds, valid JSON or not. The next change of the record,
        or spoiling it again, heals what was spoilt before.
        """
        with self.lock:
            row = self.table(entity).rows[id_]
            record = row.load()
            for number, (path, _) in enumerate(values.items()):
                _set_path(record, path, _MARK.format(number))
            text = encode(record)
            for number, value in enumerate(values.values()):
                bytes_ = bytes(value) if isinstance(value, msgspec.Raw) else json.dumps(value).encode()
                text = text.replace(f'"{_MARK.format(number)}"'.encode(), bytes_)
            row.spoiled = text

    def spoil_text(self, entity: str, id_: str, text: bytes | None) -> None:
        """Serve these bytes for a record, whatever they are; None heals it."""
        with self.lock:
            self.table(entity).rows[id_].spoiled = text

    def _change(self, entity: str, old: Record, merged: Record) -> Record:
        merged.update({name: old[name] for name in ("Id", "SyncToken", "MetaData", "domain", "sparse") if name in old})
        new = {name: value for name, value in merged.items() if value is not None}
        name = next((name for name in ("DisplayName", "Name") if new.get(name) != old.get(name)), None)
        if name and "FullyQualifiedName" in old and new.get("FullyQualifiedName") == old["FullyQualifiedName"]:
            above, colon, _ = str(old["FullyQualifiedName"]).rpartition(":")
            new["FullyQualifiedName"] = f"{above}{colon}{new[name]}"
        if new.get("Active") is False and old.get("Active") is not False:
            _mark_deleted(new)
        if new == old:
            return old
        self._refuse_taken_name(entity, new)
        return self._save(entity, new)

    def _existing(self, entity: str, id_: str, sync_token: str | None) -> Record:
        row = self.row(entity, id_)
        if row is None:
            raise not_found()
        record = row.load()
        if sync_token not in (None, record.get("SyncToken")):
            raise stale()
        return record

    def _save(self, entity: str, record: Record) -> Record:
        record["SyncToken"] = str(int(record.get("SyncToken", "0")) + 1)
        record["MetaData"] = {**record["MetaData"], "LastUpdatedTime": pacific(self.clock.now())}
        self.put(entity, record)
        return record

    def _refuse_taken_name(self, entity: str, record: Record) -> None:
        name, key = record.get("DisplayName") or record.get("Name"), qbo_schema.sequence(entity)
        if entity not in qbo_schema.NAME_LISTS or not name:
            return
        for other in qbo_schema.NAMES if key == "names" else (entity,):
            for row in self.table(other).rows.values():
                if row.name == record.get("FullyQualifiedName", name) and (other, row.id) != (entity, record["Id"]):
                    raise duplicate_name()

    def _owe(self, invoice: Record, amount: Decimal) -> None:
        """Change what a customer owes: the balance and LastUpdatedTime move, SyncToken does not."""
        row = self.row("Customer", str(invoice.get("CustomerRef", {}).get("value")))
        if row is None or not amount:
            return
        customer = row.load()
        for name in ("Balance", "BalanceWithJobs"):
            customer[name] = Decimal(customer.get(name, 0)) + amount
        customer["MetaData"]["LastUpdatedTime"] = pacific(self.clock.now())
        self.put("Customer", customer)

    def _complete(self, entity: str, record: Record) -> None:
        if entity in ("Customer", "Item"):
            record.setdefault("FullyQualifiedName", record.get("DisplayName") or record.get("Name"))
        if entity in ("Customer", "Vendor"):
            record.setdefault("PrintOnCheckName", record.get("DisplayName"))
        if entity == "Invoice":
            self._complete_invoice(record)

    def _complete_invoice(self, record: Record) -> None:
        lines = [dict(line) for line in record.get("Line", []) if line.get("DetailType") != "SubTotalLineDetail"]
        for number, line in enumerate(lines, 1):
            line.update({"Id": str(number), "LineNum": number})
        total = sum((Decimal(str(line.get("Amount", 0))) for line in lines), Decimal(0))
        record["Line"] = [*lines, {"Amount": total, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}]
        record.setdefault("DocNumber", record["Id"])
        record.setdefault("TxnDate", record["MetaData"]["CreateTime"][:10])
        record.setdefault("DueDate", record["TxnDate"])
        record["TotalAmt"] = record["Balance"] = total
        customer = self.row("Customer", str(record.get("CustomerRef", {}).get("value")))
        if customer is None:
            raise not_found()
        record["CustomerRef"] = {"value": customer.id, "name": customer.name}


def _defaults(entity: str) -> Record:
    money = {"CurrencyRef": {"value": "USD", "name": "United States Dollar"}}
    if entity == "Customer":
        flags = {"Taxable": True, "Job": False, "BillWithParent": False, "Active": True}
        return {**flags, "Balance": 0, "BalanceWithJobs": 0, **money, "PreferredDeliveryMethod": "Print"}
    if entity == "Vendor":
        return {"Balance": 0, "Vendor1099": False, "Active": True, **money}
    if entity == "Item":
        return {"Active": True, "Taxable": False, "UnitPrice": 0, "Type": "Service", "TrackQtyOnHand": False}
    if entity == "Invoice":
        status = {"PrintStatus": "NeedToPrint", "EmailStatus": "NotSet", "ApplyTaxAfterDiscount": False}
        return {**money, "LinkedTxn": [], "TxnTaxDetail": {"TotalTax": 0}, **status}
    return {}


def _mark_deleted(record: Record) -> None:
    for name in ("DisplayName", "Name", "FullyQualifiedName"):
        if name in record and not str(record[name]).endswith(" (deleted)"):
            record[name] = f"{record[name]} (deleted)"


def _set_path(record: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        record = record[int(part)] if isinstance(record, list) else record.setdefault(part, {})
    if isinstance(record, list):
        record[int(last)] = value
    else:
        record[last] = value
