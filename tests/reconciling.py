"""A small world for tests of the reconciliation: clusters and inspection points as they land, and what comes of them."""

import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg.rows import dict_row

from connectors.microshare.auth import Account
from connectors.microshare.client import MicroshareClient
from connectors.microshare.device import Rules
from connectors.microshare.document import Document
from connectors.microshare.points import point_record
from connectors.microshare.policy import Policy
from connectors.microshare.records import cluster_record, device_records
from connectors.microshare.streams import STREAMS
from connectors.stream import Page
from sandbox.microshare import PASSWORD, USERNAME, Microshare
from tasks.microshare_apply import apply_plan
from warehouse import microshare_compare, microshare_plan
from warehouse.connect import connect
from warehouse.landing import Options, land
from warehouse.microshare_plan import Deletions, Proposed
from warehouse.run_log import Run

TRAPS, GATEWAYS = "io.microshare.trap.packed", "io.microshare.gateway.health.packed"
NONE = Deletions()
PLACEHOLDER = "00-00-00-00-00-00-00-00"
_STREAMS = {stream.name: replace(stream, gates=()) for stream in STREAMS}


def device(reference: str, **fields: Any) -> dict[str, Any]:
    """A deployed trap at a reference; ``fields`` are other members, ``location`` that of its meta."""
    location = fields.pop("location", ["Alder", "North", "Dock", reference, "Internal", "Bait/Lured"])
    made = {"id": f"58A0CB00{abs(hash(reference)) % 16**8:08X}", "meta": {"location": location}, "status": "active"}
    return {name: value for name, value in (made | fields).items() if value is not None}


def point(id_: str, reference: str, **fields: Any) -> dict[str, Any]:
    """An inspection point as its source gives it."""
    return {"id": id_, "reference": reference, "customer": "Alder", "site": "North", "area": "Dock"} | fields


@dataclass
class Reconciling:
    """What Microshare and the ERP hold, the database it lands in, and the connection's name."""

    url: str
    clusters: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"traps": []})
    points: list[dict[str, Any]] = field(default_factory=list)
    rules: Rules = field(default_factory=lambda: Rules(clusters=[{"kind": "trap", "cluster": "traps"}]))
    name: str = field(default_factory=lambda: f"c{uuid.uuid4().hex[:8]}")

    def land(self) -> None:
        """Land everything as it is now."""
        documents = self.documents()
        records = {
            "cluster": [cluster_record(each) for each in documents],
            "device": [record for each in documents for record in device_records(each)],
            "inspection_point": [point_record(row, {}, self.rules) for row in self.points],
        }
        self.land_records(records)

    def land_records(self, records: Mapping[str, list[bytes]]) -> None:
        """Land these records of each stream as all that there are."""
        for name, found in records.items():

            def read(_: Any, found: list[bytes] = found) -> Iterator[Page]:
                yield Page(records=found, complete=True)

            land(
                self.url, Run(uuid.uuid4(), "microshare", self.name), _STREAMS[name], read, Options(accept_shrink=True)
            )

    def documents(self) -> list[Document]:
        """All clusters."""
        return [Document(json.dumps(self.document(id_)).encode()) for id_ in self.clusters]

    def document(self, id_: str) -> dict[str, Any]:
        """A cluster as Microshare gives it."""
        rec_type = GATEWAYS if id_.startswith("gateways") else TRAPS
        return {"_id": id_, "name": f"Cluster {id_}", "recType": rec_type, "data": {"devices": self.clusters[id_]}}

    def reconcile(self, deletions: Deletions = NONE, *, land: bool = True) -> Proposed | None:
        """Land, compare and propose, as a run does; the plan that is open then."""
        if land:
            self.land()
        with connect(self.url) as conn, conn.transaction():
            microshare_compare.compare(conn, self.name, None)
            return microshare_plan.propose(conn, self.name, uuid.uuid4(), "test", deletions)

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """Rows of a query; %(name)s is the connection."""
        with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as conn:
            return conn.execute(query.encode(), {"name": self.name} | values).fetchall()

    def findings(self) -> dict[str, str]:
        """The finding of each point and of each device without one."""
        rows = self.rows(
            "SELECT subject, finding FROM microshare.reconciliation WHERE connection = %(name)s ORDER BY 1"
        )
        return {row["subject"]: row["finding"] for row in rows}

    def reason(self, subject: str) -> str:
        """Why a point or device has its finding."""
        query = "SELECT reason FROM microshare.reconciliation WHERE connection = %(name)s AND subject = %(subject)s"
        return str(self.rows(query, subject=subject)[0]["reason"])

    def items(self, plan: Proposed | None) -> list[dict[str, Any]]:
        """The items of a plan."""
        with connect(self.url) as conn:
            return microshare_plan.items(conn, plan.id) if plan else []

    def snapshot(self) -> Mapping[str, Any]:
        """Every row of the reconciliation and its plans with its place on disk: what a quiet run must not touch."""
        tables = {
            "reconciliation": "connection = %(name)s", "applied": "connection = %(name)s",
            "plan": "connection = %(name)s",
            "plan_item": "plan_id IN (SELECT id FROM microshare.plan WHERE connection = %(name)s)",
        }  # fmt: skip
        return {
            table: self.rows(f"SELECT t::text, ctid::text FROM microshare.{table} t WHERE {where} ORDER BY 1")
            for table, where in tables.items()
        }


class Kept:
    """A token store in memory."""

    def __init__(self) -> None:
        self.token: Mapping[str, Any] = {}

    def read(self) -> Mapping[str, Any]:
        """What was saved last."""
        return self.token

    def save(self, token: Mapping[str, Any]) -> None:
        """Keep it."""
        self.token = token

    def exclusive(self) -> AbstractContextManager[None]:
        """Nobody else signs in."""
        return nullcontext()


def client_of(vendor: Microshare, **more: Any) -> MicroshareClient:
    """A client of a simulator."""
    account = Account(USERNAME, PASSWORD, vendor.base_url, vendor.base_url, "")
    given: dict[str, Any] = {"retry_attempts": 2, "retry_total_s": 1.0, "policy": Policy(settle_s=0.2)}
    return MicroshareClient(base_url=vendor.base_url, account=account, tokens=Kept(), **(given | more))


@dataclass
class Live(Reconciling):
    """The same with a simulated Microshare; clusters are those of ``ids``."""

    vendor: Microshare = field(default_factory=Microshare)
    client: MicroshareClient | None = None
    ids: list[str] = field(default_factory=list)

    def cluster(self, devices: list[dict[str, Any]], rec_type: str = TRAPS) -> str:
        """Add a cluster; points for traps go to the first one."""
        self.ids.append(self.vendor.add(rec_type, devices, f"{self.name} {len(self.ids)}"))
        self.rules = Rules(clusters=[{"kind": "trap", "cluster": self.ids[0]}])
        return self.ids[-1]

    def documents(self) -> list[Document]:
        """All clusters of this world, read over HTTP."""
        assert self.client is not None
        found = [Document(bytes(record)) for answer in self.client.discover() for record in answer.records]
        return [document for document in found if document.id in self.ids]

    def approved(self, deletions: Deletions = NONE) -> int:
        """Reconcile and approve what is proposed; the plan."""
        proposed = self.reconcile(deletions)
        assert proposed is not None
        with connect(self.url) as conn:
            microshare_plan.approve(conn, proposed.id, "test")
        return proposed.id

    def apply(self, plan_id: int) -> dict[str, Any]:
        """Apply a plan with the product's code; raises what that raises."""
        assert self.client is not None
        return apply_plan(self.url, self.client, self.name, plan_id, logging.getLogger("test"))

    def results(self, plan_id: int) -> list[tuple[str, str]]:
        """State and result of each item."""
        with connect(self.url) as conn:
            return [(item["state"], item["result"]) for item in microshare_plan.items(conn, plan_id)]

    def writes(self, id_: str) -> int:
        """How often the cluster was written."""
        return self.vendor.journal.count(id_, statement="write")
