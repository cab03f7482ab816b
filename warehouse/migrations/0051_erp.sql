-- ERP: who is served by which connection, what a schedule does not hold, and figures of the syncs.

CREATE SCHEMA IF NOT EXISTS erp;
COMMENT ON SCHEMA erp IS 'ERP systems of all kinds in one model, as landed; and which of them serves which client and site';

CREATE FUNCTION erp.are_data_types(names text[]) RETURNS boolean LANGUAGE sql IMMUTABLE
    RETURN cardinality(names) > 0 AND array_position(names, NULL) IS NULL
        AND names <@ ARRAY['orders', 'products', 'order_status', 'inventory', 'employees', 'invoices'];

CREATE TABLE erp.client (
    id text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    name text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz
);
COMMENT ON TABLE erp.client IS 'Companies whose sites are served by ERP connections; written by landfall erp client';
COMMENT ON COLUMN erp.client.id IS 'Your id of the client';
COMMENT ON COLUMN erp.client.name IS 'What people call it';
COMMENT ON COLUMN erp.client.added_at IS 'When it was added';
COMMENT ON COLUMN erp.client.closed_at IS 'When it was removed; its history stays';

CREATE TABLE erp.site (
    id text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    client_id text COLLATE "C" NOT NULL REFERENCES erp.client,
    name text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz
);
CREATE INDEX site_client ON erp.site (client_id);
COMMENT ON TABLE erp.site IS 'The sites (shops, plants, branches) of clients; written by landfall erp site';
COMMENT ON COLUMN erp.site.id IS 'Your id of the site';
COMMENT ON COLUMN erp.site.client_id IS 'The client that it belongs to';
COMMENT ON COLUMN erp.site.name IS 'What people call it';
COMMENT ON COLUMN erp.site.added_at IS 'When it was added';
COMMENT ON COLUMN erp.site.closed_at IS 'When it was removed; its history stays';

-- One default a client and one override a site at a time. Equality of texts takes an extension in such a constraint,
-- which a plain user may not have; a range of one number does not, so a hash of 64 bits stands for the text. Should two
-- texts ever share one, the second assignment is refused, never wrongly made.
CREATE TABLE erp.client_assignment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_id text COLLATE "C" NOT NULL REFERENCES erp.client,
    connection text COLLATE "C" NOT NULL CHECK (connection <> ''),
    is_default boolean NOT NULL DEFAULT true,
    catalog_id text,
    data_types text[] NOT NULL DEFAULT '{orders,products,order_status,inventory}' CHECK (erp.are_data_types(data_types)),
    settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    valid_from timestamptz NOT NULL DEFAULT clock_timestamp(),
    valid_to timestamptz CONSTRAINT it_ends_after_it_begins CHECK (valid_to > valid_from),
    CONSTRAINT one_default_a_client EXCLUDE USING gist (
        int8range(hashtextextended(client_id, 0), hashtextextended(client_id, 0), '[]') WITH &&,
        tstzrange(valid_from, valid_to) WITH &&
    ) WHERE (is_default),
    CONSTRAINT once_a_client EXCLUDE USING gist (
        int8range(hashtextextended(client_id, 0), hashtextextended(client_id, 0), '[]') WITH &&,
        int8range(hashtextextended(connection, 0), hashtextextended(connection, 0), '[]') WITH &&,
        tstzrange(valid_from, valid_to) WITH &&
    )
);
COMMENT ON TABLE erp.client_assignment IS 'Which connections serve a client, and when; ended ones stay as history. Written by landfall erp assign client';
COMMENT ON COLUMN erp.client_assignment.connection IS 'The name of the ERP connection';
COMMENT ON COLUMN erp.client_assignment.is_default IS 'Whether it serves the sites that have no override; one at a time';
COMMENT ON COLUMN erp.client_assignment.catalog_id IS 'The catalog that the client uses there';
COMMENT ON COLUMN erp.client_assignment.data_types IS 'What is exchanged: orders, products, order_status, inventory, employees, invoices';
COMMENT ON COLUMN erp.client_assignment.settings IS 'Anything else that was agreed on';
COMMENT ON COLUMN erp.client_assignment.valid_from IS 'From when on';
COMMENT ON COLUMN erp.client_assignment.valid_to IS 'Until when, itself excluded; null: until further notice';

CREATE TABLE erp.site_assignment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id text COLLATE "C" NOT NULL REFERENCES erp.site,
    connection text COLLATE "C" NOT NULL CHECK (connection <> ''),
    overrides_client boolean NOT NULL DEFAULT true,
    catalog_id text,
    data_types text[] NOT NULL DEFAULT '{orders,products,order_status,inventory}' CHECK (erp.are_data_types(data_types)),
    settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    valid_from timestamptz NOT NULL DEFAULT clock_timestamp(),
    valid_to timestamptz CONSTRAINT it_ends_after_it_begins CHECK (valid_to > valid_from),
    CONSTRAINT one_override_a_site EXCLUDE USING gist (
        int8range(hashtextextended(site_id, 0), hashtextextended(site_id, 0), '[]') WITH &&,
        tstzrange(valid_from, valid_to) WITH &&
    ) WHERE (overrides_client),
    CONSTRAINT once_a_site EXCLUDE USING gist (
        int8range(hashtextextended(site_id, 0), hashtextextended(site_id, 0), '[]') WITH &&,
        int8range(hashtextextended(connection, 0), hashtextextended(connection, 0), '[]') WITH &&,
        tstzrange(valid_from, valid_to) WITH &&
    )
);
COMMENT ON TABLE erp.site_assignment IS 'Which connections serve a site, and when; ended ones stay as history. Written by landfall erp assign site';
COMMENT ON COLUMN erp.site_assignment.connection IS 'The name of the ERP connection';
COMMENT ON COLUMN erp.site_assignment.overrides_client IS 'Whether it stands in for the default of the client; one at a time. Without, it serves the site besides';
COMMENT ON COLUMN erp.site_assignment.catalog_id IS 'The catalog that the site uses there';
COMMENT ON COLUMN erp.site_assignment.data_types IS 'What is exchanged: orders, products, order_status, inventory, employees, invoices';
COMMENT ON COLUMN erp.site_assignment.settings IS 'Anything else that was agreed on';
COMMENT ON COLUMN erp.site_assignment.valid_from IS 'From when on';
COMMENT ON COLUMN erp.site_assignment.valid_to IS 'Until when, itself excluded; null: until further notice';

-- Connections of all kinds of ERP share the tables of this schema, where their name alone tells their rows apart.
CREATE UNIQUE INDEX connection_one_name_a_sync ON ops.connection (name) WHERE starts_with(kind, 'erp-');

CREATE FUNCTION erp.effective_erp(site text, at timestamptz DEFAULT now())
RETURNS TABLE (
    site_id text, client_id text, source text, connection text, kind text, status text, usable boolean,
    catalog_id text, data_types text[], settings jsonb, assignment_id bigint, valid_from timestamptz,
    valid_to timestamptz, why text
) LANGUAGE sql STABLE AS $$
    SELECT asked.id, s.client_id, coalesce(a.source, 'none'), a.connection, c.kind, state.status,
        coalesce(state.status NOT IN ('inactive', 'deleted'), false), a.catalog_id, a.data_types, a.settings, a.id,
        a.valid_from, a.valid_to,
        CASE
            WHEN s.id IS NULL THEN format('there is no site %s', asked.id)
            WHEN s.closed_at <= asked.moment THEN format('the site was removed on %s', to_char(s.closed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'))
            WHEN a.id IS NULL THEN format('neither the site nor its client %s had an ERP at that time', s.client_id)
            WHEN a.source = 'site' THEN 'the site has an ERP of its own, which overrides that of its client'
            ELSE format('the default of client %s', s.client_id)
        END || CASE state.status
            WHEN 'inactive' THEN format('; but %s is inactive, so nothing is read for this site, and no other ERP stands in', a.connection)
            WHEN 'deleted' THEN format('; but there is no connection %s any more, so nothing is read for this site, and no other ERP stands in', a.connection)
            WHEN 'error' THEN format('; %s refused the last test or run', a.connection)
            ELSE ''
        END
    FROM (SELECT $1, $2) asked (id, moment)
    LEFT JOIN erp.site s ON s.id = asked.id
    LEFT JOIN LATERAL (
        SELECT 1 AS rank, 'site' AS source, o.id, o.connection, o.catalog_id, o.data_types, o.settings, o.valid_from, o.valid_to
        FROM erp.site_assignment o
        WHERE o.site_id = s.id AND o.overrides_client AND tstzrange(o.valid_from, o.valid_to) @> asked.moment
        UNION ALL
        SELECT 2, 'client', d.id, d.connection, d.catalog_id, d.data_types, d.settings, d.valid_from, d.valid_to
        FROM erp.client_assignment d
        WHERE d.client_id = s.client_id AND d.is_default AND tstzrange(d.valid_from, d.valid_to) @> asked.moment
        ORDER BY rank LIMIT 1
    ) a ON s.closed_at IS NULL OR s.closed_at > asked.moment
    LEFT JOIN ops.connection c ON c.name = a.connection AND starts_with(c.kind, 'erp-')
    CROSS JOIN LATERAL (
        SELECT CASE WHEN a.connection IS NOT NULL THEN coalesce(c.status, 'deleted') END
    ) state (status)
$$;
COMMENT ON FUNCTION erp.effective_erp(text, timestamptz) IS 'Which ERP serves a site at a moment, and why: the site''s own, else the default of its client, else none; always one row. The state of the connection is today''s';

CREATE VIEW erp.effective_assignment AS
SELECT e.site_id, s.name AS site_name, e.client_id, cl.name AS client_name, e.source, e.connection, e.kind, e.status,
    e.usable, e.catalog_id, e.data_types, e.settings, e.assignment_id, e.valid_from, e.valid_to, e.why
FROM erp.site s
JOIN erp.client cl ON cl.id = s.client_id
CROSS JOIN LATERAL erp.effective_erp(s.id, now()) e
WHERE s.closed_at IS NULL;
COMMENT ON VIEW erp.effective_assignment IS 'Which ERP serves each site now, and why';
COMMENT ON COLUMN erp.effective_assignment.source IS 'site (its own ERP), client (the default of its client) or none';
COMMENT ON COLUMN erp.effective_assignment.connection IS 'The ERP connection; null for none';
COMMENT ON COLUMN erp.effective_assignment.kind IS 'The kind of ERP';
COMMENT ON COLUMN erp.effective_assignment.status IS 'The state of the connection (ops.connection.status), or deleted';
COMMENT ON COLUMN erp.effective_assignment.usable IS 'Whether anything is read for the site: false also for an override to an inactive connection, for which nothing stands in';
COMMENT ON COLUMN erp.effective_assignment.why IS 'The same in words';

CREATE TABLE erp.sync_config (
    connection text COLLATE "C" NOT NULL CHECK (connection <> ''),
    data_type text COLLATE "C" NOT NULL CHECK (erp.are_data_types(ARRAY[data_type])),
    direction text NOT NULL DEFAULT 'pull' CHECK (direction IN ('pull', 'push', 'bidirectional')),
    enabled boolean NOT NULL DEFAULT true,
    on_demand boolean NOT NULL DEFAULT true,
    conflict_rule text NOT NULL DEFAULT 'erp_wins'
        CHECK (conflict_rule IN ('erp_wins', 'system_wins', 'newest_wins', 'manual')),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (connection, data_type),
    CONSTRAINT only_orders_go_both_ways CHECK (direction = 'pull' OR data_type = 'orders')
);
COMMENT ON TABLE erp.sync_config IS 'What a schedule does not hold, for each data type of a connection; without a row the defaults hold. Written by landfall erp config set';
COMMENT ON COLUMN erp.sync_config.direction IS 'pull, push or bidirectional; pushing is noted here and not done yet';
COMMENT ON COLUMN erp.sync_config.enabled IS 'Whether runs read this data type';
COMMENT ON COLUMN erp.sync_config.on_demand IS 'Whether a person may run it besides its schedule';
COMMENT ON COLUMN erp.sync_config.conflict_rule IS 'Who is right when both sides have changed: erp_wins, system_wins, newest_wins or manual; needed by pushing alone';
COMMENT ON COLUMN erp.sync_config.changed_at IS 'When this row was last written';

-- What was configured for a connection goes with it; who was assigned to it stays, and is told that it is gone.
CREATE FUNCTION erp.forget_connection() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM erp.sync_config WHERE connection = OLD.name;
    RETURN OLD;
END
$$;
CREATE TRIGGER connection_forgotten AFTER DELETE ON ops.connection
    FOR EACH ROW WHEN (starts_with(OLD.kind, 'erp-')) EXECUTE FUNCTION erp.forget_connection();

CREATE VIEW erp.sync_log AS
SELECT r.run_id, r.connection, d.data_type, r.status, r.started_at, r.finished_at,
    extract(epoch FROM r.finished_at - r.started_at) AS duration_s, r.read AS records_processed,
    r.inserted AS records_created, r.updated AS records_updated, r.deleted AS records_deleted,
    r.dead_lettered AS records_failed, r.error_code, r.error_message
FROM ops.sync_run r
JOIN (VALUES ('orders', 'sales_order'), ('products', 'product'), ('order_status', 'order_status_event'),
    ('inventory', 'inventory_level'), ('employees', 'employee'), ('invoices', 'invoice')) d (data_type, stream) USING (stream)
WHERE r.sync = 'erp';
COMMENT ON VIEW erp.sync_log IS 'One row for each data type of each run, out of ops.sync_run';
COMMENT ON COLUMN erp.sync_log.status IS 'running, success, partial (some records are dead letters), failed, crashed, skipped or cancelled';
COMMENT ON COLUMN erp.sync_log.duration_s IS 'Seconds from begin to end';
COMMENT ON COLUMN erp.sync_log.records_processed IS 'Records read and judged';
COMMENT ON COLUMN erp.sync_log.records_failed IS 'Records that became dead letters';

CREATE VIEW erp.sync_statistics AS
SELECT connection, CASE WHEN grouping(data_type) = 1 THEN 'all' ELSE data_type END AS data_type,
    count(*) AS total_syncs,
    count(*) FILTER (WHERE status = 'success') AS successful_syncs,
    count(*) FILTER (WHERE status = 'partial') AS partial_syncs,
    count(*) FILTER (WHERE status IN ('failed', 'crashed')) AS failed_syncs,
    count(*) FILTER (WHERE status = 'cancelled') AS cancelled_syncs,
    round(avg(duration_s) FILTER (WHERE status IN ('success', 'partial', 'failed')), 3) AS average_duration_s,
    max(finished_at) AS last_sync_at,
    max(finished_at) FILTER (WHERE status IN ('success', 'partial')) AS last_success_at,
    sum(records_processed)::bigint AS records_processed,
    sum(records_created)::bigint AS records_created,
    sum(records_updated)::bigint AS records_updated,
    sum(records_deleted)::bigint AS records_deleted,
    sum(records_failed)::bigint AS records_failed
FROM erp.sync_log
WHERE status NOT IN ('running', 'skipped')
GROUP BY GROUPING SETS ((connection, data_type), (connection));
COMMENT ON VIEW erp.sync_statistics IS 'Figures over the syncs that have ended, neither those under way nor those skipped: for each data type of a connection, and for all of them together. A sync is one data type in one run';
COMMENT ON COLUMN erp.sync_statistics.data_type IS 'The data type, or all for the connection as a whole';
COMMENT ON COLUMN erp.sync_statistics.total_syncs IS 'The sum of the four counts that follow';
COMMENT ON COLUMN erp.sync_statistics.successful_syncs IS 'Landed in full';
COMMENT ON COLUMN erp.sync_statistics.partial_syncs IS 'Landed but for records that are kept as dead letters';
COMMENT ON COLUMN erp.sync_statistics.failed_syncs IS 'Failed, or died without a word';
COMMENT ON COLUMN erp.sync_statistics.cancelled_syncs IS 'Ended by somebody';
COMMENT ON COLUMN erp.sync_statistics.average_duration_s IS 'Seconds from begin to end, of those that ended by themselves';
COMMENT ON COLUMN erp.sync_statistics.last_sync_at IS 'When the last one ended, however';
COMMENT ON COLUMN erp.sync_statistics.last_success_at IS 'When the last one landed';
COMMENT ON COLUMN erp.sync_statistics.records_processed IS 'Records read and judged';
COMMENT ON COLUMN erp.sync_statistics.records_failed IS 'Records that became dead letters';

GRANT USAGE ON SCHEMA erp TO landfall_analyst;
GRANT SELECT ON erp.client, erp.site, erp.client_assignment, erp.site_assignment, erp.sync_config,
    erp.effective_assignment, erp.sync_log, erp.sync_statistics TO landfall_analyst;
