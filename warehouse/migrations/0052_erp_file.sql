-- ERP: which files of a drop folder have landed.

CREATE TABLE erp.landed_file (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection text NOT NULL,
    stream text NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX landed_file_name ON erp.landed_file (connection, stream, name, id DESC);
COMMENT ON TABLE erp.landed_file IS 'Files that have landed, in their order. A file whose name and content are those of the last one of its name is not landed again';
COMMENT ON COLUMN erp.landed_file.id IS 'Order of landing';
COMMENT ON COLUMN erp.landed_file.connection IS 'Connection through which it came';
COMMENT ON COLUMN erp.landed_file.stream IS 'Table in which it landed';
COMMENT ON COLUMN erp.landed_file.name IS 'Name of the file in the inbox';
COMMENT ON COLUMN erp.landed_file.sha256 IS 'Checksum of the file as it lay there';
COMMENT ON COLUMN erp.landed_file.noted_at IS 'When it was noted, after its rows had been committed';

GRANT SELECT ON erp.landed_file TO landfall_analyst;
