"""What differs between the versions of OData that a reader meets: headers, literals, functions and envelopes.

Facts: the OData specifications (2.0 JSON verbose, 3.0 JSON light, 4.0 JSON) and what SAP Gateway and 1C answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal

Version = Literal["2.0", "3.0", "4.0"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version of the protocol.

    ``records`` is where the list of records is in an answer, ``link`` the name of the next page's address beside it.
    ``expanded`` is where the list is in an expanded collection ('': it is the list itself), ``nested_link`` the name
    of the address of its rest: in version 2 inside of it, in version 4 beside it after its name.
    """

    version: Version
    records: tuple[str, ...]
    link: str
    expanded: str
    nested_link: str
    headers: Mapping[str, str] = field(hash=False)

    def text(self, value: str) -> str:
        """A string in a filter."""
        return "'" + value.replace("'", "''") + "'"

    def guid(self, value: str) -> str:
        """A GUID in a filter."""
        return value if self.version == "4.0" else f"guid{self.text(value)}"

    def moment(self, value: datetime) -> str:
        """A moment in a filter, in UTC to the microsecond where it has any; ``value`` must have a zone."""
        written = value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        return written if self.version == "4.0" else f"datetimeoffset'{written}'"

    def local(self, value: date | datetime) -> str:
        """A date or time without a zone in a filter; version 4 knows dates only."""
        if self.version == "4.0":
            return value.isoformat()[:10]
        return f"datetime'{value.isoformat() if isinstance(value, datetime) else value.isoformat() + 'T00:00:00'}'"

    def contains(self, field: str, part: str) -> str:
        """A condition that a text field contains a part."""
        if self.version == "4.0":
            return f"contains({field},{self.text(part)})"
        return f"substringof({self.text(part)},{field}) eq true"


V2 = Dialect(
    "2.0",
    records=("d", "results"),
    link="__next",
    expanded="results",
    nested_link="__next",
    headers={"Accept": "application/json", "MaxDataServiceVersion": "2.0"},
)
V3 = Dialect(
    "3.0",
    records=("value",),
    link="odata.nextLink",
    expanded="",
    nested_link="@odata.nextLink",
    headers={"Accept": "application/json", "MaxDataServiceVersion": "3.0"},
)
V4 = Dialect(
    "4.0",
    records=("value",),
    link="@odata.nextLink",
    expanded="",
    nested_link="@odata.nextLink",
    # Decimals as texts, so that nothing between the database and here can take them for floats.
    headers={"Accept": "application/json;IEEE754Compatible=true", "OData-MaxVersion": "4.0"},
)
DIALECTS: Mapping[str, Dialect] = {"v2": V2, "v3": V3, "v4": V4}
