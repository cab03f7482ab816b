"""From an inspection point of the ERP to the device that is to stand there: pure functions, and the rules they go by.

Who owns what: location and guid of a device are the ERP's. Its id (DevEUI), its keys for the network, its state and its
status, once it is deployed, are the field's: they are set when a device is made and never again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import msgspec

TRAP, GATEWAY = "trap", "gateway"
SHORTEST, LONGEST = 3, 9  # elements of a location that were seen in real clusters
REFERENCE_AT = 3  # the element that names the point (in gateways: the gateway)


class Point(msgspec.Struct, frozen=True):
    """An inspection point as the ERP knows it; None where it says nothing.

    ``location`` is given where the ERP keeps the whole location, of 3 to 9 elements; else it is made of the fields.
    ``device_id`` and ``state`` are what the ERP has been told of the device that stands there.
    """

    id: str | None = None
    reference: str | None = None
    customer: str | None = None
    site: str | None = None
    area: str | None = None
    placement: str | None = None
    configuration: str | None = None
    kind: str | None = None
    device_id: str | None = None
    state: str | None = None
    active: Any = None
    cluster: str | None = None
    location: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """How a device is made from a point.

    ``clusters`` say which cluster a new device goes to: the first rule that fits, each a mapping of fields of the
    point to patterns (``*`` and ``?``) and of ``cluster`` to the id or name of a cluster. None fits: no cluster.
    """

    default_id: str = "00-00-00-00-00-00-00-00"
    placement: str = "Internal"
    configuration: str = "Bait/Lured"
    status: str = "pending"
    guid_prefix: str = "erp-sync-"
    clusters: Sequence[Mapping[str, str]] = ()


def kind_of(point: Point) -> str:
    """Whether a trap or a gateway is to stand there; what is no gateway is a trap."""
    return GATEWAY if GATEWAY in (point.kind or "").lower() else TRAP


def guid_of(point: Point, rules: Rules) -> str:
    """The guid of the device that is made for a point: it leads back to it for good."""
    return f"{rules.guid_prefix}{point.id}"


def said(point: Point) -> list[str | None]:
    """What the ERP says of the location, element by element; None where it says nothing.

    Six elements for a trap (customer, site, area, reference, placement, configuration), four for a gateway.
    """
    if point.location is not None:
        return list(point.location)
    first: list[str | None] = [point.customer, point.site, point.area, point.reference]
    return first if kind_of(point) == GATEWAY else [*first, point.placement, point.configuration]


def device_of(point: Point, rules: Rules) -> dict[str, Any]:
    """The device to make for a point: a placeholder for an id, since the hardware is chosen where it is put up."""
    defaults = ["", "", "", "", rules.placement, rules.configuration]
    location = [
        part if part is not None else defaults[at] if at < len(defaults) else "" for at, part in enumerate(said(point))
    ]
    return {
        "id": rules.default_id,
        "meta": {"location": location},
        "status": rules.status,
        "guid": guid_of(point, rules),
    }


def location_of(point: Point, there: Sequence[str]) -> list[str]:
    """The location that a device which is there should have: what the ERP says, over what is there.

    What the ERP says nothing of stays, and so do further elements. A location is never shortened, and grows no further
    than the reference: clusters have locations of a length of their own. Another spelling is no other word.
    """
    length = max(len(there), REFERENCE_AT + 1)
    wanted = said(point)
    merged = []
    for at in range(length):
        old = there[at] if at < len(there) else ""
        new = wanted[at] if at < len(wanted) else None
        merged.append(old if new is None or (at > REFERENCE_AT and same_word(old, new)) else new)
    return merged


def same_word(one: str, other: str) -> bool:
    """Whether two names of a placement or configuration mean the same: ``internal`` and ``Internal``, ``bait`` and
    ``Bait/Lured``, as both are found in real clusters."""
    left, right = ({part.strip() for part in word.casefold().split("/")} for word in (one, other))
    return left <= right or right <= left


def cluster_for(point: Point, rules: Rules) -> str | None:
    """The id or name of the cluster that a new device goes to: what the ERP says, else the first rule that fits."""
    if point.cluster:
        return point.cluster
    values = {**{name: getattr(point, name) for name in msgspec.structs.asdict(point)}, "kind": kind_of(point)}
    for rule in rules.clusters:
        conditions = {name: pattern for name, pattern in rule.items() if name != "cluster"}
        if all(fnmatchcase(str(values.get(name) or ""), pattern) for name, pattern in conditions.items()):
            return rule["cluster"]
    return None
