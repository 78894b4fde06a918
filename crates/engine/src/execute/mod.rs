//! Runs a plan: a state machine that takes events and gives commands.
//!
//! It starts every step whose predecessors are done, lets a call leave only when its begin is durable in the journal,
//! stops only the dependants of a step that failed, and starts nothing new after a cancel. It never waits and never
//! calls: whoever drives it does, so that tests drive it through faults and crashes without a clock or a network.

mod companions;
mod executor;
mod outcomes;
mod records;

pub use executor::Executor;
pub use outcomes::{Outcome, Outcomes};

use crate::journal::Record;
use crate::kind::Kind;
use crate::object::Object;
use crate::plan::Work;
use crate::row::{CloudId, Region, Row};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<E> {
    /// The step's code wants to send a call that changes the cloud.
    Intends {
        /// The step.
        step: usize,
        /// The AWS operation.
        operation: String,
    },
    /// The call ended.
    Answered {
        /// The step.
        step: usize,
        /// The AWS operation.
        operation: String,
        /// The id of the object that the call made.
        made: Option<CloudId>,
        /// The request id, or what went wrong.
        outcome: Result<Option<String>, CallFailure<E>>,
    },
    /// The step's code ended.
    Finished {
        /// The step.
        step: usize,
        /// What it made, or what went wrong.
        result: Result<Made, E>,
    },
    /// The last batch of records is durable.
    Journaled,
    /// The journal cannot be written any more: nothing may leave.
    JournalLost,
    /// The user wants to stop.
    Cancel,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct CallFailure<E> {
    /// What went wrong.
    pub error: E,
    /// Whether the call may have been carried out all the same.
    pub ambiguous: bool,
    /// The request's id.
    pub request_id: Option<String>,
}

/// What a step's code made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Made {
    /// The object that a create made.
    pub object: Option<Object>,
    /// What AWS made along with it.
    pub companions: Vec<Companion>,
}

/// An object that AWS made along with another.
#[derive(Debug, Clone, PartialEq)]
pub struct Companion {
    /// The object.
    pub object: Object,
    /// What happens to it when no row stands for it.
    pub unmatched: Unmatched,
}

/// What happens to a companion that no row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmatched {
    /// It is deleted: the rows are all there is to be.
    Discard,
    /// It gets a row: it cannot be deleted.
    Import,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Run this task; it ends with [`Event::Finished`].
    Start {
        /// The step.
        step: usize,
        /// The task.
        task: Box<Task>,
    },
    /// The call that the step intends may leave.
    Send {
        /// The step.
        step: usize,
    },
    /// The call that the step intends must not leave.
    Forbid {
        /// The step.
        step: usize,
    },
    /// Make these records durable, together; it ends with [`Event::Journaled`].
    Journal(Vec<Record>),
    /// Tell the user.
    Report(Report),
}

/// What a step's code is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// What to do. Never [`Work::Bind`].
    pub work: Work,
    /// The kind of the object.
    pub kind: &'static Kind,
    /// Where.
    pub region: Region,
    /// What is wanted; every reference is an object that exists.
    pub row: Option<Row>,
    /// The object as it was read: to change, to finish, to delete, or to replace.
    pub object: Option<Object>,
    /// The columns to change.
    pub changed: Vec<&'static str>,
    /// The tag that a create must carry.
    pub owner_tag: Option<String>,
}

/// What the user is told about a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The step.
    pub step: usize,
    /// Its place among the steps that have ended.
    pub ended: usize,
    /// How many steps there are.
    pub of: usize,
    /// Whether it is done.
    pub done: bool,
}
