//! Runs an executor against the cloud in virtual time, through faults, and cuts it off.

use super::cloud::{Call, Cloud};
use super::seeds::tell;
use crate::kinds::TASK;
use iasql_engine::execute::{
    CallFailure, Command, Companion, Event, Executor, Made, Outcomes, Task, Unmatched,
};
use iasql_engine::journal::{Entry, QUIET, Record};
use iasql_engine::kind::Repeat;
use iasql_engine::object::Owner;
use iasql_engine::plan::{Bindings, Step, Work, can_be_made_for, compare_new};
use iasql_engine::{CloudId, Object, ObjectKey, Row};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::time::Duration;

/// Records that no rollback takes back, each with the time of its writing.
pub type Journal = Vec<(u64, Entry)>;

/// What goes wrong.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    /// Calls in a hundred that fail in some way.
    pub faults: u32,
    /// The run is cut off after this many events.
    pub fuse: Option<usize>,
    /// The user cancels after this many events.
    pub cancel: Option<usize>,
}

/// The run was cut off: nothing of it is left but what the cloud and the journal hold.
pub struct Crashed;

const TAILS: [(&str, &[&str]); 3] = [
    ("vpc", &["dns"]),
    ("role", &["attached", "description"]),
    ("log_group", &["retention", "tags"]),
];

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Next,
    Execute,
    Look,
    Durable,
}

/// The code of one step.
struct Code {
    task: Task,
    calls: VecDeque<Call>,
    made: Option<ObjectKey>,
    attempts: u32,
    has_waited: bool,
}

pub struct Driver<'a> {
    pub cloud: &'a mut Cloud,
    pub journal: &'a mut Journal,
    pub run: String,
    pub weather: Weather,
    pub rng: &'a mut fastrand::Rng,
    /// What a run may change and delete, besides what runs of ours have made.
    pub known: BTreeSet<ObjectKey>,
}

struct State {
    executor: Executor<String>,
    codes: BTreeMap<usize, Code>,
    agenda: BinaryHeap<Reverse<(u64, u64, What, usize)>>,
    writing: Option<Vec<Record>>,
    numbers: u64,
}

impl Driver<'_> {
    pub fn run(
        mut self,
        steps: Vec<Step>,
        bindings: Bindings,
    ) -> Result<Outcomes<String>, Crashed> {
        let owner = format!("db/{}", self.run);
        let mut state = State {
            executor: Executor::new(steps, bindings, owner),
            codes: BTreeMap::new(),
            agenda: BinaryHeap::new(),
            writing: None,
            numbers: 0,
        };
        let commands = state.executor.start();
        self.obey(&mut state, commands);
        let mut events = 0;
        while !state.executor.is_over() {
            let Some(Reverse((time, _, what, step))) = state.agenda.pop() else {
                panic!("nothing happens any more, and the run is not over");
            };
            self.cloud.wait(time);
            if self.weather.fuse == Some(events) {
                self.crash(&mut state, what, step);
                return Err(Crashed);
            }
            if self.weather.cancel == Some(events) {
                self.on(&mut state, Event::Cancel);
            }
            events += 1;
            match what {
                What::Next => self.next(&mut state, step),
                What::Execute => self.execute(&mut state, step),
                What::Look => self.look(&mut state, step),
                What::Durable => {
                    self.write(state.writing.take());
                    self.on(&mut state, Event::Journaled);
                }
            }
        }
        Ok(state.executor.outcomes())
    }

    fn on(&mut self, state: &mut State, event: Event<String>) {
        let commands = state.executor.on(event);
        self.obey(state, commands);
    }

    fn later(&mut self, state: &mut State, within: u64, what: What, step: usize) {
        state.numbers += 1;
        let time = self.cloud.now + self.rng.u64(1..=within);
        state
            .agenda
            .push(Reverse((time, state.numbers, what, step)));
    }

    fn obey(&mut self, state: &mut State, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Start { step, task } => {
                    // A new revision starts from what was read of the old one.
                    let before = task.object.as_ref().filter(|it| it.kind() == &TASK);
                    let before = before.and_then(|it| self.cloud.things.get(&it.key()));
                    let hidden = before.and_then(|thing| thing.hidden);
                    state.codes.insert(step, Code::new(*task, hidden));
                    self.later(state, 20, What::Next, step);
                }
                Command::Send { step } => self.later(state, 50, What::Execute, step),
                Command::Forbid { step } => self.end(state, step, Err("cancelled".to_owned())),
                Command::Journal(records) => {
                    assert!(state.writing.is_none(), "one batch at a time");
                    state.writing = Some(records);
                    self.later(state, 5, What::Durable, 0);
                }
                Command::Report(_) => {}
            }
        }
    }

    fn write(&mut self, records: Option<Vec<Record>>) {
        let entries = records.into_iter().flatten().map(|record| {
            tell(|| {
                let (event, table, id) = (record.event, &record.table_name, record.row_id);
                let (action, step) = (&record.action, record.step);
                format!(
                    "journal: {step} {event:?} {action} {table} {id} {:?}",
                    record.cloud_id
                )
            });
            let run = self.run.clone();
            let age = Duration::ZERO;
            (self.cloud.now, Entry { run, record, age })
        });
        self.journal.extend(entries);
    }

    fn end(&mut self, state: &mut State, step: usize, result: Result<Made, String>) {
        state.codes.remove(&step);
        self.on(state, Event::Finished { step, result });
    }

    /// The code of a step goes on to its next call, or ends.
    fn next(&mut self, state: &mut State, step: usize) {
        let code = &state.codes[&step];
        if let Some(call) = code.calls.front() {
            let operation = call.name().to_owned();
            return self.on(state, Event::Intends { step, operation });
        }
        let made = code.made.clone();
        let about = made.clone().or(match code.task.work {
            Work::Finish => code.task.object.as_ref().map(Object::key),
            _ => None,
        });
        let companions = about.map_or(Vec::new(), |key| self.companions(&key));
        let object = made.map(|key| {
            let object = self.cloud.describe(&key);
            object.cloned().ok_or("the object just made is gone")
        });
        let result = match object.transpose() {
            Ok(object) => Ok(Made { object, companions }),
            Err(error) => Err(error.to_owned()),
        };
        self.end(state, step, result);
    }

    fn companions(&self, key: &ObjectKey) -> Vec<Companion> {
        let came = self.cloud.companions(key);
        let came = came.into_iter().map(|object| Companion {
            unmatched: match (key.table, &object.owner) {
                ("vpc", _) | (_, Owner::Object(_)) => Unmatched::Import,
                _ => Unmatched::Discard,
            },
            object,
        });
        came.collect()
    }

    /// A call arrives, or not; its answer arrives, or not.
    fn execute(&mut self, state: &mut State, step: usize) {
        let code = state.codes.get_mut(&step).expect("the step runs");
        let call = code.calls[0].clone();
        let fault = match self.rng.u32(0..100) < self.weather.faults {
            true => self.rng.u32(0..8),
            false => 9,
        };
        code.attempts += 1;
        match fault {
            0 => return self.answer(state, step, Err(("AccessDenied".to_owned(), false))),
            1..=3 if code.attempts < 6 => return self.later(state, 2_000, What::Execute, step),
            1..=3 => return self.answer(state, step, Err(("Throttling".to_owned(), false))),
            _ => {}
        }
        // A call whose answer is lost may have been carried out or not.
        let result = match fault == 4 {
            true => Err(String::new()),
            false => self.carry_out(&call),
        };
        if fault > 7 {
            return self.answer(state, step, result.map_err(|error| (error, false)));
        }
        let code = state.codes.get_mut(&step).expect("the step runs");
        match call {
            Call::Create { .. } => {}
            _ if code.attempts < 4 => return self.later(state, 2_000, What::Execute, step),
            _ => {}
        }
        self.answer(state, step, Err(("NoAnswer".to_owned(), true)));
    }

    fn carry_out(&mut self, call: &Call) -> Result<Option<CloudId>, String> {
        if let Call::Delete { object } | Call::Set { object, .. } = call
            && let Some(thing) = self.cloud.things.get(object)
        {
            let may = self.known.contains(object) || self.cloud.ours.contains(object);
            assert!(may, "{call:?} is sent, and nobody has ever seen {thing:?}");
        }
        let result = self.cloud.execute(call);
        tell(|| format!("{} {call:?} → {result:?}", self.cloud.now));
        result
    }

    fn answer(
        &mut self,
        state: &mut State,
        step: usize,
        result: Result<Option<CloudId>, (String, bool)>,
    ) {
        let code = state.codes.get_mut(&step).expect("the step runs");
        code.attempts = 0;
        let call = code.calls[0].clone();
        let outcome = match &result {
            Ok(_) => Ok(None),
            Err((error, ambiguous)) => Err(CallFailure {
                error: error.clone(),
                ambiguous: *ambiguous,
                request_id: None,
            }),
        };
        let made = result.as_ref().ok().cloned().flatten();
        if let (Ok(_), Call::Create { region, .. }) = (&result, &call) {
            let id = made.clone().expect("a create tells the id");
            let (table, region) = (code.task.kind.table, region.clone());
            code.made = Some(ObjectKey { table, region, id });
            code.add_tail();
        }
        let operation = call.name().to_owned();
        let answered = Event::Answered {
            step,
            operation,
            made,
            outcome,
        };
        self.on(state, answered);
        match (result, call) {
            (Ok(_), _) => {
                if let Some(code) = state.codes.get_mut(&step) {
                    code.calls.pop_front();
                }
                self.later(state, 20, What::Next, step);
            }
            (Err((_, true)), Call::Create { .. }) => self.later(state, 500, What::Look, step),
            (Err((error, _)), _) => self.end(state, step, Err(error)),
        }
    }

    /// A create was not answered: its object is looked for before it is made again.
    fn look(&mut self, state: &mut State, step: usize) {
        let code = state.codes.get_mut(&step).expect("the step runs");
        let row = code.task.row.clone().expect("a create has its row");
        let listed = self.cloud.list(code.task.kind, &code.task.region);
        let found = listed
            .into_iter()
            .find(|object| match &code.task.owner_tag {
                Some(tag) => object.owner_tag.as_ref() == Some(tag),
                None => can_be_made_for(&row, &object.row),
            });
        let is_tagged = code.task.kind.repeat == Repeat::OwnerTag;
        match found {
            Some(object) => {
                code.calls.clear();
                code.made = Some(object.key());
                code.finish(&row, &object);
            }
            None if is_tagged && !code.has_waited => {
                code.has_waited = true;
                state.numbers += 1;
                let again = (
                    self.cloud.now + QUIET.as_millis() as u64,
                    state.numbers,
                    What::Look,
                    step,
                );
                return state.agenda.push(Reverse(again));
            }
            None => code.has_waited = false,
        }
        self.later(state, 20, What::Next, step);
    }

    /// Whatever was on its way arrives now, later or never.
    fn crash(&mut self, state: &mut State, what: What, step: usize) {
        let on_their_way = state
            .agenda
            .drain()
            .map(|Reverse((_, _, what, step))| (what, step))
            .chain([(what, step)]);
        let calls: Vec<Call> = on_their_way
            .filter(|(what, _)| *what == What::Execute)
            .filter_map(|(_, step)| state.codes.get(&step)?.calls.front().cloned())
            .collect();
        for call in calls {
            tell(|| format!("on its way: {call:?}"));
            match (self.rng.u32(0..3), &call) {
                (0, _) => drop(self.carry_out(&call)),
                (1, Call::Create { .. }) => {
                    let when = self.cloud.now + self.rng.u64(1..20_000);
                    self.cloud.late.push((when, call));
                }
                _ => {}
            }
        }
        if self.rng.bool() {
            self.write(state.writing.take());
        }
    }
}

impl Call {
    fn name(&self) -> &'static str {
        match self {
            Call::Create { .. } => "Create",
            Call::Set { .. } => "Set",
            Call::Delete { .. } => "Delete",
        }
    }
}

impl Code {
    fn new(task: Task, hidden: Option<u32>) -> Code {
        let mut code = Code {
            calls: VecDeque::new(),
            made: None,
            attempts: 0,
            has_waited: false,
            task,
        };
        match (
            code.task.work,
            code.task.row.clone(),
            code.task.object.clone(),
        ) {
            (Work::Create, Some(row), _) => {
                let mut first = row;
                for column in tail(&first) {
                    first.set(column, iasql_engine::Value::Null);
                }
                code.calls.push_back(Call::Create {
                    row: first,
                    region: code.task.region.clone(),
                    owner_tag: code.task.owner_tag.clone(),
                    hidden,
                });
            }
            (Work::Finish, Some(row), Some(object)) => code.finish(&row, &object),
            (Work::Update, Some(row), Some(object)) => {
                let changed = code.task.changed.clone();
                code.set(&row, &object.key(), &changed);
            }
            (Work::Delete, _, Some(object)) => {
                let object = object.key();
                code.calls.push_back(Call::Delete { object });
            }
            (work, ..) => panic!("{work:?} lacks what it needs"),
        }
        code
    }

    /// What the create call does not say.
    fn add_tail(&mut self) {
        let (Some(row), Some(made)) = (self.task.row.clone(), self.made.clone()) else {
            return;
        };
        let tail: Vec<_> = tail(&row)
            .into_iter()
            .filter(|column| !row.get(column).is_null())
            .collect();
        self.set(&row, &made, &tail);
    }

    fn finish(&mut self, row: &Row, object: &Object) {
        let differences = compare_new(row, &object.row);
        let changed: Vec<_> = differences.iter().map(|change| change.column).collect();
        self.set(row, &object.key(), &changed);
    }

    /// What a name is made of in one call, everything else in a call each.
    fn set(&mut self, row: &Row, object: &ObjectKey, columns: &[&'static str]) {
        let is_key = |column: &&str| row.kind().column(column).is_some_and(|it| it.key);
        let (keys, others): (Vec<_>, Vec<_>) = columns.iter().copied().partition(is_key);
        let calls = [keys]
            .into_iter()
            .chain(others.into_iter().map(|it| vec![it]));
        for columns in calls.filter(|columns| !columns.is_empty()) {
            let values = columns.into_iter().map(|it| (it, row.get(it).clone()));
            self.calls.push_back(Call::Set {
                object: object.clone(),
                values: values.collect(),
            });
        }
    }
}

/// The columns that a create sets in calls of their own.
fn tail(row: &Row) -> Vec<&'static str> {
    let tails = TAILS.iter().find(|(table, _)| *table == row.kind().table);
    tails.map_or(Vec::new(), |(_, columns)| columns.to_vec())
}
