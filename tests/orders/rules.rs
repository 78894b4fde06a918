//! How the second of two transactions may end.

use super::acts::Act;
use super::model::End;
use super::{Level, Moment, Order};
use iasql_tests::{Result, ServerMessage, ensure};

/// How it has ended.
#[derive(Debug)]
pub enum Outcome {
    /// It is committed, and these notices came.
    Done(Vec<ServerMessage>),
    /// Its statement failed.
    Refused(ServerMessage),
    /// Its commit failed.
    NotCommitted(ServerMessage),
}

/// How it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Done,
    /// A run is refused at once and told who runs another.
    Busy,
    /// The past that it sees, or has read, is no more.
    Overtaken,
    /// One of these SQLSTATEs: what it wants is not there any more, or is there already.
    Fails(&'static [&'static str]),
}

/// A function, a table or a schema that is gone. Which of them is missed first depends on what the session still has in
/// its caches.
const GONE: Rule = Rule::Fails(&["42883", "42P01", "3F000"]);

/// Checks how the second has ended, where the process of this id has run the first.
pub fn check(order: Order, first_end: End, first_pid: u32, second: &Outcome) -> Result {
    let rule = rule(order, first_end);
    let unexpected = || format!("it should be {rule:?}, and it is {second:?}");
    let who = format!("Process {first_pid} of user postgres holds it since ");
    match (second, rule) {
        (Outcome::Done(notices), Rule::Done) => {
            let is_told = order.second == Act::Plan
                && order.first.is_run()
                && order.moment != Moment::CommitBefore;
            let told = notices.iter().any(|notice| notice.message.contains(&who));
            ensure(told || !is_told, || {
                format!("nobody says {who}: {notices:?}")
            })
        }
        (Outcome::Refused(error), Rule::Busy) => {
            ensure(error.sqlstate == "55P03", unexpected)?;
            ensure(error.detail.starts_with(&who), || {
                format!("it does not say {who}: {error}")
            })?;
            says_what_to_do(error)
        }
        (Outcome::Refused(error), Rule::Overtaken) => {
            ensure(error.sqlstate == "40001", unexpected)?;
            match order.second.is_edit() {
                // These are Postgres's own words.
                true => Ok(()),
                false => says_what_to_do(error),
            }
        }
        (Outcome::Refused(error), Rule::Fails(states)) => {
            ensure(states.contains(&error.sqlstate.as_str()), unexpected)
        }
        // Postgres may refuse any of two that have read what the other wrote.
        (Outcome::Refused(error) | Outcome::NotCommitted(error), _)
            if order.level == Level::Serializable =>
        {
            ensure(error.sqlstate == "40001", unexpected)
        }
        _ => ensure(false, unexpected),
    }
}

fn says_what_to_do(error: &ServerMessage) -> Result {
    ensure(!error.hint.is_empty(), || format!("no hint: {error}"))
}

fn rule(order: Order, first_end: End) -> Rule {
    let (first, second) = (order.first, order.second);
    let is_before = order.moment == Moment::CommitBefore;
    let sees_the_past = order.level != Level::ReadCommitted;
    if !is_before && second.is_run() && (first.is_run() || first == Act::DropExtension) {
        return Rule::Busy;
    }
    if first_end == End::Rollback {
        return Rule::Done;
    }
    if first.is_run() && second.is_run() && sees_the_past {
        return Rule::Overtaken;
    }
    let was_read = sees_the_past || !is_before;
    match (first, second) {
        (Act::DropExtension, Act::UpdateExtension | Act::DropExtension) => Rule::Fails(&["42704"]),
        // The region has no default any more.
        (Act::DropExtension, Act::Insert) => Rule::Fails(&["23502"]),
        (Act::DropExtension, second) if !second.is_edit() => GONE,
        (Act::Uninstall, Act::Uninstall) => Rule::Fails(&["42704"]),
        (Act::Uninstall, Act::Plan) if sees_the_past => Rule::Overtaken,
        (Act::Uninstall, second) if second.is_edit() => Rule::Fails(&["42P01"]),
        (Act::Sync | Act::Insert, Act::Insert) => Rule::Fails(&["23505"]),
        // It has found an object without a row.
        (Act::Insert, Act::Sync) if was_read => Rule::Fails(&["23505"]),
        (Act::Sync | Act::DeleteAll | Act::Update | Act::Delete, Act::Update | Act::Delete)
            if sees_the_past =>
        {
            Rule::Overtaken
        }
        (Act::Update | Act::Delete, Act::Apply | Act::Sync | Act::DeleteAll) if was_read => {
            Rule::Overtaken
        }
        _ => Rule::Done,
    }
}
