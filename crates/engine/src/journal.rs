//! The journal: what was about to be done and what came of it, durable outside the caller's transaction.
//!
//! Every call that changes the cloud is bracketed: [`Event::Begin`] is durable before the request leaves, its answer
//! ([`Event::Done`], [`Event::Failed`] or [`Event::Unknown`]) before anything that depends on it starts. The last
//! record of a step, [`Event::Finished`], carries the object's full agreed state. Records are appended in one order
//! and become durable in that order, so that a begin is never durable before the answers it relies on.

use crate::kind::Kind;
use crate::row::{CloudId, Region, Row, RowKey};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::HashMap;

/// One record. It never holds a secret: attributes of rows are no secrets, credentials are not among them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The number of the step in the plan of its run.
    pub step: u32,
    /// What happened.
    pub event: Event,
    /// The step's action: create, update, replace or delete.
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
    /// In a begin of a create: the row as wanted. In `finished`: the object's full agreed state.
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
}

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
    /// The agreed state, if the step was finished.
    pub finished: Option<Row>,
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

/// The intents that unresolved entries leave, in the order of their steps. The entries come in the journal's order.
/// A step of which every call was refused changed nothing and leaves none.
pub fn intents(
    entries: impl IntoIterator<Item = Entry>,
    kind: impl Fn(&str) -> Option<&'static Kind>,
) -> Vec<Intent> {
    let mut steps: Vec<(Intent, usize)> = Vec::new();
    let mut positions: HashMap<(String, u32), usize> = HashMap::new();
    for Entry { run, record } in entries {
        let Some(kind) = kind(&record.table_name) else {
            continue;
        };
        let position = *positions
            .entry((run.clone(), record.step))
            .or_insert_with(|| {
                steps.push((first(run, &record, kind), 0));
                steps.len() - 1
            });
        let (intent, open) = &mut steps[position];
        match record.event {
            Event::Begin => *open += 1,
            Event::Failed => *open = open.saturating_sub(1),
            Event::Done | Event::Unknown | Event::Finished => {}
        }
        if intent.work != IntendedWork::Delete {
            intent.cloud_id = record.cloud_id.or(intent.cloud_id.take());
        }
        let state = record.state.and_then(|state| match state {
            Json::Object(fields) => Row::from_json(kind, fields).ok(),
            _ => None,
        });
        match record.event {
            Event::Begin => intent.wanted = state.or(intent.wanted.take()),
            Event::Finished => intent.finished = state,
            _ => {}
        }
    }
    steps
        .into_iter()
        .filter(|(intent, open)| *open > 0 || intent.finished.is_some())
        .map(|(intent, _)| intent)
        .collect()
}

fn first(run: String, record: &Record, kind: &'static Kind) -> Intent {
    Intent {
        run,
        step: record.step,
        key: RowKey {
            table: kind.table,
            id: record.row_id,
        },
        region: record.region.clone(),
        work: match record.action.as_str() {
            "delete" => IntendedWork::Delete,
            "create" | "replace" => IntendedWork::Create,
            _ => IntendedWork::Update,
        },
        cloud_id: record.cloud_id.clone(),
        owner_tag: record.owner_tag.clone(),
        wanted: None,
        finished: None,
    }
}
