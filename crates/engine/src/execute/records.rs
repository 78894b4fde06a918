//! What an executor writes into the journal, and when.

use super::{CallFailure, Command, Executor};
use crate::journal::{Event, Record};
use crate::kind::Repeat;
use crate::plan::{Action, Step, Work};
use crate::row::{CloudId, Row};

/// The records of a run, in their order.
#[derive(Debug, Default)]
pub(super) struct Records {
    queue: Vec<Record>,
    /// Calls whose begin is in the queue.
    begins: Vec<Intended>,
    /// Calls whose begin is being written; None while nothing is.
    writing: Option<Vec<Intended>>,
    /// Whether the queue holds something that must not wait for the next begin.
    urgent: bool,
    lost: bool,
}

/// A call that waits for its begin.
#[derive(Debug)]
pub(super) struct Intended {
    pub(super) step: usize,
    pub(super) operation: String,
}

impl Records {
    pub(super) fn push(&mut self, record: Record) {
        self.urgent |= record.event == Event::Finished;
        self.queue.push(record);
    }

    pub(super) fn begin(&mut self, record: Record, intended: Intended) {
        self.urgent = true;
        self.queue.push(record);
        self.begins.push(intended);
    }

    /// The next batch. Answers wait for a begin or the end of a step, so that both share a commit; `last` says that
    /// neither will come.
    pub(super) fn flush(&mut self, last: bool, commands: &mut Vec<Command>) {
        let is_due = self.urgent || last;
        if self.lost || self.writing.is_some() || self.queue.is_empty() || !is_due {
            return;
        }
        self.urgent = false;
        self.writing = Some(std::mem::take(&mut self.begins));
        commands.push(Command::Journal(std::mem::take(&mut self.queue)));
    }

    /// The calls that may leave: their begins have become durable.
    pub(super) fn written(&mut self) -> Vec<Intended> {
        self.writing.take().unwrap_or_default()
    }

    /// The calls that may not leave: their begins will never be durable.
    pub(super) fn lose(&mut self) -> Vec<Intended> {
        self.lost = true;
        let mut refused = self.written();
        refused.append(&mut self.begins);
        refused
    }

    pub(super) fn is_settled(&self) -> bool {
        self.lost || self.writing.is_none() && self.queue.is_empty()
    }
}

impl<E: Clone + std::fmt::Display> Executor<E> {
    pub(super) fn begin_record(&self, step: usize, operation: &str) -> Record {
        let row = self.running(step).and_then(|running| running.row.as_ref());
        Record {
            operation: Some(operation.to_owned()),
            state: row.map(Row::to_json),
            ..self.record(step, Event::Begin)
        }
    }

    pub(super) fn answer_record(
        &self,
        step: usize,
        operation: String,
        made: Option<CloudId>,
        outcome: Result<Option<String>, CallFailure<E>>,
    ) -> Record {
        let event = match &outcome {
            Ok(_) => Event::Done,
            Err(failure) if failure.ambiguous => Event::Unknown,
            Err(_) => Event::Failed,
        };
        let record = self.record(step, event);
        let (request_id, error) = match outcome {
            Ok(request_id) => (request_id, None),
            Err(failure) => (failure.request_id, Some(failure.error.to_string())),
        };
        Record {
            operation: Some(operation),
            cloud_id: made.or(record.cloud_id),
            request_id,
            error,
            ..record
        }
    }

    /// A begin is durable and its call will never leave.
    pub(super) fn unsent_record(&self, intended: Intended) -> Record {
        Record {
            operation: Some(intended.operation),
            error: Some("cancelled before it was sent".to_owned()),
            ..self.record(intended.step, Event::Failed)
        }
    }

    pub(super) fn record(&self, step: usize, event: Event) -> Record {
        let planned = &self.steps()[step];
        let object = self
            .running(step)
            .and_then(|running| running.object.as_ref())
            .or(planned
                .object
                .as_ref()
                .filter(|_| planned.work != Work::Create));
        Record {
            step: u32::try_from(step).unwrap_or(u32::MAX),
            event,
            action: match (planned.action, planned.work) {
                (Action::Replace, Work::Delete) => Action::Delete,
                (action, _) => action,
            }
            .to_string(),
            table_name: planned.kind.table.to_owned(),
            row_id: planned.key.id,
            region: planned.region.clone(),
            operation: None,
            cloud_id: object.map(|object| object.id.clone()),
            owner_tag: self.owner_tag(step),
            state: None,
            request_id: None,
            error: None,
        }
    }

    /// The tag by which a create that is not answered is found again.
    pub(super) fn owner_tag(&self, step: usize) -> Option<String> {
        let planned: &Step = &self.steps()[step];
        let is_tagged = planned.work == Work::Create && planned.kind.repeat == Repeat::OwnerTag;
        is_tagged.then(|| format!("{}/{step}", self.owner()))
    }
}
