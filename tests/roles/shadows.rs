//! Objects that stand in the way of a search path do not stand in for what the extension means.

use iasql_tests::{Result, Stage};

/// Makes functions, operators, a type and relations with names that Postgres and the extension use, in the current
/// schema. Each notes in `loot` with whose rights it was used.
const PLANT: &str = r"
    CREATE TABLE public.loot (taken_by name);
    GRANT INSERT ON public.loot TO PUBLIC;
    CREATE FUNCTION public.steal() RETURNS bool LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO public.loot VALUES (current_user); RETURN true; END $$;
    CREATE FUNCTION length(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN PERFORM public.steal(); RETURN 1; END $$;
    CREATE FUNCTION array_position(text[], text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN PERFORM public.steal(); RETURN NULL; END $$;
    CREATE FUNCTION jsonb_path_exists(jsonb, text, silent bool) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN PERFORM public.steal(); RETURN false; END $$;
    CREATE FUNCTION current_database() RETURNS name LANGUAGE plpgsql AS
        $$ BEGIN PERFORM public.steal(); RETURN 'elsewhere'; END $$;
    CREATE FUNCTION has_table_privilege(regclass, text) RETURNS bool LANGUAGE plpgsql AS
        $$ BEGIN PERFORM public.steal(); RETURN true; END $$;
    CREATE FUNCTION public.same(text, text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN PERFORM public.steal(); RETURN true; END $$;
    CREATE FUNCTION public.same(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN PERFORM public.steal(); RETURN true; END $$;
    CREATE FUNCTION public.same(name, text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN PERFORM public.steal(); RETURN true; END $$;
    CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same);
    CREATE OPERATOR = (LEFTARG = int, RIGHTARG = int, FUNCTION = public.same);
    CREATE OPERATOR = (LEFTARG = name, RIGHTARG = text, FUNCTION = public.same);
    CREATE OPERATOR > (LEFTARG = int, RIGHTARG = int, FUNCTION = public.same);
    CREATE OPERATOR <> (LEFTARG = int, RIGHTARG = int, FUNCTION = public.same);
    CREATE OPERATOR <= (LEFTARG = int, RIGHTARG = int, FUNCTION = public.same);
    CREATE OPERATOR ~ (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same);
    CREATE DOMAIN text AS pg_catalog.text CHECK (public.steal());
    CREATE DOMAIN jsonb AS pg_catalog.jsonb CHECK (public.steal());
    CREATE VIEW pg_class AS SELECT * FROM pg_catalog.pg_class WHERE public.steal();
    CREATE VIEW pg_extension AS SELECT * FROM pg_catalog.pg_extension WHERE public.steal();
    CREATE VIEW pg_foreign_server AS SELECT * FROM pg_catalog.pg_foreign_server WHERE public.steal();
    CREATE VIEW region AS SELECT 'eu-west-1'::pg_catalog.text AS region WHERE public.steal();
    GRANT ALL ON pg_class, pg_extension, pg_foreign_server, region TO PUBLIC;
";

#[test]
fn objects_planted_in_a_schema_are_not_used_even_when_the_path_prefers_them() -> Result {
    let stage = Stage::with(&[])?;
    stage.create_log_group("there")?;
    let mallory = stage.role("mallory")?;
    let mut superuser = stage.superuser()?;
    superuser.query(&format!(
        "GRANT CREATE ON SCHEMA public TO {mallory};
         CREATE SCHEMA trap AUTHORIZATION {mallory}"
    ))?;
    let mut session = stage.as_role(&mallory)?;
    session.query(&format!(
        "SET search_path = trap; {PLANT}; GRANT USAGE ON SCHEMA trap TO PUBLIC"
    ))?;
    superuser.query(
        "SET search_path = trap, public, pg_catalog;
         SELECT iasql_install('aws_cloudwatch', 'aws_iam', 'aws_security_group')",
    )?;
    superuser.query("INSERT INTO log_group (log_group_name, retention_in_days, tags) VALUES ('new', 7, '{\"a\": \"b\"}')")?;
    superuser.query("INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '{\"Statement\": []}')")?;
    superuser.query("INSERT INTO security_group (group_name, description) VALUES ('g', 'd')")?;
    for function in [
        "iasql_plan_apply()",
        "iasql_apply()",
        "iasql_plan_sync()",
        "iasql_sync()",
        "iasql_help()",
        "iasql_modules_installed()",
        "delete_all_records()",
        "iasql_apply()",
        "iasql_uninstall('aws_iam')",
    ] {
        superuser.query(&format!("SELECT public.{function}"))?;
    }
    let mut session = stage.as_role(&mallory)?;
    assert_eq!(
        session.query("TABLE public.loot")?.lines(),
        Vec::<String>::new()
    );
    // Who used the wrong ones would have left these.
    session.query("SET search_path = trap, pg_catalog; SELECT length('abc'::pg_catalog.text)")?;
    assert_eq!(session.query("TABLE public.loot")?.lines(), [mallory]);
    Ok(())
}

#[test]
fn the_extension_itself_is_made_without_what_is_planted_in_its_schema() -> Result {
    let stage = Stage::with(&[])?;
    let mallory = stage.stranger("mallory")?;
    let database = stage.fixture().database().cluster().create_database()?;
    let mut superuser = database.connect()?;
    superuser.query(&format!("GRANT CREATE ON SCHEMA public TO {mallory}"))?;
    let mut session = database.connect_as(&mallory)?;
    session.query(&format!("SET search_path = public; {PLANT}"))?;
    superuser.query("CREATE EXTENSION iasql")?;
    superuser.query(
        r#"SELECT iasql.valid_tags('{"a": "b"}'), iasql.is_string_map('{"a": "b"}'),
                  iasql.valid_policy('{"Statement": []}'), iasql.default_region()"#,
    )?;
    superuser.query("SELECT * FROM iasql_help()")?;
    let loot = session.query("SELECT taken_by FROM loot")?;
    assert_eq!(loot.lines(), Vec::<String>::new());
    Ok(())
}

#[test]
fn temporary_objects_of_the_caller_are_not_used_with_the_rights_of_the_extension() -> Result {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    stage.create_log_group("there")?;
    let mallory = stage.role("mallory")?;
    stage.superuser()?.query(&format!(
        "SELECT iasql_sync();
         GRANT ALL ON log_group TO {mallory};
         GRANT CREATE ON SCHEMA public TO {mallory}"
    ))?;
    let mut session = stage.as_role(&mallory)?;
    session.query(&format!(
        "CREATE TEMP TABLE log_group (log_group_name text); SET search_path = pg_temp, pg_catalog; {PLANT}"
    ))?;
    session.query(
        "SELECT public.iasql_plan_apply(); SELECT public.iasql_apply(); SELECT public.iasql_sync()",
    )?;
    let caught = session.query(
        "SELECT taken_by FROM public.loot WHERE taken_by OPERATOR(pg_catalog.<>) current_user",
    )?;
    assert_eq!(caught.lines(), Vec::<String>::new());
    assert_eq!(stage.log_groups()?, ["there"]);
    Ok(())
}

#[test]
fn a_table_is_known_by_what_it_is_and_not_by_its_name() -> Result {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    stage.create_log_group("there")?;
    let mut session = stage.superuser()?;
    session.query(
        "SELECT iasql_sync();
         CREATE TEMP TABLE log_group (LIKE public.log_group INCLUDING ALL);
         CREATE SCHEMA other; CREATE TABLE other.log_group (LIKE public.log_group INCLUDING DEFAULTS);
         SET search_path = other, public",
    )?;
    assert!(session.query("SELECT * FROM iasql_apply()")?.is_empty());
    assert!(session.query("SELECT * FROM iasql_sync()")?.is_empty());
    // It may be renamed and moved.
    session.query(
        "ALTER TABLE public.log_group RENAME TO logs; ALTER TABLE public.logs SET SCHEMA other",
    )?;
    session.query("UPDATE other.logs SET retention_in_days = 7")?;
    let applied = session.query("SELECT * FROM iasql_apply()")?;
    assert_eq!(applied.lines(), ["update|log_group|1|there"]);
    assert_eq!(stage.log_groups()?, ["there"]);
    Ok(())
}
