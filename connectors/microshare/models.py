"""What Microshare and the ERP beside it mean: the columns of the tables in the schema `microshare`.

Sources that begin with `landfall.` are not in the record of the source: they are worked out when it is read.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from connectors.stream import column

Text = str | None


class Cluster(msgspec.Struct):
    """A device cluster: the document that holds devices of one type. Landfall changes devices in it and nothing else."""

    id: Annotated[str, column("Id given by Microshare", source="landfall.id")]
    rec_type: Annotated[Text, column("Record type, such as io.microshare.trap.packed", source="recType")] = None
    kind: Annotated[Text, column("What its record type says: trap, gateway or other", source="landfall.kind")] = None
    name: Annotated[Text, column("Name of the cluster", source="name")] = None
    description: Annotated[Text, column("Description", source="desc")] = None
    is_active: Annotated[bool | None, column("Whether the cluster is in use", source="data.isActive")] = None
    target_rec_type: Annotated[
        Text, column("Record type that its devices' messages get", source="data.targetRecType")
    ] = None
    location: Annotated[Text, column("Location of the whole cluster, one text", source="data.meta.location")] = None
    device_count: Annotated[
        int | None, column("Devices in it, unreadable ones included", source="landfall.device_count", unit="devices")
    ] = None
    checksum: Annotated[
        Text,
        column("Fingerprint of its data by Microshare's rule, worked out on landing: SHA-256 of the compact JSON in "
               "capitals, L, number of bytes", source="landfall.checksum"),
    ] = None  # fmt: skip
    vendor_checksum: Annotated[Text, column("The checksum that the document carries, if any", source="checksum")] = None
    updated_at: Annotated[
        datetime | None, column("When Microshare last stored it (tstamp)", source="landfall.updated_at")
    ] = None
    owner_org: Annotated[Text, column("Organisation that owns it", source="owner.org")] = None
    tags: Annotated[msgspec.Raw | None, column("Tags, a list of texts", source="tags")] = None


class Device(msgspec.Struct):
    """A device in a cluster, told from the others by its key; every version is kept in `microshare.device_history`.

    Devices have no id of Microshare's own. The key is the guid; without one the EUI or other id; without that, since
    all devices that wait for their hardware share a placeholder, the location. Several that claim the same key are
    told apart by their turn: `#2`, `#3`.
    """

    cluster_id: Annotated[str, column("The cluster", source="landfall.cluster_id")]
    key: Annotated[str, column("What tells it from the others of its cluster", source="landfall.key")]
    rec_type: Annotated[Text, column("Record type of the cluster", source="landfall.rec_type")] = None
    kind: Annotated[Text, column("trap, gateway or other, as its cluster", source="landfall.kind")] = None
    device_id: Annotated[
        Text, column("Its id as written: an EUI in any spelling, a serial number or a placeholder", source="id")
    ] = None
    eui: Annotated[
        Text, column("The id as 16 capital hexadecimal digits; null for placeholders and serial numbers",
                     source="landfall.eui")
    ] = None  # fmt: skip
    is_placeholder: Annotated[
        bool | None, column("Whether the id names no hardware yet", source="landfall.is_placeholder")
    ] = None
    guid: Annotated[
        Text, column("Guid, if whoever made it gave it one; erp-sync-ID leads to a point", source="guid")
    ] = None
    status: Annotated[Text, column("pending, active, inactive, …, as given", source="status")] = None
    customer: Annotated[Text, column("First element of the location", source="landfall.customer")] = None
    site: Annotated[Text, column("Second element of the location", source="landfall.site")] = None
    area: Annotated[Text, column("Third element of the location", source="landfall.area")] = None
    reference: Annotated[
        Text,
        column("Fourth element of the location: the ERP's reference of the point, in gateways the gateway's own name",
               source="landfall.reference"),
    ] = None  # fmt: skip
    placement: Annotated[Text, column("Fifth element of the location, of traps", source="landfall.placement")] = None
    configuration: Annotated[
        Text, column("Sixth element of the location, of traps", source="landfall.configuration")
    ] = None
    location: Annotated[msgspec.Raw | None, column("The location, a list of 3 to 9 texts", source="meta.location")] = (
        None
    )
    state: Annotated[msgspec.Raw | None, column("What the field says of its state", source="state")] = None
    state_updated_at: Annotated[
        datetime | None,
        column("When the field last said something of it (state.updateDate)", source="landfall.state_at"),
    ] = None
    last_modified_at: Annotated[
        datetime | None, column("When it was last changed (lastModified)", source="landfall.modified_at")
    ] = None
    lora: Annotated[
        msgspec.Raw | None, column("Its LoRaWAN settings; the values of network keys are masked", source="lora")
    ] = None
    raw: Annotated[
        Text,
        column("The device as written in its cluster, text for text; the values of network keys are masked",
               source="landfall.raw"),
    ] = None  # fmt: skip


class InspectionPoint(msgspec.Struct):
    """A place that the ERP wants a device at, as its source gives it; source columns without a meaning are in _extra."""

    id: Annotated[str, column("Id in the ERP", source="landfall.id")]
    reference: Annotated[Text, column("The ERP's reference, the link to devices", source="landfall.reference")] = None
    customer: Annotated[Text, column("Customer", source="landfall.customer")] = None
    site: Annotated[Text, column("Site", source="landfall.site")] = None
    area: Annotated[Text, column("Area of the site", source="landfall.area")] = None
    placement: Annotated[Text, column("Internal, External or other; null: not said", source="landfall.placement")] = (
        None
    )
    configuration: Annotated[
        Text, column("Bait/Lured, Kill/Trap or other; null: not said", source="landfall.configuration")
    ] = None
    kind: Annotated[Text, column("What is to stand there: trap or gateway", source="landfall.kind")] = None
    device_id: Annotated[Text, column("The device's id as far as the ERP knows it", source="landfall.device_id")] = None
    eui: Annotated[Text, column("That id as 16 capital hexadecimal digits", source="landfall.eui")] = None
    state: Annotated[Text, column("The device's state as far as the ERP knows it", source="landfall.state")] = None
    active: Annotated[
        bool | None, column("Whether the point is in use; null: not said, so it is", source="landfall.active")
    ] = None
    cluster: Annotated[
        Text,
        column("Id or name of the cluster that a new device goes to, by the ERP or the connection's rules; null: none",
               source="landfall.cluster"),
    ] = None  # fmt: skip
    location: Annotated[
        msgspec.Raw | None,
        column("What the ERP says of the location, element by element, null where it says nothing",
               source="landfall.location"),
    ] = None  # fmt: skip
    device: Annotated[
        msgspec.Raw | None,
        column("The device that would be made for it, by the connection's rules", source="landfall.device"),
    ] = None


class Incident(msgspec.Struct):
    """An incident: one or more events of sensors that people have to look after, step by step."""

    id: Annotated[str, column("Id given by Microshare", source="landfall.id")]
    rec_type: Annotated[Text, column("Record type", source="recType")] = None
    alert: Annotated[Text, column("Kind of alert, such as rodent", source="data.alert")] = None
    event: Annotated[Text, column("Kind of event, such as rodent_present", source="data.event")] = None
    location: Annotated[
        msgspec.Raw | None, column("Location of the device that it began with, a list of texts",
                                   source="data.meta.device")
    ] = None  # fmt: skip
    reference: Annotated[
        Text, column("Fourth element of that location: the ERP's reference", source="landfall.reference")
    ] = None
    process_id: Annotated[Text, column("Id of its workflow", source="data.meta.workflow.process.id")] = None
    status: Annotated[
        Text, column("State of the whole: open, complete, cancel, …", source="data.current.workflow.process.status")
    ] = None
    step: Annotated[
        Text, column("The step it is at: accept, do, done, …", source="data.current.workflow.userTask.name")
    ] = None
    step_status: Annotated[Text, column("State of that step", source="data.current.workflow.userTask.status")] = None
    started_at: Annotated[datetime | None, column("When it began", source="data.current.workflow.process.start")] = None
    reported_at: Annotated[datetime | None, column("When Microshare wrote this of it", source="data.time")] = None
    updated_at: Annotated[datetime | None, column("When Microshare last stored it", source="landfall.updated_at")] = (
        None
    )


class IncidentOrigin(msgspec.Struct):
    """An event that an incident came from; one incident may bundle the events of several devices."""

    incident_id: Annotated[str, column("The incident", source="^landfall.id")]
    index: Annotated[int, column("Position, from 0", source="#")]
    event_id: Annotated[Text, column("Id of the event (microshare.sensor_event)", source="id")] = None
    rec_type: Annotated[Text, column("Record type of the event", source="recType")] = None
    initiator: Annotated[bool | None, column("Whether the incident began with it", source="data.initiator")] = None
    tags: Annotated[
        msgspec.Raw | None, column("Tags of the cluster, then the location of the device", source="data.tags")
    ] = None
    happened_at: Annotated[datetime | None, column("When it happened", source="data.time")] = None


class SensorEvent(msgspec.Struct):
    """What a sensor has reported, such as a rodent seen."""

    id: Annotated[str, column("Id given by Microshare", source="landfall.id")]
    rec_type: Annotated[Text, column("Record type", source="recType")] = None
    alert: Annotated[Text, column("Kind of alert, such as rodent", source="data.alert")] = None
    event: Annotated[Text, column("Kind of event, such as rodent_present", source="data.event")] = None
    device_id: Annotated[Text, column("Id of the device, as written", source="data.device.id")] = None
    eui: Annotated[Text, column("That id as 16 capital hexadecimal digits", source="landfall.eui")] = None
    location: Annotated[
        msgspec.Raw | None, column("Location of the device, a list of texts", source="data.meta.device")
    ] = None
    reference: Annotated[
        Text, column("Fourth element of the location: the ERP's reference", source="landfall.reference")
    ] = None
    happened_at: Annotated[
        datetime | None, column("When it happened, as the device says", source="data.meta.iot.time")
    ] = None
    updated_at: Annotated[datetime | None, column("When Microshare last stored it", source="landfall.updated_at")] = (
        None
    )


class ServiceRecord(msgspec.Struct):
    """A visit or piece of work that the ERP has on record; source columns without a meaning are in _extra."""

    id: Annotated[str, column("Id in the ERP", source="landfall.id")]
    point_id: Annotated[Text, column("The inspection point's id in the ERP", source="landfall.point_id")] = None
    reference: Annotated[Text, column("The inspection point's reference", source="landfall.reference")] = None
    customer: Annotated[Text, column("Customer", source="landfall.customer")] = None
    site: Annotated[Text, column("Site", source="landfall.site")] = None
    area: Annotated[Text, column("Area of the site", source="landfall.area")] = None
    kind: Annotated[Text, column("Kind of work, as given", source="landfall.kind")] = None
    result: Annotated[Text, column("What came of it, as given", source="landfall.result")] = None
    note: Annotated[Text, column("What whoever did it wrote down", source="landfall.note")] = None
    performed_at: Annotated[datetime | None, column("When it was done", source="landfall.performed_at")] = None
