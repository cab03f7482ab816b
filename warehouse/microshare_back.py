"""Back to the ERP: which points are to be told of their device's real id and state."""

from warehouse.microshare_compare import Connection
from warehouse.outbox import Lane, enqueue

TOPIC = "device of a point"

# A point is told when its device has real hardware and the ERP knows another id or state. Not when it was told just that
# last: a source without a column for the state would be told for ever. Told again when the point has changed since, and
# once a day where the source refused: somebody may have mended it.
_DUE = """
SELECT r.point_id, r.point_id || ' after ' || coalesce(last.id, 0), w.payload
FROM microshare.reconciliation r
JOIN microshare.inspection_point p ON (p.connection, p.id) = (r.connection, r.point_id)
JOIN microshare.device d ON (d.connection, d.cluster_id, d.key) = (r.connection, r.cluster_id, r.device_key)
CROSS JOIN LATERAL (
    SELECT jsonb_build_object('id', p.id, 'reference', p.reference, 'device_id', d.device_id, 'state', d.status)::text AS payload
) w
LEFT JOIN LATERAL (
    SELECT o.id, o.status, o.payload::text AS payload, o.settled_at FROM ops.outbox o
    WHERE (o.sync, o.connection, o.topic, o.subject) = (%(sync)s, r.connection, %(topic)s, r.point_id)
    ORDER BY o.id DESC LIMIT 1
) last ON true
WHERE r.connection = %(connection)s AND r.device_key IS NOT NULL AND d._deleted_at IS NULL AND p._deleted_at IS NULL
  AND d.is_placeholder IS FALSE AND NOT 'wrong_cluster' = ANY(r.findings)
  AND (CASE WHEN d.eui IS NULL THEN d.device_id IS DISTINCT FROM p.device_id ELSE d.eui IS DISTINCT FROM p.eui END
       OR d.status IS DISTINCT FROM p.state)
  AND (last.id IS NULL OR last.payload <> w.payload OR p._changed_at > last.settled_at
       OR last.status = 'rejected' AND last.settled_at < now() - interval '1 day')
ORDER BY r.point_id
"""


def lane(sync: str, connection: str) -> Lane:
    """Where these messages are."""
    return Lane(sync, connection, TOPIC)


def note(conn: Connection, sync: str, connection: str) -> int:
    """Note in the outbox what points are to be told, after a comparison; how many messages are new."""
    wanted = {"sync": sync, "connection": connection, "topic": TOPIC}
    with conn.transaction():
        return enqueue(conn, lane(sync, connection), conn.execute(_DUE, wanted).fetchall())
