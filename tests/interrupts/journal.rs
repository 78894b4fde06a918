//! A journal that is lost in the middle of a run: nothing more leaves, and the error says how far the run came.

use super::{end, start};
use iasql_tests::proxy::{Action, Gate};
use iasql_tests::{Error, Fixture, Result, ServerMessage, Session, wait_for};
use std::time::Duration;

const APPLY: &str = "SELECT * FROM iasql_apply()";

/// Lets the VPC be made, locks the journal before that can be recorded, and returns how the apply fails.
fn applied_without_a_journal(
    fixture: &Fixture,
    then: impl FnOnce(&mut Session) -> Result,
) -> Result<Box<ServerMessage>> {
    let gate = Gate::closed();
    let held = gate.clone();
    fixture
        .proxy()
        .set_rule(move |call| match call.name.as_str() {
            "ec2:CreateVpc" => Action::HoldAfter(held.clone()),
            _ => Action::Forward,
        });
    let running = start(fixture.session()?, APPLY);
    gate.wait_until_reached()?;
    let mut locker = fixture.session()?;
    locker.query("BEGIN; LOCK TABLE iasql.journal IN SHARE MODE")?;
    gate.open();
    then(&mut fixture.session()?)?;
    let (_, answer) = end(running);
    fixture.proxy().forward_all();
    match answer {
        Err(Error::Sql(message)) => Ok(message),
        Err(other) => Err(other),
        Ok(rows) => Err(Error::Broken {
            promise: format!("an apply without a journal succeeded:\n{rows}"),
        }),
    }
}

fn prepared() -> Result<Fixture> {
    let fixture = Fixture::with(&["aws_vpc"])?;
    fixture.session()?.query(
        "INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16');
         INSERT INTO subnet (cidr_block, availability_zone, vpc_id)
         SELECT '10.1.0.0/24', 'us-east-2a', id FROM vpc WHERE cidr_block = '10.1.0.0/16'",
    )?;
    fixture.proxy().forget_calls();
    Ok(fixture)
}

fn assert_says_how_far_it_came(fixture: &Fixture, error: &ServerMessage) -> Result {
    let lines: Vec<&str> = error.detail.lines().collect();
    assert_eq!(lines.len(), 3, "{error}");
    assert!(lines[0].starts_with("done: create vpc "), "{error}");
    assert_eq!(lines[1], "failed: none", "{error}");
    assert!(lines[2].starts_with("not tried: create subnet "), "{error}");
    assert_eq!(super::changes(fixture), ["ec2:CreateVpc"]);
    let mut session = fixture.session()?;
    session.query(APPLY)?;
    assert_eq!(
        super::changes(fixture),
        ["ec2:CreateVpc", "ec2:CreateSubnet"]
    );
    assert!(session.query(APPLY)?.is_empty());
    Ok(())
}

#[test]
fn a_journal_that_is_locked_in_mid_run_ends_it_with_the_lists() -> Result {
    let fixture = prepared()?;
    let error = applied_without_a_journal(&fixture, |_| Ok(()))?;
    assert_eq!(error.sqlstate, "55P03", "{error}");
    assert_says_how_far_it_came(&fixture, &error)
}

#[test]
fn a_journal_worker_that_is_terminated_in_mid_run_ends_it_with_the_lists() -> Result {
    let fixture = prepared()?;
    let error = applied_without_a_journal(&fixture, |session| {
        let terminate = "SELECT pg_terminate_backend(pid) FROM pg_locks
                         WHERE relation = 'iasql.journal'::regclass AND NOT granted";
        wait_for("the record to be stuck", Duration::from_secs(10), || {
            let terminated = session.query(terminate)?;
            Ok((!terminated.is_empty()).then_some(()))
        })
    })?;
    assert!(error.message.contains("journal"), "{error}");
    assert_says_how_far_it_came(&fixture, &error)
}
