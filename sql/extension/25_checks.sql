-- Functions for the CHECK constraints of the module tables: what one expression cannot say.
-- A NULL argument gives no false, so that a nullable column may be NULL.

CREATE FUNCTION iasql.is_string_map(document jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    -- Strict mode: lax mode would look into an array and take its elements for values.
    SELECT jsonb_typeof(document) = 'object'
       AND NOT jsonb_path_exists(document, 'strict $.* ? (@.type() != "string")', silent => true);
END;
COMMENT ON FUNCTION iasql.is_string_map(jsonb) IS 'Whether the document is a JSON object whose values are all strings.';

-- In Rust: a query would cost each row more than all other checks and indexes.
CREATE FUNCTION iasql.valid_tags(tags jsonb) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'valid_tags_wrapper';
COMMENT ON FUNCTION iasql.valid_tags(jsonb) IS
    'Whether AWS takes the tags: an object of at most 50 strings, keys of 1 to 128 characters that do not begin with aws:, values of at most 256 characters.';

CREATE FUNCTION iasql.valid_policy(policy jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_typeof(policy) = 'object' AND coalesce(jsonb_typeof(policy -> 'Statement') IN ('array', 'object'), false);
END;
COMMENT ON FUNCTION iasql.valid_policy(jsonb) IS 'Whether the document has the outer form of a policy: an object with statements.';

CREATE FUNCTION iasql.valid_policy(policy text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN iasql.valid_policy(policy::jsonb);
EXCEPTION WHEN data_exception THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION iasql.valid_policy(text) IS 'Whether the text is JSON and has the outer form of a policy: an object with statements.';
