"""What becomes of devices in the tables, from one reading to the next."""

import logging
import uuid
from pathlib import Path
from typing import Any

import pytest

from connectors.microshare import MicroshareClient
from connectors.microshare.points_csv import CsvSource
from connectors.microshare.streams import STREAMS
from sandbox import microshare
from tests.connectors.microshare.conftest import Client
from tests.postgres import ask
from warehouse.errors import SuspiciousShrink
from warehouse.landing import Landed, Options, land
from warehouse.run_log import Run

BY_NAME = {stream.name: stream for stream in STREAMS}


def pull(url: str, client: MicroshareClient, name: str = "device") -> Landed:
    """Land a stream as it is now."""
    run, stream = Run(uuid.uuid4(), "microshare", "main"), BY_NAME[name]
    return land(url, run, stream, lambda cursor: stream.pages(client, cursor), Options())


def query(url: str, statement: str) -> list[Any]:
    """The first column of a query's rows."""
    return [row[0] for row in ask(url, statement)]


def test_a_changed_device_is_a_new_version_and_a_removed_one_a_tombstone(
    vendor: microshare.Microshare, client: Client, database: str
) -> None:
    """What became of a device can be read in its history; one that is gone is marked, only after all clusters were read."""
    reader, first = client(), next(iter(vendor.clusters))
    devices = vendor.devices(first)
    # Whoever edits with values writes all numbers anew; that is done once before, so that only the edits count.
    vendor.edit(first, lambda content: content)
    assert pull(database, reader).counts.inserted == 18
    try:
        vendor.edit(first, lambda content: content["devices"][1].update(status="inactive"))
        vendor.edit(first, lambda content: content["devices"].pop(2))
        vendor.hidden = 4000  # more than is shown is counted, in records and in pages: no reason to doubt what came
        counts = pull(database, reader).counts
    finally:
        vendor.edit(first, lambda content: content.update(devices=devices))
    # A device's place in the document is nothing that is kept: those that moved up are unchanged.
    assert (counts.inserted, counts.updated, counts.deleted) == (0, 1, 1)
    history = "SELECT status FROM microshare.device_history WHERE key = 'guid:erp-sync-1001' ORDER BY valid_from"
    assert query(database, history) == ["active", "inactive"]
    assert query(database, "SELECT key FROM microshare.device WHERE _deleted_at IS NOT NULL") == ["guid:erp-sync-1002"]


def test_a_cluster_that_cannot_be_read_loses_no_device(
    vendor: microshare.Microshare, client: Client, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A cluster that comes without its list of devices marks none of them as gone, and says so."""
    caplog.set_level(logging.WARNING)
    reader, last = client(), list(vendor.clusters)[-1]
    devices = vendor.devices(last)
    pull(database, reader)
    try:
        vendor.edit(last, lambda content: content.pop("devices"))
        counts = pull(database, reader).counts
    finally:
        vendor.edit(last, lambda content: content.update(devices=devices))
    assert (counts.read, counts.deleted) == (16, 0)
    assert f"the cluster {last} does not say which devices are in it" in caplog.text


def test_a_short_source_stops_and_deletes_nothing(
    vendor: microshare.Microshare, client: Client, database: str, tmp_path: Path
) -> None:
    """A file that lost most of its lines, and a host that shows a part of the clusters, end the landing with their reason."""
    path = tmp_path / "points.csv"
    path.write_text("reference\n" + "\n".join(f"R{number}" for number in range(9)))
    whole, part = client(points=CsvSource(str(path))), client(base_url=f"{vendor.base_url}/subset")
    for name in ("cluster", "device", "inspection_point"):
        pull(database, whole, name)
    path.write_text("reference\nR1\n")
    for name, reader in (("cluster", part), ("device", part), ("inspection_point", whole)):
        with pytest.raises(SuspiciousShrink):
            pull(database, reader, name)
        assert query(database, f"SELECT 1 FROM microshare.{name} WHERE _deleted_at IS NOT NULL") == []
