"""Compares inspection points with devices, in Postgres: what belongs together, what differs, and who changed it.

A point and a device belong together by the guid that the point gives (it outlives a change of the reference), else by
the reference, which is the fourth element of the location. Nothing is guessed: where two lead to different partners, both
are left alone and said so. For a pair, what both sides last agreed on (microshare.applied) tells who changed what.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]

STALE_DAYS = 30
FINDINGS = (
    "mapped", "unmapped", "orphan", "duplicate_reference", "drift", "placeholder_eui", "wrong_cluster", "ambiguous",
    "stale", "not_compared",
)  # fmt: skip


# Each cluster that points name, by id or else by name, and why it cannot be the one.
_NAMED = """
CREATE TEMP TABLE named ON COMMIT DROP AS
SELECT n.cluster, c.id, c.kind, c.rec_type, CASE c.found
    WHEN 0 THEN 'there is no cluster ' || n.cluster WHEN 1 THEN NULL ELSE 'several clusters are named ' || n.cluster END AS trouble
FROM (SELECT DISTINCT cluster FROM microshare.inspection_point_current
    WHERE connection = %(connection)s AND active IS NOT FALSE AND cluster IS NOT NULL) n
CROSS JOIN LATERAL (
    SELECT count(*) AS found, min(id) AS id, min(kind) AS kind, min(rec_type) AS rec_type FROM place
    WHERE CASE WHEN EXISTS (SELECT FROM place p WHERE p.id = n.cluster) THEN place.id ELSE place.name END = n.cluster
) c
"""

# What the points that are in use ask for; the connector has worked out guid, device and cluster when it read them.
_DESIRED = """
CREATE TEMP TABLE desired ON COMMIT DROP AS
SELECT p.id AS point_id, p.kind, p.device ->> 'guid' COLLATE "C" AS guid,
    nullif(btrim(p.reference), '') COLLATE "C" AS reference, p.location AS said,
    CASE WHEN n.trouble IS NULL AND n.kind = p.kind THEN n.id END AS cluster_id,
    CASE WHEN n.trouble IS NULL AND n.kind = p.kind THEN n.rec_type END AS rec_type,
    CASE WHEN p.cluster IS NULL THEN 'no rule gives it a cluster' WHEN n.trouble IS NOT NULL THEN n.trouble
        WHEN n.kind IS DISTINCT FROM p.kind THEN 'the cluster ' || p.cluster || ' is not for a ' || p.kind END AS unplaced
FROM microshare.inspection_point_current p
LEFT JOIN named n ON n.cluster = p.cluster
WHERE p.connection = %(connection)s AND p.active IS NOT FALSE
"""

_PLACES = """
CREATE TEMP TABLE place ON COMMIT DROP AS
SELECT id, name, kind, rec_type FROM microshare.cluster_current WHERE connection = %(connection)s
"""

_ACTUAL = """
CREATE TEMP TABLE actual ON COMMIT DROP AS
SELECT cluster_id || '/' || key AS device, key, cluster_id, rec_type, kind, guid COLLATE "C" AS guid, status,
    CASE jsonb_typeof(location) WHEN 'array' THEN location ELSE '[]' END AS location, is_placeholder,
    nullif(btrim(reference), '') COLLATE "C" AS reference, coalesce(greatest(state_updated_at, last_modified_at), _inserted_at) AS seen_at
FROM microshare.device_current WHERE connection = %(connection)s
"""

# One row for each way in which a point leads to a device. A device that carries another point's guid is that point's,
# whatever its reference says.
_LEADS = """
CREATE TEMP TABLE lead ON COMMIT DROP AS
SELECT d.point_id, a.device, 'guid' AS way, a.reference IS NOT DISTINCT FROM d.reference AS agreed, NULL AS owner
FROM desired d JOIN actual a ON a.guid = d.guid
UNION ALL
SELECT d.point_id, a.device, CASE WHEN o.point_id IS NULL THEN 'reference' ELSE 'taken' END, true, o.point_id
FROM desired d JOIN actual a ON a.reference = d.reference AND a.kind = d.kind AND a.guid IS DISTINCT FROM d.guid
LEFT JOIN desired o ON o.guid = a.guid
"""

# What each point comes to.
_POINTS = """
CREATE TEMP TABLE pair ON COMMIT DROP AS
WITH led AS (
    SELECT point_id, count(*) FILTER (WHERE way = 'guid') AS guids, count(*) FILTER (WHERE way = 'reference') AS others,
        min(device) FILTER (WHERE way = 'guid') AS guid_key, min(owner) AS owner,
        min(device) FILTER (WHERE way = 'reference') AS other_key, bool_or(way = 'guid' AND agreed) AS agreed
    FROM lead GROUP BY 1
), crowded AS (
    SELECT kind, reference FROM desired WHERE reference IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1
)
SELECT d.point_id, r.rule, coalesce(led.guid_key, led.other_key) AS device,
    (ARRAY['duplicate_reference', 'duplicate_reference', 'ambiguous', 'duplicate_reference', 'ambiguous', 'mapped',
        'unmapped'])[r.rule] AS verdict,
    CASE r.rule
        WHEN 1 THEN 'several inspection points have the reference ' || d.reference
        WHEN 2 THEN led.guids || ' devices carry the guid ' || d.guid
        WHEN 3 THEN 'the device with its reference carries the guid of the point ' || led.owner
        WHEN 4 THEN led.others + led.guids || ' devices have the reference ' || d.reference
        WHEN 5 THEN 'its guid leads to ' || led.guid_key || ', its reference to ' || led.other_key
    END AS reason
FROM desired d
LEFT JOIN led USING (point_id)
LEFT JOIN crowded c ON (c.kind, c.reference) = (d.kind, d.reference)
CROSS JOIN LATERAL (SELECT CASE
    WHEN c.reference IS NOT NULL THEN 1
    WHEN led.guids > 1 THEN 2
    WHEN led.guids = 0 AND led.owner IS NOT NULL THEN 3
    WHEN led.others > 1 AND led.guids = 0 OR led.others > 0 AND led.agreed THEN 4
    WHEN led.guids = 1 AND led.others > 0 THEN 5
    WHEN led.guids = 1 OR led.others = 1 THEN 6
    ELSE 7 END AS rule) r
"""

# For each pair. The wanted location is connectors.microshare.device.location_of, in SQL: what the ERP says over what is
# there, never shortened; placement and configuration in another spelling (internal, bait) are no other word.
_CHECKED = """
CREATE TEMP TABLE checked ON COMMIT DROP AS
SELECT p.point_id, a.device, a.key, a.rec_type, a.cluster_id, a.status, a.is_placeholder, a.location, w.location AS wanted,
    a.guid, d.guid AS guid_wanted, a.seen_at, a.seen_at < %(stale_before)s AS stale,
    NOT q.alike AND w.location IS DISTINCT FROM a.location AS moved, a.guid IS DISTINCT FROM d.guid AS renamed,
    b.point_id IS NOT NULL AS known, w.location = b.location AS erp_unchanged,
    (a.rec_type, a.cluster_id, a.guid, a.location) IS NOT DISTINCT FROM (b.rec_type, b.cluster_id, b.guid, b.location) AS kept,
    NOT q.alike AND b.point_id IS NOT NULL AND a.location <> b.location AND w.location <> b.location
        AND w.location IS DISTINCT FROM a.location AS location_conflict,
    b.point_id IS NOT NULL AND a.guid IS DISTINCT FROM b.guid AND d.guid <> b.guid
        AND a.guid IS DISTINCT FROM d.guid AS guid_conflict,
    a.kind <> d.kind AS other_kind, d.cluster_id <> a.cluster_id AS other_cluster, d.cluster_id AS ruled
FROM pair p
JOIN desired d USING (point_id)
JOIN actual a USING (device)
-- Most locations are as they should be: found out without taking them apart.
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_array_length(a.location) BETWEEN 4 AND 6
            AND coalesce(d.said ->> 0, a.location ->> 0) = a.location ->> 0
            AND coalesce(d.said ->> 1, a.location ->> 1) = a.location ->> 1
            AND coalesce(d.said ->> 2, a.location ->> 2) = a.location ->> 2
            AND coalesce(d.said ->> 3, a.location ->> 3) = a.location ->> 3
            AND coalesce(d.said ->> 4, a.location ->> 4) IS NOT DISTINCT FROM a.location ->> 4
            AND coalesce(d.said ->> 5, a.location ->> 5) IS NOT DISTINCT FROM a.location ->> 5, false) AS alike
    OFFSET 0
) q
CROSS JOIN LATERAL (
    SELECT CASE WHEN q.alike
        THEN a.location ELSE (
        SELECT jsonb_agg(CASE WHEN s IS NULL OR n > 4 AND (string_to_array(lower(f), '/') <@ string_to_array(lower(s), '/')
                OR string_to_array(lower(s), '/') <@ string_to_array(lower(f), '/')) THEN coalesce(f, '') ELSE s END ORDER BY n)
        FROM (
            SELECT n, a.location ->> n - 1 AS f, d.said ->> n - 1 AS s
            FROM generate_series(1, greatest(jsonb_array_length(a.location), 4)) n
        ) element
    ) END AS location
) w
LEFT JOIN microshare.applied b ON (b.connection, b.point_id) = (%(connection)s, p.point_id)
WHERE p.verdict = 'mapped'
"""

_FOUND = """
CREATE TEMP TABLE found ON COMMIT DROP AS
SELECT 'point/' || d.point_id AS subject, d.point_id, c.key AS device_key, c.device,
    coalesce(c.rec_type, CASE WHEN p.verdict = 'unmapped' THEN d.rec_type END) AS rec_type,
    coalesce(c.cluster_id, CASE WHEN p.verdict = 'unmapped' THEN d.cluster_id END) AS cluster_id, d.reference, x.findings,
    CASE
        WHEN p.verdict = 'unmapped' THEN concat_ws('; ', 'no device has its guid or reference', d.unplaced)
        WHEN p.verdict <> 'mapped' THEN p.reason
        ELSE concat_ws('; ',
            CASE WHEN c.other_kind THEN 'the device is among ' || c.rec_type
                WHEN c.other_cluster THEN 'the rules put it in the cluster ' || c.ruled END,
            CASE WHEN c.location_conflict THEN 'both sides changed the location'
                WHEN c.moved AND NOT c.known THEN 'the location differs, and nothing was agreed on before'
                WHEN c.moved AND c.erp_unchanged THEN 'the location was changed in Microshare, and it is the ERP''s'
                WHEN c.moved THEN 'the ERP changed the location' END,
            CASE WHEN c.guid_conflict THEN 'both sides changed the guid'
                WHEN c.renamed THEN 'the guid is not the point''s' END,
            CASE WHEN c.is_placeholder AND c.status = 'pending' THEN 'waits for its hardware'
                WHEN c.is_placeholder THEN 'is ' || coalesce(c.status, 'in use') || ' without a real DevEUI' END,
            CASE WHEN c.stale THEN 'nothing was heard of it since ' || to_char(c.seen_at, 'YYYY-MM-DD') END,
            CASE WHEN x.findings = ARRAY['mapped'] THEN 'as the ERP says' END)
    END AS reason,
    coalesce(c.wanted, (SELECT q.device #> '{meta,location}' FROM microshare.inspection_point q
        WHERE (q.connection, q.id) = (%(connection)s, d.point_id))) AS location_wanted, c.location AS location_found,
    d.guid AS guid_wanted, c.guid AS guid_found, coalesce(c.location_conflict OR c.guid_conflict, false) AS conflict,
    coalesce(c.moved, false) AS moved, coalesce(c.renamed, false) AS renamed, coalesce(c.other_kind, false) AS other_kind
FROM desired d JOIN pair p USING (point_id) LEFT JOIN checked c USING (point_id)
CROSS JOIN LATERAL (SELECT array_remove(ARRAY[
    CASE WHEN p.verdict <> 'mapped' THEN p.verdict END,
    CASE WHEN c.other_kind OR c.other_cluster THEN 'wrong_cluster' END,
    CASE WHEN c.moved OR c.renamed THEN 'drift' END,
    CASE WHEN c.is_placeholder AND c.status IS DISTINCT FROM 'pending' THEN 'placeholder_eui' END,
    CASE WHEN c.stale THEN 'stale' END,
    CASE WHEN p.verdict = 'mapped' THEN 'mapped' END,
    CASE WHEN c.is_placeholder AND c.status = 'pending' THEN 'placeholder_eui' END
], NULL) AS findings) x
"""

# Devices that are no point's: candidates of a point that could not choose, kinds without points, and orphans.
_FOUND_DEVICES = """
INSERT INTO found
SELECT 'device/' || a.device, NULL, a.key, a.device, a.rec_type, a.cluster_id, a.reference, ARRAY[k.finding], k.reason,
    NULL, a.location, NULL, a.guid, false, false, false, false
FROM actual a
LEFT JOIN (
    SELECT l.device, min(p.verdict) AS finding, min(l.point_id) AS point_id
    FROM lead l JOIN pair p USING (point_id) WHERE p.verdict IN ('duplicate_reference', 'ambiguous') GROUP BY 1
) torn USING (device)
LEFT JOIN (SELECT DISTINCT kind FROM desired) given USING (kind)
LEFT JOIN checked c USING (device)
CROSS JOIN LATERAL (
    SELECT CASE WHEN torn.device IS NOT NULL THEN torn.finding WHEN given.kind IS NULL THEN 'not_compared'
            ELSE 'orphan' END AS finding,
        CASE WHEN torn.device IS NOT NULL THEN 'one of several for the point ' || torn.point_id
            WHEN given.kind IS NULL THEN 'no inspection points are given for the kind ' || coalesce(a.kind, '?')
            WHEN a.reference IS NULL THEN 'it has no reference'
            ELSE 'no inspection point has the reference ' || a.reference END AS reason
) k
WHERE c.device IS NULL
"""

_STORE = """
MERGE INTO microshare.reconciliation r
USING found f ON (r.connection, r.subject) = (%(connection)s, f.subject)
WHEN MATCHED AND (r.point_id, r.device_key, r.rec_type, r.cluster_id, r.reference, r.findings, r.reason, r.location_wanted,
        r.location_found, r.guid_wanted, r.guid_found)
    IS DISTINCT FROM (f.point_id, f.device_key, f.rec_type, f.cluster_id, f.reference, f.findings, f.reason,
        f.location_wanted, f.location_found, f.guid_wanted, f.guid_found)
THEN UPDATE SET point_id = f.point_id, device_key = f.device_key, rec_type = f.rec_type, cluster_id = f.cluster_id,
    reference = f.reference, finding = f.findings[1], findings = f.findings, reason = f.reason,
    location_wanted = f.location_wanted, location_found = f.location_found, guid_wanted = f.guid_wanted,
    guid_found = f.guid_found, _run_id = %(run_id)s, _changed_at = now()
WHEN NOT MATCHED THEN INSERT VALUES (%(connection)s, f.subject, f.point_id, f.device_key, f.rec_type, f.cluster_id,
    f.reference, f.findings[1], f.findings, f.reason, f.location_wanted, f.location_found, f.guid_wanted, f.guid_found,
    %(run_id)s, now())
"""

_FORGET = """
DELETE FROM microshare.reconciliation r
WHERE r.connection = %(connection)s AND NOT EXISTS (SELECT FROM found f WHERE f.subject = r.subject)
"""

# Where both sides are alike, that is what later differences are told from.
_AGREE = """
INSERT INTO microshare.applied AS b (connection, point_id, rec_type, cluster_id, guid, location)
SELECT %(connection)s, point_id, rec_type, cluster_id, guid, location
FROM checked WHERE NOT moved AND NOT renamed AND NOT kept
ON CONFLICT (connection, point_id) DO UPDATE SET rec_type = excluded.rec_type, cluster_id = excluded.cluster_id,
    guid = excluded.guid, location = excluded.location, plan_id = NULL, changed_at = now()
"""


def compare(conn: Connection, connection: str, run_id: UUID | None, *, stale_days: int = STALE_DAYS) -> dict[str, int]:
    """Compare what has landed, in the caller's transaction, and bring microshare.reconciliation up to date.

    Returns findings and their number. Rows that would say the same stay as they are. The temporary tables ``found``,
    ``actual`` and ``desired`` are there until the transaction ends, for `microshare_plan.propose`.
    """
    # Whole days, so that all of today's runs judge alike.
    stale_before = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=stale_days)
    wanted = {"connection": connection, "run_id": run_id, "stale_before": stale_before}
    # Compiling these statements takes longer than it saves.
    conn.execute("SET LOCAL work_mem = '64MB'; SET LOCAL jit = off")
    for statement, statistics in (
        (_PLACES, ""), (_NAMED, ""), (_DESIRED, "desired (point_id, kind, guid, reference)"),
        (_ACTUAL, "actual (device, kind, guid, reference)"), (_LEADS, "lead (point_id, device)"),
        (_POINTS, "pair (point_id, device, verdict)"), (_CHECKED, "checked (point_id, device)"), (_FOUND, ""),
        (_FOUND_DEVICES, "found (subject, cluster_id, device_key)"), (_STORE, ""), (_FORGET, ""), (_AGREE, ""),
    ):  # fmt: skip
        conn.execute(statement, wanted)
        if statistics:
            # Of the columns that are joined by alone: those of JSON take longer than all the rest.
            conn.execute(sql.SQL("ANALYZE " + statistics))
    return findings(conn, connection)


def findings(conn: Connection, connection: str) -> dict[str, int]:
    """How many points and devices have which finding, those first that are none."""
    rows = conn.execute(
        "SELECT finding, count(*) FROM microshare.reconciliation WHERE connection = %s GROUP BY 1", (connection,)
    ).fetchall()
    found = dict(rows)
    return {name: found[name] for name in FINDINGS if name in found}
