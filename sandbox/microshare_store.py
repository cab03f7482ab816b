"""A cluster as the simulator keeps it: the members of its document as the texts that were written."""

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass
class Cluster:
    """One cluster; ``members`` are those of its document, undecoded, so that what was written comes back as it was."""

    id: str
    rec_type: str
    name: str
    content: dict[str, Any]
    members: dict[str, msgspec.Raw] = field(default_factory=dict)
    writes: int = 0

    def __post_init__(self) -> None:
        if not self.members:
            self.members = {
                "_id": _raw(self.id), "id": _raw(self.id), "name": _raw(self.name), "recType": _raw(self.rec_type),
                "desc": _raw("Made by the sandbox"), "tags": _raw(["sandbox", "pest"]),
                "owner": _raw({"appid": "sandbox", "org": "Sandbox", "user": "sandbox"}),
                # 1.50 and the escape are there to be lost by whoever reads and rewrites the document.
                "data": msgspec.Raw(_unusual(self.content)),
            }  # fmt: skip
        self._stamp()

    def data(self) -> dict[str, Any]:
        """What the document holds, as values."""
        found: dict[str, Any] = json.loads(bytes(self.members["data"]))
        return found

    def store_data(self, content: dict[str, Any]) -> None:
        """Take other content, as from somebody who works with values."""
        self.members["data"] = _raw(content)
        self._stamp()

    def store(self, document: bytes) -> bool:
        """Take a whole document; False where it is none of this cluster."""
        try:
            members = _DECODER.decode(document)
        except msgspec.DecodeError:
            return False
        if "data" not in members or bytes(members.get("_id", b"")) != bytes(self.members["_id"]):
            return False
        self.members = {name: msgspec.Raw(bytes(value)) for name, value in members.items()}
        self.writes += 1
        self._stamp()
        return True

    def text(self, *, details: bool = True, with_checksum: bool = True) -> bytes:
        """The document, or its head alone."""
        members = {name: value for name, value in self.members.items() if with_checksum or name != "checksum"}
        if not details:
            members = {
                name: value for name, value in members.items() if name in ("name", "_id", "id", "tstamp", "recType")
            }
        return (
            b"{" + b",".join(json.dumps(name).encode() + b":" + bytes(value) for name, value in members.items()) + b"}"
        )

    def _stamp(self) -> None:
        before = int(bytes(self.members.get("tstamp", b"0")))
        self.members["tstamp"] = msgspec.Raw(str(max(before + 1, int(time.time() * 1000))).encode())
        self.members["checksum"] = _raw(checksum(bytes(self.members["data"])))


def checksum(data: bytes) -> str:
    """The vendor's checksum of the text of ``data``, which has no blanks outside texts here."""
    compact = bytes(msgspec.json.format(data, indent=-1))
    return f"{hashlib.sha256(compact).hexdigest().upper()}L{len(compact)}"


def _unusual(content: dict[str, Any]) -> bytes:
    text = json.dumps(content, separators=(",", ":"))
    return text.replace("[2.35,", "[2.3500,").replace("48.86]", "4.88600e1]").encode()


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
