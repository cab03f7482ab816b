"""Which service records answer which incidents, by place and time; many to many."""

from typing import Any
from uuid import UUID

from warehouse.microshare_compare import Connection

# An incident may bundle several traps: its places are its own location, those of the events it came from, and what their
# tags say (the cluster's, then the device's location).
_PLACES = """
CREATE TEMP TABLE place_of_incident ON COMMIT DROP AS
SELECT DISTINCT i.id AS incident_id, coalesce(i.started_at, i.reported_at, i.updated_at) AS began_at, word.reference
FROM microshare.incident_current i
LEFT JOIN microshare.incident_origin o ON (o.connection, o.incident_id) = (i.connection, i.id) AND o._deleted_at IS NULL
CROSS JOIN LATERAL (
    SELECT btrim(i.reference) AS reference
    UNION SELECT btrim(tag) FROM jsonb_array_elements_text(CASE jsonb_typeof(o.tags) WHEN 'array' THEN o.tags ELSE '[]' END) tag
) word
WHERE i.connection = %(connection)s AND word.reference <> ''
"""

_VISITS = """
CREATE TEMP TABLE visit ON COMMIT DROP AS
SELECT s.id, s.performed_at, btrim(s.reference) AS reference, s.point_id
FROM microshare.service_record_current s WHERE s.connection = %(connection)s
"""

_VISITS_BY_POINT = """
UPDATE visit v SET reference = btrim(p.reference) FROM microshare.inspection_point p
WHERE v.reference IS NULL AND (p.connection, p.id) = (%(connection)s, v.point_id)
"""

_FOUND = """
CREATE TEMP TABLE answered ON COMMIT DROP AS
SELECT i.incident_id || '/' || v.id AS subject, i.incident_id, v.id AS service_record_id, 'matched' AS finding, i.reference,
    round(extract(epoch FROM v.performed_at - i.began_at) / 3600, 2) AS hours_between
FROM place_of_incident i
JOIN visit v ON v.reference = i.reference
    AND v.performed_at BETWEEN i.began_at AND i.began_at + %(hours)s * interval '1 hour'
"""

_UNMATCHED = """
INSERT INTO answered
SELECT 'incident/' || i.id, i.id, NULL, 'incident_unmatched', i.reference, NULL::numeric FROM microshare.incident_current i
WHERE i.connection = %(connection)s AND NOT EXISTS (SELECT FROM answered a WHERE a.incident_id = i.id)
UNION ALL
SELECT 'service/' || v.id, NULL, v.id, 'service_unmatched', v.reference, NULL::numeric FROM visit v
WHERE NOT EXISTS (SELECT FROM answered a WHERE a.service_record_id = v.id)
"""

# A pair may have several places in common; the first is told.
_STORE = """
MERGE INTO microshare.incident_match m
USING (SELECT DISTINCT ON (subject) * FROM answered ORDER BY subject, reference) a
ON (m.connection, m.subject) = (%(connection)s, a.subject)
WHEN MATCHED AND (m.finding, m.reference, m.hours_between) IS DISTINCT FROM (a.finding, a.reference, a.hours_between)
THEN UPDATE SET finding = a.finding, reference = a.reference, hours_between = a.hours_between, _run_id = %(run_id)s,
    _changed_at = now()
WHEN NOT MATCHED THEN INSERT VALUES (%(connection)s, a.subject, a.incident_id, a.service_record_id, a.finding,
    a.reference, a.hours_between, %(run_id)s, now())
"""

_FORGET = """
DELETE FROM microshare.incident_match m
WHERE m.connection = %(connection)s AND NOT EXISTS (SELECT FROM answered a WHERE a.subject = m.subject)
"""


def match(conn: Connection, connection: str, run_id: UUID | None, *, window_hours: float) -> dict[str, int]:
    """Match what has landed in the caller's transaction; how many pairs, and how many on either side have none.

    A service answers an incident at the same place, done when the incident began or up to ``window_hours`` later. Rows
    that would say the same stay as they are.
    """
    wanted: dict[str, Any] = {"connection": connection, "run_id": run_id, "hours": window_hours}
    points = conn.execute("SELECT to_regclass('microshare.inspection_point')").fetchone() != (None,)
    steps = (_PLACES, _VISITS, *([_VISITS_BY_POINT] if points else []), _FOUND, _UNMATCHED, _STORE, _FORGET)
    for statement in steps:
        conn.execute(statement, wanted)
    rows = conn.execute(
        "SELECT finding, count(*) FROM microshare.incident_match WHERE connection = %(connection)s GROUP BY 1 ORDER BY 1",
        wanted,
    ).fetchall()
    return dict(rows)
