//! What would run in everybody's session cannot be planted by a lesser role.

use iasql_tests::{Result, Stage};

#[test]
fn event_triggers_casts_and_operators_of_trusted_types_are_not_for_lesser_roles() -> Result {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    let mallory = stage.role("mallory")?;
    stage.superuser()?.query(&format!(
        "GRANT CREATE ON SCHEMA public TO {mallory};
         GRANT ALL ON log_group TO {mallory}"
    ))?;
    let mut session = stage.as_role(&mallory)?;
    session.query(
        "CREATE FUNCTION steal() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
         CREATE FUNCTION to_int(iasql.vpc_state) RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION spring() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    )?;
    for attack in [
        "CREATE EVENT TRIGGER planted ON ddl_command_end EXECUTE FUNCTION steal()",
        "CREATE CAST (iasql.vpc_state AS int) WITH FUNCTION to_int",
        "ALTER TYPE iasql.vpc_state ADD VALUE 'planted'",
        "CREATE OPERATOR CLASS planted DEFAULT FOR TYPE text USING btree AS STORAGE text",
        "CREATE FUNCTION iasql.planted() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION iasql.default_region() RETURNS text LANGUAGE sql AS 'SELECT NULL::text'",
        "ALTER FUNCTION iasql.copy_protection() SET search_path = public",
        "CREATE RULE planted AS ON UPDATE TO log_group DO INSTEAD NOTHING",
        "CREATE POLICY planted ON log_group USING (false)",
        "ALTER TABLE log_group ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE log_group ALTER retention_in_days SET DEFAULT 1",
        "ALTER TABLE log_group DISABLE TRIGGER copy_protection",
        "CREATE TABLE planted () INHERITS (log_group)",
        "ALTER EXTENSION iasql ADD FUNCTION spring()",
        "ALTER EXTENSION iasql UPDATE",
        "CREATE TRIGGER planted BEFORE INSERT ON iasql.journal EXECUTE FUNCTION spring()",
        "SET session_replication_role = replica",
    ] {
        let refusal = session.refusal(attack)?;
        assert_eq!(refusal.sqlstate, "42501", "{attack}: {refusal}");
    }
    Ok(())
}

#[test]
fn a_trigger_of_one_who_may_make_triggers_cannot_undo_what_a_mightier_apply_writes() -> Result {
    // Who has TRIGGER on a table hangs code on it that runs with the rights of whoever writes. So that is as much as to own
    // it: what apply writes then runs with the owner's rights at most, and what it agreed on is not the trigger's to say.
    let stage = Stage::with(&[])?;
    let (owner, mallory) = (stage.role("owner")?, stage.role("mallory")?);
    let mut superuser = stage.superuser()?;
    superuser.query(&format!(
        "GRANT CREATE ON SCHEMA public TO {owner}, {mallory};
         GRANT EXECUTE ON FUNCTION iasql_install TO {owner}"
    ))?;
    let mut owning = stage.as_role(&owner)?;
    owning.query(&format!(
        "SELECT iasql_install('aws_cloudwatch');
         GRANT TRIGGER, SELECT ON log_group TO {mallory};
         INSERT INTO log_group (log_group_name) VALUES ('new')"
    ))?;
    stage.as_role(&mallory)?.query(
        "CREATE TABLE loot (taken_by name); GRANT INSERT ON loot TO PUBLIC;
         CREATE FUNCTION spring() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN INSERT INTO public.loot VALUES (current_user); RETURN NULL; END';
         CREATE TRIGGER planted BEFORE UPDATE ON log_group FOR EACH ROW EXECUTE FUNCTION spring()",
    )?;
    superuser.query("SELECT iasql_apply()")?;
    let loot = stage
        .as_role(&mallory)?
        .query("SELECT DISTINCT taken_by FROM loot")?;
    assert_eq!(loot.lines(), [owner]);
    // The row was not written, and the object is neither made again nor lost.
    assert!(
        superuser
            .query("SELECT * FROM iasql_plan_apply()")?
            .is_empty()
    );
    assert_eq!(stage.log_groups()?, ["new"]);
    Ok(())
}

#[test]
fn a_column_of_a_users_own_type_does_not_run_its_casts_as_the_extensions_owner() -> Result {
    let stage = Stage::with(&[])?;
    let mallory = stage.role("mallory")?;
    stage.superuser()?.query(&format!(
        "GRANT CREATE ON SCHEMA public TO {mallory};
         GRANT EXECUTE ON FUNCTION iasql_install TO {mallory}"
    ))?;
    let mut session = stage.as_role(&mallory)?;
    let who_ran = "CREATE TABLE ran (what text, who name DEFAULT current_user)";
    session.query(&format!(
        "SELECT iasql_install('aws_cloudwatch');
         INSERT INTO log_group (log_group_name) VALUES ('one');
         SELECT iasql_apply();
         {who_ran};
         GRANT INSERT ON ran TO PUBLIC;
         CREATE TYPE own AS (n int);
         CREATE FUNCTION as_json(own) RETURNS json LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO public.ran VALUES ('json'); RETURN '{{}}'; END $$;
         CREATE FUNCTION as_boolean(own) RETURNS boolean LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO public.ran VALUES ('boolean'); RETURN true; END $$;
         CREATE CAST (own AS json) WITH FUNCTION as_json(own);
         CREATE CAST (own AS boolean) WITH FUNCTION as_boolean(own) AS ASSIGNMENT"
    ))?;
    // Beside the table's own columns.
    session.query("ALTER TABLE log_group ADD COLUMN mine own DEFAULT ROW(1)::own")?;
    session.query("UPDATE log_group SET protected = true")?;
    // In the place of one.
    session.query(
        "ALTER TABLE log_group DROP COLUMN protected CASCADE;
         ALTER TABLE log_group ADD COLUMN protected own DEFAULT ROW(1)::own;
         CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON log_group
             FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
         UPDATE log_group SET protected = ROW(2)::own",
    )?;
    let ran = session.query(&format!("SELECT * FROM ran WHERE who <> '{mallory}'"))?;
    assert!(ran.is_empty(), "ran as another:\n{ran}");
    Ok(())
}
