-- The outbox: what has to reach a system exactly once, whatever dies on the way.

CREATE TABLE ops.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sync text NOT NULL,
    connection text COLLATE "C" NOT NULL,
    topic text NOT NULL CHECK (topic <> ''),
    subject text COLLATE "C" NOT NULL CHECK (subject <> ''),
    idempotency_key text COLLATE "C" NOT NULL CHECK (idempotency_key <> ''),
    payload json NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sending', 'unknown', 'acked', 'rejected')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error text,
    reply text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz,
    settled_at timestamptz,
    UNIQUE (sync, connection, topic, idempotency_key),
    CONSTRAINT what_may_have_been_sent_says_when CHECK (status IN ('pending', 'rejected') OR sent_at IS NOT NULL),
    CONSTRAINT a_rejection_says_why CHECK (status <> 'rejected' OR last_error IS NOT NULL),
    CONSTRAINT what_is_settled_says_when CHECK ((status IN ('acked', 'rejected')) = (settled_at IS NOT NULL))
);
CREATE INDEX outbox_open ON ops.outbox (sync, connection, topic, subject, id)
    WHERE status IN ('pending', 'sending', 'unknown');
COMMENT ON TABLE ops.outbox IS 'Messages that other systems must get exactly once; open ones wait for the next delivery';
COMMENT ON COLUMN ops.outbox.id IS 'Messages about the same subject go out in this order';
COMMENT ON COLUMN ops.outbox.sync IS 'The sync that wants it sent';
COMMENT ON COLUMN ops.outbox.connection IS 'The connection';
COMMENT ON COLUMN ops.outbox.topic IS 'What kind of message it is, in the words of the sync';
COMMENT ON COLUMN ops.outbox.subject IS 'What it is about, such as the id of a record; a later message waits for an earlier one';
COMMENT ON COLUMN ops.outbox.idempotency_key IS 'The same wish has the same key, so it is noted once however often it is made';
COMMENT ON COLUMN ops.outbox.payload IS 'What is sent';
COMMENT ON COLUMN ops.outbox.status IS 'pending (not sent), sending (under way, or its sender died), unknown (the answer was lost: it is looked up, never blindly sent again), acked (it arrived), rejected (it was refused, or will never be sent)';
COMMENT ON COLUMN ops.outbox.attempts IS 'How often it was sent';
COMMENT ON COLUMN ops.outbox.next_attempt_at IS 'Not before this time is it sent or looked up';
COMMENT ON COLUMN ops.outbox.last_error IS 'What stood in the way last; without secrets';
COMMENT ON COLUMN ops.outbox.reply IS 'What the other system answered, such as the id that it gave';
COMMENT ON COLUMN ops.outbox.created_at IS 'When it was asked for';
COMMENT ON COLUMN ops.outbox.sent_at IS 'When it was sent last';
COMMENT ON COLUMN ops.outbox.settled_at IS 'When it became acked or rejected';
GRANT SELECT ON ops.outbox TO landfall_analyst;
