//! Running a plan: order, isolation, and what is journaled before what.

use crate::kinds::{LISTENER, LOG_GROUP, TARGET_GROUP, VPC};
use crate::scene::{Scene, key, object};
use iasql_engine::execute::{
    CallFailure, Command, Companion, Event, Executor, Made, Outcome, Report, Task,
};
use iasql_engine::journal::{Event as Recorded, Record};
use iasql_engine::plan::{OnDrift, Work};
use iasql_engine::{Object, Row, Value};
use serde_json::json;
use std::collections::BTreeMap;

/// A run that does what it is told, and remembers what it was told to do.
pub struct Run {
    pub executor: Executor<String>,
    pub started: BTreeMap<usize, Task>,
    batches: Vec<Vec<Record>>,
    sent: Vec<usize>,
    forbidden: Vec<usize>,
    reports: Vec<Report>,
}

impl Run {
    pub fn of(scene: &Scene) -> Run {
        let plan = scene.plan();
        assert_eq!(plan.refusals, []);
        let mut run = Run {
            executor: Executor::new(plan.steps, plan.bindings, "db/r".to_owned()),
            started: BTreeMap::new(),
            batches: Vec::new(),
            sent: Vec::new(),
            forbidden: Vec::new(),
            reports: Vec::new(),
        };
        let commands = run.executor.start();
        run.take(commands);
        run
    }

    pub fn on(&mut self, event: Event<String>) {
        let commands = self.executor.on(event);
        self.take(commands);
    }

    pub fn take(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Start { step, task } => drop(self.started.insert(step, *task)),
                Command::Send { step } => self.sent.push(step),
                Command::Forbid { step } => self.forbidden.push(step),
                Command::Journal(records) => self.batches.push(records),
                Command::Report(report) => self.reports.push(report),
            }
        }
    }

    pub fn intend(&mut self, step: usize, operation: &str) {
        let operation = operation.to_owned();
        self.on(Event::Intends { step, operation });
    }

    pub fn answer(&mut self, step: usize, operation: &str, made: Option<&str>) {
        self.on(Event::Answered {
            step,
            operation: operation.to_owned(),
            made: made.map(Into::into),
            outcome: Ok(Some("request".to_owned())),
        });
    }

    pub fn refuse(&mut self, step: usize, operation: &str) {
        self.on(Event::Answered {
            step,
            operation: operation.to_owned(),
            made: None,
            outcome: Err(CallFailure {
                error: "refused".to_owned(),
                ambiguous: false,
                request_id: None,
            }),
        });
    }

    pub fn finish(&mut self, step: usize, object: Option<Object>) {
        self.finish_with(step, object, Vec::new());
    }

    pub fn finish_with(&mut self, step: usize, object: Option<Object>, companions: Vec<Companion>) {
        let result = Ok(Made { object, companions });
        self.on(Event::Finished { step, result });
    }

    pub fn fail(&mut self, step: usize) {
        let result = Err("refused".to_owned());
        self.on(Event::Finished { step, result });
    }

    /// The step that has started to make an object.
    pub fn creating(&self) -> usize {
        let mut creates = self
            .started
            .iter()
            .filter(|(_, task)| task.work == Work::Create);
        *creates.next().expect("a create has started").0
    }

    /// Makes what a step's task asks for, in one call.
    pub fn make(&mut self, step: usize, id: &str) {
        self.intend(step, "Create");
        self.on(Event::Journaled);
        self.answer(step, "Create", Some(id));
        let row = self.started[&step]
            .row
            .clone()
            .expect("a create has its row");
        self.finish(step, Some(object(id, row)));
        self.on(Event::Journaled);
    }

    /// What the last batch says.
    pub fn last_batch(&self) -> Vec<(u32, Recorded)> {
        let batch = self.batches.last().expect("something was journaled");
        batch.iter().map(|it| (it.step, it.event)).collect()
    }
}

fn log_group(name: &str) -> Row {
    Row::new(&LOG_GROUP).with("log_group_name", name)
}

fn target(name: &str) -> Row {
    Row::new(&TARGET_GROUP)
        .with("target_group_name", name)
        .with("port", 80)
}

fn listener(port: i32, to: &str) -> Row {
    Row::new(&LISTENER)
        .with("port", port)
        .with("target_group_name", to)
}

#[test]
fn what_is_ready_starts_at_once_and_what_depends_starts_when_that_is_done() {
    let mut run = Run::of(
        &Scene::new()
            .row(1, target("t"))
            .row(1, log_group("a"))
            .row(1, listener(80, "t")),
    );
    let tables: Vec<_> = run.started.values().map(|task| task.kind.table).collect();
    assert_eq!(tables, ["log_group", "target_group"]);
    run.make(1, "arn:t");
    let listener = &run.started[&2];
    assert_eq!(
        listener
            .row
            .as_ref()
            .map(|row| row.get("target_group_name").clone()),
        Some(Value::object("arn:t")),
        "with the id of what was made"
    );
}

#[test]
fn no_call_leaves_before_its_begin_is_durable() {
    let mut run = Run::of(&Scene::new().row(1, log_group("a")));
    run.intend(0, "Create");
    assert!(run.sent.is_empty());
    assert_eq!(run.last_batch(), [(0, Recorded::Begin)]);
    run.on(Event::Journaled);
    assert_eq!(run.sent, [0]);
}

#[test]
fn a_begin_that_came_while_a_batch_is_written_waits_for_its_own() {
    let mut run = Run::of(&Scene::new().row(1, log_group("a")).row(2, log_group("b")));
    run.intend(0, "Create");
    run.intend(1, "Create");
    assert_eq!(run.batches.len(), 1);
    run.on(Event::Journaled);
    assert_eq!(run.sent, [0], "only what the batch held");
    assert_eq!(run.last_batch(), [(1, Recorded::Begin)]);
    run.on(Event::Journaled);
    assert_eq!(run.sent, [0, 1]);
}

#[test]
fn an_answer_shares_its_commit_with_the_next_begin() {
    let mut run = Run::of(&Scene::new().row(1, log_group("a")));
    for call in 0..3 {
        run.intend(0, "Call");
        run.on(Event::Journaled);
        run.answer(0, "Call", (call == 0).then_some("a"));
    }
    run.finish(0, Some(object("a", log_group("a"))));
    assert_eq!(run.batches.len(), 3 + 1, "calls + 1");
    assert_eq!(
        run.last_batch(),
        [(0, Recorded::Done), (0, Recorded::Finished)]
    );
    assert!(!run.executor.is_over(), "not before that is durable");
    run.on(Event::Journaled);
    assert!(run.executor.is_over());
}

#[test]
fn a_step_is_on_record_before_what_depends_on_it_sends() {
    let mut run = Run::of(&Scene::new().row(1, target("t")).row(1, listener(80, "t")));
    run.intend(0, "Create");
    run.on(Event::Journaled);
    run.answer(0, "Create", Some("arn:t"));
    run.finish(0, Some(object("arn:t", target("t"))));
    run.intend(1, "Create");
    let order: Vec<_> = run
        .batches
        .iter()
        .flatten()
        .map(|record| (record.step, record.event))
        .collect();
    assert_eq!(
        order,
        [
            (0, Recorded::Begin),
            (0, Recorded::Done),
            (0, Recorded::Finished)
        ]
    );
    run.on(Event::Journaled);
    assert_eq!(run.last_batch(), [(1, Recorded::Begin)]);
    assert_eq!(run.sent, [0]);
}

#[test]
fn records_say_what_a_later_run_has_to_know() {
    let mut run = Run::of(&Scene::new().row(7, Row::new(&VPC).with("cidr_block", "10.0.0.0/16")));
    assert_eq!(run.started[&0].owner_tag.as_deref(), Some("db/r/0"));
    run.make(0, "vpc-1");
    let records: Vec<&Record> = run.batches.iter().flatten().collect();
    assert_eq!(records[0].row_id, 7);
    assert_eq!(records[0].owner_tag.as_deref(), Some("db/r/0"));
    assert_eq!(records[0].cloud_id, None);
    let wanted = records[0].state.as_ref().expect("what was wanted");
    assert_eq!(wanted["cidr_block"], json!("10.0.0.0/16"));
    assert_eq!(records[1].cloud_id, Some("vpc-1".into()));
    assert_eq!(records[1].request_id.as_deref(), Some("request"));
    let agreed = records[2].state.as_ref().expect("what was agreed on");
    assert_eq!(agreed["vpc_id"], json!("vpc-1"));
}

#[test]
fn what_was_kept_is_not_on_record_as_agreed() {
    let scene = Scene::new()
        .settled(1, "a", log_group("a").with("retention", 7))
        .drift("a", "retention", 3)
        .rules(|rules| rules.on_drift = OnDrift::Keep)
        .set(&LOG_GROUP, 1, "tags", json!({"a": "b"}));
    let mut run = Run::of(&scene);
    run.intend(0, "Tag");
    run.on(Event::Journaled);
    run.answer(0, "Tag", None);
    run.finish(0, None);
    run.on(Event::Journaled);
    let effects = run.executor.outcomes().effects("r");
    let agreed = &effects.agree[0].1.row;
    assert_eq!(agreed.get("retention"), &Value::Int(7));
    assert_eq!(agreed.get("tags"), &Value::from(json!({"a": "b"})));
    assert_eq!(effects.write_back, [], "nor is it written into the row");
}

#[test]
fn a_step_without_a_call_leaves_no_trace() {
    let scene = Scene::new()
        .row(1, log_group("a"))
        .object("a", log_group("a"));
    let run = Run::of(&scene);
    assert!(run.executor.is_over());
    assert_eq!(run.batches, Vec::<Vec<Record>>::new());
    assert_eq!(run.reports.len(), 1);
}

#[test]
fn a_failure_stops_only_what_depends_on_it() {
    let mut run = Run::of(
        &Scene::new()
            .row(1, target("t"))
            .row(2, target("u"))
            .row(1, listener(80, "t"))
            .row(2, listener(81, "u")),
    );
    run.intend(0, "Create");
    run.on(Event::Journaled);
    run.refuse(0, "Create");
    run.fail(0);
    run.make(1, "arn:u");
    assert!(run.started.contains_key(&3));
    assert!(!run.started.contains_key(&2));
    run.make(3, "l");
    assert!(run.executor.is_over());
    let outcomes = run.executor.outcomes();
    assert_eq!(outcomes.outcomes[0], Outcome::Failed("refused".to_owned()));
    assert_eq!(outcomes.outcomes[2], Outcome::NotTried(0));
    assert!(matches!(outcomes.outcomes[3], Outcome::Done(Some(_))));
    let agreed: Vec<_> = outcomes.effects("r").agree.iter().map(|it| it.0).collect();
    assert_eq!(agreed, [key(&TARGET_GROUP, 2), key(&LISTENER, 2)]);
}

#[test]
fn a_refusal_is_on_record_before_the_run_is_over() {
    let mut run = Run::of(&Scene::new().row(1, log_group("a")));
    run.intend(0, "Create");
    run.on(Event::Journaled);
    run.refuse(0, "Create");
    run.fail(0);
    assert!(!run.executor.is_over());
    assert_eq!(run.last_batch(), [(0, Recorded::Failed)]);
    run.on(Event::Journaled);
    assert!(run.executor.is_over());
}

#[test]
fn a_call_without_an_answer_is_on_record_as_that() {
    let mut run = Run::of(&Scene::new().row(1, log_group("a")));
    run.intend(0, "Create");
    run.on(Event::Journaled);
    run.on(Event::Answered {
        step: 0,
        operation: "Create".to_owned(),
        made: None,
        outcome: Err(CallFailure {
            error: "timeout".to_owned(),
            ambiguous: true,
            request_id: None,
        }),
    });
    run.intend(0, "Create");
    assert_eq!(
        run.last_batch(),
        [(0, Recorded::Unknown), (0, Recorded::Begin)]
    );
}

#[test]
fn after_a_cancel_nothing_new_leaves_and_what_left_is_on_record() {
    let mut run = Run::of(
        &Scene::new()
            .row(1, target("t"))
            .row(2, target("u"))
            .row(3, target("v"))
            .row(1, listener(80, "t")),
    );
    run.intend(0, "Create");
    run.on(Event::Journaled);
    run.intend(1, "Create");
    run.on(Event::Cancel);
    run.intend(2, "Create");
    assert_eq!(run.forbidden, [2], "it had not begun");
    run.on(Event::Journaled);
    assert_eq!(run.forbidden, [2, 1], "it had begun and not left");
    assert_eq!(run.sent, [0]);
    run.fail(1);
    run.fail(2);
    run.answer(0, "Create", Some("arn:t"));
    run.finish(0, Some(object("arn:t", target("t"))));
    assert!(!run.started.contains_key(&3));
    let says: Vec<_> = run.batches.iter().flatten().collect();
    let unsent = says
        .iter()
        .find(|it| it.step == 1 && it.event == Recorded::Failed);
    assert!(unsent.is_some(), "so that nobody has to look for it");
    run.on(Event::Journaled);
    assert!(run.executor.is_over());
    let outcomes = run.executor.outcomes();
    assert!(matches!(outcomes.outcomes[0], Outcome::Done(_)));
    assert_eq!(outcomes.outcomes[3], Outcome::Cancelled);
}

#[test]
fn without_a_journal_nothing_leaves() {
    let mut run = Run::of(
        &Scene::new()
            .row(1, target("t"))
            .row(2, target("u"))
            .row(3, target("v")),
    );
    run.intend(0, "Create");
    run.intend(1, "Create");
    run.on(Event::JournalLost);
    assert_eq!(run.forbidden, [0, 1]);
    run.intend(2, "Create");
    assert_eq!(run.forbidden, [0, 1, 2]);
    for step in 0..3 {
        run.fail(step);
    }
    assert_eq!(run.batches.len(), 1, "nor is it asked again");
    assert!(run.executor.is_over());
}

#[test]
fn progress_counts_what_users_see() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .set(&TARGET_GROUP, 1, "target_group_name", "u")
        .row(1, log_group("a"));
    let mut run = Run::of(&scene);
    run.make(0, "a");
    run.make(1, "arn:u");
    run.intend(2, "Delete");
    run.on(Event::Journaled);
    run.answer(2, "Delete", None);
    run.finish(2, None);
    let places: Vec<_> = run.reports.iter().map(|it| (it.ended, it.of)).collect();
    assert_eq!(places, [(1, 2), (2, 2)], "a replacement is one");
}

#[test]
fn a_row_whose_old_object_is_still_there_keeps_standing_for_it() {
    let scene = Scene::new().settled(1, "arn:t", target("t")).set(
        &TARGET_GROUP,
        1,
        "target_group_name",
        "u",
    );
    let mut run = Run::of(&scene);
    run.make(0, "arn:u");
    run.intend(1, "Delete");
    run.on(Event::Journaled);
    run.refuse(1, "Delete");
    run.fail(1);
    run.on(Event::Journaled);
    let effects = run.executor.outcomes().effects("r");
    assert_eq!(effects, Default::default());
}

#[test]
fn what_is_deleted_is_forgotten_and_what_is_replaced_is_not() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .settled(2, "arn:x", target("x"))
        .set(&TARGET_GROUP, 1, "port", 81)
        .delete(&TARGET_GROUP, 2);
    let mut run = Run::of(&scene);
    let deletes: Vec<usize> = run.started.keys().copied().collect();
    for step in deletes {
        run.intend(step, "Delete");
        run.on(Event::Journaled);
        run.answer(step, "Delete", None);
        run.finish(step, None);
        run.on(Event::Journaled);
    }
    let create = run.creating();
    run.make(create, "arn:t2");
    let effects = run.executor.outcomes().effects("r");
    assert_eq!(effects.forget, [key(&TARGET_GROUP, 2)]);
    assert_eq!(effects.agree.len(), 1);
    assert_eq!(effects.agree[0].1.id.as_str(), "arn:t2");
}
