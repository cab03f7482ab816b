-- Connections that were deleted after they had landed: their rows and cursors are still there.

CREATE TABLE ops.former_connection (
    sync text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    identity text NOT NULL,
    deleted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sync, name)
);
COMMENT ON TABLE ops.former_connection IS 'Whose rows stand under the name of a connection that was deleted; made anew, it has to lead there again';
COMMENT ON COLUMN ops.former_connection.sync IS 'The sync that landed them: the kind of the connection up to its first hyphen';
COMMENT ON COLUMN ops.former_connection.name IS 'The name, as it stands in the column connection of the rows';
COMMENT ON COLUMN ops.former_connection.identity IS 'The company that the vendor reported';
COMMENT ON COLUMN ops.former_connection.deleted_at IS 'When the connection was deleted';
GRANT SELECT ON ops.former_connection TO landfall_analyst;
