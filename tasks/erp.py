"""What the ERP hub needs beside the steps that every sync shares: which data types a run reads, and for whom."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from prefect.logging import get_run_logger

from blocks import systems
from connectors.erp.mapping import DATA_TYPES
from connectors.erp.streams import streams
from connectors.stream import Stream
from tasks.origin import started_by_a_person
from tasks.run import SyncRun, free
from warehouse import erp
from warehouse.connect import connect
from warehouse.errors import NotEnabled


def erp_streams(run: SyncRun, asked: Sequence[str]) -> list[Stream]:
    """The streams of the data types that this run is to read and no other run reads now.

    ``asked`` empty: all that the connection maps and has switched on. Raises `NotMapped` and `NotEnabled`.
    """
    if run.skipped:
        return []
    name = run.run.connection
    mapping = run.block.erp_mapping()
    with closing(connect(run.url)) as conn:
        configured = {row["data_type"]: row for row in erp.configurations(conn, name)}
        owner = erp.owner(conn, name)
    by_hand = started_by_a_person()
    off = {each: why for each in mapping.data_types if (why := _off(each, configured.get(each), by_hand))}
    for each in asked:
        if each in off:
            raise NotEnabled(f"{run.label}: {each} {off[each]}")
    wanted = list(asked) or [each for each in mapping.data_types if each not in off]
    if not wanted:
        raise NotEnabled(
            f"{run.label}: nothing is left to read; {'; '.join(f'{each} {why}' for each, why in off.items())}"
        )
    for each, why in off.items():
        get_run_logger().info("%s: %s %s", run.label, each, why)
    return free(run, streams(mapping, wanted, owner))


def stream_of(url: str, connection: str, name: str) -> Stream | None:
    """The stream of a table as the mapping of a connection reads it, for records that are replayed."""
    data_type = next((each for each, kind in DATA_TYPES.items() if kind.table == name), None)
    if data_type is None:
        return None
    with closing(connect(url)) as conn:
        owner = erp.owner(conn, connection)
    return streams(systems.load_of("erp", connection).erp_mapping(), [data_type], owner)[0]


def _off(data_type: str, configured: Mapping[str, Any] | None, by_hand: bool) -> str | None:
    """Why a data type is not read now, or None if it is."""
    change = "`landfall erp config set` changes that"
    if configured is None:
        return None
    if not configured["enabled"]:
        return f"is switched off; {change}"
    if configured["direction"] == "push":
        return f"is only pushed, not read; {change}"
    if by_hand and not configured["on_demand"]:
        return f"runs on its schedule alone; {change}"
    return None
