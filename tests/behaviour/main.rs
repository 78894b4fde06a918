//! What each edit of a row, and each change that somebody else makes in AWS, leads to.

mod account_owned;
mod changed_rows;
mod cloud_filled;
mod databases;
mod drift;
mod importing;
mod lagging;
mod meeting;
mod names;
mod network;
mod nulls;
mod policies;
mod regions;
mod replace;
mod services;
mod tags;
mod task_definitions;
mod web;

use iasql_tests::{Fixture, Result, Session};

/// No steps, calls or notices.
const NOTHING: [&str; 0] = [];

/// Runs a plan, an apply or a sync; returns `action table` for each of its rows.
fn steps(session: &mut Session, function: &str) -> Result<Vec<String>> {
    let rows = session.query(&format!(
        "SELECT action || ' ' || table_name FROM {function}()"
    ))?;
    Ok(rows.lines())
}

/// Applies, and returns what was done, which must be what the plan before has said.
fn apply(session: &mut Session) -> Result<Vec<String>> {
    let mut planned = steps(session, "iasql_plan_apply")?;
    session.take_notices();
    let done = steps(session, "iasql_apply")?;
    let mut sorted = done.clone();
    sorted.sort();
    planned.sort();
    assert_eq!(sorted, planned, "apply did something else than planned");
    Ok(done)
}

/// Nothing is left to do, in either direction, and the apply that finds this out calls nothing that writes.
fn assert_settled(fixture: &Fixture, session: &mut Session) -> Result {
    for function in ["iasql_plan_apply", "iasql_plan_sync"] {
        let rows = session.query(&format!("SELECT * FROM {function}()"))?;
        assert!(rows.is_empty(), "{function}() has rows:\n{rows}");
    }
    fixture.proxy().forget_calls();
    let rows = session.query("SELECT * FROM iasql_apply()")?;
    assert!(rows.is_empty(), "iasql_apply() has rows:\n{rows}");
    assert_eq!(writing_calls(fixture), NOTHING);
    Ok(())
}

/// The notices since the last call that say more than which step is done.
fn notices(session: &mut Session) -> Vec<String> {
    session
        .take_notices()
        .into_iter()
        .map(|notice| notice.message)
        .filter(|message| !message.contains(" … "))
        .collect()
}

/// Asserts that exactly one of the texts holds all of these parts.
fn assert_one_says(texts: &[String], parts: &[&str]) {
    let saying = texts
        .iter()
        .filter(|text| parts.iter().all(|part| text.contains(part)));
    assert_eq!(saying.count(), 1, "one should say {parts:?}: {texts:#?}");
}

/// The names of the writing calls since they were last forgotten, in order.
fn writing_calls(fixture: &Fixture) -> Vec<String> {
    let calls = fixture.proxy().calls().into_iter();
    let writing = calls.filter(|call| call.mutates());
    writing.map(|call| call.operation().to_owned()).collect()
}

/// Asserts that among the calls there are these, in this order.
fn assert_in_order(calls: &[String], expected: &[&str]) {
    let mut calls_left = calls.iter();
    for operation in expected {
        assert!(
            calls_left.any(|call| call == operation),
            "{operation} is not where it should be in {calls:?}"
        );
    }
}
