"""A simulator of Microshare: clusters that are read and written as whole documents, sign-ins, events and incidents.

It is as nasty as the vendor::

    with microshare.running() as vendor:
        vendor.fault("stored_504", entity="write")   # carried out, and answered as if it were not
        vendor.after_read = lambda id_: vendor.edit(id_, somebody_elses_change)
        vendor.expire_tokens()
        ...
        assert vendor.journal.count(statement="write") == 1

``entity`` of a fault, and ``statement`` in the journal, say what a request is for: login, discovery, read, write, listing.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any

from sandbox import microshare_data as data
from sandbox.faults import Answer, Fault, Faults
from sandbox.journal import Journal
from sandbox.microshare_api import app
from sandbox.microshare_sign_in import SignIns
from sandbox.microshare_store import Cluster
from sandbox.server import serving

JSON = {"Content-Type": "application/json"}
USERNAME, PASSWORD, CLIENT_ID = "sandbox@tenant.example", "canary-sandbox-password", "canary-api-key"
STORED: dict[str, Answer] = {
    "stored_500": (500, JSON, b'{"error":"Internal Server Error"}'),
    "stored_504": (504, {"Content-Type": "text/html"}, b"<h1>504 Gateway Time-out</h1>"),
}
"""Faults of writes that are carried out all the same."""
REFUSALS: dict[str, Answer] = {
    "not_found": (404, {"Content-Type": "text/plain"}, b"io.microshare.utils.NotFoundException: Record not found or inaccessible."),
    "malformed": (503, {"Content-Type": "text/plain"}, b"Service Unavailable"),
    "gateway_timeout": (504, {"Content-Type": "text/html"}, b"<h1>504 Gateway Time-out</h1>"),
    "forbidden": (403, JSON, b'{"error":"Forbidden"}'),
}  # fmt: skip
"""Faults that are no more than an answer."""


@dataclass
class Microshare:
    """A running simulator: addresses and account to connect with, and the parts that tests turn and read.

    ``hidden`` records are counted and never shown. ``latency_s`` is what each kind of request takes. ``before_write`` and
    ``after_read`` are called with the id of the cluster: a foreign writer's time has come. ``slash_on_lists``: lists of
    events are refused without a slash at the end. ``with_checksums``: documents carry the vendor's checksum.
    """

    clusters: dict[str, Cluster] = field(default_factory=dict)
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    base_url: str = ""
    hidden: int = 0
    latency_s: dict[str, float] = field(default_factory=dict)
    slash_on_lists: bool = False
    with_checksums: bool = True
    before_write: Callable[[str], None] | None = None
    after_read: Callable[[str], None] | None = None
    sign_ins: SignIns = field(default_factory=lambda: SignIns(USERNAME, PASSWORD, CLIENT_ID))
    faults: Faults = field(default_factory=lambda: Faults({name: _always(name) for name in REFUSALS | STORED}))
    journal: Journal = field(default_factory=Journal)
    lock: RLock = field(default_factory=RLock)

    def fault(self, kind: str, **options: Any) -> Fault:
        """Set a fault: one of `sandbox.faults`, of `REFUSALS` or of `STORED`; ``entity`` says for which requests."""
        return self.faults.add(kind, **{"path": "/", **options})

    def add(self, rec_type: str, devices: list[Any], name: str = "", id_: str = "", **more: Any) -> str:
        """Add a cluster and return its id; ``more`` are further fields of its data."""
        with self.lock:
            id_ = id_ or f"68b1357b3270e76ce8e{len(self.clusters) + 1:05x}"
            cluster = Cluster(id_, rec_type, name or f"Cluster {len(self.clusters) + 1}", {"devices": devices, **more})
            self.clusters[id_] = cluster
            return id_

    def edit(self, id_: str, change: Callable[[dict[str, Any]], Any]) -> None:
        """Change a cluster's data as somebody else would, with the vendor's own pages: all at once, and stamped."""
        with self.lock:
            cluster = self.clusters[id_]
            content = cluster.data()
            change(content)
            cluster.store_data(content)

    def devices(self, id_: str) -> list[dict[str, Any]]:
        """The devices of a cluster as they are now."""
        with self.lock:
            return list(self.clusters[id_].data()["devices"])

    def document(self, id_: str) -> bytes:
        """A cluster's document as it is now, byte for byte."""
        with self.lock:
            return self.clusters[id_].text(with_checksum=self.with_checksums)

    def expire_tokens(self) -> None:
        """Refuse every token that was given so far."""
        self.sign_ins.expire()

    def happen(self, numbers: list[int], *, ago: timedelta = timedelta(hours=1)) -> str:
        """Let the traps of these points report, and one incident bundle what they said; its id is returned."""
        now = datetime.now(UTC) - ago
        told = []
        for at, number in enumerate(numbers):
            happened = (now + timedelta(minutes=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            told.append((self.record(data.EVENTS, data.event(number, str(number), happened), now), number, happened))
        return self.record(data.INCIDENTS, data.incident(numbers[0], told, told[0][2]), now)

    def record(self, rec_type: str, content: Mapping[str, Any], stored: datetime) -> str:
        """Add an event, an incident or any other record, and return its id."""
        with self.lock:
            id_ = f"659d53062fefe{sum(map(len, self.records.values())) + 1:011x}"
            made = {"_id": id_, "id": id_, "recType": rec_type, "tstamp": round(stored.timestamp() * 1000)}
            self.records.setdefault(rec_type, []).append({**made, "tags": ["pest"], "data": dict(content)})
            return id_

    def connection(self, *, oauth: bool = False, subset: bool = False) -> dict[str, Any]:
        """All that a block needs to connect; ``subset``: by the address that shows a part of the clusters only."""
        made: dict[str, Any] = {
            "base_url": f"{self.base_url}{'/subset' if subset else ''}", "login_url": self.base_url,
            "oauth_url": self.base_url, "username": USERNAME, "password": PASSWORD,
            "incident_rec_type": data.INCIDENTS, "event_rec_type": data.EVENTS,
            "requests_per_second": 0, "requests_per_minute": 0, "max_in_flight": 0,
        }  # fmt: skip
        return made | ({"client_id": CLIENT_ID} if oauth else {})


@contextmanager
def running(*, clusters: int = 2, devices: int = 12, port: int = 0) -> Iterator[Microshare]:
    """Serve so many clusters of traps, with so many devices each, and one of gateways, until the block ends."""
    vendor = Microshare()
    if clusters:
        for rec_type, name, made in data.clusters(clusters, devices):
            network = {"network": "io.microshare.lora", "region": "EU868", "JoinEUI": "70B3D57ED0000000"}
            vendor.add(rec_type, made, name, isActive=True, network=network, meta={"location": "Sandbox"})
    with serving(app(vendor), port) as base_url:
        vendor.base_url = base_url
        yield vendor


def _always(name: str) -> Callable[[Fault], Answer]:
    return lambda _fault: (REFUSALS | STORED)[name]
