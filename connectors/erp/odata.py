"""An ERP that speaks OData: what the mapping's ``read`` says of each data type, asked of one host.

SAP S/4HANA (sap_s4.py) and 1C (onec.py) are this with their own sign-in, errors and default mapping. ``read`` may say::

    service   path of the service below the connection's address
    set       entity set, or a function of one: AccumulationRegister_Stock/Balance()
    version   v2, v3 or v4
    key       key properties in order; default: those of the metadata
    changed   property with the moment of the last change, where it can be trusted; without one, always everything
    expand    navigation properties to read along, with commas
    filter    a further condition, in OData's own words; what it leaves out counts as not there
    paging    key, link or skip (connectors/odata/paging.py), or once: everything in one answer
    counted   false where the service cannot count the set
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import msgspec

from connectors.erp.mapping import Binding
from connectors.errors import MappingInvalid, NotMapped
from connectors.odata.client import ODataClient
from connectors.odata.dialect import DIALECTS, Dialect
from connectors.odata.metadata import Metadata
from connectors.odata.reading import PAGE_SIZE, Reading, Way
from connectors.paging import located
from connectors.stream import Page

Version = Literal["v2", "v3", "v4"]


class Read(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``read`` of a data type; '' and None stand for the connection's own."""

    set: str
    service: str = ""
    version: Version | None = None
    key: tuple[str, ...] = ()
    changed: str = ""
    expand: str = ""
    filter: str = ""
    paging: Way | None = None
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Settings:
    """What a connection says of all its data types. ``service`` and ``version`` stand where ``read`` has none.

    ``guid_keys``: keys of one property whose name ends in ``_Key`` are GUIDs. ``full_every_hours`` and ``overlap_minutes``
    are those of `connectors.odata.reading`.
    """

    service: str = ""
    version: Version = "v2"
    guid_keys: bool = False
    paging: Way = "key"
    page_size: int = PAGE_SIZE
    full_every_hours: float = 24.0
    overlap_minutes: float = 10.0


@dataclass
class ODataErp:
    """Keeps `connectors.erp.kinds.ErpClient` over an OData host. ``system`` tells one company's system from another's."""

    odata: ODataClient
    settings: Settings
    system: str
    _metadata: dict[str, Metadata] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; requests after this fail."""
        self.odata.close()

    def identity(self) -> str:
        """The system that is read: host, path where several share a host, and client."""
        return self.system

    def pages(self, data_type: str, cursor: Mapping[str, Any] | None, binding: Binding) -> Iterator[Page]:
        """The records of a data type as the service wrote them: everything, or what changed since the cursor."""
        return self.reading(binding).pages(self.odata, cursor)

    def describe(self, data_type: str, binding: Binding) -> Collection[str] | None:
        """All paths in the records of a data type, by the service's own metadata.

        Raises `MappingInvalid` when the service has no such set, or cannot expand what ``read`` says.
        """
        read = _read(binding)
        expand = _names(read.expand)
        paths = self._described(read).paths(read.set, self._dialect(read), expand)
        if paths is None:
            raise binding.refuse("set", f"{read.set} is not among what {self._service(read)} offers")
        for name in expand:
            if not any(path.split(".")[0] == name.split("/")[0] for path in paths):
                raise binding.refuse("expand", f"{name} leads nowhere from {read.set}")
        return paths

    def test(self, bindings: Collection[Binding]) -> Mapping[str, Any]:
        """Ask for one record of each data type and compare the mapping with the metadata.

        ``{"encrypted", "clock_difference_s" (the service's clock is ahead by so much; None: it does not tell),
        "milliseconds", "data_types": {name: {"set", "version", "milliseconds", "sample"}}}``; raises what is wrong.
        ``sample`` says whether there was a record to look at.
        """
        answers: dict[str, Any] = {}
        ahead: float | None = None
        for binding in bindings:
            read = _read(binding)
            with located(binding.data_type):
                if complaints := binding.missing(self.describe(binding.data_type, binding) or ()):
                    raise MappingInvalid("; ".join(map(str, complaints)))
                path = f"{self._service(read)}/{read.set}"
                # A virtual table gives all or nothing.
                options = {"expand": read.expand} | ({} if read.paging == "once" else {"top": "1"})
                reply, seconds, told = self.odata.clock(self._dialect(read), path, options)
            ahead = told if ahead is None else ahead
            answers[binding.data_type] = {
                "set": read.set,
                "version": read.version or self.settings.version,
                "milliseconds": round(seconds * 1000),
                "sample": bool(reply.records),
            }
        return {
            "encrypted": self.odata.base_url.startswith("https://"),
            # Less than two seconds cannot be told from the way that clocks are written.
            "clock_difference_s": None if ahead is None else round(ahead) if abs(ahead) >= 2 else 0,
            "milliseconds": sum(each["milliseconds"] for each in answers.values()),
            "data_types": answers,
        }

    def reading(self, binding: Binding) -> Reading:
        """How a data type is read; asks for the metadata only where ``read`` does not say the key."""
        read = _read(binding)
        key = read.key
        if not key and read.paging != "once":
            key = self._described(read).key_of(read.set)
            if not key:
                raise binding.refuse("set", f"{read.set} has no key in the metadata; say it in `key`")
        return Reading(
            name=binding.data_type,
            path=f"{self._service(read)}/{read.set}",
            dialect=self._dialect(read),
            key=key,
            guid=self.settings.guid_keys and len(key) == 1 and key[0].endswith("_Key"),
            changed=read.changed,
            expand=read.expand,
            condition=f"({read.filter})" if read.filter else "",
            way=read.paging or self.settings.paging,
            counted=read.counted,
            page_size=self.settings.page_size,
            full_every_hours=self.settings.full_every_hours,
            overlap=timedelta(minutes=self.settings.overlap_minutes),
        )

    def _service(self, read: Read) -> str:
        return (read.service or self.settings.service).strip("/")

    def _dialect(self, read: Read) -> Dialect:
        return DIALECTS[read.version or self.settings.version]

    def _described(self, read: Read) -> Metadata:
        """A service's metadata, asked for once: streams are read side by side."""
        service = self._service(read)
        with self._lock:
            if service not in self._metadata:
                self._metadata[service] = self.odata.metadata(service)
            return self._metadata[service]


def _read(binding: Binding) -> Read:
    if not binding.read:
        raise NotMapped(f"The mapping's {binding.data_type} says in no `read` which entity set holds them.")
    try:
        return msgspec.convert(dict(binding.read), Read)
    except msgspec.ValidationError as error:
        said = str(error)
        wrong = next((name for name in binding.read if f"`{name}`" in said or f"$.{name}" in said), "read")
        raise binding.refuse(wrong, f"is not as it should be: {said}") from None


def _names(listed: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in listed.split(",") if name.strip())


def system_of(base_url: str, *parts: str) -> str:
    """What tells a system from another at the same address: host, path below it, and further parts that are not empty.

    A port of this machine tells nothing: a simulator has another each time.
    """
    address = urlsplit(base_url)
    host = address.hostname if address.hostname in ("127.0.0.1", "localhost", "::1") else address.netloc
    return "/".join(part for part in (f"{host}{address.path.rstrip('/')}", *parts) if part)
