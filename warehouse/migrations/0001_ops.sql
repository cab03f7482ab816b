-- What Landfall itself keeps: the run log, cursors, connections, tokens, dead letters.
-- Every statement can be repeated; all run in one transaction.

CREATE SCHEMA IF NOT EXISTS ops;
CREATE SCHEMA IF NOT EXISTS staging;
COMMENT ON SCHEMA ops IS 'What Landfall knows about its own work: runs, freshness, connections, dead letters';
COMMENT ON SCHEMA staging IS 'Private: tables of runs that are under way';

CREATE TABLE ops.connection (
    kind text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    provider text NOT NULL,
    status text NOT NULL DEFAULT 'testing' CHECK (status IN ('active', 'inactive', 'error', 'testing')),
    identity text,
    settings jsonb NOT NULL DEFAULT '{}',
    last_tested_at timestamptz,
    last_test_ok boolean,
    last_test_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, name)
);
COMMENT ON TABLE ops.connection IS 'The systems that are connected; their secrets are in Prefect blocks, never here';
COMMENT ON COLUMN ops.connection.kind IS 'The kind of system, as in landfall connect';
COMMENT ON COLUMN ops.connection.name IS 'The name of the connection and of its block';
COMMENT ON COLUMN ops.connection.type IS 'What the system is for: accounting, erp, payment_gateway, …';
COMMENT ON COLUMN ops.connection.provider IS 'Who provides the system';
COMMENT ON COLUMN ops.connection.status IS 'active, inactive (refused), error (the last test or run failed to sign in) or testing';
COMMENT ON COLUMN ops.connection.identity IS 'The company that the vendor reported first; another one under this name is refused';
COMMENT ON COLUMN ops.connection.settings IS 'The fields of the block that are no secrets, as last seen';
COMMENT ON COLUMN ops.connection.last_tested_at IS 'When the connection was last tested';
COMMENT ON COLUMN ops.connection.last_test_ok IS 'Whether that test passed';
COMMENT ON COLUMN ops.connection.last_test_message IS 'What that test said';
COMMENT ON COLUMN ops.connection.created_at IS 'When the connection was made';
COMMENT ON COLUMN ops.connection.updated_at IS 'When it was last changed';

CREATE TABLE ops.sync_run_log (
    run_id uuid NOT NULL,
    sync text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    flow_run_id uuid,
    status text NOT NULL
        CHECK (status IN ('running', 'success', 'partial', 'failed', 'crashed', 'skipped', 'cancelled')),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    fetched bigint NOT NULL DEFAULT 0,
    read bigint NOT NULL DEFAULT 0,
    inserted bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    dead_lettered bigint NOT NULL DEFAULT 0,
    duplicates_collapsed bigint NOT NULL DEFAULT 0,
    child_counts jsonb NOT NULL DEFAULT '{}',
    cursor_from jsonb,
    cursor_to jsonb,
    error_code text,
    error_message text,
    mapping_version text,
    lock_key bigint,
    backend_pid integer,
    slices integer NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, stream),
    CONSTRAINT every_record_is_accounted_for
        CHECK (read = inserted + updated + unchanged + dead_lettered + duplicates_collapsed),
    CONSTRAINT success_has_no_dead_letters CHECK (status <> 'success' OR dead_lettered = 0),
    CONSTRAINT what_did_not_land_counts_nothing CHECK (
        status IN ('running', 'success', 'partial') OR slices > 0 OR (read = 0 AND deleted = 0)
    ),
    CONSTRAINT a_failure_says_why CHECK (status NOT IN ('failed', 'skipped') OR error_code IS NOT NULL)
);
CREATE INDEX sync_run_log_latest ON ops.sync_run_log (sync, connection, stream, started_at DESC);
CREATE INDEX sync_run_log_running ON ops.sync_run_log (sync, connection) WHERE status = 'running';

-- A run that died cannot say so: its row still says running, but the lock of its session is gone.
CREATE VIEW ops.sync_run AS
SELECT r.run_id, r.sync, r.connection, r.stream, r.flow_run_id,
    CASE WHEN r.status = 'running' AND l.pid IS NULL THEN 'crashed' ELSE r.status END AS status,
    r.started_at, r.finished_at, r.fetched, r.read, r.inserted, r.updated, r.unchanged, r.deleted,
    r.dead_lettered, r.duplicates_collapsed, r.child_counts, r.cursor_from, r.cursor_to,
    r.error_code, r.error_message, r.mapping_version
FROM ops.sync_run_log r
LEFT JOIN pg_locks l ON r.status = 'running' AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.pid = r.backend_pid
    AND (l.classid::bigint << 32 | l.objid::bigint) = r.lock_key;
COMMENT ON VIEW ops.sync_run IS 'The run log: one row for each stream of each run';
COMMENT ON COLUMN ops.sync_run.run_id IS 'The run; rows that it changed carry it as _run_id';
COMMENT ON COLUMN ops.sync_run.sync IS 'The sync, such as quickbooks';
COMMENT ON COLUMN ops.sync_run.connection IS 'The connection';
COMMENT ON COLUMN ops.sync_run.stream IS 'The stream, which is also the name of its table';
COMMENT ON COLUMN ops.sync_run.flow_run_id IS 'The flow run in Prefect';
COMMENT ON COLUMN ops.sync_run.status IS 'running, success, partial (some records are dead letters), failed, crashed (it died), skipped or cancelled';
COMMENT ON COLUMN ops.sync_run.started_at IS 'When the stream began';
COMMENT ON COLUMN ops.sync_run.finished_at IS 'When it ended';
COMMENT ON COLUMN ops.sync_run.fetched IS 'Records received from the source, also those of a run that failed';
COMMENT ON COLUMN ops.sync_run.read IS 'Records judged: the sum of inserted, updated, unchanged, dead_lettered and duplicates_collapsed';
COMMENT ON COLUMN ops.sync_run.inserted IS 'Records that were new';
COMMENT ON COLUMN ops.sync_run.updated IS 'Records that had changed or come back';
COMMENT ON COLUMN ops.sync_run.unchanged IS 'Records that were as landed before';
COMMENT ON COLUMN ops.sync_run.deleted IS 'Rows marked as deleted because the source no longer has them';
COMMENT ON COLUMN ops.sync_run.dead_lettered IS 'Records that could not land and are kept in ops.dead_letter';
COMMENT ON COLUMN ops.sync_run.duplicates_collapsed IS 'Further readings of a record within this run; the newest won';
COMMENT ON COLUMN ops.sync_run.child_counts IS 'For each table of children: inserted, updated, deleted';
COMMENT ON COLUMN ops.sync_run.cursor_from IS 'Where the reading began; null: everything was read';
COMMENT ON COLUMN ops.sync_run.cursor_to IS 'Where the next reading of changes begins';
COMMENT ON COLUMN ops.sync_run.error_code IS 'The code of the failure, see docs/errors.md';
COMMENT ON COLUMN ops.sync_run.error_message IS 'What went wrong, where, and what to do; without secrets';
COMMENT ON COLUMN ops.sync_run.mapping_version IS 'Changes when records are read into other columns';

CREATE TABLE ops.sync_cursor (
    sync text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    cursor jsonb,
    live_rows bigint NOT NULL DEFAULT 0,
    mapping_version text NOT NULL,
    checksum text NOT NULL,
    run_id uuid NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sync, connection, stream)
);
COMMENT ON TABLE ops.sync_cursor IS 'How far each stream has landed; written in the transaction that lands the rows';
COMMENT ON COLUMN ops.sync_cursor.cursor IS 'The connector''s own mark; null for a stream that is always read whole';
COMMENT ON COLUMN ops.sync_cursor.live_rows IS 'Rows of the connection that are not deleted';
COMMENT ON COLUMN ops.sync_cursor.checksum IS 'Tells a cursor that was changed by hand';

CREATE TABLE ops.landed_table (
    table_schema text NOT NULL,
    table_name text NOT NULL,
    definition jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_schema, table_name)
);
COMMENT ON TABLE ops.landed_table IS 'The landed tables as Landfall made them, to notice what others changed';

CREATE TABLE ops.schema_change (
    connection text NOT NULL,
    table_schema text NOT NULL,
    stream text NOT NULL,
    scope text NOT NULL,
    path text NOT NULL,
    change text NOT NULL,
    first_run_id uuid NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection, table_schema, stream, scope, path, change)
);
COMMENT ON TABLE ops.schema_change IS 'Changes of the source''s records: fields that appeared without a column, types that widened';
COMMENT ON COLUMN ops.schema_change.scope IS 'Where in the record: empty for the record itself, else the path of the child, keys as a JSON list';
COMMENT ON COLUMN ops.schema_change.path IS 'The path of the field in that scope, keys as a JSON list';
COMMENT ON COLUMN ops.schema_change.change IS 'new field: it lands in _extra; vanished field: rows that had it lost it';
COMMENT ON COLUMN ops.schema_change.first_run_id IS 'The first run that saw it';

CREATE TABLE ops.dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sync text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    key text NOT NULL,
    run_id uuid NOT NULL,
    last_run_id uuid NOT NULL,
    stage text NOT NULL,
    reason_code text NOT NULL,
    column_name text NOT NULL,
    message text NOT NULL,
    fingerprint text NOT NULL,
    payload bytea NOT NULL,
    payload_redacted text NOT NULL,
    payload_sha256 text NOT NULL,
    occurrences bigint NOT NULL DEFAULT 1,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    resolved_by_run_id uuid,
    UNIQUE NULLS NOT DISTINCT (sync, connection, stream, key, payload_sha256, resolved_at)
);
CREATE INDEX dead_letter_open ON ops.dead_letter (sync, connection, stream, key) WHERE resolved_at IS NULL;
COMMENT ON TABLE ops.dead_letter IS 'Records that could not land; a later landing of the same record closes its own';
COMMENT ON COLUMN ops.dead_letter.key IS 'The record''s key, parts as a JSON list when there are several; empty if it has none';
COMMENT ON COLUMN ops.dead_letter.run_id IS 'The run that met it first';
COMMENT ON COLUMN ops.dead_letter.last_run_id IS 'The run that met it last';
COMMENT ON COLUMN ops.dead_letter.stage IS 'decode (the record itself) or copy (refused by Postgres)';
COMMENT ON COLUMN ops.dead_letter.reason_code IS 'See docs/errors.md';
COMMENT ON COLUMN ops.dead_letter.column_name IS 'The column that could not hold the value, if it was one';
COMMENT ON COLUMN ops.dead_letter.fingerprint IS 'The same for dead letters with the same cause';
COMMENT ON COLUMN ops.dead_letter.payload IS 'The record, encrypted, for replay';
COMMENT ON COLUMN ops.dead_letter.payload_redacted IS 'The record without what looks secret, shortened';
COMMENT ON COLUMN ops.dead_letter.occurrences IS 'How many runs met it';
COMMENT ON COLUMN ops.dead_letter.resolved_at IS 'When the record landed after all; null while it is open';

CREATE TABLE ops.oauth_token (
    connection text PRIMARY KEY,
    token bytea NOT NULL,
    seed_fingerprint text NOT NULL,
    rotations bigint NOT NULL DEFAULT 0,
    saved_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ops.oauth_token IS 'Tokens that rotate, encrypted; not readable by analysts';
COMMENT ON COLUMN ops.oauth_token.connection IS 'Kind and name of the connection, with a slash';
COMMENT ON COLUMN ops.oauth_token.seed_fingerprint IS 'Tells whether the block holds a new seed';

CREATE UNLOGGED TABLE ops.rate_limit (
    name text PRIMARY KEY,
    recent timestamptz[] NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE ops.rate_limit IS 'When the last requests to a vendor went out or will, shared by all runs';

-- Reserve one request; answers the seconds to wait for it. Exact over any second and any minute: the n-th request
-- before this one must lie a whole period back, and a little more, since requests do not travel equally fast.
CREATE FUNCTION ops.reserve(limit_name text, per_second integer, per_minute integer) RETURNS double precision
LANGUAGE plpgsql AS $$
DECLARE
    past timestamptz[];
    n integer;
    slot timestamptz;
BEGIN
    INSERT INTO ops.rate_limit (name) VALUES (limit_name) ON CONFLICT (name) DO NOTHING;
    SELECT recent INTO past FROM ops.rate_limit WHERE name = limit_name FOR UPDATE;
    n := cardinality(past);
    slot := clock_timestamp();
    IF per_second > 0 AND n >= per_second THEN
        slot := greatest(slot, past[n - per_second + 1] + interval '1.1 seconds');
    END IF;
    IF per_minute > 0 AND n >= per_minute THEN
        slot := greatest(slot, past[n - per_minute + 1] + interval '61 seconds');
    END IF;
    n := greatest(per_second, per_minute);
    past := past || slot;
    UPDATE ops.rate_limit SET recent = past[greatest(1, cardinality(past) - n + 1):] WHERE name = limit_name;
    RETURN greatest(0, extract(epoch FROM slot - clock_timestamp()));
END
$$;

CREATE VIEW ops.freshness AS
WITH streams AS (
    SELECT DISTINCT sync, connection, stream FROM ops.sync_run_log
)
SELECT s.sync, s.connection, s.stream,
    ok.finished_at AS last_success_at,
    now() - ok.finished_at AS age,
    c.live_rows AS rows,
    last.status AS last_status,
    last.started_at AS last_run_at,
    bad.error_code AS last_error_code,
    bad.error_message AS last_error,
    bad.started_at AS last_error_at
FROM streams s
LEFT JOIN ops.sync_cursor c USING (sync, connection, stream)
LEFT JOIN LATERAL (
    SELECT r.finished_at FROM ops.sync_run_log r
    WHERE (r.sync, r.connection, r.stream) = (s.sync, s.connection, s.stream) AND r.status IN ('success', 'partial')
    ORDER BY r.started_at DESC LIMIT 1
) ok ON true
LEFT JOIN LATERAL (
    SELECT r.status, r.started_at FROM ops.sync_run r
    WHERE (r.sync, r.connection, r.stream) = (s.sync, s.connection, s.stream) AND r.status <> 'skipped'
    ORDER BY r.started_at DESC LIMIT 1
) last ON true
LEFT JOIN LATERAL (
    SELECT r.error_code, r.error_message, r.started_at FROM ops.sync_run_log r
    WHERE (r.sync, r.connection, r.stream) = (s.sync, s.connection, s.stream) AND r.status = 'failed'
    ORDER BY r.started_at DESC LIMIT 1
) bad ON true;
COMMENT ON VIEW ops.freshness IS 'For each stream: when it last landed, how old that is, how many rows it has, and its last error';
COMMENT ON COLUMN ops.freshness.last_success_at IS 'End of the last run that landed (also with dead letters)';
COMMENT ON COLUMN ops.freshness.age IS 'How long ago that was';
COMMENT ON COLUMN ops.freshness.rows IS 'Rows that are not deleted';
COMMENT ON COLUMN ops.freshness.last_status IS 'Status of the last run that was not skipped';
COMMENT ON COLUMN ops.freshness.last_run_at IS 'When that run began';
COMMENT ON COLUMN ops.freshness.last_error_code IS 'Code of the last failure, also when later runs succeeded';
COMMENT ON COLUMN ops.freshness.last_error IS 'What the last failure said';
COMMENT ON COLUMN ops.freshness.last_error_at IS 'When the run that failed began';

-- Reading for analysts: all but tokens and the payloads of dead letters. The role itself belongs to the whole
-- server, so it may be there already.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'landfall_analyst') THEN
        CREATE ROLE landfall_analyst NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- made at the same moment for another database
END
$$;
GRANT USAGE ON SCHEMA ops TO landfall_analyst;
GRANT SELECT ON ops.connection, ops.sync_run, ops.sync_run_log, ops.sync_cursor, ops.landed_table, ops.schema_change,
    ops.freshness TO landfall_analyst;
GRANT SELECT (id, sync, connection, stream, key, run_id, last_run_id, stage, reason_code, column_name, message,
    fingerprint, payload_sha256, occurrences, first_seen_at, last_seen_at, resolved_at, resolved_by_run_id)
    ON ops.dead_letter TO landfall_analyst;
