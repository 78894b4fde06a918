//! Bad input gets a clear error, and nothing is lost.

mod modules;
mod rows;
mod tables;
mod unreadable;
mod unsaid;

use iasql_tests::{Fixture, Result, ServerMessage, Session};

/// Asserts what an error says, field by field.
#[track_caller]
fn assert_says(error: &ServerMessage, sqlstate: &str, message: &str, hint: &str) {
    assert_eq!(
        (
            error.sqlstate.as_str(),
            error.message.as_str(),
            error.hint.as_str()
        ),
        (sqlstate, message, hint),
        "{error}"
    );
}

/// The calls so far that change the cloud.
fn changes(fixture: &Fixture) -> Vec<String> {
    let calls = fixture.proxy().calls();
    let changes = calls.iter().filter(|call| call.mutates());
    changes.map(|call| call.name.clone()).collect()
}

/// The warnings since the last call.
fn warnings(session: &mut Session) -> Vec<ServerMessage> {
    let mut notices = session.take_notices();
    notices.retain(|notice| notice.severity == "WARNING");
    notices
}

/// Asserts that nothing is left to do in either direction.
#[track_caller]
fn assert_nothing_to_do(session: &mut Session) -> Result {
    for function in ["iasql_plan_apply", "iasql_plan_sync"] {
        let plan = session.query(&format!("SELECT * FROM {function}()"))?;
        assert!(plan.is_empty(), "{function}: {plan}");
    }
    Ok(())
}
