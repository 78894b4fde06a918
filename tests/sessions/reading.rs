//! One session reads AWS, which takes its time, and the other changes what the plan is made from.

use super::{APPLY, assert_end, drift, keep, pair};
use iasql_tests::running::{changes, end, hold, refused, start};
use iasql_tests::{Fixture, Result, Rows, Service, Session};
use serde_json::json;
use std::thread::sleep;
use std::time::Duration;

/// A session whose run is held while it reads AWS.
fn reading(
    fixture: &Fixture,
    session: Session,
    run: &str,
) -> Result<impl FnOnce() -> (Session, Result<Rows>) + use<>> {
    let gate = hold(fixture, "logs:DescribeLogGroups");
    let running = start(session, run);
    gate.wait_until_reached()?;
    Ok(move || {
        gate.open();
        end(running)
    })
}

fn assert_stale(answer: Result<Rows>, row: &str) -> Result {
    let refusal = refused(answer)?;
    assert_eq!(refusal.sqlstate, "40001", "{refusal}");
    assert_eq!(
        refusal.message,
        format!("rows were changed by another transaction while AWS was read: {row}")
    );
    assert_eq!(refusal.hint, "Nothing was sent. Run it again.");
    Ok(())
}

#[test]
fn a_row_that_changes_while_an_apply_reads_makes_it_fail_before_the_first_call() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.query(&keep("a", 7))?;
    let finish = reading(&fixture, first, APPLY)?;
    second.query(&keep("a", 30))?;
    let (mut first, answer) = finish();
    assert_stale(answer, "log_group 1 \"a\"")?;
    assert_eq!(changes(&fixture), Vec::<String>::new());
    assert_eq!(first.query(APPLY)?.lines(), ["update|a"]);
    assert_end(&fixture, &["a|30", "b|"], &["update a finished"])
}

#[test]
fn a_row_that_is_deleted_while_an_apply_reads_makes_it_fail_before_the_first_call() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.query("INSERT INTO log_group (log_group_name) VALUES ('c')")?;
    let finish = reading(&fixture, first, APPLY)?;
    second.query("DELETE FROM log_group WHERE log_group_name = 'c'")?;
    let (mut first, answer) = finish();
    assert_stale(answer, "log_group 3 \"c\"")?;
    assert!(first.query(APPLY)?.is_empty());
    assert_eq!(changes(&fixture), Vec::<String>::new());
    assert_end(&fixture, &["a|", "b|"], &[])
}

#[test]
fn a_row_that_comes_back_while_an_apply_reads_keeps_its_object() -> Result {
    // A deletes the row and applies; while it reads, B cannot bring that row back. So its object goes, and comes again.
    let (fixture, mut first, mut second) = pair()?;
    first.query("DELETE FROM log_group WHERE log_group_name = 'a'")?;
    let finish = reading(&fixture, first, APPLY)?;
    second.query("INSERT INTO log_group (log_group_name) VALUES ('a')")?;
    let (mut first, answer) = finish();
    assert_eq!(answer?.lines(), ["delete|a"]);
    assert_eq!(first.query(APPLY)?.lines(), ["create|a"]);
    assert_end(
        &fixture,
        &["a|", "b|"],
        &["delete a finished", "create a finished"],
    )
}

#[test]
fn a_row_of_no_step_may_change_while_an_apply_reads_and_is_applied_next() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.query(&keep("a", 7))?;
    let finish = reading(&fixture, first, APPLY)?;
    second.query(&keep("b", 30))?;
    let (mut first, answer) = finish();
    assert_eq!(answer?.lines(), ["update|a"]);
    assert_eq!(first.query(APPLY)?.lines(), ["update|b"]);
    assert_end(
        &fixture,
        &["a|7", "b|30"],
        &["update a finished", "update b finished"],
    )
}

#[test]
fn a_journal_that_was_locked_while_an_apply_read_is_opened_again() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.query(&keep("a", 7))?;
    second.query("BEGIN; LOCK TABLE iasql.journal IN SHARE MODE")?;
    let finish = reading(&fixture, first, APPLY)?;
    // The journal's worker gives up after three seconds.
    sleep(Duration::from_secs(4));
    second.query("COMMIT")?;
    let (_, answer) = finish();
    assert_eq!(answer?.lines(), ["update|a"]);
    assert_end(&fixture, &["a|7", "b|"], &["update a finished"])
}

#[test]
fn an_edit_while_a_sync_reads_is_not_overwritten_unseen() -> Result {
    let (fixture, first, mut second) = pair()?;
    drift(&fixture, "a", 30)?;
    let finish = reading(&fixture, first, "SELECT * FROM iasql_sync()")?;
    second.query(&keep("a", 7))?;
    let (mut first, answer) = finish();
    assert_stale(answer, "log_group 1 \"a\"")?;
    let row = first.query("SELECT retention_in_days FROM log_group WHERE log_group_name = 'a'")?;
    assert_eq!(row.lines(), ["7"]);
    assert_eq!(first.query(APPLY)?.lines(), ["update|a"]);
    assert_end(&fixture, &["a|7", "b|"], &["update a finished"])
}

#[test]
fn a_new_row_that_is_inserted_while_a_sync_reads_stays() -> Result {
    let (fixture, first, mut second) = pair()?;
    drift(&fixture, "a", 30)?;
    let finish = reading(&fixture, first, "SELECT * FROM iasql_sync()")?;
    second.query("INSERT INTO log_group (log_group_name) VALUES ('c')")?;
    let (mut first, answer) = finish();
    assert_eq!(answer?.len(), 1);
    assert_eq!(first.query(APPLY)?.lines(), ["create|c"]);
    assert_end(&fixture, &["a|30", "b|", "c|"], &["create c finished"])
}

#[test]
fn a_row_and_an_object_of_one_name_that_both_come_while_a_sync_reads_are_no_two_rows() -> Result {
    // B inserts a row for what somebody has just made, which A's sync imports: one of them has to stand back.
    let (fixture, first, mut second) = pair()?;
    drift_in_a_new_group(&fixture)?;
    let finish = reading(&fixture, first, "SELECT * FROM iasql_sync()")?;
    second.query("INSERT INTO log_group (log_group_name) VALUES ('c')")?;
    let (mut first, answer) = finish();
    let refusal = refused(answer)?;
    let said = (refusal.sqlstate.as_str(), refusal.detail.as_str());
    assert_eq!(
        said,
        (
            "23505",
            "Key (log_group_name, region)=(c, us-east-2) already exists."
        )
    );
    assert_eq!(
        refusal.hint,
        "Another transaction inserted the row meanwhile, or a trigger did. Nothing was sent. Run it again in a new transaction."
    );
    assert_eq!(first.query(APPLY)?.lines(), ["adopt|c"]);
    assert_end(&fixture, &["a|", "b|", "c|"], &[])
}

fn drift_in_a_new_group(fixture: &Fixture) -> Result {
    let input = json!({"logGroupName": "c"});
    let cloud = fixture.cloud();
    cloud
        .json(Service::Logs, "CreateLogGroup", &input)
        .map(drop)
}
