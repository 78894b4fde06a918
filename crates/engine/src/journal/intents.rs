//! What the journal says that the tables do not.

use super::{Entry, Event, IntendedWork, Intent, Record};
use crate::kind::Kind;
use crate::row::{Row, RowKey};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::time::Duration;

/// The intents that unresolved entries leave, in the order of their steps. The entries come in the journal's order.
/// A step of which every call was refused changed nothing and leaves none.
pub fn intents(
    entries: impl IntoIterator<Item = Entry>,
    kind: impl Fn(&str) -> Option<&'static Kind>,
) -> Vec<Intent> {
    let mut steps: Vec<Step> = Vec::new();
    let mut positions: HashMap<(String, u32), usize> = HashMap::new();
    for Entry { run, record, age } in entries {
        let Some(kind) = kind(&record.table_name) else {
            continue;
        };
        let position = *positions
            .entry((run, record.step))
            .or_insert_with_key(|(run, _)| {
                steps.push(Step::new(run.clone(), &record, kind));
                steps.len() - 1
            });
        steps[position].add(record, age, kind);
    }
    let touched = steps
        .into_iter()
        .filter(|step| step.has_changed || step.is_open);
    touched.map(|step| step.intent).collect()
}

/// The records of one step of one run.
struct Step {
    intent: Intent,
    /// Whether the last call has no answer.
    is_open: bool,
    /// Whether a call was done, or may have been.
    has_changed: bool,
}

impl Step {
    fn new(run: String, first: &Record, kind: &'static Kind) -> Step {
        let intent = Intent {
            run,
            step: first.step,
            key: RowKey {
                table: kind.table,
                id: first.row_id,
            },
            region: first.region.clone(),
            work: match first.action.as_str() {
                "delete" => IntendedWork::Delete,
                "create" | "replace" => IntendedWork::Create,
                _ => IntendedWork::Update,
            },
            cloud_id: None,
            owner_tag: first.owner_tag.clone(),
            wanted: None,
            age: Duration::ZERO,
            is_complete: false,
            finished: None,
        };
        Step {
            intent,
            is_open: false,
            has_changed: false,
        }
    }

    fn add(&mut self, record: Record, age: Duration, kind: &'static Kind) {
        let intent = &mut self.intent;
        if record.cloud_id.is_some() {
            intent.cloud_id = record.cloud_id;
        }
        // What another version wrote may be unreadable; the object is then found by its id or tag alone.
        let state = match record.state {
            Some(Json::Object(fields)) => Row::from_json(kind, fields).ok(),
            _ => None,
        };
        match record.event {
            Event::Begin => {
                intent.age = age;
                intent.wanted = state.or(intent.wanted.take());
                // A begin without an answer to the one before: that call may have been carried out.
                self.has_changed |= self.is_open;
                self.is_open = true;
            }
            Event::Failed => self.is_open = false,
            Event::Done | Event::Unknown | Event::Finished => {
                intent.finished = state.or(intent.finished.take());
                intent.is_complete |= record.event == Event::Finished;
                self.is_open = false;
                self.has_changed = true;
            }
        }
    }
}
