-- Where the database knows the letters of every script, pg_trgm shows trigrams with others than ASCII as a number in eight
-- signs, from which it cannot be seen whether they lie within a word: two letters would be looked for in the whole table,
-- and then what is similar to them.
CREATE OR REPLACE FUNCTION ops.search_reach(words text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    known text[];
BEGIN
    EXECUTE format('SELECT %s.show_trgm($1)', ops.search_schema()) INTO known USING words;
    RETURN CASE WHEN cardinality(known) = 0 THEN 'nothing'
        WHEN EXISTS (SELECT FROM unnest(known) AS trigram WHERE CASE char_length(trigram)
            WHEN 3 THEN strpos(trigram, ' ') = 0 ELSE words ~ '[[:alnum:]]{3}' END) THEN 'anywhere'
        WHEN words ~ '^[[:alnum:]]' THEN 'beginnings' ELSE 'nothing' END;
END
$$;
