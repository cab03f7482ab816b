"""Made-up clusters, devices and inspection points, from numbers alone: the same ones on every machine.

They are as mixed as real ones: locations of 3 to 9 elements, EUIs in three spellings, devices with and without guid,
references that two devices have, and numbers and texts that only come through whole if nobody reads and rewrites them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

TRAPS, GATEWAYS = "io.microshare.trap.packed", "io.microshare.gateway.health.packed"
EVENTS, INCIDENTS = "io.microshare.event.alert.rodent", "io.microshare.event.alert.incident"
PLACEHOLDER = "00-00-00-00-00-00-00-00"
CUSTOMERS = ("Golden Grain Mills", "Harbour Cold Store", "Café Söhne Bakeries")
SITES = ("North Plant", "River Depot", "Old Town")
AREAS = ("Silo A", "Loading Dock", "Pantry", "Boiler Room", "Yard")


def reference(number: int) -> str:
    """The ERP's reference of a point."""
    return f"ERP{number // 100:03}_{number % 100:02}"


def eui(number: int, spelling: int = 0) -> str:
    """An EUI, dashed, undashed or in small letters."""
    plain = f"58A0CB{number:010X}"
    dashed = "-".join(plain[at : at + 2] for at in range(0, 16, 2))
    return (dashed, plain, plain.lower())[spelling % 3]


def point(number: int) -> dict[str, Any]:
    """An inspection point, as a row of an ERP."""
    return {
        "id": str(1000 + number),
        "reference": reference(number),
        "customer": CUSTOMERS[number % 3],
        "site": SITES[number % 3],
        "area": AREAS[number % 5],
        "placement": "External" if number % 4 == 1 else "Internal",
        "configuration": "Kill/Trap" if number % 5 == 2 else "Bait/Lured",
    }


def heard_of(number: int) -> str:
    """When the field last said something of a point's device: yesterday, but for one that has been silent for months."""
    day = datetime.now(UTC).date() - timedelta(days=90 if number == 4 else 1)
    return f"{day}T08:00:00.000Z"


def points(number: int) -> list[dict[str, Any]]:
    """So many inspection points; every tenth has moved to another area since its device was put up."""
    return [point(at) | ({"area": "Cellar"} if at % 10 == 7 else {}) for at in range(number)]


def cluster_rules(number: int, devices: int) -> list[dict[str, str]]:
    """Which of so many clusters, with so many devices each, a new device goes to: that of its neighbours, by reference."""
    return [
        {"reference": reference(at), "kind": "trap", "cluster": f"Traps {at // devices + 1} | Motion"}
        for at in range(number * devices)
    ] + [{"kind": "trap", "cluster": f"Traps {number} | Motion"}]


def device(number: int, *, guid: bool = True, deployed: bool = True, spelling: int = 0) -> dict[str, Any]:
    """The device that stands at a point, deployed or still waiting for its hardware."""
    at = point(number)
    location = [at[name] for name in ("customer", "site", "area", "reference", "placement", "configuration")]
    made: dict[str, Any] = {"id": PLACEHOLDER, "meta": {"location": location}, "status": "pending"}
    if deployed:
        made |= {
            "id": eui(number, spelling),
            "status": "active",
            "lora": {"AppKey": f"canary-app-key-{number}", "JoinEUI": "70B3D57ED0000000", "DevEUI": eui(number, 1)},
            "state": {"updateDate": heard_of(number), "location": {"coords": [2.3500, 48.8600]}},
        }
    return made | ({"guid": f"erp-sync-{at['id']}"} if guid else {})


def odd_devices() -> list[dict[str, Any]]:
    """Devices as real clusters have them beside the ordinary ones."""
    return [
        {"id": "58A0CB00FFFFF801", "meta": {"location": ["Golden Grain Mills", "North Plant", "Roof"]}, "status": "active"},
        {"id": "SN-0042", "meta": {"location": ["Golden Grain Mills", "North Plant", "Roof", "Rack", ""]}, "status": "inactive"},
        {
            "id": "58A0CB00FFFFF802", "status": "maintenance",
            "meta": {"location": ["A", "B", "C", "OLD_99", "external", "bait", "Level 2", "Bay 7", ""]},
        },
        {"id": PLACEHOLDER, "meta": {"location": ["A", "B", "C", "OLD_98", "internal", "bait"]}, "status": "pending"},
    ]  # fmt: skip


def gateway(number: int) -> dict[str, Any]:
    """A gateway: the fourth element of its location is its own name."""
    location = [CUSTOMERS[number % 3], SITES[number % 3], "Network Infrastructure", f"GW-{number:03}"]
    return {"id": eui(0xAA0000 + number, 1), "meta": {"location": location}, "status": "active", "guid": f"gw-{number}"}


def clusters(number: int, devices: int) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Record type, name and devices of so many clusters of traps and one of gateways; points are spread over them."""
    for at in range(number):
        numbers = range(at * devices, (at + 1) * devices)
        made = [device(n, guid=n % 3 != 0, deployed=n % 4 != 3, spelling=n) for n in numbers]
        yield TRAPS, f"Traps {at + 1} | Motion", made + (odd_devices() if at == 0 else [])
    yield GATEWAYS, "Gateways", [gateway(n) for n in range(2)]


def event(number: int, id_: str, time: str) -> dict[str, Any]:
    """What the trap of a point reports."""
    made = device(number)
    tags = {"device": made["meta"]["location"], "global": ["Sandbox", "pest"], "iot": {"time": time}}
    return {
        "alert": "rodent", "event": "rodent_present", "change": 1, "device": {"id": made["id"]}, "meta": tags,
        "id": id_,
    }  # fmt: skip


def incident(number: int, events: list[tuple[str, int, str]], started: str) -> dict[str, Any]:
    """An incident that bundles events, each an id, the number of its point and its time."""
    origin = [
        {
            "id": id_, "recType": EVENTS,
            "data": {"initiator": at == 0, "tags": ["Sandbox", "pest", *device(n)["meta"]["location"][:4]], "time": time},
        }
        for at, (id_, n, time) in enumerate(events)
    ]  # fmt: skip
    step = {"process": {"start": started, "status": "open"}, "userTask": {"name": "accept", "status": "open"}}
    return {
        "alert": "rodent", "event": "rodent_present", "current": {"count": 1, "workflow": step}, "history": [],
        "meta": {"device": device(number)["meta"]["location"], "workflow": {"process": {"id": str(7000000 + number)}}},
        "origin": origin, "time": started,
    }  # fmt: skip
