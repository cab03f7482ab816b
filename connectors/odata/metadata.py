"""``$metadata``: which entity sets a service has, and what is in their records.

Read with expat alone, which fetches nothing; a document type declaration, and so any entity, is refused. All versions
of the Common Schema Definition Language are understood as far as a reader needs it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from connectors.errors import SourceError
from connectors.odata.dialect import Dialect

MOST_DEPTH = 3  # of expanded collections inside each other


@dataclass(slots=True)
class Type:
    """An entity or complex type: Edm types by property, target types by navigation, both as they are written.

    A type in ``Collection(…)`` is a list of it.
    """

    name: str
    base: str = ""
    key: list[str] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    navigation: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Metadata:
    """What a service offers. ``sets`` maps entity sets, ``functions`` functions of a set (``Set/Balance``), to types."""

    types: dict[str, Type] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)

    def type_of(self, path: str) -> Type | None:
        """The type of the records at a path: an entity set, or ``Set/Function()``; None if there is no such thing."""
        name = path.replace("()", "")
        found = self.functions.get(name) or self.sets.get(name)
        return self.types.get(_element(found)) if found else None

    def key_of(self, path: str) -> tuple[str, ...]:
        """The key properties of an entity set, empty where it has none."""
        kind = self.type_of(path)
        return tuple(part for each in self._line(kind) for part in each.key) if kind else ()

    def paths(self, path: str, dialect: Dialect, expand: Sequence[str] = ()) -> frozenset[str] | None:
        """Every path in a record, dots between the parts: properties, and those of what is expanded.

        The elements of a list have the list's own path before theirs (``to_Item.results.Material`` in version 2). None
        when the service has no such set.
        """
        kind = self.type_of(path)
        if kind is None:
            return None
        return frozenset(self._paths(kind, dialect, tuple(each.replace("/", ".") for each in expand), 0))

    def _paths(self, kind: Type, dialect: Dialect, expand: Sequence[str], depth: int) -> Iterator[str]:
        for each in self._line(kind):
            for name, written in each.properties.items():
                yield name
                inner = self.types.get(_element(written))
                if inner is not None and depth < MOST_DEPTH:
                    yield from (f"{name}.{rest}" for rest in self._paths(inner, dialect, (), depth + 1))
            for name, written in each.navigation.items():
                target = self.types.get(_element(written))
                wanted = [one.partition(".")[2] for one in expand if one.split(".")[0] == name]
                if target is None or not wanted or depth >= MOST_DEPTH:
                    continue
                many = written.startswith("Collection(") and dialect.expanded
                prefix = f"{name}.{dialect.expanded}" if many else name
                yield prefix
                inside = [one for one in wanted if one]
                yield from (f"{prefix}.{rest}" for rest in self._paths(target, dialect, inside, depth + 1))

    def _line(self, kind: Type) -> list[Type]:
        """A type and those it is derived from, the root first."""
        line = [kind]
        while (base := self.types.get(line[0].base)) is not None and base not in line:
            line.insert(0, base)
        return line


def _element(written: str) -> str:
    return written.removeprefix("Collection(").removesuffix(")")


def parse(content: bytes, where: str = "$metadata") -> Metadata:
    """Read a metadata document; raises `SourceError` if it is none, or declares a document type."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the latter two for encodings that nobody knows
        raise SourceError(f"{where} is no XML document: {error}.") from error
    except _Doctype:
        raise SourceError(f"{where} declares a document type, which no such document has; it was not read.") from None
    if not reader.found.types:
        raise SourceError(f"{where} describes no type, so it is no OData metadata.")
    return reader.finish()


class _Doctype(Exception):
    pass


def _refuse(*_: object) -> None:
    raise _Doctype


class _Reader:
    """Collects what matters while expat goes through the document."""

    def __init__(self) -> None:
        self.found = Metadata()
        self.namespaces: dict[str, str] = {}  # alias to namespace
        self.namespace = ""
        self.kind: Type | None = None
        self.association = ""
        self.ends: dict[tuple[str, str], tuple[str, str]] = {}  # association and role: type and multiplicity
        self.open: list[tuple[Type, str, str, str]] = []  # navigation of versions 2 and 3, until all ends are known
        self.returns = ""

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        handler = getattr(self, f"_{name}", None)
        if handler is not None:
            handler(given)

    def end(self, tag: str) -> None:
        name = tag.rpartition(" ")[2]
        if name in ("EntityType", "ComplexType"):
            self.kind = None
        elif name == "Association":
            self.association = ""

    def finish(self) -> Metadata:
        """What was found, aliases and associations resolved."""
        for kind, name, association, role in self.open:
            target, many = self.ends.get((self._full(association), role), ("", ""))
            if target:
                kind.navigation[name] = f"Collection({target})" if many == "*" else target
        for kind in self.found.types.values():
            kind.base = self._full(kind.base)
            kind.properties = {name: self._full(written) for name, written in kind.properties.items()}
            kind.navigation = {name: self._full(written) for name, written in kind.navigation.items()}
        for named in (self.found.sets, self.found.functions):
            named.update({name: self._full(written) for name, written in named.items()})
        return self.found

    def _full(self, written: str) -> str:
        """A type's name with its namespace instead of an alias, or with the schema's own where it has none."""
        inner = _element(written)
        if not inner or inner.startswith("Edm."):
            return written
        before, _, name = inner.rpartition(".")
        full = f"{self.namespaces.get(before, before)}.{name}" if before else self._anywhere(name)
        return f"Collection({full})" if inner != written else full

    def _anywhere(self, name: str) -> str:
        return next((full for full in self.found.types if full.rpartition(".")[2] == name), name)

    # One method for each element that matters, by its name.

    def _Schema(self, given: Mapping[str, str]) -> None:
        self.namespace = given.get("Namespace", "")
        if "Alias" in given:
            self.namespaces[given["Alias"]] = self.namespace

    def _EntityType(self, given: Mapping[str, str]) -> None:
        full = f"{self.namespace}.{given.get('Name', '')}"
        self.kind = self.found.types[full] = Type(full, given.get("BaseType", ""))

    _ComplexType = _EntityType

    def _PropertyRef(self, given: Mapping[str, str]) -> None:
        if self.kind is not None:
            self.kind.key.append(given.get("Name", ""))

    def _Property(self, given: Mapping[str, str]) -> None:
        if self.kind is not None:
            self.kind.properties[given.get("Name", "")] = given.get("Type", "")

    def _NavigationProperty(self, given: Mapping[str, str]) -> None:
        if self.kind is None:
            return
        if "Type" in given:
            self.kind.navigation[given.get("Name", "")] = given["Type"]
        else:
            self.open.append((self.kind, given.get("Name", ""), given.get("Relationship", ""), given.get("ToRole", "")))

    def _Association(self, given: Mapping[str, str]) -> None:
        self.association = f"{self.namespace}.{given.get('Name', '')}"

    def _End(self, given: Mapping[str, str]) -> None:
        if self.association and "Type" in given:
            end = (given["Type"], given.get("Multiplicity", ""))
            self.ends[self.association, given.get("Role", "")] = end

    def _EntitySet(self, given: Mapping[str, str]) -> None:
        self.found.sets[given.get("Name", "")] = given.get("EntityType", "")

    def _FunctionImport(self, given: Mapping[str, str]) -> None:
        of = given.get("EntitySetPath") or given.get("EntitySet") or ""
        if "ReturnType" in given:
            self.found.functions[f"{of}/{given.get('Name', '')}" if of else given.get("Name", "")] = given["ReturnType"]
