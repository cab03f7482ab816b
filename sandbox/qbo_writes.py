"""Posts to the simulated data API: create, full and sparse update, delete, void, as the recorded ones went."""

import json
from decimal import Decimal

from sandbox import qbo_errors, qbo_schema
from sandbox.qbo_edit import Company
from sandbox.qbo_errors import Refusal
from sandbox.qbo_store import Record, encode


def write(company: Company, entity: str, operation: str | None, body: bytes) -> bytes:
    """Carry out one post and return ``"Entity":{…}`` for the envelope; raises `Refusal`."""
    record = _record(entity, body)
    if operation == "delete":
        id_ = _id(record)
        company.delete(entity, id_, sync_token=_token(record))
        return b'"%b":{"domain":"QBO","status":"Deleted","Id":"%b"}' % (entity.encode(), id_.encode())
    if operation == "void":
        if entity not in qbo_schema.VOIDABLE:
            raise Refusal("500", "Unsupported Operation", f"Operation void is not supported for {entity}.")
        result = company.void(entity, _id(record), sync_token=_token(record))
    elif "Id" in record:
        save = company.update if record.get("sparse") else company.replace
        result = save(entity, _id(record), _without_head(record), sync_token=_token(record))
    else:
        for name in qbo_schema.REQUIRED.get(entity, ()):
            if not record.get(name):
                raise qbo_errors.required(name)
        result = company.get(entity, company.create(entity, _without_head(record)))
    return b'"%b":%b' % (entity.encode(), encode(result))


def _record(entity: str, body: bytes) -> Record:
    try:
        record = json.loads(body, parse_float=Decimal)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise Refusal("2010", "Request has invalid or unsupported property", "The request is not a JSON object")
    known = qbo_schema.FIELDS.get(entity, "").split()
    for name in record:
        if known and name not in known:
            raise qbo_errors.unknown_property(entity, name, known)
    return record


def _id(record: Record) -> str:
    if not record.get("Id"):
        raise qbo_errors.required("Id")
    return str(record["Id"])


def _token(record: Record) -> str:
    if "SyncToken" not in record:
        raise qbo_errors.required("SyncToken")
    return str(record["SyncToken"])


def _without_head(record: Record) -> Record:
    return {name: value for name, value in record.items() if name not in ("Id", "SyncToken", "MetaData", "sparse")}
