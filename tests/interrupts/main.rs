//! A session that waits for AWS can be stopped at any time, and only one run writes at a time.

mod applying;
mod journal;
mod lock;
mod reading;
mod waiting;

use iasql_tests::proxy::{Action, Gate};
use iasql_tests::{Fixture, Result, Rows, Session};
use std::thread::{self, JoinHandle};

/// A statement that runs in another thread, with the session that it runs in.
type Running = JoinHandle<(Session, Result<Rows>)>;

/// Runs a statement without waiting for it.
fn start(mut session: Session, statement: &str) -> Running {
    let statement = statement.to_owned();
    thread::spawn(move || {
        let answer = session.query(&statement);
        (session, answer)
    })
}

/// Waits for the statement's end.
fn end(running: Running) -> (Session, Result<Rows>) {
    match running.join() {
        Ok(ended) => ended,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// From now on calls of this name do not reach the account before the gate opens.
fn hold(fixture: &Fixture, name: &'static str) -> Gate {
    let gate = Gate::closed();
    let held = gate.clone();
    fixture.proxy().set_rule(move |call| {
        if call.name == name {
            Action::HoldBefore(held.clone())
        } else {
            Action::Forward
        }
    });
    gate
}

/// The calls so far that change the cloud.
fn changes(fixture: &Fixture) -> Vec<String> {
    let calls = fixture.proxy().calls();
    let changes = calls.iter().filter(|call| call.mutates());
    changes.map(|call| call.name.clone()).collect()
}

/// The SQLSTATE of a statement that has failed, or what happened instead.
fn sqlstate(answer: Result<Rows>) -> String {
    match answer {
        Err(iasql_tests::Error::Sql(message)) => message.sqlstate,
        other => format!("{other:?}"),
    }
}
