//! Two runs, or a run and a change of the tables themselves.

use super::{APPLY, assert_end, assert_locked, impatient, in_cloud, keep, pair};
use iasql_tests::running::{changes, end, hold, start};
use iasql_tests::{Fixture, Result, Session};

/// A session that applies a change of `a` and is held in the middle of it.
fn applying(fixture: &Fixture, mut session: Session) -> Result<impl FnOnce() -> Result<Session>> {
    session.query(&keep("a", 7))?;
    let gate = hold(fixture, "logs:PutRetentionPolicy");
    let running = start(session, APPLY);
    gate.wait_until_reached()?;
    Ok(move || {
        gate.open();
        let (session, answer) = end(running);
        assert_eq!(answer?.lines(), ["update|a"]);
        Ok(session)
    })
}

#[test]
fn while_one_session_applies_every_other_run_stands_back_and_does_nothing() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    let pid = first.backend_pid()?;
    let finish = applying(&fixture, first)?;
    for function in [
        "iasql_apply()",
        "iasql_sync()",
        "iasql_install('aws_iam')",
        "iasql_uninstall('aws_cloudwatch')",
        "delete_all_records()",
        "iasql_take_over()",
    ] {
        let refusal = second.refusal(&format!("SELECT {function}"))?;
        assert_eq!(refusal.sqlstate, "55P03", "{function}: {refusal}");
        let holder = format!("Process {pid} of user postgres");
        assert!(refusal.detail.starts_with(&holder), "{refusal}");
    }
    finish()?;
    assert_end(&fixture, &["a|7", "b|"], &["update a finished"])
}

#[test]
fn what_would_change_or_drop_the_tables_waits_for_an_apply() -> Result {
    let (fixture, first, mut second) = pair()?;
    let finish = applying(&fixture, first)?;
    for statement in [
        "DROP TABLE log_group",
        "ALTER TABLE log_group DROP COLUMN retention_in_days",
        "ALTER TABLE log_group RENAME TO logs",
        "ALTER TABLE log_group DISABLE TRIGGER ALL",
        "TRUNCATE log_group",
        "LOCK TABLE log_group IN SHARE MODE",
        "DROP EXTENSION iasql CASCADE",
        "UPDATE iasql.region SET is_enabled = false WHERE false; DROP SCHEMA iasql CASCADE",
    ] {
        let answer = second.query(&impatient(statement));
        match statement.contains("SCHEMA") {
            // It is the extension's.
            true => assert_eq!(iasql_tests::running::sqlstate(answer), "2BP01"),
            false => assert_locked(answer),
        }
    }
    finish()?;
    assert_end(&fixture, &["a|7", "b|"], &["update a finished"])
}

#[test]
fn a_plan_during_an_apply_says_so_and_is_made_without_it() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    let pid = first.backend_pid()?;
    let finish = applying(&fixture, first)?;
    second.query("INSERT INTO log_group (log_group_name) VALUES ('c')")?;
    for function in ["iasql_plan_apply", "iasql_explain_apply"] {
        second.take_notices();
        let plan = second.query(&format!(
            "SELECT DISTINCT description FROM {function}() ORDER BY 1"
        ))?;
        assert_eq!(plan.lines(), ["a", "c"]);
        let said = second.take_notices();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0]
                .message
                .starts_with("another apply, sync or install is running in this database")
                && said[0].message.contains(&format!("Process {pid} ")),
            "{said:?}"
        );
    }
    let mut first = finish()?;
    assert_eq!(first.query(APPLY)?.lines(), ["create|c"]);
    assert_end(
        &fixture,
        &["a|7", "b|", "c|"],
        &["update a finished", "create c finished"],
    )
}

#[test]
fn an_uninstall_waits_for_an_edit_with_a_bound_and_then_stands_back() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.query(&format!("BEGIN; {}", keep("a", 7)))?;
    let refusal = second.refusal(&impatient("SELECT iasql_uninstall('aws_cloudwatch')"))?;
    assert_eq!(
        (refusal.sqlstate.as_str(), refusal.message.as_str()),
        ("55P03", "table log_group is locked by another transaction")
    );
    first.query("COMMIT")?;
    first.query(APPLY)?;
    assert_end(&fixture, &["a|7", "b|"], &["update a finished"])
}

#[test]
fn an_uninstall_that_is_not_yet_committed_keeps_other_runs_off_and_one_rolled_back_changes_nothing()
-> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.query("BEGIN; SELECT iasql_uninstall('aws_cloudwatch')")?;
    assert_locked(second.query(APPLY));
    assert_locked(second.query(&impatient("SELECT * FROM iasql_plan_apply()")));
    assert_locked(second.query(&impatient(&keep("a", 7))));
    first.query("ROLLBACK")?;
    second.query(&keep("a", 7))?;
    second.query(APPLY)?;
    assert_end(&fixture, &["a|7", "b|"], &["update a finished"])
}

#[test]
fn an_install_that_is_not_yet_committed_keeps_other_runs_off_and_edits_go_on() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.query("BEGIN; SELECT iasql_install('aws_iam')")?;
    second.query(&keep("a", 7))?;
    assert_locked(second.query(APPLY));
    first.query("COMMIT")?;
    assert_eq!(second.query(APPLY)?.lines(), ["update|a"]);
    assert_end(&fixture, &["a|7", "b|"], &["update a finished"])
}

#[test]
fn what_a_savepoint_took_back_belongs_to_the_session_that_made_it() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.query("BEGIN; INSERT INTO log_group (log_group_name) VALUES ('c'); SAVEPOINT s")?;
    assert_eq!(first.query(APPLY)?.lines(), ["create|c"]);
    first.query("ROLLBACK TO s")?;
    // The lock is free. The other session sees an object without a row, says so and leaves it alone.
    second.query(&keep("a", 7))?;
    second.take_notices();
    assert_eq!(second.query(APPLY)?.lines(), ["update|a"]);
    let said = second.take_notices();
    assert!(
        said.iter()
            .any(|notice| notice.message.contains("rolled back")),
        "{said:?}"
    );
    assert_eq!(in_cloud(&fixture)?, ["a|7", "b|", "c|"]);
    assert_eq!(first.query(APPLY)?.lines(), ["adopt|c"]);
    first.query("COMMIT")?;
    assert_eq!(
        changes(&fixture),
        ["logs:CreateLogGroup", "logs:PutRetentionPolicy"]
    );
    assert_end(
        &fixture,
        &["a|7", "b|", "c|"],
        &["create c finished", "update a finished"],
    )
}

#[test]
fn what_a_rolled_back_apply_made_is_taken_by_the_next_run_of_another_session() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.query("BEGIN; INSERT INTO log_group (log_group_name) VALUES ('c')")?;
    first.query(APPLY)?;
    assert_locked(second.query(APPLY));
    first.query("ROLLBACK")?;
    assert_eq!(
        second
            .query("SELECT action, description FROM iasql_sync()")?
            .lines(),
        ["create|c"]
    );
    assert_end(&fixture, &["a|", "b|", "c|"], &["create c finished"])
}
