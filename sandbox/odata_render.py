"""Records, pages and metadata in the three ways to write them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from sandbox.odata_store import EntitySet, Key, Record, Shape

EPOCH = datetime(1970, 1, 1)


def value(given: Any, edm: str, version: str, texts: bool) -> str:
    """A property as JSON. ``texts``: decimals of version 4 as texts."""
    if given is None:
        return "null"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, Decimal):
        as_text = version == "2.0" or (version == "4.0" and texts)
        return f'"{given}"' if as_text else str(given)
    if isinstance(given, int):
        return f'"{given}"' if edm == "Edm.Int64" and version != "4.0" else str(given)
    if isinstance(given, datetime | date):
        return _moment(given, version, edm)
    return json.dumps(given, ensure_ascii=False)


def _moment(given: datetime | date, version: str, edm: str) -> str:
    if version == "2.0":
        moment = given if isinstance(given, datetime) else datetime(given.year, given.month, given.day)
        zone = "+0000" if moment.tzinfo else ""
        since = moment.astimezone(UTC).replace(tzinfo=None) - EPOCH if moment.tzinfo else moment - EPOCH
        return f'"/Date({since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000}{zone})/"'
    if not isinstance(given, datetime):
        return f'"{given.isoformat()}"'
    if edm == "Edm.Date":
        return f'"{given.date().isoformat()}"'
    return f'"{given.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"' if given.tzinfo else f'"{given.isoformat()}"'


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes records of a service. ``root`` is its address, ``expand`` what is expanded, ``texts`` as for `value`.

    ``most`` (0: no limit) is how many lines of an expanded list come at once, with a link to the rest.
    """

    version: str
    root: str
    expand: tuple[str, ...] = ()
    texts: bool = True
    most: int = 0

    def record(self, entities: EntitySet, key: Key, row: Record) -> str:
        """A record as JSON, or what it was spoiled with."""
        if key in entities.raw:
            return entities.raw[key]
        known = entities.rendered.setdefault(key, {})
        if self not in known:
            known[self] = self.object(entities.shape, row, entities.name)
        return known[self]

    def object(self, shape: Shape, row: Mapping[str, Any], of: str = "") -> str:
        """An object of a shape as JSON; ``of`` is the set that it is in."""
        address = f"{self.root}/{of}({','.join(_literal(row.get(name)) for name in shape.key)})"
        parts = list(self._control(shape, row, address))
        for name, edm in shape.fields.items():
            if name in row:  # optional fields may be missing altogether
                parts.append(f"{_name(name)}:{value(row[name], edm, self.version, self.texts)}")
        for name, inner in shape.inline.items():
            parts.append(f"{_name(name)}:[{','.join(self.object(inner, each) for each in row.get(name, ()))}]")
        for name, inner in shape.navigation.items():
            if name in self.expand:
                parts.append(self._expanded(name, inner, row.get(name, ()), address))
            elif self.version == "2.0":
                parts.append(f'"{name}":{{"__deferred":{{"uri":"{address}/{name}"}}}}')
        return "{" + ",".join(parts) + "}"

    def _control(self, shape: Shape, row: Mapping[str, Any], address: str) -> Iterator[str]:
        """What the protocol adds to a record: who it is, and its version."""
        changed = row.get("LastChangeDateTime")
        stamp = f"W/\"datetimeoffset'{quote(changed.isoformat())}'\"" if changed else 'W/"simulated"'
        if self.version == "2.0":
            named = {"id": address, "uri": address, "type": shape.name, "etag": stamp}
            yield f'"__metadata":{json.dumps(named)}'
        elif self.version == "4.0" and shape.key:
            yield f'"@odata.etag":{json.dumps(stamp)}'

    def _expanded(self, name: str, shape: Shape, rows: Sequence[Record], address: str) -> str:
        cut = bool(self.most) and len(rows) > self.most
        of = shape.name.rpartition(".")[2].removesuffix("Type")
        items = ",".join(self.object(shape, row, of) for row in (rows[: self.most] if cut else rows))
        link = f'"{address}/{name}?$skiptoken={self.most}"' if cut else ""
        if self.version == "2.0":
            return f'"{name}":{{"results":[{items}]' + (f',"__next":{link}}}' if cut else "}")
        return f'"{name}":[{items}]' + (f',"{name}@odata.nextLink":{link}' if cut else "")


def _name(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _literal(part: Any) -> str:
    return "'" + quote(str(part)) + "'"


def page(rows: Sequence[str], version: str, *, link: str, total: int | None, context: str) -> str:
    """An answer with these records; ``link`` '' and ``total`` None are left out."""
    listed = f"[{','.join(rows)}]"
    if version == "2.0":
        count = "" if total is None else f'"__count":"{total}",'
        return f'{{"d":{{{count}"results":{listed}' + (f',"__next":{json.dumps(link)}' if link else "") + "}}"
    mark = "@odata" if version == "4.0" else "odata"
    counted = total if version == "4.0" else f'"{total}"'
    count = "" if total is None else f'"{mark}.count":{counted},'
    named = f'"{mark}.{"context" if version == "4.0" else "metadata"}":{json.dumps(context, ensure_ascii=False)},'
    return f'{{{named}{count}"value":{listed}' + (f',"{mark}.nextLink":{json.dumps(link)}' if link else "") + "}"


def metadata(namespace: str, sets: Sequence[EntitySet], version: str) -> str:
    """The metadata document of a service with these sets."""
    shapes: dict[str, Shape] = {}
    for each in sets:
        _collect(each.shape, shapes)
    types = "".join(_type(shape, namespace, version) for shape in shapes.values())
    real = [each for each in sets if not each.function]
    entries = "".join(f'<EntitySet Name="{each.name}" EntityType="{each.shape.name}"/>' for each in real)
    virtual = [each for each in sets if each.function]
    calls = "".join(
        f'<FunctionImport Name="{each.name.partition("/")[2].removesuffix("()")}"'
        f' ReturnType="Collection({each.shape.name})" EntitySetPath="{each.name.partition("/")[0]}"/>'
        for each in virtual
    )
    edmx = (
        "http://docs.oasis-open.org/odata/ns/edmx"
        if version == "4.0"
        else "http://schemas.microsoft.com/ado/2007/06/edmx"
    )
    edm = (
        "http://docs.oasis-open.org/odata/ns/edm"
        if version == "4.0"
        else "http://schemas.microsoft.com/ado/2008/09/edm"
    )
    ends = "" if version == "4.0" else "".join(_association(shape, namespace) for shape in shapes.values())
    return (
        f'<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="{"4.0" if version == "4.0" else "1.0"}"'
        f' xmlns:edmx="{edmx}"><edmx:DataServices><Schema Namespace="{namespace}" xmlns="{edm}">{types}{ends}'
        f'<EntityContainer Name="Container">{entries}{calls}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>'
    )


def _collect(shape: Shape, into: dict[str, Shape]) -> None:
    into[shape.name] = shape
    for inner in (*shape.navigation.values(), *shape.inline.values()):
        _collect(inner, into)


def _type(shape: Shape, namespace: str, version: str) -> str:
    tag = "EntityType" if shape.key else "ComplexType"
    keys = "".join(f'<PropertyRef Name="{name}"/>' for name in shape.key)
    parts = [f"<Key>{keys}</Key>"] if keys else []
    parts += [f"<Property Name={quoteattr(name)} Type={quoteattr(edm)}/>" for name, edm in shape.fields.items()]
    parts += [f'<Property Name="{name}" Type="Collection({inner.name})"/>' for name, inner in shape.inline.items()]
    for name, inner in shape.navigation.items():
        if version == "4.0":
            parts.append(f'<NavigationProperty Name="{name}" Type="Collection({inner.name})"/>')
        else:
            relation = f"{namespace}.{shape.name.rpartition('.')[2]}_{name}"
            parts.append(f'<NavigationProperty Name="{name}" Relationship="{relation}" FromRole="From" ToRole="To"/>')
    return f'<{tag} Name="{shape.name.rpartition(".")[2]}">{"".join(parts)}</{tag}>'


def _association(shape: Shape, namespace: str) -> str:
    return "".join(
        f'<Association Name="{shape.name.rpartition(".")[2]}_{name}">'
        f'<End Role="From" Type="{shape.name}" Multiplicity="1"/><End Role="To" Type="{inner.name}" Multiplicity="*"/>'
        "</Association>"
        for name, inner in shape.navigation.items()
    )
