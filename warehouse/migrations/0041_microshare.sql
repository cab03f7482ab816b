-- Microshare: what the comparison of inspection points with devices found, plans to mend it, and what became of them.

CREATE SCHEMA IF NOT EXISTS microshare;
COMMENT ON SCHEMA microshare IS 'Microshare: clusters and devices as landed, and their reconciliation with an ERP''s inspection points';
GRANT USAGE ON SCHEMA microshare TO landfall_analyst;

CREATE TABLE microshare.reconciliation (
    connection text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    point_id text COLLATE "C",
    device_key text COLLATE "C",
    rec_type text,
    cluster_id text COLLATE "C",
    reference text,
    finding text NOT NULL CHECK (finding IN ('mapped', 'unmapped', 'orphan', 'duplicate_reference', 'drift',
        'placeholder_eui', 'wrong_cluster', 'ambiguous', 'stale', 'not_compared')),
    findings text[] NOT NULL,
    reason text NOT NULL,
    location_wanted jsonb,
    location_found jsonb,
    guid_wanted text,
    guid_found text,
    _run_id uuid,
    _changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection, subject)
);
COMMENT ON TABLE microshare.reconciliation IS 'Every inspection point, and every device that belongs to none, with what the last comparison found';
COMMENT ON COLUMN microshare.reconciliation.connection IS 'The connection';
COMMENT ON COLUMN microshare.reconciliation.subject IS 'point/ID for a point (with its device, if it has one), device/KEY for a device without a point';
COMMENT ON COLUMN microshare.reconciliation.point_id IS 'The inspection point';
COMMENT ON COLUMN microshare.reconciliation.device_key IS 'The device (microshare.device.key)';
COMMENT ON COLUMN microshare.reconciliation.rec_type IS 'The record type of the cluster that the device is in, or would be in';
COMMENT ON COLUMN microshare.reconciliation.cluster_id IS 'The cluster that the device is in; for an unmapped point the one that the rules give it';
COMMENT ON COLUMN microshare.reconciliation.reference IS 'The reference of the point, or location[3] of the device';
COMMENT ON COLUMN microshare.reconciliation.finding IS 'mapped, unmapped (no device), orphan (no point), duplicate_reference (several with one reference), drift (location or guid differs), placeholder_eui (in use without a real DevEUI), wrong_cluster, ambiguous (guid and reference lead to different devices), stale (no sign of life, or pending for long), not_compared (no points of this kind are given)';
COMMENT ON COLUMN microshare.reconciliation.findings IS 'All that holds, the finding first: a mapped device that waits for its DevEUI has placeholder_eui here as well';
COMMENT ON COLUMN microshare.reconciliation.reason IS 'Why, in words';
COMMENT ON COLUMN microshare.reconciliation.location_wanted IS 'The location by the ERP';
COMMENT ON COLUMN microshare.reconciliation.location_found IS 'The location in Microshare';
COMMENT ON COLUMN microshare.reconciliation.guid_wanted IS 'The guid that the point gives its device';
COMMENT ON COLUMN microshare.reconciliation.guid_found IS 'The guid in Microshare';
COMMENT ON COLUMN microshare.reconciliation._run_id IS 'The run that changed this row';
COMMENT ON COLUMN microshare.reconciliation._changed_at IS 'When this row last changed';

CREATE TABLE microshare.applied (
    connection text COLLATE "C" NOT NULL,
    point_id text COLLATE "C" NOT NULL,
    rec_type text NOT NULL,
    cluster_id text COLLATE "C" NOT NULL,
    guid text NOT NULL,
    location jsonb NOT NULL,
    plan_id bigint,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection, point_id)
);
COMMENT ON TABLE microshare.applied IS 'What both sides last agreed on for each point, so that a later difference tells who changed what';
COMMENT ON COLUMN microshare.applied.connection IS 'The connection';
COMMENT ON COLUMN microshare.applied.point_id IS 'The inspection point';
COMMENT ON COLUMN microshare.applied.rec_type IS 'The record type of the cluster';
COMMENT ON COLUMN microshare.applied.cluster_id IS 'The cluster of the device';
COMMENT ON COLUMN microshare.applied.guid IS 'Its guid';
COMMENT ON COLUMN microshare.applied.location IS 'Its location';
COMMENT ON COLUMN microshare.applied.plan_id IS 'The plan that brought it about; null when both sides agreed by themselves';
COMMENT ON COLUMN microshare.applied.changed_at IS 'When this row last changed';

CREATE TABLE microshare.plan (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection text COLLATE "C" NOT NULL,
    run_id uuid,
    origin text NOT NULL CHECK (origin IN ('reconcile', 'device', 'undo')),
    status text NOT NULL DEFAULT 'proposed'
        CHECK (status IN ('proposed', 'approved', 'applying', 'incomplete', 'applied', 'superseded')),
    digest text NOT NULL,
    held_digest text NOT NULL,
    undo_of bigint REFERENCES microshare.plan,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL,
    approved_at timestamptz,
    approved_by text,
    applied_at timestamptz,
    undo_until timestamptz,
    CONSTRAINT an_approval_has_a_name_and_a_time CHECK ((approved_at IS NULL) = (approved_by IS NULL)),
    CONSTRAINT nothing_is_applied_unapproved CHECK (status IN ('proposed', 'superseded') OR approved_at IS NOT NULL)
);
CREATE INDEX plan_latest ON microshare.plan (connection, id DESC);
COMMENT ON TABLE microshare.plan IS 'Changes proposed for the devices of a connection; nothing is written to Microshare but by an approved plan';
COMMENT ON COLUMN microshare.plan.id IS 'The number that people call it by';
COMMENT ON COLUMN microshare.plan.connection IS 'The connection';
COMMENT ON COLUMN microshare.plan.run_id IS 'The run that made it (ops.sync_run.run_id); null when a person did';
COMMENT ON COLUMN microshare.plan.origin IS 'reconcile (from the comparison), device (made by hand), undo (takes another plan back)';
COMMENT ON COLUMN microshare.plan.status IS 'proposed, approved, applying, incomplete (apply it again to go on), applied (each item says how it went), superseded (by a newer comparison)';
COMMENT ON COLUMN microshare.plan.digest IS 'The same for plans that would do the same';
COMMENT ON COLUMN microshare.plan.held_digest IS 'The same for plans that hold the same back';
COMMENT ON COLUMN microshare.plan.undo_of IS 'The plan that this one takes back';
COMMENT ON COLUMN microshare.plan.created_at IS 'When it was made';
COMMENT ON COLUMN microshare.plan.created_by IS 'Who or what made it';
COMMENT ON COLUMN microshare.plan.approved_at IS 'When it was approved';
COMMENT ON COLUMN microshare.plan.approved_by IS 'Who approved it';
COMMENT ON COLUMN microshare.plan.applied_at IS 'When the last of its items was settled';
COMMENT ON COLUMN microshare.plan.undo_until IS 'Until when it can be taken back';

CREATE TABLE microshare.plan_item (
    plan_id bigint NOT NULL REFERENCES microshare.plan,
    number integer NOT NULL,
    action text NOT NULL CHECK (action IN ('create', 'update', 'delete')),
    rec_type text,
    cluster_id text COLLATE "C",
    cluster_checksum text,
    point_id text COLLATE "C",
    device_key text COLLATE "C",
    guid text,
    before text,
    after text,
    location jsonb,
    seen text,
    sealed bytea,
    reason text NOT NULL,
    state text NOT NULL CHECK (state IN ('planned', 'held', 'sending', 'unknown', 'applied', 'refused')),
    result text,
    sent_at timestamptz,
    settled_at timestamptz,
    PRIMARY KEY (plan_id, number),
    CONSTRAINT only_what_has_a_cluster_is_planned CHECK (state = 'held' OR (rec_type IS NOT NULL AND cluster_id IS NOT NULL)),
    CONSTRAINT what_is_settled_says_how CHECK (state NOT IN ('applied', 'refused') OR (result IS NOT NULL AND settled_at IS NOT NULL)),
    CONSTRAINT a_create_has_nothing_before CHECK (action <> 'create' OR before IS NULL),
    CONSTRAINT the_others_change_something_known CHECK (action = 'create' OR before IS NOT NULL)
);
CREATE INDEX plan_item_open ON microshare.plan_item (plan_id, rec_type, cluster_id)
    WHERE state IN ('planned', 'sending', 'unknown');
COMMENT ON TABLE microshare.plan_item IS 'One change to one device: as it was, as it shall be, why, and what became of it';
COMMENT ON COLUMN microshare.plan_item.plan_id IS 'The plan';
COMMENT ON COLUMN microshare.plan_item.number IS 'Its number in the plan, from 1';
COMMENT ON COLUMN microshare.plan_item.action IS 'create, update or delete';
COMMENT ON COLUMN microshare.plan_item.rec_type IS 'The record type of the cluster';
COMMENT ON COLUMN microshare.plan_item.cluster_id IS 'The cluster whose document is rewritten';
COMMENT ON COLUMN microshare.plan_item.cluster_checksum IS 'The checksum of that document when the plan was made';
COMMENT ON COLUMN microshare.plan_item.point_id IS 'The inspection point, if one is behind it';
COMMENT ON COLUMN microshare.plan_item.device_key IS 'The device as it landed (microshare.device.key)';
COMMENT ON COLUMN microshare.plan_item.guid IS 'The guid that the device has afterwards, or had';
COMMENT ON COLUMN microshare.plan_item.before IS 'The device as it was, its JSON text with network keys masked: one that says anything else since is left alone';
COMMENT ON COLUMN microshare.plan_item.after IS 'create: the JSON text of the whole device; update: the members that change (a JSON merge patch)';
COMMENT ON COLUMN microshare.plan_item.location IS 'The location that the device has afterwards';
COMMENT ON COLUMN microshare.plan_item.seen IS 'The device as it was seen after the write, its JSON text with network keys masked';
COMMENT ON COLUMN microshare.plan_item.sealed IS 'The whole text of a device that was deleted, encrypted, so that it can be brought back with its keys';
COMMENT ON COLUMN microshare.plan_item.reason IS 'Why; for a held one, what a person has to decide';
COMMENT ON COLUMN microshare.plan_item.state IS 'planned, held (not applied unless approved by its number), sending (under way, or its process died), unknown (the answer was lost and it is not there yet: apply again), applied, refused';
COMMENT ON COLUMN microshare.plan_item.result IS 'How it went, in words';
COMMENT ON COLUMN microshare.plan_item.sent_at IS 'When a write with it was last sent';
COMMENT ON COLUMN microshare.plan_item.settled_at IS 'When it was applied or refused';

CREATE TABLE microshare.plan_write (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id bigint NOT NULL REFERENCES microshare.plan,
    rec_type text NOT NULL,
    cluster_id text COLLATE "C" NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    calls integer NOT NULL,
    window_ms numeric NOT NULL,
    write_ms numeric NOT NULL,
    cluster_changed boolean NOT NULL,
    outcome text NOT NULL
);
CREATE INDEX plan_write_of ON microshare.plan_write (plan_id);
COMMENT ON TABLE microshare.plan_write IS 'Each time that the document of a cluster was written';
COMMENT ON COLUMN microshare.plan_write.id IS 'Order of writing';
COMMENT ON COLUMN microshare.plan_write.plan_id IS 'The plan';
COMMENT ON COLUMN microshare.plan_write.rec_type IS 'The record type of the cluster';
COMMENT ON COLUMN microshare.plan_write.cluster_id IS 'The cluster';
COMMENT ON COLUMN microshare.plan_write.written_at IS 'When the outcome was noted';
COMMENT ON COLUMN microshare.plan_write.calls IS 'Requests that it took, reading before and after included';
COMMENT ON COLUMN microshare.plan_write.window_ms IS 'Milliseconds from the end of the last reading to the beginning of the write: an edit by somebody else in between is lost, since Microshare knows no precondition';
COMMENT ON COLUMN microshare.plan_write.write_ms IS 'Milliseconds that the write itself took';
COMMENT ON COLUMN microshare.plan_write.cluster_changed IS 'Whether the cluster''s checksum was another one than when the plan was made, so that each device was looked at anew';
COMMENT ON COLUMN microshare.plan_write.outcome IS 'verified, lost answer: found by reading, lost answer: not there, overwritten by somebody else, or refused by Microshare';

CREATE TABLE microshare.incident_match (
    connection text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    incident_id text COLLATE "C",
    service_record_id text COLLATE "C",
    finding text NOT NULL CHECK (finding IN ('matched', 'incident_unmatched', 'service_unmatched')),
    reference text,
    hours_between numeric,
    _run_id uuid,
    _changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection, subject),
    CONSTRAINT a_match_has_both CHECK ((finding = 'matched') = (incident_id IS NOT NULL AND service_record_id IS NOT NULL))
);
CREATE INDEX incident_match_incident ON microshare.incident_match (connection, incident_id);
CREATE INDEX incident_match_service ON microshare.incident_match (connection, service_record_id);
COMMENT ON TABLE microshare.incident_match IS 'Which service records answer which incidents, and those on either side that have no counterpart';
COMMENT ON COLUMN microshare.incident_match.connection IS 'The connection';
COMMENT ON COLUMN microshare.incident_match.subject IS 'The pair, or the one that has no counterpart';
COMMENT ON COLUMN microshare.incident_match.incident_id IS 'The incident (microshare.incident.id)';
COMMENT ON COLUMN microshare.incident_match.service_record_id IS 'The service record (microshare.service_record.id)';
COMMENT ON COLUMN microshare.incident_match.finding IS 'matched, incident_unmatched (nobody came) or service_unmatched (no incident called for it)';
COMMENT ON COLUMN microshare.incident_match.reference IS 'The reference of the location that both have';
COMMENT ON COLUMN microshare.incident_match.hours_between IS 'Hours from the incident to the service';
COMMENT ON COLUMN microshare.incident_match._run_id IS 'The run that changed this row';
COMMENT ON COLUMN microshare.incident_match._changed_at IS 'When this row last changed';

GRANT SELECT ON microshare.reconciliation, microshare.applied, microshare.plan, microshare.plan_write,
    microshare.incident_match TO landfall_analyst;
-- All but what is sealed.
GRANT SELECT (plan_id, number, action, rec_type, cluster_id, cluster_checksum, point_id, device_key, guid, before, after,
    location, seen, reason, state, result, sent_at, settled_at)
    ON microshare.plan_item TO landfall_analyst;
