"""What can be read from Microshare, and from the ERP beside it."""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.errors import SourceError
from connectors.microshare.answers import Answer
from connectors.microshare.client import MicroshareClient
from connectors.microshare.document import Document
from connectors.microshare.models import (
    Cluster,
    Device,
    Incident,
    IncidentOrigin,
    InspectionPoint,
    SensorEvent,
    ServiceRecord,
)
from connectors.microshare.records import cluster_record, device_records, share_record, unreadable
from connectors.stream import Child, Gate, Page, Stream

log = logging.getLogger("landfall.microshare")

Cursor = Mapping[str, Any] | None

STATUSES = ["pending", "active", "inactive", "maintenance", "Provisioning"]
OVERLAP = timedelta(minutes=15)  # what is stored late, or by another clock, is still seen by the next run


def _clusters(client: MicroshareClient, _cursor: Cursor) -> Iterator[Page]:
    for number, answer in enumerate(client.clusters("cluster"), 1):
        found = [_document(record) for record in answer.records]
        records = [unreadable(each) if isinstance(each, bytes) else cluster_record(each) for each in found]
        yield Page(records=records, at=f"discovery page {number}")
    yield Page(complete=True)


def _devices(client: MicroshareClient, _cursor: Cursor) -> Iterator[Page]:
    whole = True
    for number, answer in enumerate(client.clusters("device"), 1):
        at = f"discovery page {number}"
        for document in map(_document, answer.records):
            if isinstance(document, bytes) or not (document.readable and document.id):
                named = "a record" if isinstance(document, bytes) else f"the cluster {document.id or 'without an id'}"
                log.warning("%s: %s does not say which devices are in it, so none is taken for gone.", at, named)
                whole = False
            else:
                yield Page(records=device_records(document), at=f"{at}, cluster {document.id}")
    yield Page(complete=whole)


def _document(record: msgspec.Raw) -> Document | bytes:
    """The cluster, or the text of what is none."""
    try:
        return Document(bytes(record))
    except SourceError:
        return bytes(record)


def _points(client: MicroshareClient, _cursor: Cursor) -> Iterator[Page]:
    from connectors.microshare.points import point_record

    assert client.points is not None
    for number, rows in enumerate(client.points.rows(), 1):
        records = [point_record(row, client.points.mapping, client.rules) for row in rows]
        yield Page(records=records, at=f"inspection points, part {number}")
    yield Page(complete=True)


def _services(client: MicroshareClient, _cursor: Cursor) -> Iterator[Page]:
    from connectors.microshare.points import service_record

    assert client.services is not None
    for number, rows in enumerate(client.services.rows(), 1):
        records = [service_record(row, client.services.mapping) for row in rows]
        yield Page(records=records, at=f"service records, part {number}")
    yield Page(complete=True)


def _newest_first(listing: Callable[[datetime | None], Iterator[Answer]], cursor: Cursor, name: str) -> Iterator[Page]:
    """What was stored since the cursor; the new cursor comes with the last page, when everything up to it is there."""
    since = datetime.fromisoformat(cursor["stored_at"]) - OVERLAP if cursor else None
    newest = datetime.fromisoformat(cursor["stored_at"]) if cursor else None
    for number, answer in enumerate(listing(since), 1):
        read = [share_record(record) for record in answer.records]
        times = [stored for _, stored in read if stored is not None]
        newest = max([*times, *([newest] if newest else [])], default=None)
        yield Page(records=[record for record, _ in read], at=f"{name} page {number}")
        if since is not None and times and min(times) < since:
            break  # the rest was read by earlier runs
    if newest is not None:
        yield Page(cursor={"stored_at": newest.isoformat()}, at=f"{name}, the end")


def _incidents(client: MicroshareClient, cursor: Cursor) -> Iterator[Page]:
    return _newest_first(client.incidents, cursor, "incidents")


def _events(client: MicroshareClient, cursor: Cursor) -> Iterator[Page]:
    return _newest_first(client.events, cursor, "events")


STREAMS: tuple[Stream, ...] = (
    Stream(
        name="cluster",
        schema="microshare",
        record=Cluster,
        key=("id",),
        pages=_clusters,
        # Without its record type a cluster cannot be asked for, so a batch of such is a fault of the source.
        gates=(Gate("expect_column_values_to_not_be_null", {"column": "rec_type", "mostly": 0.9}),),
    ),
    Stream(
        name="device",
        schema="microshare",
        record=Device,
        key=("cluster_id", "key"),
        pages=_devices,
        gates=(
            # Locations are what devices are found by; if most are gone at once, the answer is wrong, not the world.
            Gate("expect_column_values_to_not_be_null", {"column": "location", "mostly": 0.5}),
            Gate("expect_column_values_to_be_in_set", {"column": "status", "value_set": STATUSES}, blocks=False),
        ),
        history=True,
    ),
    Stream(
        name="inspection_point",
        schema="microshare",
        record=InspectionPoint,
        key=("id",),
        pages=_points,
        gates=(
            # A mapping that names the wrong column gives points without a reference, and a plan to make every device.
            Gate("expect_column_values_to_not_be_null", {"column": "reference", "mostly": 0.9}),
        ),
    ),
    Stream(
        name="incident",
        schema="microshare",
        record=Incident,
        key=("id",),
        pages=_incidents,
        children=(Child("incident_origin", IncidentOrigin, ("incident_id", "index"), path="data.origin"),),
        version="updated_at",
    ),
    Stream(
        name="sensor_event",
        schema="microshare",
        record=SensorEvent,
        key=("id",),
        pages=_events,
        version="updated_at",
    ),
    Stream(name="service_record", schema="microshare", record=ServiceRecord, key=("id",), pages=_services),
)


def wanted(client: MicroshareClient | None) -> list[Stream]:
    """The streams that a connection has something for: clusters and devices always, the others where it says from where."""
    if client is None:
        return []
    there = {
        "inspection_point": client.points, "service_record": client.services,
        "incident": client.records.incidents, "sensor_event": client.records.events,
    }  # fmt: skip
    return [stream for stream in STREAMS if stream.name not in there or there[stream.name]]
