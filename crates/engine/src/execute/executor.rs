//! The state machine.

use super::records::{Intended, Records};
use super::{Command, Event, Made, Outcome, Outcomes, Report, Task};
use crate::compare::leaves_the_choice;
use crate::journal::{Event as Recorded, Record};
use crate::kind::Change;
use crate::object::Object;
use crate::plan::{Bindings, Step, Work, compare_new};
use crate::row::{CloudId, ObjectKey, Row, RowKey};
use crate::value::{Ref, Value};
use std::collections::HashMap;
use std::fmt::Display;

/// A plan being run.
#[derive(Debug)]
pub struct Executor<E> {
    steps: Vec<Step>,
    states: Vec<State<E>>,
    dependants: Vec<Vec<usize>>,
    bindings: Bindings,
    /// The database and the run, as owner tags name them.
    owner: String,
    made: HashMap<RowKey, CloudId>,
    /// The steps by the objects that they are about.
    planned: HashMap<ObjectKey, usize>,
    /// Objects that AWS made and that a later step's row stands for.
    expected: HashMap<usize, Object>,
    /// Objects that came along with a step's and that get rows of their own.
    imported: Vec<(usize, Object)>,
    /// How many steps have not ended.
    open: usize,
    /// How many of the steps that users see have ended, and how many there are.
    ended: usize,
    shown: usize,
    stopping: bool,
    records: Records,
}

#[derive(Debug)]
enum State<E> {
    /// For this many predecessors.
    Waiting(usize),
    Running(Running),
    Ended(Outcome<E>),
}

#[derive(Debug, Default)]
pub(super) struct Running {
    pub(super) row: Option<Row>,
    pub(super) object: Option<Object>,
    /// Companions still to be deleted.
    discards: Vec<Object>,
    /// Whether it has sent a call: a step that sent none leaves no trace in the journal.
    has_called: bool,
}

impl<E: Clone + Display> Executor<E> {
    /// A run of these steps of a plan. `owner` begins every owner tag: it names the database and the run.
    pub fn new(steps: Vec<Step>, bindings: Bindings, owner: String) -> Executor<E> {
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
            open: steps.len(),
            planned: steps
                .iter()
                .enumerate()
                .filter_map(|(position, step)| Some((step.object.as_ref()?.key(), position)))
                .collect(),
            shown: steps.iter().filter(|step| step.shown).count(),
            steps,
            states,
            dependants,
            bindings,
            owner,
            made: HashMap::new(),
            expected: HashMap::new(),
            imported: Vec::new(),
            ended: 0,
            stopping: false,
            records: Records::default(),
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
        self.records.flush(self.open == 0, &mut commands);
        commands
    }

    /// Whether nothing is left to do and nothing is in flight.
    pub fn is_over(&self) -> bool {
        self.open == 0 && self.records.is_settled()
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
            } => {
                let record = self.answer_record(step, operation, made, outcome);
                self.records.push(record);
            }
            Event::Finished { step, result } => self.finished(step, result, &mut commands),
            Event::Journaled => {
                for intended in self.records.written() {
                    let step = intended.step;
                    if self.stopping {
                        self.records.push(self.unsent_record(intended));
                        commands.push(Command::Forbid { step });
                    } else {
                        commands.push(Command::Send { step });
                    }
                }
            }
            Event::JournalLost => {
                let refused = self.records.lose();
                let forbid = |intended: Intended| Command::Forbid {
                    step: intended.step,
                };
                commands.extend(refused.into_iter().map(forbid));
                self.stop();
            }
            Event::Cancel => self.stop(),
        }
        self.records.flush(self.open == 0, &mut commands);
        commands
    }

    /// How every step ended, in the order of the plan.
    pub fn outcomes(self) -> Outcomes<E> {
        let outcomes = self.states.into_iter().map(|state| match state {
            State::Ended(outcome) => outcome,
            State::Waiting(_) | State::Running(_) => Outcome::Cancelled,
        });
        Outcomes::new(self.steps, outcomes.collect(), self.imported)
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    pub(super) fn running(&self, step: usize) -> Option<&Running> {
        match &self.states[step] {
            State::Running(running) => Some(running),
            State::Waiting(_) | State::Ended(_) => None,
        }
    }

    pub(super) fn is_waiting(&self, step: usize) -> bool {
        matches!(self.states[step], State::Waiting(_))
    }

    pub(super) fn is_expected(&self, step: usize) -> bool {
        self.expected.contains_key(&step)
    }

    /// The step that is about this object.
    pub(super) fn planned(&self, object: &Object) -> Option<usize> {
        self.planned.get(&object.key()).copied()
    }

    /// Whether a row stands for the object already.
    pub(super) fn is_bound(&self, object: &Object) -> bool {
        self.bindings.row_of(&object.key()).is_some()
    }

    pub(super) fn dependants(&self, step: usize) -> &[usize] {
        &self.dependants[step]
    }

    pub(super) fn made(&self, row: &RowKey) -> Option<&CloudId> {
        self.made.get(row)
    }

    fn start_step(&mut self, step: usize, commands: &mut Vec<Command>) {
        let planned = &self.steps[step];
        let row = planned.row.clone();
        let row = row.map(|row| resolved(row, &|target| self.made.get(target).cloned()));
        let (work, object, changed) = match (&row, self.expected.remove(&step)) {
            (Some(row), Some(object)) => {
                let differences = compare_new(row, &object.row);
                let changed: Vec<_> = differences.iter().map(|change| change.column).collect();
                match changed.is_empty() {
                    true => (Work::Bind, Some(object), changed),
                    false => (Work::Update, Some(object), changed),
                }
            }
            _ => (
                planned.work,
                planned.object.clone(),
                planned.changed_columns(),
            ),
        };
        self.states[step] = State::Running(Running {
            row: row.clone(),
            object: object.clone().filter(|_| work != Work::Create),
            discards: Vec::new(),
            has_called: false,
        });
        if work == Work::Bind {
            return self.finished(step, Ok(Made::default()), commands);
        }
        let planned = &self.steps[step];
        commands.push(Command::Start {
            step,
            task: Box::new(Task {
                work,
                kind: planned.kind,
                region: planned.region.clone(),
                row,
                object,
                changed,
                owner_tag: self.owner_tag(step).filter(|_| work == Work::Create),
            }),
        });
    }

    fn intends(&mut self, step: usize, operation: String, commands: &mut Vec<Command>) {
        if self.stopping {
            return commands.push(Command::Forbid { step });
        }
        let record = self.begin_record(step, &operation);
        self.records.begin(record, Intended { step, operation });
        if let State::Running(running) = &mut self.states[step] {
            running.has_called = true;
        }
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
        let matched = self.match_companions(step, made.companions);
        self.expected.extend(matched.expected);
        let imported = matched.imported.into_iter();
        self.imported.extend(imported.map(|object| (step, object)));
        if let State::Running(running) = &mut self.states[step] {
            running.discards.extend(matched.discarded);
        }
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
        if running.has_called {
            let record = self.record(step, Recorded::Finished);
            self.records.push(Record {
                cloud_id: object
                    .as_ref()
                    .map(|object| object.id.clone())
                    .or(record.cloud_id),
                state: object.as_ref().map(|object| object.row.to_json()),
                ..record
            });
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
            if self.is_waiting(dependant) {
                self.open -= 1;
                self.states[dependant] = State::Ended(Outcome::NotTried(step));
                stopped.extend(&self.dependants[dependant]);
            }
        }
    }

    fn end(&mut self, step: usize, outcome: Outcome<E>, commands: &mut Vec<Command>) {
        let done = matches!(outcome, Outcome::Done(_));
        self.open -= 1;
        self.states[step] = State::Ended(outcome);
        if self.steps[step].shown {
            self.ended += 1;
            commands.push(Command::Report(Report {
                step,
                ended: self.ended,
                of: self.shown,
                done,
            }));
        }
    }

    /// Starts nothing new; what is in flight ends.
    fn stop(&mut self) {
        self.stopping = true;
        for state in &mut self.states {
            if matches!(state, State::Waiting(_)) {
                self.open -= 1;
                *state = State::Ended(Outcome::Cancelled);
            }
        }
    }
}

/// The row with every reference to a row whose object has been made.
pub(super) fn resolved(mut row: Row, made: &dyn Fn(&RowKey) -> Option<CloudId>) -> Row {
    for position in 0..row.kind().columns.len() {
        let value = row.at_mut(position);
        match value {
            Value::Ref(Ref::Row(target)) => {
                if let Some(id) = made(target) {
                    *value = Value::object(id);
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
        let is_settable = column.change == Change::InPlace;
        let is_planned = matches!(step.work, Work::Create | Work::Finish)
            || step
                .changes
                .iter()
                .any(|change| change.column == column.name);
        if is_settable && is_planned && !leaves_the_choice(column, wanted) {
            *object.row.at_mut(position) = wanted.clone();
        }
    }
    for (column, agreed) in &step.kept {
        object.row.set(column, agreed.clone());
    }
    object
}
