-- What vendors were asked, and how long the tokens for it are good.

CREATE TABLE ops.api_call (
    connection text NOT NULL,
    day date NOT NULL,
    host text NOT NULL,
    method text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('ok', 'unauthorized', 'throttled', 'refused', 'failed', 'lost')),
    calls bigint NOT NULL,
    metered bigint NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (connection, day, host, method, outcome)
);
COMMENT ON TABLE ops.api_call IS 'Requests to vendors, added up by day; a process that is killed takes its last seconds along';
COMMENT ON COLUMN ops.api_call.connection IS 'Kind and name of the connection, with a slash';
COMMENT ON COLUMN ops.api_call.day IS 'The day, in UTC';
COMMENT ON COLUMN ops.api_call.host IS 'The host that was asked';
COMMENT ON COLUMN ops.api_call.method IS 'GET, POST, …';
COMMENT ON COLUMN ops.api_call.outcome IS 'ok, unauthorized (401, 403), throttled (429), refused (other 3xx and 4xx), failed (5xx) or lost (no answer)';
COMMENT ON COLUMN ops.api_call.calls IS 'How many requests';
COMMENT ON COLUMN ops.api_call.metered IS 'How many of them the vendor counts towards its price or limit';
COMMENT ON COLUMN ops.api_call.seconds IS 'What they took, added up';

CREATE VIEW ops.api_call_month AS
SELECT connection, date_trunc('month', day)::date AS month, sum(calls)::bigint AS calls, sum(metered)::bigint AS metered,
    coalesce(sum(calls) FILTER (WHERE outcome <> 'ok'), 0)::bigint AS failed, sum(seconds) AS seconds
FROM ops.api_call GROUP BY 1, 2;
COMMENT ON VIEW ops.api_call_month IS 'Requests to vendors by month (UTC), as vendors meter them';
COMMENT ON COLUMN ops.api_call_month.month IS 'The first day of the month';
COMMENT ON COLUMN ops.api_call_month.metered IS 'Requests that the vendor counts; the ceiling of a connection is about these';
COMMENT ON COLUMN ops.api_call_month.failed IS 'Requests with any outcome but ok';

ALTER TABLE ops.oauth_token
    ADD COLUMN obtained_at timestamptz,
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN refresh_expires_at timestamptz,
    ADD COLUMN consent_expires_at timestamptz,
    ADD COLUMN refusal text;
COMMENT ON COLUMN ops.oauth_token.obtained_at IS 'When the access token was obtained';
COMMENT ON COLUMN ops.oauth_token.expires_at IS 'When the access token ends';
COMMENT ON COLUMN ops.oauth_token.refresh_expires_at IS 'When the refresh token ends unless it is used before';
COMMENT ON COLUMN ops.oauth_token.consent_expires_at IS 'When the consent ends, whatever is done';
COMMENT ON COLUMN ops.oauth_token.refusal IS 'What the vendor said when it refused the refresh token; nothing is asked again until there is a new one';
COMMENT ON COLUMN ops.oauth_token.rotations IS 'How often a new access token was kept';

CREATE VIEW ops.token_status AS
SELECT connection,
    CASE
        WHEN refusal IS NOT NULL THEN 'refused'
        WHEN least(refresh_expires_at, consent_expires_at) < now() THEN 'expired'
        ELSE 'good'
    END AS state,
    obtained_at, expires_at, refresh_expires_at, consent_expires_at, refusal, rotations, saved_at
FROM ops.oauth_token;
COMMENT ON VIEW ops.token_status IS 'Whether the stored tokens are good, and until when; nothing secret';
COMMENT ON COLUMN ops.token_status.state IS 'good, refused (somebody has to sign in again) or expired';

GRANT SELECT ON ops.api_call, ops.api_call_month, ops.token_status TO landfall_analyst;
