//! Runs a plan: a state machine that takes events and gives commands.
//!
//! It starts every step whose predecessors are done, lets a call leave only when its begin is durable in the journal,
//! stops only the dependants of a step that failed, and starts nothing new after a cancel. It never waits and never
//! calls: whoever drives it does, so that tests drive it through faults and crashes without a clock or a network.

use crate::journal::{Event as Recorded, Record};
use crate::kind::{Change, Kind};
use crate::object::Object;
use crate::plan::{Action, Step, Work, compare_new, natural_key};
use crate::row::{CloudId, Region, Row, RowKey};
use crate::value::{Ref, Value};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Display;

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
    /// The object as it was read: to change, to delete, or to replace.
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

/// How a step ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<E> {
    /// Done; the object as it is now, None after a delete.
    Done(Option<Object>),
    /// It failed.
    Failed(E),
    /// It was not tried because this step failed.
    NotTried(usize),
    /// It was not tried because the run was cancelled.
    Cancelled,
}

/// A plan being run.
#[derive(Debug)]
pub struct Executor<E> {
    steps: Vec<Step>,
    states: Vec<State<E>>,
    dependants: Vec<Vec<usize>>,
    /// The database, as owner tags name it.
    owner: String,
    made: HashMap<RowKey, CloudId>,
    /// Objects that AWS made and that a later step's row stands for.
    expected: BTreeMap<usize, Object>,
    imported: Vec<Object>,
    ended: usize,
    stopping: bool,
    records: VecDeque<Record>,
    /// The steps whose begin is in the batch that is being written.
    writing: Option<Vec<usize>>,
    /// The steps whose begin waits for the next batch.
    begins: Vec<usize>,
    journal_lost: bool,
}

#[derive(Debug)]
enum State<E> {
    /// For this many predecessors.
    Waiting(usize),
    Running(Running),
    Ended(Outcome<E>),
}

#[derive(Debug, Default)]
struct Running {
    row: Option<Row>,
    object: Option<Object>,
    /// Companions still to be deleted.
    discards: Vec<Object>,
}

impl<E: Clone + Display> Executor<E> {
    /// A run of these steps. `owner` begins every owner tag: it names the database and the run.
    pub fn new(steps: Vec<Step>, owner: String) -> Executor<E> {
        let mut dependants = vec![Vec::new(); steps.len()];
        for (position, step) in steps.iter().enumerate() {
            for before in &step.after {
                dependants[*before].push(position);
            }
        }
        let states = steps
            .iter()
            .map(|step| State::Waiting(step.after.len()))
            .collect();
        Executor {
            steps,
            states,
            dependants,
            owner,
            made: HashMap::new(),
            expected: BTreeMap::new(),
            imported: Vec::new(),
            ended: 0,
            stopping: false,
            records: VecDeque::new(),
            writing: None,
            begins: Vec::new(),
            journal_lost: false,
        }
    }

    /// The first commands.
    pub fn start(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        for step in 0..self.steps.len() {
            if matches!(self.states[step], State::Waiting(0)) {
                self.start_step(step, &mut commands);
            }
        }
        self.flush(false, &mut commands);
        commands
    }

    /// Whether nothing is left to do and nothing is in flight.
    pub fn is_over(&self) -> bool {
        let ended = self
            .states
            .iter()
            .all(|state| matches!(state, State::Ended(_)));
        ended && self.writing.is_none() && (self.records.is_empty() || self.journal_lost)
    }

    /// Takes an event and says what to do next.
    pub fn on(&mut self, event: Event<E>) -> Vec<Command> {
        let mut commands = Vec::new();
        match event {
            Event::Intends { step, operation } => self.intends(step, operation, &mut commands),
            Event::Answered {
                step,
                operation,
                made,
                outcome,
            } => self.answered(step, operation, made, outcome),
            Event::Finished { step, result } => self.finished(step, result, &mut commands),
            Event::Journaled => {
                let granted = self.writing.take().unwrap_or_default();
                for step in granted {
                    commands.push(if self.stopping {
                        Command::Forbid { step }
                    } else {
                        Command::Send { step }
                    });
                }
                self.flush(false, &mut commands);
            }
            Event::JournalLost => {
                self.journal_lost = true;
                let mut refused = self.writing.take().unwrap_or_default();
                refused.append(&mut self.begins);
                commands.extend(refused.into_iter().map(|step| Command::Forbid { step }));
                self.stop();
            }
            Event::Cancel => self.stop(),
        }
        self.flush(self.all_ended(), &mut commands);
        commands
    }

    /// How every step ended, in the order of the plan.
    pub fn outcomes(self) -> Outcomes<E> {
        let outcomes = self.states.into_iter().map(|state| match state {
            State::Ended(outcome) => outcome,
            State::Waiting(_) | State::Running(_) => Outcome::Cancelled,
        });
        Outcomes {
            outcomes: outcomes.collect(),
            steps: self.steps,
            imported: self.imported,
        }
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn all_ended(&self) -> bool {
        self.states
            .iter()
            .all(|state| matches!(state, State::Ended(_)))
    }

    fn start_step(&mut self, step: usize, commands: &mut Vec<Command>) {
        if self.stopping {
            return;
        }
        let planned = &self.steps[step];
        let row = planned
            .row
            .as_ref()
            .map(|row| resolved(row.clone(), &self.made));
        let expected = self.expected.remove(&step);
        let (work, object, changed) = match (&row, expected) {
            (Some(row), Some(object)) => {
                let changed: Vec<_> = compare_new(row, &object.row)
                    .into_iter()
                    .map(|difference| difference.column)
                    .collect();
                let work = if changed.is_empty() {
                    Work::Bind
                } else {
                    Work::Update
                };
                (work, Some(object), changed)
            }
            _ => (
                planned.work,
                planned.object.clone(),
                planned.changed_columns(),
            ),
        };
        self.states[step] = State::Running(Running {
            row: row.clone(),
            object: object.clone(),
            discards: Vec::new(),
        });
        if work == Work::Bind {
            return self.finished(step, Ok(Made::default()), commands);
        }
        let planned = &self.steps[step];
        let owner_tag = (work == Work::Create
            && planned.kind.repeat == crate::kind::Repeat::OwnerTag)
            .then(|| format!("{}/{step}", self.owner));
        commands.push(Command::Start {
            step,
            task: Box::new(Task {
                work,
                kind: planned.kind,
                region: planned.region.clone(),
                row,
                object,
                changed,
                owner_tag,
            }),
        });
    }

    fn intends(&mut self, step: usize, operation: String, commands: &mut Vec<Command>) {
        if self.stopping {
            return commands.push(Command::Forbid { step });
        }
        let mut record = self.record(step, Recorded::Begin);
        record.operation = Some(operation);
        if let State::Running(running) = &self.states[step] {
            record.state = running.row.as_ref().map(Row::to_json);
        }
        self.records.push_back(record);
        self.begins.push(step);
        self.flush(true, commands);
    }

    fn answered(
        &mut self,
        step: usize,
        operation: String,
        made: Option<CloudId>,
        outcome: Result<Option<String>, CallFailure<E>>,
    ) {
        let event = match &outcome {
            Ok(_) => Recorded::Done,
            Err(failure) if failure.ambiguous => Recorded::Unknown,
            Err(_) => Recorded::Failed,
        };
        let mut record = self.record(step, event);
        record.operation = Some(operation);
        record.cloud_id = made.or(record.cloud_id);
        match outcome {
            Ok(request_id) => record.request_id = request_id,
            Err(failure) => {
                record.request_id = failure.request_id;
                record.error = Some(failure.error.to_string());
            }
        }
        self.records.push_back(record);
    }

    fn finished(&mut self, step: usize, result: Result<Made, E>, commands: &mut Vec<Command>) {
        let State::Running(running) = &mut self.states[step] else {
            return;
        };
        let made = match result {
            Ok(made) => made,
            Err(error) => return self.failed(step, error, commands),
        };
        if made.object.is_some() {
            running.object = made.object;
        }
        self.match_companions(step, made.companions);
        self.go_on(step, commands);
    }

    /// Deletes the next unwanted companion, or ends the step.
    fn go_on(&mut self, step: usize, commands: &mut Vec<Command>) {
        let State::Running(running) = &mut self.states[step] else {
            return;
        };
        if let Some(object) = running.discards.pop() {
            return commands.push(Command::Start {
                step,
                task: Box::new(Task {
                    work: Work::Delete,
                    kind: object.kind(),
                    region: object.region.clone(),
                    row: None,
                    object: Some(object),
                    changed: Vec::new(),
                    owner_tag: None,
                }),
            });
        }
        let running = std::mem::take(running);
        self.done(step, running, commands);
    }

    fn done(&mut self, step: usize, running: Running, commands: &mut Vec<Command>) {
        let planned = &self.steps[step];
        let object = match planned.work {
            Work::Delete => None,
            _ => running
                .object
                .map(|object| changed(object, running.row, planned)),
        };
        if let Some(object) = &object {
            self.made.insert(planned.key, object.id.clone());
        }
        if planned.work != Work::Bind {
            let mut record = self.record(step, Recorded::Finished);
            record.cloud_id = object
                .as_ref()
                .map(|object| object.id.clone())
                .or(record.cloud_id);
            record.state = object.as_ref().map(|object| object.row.to_json());
            self.records.push_back(record);
        }
        self.end(step, Outcome::Done(object), commands);
        for dependant in self.dependants[step].clone() {
            if let State::Waiting(predecessors) = &mut self.states[dependant] {
                *predecessors -= 1;
                if *predecessors == 0 {
                    self.start_step(dependant, commands);
                }
            }
        }
    }

    fn failed(&mut self, step: usize, error: E, commands: &mut Vec<Command>) {
        self.end(step, Outcome::Failed(error), commands);
        let mut stopped = self.dependants[step].clone();
        while let Some(dependant) = stopped.pop() {
            if matches!(self.states[dependant], State::Waiting(_)) {
                self.states[dependant] = State::Ended(Outcome::NotTried(step));
                stopped.extend(&self.dependants[dependant]);
            }
        }
    }

    fn end(&mut self, step: usize, outcome: Outcome<E>, commands: &mut Vec<Command>) {
        let done = matches!(outcome, Outcome::Done(_));
        self.states[step] = State::Ended(outcome);
        if self.steps[step].shown {
            self.ended += 1;
            let of = self.steps.iter().filter(|step| step.shown).count();
            commands.push(Command::Report(Report {
                step,
                ended: self.ended,
                of,
                done,
            }));
        }
    }

    /// Gives each companion to the row that stands for it, keeps the rest for a row of its own, or has it deleted.
    fn match_companions(&mut self, step: usize, companions: Vec<Companion>) {
        let mut made = self.made.clone();
        if let State::Running(Running {
            object: Some(object),
            ..
        }) = &self.states[step]
        {
            made.insert(self.steps[step].key, object.id.clone());
        }
        for companion in companions {
            let object = companion.object;
            let has_a_row = self.steps.iter().any(|planned| {
                let known = planned.object.as_ref();
                known.is_some_and(|known| known.key() == object.key())
            });
            if has_a_row {
                continue;
            }
            let key = natural_key(&object.row);
            let row = self.steps.iter().enumerate().find(|(position, planned)| {
                planned.work == Work::Create
                    && planned.kind == object.kind()
                    && planned.region == object.region
                    && matches!(self.states[*position], State::Waiting(_))
                    && !self.expected.contains_key(position)
                    && planned.row.as_ref().is_some_and(|row| {
                        key.is_some() && natural_key(&resolved(row.clone(), &made)) == key
                    })
            });
            match (row, companion.unmatched) {
                (Some((position, _)), _) => {
                    self.expected.insert(position, object);
                }
                (None, Unmatched::Import) => self.imported.push(object),
                (None, Unmatched::Discard) => {
                    if let State::Running(running) = &mut self.states[step] {
                        running.discards.push(object);
                    }
                }
            }
        }
    }

    /// Starts nothing new; what is in flight ends.
    fn stop(&mut self) {
        self.stopping = true;
        for state in &mut self.states {
            if matches!(state, State::Waiting(_)) {
                *state = State::Ended(Outcome::Cancelled);
            }
        }
    }

    /// Writes the next batch. Answers wait for the next begin, so that both share a commit.
    fn flush(&mut self, now: bool, commands: &mut Vec<Command>) {
        let due = now || !self.begins.is_empty() || self.has_finished();
        if self.journal_lost || self.writing.is_some() || self.records.is_empty() || !due {
            return;
        }
        self.writing = Some(std::mem::take(&mut self.begins));
        commands.push(Command::Journal(self.records.drain(..).collect()));
    }

    fn has_finished(&self) -> bool {
        self.records
            .iter()
            .any(|record| record.event == Recorded::Finished)
    }

    fn record(&self, step: usize, event: Recorded) -> Record {
        let planned = &self.steps[step];
        let running = match &self.states[step] {
            State::Running(running) => running.object.as_ref(),
            _ => None,
        };
        let creates = matches!(planned.work, Work::Create | Work::Finish);
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
            cloud_id: running
                .or(planned.object.as_ref().filter(|_| !creates))
                .map(|object| object.id.clone()),
            owner_tag: (creates && planned.kind.repeat == crate::kind::Repeat::OwnerTag)
                .then(|| format!("{}/{step}", self.owner)),
            state: None,
            request_id: None,
            error: None,
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcomes<E> {
    /// How each step ended.
    pub outcomes: Vec<Outcome<E>>,
    /// The steps.
    pub steps: Vec<Step>,
    /// Objects that AWS made along with ours and that get rows of their own.
    pub imported: Vec<Object>,
}

/// The row with every reference to a row whose object has been made.
fn resolved(mut row: Row, made: &HashMap<RowKey, CloudId>) -> Row {
    for position in 0..row.kind().columns.len() {
        let value = row.at_mut(position);
        match value {
            Value::Ref(Ref::Row(target)) => {
                if let Some(id) = made.get(target) {
                    *value = Value::object(id.clone());
                }
            }
            Value::Parts(parts) => {
                for part in parts {
                    *part = resolved(part.clone(), made);
                }
            }
            _ => {}
        }
    }
    row
}

/// The object with the columns that the step has set: what is agreed on now. Of columns that somebody else changed and
/// that stay so, nothing new is agreed on.
fn changed(mut object: Object, row: Option<Row>, step: &Step) -> Object {
    let Some(row) = row else {
        return object;
    };
    for (position, column) in object.kind().columns.iter().enumerate() {
        let wanted = row.at(position);
        let settable = column.change == Change::InPlace;
        let planned = matches!(step.work, Work::Create | Work::Finish)
            || step
                .changes
                .iter()
                .any(|change| change.column == column.name);
        if settable && planned && !crate::compare::leaves_the_choice(column, wanted) {
            *object.row.at_mut(position) = wanted.clone();
        }
    }
    for (column, agreed) in &step.kept {
        object.row.set(column, agreed.clone());
    }
    object
}
