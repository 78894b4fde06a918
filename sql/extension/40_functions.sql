-- The functions that users call, in the schema that CREATE EXTENSION chose.
CREATE FUNCTION iasql.fdw_validator(text[], oid) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'fdw_validator_wrapper';
COMMENT ON FUNCTION iasql.fdw_validator(text[], oid) IS 'Checks the options of servers and user mappings.';

CREATE FOREIGN DATA WRAPPER iasql VALIDATOR iasql.fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER iasql IS 'Says how to reach AWS (servers) and with which credentials (user mappings).';

CREATE FUNCTION iasql.kinds()
    RETURNS TABLE (table_name text, column_name text, change text, when_null text, is_key boolean,
                   refers_to_table text, refers_to_column text, belongs boolean, allowed_values text[])
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kinds_wrapper';
COMMENT ON FUNCTION iasql.kinds() IS
'What each column of the module tables means to a plan. change: in place, replace (only a new object can have another value), filled (by AWS), button, or part (ties a part to its whole). when_null: absent (NULL is a value) or chosen (AWS chooses). is_key: part of what tells objects apart. belongs: the row goes with the one that it refers to. allowed_values: of enum columns.
Sample: SELECT * FROM iasql.kinds() WHERE table_name = ''log_group'';';

CREATE FUNCTION @extschema@.iasql_install(VARIADIC modules text[])
    RETURNS TABLE (module_name text, created_table_name text, record_count int)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_install_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_install(text[]) IS
'Creates the tables of the modules, and of those they need, and imports what the account holds. Superusers only, unless granted.
Sample: SELECT * FROM iasql_install(''aws_vpc'', ''aws_security_group'');';
-- Who owns the module tables decides what every later apply acts on, with whose credentials so ever.
REVOKE EXECUTE ON FUNCTION @extschema@.iasql_install(text[]) FROM PUBLIC;

CREATE FUNCTION @extschema@.iasql_uninstall(VARIADIC modules text[])
    RETURNS TABLE (module_name text, dropped_table_name text, record_count int)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_uninstall_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_uninstall(text[]) IS
'Drops the tables of the modules. Nothing in AWS changes. Superusers only, unless granted.
Sample: SELECT * FROM iasql_uninstall(''aws_cloudwatch'');';
REVOKE EXECUTE ON FUNCTION @extschema@.iasql_uninstall(text[]) FROM PUBLIC;

CREATE FUNCTION @extschema@.iasql_plan_apply()
    RETURNS TABLE (action text, table_name text, id int, description text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_plan_apply_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_plan_apply() IS
'What iasql_apply() would do. Changes nothing.
Sample: SELECT * FROM iasql_plan_apply();';

CREATE FUNCTION @extschema@.iasql_preview_apply()
    RETURNS TABLE (action text, table_name text, id int, description text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_plan_apply_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_preview_apply() IS
'What iasql_apply() would do: another name of iasql_plan_apply().
Sample: SELECT * FROM iasql_preview_apply();';

CREATE FUNCTION @extschema@.iasql_explain_apply()
    RETURNS TABLE (step int, action text, table_name text, id int, description text, column_name text,
                   before text, after text, why text, waits_for int[])
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_explain_apply_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_explain_apply() IS
'What iasql_apply() would do, with every changed column, its value before and after, and why. Changes nothing.
Sample: SELECT * FROM iasql_explain_apply();';

CREATE FUNCTION @extschema@.iasql_apply()
    RETURNS TABLE (action text, table_name text, id int, description text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_apply_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_apply() IS
'Makes AWS match the tables.
Sample: SELECT * FROM iasql_apply();';

CREATE FUNCTION @extschema@.iasql_plan_sync()
    RETURNS TABLE (action text, table_name text, id int, description text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_plan_sync_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_plan_sync() IS
'What iasql_sync() would do to the tables. Changes nothing.
Sample: SELECT * FROM iasql_plan_sync();';

CREATE FUNCTION @extschema@.iasql_preview_sync()
    RETURNS TABLE (action text, table_name text, id int, description text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_plan_sync_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_preview_sync() IS
'What iasql_sync() would do to the tables: another name of iasql_plan_sync().
Sample: SELECT * FROM iasql_preview_sync();';

CREATE FUNCTION @extschema@.iasql_sync()
    RETURNS TABLE (action text, table_name text, id int, description text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_sync_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_sync() IS
'Makes the tables match AWS. Undoes edits that were not applied.
Sample: SELECT * FROM iasql_sync();';

CREATE FUNCTION @extschema@.delete_all_records() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'delete_all_records_wrapper';
COMMENT ON FUNCTION @extschema@.delete_all_records() IS
'Deletes the rows of every module table but those that are protected or belong to the account itself. iasql_apply() then deletes their objects; iasql_sync() brings the rows back.
Sample: SELECT delete_all_records();';

CREATE FUNCTION @extschema@.iasql_modules_list()
    RETURNS TABLE (module_name text, module_version text, dependencies text[])
    LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_modules_list_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_modules_list() IS
'The modules that can be installed.
Sample: SELECT * FROM iasql_modules_list();';

CREATE FUNCTION @extschema@.iasql_modules_installed()
    RETURNS TABLE (module_name text, module_version text, dependencies text[])
    LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_modules_installed_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_modules_installed() IS
'The modules that are installed.
Sample: SELECT * FROM iasql_modules_installed();';

CREATE FUNCTION @extschema@.iasql_take_over() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_take_over_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_take_over() IS
'Makes this database, a copy of another, the one that may apply. Superusers only, unless granted.
Sample: SELECT iasql_take_over();';
REVOKE EXECUTE ON FUNCTION @extschema@.iasql_take_over() FROM PUBLIC;

CREATE FUNCTION @extschema@.iasql_tighten(setting text, value text) RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_tighten_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_tighten(text, text) IS
'Makes iasql.max_deletes, iasql.adopt or iasql.on_drift as tight as this for the session, and never looser. Returns what is in force then. Anybody may.
Sample: SELECT iasql_tighten(''iasql.max_deletes'', ''0'');';

CREATE FUNCTION @extschema@.iasql_version() RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'iasql_version_wrapper';
COMMENT ON FUNCTION @extschema@.iasql_version() IS
'The version of the library.
Sample: SELECT iasql_version();';

CREATE FUNCTION @extschema@.iasql_help()
    RETURNS TABLE (name text, signature text, description text, sample_usage text)
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.proname::text,
           p.proname || '(' || pg_get_function_arguments(p.oid) || ') RETURNS ' || pg_get_function_result(p.oid),
           btrim(split_part(obj_description(p.oid, 'pg_proc'), E'\nSample: ', 1)),
           btrim(split_part(obj_description(p.oid, 'pg_proc'), E'\nSample: ', 2))
    FROM pg_proc p
    JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'iasql'
    JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname <> 'iasql'
    ORDER BY p.proname
$$;
COMMENT ON FUNCTION @extschema@.iasql_help() IS
'One row for each function.
Sample: SELECT * FROM iasql_help();';
