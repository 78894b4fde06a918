//! One run at a time, and a second one is told at once.

use super::{changes, end, hold, start};
use iasql_tests::{Fixture, Result};
use std::time::{Duration, Instant};

#[test]
fn a_second_run_is_told_at_once_who_holds_the_lock_and_since_when() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut first = fixture.session()?;
    first.query("INSERT INTO log_group (log_group_name) VALUES ('new')")?;
    let pid = first.backend_pid()?;
    let gate = hold(&fixture, "logs:CreateLogGroup");
    let running = start(first, "SELECT * FROM iasql_apply()");
    gate.wait_until_reached()?;

    let mut second = fixture.session()?;
    for function in [
        "iasql_apply()",
        "iasql_sync()",
        "iasql_install('aws_iam')",
        "iasql_uninstall('aws_cloudwatch')",
        "iasql_take_over()",
    ] {
        let begun = Instant::now();
        let refusal = second.refusal(&format!("SELECT {function}"))?;
        assert!(begun.elapsed() < Duration::from_secs(1), "{function}");
        assert_eq!(refusal.sqlstate, "55P03", "{refusal}");
        assert_eq!(
            refusal.message,
            "another apply, sync or install is running in this database"
        );
        let known = format!("Process {pid} of user postgres holds it since 20");
        assert!(refusal.detail.starts_with(&known), "{refusal}");
        assert_eq!(
            refusal.hint,
            "Wait until it is done, or end it with pg_cancel_backend()."
        );
    }
    // Who only looks is not hindered.
    second.query("SELECT * FROM iasql_plan_apply()")?;
    gate.open();
    let (_, answer) = end(running);
    assert_eq!(answer?.lines(), ["create|log_group|1|new"]);
    assert!(second.query("SELECT * FROM iasql_apply()")?.is_empty());
    Ok(())
}

#[test]
fn the_lock_is_held_to_the_end_of_the_transaction_and_let_go_with_its_rows() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let (mut first, mut second) = (fixture.session()?, fixture.session()?);
    let is_free = |second: &mut iasql_tests::Session| match second.query("SELECT iasql_sync()") {
        Ok(_) => Ok(true),
        Err(iasql_tests::Error::Sql(message)) if message.sqlstate == "55P03" => Ok(false),
        Err(other) => Err(other),
    };
    first.query("BEGIN; SELECT iasql_apply()")?;
    assert!(!is_free(&mut second)?);
    first.query("ROLLBACK")?;
    assert!(is_free(&mut second)?);

    first.query("BEGIN; SAVEPOINT before; SELECT iasql_apply()")?;
    assert!(!is_free(&mut second)?);
    first.query("ROLLBACK TO before")?;
    assert!(is_free(&mut second)?);
    first.query("SELECT iasql_apply()")?;
    assert!(!is_free(&mut second)?);
    first.query("COMMIT")?;
    assert!(is_free(&mut second)?);
    Ok(())
}

#[test]
fn a_snapshot_that_is_older_than_the_last_run_fails_before_the_first_call() -> Result {
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let fixture = Fixture::with(&["aws_cloudwatch"])?;
        let (mut first, mut second) = (fixture.session()?, fixture.session()?);
        first.query(&format!(
            "BEGIN ISOLATION LEVEL {level}; INSERT INTO log_group (log_group_name) VALUES ('mine')"
        ))?;
        second.query(
            "INSERT INTO log_group (log_group_name) VALUES ('other'); SELECT iasql_apply()",
        )?;
        fixture.proxy().forget_calls();
        let refusal = first.refusal("SELECT iasql_apply()")?;
        assert_eq!(refusal.sqlstate, "40001", "{refusal}");
        assert_eq!(
            refusal.message,
            "another apply, sync or install was committed since this transaction took its snapshot"
        );
        assert_eq!(
            refusal.hint,
            "Nothing was sent. Roll back, and run it again in a new transaction."
        );
        assert_eq!(changes(&fixture), Vec::<String>::new());
        first.query("ROLLBACK")?;
        let plan = first.query("SELECT * FROM iasql_plan_apply()")?;
        assert!(plan.is_empty(), "{plan}");
    }
    Ok(())
}
