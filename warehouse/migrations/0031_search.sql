-- Looking: ops.search and what it is made of. Statements are composed from declarations and literals, each quoted.

-- Where pg_trgm is: not everybody puts it into public.
CREATE FUNCTION ops.search_schema() RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    place text := (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_trgm');
BEGIN
    IF place IS NULL THEN
        RAISE feature_not_supported USING MESSAGE = 'Search needs the extension pg_trgm, which this database lacks',
            HINT = 'Let its owner or an administrator run in this database: CREATE EXTENSION pg_trgm;';
    END IF;
    RETURN place;
END
$$;
COMMENT ON FUNCTION ops.search_schema IS 'The schema that holds the extension pg_trgm';

CREATE FUNCTION ops.search_reach(words text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    known text[];
BEGIN
    EXECUTE format('SELECT %s.show_trgm($1)', ops.search_schema()) INTO known USING words;
    RETURN CASE WHEN cardinality(known) = 0 THEN 'nothing'
        WHEN EXISTS (SELECT FROM unnest(known) AS trigram WHERE strpos(trigram, ' ') = 0) THEN 'anywhere'
        WHEN words ~ '^[[:alnum:]]' THEN 'beginnings' ELSE 'nothing' END;
END
$$;
COMMENT ON FUNCTION ops.search_reach IS
    'What a trigram index finds of these words: them anywhere, them at beginnings of words (one or two letters), or nothing';

-- The SQL of everything that an index holds, tables one after the other; null where nothing of it has landed.
CREATE FUNCTION ops.search_rows(in_schema text, in_index text) RETURNS text
LANGUAGE sql STABLE
RETURN (
    SELECT string_agg(format(
        'SELECT ctid, connection::text, id::text, %L AS type, %s AS kind, %s AS name, %s AS active, %s AS updated_at,'
        ' %s COLLATE "C" AS lead, %s COLLATE "C" AS second, %s AS words, ARRAY[%s] AS texts, jsonb_build_object(%s) AS shown'
        ' FROM %s WHERE _deleted_at IS NULL',
        d.type, coalesce(ops.search_field(relation, d.kind_field), 'NULL::text'),
        coalesce(ops.search_field(relation, d.name_field), 'NULL::text'),
        coalesce('coalesce(' || ops.search_field(relation, d.active_field) || ', true)', 'true'),
        coalesce(ops.search_field(relation, d.updated_field), '_changed_at'),
        leads[1], coalesce(leads[2], 'NULL::text'), ops.search_text(relation, d.fields), searched.texts,
        coalesce(besides.shown, ''), relation
    ), ' UNION ALL ' ORDER BY d.type)
    FROM ops.search_index AS d, to_regclass(format('%I.%I', d.table_schema, d.table_name)) AS relation,
        ops.search_leads(relation, d.fields) AS leads, LATERAL (
        SELECT string_agg(format('ops.fold(left(coalesce(%s, %L), 4000))', part, ''), ', ' ORDER BY place)
        FROM unnest(d.fields) WITH ORDINALITY AS field (name, place), ops.search_field(relation, field.name) AS part
        WHERE part IS NOT NULL
    ) AS searched (texts), LATERAL (
        SELECT string_agg(format('%L, %s', label, part), ', ')
        FROM jsonb_each_text(d.shown) AS pair (label, field), ops.search_field(relation, pair.field) AS part
        WHERE part IS NOT NULL
    ) AS besides (shown)
    WHERE d.table_schema = in_schema AND d.index_name = in_index AND relation IS NOT NULL AND searched.texts IS NOT NULL
);
COMMENT ON FUNCTION ops.search_rows IS 'The SQL of the rows that an index of the search holds';

-- The same, without those that the filters leave out.
CREATE FUNCTION ops.search_source(
    in_schema text, in_index text, of_connection text, is_active boolean, of_type text, since timestamptz
) RETURNS text LANGUAGE sql STABLE
RETURN '(SELECT * FROM (' || ops.search_rows(in_schema, in_index) || ') AS r WHERE ' || concat_ws(' AND ', 'true',
    'connection = ' || quote_literal(of_connection), 'active = ' || quote_literal(is_active),
    'updated_at >= ' || quote_literal(since), quote_literal(lower(of_type)) || ' IN (lower(type), lower(kind))') || ')';
COMMENT ON FUNCTION ops.search_source IS 'The SQL of the rows of an index that the filters let through';

CREATE FUNCTION ops.search_literal(words text) RETURNS text LANGUAGE sql IMMUTABLE STRICT
RETURN regexp_replace(words, '([\\%_])', '\\\1', 'g');
COMMENT ON FUNCTION ops.search_literal IS 'Text as it stands for itself in a pattern of LIKE';

-- Where looking for similar words costs little enough to do it beside hits as well.
CREATE FUNCTION ops.search_small(in_schema text, in_index text) RETURNS boolean LANGUAGE sql STABLE
RETURN (SELECT sum(c.reltuples) < 100000 FROM ops.search_index AS i
    JOIN pg_class AS c ON c.oid = to_regclass(format('%I.%I', i.table_schema, i.table_name))
    WHERE (i.table_schema, i.index_name) = (in_schema, in_index));
COMMENT ON FUNCTION ops.search_small IS 'Whether an index of the search holds less than some 100,000 rows';

-- The order of hits by a column (with - before it, the other way round), nulls at the end; null: by relevance.
CREATE FUNCTION ops.search_order(in_schema text, in_index text, sort text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    key text := ltrim(sort, '-');
    columns CONSTANT text[] := ARRAY['id', 'name', 'type', 'kind', 'connection', 'updated_at'];
    others text[] := ARRAY(SELECT DISTINCT label FROM ops.search_index, jsonb_object_keys(shown) AS label
        WHERE (table_schema, index_name) = (in_schema, in_index) ORDER BY label);
BEGIN
    IF coalesce(sort, 'relevance') = 'relevance' THEN
        RETURN NULL;
    ELSIF key <> ALL (columns || others) THEN
        RAISE invalid_parameter_value USING MESSAGE = format('Search cannot sort by %L', sort), HINT = format(
            'Sort by relevance, %s; with - before it, the other way round', array_to_string(columns || others, ', '));
    END IF;
    RETURN CASE WHEN key = 'name' THEN 'ops.fold(name) COLLATE "C"' WHEN key = ANY (columns) THEN key
            ELSE format('nullif(shown -> %L, %L)', key, 'null') END
        || CASE WHEN sort ^@ '-' THEN ' DESC' ELSE '' END || ' NULLS LAST, connection, id';
END
$$;
COMMENT ON FUNCTION ops.search_order IS 'The SQL of the order in which a search gives its hits';

-- How well a hit fits, by its best field: 5 is all of it, 4 it begins so, 3 a word begins so, 2 it is in there, 1 its words
-- are in the row, but not together. A value may have several lines, each of which counts as a whole.
CREATE FUNCTION ops.search_rank(
    texts text[], wanted text, field_first boolean, OUT class integer, OUT rank integer, OUT value text
) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    fits integer;
    points integer;
BEGIN
    FOR place IN 1 .. cardinality(texts) LOOP
        fits := CASE WHEN strpos(texts[place], wanted) = 0 THEN 1
            WHEN strpos(E'\n' || texts[place] || E'\n', E'\n' || wanted || E'\n') > 0 THEN 5
            WHEN strpos(E'\n' || texts[place], E'\n' || wanted) > 0 THEN 4
            WHEN strpos(' ' || translate(texts[place], '-/(.#:', '      '), ' ' || translate(wanted, '-/(.#:', '      ')) > 0 THEN 3
            ELSE 2 END;
        points := CASE WHEN field_first AND fits > 1 THEN 1000 - 10 * place + fits ELSE 100 * fits - place END;
        IF rank IS NULL OR points > rank THEN
            class := fits;
            rank := points;
            value := texts[place];
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ops.search_rank IS 'How well a row fits what is looked for, and which of its fields does';

-- What was meant, where what was written is not there: two letters that changed places, then words that have most of
-- their trigrams in common, the nearest first. Of each step at most 100 are weighed: it is about what people may have meant.
CREATE FUNCTION ops.search_similar(source text, wanted text, patterns text[], most integer, levels real[])
RETURNS TABLE (
    connection text, id text, name text, type text, kind text, active boolean, updated_at timestamptz, matched text,
    shown jsonb
) LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_indexscan = off SET jit = off AS $$
DECLARE
    setting CONSTANT text := 'pg_trgm.word_similarity_threshold';
    place CONSTANT text := ops.search_schema();
    before text := current_setting(setting);
    swapped text[] := ARRAY(
        SELECT '%' || ops.search_literal(overlay(wanted PLACING reverse(substr(wanted, at, 2)) FROM at FOR 2)) || '%'
        FROM generate_series(1, char_length(wanted) - 1) AS at
        WHERE char_length(wanted) <= 24 AND substr(wanted, at, 1) <> substr(wanted, at + 1, 1));
    step text;
    above real := 2;
    level real;
    found integer := 0;
    added integer;
BEGIN
    FOREACH level IN ARRAY ARRAY[2::real] || levels LOOP
        EXIT WHEN found >= most;
        CONTINUE WHEN level = 2 AND cardinality(levels) = 1;
        step := CASE WHEN level = 2 THEN 'words LIKE ANY ($3)'
            ELSE format('words OPERATOR(%s.%%>) $1 AND %1$s.word_similarity($1, words) < $5 AND NOT words LIKE ANY ($3)', place) END;
        PERFORM set_config(setting, least(level, 1)::text, true);
        RETURN QUERY EXECUTE format('SELECT connection, id, name, type, kind, active, updated_at, %L, shown'
            ' FROM (SELECT * FROM %s AS s WHERE %s AND NOT words LIKE ALL ($2) LIMIT 100) AS h'
            ' ORDER BY %s.word_similarity($1, words) DESC, lead, connection, id LIMIT $4', 'similar', source, step, place)
            USING wanted, patterns, swapped, most - found, above;
        GET DIAGNOSTICS added = ROW_COUNT;
        found := found + added;
        above := level;
    END LOOP;
    PERFORM set_config(setting, before, true);
END
$$;
COMMENT ON FUNCTION ops.search_similar IS 'What may have been meant by words that were not found';

-- The conditions on a row, the best hits first, each for what those before it do not find. $1 is what is looked for, $2 a
-- pattern for each of its words, $3 one for all of it, $4 those for the beginning of a word.
CREATE FUNCTION ops.search_steps(wanted text, words integer, by_rank boolean) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    -- One or two letters are looked for within words in the first 8 MB of a table only; other scripts, of which a database
    -- without a locale makes no trigrams, in all of it.
    inside CONSTANT text := 'words LIKE ALL ($2)' || CASE WHEN char_length(wanted) < 3 THEN ' AND ctid < ''(1000,1)''' ELSE '' END;
    each CONSTANT text := (SELECT string_agg(format('words LIKE $2[%s]', number), ' AND ') FROM generate_series(1, words) AS number);
BEGIN
    RETURN CASE ops.search_reach(wanted) WHEN 'nothing' THEN ARRAY[inside] WHEN 'beginnings' THEN ARRAY['words LIKE ANY ($4)', inside]
        ELSE CASE WHEN by_rank AND words > 1 THEN ARRAY['words LIKE $3', each] ELSE ARRAY[each] END END;
END
$$;
COMMENT ON FUNCTION ops.search_steps IS 'The steps in which a search looks for hits';

CREATE FUNCTION ops.search(
    in_schema text, in_index text, query text, max_rows integer DEFAULT 15, of_connection text DEFAULT NULL,
    is_active boolean DEFAULT true, of_type text DEFAULT NULL, since timestamptz DEFAULT NULL,
    sort text DEFAULT 'relevance'
) RETURNS TABLE (
    connection text, id text, name text, type text, kind text, active boolean, updated_at timestamptz, matched text,
    shown jsonb
) LANGUAGE plpgsql STABLE
-- What the trigram index can find is found by it: a LIMIT makes the planner hope for early hits of a scan of everything.
SET enable_seqscan = off SET enable_indexscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    wanted text := btrim(regexp_replace(ops.fold(left(coalesce(query, ''), 200)), '\s+', ' ', 'g'));
    patterns text[] := ARRAY(SELECT '%' || ops.search_literal(word) || '%' FROM unnest(string_to_array(wanted, ' ')) AS word);
    beginnings text[] := ARRAY(
        SELECT '%' || mark || ops.search_literal(wanted) || '%' FROM unnest('{" ",-,/,(,.,#,:}'::text[]) AS mark);
    most integer := least(greatest(coalesce(max_rows, 15), 1), 100);
    source text := ops.search_source(in_schema, in_index, of_connection, is_active, of_type, since);
    ordered text := ops.search_order(in_schema, in_index, sort);
    steps text[] := ops.search_steps(wanted, cardinality(patterns), ordered IS NULL);
    field_first boolean := (SELECT bool_or(i.field_first) FROM ops.search_index AS i
        WHERE (i.table_schema, i.index_name) = (in_schema, in_index));
    -- Where the first field goes before all, the beginning of the second is worth less than the middle of the first.
    starts text := CASE WHEN field_first THEN 'lead ^@ left($1, 100)'
        ELSE '(lead ^@ left($1, 100) OR second ^@ left($1, 100)) IS TRUE' END;
    candidates text;
    begun tid[];
    found integer := 0;
    added integer;
BEGIN
    IF field_first IS NULL THEN
        RAISE undefined_object USING MESSAGE = format('There is no search index %s', in_index), HINT = 'There are '
            || (SELECT string_agg(DISTINCT i.index_name, ', ') FROM ops.search_index AS i WHERE i.table_schema = in_schema);
    ELSIF source IS NULL THEN
        RETURN;
    END IF;
    PERFORM set_config('enable_indexscan', 'on', true);
    IF wanted = '' THEN
        RETURN QUERY EXECUTE format('SELECT connection, id, name, type, kind, active, updated_at, $2, shown FROM %s AS s'
            ' WHERE lead <> $2 ORDER BY %s LIMIT $1', source, coalesce(ordered, 'lead, connection, id')) USING most, wanted;
        RETURN;
    ELSIF ordered IS NULL THEN
        -- Beginnings of the first two fields come in order, so an exact hit is always among those that are weighed.
        EXECUTE format('SELECT array_agg(ctid) FROM ((SELECT ctid FROM %1$s AS s WHERE lead ^@ left($1, 100) ORDER BY lead LIMIT $2)'
            ' UNION (SELECT ctid FROM %1$s AS s WHERE second ^@ left($1, 100) AND NOT $3 ORDER BY second LIMIT $2)) AS b', source)
            INTO begun USING wanted, most, field_first;
    END IF;
    PERFORM set_config('enable_indexscan', 'off', true);
    FOR step IN 1 .. cardinality(steps) LOOP
        candidates := format('SELECT * FROM %s AS s WHERE %s', source, steps[step]);
        IF ordered IS NOT NULL THEN
            candidates := format('%s ORDER BY %s LIMIT $5', candidates, ordered);
        ELSIF step > 1 THEN
            candidates := format('%s AND NOT (%s) AND NOT %s LIMIT 100', candidates, array_to_string(steps[:step - 1], ') AND NOT ('), starts);
        ELSE
            candidates := format('(SELECT * FROM %s AS s WHERE ctid = ANY ($6) AND %s)', source, starts)
                || CASE WHEN coalesce(cardinality(begun), 0) < most THEN format(' UNION (%s LIMIT 100)', candidates) ELSE '' END;
        END IF;
        RETURN QUERY EXECUTE format('SELECT connection, id, name, type, kind, active, updated_at, (%L::text[])[class], shown'
            ' FROM (%s) AS h, ops.search_rank(texts, $1, $7) ORDER BY %s LIMIT $5', '{words,partial,word,prefix,exact}',
            candidates, coalesce(ordered, 'rank DESC, value COLLATE "C", connection, id'))
            USING wanted, patterns, '%' || ops.search_literal(wanted) || '%', beginnings, most - found, begun, field_first;
        GET DIAGNOSTICS added = ROW_COUNT;
        found := found + added;
        IF found = most OR found > 0 AND ordered IS NOT NULL THEN
            RETURN;
        END IF;
    END LOOP;
    IF ops.search_reach(wanted) = 'anywhere' AND (found = 0 OR ops.search_small(in_schema, in_index)) THEN
        RETURN QUERY EXECUTE format('SELECT * FROM ops.search_similar($1, $2, $3, $4, $5) %s LIMIT $6', 'ORDER BY ' || ordered)
            USING source, wanted, patterns, CASE WHEN ordered IS NULL THEN most - found ELSE 200 END,
                CASE WHEN found = 0 THEN '{0.8,0.6,0.45}'::real[] ELSE '{0.6}' END, most - found;
    END IF;
END
$$;
COMMENT ON FUNCTION ops.search IS 'Looks into an index of the search; see docs/search.md';
