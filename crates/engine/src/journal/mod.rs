//! The journal: what was about to be done and what came of it, durable outside the caller's transaction.
//!
//! Every call that changes the cloud is bracketed: [`Event::Begin`] is durable before the request leaves, its answer
//! ([`Event::Done`], [`Event::Failed`] or [`Event::Unknown`]) before anything that depends on it starts. The last
//! record of a step, [`Event::Finished`], carries the object's full agreed state. Records are appended in one order
//! and become durable in that order, so that a begin is never durable before the answers it relies on.

mod intents;

pub use intents::intents;

use crate::row::{CloudId, Region, Row, RowKey};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::time::Duration;

/// One record. It never holds a secret: attributes of rows are no secrets, credentials are not among them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The number of the step in the plan of its run.
    pub step: u32,
    /// What happened.
    pub event: Event,
    /// The step's action: create, update, replace, delete or adopt.
    pub action: String,
    /// The table.
    pub table_name: String,
    /// The row's id.
    pub row_id: i64,
    /// Where; empty for global kinds.
    pub region: Region,
    /// The AWS operation, for the records of a call.
    pub operation: Option<String>,
    /// The object's cloud id, once known.
    pub cloud_id: Option<CloudId>,
    /// The owner tag that a create carries where neither name nor attributes identify the object.
    pub owner_tag: Option<String>,
    /// In a begin: the row as wanted, None for a delete. In `finished`: the object's full agreed state.
    pub state: Option<Json>,
    /// The id that AWS gave the request.
    pub request_id: Option<String>,
    /// AWS's error code and message.
    pub error: Option<String>,
}

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A call is about to be sent.
    Begin,
    /// The call was answered: done.
    Done,
    /// The call was answered: refused, nothing changed.
    Failed,
    /// The call was not answered: it may or may not have happened.
    Unknown,
    /// The step is complete.
    Finished,
}

/// A record as the journal keeps it: with its run.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The run.
    pub run: String,
    /// The record.
    pub record: Record,
    /// How long ago it was written.
    pub age: Duration,
}

/// How long a create that nobody has answered may still arrive, and a list may still miss what it made.
pub const QUIET: Duration = Duration::from_secs(60);

/// What an earlier run did, or may have done, that no `known` row shows: the run was cut off, or its transaction was
/// rolled back.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// The run.
    pub run: String,
    /// The number of the step in the plan of its run.
    pub step: u32,
    /// The row.
    pub key: RowKey,
    /// Where.
    pub region: Region,
    /// What the step was to do.
    pub work: IntendedWork,
    /// The object's cloud id, if the journal has it.
    pub cloud_id: Option<CloudId>,
    /// The owner tag of a create.
    pub owner_tag: Option<String>,
    /// The row as it was wanted. References to what the run made are cloud ids.
    pub wanted: Option<Row>,
    /// How long ago its last call was about to be sent.
    pub age: Duration,
    /// Whether the step was finished: nothing of it is left to do.
    pub is_complete: bool,
    /// The agreed state of a finished step that has one.
    pub finished: Option<Row>,
}

impl Intent {
    /// The tag of a create that may have made an object whose id nobody has heard, and that nothing else tells apart.
    pub fn lost(&self) -> Option<&str> {
        let is_lost = self.work == IntendedWork::Create && self.cloud_id.is_none();
        self.owner_tag.as_deref().filter(|_| is_lost)
    }
}

/// What an intended step was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IntendedWork {
    /// Make the object.
    Create,
    /// Change it.
    Update,
    /// Delete it.
    Delete,
}
