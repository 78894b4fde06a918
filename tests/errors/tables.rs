//! Module tables that are not what they were.

use super::{assert_says, changes};
use iasql_tests::{Fixture, Result, Service};
use serde_json::json;

/// A database that knows one log group, which an empty table would delete.
fn with_log_group() -> Result<Fixture> {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    fixture.cloud().json(
        Service::Logs,
        "CreateLogGroup",
        &json!({"logGroupName": "there"}),
    )?;
    fixture.session()?.query("SELECT iasql_sync()")?;
    Ok(fixture)
}

const RUNS: [&str; 4] = [
    "iasql_plan_apply()",
    "iasql_apply()",
    "iasql_sync()",
    "delete_all_records()",
];

#[test]
fn a_table_that_was_dropped_is_an_error_and_not_an_empty_table() -> Result {
    let fixture = with_log_group()?;
    let mut session = fixture.session()?;
    for replacement in [
        "",
        "CREATE TABLE log_group (log_group_name text)",
        "CREATE VIEW log_group AS SELECT 1 AS n",
    ] {
        for run in RUNS {
            session.query(&format!("BEGIN; DROP TABLE log_group; {replacement}"))?;
            let error = session.refusal(&format!("SELECT {run}"))?;
            assert_says(
                &error,
                "42P01",
                "table log_group of module aws_cloudwatch is gone",
                "SELECT * FROM iasql_uninstall('aws_cloudwatch'); and install it again. Nothing in AWS is deleted by that.",
            );
            session.query("ROLLBACK")?;
        }
    }
    // What the hint says helps.
    session.query("DROP TABLE log_group; SELECT * FROM iasql_uninstall('aws_cloudwatch')")?;
    session.install(&["aws_cloudwatch"])?;
    assert_eq!(
        session
            .query("SELECT log_group_name FROM log_group")?
            .lines(),
        ["there"]
    );
    assert_eq!(changes(&fixture), Vec::<String>::new());
    Ok(())
}

#[test]
fn a_column_that_was_dropped_is_an_error() -> Result {
    let fixture = with_log_group()?;
    let mut session = fixture.session()?;
    for column in ["retention_in_days", "creation_time"] {
        for run in RUNS {
            session.query(&format!(
                "BEGIN; ALTER TABLE log_group DROP COLUMN {column}"
            ))?;
            let error = session.refusal(&format!("SELECT {run}"))?;
            assert_says(
                &error,
                "42703",
                &format!("column {column} of table log_group is gone"),
                "Every column of log_group must stay; its module can be uninstalled and installed again.",
            );
            session.query("ROLLBACK")?;
        }
    }
    assert_eq!(changes(&fixture), Vec::<String>::new());
    Ok(())
}

#[test]
fn what_users_add_to_a_table_is_left_alone() -> Result {
    let fixture = with_log_group()?;
    let mut session = fixture.session()?;
    session.query(
        "ALTER TABLE log_group ADD COLUMN team text DEFAULT 'platform';
         CREATE TABLE audit (log_group_name text);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO audit VALUES (NEW.log_group_name); RETURN NEW; END $$;
         CREATE TRIGGER note AFTER UPDATE ON log_group FOR EACH ROW EXECUTE FUNCTION note();
         CREATE VIEW names AS SELECT log_group_name FROM log_group;
         INSERT INTO log_group (log_group_name, team) VALUES ('new', 'web');
         SELECT iasql_apply()",
    )?;
    assert_eq!(
        session.query("SELECT * FROM names ORDER BY 1")?.lines(),
        ["new", "there"]
    );
    assert_eq!(
        session
            .query("SELECT team FROM log_group ORDER BY 1")?
            .lines(),
        ["platform", "web"]
    );
    // The trigger finds its table by the caller's path.
    assert_eq!(
        session
            .query("SELECT DISTINCT log_group_name FROM audit")?
            .lines(),
        ["new"]
    );
    assert!(session.query("SELECT * FROM iasql_apply()")?.is_empty());
    Ok(())
}
