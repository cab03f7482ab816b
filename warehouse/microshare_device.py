"""Single devices and clusters as they have landed, for changes that a person asks for by hand."""

from typing import Any

from psycopg.rows import dict_row

from warehouse.errors import UnknownDevice
from warehouse.microshare_compare import Connection

_DEVICES = """
SELECT d.cluster_id, d.key, d.rec_type, d.device_id, d.guid, d.reference, d.status, d.location, d.raw, r.point_id
FROM microshare.device_current d
LEFT JOIN microshare.reconciliation r ON (r.connection, r.cluster_id, r.device_key) = (d.connection, d.cluster_id, d.key)
    AND r.point_id IS NOT NULL
WHERE d.connection = %(connection)s AND %(name)s IN (d.key, d.guid, d.device_id, d.eui, d.reference)
ORDER BY d.cluster_id, d.key
"""


def device(conn: Connection, connection: str, name: str) -> dict[str, Any]:
    """The landed device of a guid, id, EUI, reference or key; UnknownDevice if there is none, or more than one."""
    found = _rows(conn, "device", _DEVICES, {"connection": connection, "name": name})
    if not found:
        raise UnknownDevice(f"No device {name} has landed from microshare/{connection}")
    if len(found) > 1:
        keys = ", ".join(row["key"] for row in found[:5])
        raise UnknownDevice(
            f"{len(found)} devices of microshare/{connection} are called {name}: name one by its key ({keys})"
        )
    return found[0]


def cluster(conn: Connection, connection: str, name: str) -> dict[str, Any]:
    """The landed cluster of an id or name; UnknownDevice if there is none, or more than one."""
    found = _rows(
        conn, "cluster",
        "SELECT id, name, kind, rec_type FROM microshare.cluster_current"
        " WHERE connection = %(connection)s AND %(name)s IN (id, name) ORDER BY id",
        {"connection": connection, "name": name},
    )  # fmt: skip
    if len(found) != 1:
        what = f"{len(found)} clusters have" if found else "no cluster has"
        raise UnknownDevice(f"{what[0].upper()}{what[1:]} landed from microshare/{connection} as {name}")
    return found[0]


def _rows(conn: Connection, what: str, query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    if conn.execute("SELECT to_regclass(%s)", (f"microshare.{what}",)).fetchone() == (None,):
        return []
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), parameters).fetchall()
