-- Cetec: what people tell about its customers' backups, and what each run found.

CREATE SCHEMA IF NOT EXISTS cetec;
COMMENT ON SCHEMA cetec IS 'Cetec ERP, as landed';

CREATE TABLE cetec.backup_pull (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL CHECK (customer_id <> ''),
    pulled_at timestamptz NOT NULL,
    pulled_by text NOT NULL,
    note text,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (connection, customer_id, pulled_at)
);
COMMENT ON TABLE cetec.backup_pull IS 'Who pulled which customer''s backup when; written by landfall cetec record-pull';
COMMENT ON COLUMN cetec.backup_pull.connection IS 'The Cetec connection that the customer belongs to';
COMMENT ON COLUMN cetec.backup_pull.customer_id IS 'The customer''s id in Cetec';
COMMENT ON COLUMN cetec.backup_pull.pulled_at IS 'When the backup was pulled';
COMMENT ON COLUMN cetec.backup_pull.pulled_by IS 'Who pulled it';
COMMENT ON COLUMN cetec.backup_pull.note IS 'What that person wanted to say about it';
COMMENT ON COLUMN cetec.backup_pull.recorded_at IS 'When this row was written';

CREATE TABLE cetec.resident_database (
    connection text COLLATE "C" NOT NULL,
    domain text COLLATE "C" NOT NULL CHECK (domain <> '' AND domain = lower(domain)),
    database_schema text NOT NULL CHECK (database_schema <> ''),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (connection, domain)
);
COMMENT ON TABLE cetec.resident_database IS 'The schema in MySQL of customers who host their instance themselves; written by landfall cetec map-resident';
COMMENT ON COLUMN cetec.resident_database.connection IS 'The Cetec connection that the customer belongs to';
COMMENT ON COLUMN cetec.resident_database.domain IS 'The customer''s domain in Cetec, in lower case';
COMMENT ON COLUMN cetec.resident_database.database_schema IS 'The schema that holds its backup';
COMMENT ON COLUMN cetec.resident_database.changed_at IS 'When this row was last written';

CREATE TABLE cetec.run_summary (
    run_id uuid PRIMARY KEY,
    connection text COLLATE "C" NOT NULL,
    checked_at timestamptz NOT NULL,
    filtered boolean NOT NULL,
    mysql_enabled boolean NOT NULL,
    mysql_status text NOT NULL CHECK (mysql_status IN ('completed', 'failed', 'skipped')),
    mysql_message text,
    total_customers bigint NOT NULL,
    existing_databases bigint NOT NULL,
    no_database bigint NOT NULL,
    resident_hosting bigint NOT NULL,
    itar_hosting bigint NOT NULL,
    unavailable bigint NOT NULL,
    mysql_error bigint NOT NULL,
    batch_timeout bigint NOT NULL,
    invalid_domains bigint NOT NULL,
    mysql_disabled bigint NOT NULL,
    not_billing bigint NOT NULL,
    without_usage_stats bigint NOT NULL,
    stale bigint NOT NULL,
    excluded bigint NOT NULL,
    warnings text[] NOT NULL DEFAULT '{}',
    CONSTRAINT every_customer_is_in_one_state CHECK (
        total_customers = existing_databases + no_database + resident_hosting + itar_hosting + unavailable
            + mysql_error + batch_timeout + invalid_domains + mysql_disabled + not_billing
    ),
    CONSTRAINT those_without_usage_stats_have_no_database CHECK (without_usage_stats <= no_database),
    CONSTRAINT a_failure_of_mysql_says_why CHECK ((mysql_status = 'failed') = (mysql_message IS NOT NULL))
);
CREATE INDEX run_summary_latest ON cetec.run_summary (connection, checked_at DESC);
COMMENT ON TABLE cetec.run_summary IS 'One row for each run that landed customers: how many are in which state';
COMMENT ON COLUMN cetec.run_summary.run_id IS 'The run (ops.sync_run.run_id)';
COMMENT ON COLUMN cetec.run_summary.connection IS 'The Cetec connection';
COMMENT ON COLUMN cetec.run_summary.checked_at IS 'When Cetec and MySQL were asked';
COMMENT ON COLUMN cetec.run_summary.filtered IS 'Whether the run asked for some of the customers only, so that the counts are not those of all';
COMMENT ON COLUMN cetec.run_summary.mysql_enabled IS 'Whether the connection names a MySQL server';
COMMENT ON COLUMN cetec.run_summary.mysql_status IS 'completed, failed (see mysql_message) or skipped (not enabled, or nobody to ask about)';
COMMENT ON COLUMN cetec.run_summary.mysql_message IS 'Why MySQL could not be asked';
COMMENT ON COLUMN cetec.run_summary.total_customers IS 'Customers read: the sum of the ten counts that follow';
COMMENT ON COLUMN cetec.run_summary.existing_databases IS 'Customers in state true';
COMMENT ON COLUMN cetec.run_summary.no_database IS 'Customers in state false';
COMMENT ON COLUMN cetec.run_summary.resident_hosting IS 'Customers in state resident_hosting';
COMMENT ON COLUMN cetec.run_summary.itar_hosting IS 'Customers in state itar_hosting';
COMMENT ON COLUMN cetec.run_summary.unavailable IS 'Customers in state unavailable';
COMMENT ON COLUMN cetec.run_summary.mysql_error IS 'Customers in state mysql_error';
COMMENT ON COLUMN cetec.run_summary.batch_timeout IS 'Customers in state batch_timeout';
COMMENT ON COLUMN cetec.run_summary.invalid_domains IS 'Customers in state invalid_domain';
COMMENT ON COLUMN cetec.run_summary.mysql_disabled IS 'Customers in state mysql_disabled';
COMMENT ON COLUMN cetec.run_summary.not_billing IS 'Customers in state not_billing';
COMMENT ON COLUMN cetec.run_summary.without_usage_stats IS 'Of no_database: those whose schema is there, but without the table usage_stats';
COMMENT ON COLUMN cetec.run_summary.stale IS 'Of existing_databases and no_database: those whose state is an earlier run''s, since MySQL gave no answer';
COMMENT ON COLUMN cetec.run_summary.excluded IS 'Customers left out because the connection excludes their ids; not in the total';
COMMENT ON COLUMN cetec.run_summary.warnings IS 'What people should look at: a list that may be cut, unknown values, fields left out';

GRANT USAGE ON SCHEMA cetec TO landfall_analyst;
GRANT SELECT ON cetec.backup_pull, cetec.resident_database, cetec.run_summary TO landfall_analyst;
