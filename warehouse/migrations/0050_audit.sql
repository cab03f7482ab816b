-- Who changed what: a log that only grows, each row chained to the one before, and what a connection was last seen as.

CREATE TABLE ops.audit_log (
    id bigint PRIMARY KEY CHECK (id > 0),
    at timestamptz NOT NULL,
    actor text NOT NULL CHECK (actor <> ''),
    via text NOT NULL CHECK (via <> ''),
    host text,
    address text,
    user_agent text,
    action text NOT NULL CHECK (action <> ''),
    object text NOT NULL,
    before json,
    after json,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    seal bytea NOT NULL,
    key_id text NOT NULL
);
CREATE INDEX audit_log_object ON ops.audit_log (object, id);
COMMENT ON TABLE ops.audit_log IS 'Every change of a connection, a configuration, an assignment or a schedule, and every run that a person started; rows are only ever added, and landfall audit verify tells whether that held';
COMMENT ON COLUMN ops.audit_log.id IS 'The position in the chain, from 1, without gaps';
COMMENT ON COLUMN ops.audit_log.at IS 'When, by the clock of this database';
COMMENT ON COLUMN ops.audit_log.actor IS 'Who: the user of the operating system, the one Prefect names, or unknown (a block that was changed elsewhere)';
COMMENT ON COLUMN ops.audit_log.via IS 'By what: the command line, a flow, an API';
COMMENT ON COLUMN ops.audit_log.host IS 'The machine on which that ran';
COMMENT ON COLUMN ops.audit_log.address IS 'The address of a caller over the network';
COMMENT ON COLUMN ops.audit_log.user_agent IS 'What a caller over the network said it was';
COMMENT ON COLUMN ops.audit_log.action IS 'What was done, as in connection.changed';
COMMENT ON COLUMN ops.audit_log.object IS 'To what, as in connection quickbooks/main';
COMMENT ON COLUMN ops.audit_log.before IS 'What was there before; of a secret never more than that there was one';
COMMENT ON COLUMN ops.audit_log.after IS 'What is there now; of a secret never more than that it changed';
COMMENT ON COLUMN ops.audit_log.previous IS 'The hash of the row before, 32 zero bytes for the first';
COMMENT ON COLUMN ops.audit_log.hash IS 'SHA-256 of this row, previous included';
COMMENT ON COLUMN ops.audit_log.seal IS 'HMAC of the hash with a key that is not in this database, so that nobody can make the chain anew in here';
COMMENT ON COLUMN ops.audit_log.key_id IS 'Which key that was';

-- The end of the chain: whoever adds a row holds this one, so writers come one after the other, and rows that somebody
-- cuts off at the end are missed.
CREATE TABLE ops.audit_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO ops.audit_head (id, hash) VALUES (0, decode(repeat('00', 32), 'hex'));
COMMENT ON TABLE ops.audit_head IS 'The last row of ops.audit_log';

CREATE FUNCTION ops.refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% only grows: its rows are neither changed nor removed', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_log_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_rewriting();
CREATE TRIGGER audit_head_stays BEFORE DELETE OR TRUNCATE ON ops.audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_rewriting();

-- What a system can be for; besides the ten types of business systems `iot` (devices) and `database` (asked on behalf of
-- others, as the MySQL that Cetec needs).
ALTER TABLE ops.connection ADD CONSTRAINT connection_type CHECK (type IN (
    'payment_gateway', 'erp', 'accounting', 'crm', 'email', 'sms', 'shipping', 'inventory', 'api', 'webhook',
    'iot', 'database'));
ALTER TABLE ops.connection ADD COLUMN secrets jsonb;
COMMENT ON COLUMN ops.connection.secrets IS 'For each secret of the block a keyed fingerprint, to notice that it changed; nothing can be guessed from it';
COMMENT ON COLUMN ops.connection.status IS 'testing (never passed a test or a run), active, error (the last test or run was refused by the system) or inactive (switched off by a person: runs are refused)';

GRANT SELECT ON ops.audit_log, ops.audit_head TO landfall_analyst;
