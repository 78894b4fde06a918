//! Scripts and migrations that fail in the middle, by the clients that run them.

use std::path::Path;

use iasql_tests::proxy::{Action, Reply};
use iasql_tests::{Fixture, Migrations, Result};

use crate::world::{count, in_cloud, is_settled, settles, world};

/// Migrations in a folder of this test's own.
fn migrations(test: &str, scripts: &[(&str, &str)]) -> Result<Migrations> {
    Migrations::write(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(test), scripts)
}

const V1: &str = "INSERT INTO log_group (log_group_name) VALUES ('a');
                  SELECT * FROM iasql_apply();";

const V2: &str = "INSERT INTO log_group (log_group_name) VALUES ('b');
                  INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16');
                  SELECT * FROM iasql_apply();";

const ALL: [&str; 3] = ["log_group a", "log_group b", "vpc 10.1.0.0/16"];

/// Makes AWS refuse new VPCs.
fn deny_vpcs(fixture: &Fixture) {
    fixture.proxy().set_rule(|call| match call.name.as_str() {
        "ec2:CreateVpc" => Action::Reply(Reply::access_denied(call)),
        _ => Action::Forward,
    });
}

/// A migration that failed is no part of Flyway's history: Postgres has rolled that back as well.
fn history(fixture: &Fixture) -> Result<Vec<String>> {
    let rows = fixture.session()?.query(
        "SELECT version FROM flyway_schema_history WHERE success AND type = 'SQL' ORDER BY installed_rank",
    )?;
    Ok(rows.lines())
}

#[test]
fn a_migration_that_failed_in_apply_says_what_to_do_and_runs_again() -> Result {
    let fixture = world()?;
    let migrations = migrations(
        "failed_in_apply",
        &[("V1__one.sql", V1), ("V2__two.sql", V2)],
    )?;
    deny_vpcs(&fixture);
    let failed = migrations.run_by_flyway(fixture.database())?;
    assert!(!failed.success(), "{failed}");
    let said = format!("{}{}", failed.stdout, failed.stderr);
    for text in [
        "SQL State  : 42501",
        "ec2:CreateVpc",
        "Allow the action ec2:CreateVpc",
        "done: create log_group b",
    ] {
        assert!(said.contains(text), "{text} is missing in {said}");
    }
    assert_eq!(history(&fixture)?, ["1"]);
    assert_eq!(in_cloud(&fixture)?, ["log_group a", "log_group b"]);

    fixture.proxy().forward_all();
    let again = migrations.run_by_flyway(fixture.database())?;
    assert!(again.success(), "{again}");
    assert_eq!(history(&fixture)?, ["1", "2"]);
    assert_eq!(
        count(&fixture, "logs:CreateLogGroup"),
        2,
        "what the failed migration made was made twice"
    );
    assert_eq!(in_cloud(&fixture)?, ALL);
    is_settled(&fixture)
}

#[test]
fn a_migration_that_fails_after_its_apply_takes_its_rows_along_and_runs_again() -> Result {
    let fixture = world()?;
    let failing = format!("{V2} SELECT 1 / 0;");
    let name = "failed_after_apply";
    let failed = migrations(name, &[("V1__one.sql", V1), ("V2__two.sql", &failing)])?
        .run_by_flyway(fixture.database())?;
    assert!(!failed.success(), "{failed}");
    assert_eq!(history(&fixture)?, ["1"]);
    assert_eq!(in_cloud(&fixture)?, ALL);

    let mended = migrations(name, &[("V1__one.sql", V1), ("V2__two.sql", V2)])?;
    let again = mended.run_by_flyway(fixture.database())?;
    assert!(again.success(), "{again}");
    assert_eq!(count(&fixture, "ec2:CreateVpc"), 1);
    assert_eq!(count(&fixture, "logs:CreateLogGroup"), 2);
    is_settled(&fixture)
}

#[test]
fn a_migration_that_is_given_up_is_said_and_imported() -> Result {
    let fixture = world()?;
    let failing = format!("{V2} SELECT 1 / 0;");
    let scripts = [("V1__one.sql", V1), ("V2__two.sql", failing.as_str())];
    let failed = migrations("given_up", &scripts)?.run_by_flyway(fixture.database())?;
    assert!(!failed.success(), "{failed}");
    settles(&fixture, &ALL)
}

#[test]
fn a_commit_inside_a_script_keeps_what_was_applied_before_it() -> Result {
    let fixture = world()?;
    let output = fixture.database().psql(&format!(
        "BEGIN; {V1} COMMIT; BEGIN; {V2} SELECT 1 / 0; COMMIT;"
    ))?;
    assert_eq!(output.status, Some(3), "{output}");
    let rows = fixture
        .session()?
        .query("SELECT log_group_name FROM log_group")?;
    assert_eq!(rows.lines(), ["a"]);
    assert_eq!(in_cloud(&fixture)?, ALL);
    settles(&fixture, &ALL)
}

#[test]
fn statements_that_psql_sends_each_by_itself_are_kept_up_to_the_error() -> Result {
    let fixture = world()?;
    let output = fixture.database().psql(&format!("{V2} SELECT 1 / 0;"))?;
    assert_eq!(output.status, Some(3), "{output}");
    assert_eq!(in_cloud(&fixture)?, ["log_group b", "vpc 10.1.0.0/16"]);
    is_settled(&fixture)
}

#[test]
fn psql_that_rolls_back_each_error_keeps_the_rest_of_the_transaction() -> Result {
    let fixture = world()?;
    deny_vpcs(&fixture);
    let script =
        format!("\\set ON_ERROR_STOP off\n\\set ON_ERROR_ROLLBACK on\nBEGIN;\n{V2}\nCOMMIT;\n");
    let output = fixture.database().psql(&script)?;
    assert!(output.stderr.contains("ec2:CreateVpc"), "{output}");
    // The rows were written before the statement that failed.
    let rows = fixture
        .session()?
        .query("SELECT log_group_name FROM log_group")?;
    assert_eq!(rows.lines(), ["b"]);
    fixture.proxy().forward_all();
    settles(&fixture, &["log_group b", "vpc 10.1.0.0/16"])?;
    assert_eq!(count(&fixture, "logs:CreateLogGroup"), 0, "made twice");
    Ok(())
}
