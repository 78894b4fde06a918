//! The owner of a module table hangs code on it, which a mightier role then sets off.

use iasql_tests::{Result, Session, Stage};

/// A stage on which mallory owns the module table `log_group`, and a function `steal()` that notes with whose rights
/// it runs. There is one log group, known and not mallory's to delete.
struct Trap {
    stage: Stage,
    mallory: String,
}

impl Trap {
    fn set(hooks: &str) -> Result<Self> {
        let stage = Stage::with(&[])?;
        stage.create_log_group("there")?;
        let mallory = stage.role("mallory")?;
        stage.superuser()?.query(&format!(
            "GRANT CREATE ON SCHEMA public TO {mallory};
             GRANT EXECUTE ON FUNCTION iasql_install TO {mallory}"
        ))?;
        let trap = Self { stage, mallory };
        trap.session()?.query(&format!(
            "SELECT iasql_install('aws_cloudwatch');
             CREATE TABLE loot (taken_by name, at_once bool);
             GRANT INSERT ON loot TO PUBLIC;
             CREATE FUNCTION steal() RETURNS bool LANGUAGE plpgsql AS $$
             BEGIN
                 INSERT INTO public.loot VALUES (current_user, current_setting('is_superuser')::bool);
                 RETURN true;
             END $$;
             CREATE FUNCTION spring() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN PERFORM public.steal(); RETURN coalesce(NEW, OLD); END $$;
             {hooks}"
        ))?;
        Ok(trap)
    }

    fn session(&self) -> Result<Session> {
        self.stage.as_role(&self.mallory)
    }

    /// Forgets what the trap has caught.
    fn empty(&self) -> Result {
        self.session()?.query("TRUNCATE loot").map(drop)
    }

    /// With whose rights the code has run since the trap was last emptied.
    fn caught(&self) -> Result<Vec<String>> {
        let caught = self
            .session()?
            .query("SELECT DISTINCT taken_by FROM loot ORDER BY 1")?;
        Ok(caught.lines())
    }

    /// The superuser inserts, changes and deletes rows in the table by apply, sync and delete_all_records.
    fn let_superuser_work(&self) -> Result {
        let mallory = &self.mallory;
        // The rows are mallory's, so that the superuser touches the table only through the extension.
        self.session()?
            .query("INSERT INTO log_group (log_group_name) VALUES ('new')")?;
        self.empty()?;
        let mut superuser = self.stage.superuser()?;
        superuser.query("SELECT iasql_plan_apply(); SELECT iasql_apply()")?;
        assert_eq!(self.caught()?, [mallory.as_str()], "on update");
        self.stage.create_log_group("found")?;
        self.empty()?;
        superuser.query("SELECT iasql_plan_sync(); SELECT iasql_sync()")?;
        assert_eq!(self.caught()?, [mallory.as_str()], "on insert");
        self.empty()?;
        superuser.query("SELECT delete_all_records()")?;
        Ok(())
    }
}

#[test]
fn triggers_on_a_module_table_run_with_its_owners_rights() -> Result {
    let trap = Trap::set(
        "CREATE TRIGGER before_row BEFORE INSERT OR UPDATE OR DELETE ON log_group FOR EACH ROW EXECUTE FUNCTION spring();
         CREATE TRIGGER after_row AFTER INSERT OR UPDATE OR DELETE ON log_group FOR EACH ROW EXECUTE FUNCTION spring();
         CREATE TRIGGER after_all AFTER INSERT OR UPDATE OR DELETE ON log_group EXECUTE FUNCTION spring()",
    )?;
    trap.let_superuser_work()?;
    assert_eq!(trap.caught()?, [trap.mallory.as_str()], "on delete");
    Ok(())
}

#[test]
fn rules_on_a_module_table_run_with_its_owners_rights() -> Result {
    let trap = Trap::set(
        "CREATE RULE i AS ON INSERT TO log_group DO ALSO SELECT steal();
         CREATE RULE u AS ON UPDATE TO log_group DO ALSO SELECT steal();
         CREATE RULE d AS ON DELETE TO log_group DO ALSO INSERT INTO loot SELECT current_user, steal()",
    )?;
    let mut superuser = trap.stage.superuser()?;
    trap.session()?
        .query("ALTER TABLE log_group DISABLE RULE i; INSERT INTO log_group (log_group_name) VALUES ('new'); ALTER TABLE log_group ENABLE RULE i")?;
    trap.stage.create_log_group("found")?;
    trap.empty()?;
    superuser.query("SELECT iasql_apply(); SELECT iasql_sync()")?;
    assert_eq!(trap.caught()?, [trap.mallory.as_str()]);
    Ok(())
}

#[test]
fn checks_and_defaults_of_a_module_table_run_with_its_owners_rights() -> Result {
    let trap = Trap::set(
        "ALTER TABLE log_group ADD CONSTRAINT stealing CHECK (steal()), ADD COLUMN stolen bool DEFAULT steal();
         CREATE FUNCTION immutable_steal() RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN public.steal(); END';
         CREATE INDEX stealing ON log_group ((immutable_steal())) WHERE immutable_steal()",
    )?;
    trap.let_superuser_work()
}

#[test]
fn code_on_a_module_table_cannot_prepare_the_callers_session_for_later() -> Result {
    // What is set is undone; what would stay is refused.
    let trap = Trap::set(
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             SET search_path = evil;
             SET iasql.server = 'evil';
             RETURN NEW;
         END $$;
         CREATE TRIGGER linger BEFORE UPDATE ON log_group FOR EACH ROW EXECUTE FUNCTION linger();
         INSERT INTO log_group (log_group_name) VALUES ('new')",
    )?;
    let mut superuser = trap.stage.superuser()?;
    superuser.query("SELECT iasql_apply()")?;
    let settings = superuser
        .query("SELECT current_setting('search_path'), current_setting('iasql.server')")?;
    assert_eq!(settings.lines(), ["\"$user\", public|aws"]);

    for (attack, code) in [
        ("CREATE TEMP TABLE log_group (n int)", "42501"),
        ("PREPARE later AS SELECT 1", "42501"),
        ("SET ROLE postgres", "42501"),
        ("SET SESSION AUTHORIZATION postgres", "42501"),
    ] {
        trap.session()?.query(&format!(
            "CREATE OR REPLACE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN EXECUTE '{attack}'; RETURN NEW; END $$;
             UPDATE log_group SET retention_in_days = coalesce(retention_in_days, 0) + 1 WHERE false;
             ALTER TABLE log_group DISABLE TRIGGER linger;
             INSERT INTO log_group (log_group_name) VALUES ('{code}{}');
             ALTER TABLE log_group ENABLE TRIGGER linger",
            attack.len()
        ))?;
        let refusal = superuser.refusal("SELECT iasql_apply()")?;
        assert_eq!(refusal.sqlstate, code, "{attack}: {refusal}");
    }
    Ok(())
}

#[test]
fn code_on_a_module_table_cannot_start_another_run_inside_the_run() -> Result {
    for function in ["iasql_apply()", "iasql_sync()", "iasql_install('aws_iam')"] {
        let trap = Trap::set(&format!(
            "CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM public.{function}; RETURN NEW; END $$;
             CREATE TRIGGER again BEFORE UPDATE ON log_group FOR EACH ROW EXECUTE FUNCTION again();
             INSERT INTO log_group (log_group_name) VALUES ('new')"
        ))?;
        let refusal = trap.stage.superuser()?.refusal("SELECT iasql_apply()")?;
        assert_eq!(refusal.sqlstate, "55000", "{refusal}");
        assert_eq!(
            refusal.message,
            "an apply, sync or install cannot be started by a trigger or inside another one"
        );
    }
    Ok(())
}

#[test]
fn a_column_of_a_users_own_type_is_refused_before_its_casts_can_run() -> Result {
    for (make_type, name) in [
        ("CREATE TYPE mine AS ENUM ('x')", "mine"),
        ("CREATE DOMAIN mine AS text CHECK (public.steal())", "mine"),
        (
            "CREATE TYPE element AS ENUM ('x'); CREATE DOMAIN mine AS element[]",
            "mine",
        ),
    ] {
        let trap = Trap::set(&format!(
            "{make_type};
             ALTER TABLE log_group DROP COLUMN log_group_arn;
             ALTER TABLE log_group ADD COLUMN log_group_arn {name}"
        ))?;
        trap.empty()?;
        let refusal = trap
            .stage
            .superuser()?
            .refusal("SELECT iasql_plan_apply()")?;
        assert_eq!(refusal.sqlstate, "42804");
        assert_eq!(
            refusal.message,
            "column log_group_arn of table log_group has the type \"public\".\"mine\", which is not one of Postgres or iasql"
        );
        assert_eq!(
            refusal.hint,
            "ALTER TABLE log_group ALTER COLUMN log_group_arn TYPE …; as it was installed."
        );
        assert_eq!(trap.caught()?, Vec::<String>::new());
    }
    Ok(())
}

#[test]
fn a_module_table_that_was_turned_into_a_view_is_gone() -> Result {
    let trap = Trap::set("DELETE FROM log_group; SELECT iasql_plan_apply()")?;
    let mut mallory = trap.session()?;
    // A table becomes a view when it is bare and empty and gets a rule for SELECT (up to Postgres 15).
    mallory.query(
        "DO $$
         DECLARE statement text;
         BEGIN
             FOR statement IN
                 SELECT format('ALTER TABLE log_group DROP CONSTRAINT %I', conname) FROM pg_constraint
                 WHERE conrelid = 'log_group'::regclass
                 UNION ALL
                 SELECT format('DROP TRIGGER %I ON log_group', tgname) FROM pg_trigger
                 WHERE tgrelid = 'log_group'::regclass AND NOT tgisinternal
             LOOP EXECUTE statement; END LOOP;
         END $$",
    )?;
    mallory.query("VACUUM log_group")?;
    mallory.query("ALTER TABLE log_group ALTER region DROP NOT NULL")?;
    let columns = mallory.query(
        "SELECT string_agg(format('NULL::%s AS %I', format_type(atttypid, atttypmod), attname), ', ' ORDER BY attnum)
         FROM pg_attribute WHERE attrelid = 'log_group'::regclass AND attnum > 0",
    )?;
    let columns = columns.scalar().unwrap_or_default();
    mallory.query(&format!(
        "CREATE RULE \"_RETURN\" AS ON SELECT TO log_group DO INSTEAD SELECT {columns} WHERE steal()"
    ))?;
    trap.empty()?;
    let mut superuser = trap.stage.superuser()?;
    for function in [
        "iasql_plan_apply()",
        "iasql_apply()",
        "iasql_sync()",
        "delete_all_records()",
    ] {
        let refusal = superuser.refusal(&format!("SELECT {function}"))?;
        assert_eq!(refusal.sqlstate, "42P01", "{refusal}");
        assert_eq!(
            refusal.message,
            "table log_group of module aws_cloudwatch is gone"
        );
    }
    superuser.query("SELECT iasql_uninstall('aws_cloudwatch')")?;
    assert_eq!(trap.caught()?, Vec::<String>::new());
    assert_eq!(trap.stage.log_groups()?, ["there"]);
    Ok(())
}

#[test]
fn rows_that_the_owner_hides_from_himself_are_an_error_for_a_superuser_too() -> Result {
    let trap = Trap::set(
        "ALTER TABLE log_group ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
         CREATE POLICY none ON log_group USING (false)",
    )?;
    for function in ["iasql_plan_apply()", "iasql_apply()", "iasql_sync()"] {
        let refusal = trap
            .stage
            .superuser()?
            .refusal(&format!("SELECT {function}"))?;
        assert_eq!(
            (refusal.sqlstate.as_str(), refusal.message.as_str()),
            (
                "42501",
                "query would be affected by row-level security policy for table \"log_group\""
            )
        );
    }
    assert_eq!(trap.stage.log_groups()?, ["there"]);
    Ok(())
}
