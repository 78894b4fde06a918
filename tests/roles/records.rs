//! The extension's own records cannot be forged.

use iasql_tests::{Result, Stage};

/// The tables that apply believes.
const RECORDS: [&str; 6] = [
    "apply_lock",
    "binding",
    "installed_table",
    "journal",
    "known",
    "resolved",
];

#[test]
fn nobody_but_the_extension_touches_its_records() -> Result {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    let mallory = stage.role("mallory")?;
    let mut session = stage.as_role(&mallory)?;
    let tables = session.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'iasql'::regnamespace AND relkind = 'r' ORDER BY relname",
    )?;
    let mut expected = RECORDS.to_vec();
    expected.extend(["changed_row", "region"]);
    expected.sort_unstable();
    assert_eq!(tables.lines(), expected);
    for table in RECORDS {
        for statement in [
            format!("SELECT count(*) FROM iasql.{table}"),
            format!("INSERT INTO iasql.{table} DEFAULT VALUES"),
            format!("DELETE FROM iasql.{table}"),
            format!("TRUNCATE iasql.{table}"),
            format!("BEGIN; LOCK TABLE iasql.{table} IN ACCESS SHARE MODE"),
        ] {
            let refusal = session.refusal(&statement)?;
            assert_eq!(refusal.sqlstate, "42501", "{statement}: {refusal}");
            session.query("ROLLBACK")?;
        }
    }
    // Whoever changes a row notes it, and a note is believed only so far that the row is looked at. To take one away
    // would hide the change.
    session.query("INSERT INTO iasql.changed_row (table_name, row_id) VALUES ('log_group', 1)")?;
    for statement in [
        "SELECT count(*) FROM iasql.changed_row",
        "UPDATE iasql.changed_row SET row_id = 2",
        "DELETE FROM iasql.changed_row",
        "TRUNCATE iasql.changed_row",
        "INSERT INTO iasql.changed_row OVERRIDING SYSTEM VALUE VALUES (1, 'log_group', 1)",
    ] {
        let refusal = session.refusal(statement)?;
        assert_eq!(refusal.sqlstate, "42501", "{statement}: {refusal}");
    }
    // Regions are for all to read and refer to.
    assert_eq!(session.query("SELECT region FROM iasql.region")?.len(), 1);
    for statement in [
        "UPDATE iasql.region SET is_enabled = false",
        "INSERT INTO iasql.region (region) VALUES ('us-west-1')",
        "DELETE FROM iasql.region",
        "CREATE TABLE iasql.planted ()",
        "SELECT iasql_take_over()",
    ] {
        assert_eq!(session.refusal(statement)?.sqlstate, "42501", "{statement}");
    }
    Ok(())
}

#[test]
fn no_function_writes_records_from_its_arguments() -> Result {
    let stage = Stage::with(&[])?;
    let functions = stage.superuser()?.query(
        "SELECT p.oid::regprocedure FROM pg_proc p
         WHERE p.prosecdef AND p.pronamespace IN ('iasql'::regnamespace, 'public'::regnamespace) ORDER BY 1",
    )?;
    // It believes nothing but the row that changed.
    assert_eq!(functions.lines(), ["iasql.copy_protection()"]);
    Ok(())
}

#[test]
fn a_protected_object_stays_protected_when_its_row_is_deleted_and_inserted_anew() -> Result {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    let mallory = stage.role("mallory")?;
    let mut superuser = stage.superuser()?;
    superuser.query(&format!(
        "INSERT INTO log_group (log_group_name, protected) VALUES ('precious', true);
         SELECT iasql_apply();
         GRANT SELECT, INSERT, DELETE ON log_group TO {mallory};
         GRANT UPDATE (retention_in_days) ON log_group TO {mallory};
         GRANT USAGE ON SEQUENCE log_group_row_id_seq TO {mallory}"
    ))?;
    let mut session = stage.as_role(&mallory)?;
    let refusal = session.refusal("UPDATE log_group SET protected = false")?;
    assert_eq!(refusal.sqlstate, "42501");

    session.query("DELETE FROM log_group")?;
    let refusal = superuser.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "55000");
    assert_eq!(
        refusal.message,
        "log_group 1 \"precious\": is protected, and the plan would delete it"
    );
    session.query("INSERT INTO log_group (log_group_name) VALUES ('precious')")?;
    let refusal = superuser.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "55000", "{refusal}");
    assert_eq!(
        refusal.message,
        "log_group 2 \"precious\": is protected, and the plan would delete it"
    );
    assert_eq!(stage.log_groups()?, ["precious"]);
    Ok(())
}
