//! A statement that runs while the test goes on.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::proxy::{Action, Gate};
use crate::{Error, Fixture, Result, Rows, ServerMessage, Session, wait_for};

/// A statement that runs in another thread, with the session that it runs in.
pub type Running = JoinHandle<(Session, Result<Rows>)>;

/// Runs a statement without waiting for it.
pub fn start(mut session: Session, statement: &str) -> Running {
    let statement = statement.to_owned();
    thread::spawn(move || {
        let answer = session.query(&statement);
        (session, answer)
    })
}

/// Waits for the statement's end.
pub fn end(running: Running) -> (Session, Result<Rows>) {
    match running.join() {
        Ok(ended) => ended,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// From now on calls of this name do not reach the account before the gate opens.
pub fn hold(fixture: &Fixture, name: &'static str) -> Gate {
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

/// Waits until the backend of this process id waits for a lock.
pub fn wait_until_blocked(fixture: &Fixture, pid: u32) -> Result {
    let mut observer = fixture.session()?;
    wait_for("a session to be blocked", Duration::from_secs(30), || {
        let rows = observer.query(&format!(
            "SELECT FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'"
        ))?;
        Ok((!rows.is_empty()).then_some(()))
    })
}

/// The calls so far that change the cloud.
pub fn changes(fixture: &Fixture) -> Vec<String> {
    let calls = fixture.proxy().calls();
    let changes = calls.iter().filter(|call| call.mutates());
    changes.map(|call| call.name.clone()).collect()
}

/// The SQLSTATE of a statement that has failed, or what happened instead.
pub fn sqlstate(answer: Result<Rows>) -> String {
    match answer {
        Err(Error::Sql(message)) => message.sqlstate,
        other => format!("{other:?}"),
    }
}

/// How a statement that must have failed did so.
pub fn refused(answer: Result<Rows>) -> Result<ServerMessage> {
    match answer {
        Err(Error::Sql(message)) => Ok(*message),
        Err(other) => Err(other),
        Ok(rows) => Err(Error::NotRefused {
            statement: format!("a statement that answered {rows}"),
        }),
    }
}
