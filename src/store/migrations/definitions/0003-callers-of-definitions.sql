-- Up Migration

-- What a document names as the definition of a child, and perhaps more: the strings behind "definition". Taken from the document's characters,
-- since functions of json fail at any \u0000 in it. An index over it covers the versions of before, and those that older processes write.
CREATE FUNCTION named_definitions(document json) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(DISTINCT found[1]), '{}')
  FROM regexp_matches(document::text, '"definition"\s*:\s*"([A-Za-z][A-Za-z0-9_.-]{0,127})"', 'g') AS found
$$;

CREATE INDEX definition_version_named ON definition_version USING gin (named_definitions(document));
