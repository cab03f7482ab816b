-- What can be searched, and the indexes on disk for it. The declarations are in ops.search_index, the indexes are made after
-- landings (warehouse/search.py), and ops.search (0031) looks. The extension pg_trgm may come later.

CREATE TABLE ops.search_index (
    table_schema text NOT NULL,
    index_name text NOT NULL,
    table_name text NOT NULL,
    type text NOT NULL,
    fields text[] NOT NULL CHECK (cardinality(fields) > 0),
    field_first boolean NOT NULL DEFAULT false,
    name_field text NOT NULL,
    kind_field text,
    active_field text,
    updated_field text NOT NULL,
    shown jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (table_schema, index_name, table_name)
);
COMMENT ON TABLE ops.search_index IS 'What can be searched: a row for each table that an index of the search looks into';
COMMENT ON COLUMN ops.search_index.table_schema IS 'Schema of the table, which is also that of the search function';
COMMENT ON COLUMN ops.search_index.index_name IS 'Name of the index, as given to landfall search';
COMMENT ON COLUMN ops.search_index.table_name IS 'The landed table';
COMMENT ON COLUMN ops.search_index.type IS 'What a hit in this table is called';
COMMENT ON COLUMN ops.search_index.fields IS 'What is searched, the weightiest first: columns, or a column of JSON and a path into it (column$path)';
COMMENT ON COLUMN ops.search_index.field_first IS 'Whether any hit in an earlier field comes before every hit in a later one';
COMMENT ON COLUMN ops.search_index.name_field IS 'The column shown as the name of a hit';
COMMENT ON COLUMN ops.search_index.kind_field IS 'The column that tells kinds apart within the table, if there is one';
COMMENT ON COLUMN ops.search_index.active_field IS 'The column that is false for what is inactive, if there is one';
COMMENT ON COLUMN ops.search_index.updated_field IS 'The column that says when the record last changed at its source';
COMMENT ON COLUMN ops.search_index.shown IS 'What else a hit shows: its label, and a column or a path as in fields';

-- What is compared: without case, accents and compatibility forms. The check for plain ASCII makes the usual case cheap.
-- A database without a locale lowers ASCII alone, so there the letters of others come from ICU.
DO $migration$
BEGIN
    EXECUTE format($function$
        CREATE FUNCTION ops.fold(words text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
        BEGIN
            IF octet_length(words) = char_length(words) THEN
                RETURN lower(words);
            END IF;
            RETURN lower(regexp_replace(normalize(words, NFKD), '[\u0300-\u036f]', '', 'g')%s);
        END
        $$$function$,
        CASE WHEN lower(U&'\00C4\0416') <> U&'\00E4\0436'
            AND EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu' AND collnamespace = 'pg_catalog'::regnamespace)
            THEN ' COLLATE pg_catalog."und-x-icu"' ELSE '' END);
END
$migration$;
COMMENT ON FUNCTION ops.fold IS 'Text as search compares it: lower case, without accents';

CREATE FUNCTION ops.search_values(document jsonb, path jsonpath) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT string_agg(value #>> '{}', E'\n') FROM jsonb_path_query(document, path, '{}', true) AS found (value));
COMMENT ON FUNCTION ops.search_values IS 'The values at a path in a JSON document, a line each; null where there is none';

-- A declaration may name columns that only a later version lands.
CREATE FUNCTION ops.search_field(relation regclass, field text) RETURNS text
LANGUAGE sql STABLE
RETURN (
    SELECT CASE WHEN strpos(field, '$') = 0 THEN quote_ident(attname)
        ELSE format('ops.search_values(%I, %L::jsonpath)', attname, substr(field, strpos(field, '$'))) END
    FROM pg_attribute
    WHERE attrelid = relation AND attname = split_part(field, '$', 1) AND attnum > 0 AND NOT attisdropped
);
COMMENT ON FUNCTION ops.search_field IS 'The SQL that reads a declared field of a landed table; null where the table lacks it';

-- Every field is a line that begins with a space, so that a pattern can ask for the beginning of a field or word. The
-- order of the fields is left to the ranking: indexes that differ in nothing else share one on disk. Longer texts are
-- documents, not names: of them the beginning is searched.
CREATE FUNCTION ops.search_text(relation regclass, fields text[]) RETURNS text
LANGUAGE sql STABLE
RETURN (
    SELECT format('ops.fold(%s)', string_agg(format($$E'\n ' || left(coalesce(%s, ''), 4000)$$, part), ' || ' ORDER BY part))
    FROM unnest(fields) AS field, ops.search_field(relation, field) AS part WHERE part IS NOT NULL
);
COMMENT ON FUNCTION ops.search_text IS 'The SQL of all searched text of a row: the expression of the trigram index';

-- Cut before and after, since folding may lengthen it and a B-tree holds no more than 2,700 bytes.
CREATE FUNCTION ops.search_leads(relation regclass, fields text[]) RETURNS text[]
LANGUAGE sql STABLE
RETURN ARRAY(
    SELECT format('left(ops.fold(left(coalesce(%s, %L), 100)), 100)', part, '')
    FROM unnest(fields) WITH ORDINALITY AS field (name, place), ops.search_field(relation, field.name) AS part
    WHERE part IS NOT NULL ORDER BY place LIMIT 2
);
COMMENT ON FUNCTION ops.search_leads IS 'The SQL of the first two searched fields: the expressions of the indexes that find their beginnings';

-- The indexes on disk that the declarations ask for. Their names tell their expressions apart. What a landing changes waits
-- in a list that every search reads; of the usual 4 MB of it a search would take ten times as long.
CREATE FUNCTION ops.search_wanted()
RETURNS TABLE (table_schema text, index_name text, table_name text, relation regclass, name text, definition text)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT i.table_schema, i.index_name, i.table_name, r.relation,
        format('%s_search_%s', left(i.table_name, 40), left(md5(way.kind || way.expression), 8)),
        CASE way.kind WHEN 'btree' THEN format('btree ((%s) COLLATE "C")', way.expression)
            ELSE format('gin ((%s) %sgin_trgm_ops) WITH (gin_pending_list_limit = 512)', way.expression, (SELECT quote_ident(n.nspname) || '.' FROM pg_extension AS e
                JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm')) END
    FROM ops.search_index AS i, to_regclass(format('%I.%I', i.table_schema, i.table_name)) AS r (relation), LATERAL (VALUES
        ('gin', ops.search_text(r.relation, i.fields)), ('btree', (ops.search_leads(r.relation, i.fields))[1]),
        ('btree', (ops.search_leads(r.relation, i.fields))[2])) AS way (kind, expression)
    WHERE r.relation IS NOT NULL AND way.expression IS NOT NULL;
END;
COMMENT ON FUNCTION ops.search_wanted IS 'The indexes on disk that search needs, for the tables that have landed';

CREATE VIEW ops.search_status AS
SELECT w.table_schema, w.index_name, w.table_name,
    coalesce(sum(pg_relation_size(x.indexrelid)), 0)::bigint AS bytes, bool_and(coalesce(x.indisvalid, false)) AS ready
FROM ops.search_wanted() AS w
LEFT JOIN pg_index AS x ON x.indrelid = w.relation AND x.indexrelid = to_regclass(format('%I.%I', w.table_schema, w.name))
GROUP BY 1, 2, 3;
COMMENT ON VIEW ops.search_status IS 'For each index of the search and table that has landed: its size on disk, and whether it is ready';
COMMENT ON COLUMN ops.search_status.table_schema IS 'The schema';
COMMENT ON COLUMN ops.search_status.index_name IS 'The index, as given to landfall search';
COMMENT ON COLUMN ops.search_status.table_name IS 'The landed table that it looks into';
COMMENT ON COLUMN ops.search_status.bytes IS 'Size on disk; indexes over the same columns share it';
COMMENT ON COLUMN ops.search_status.ready IS 'False until the next landing has made it; search works without, slowly';
GRANT SELECT ON ops.search_status TO landfall_analyst;
GRANT SELECT ON ops.search_index TO landfall_analyst;
