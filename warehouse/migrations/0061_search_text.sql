-- A company's name is as a rule also what it is called in the lists. A text that stands in a field before, word for word,
-- cannot be found better a second time, and its trigrams are what an index of the search costs.
CREATE OR REPLACE FUNCTION ops.search_text(relation regclass, fields text[]) RETURNS text
LANGUAGE sql STABLE
RETURN (
    SELECT format('ops.fold(%s)', string_agg(
        CASE WHEN earlier IS NULL THEN line ELSE format($$CASE WHEN %s IN (%s) THEN '' ELSE %s END$$, part, earlier, line) END,
        ' || ' ORDER BY part))
    FROM (
        SELECT part, format($$E'\n ' || left(coalesce(%s, ''), 4000)$$, part) AS line,
            -- What is computed from a field would be computed for every comparison.
            CASE WHEN strpos(part, '(') = 0 THEN string_agg(part, ', ') FILTER (WHERE strpos(part, '(') = 0)
                OVER (ORDER BY part ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) END AS earlier
        FROM unnest(fields) AS field, ops.search_field(relation, field) AS part WHERE part IS NOT NULL
    ) AS searched
);
