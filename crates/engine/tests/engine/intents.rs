//! What the journal's records say that a run did, or may have done.

use crate::kinds::LOG_GROUP;
use crate::scene::region;
use iasql_engine::Value;
use iasql_engine::journal::{Entry, Event, IntendedWork, Intent, Record, intents};
use serde_json::json;
use std::time::Duration;

/// A record of step 0 of run `r`, a create of row 1.
fn record(event: Event, cloud_id: Option<&str>) -> Entry {
    Entry {
        run: "r".to_owned(),
        age: Duration::ZERO,
        record: Record {
            step: 0,
            event,
            action: "create".to_owned(),
            table_name: "log_group".to_owned(),
            row_id: 1,
            region: region(&LOG_GROUP),
            operation: None,
            cloud_id: cloud_id.map(Into::into),
            owner_tag: None,
            state: match event {
                Event::Begin => Some(json!({"log_group_name": "a", "retention": 7})),
                Event::Finished => Some(json!({"log_group_name": "a", "retention": 7, "arn": "x"})),
                _ => None,
            },
            request_id: None,
            error: None,
        },
    }
}

fn intents_of(entries: Vec<Entry>) -> Vec<Intent> {
    intents(entries, |table| {
        (table == "log_group").then_some(&LOG_GROUP)
    })
}

#[test]
fn a_call_without_an_answer_is_an_intent() {
    let intents = intents_of(vec![record(Event::Begin, None)]);
    assert_eq!(intents.len(), 1);
    assert_eq!(intents[0].work, IntendedWork::Create);
    let wanted = intents[0].wanted.as_ref().expect("it was journaled");
    assert_eq!(wanted.get("retention"), &Value::Int(7));
    assert_eq!(intents[0].finished, None);
}

#[test]
fn what_was_refused_is_no_intent() {
    let refused = vec![record(Event::Begin, None), record(Event::Failed, None)];
    assert_eq!(intents_of(refused), []);
}

#[test]
fn what_may_have_been_done_once_is_an_intent_whatever_came_after() {
    let asked_again = vec![
        record(Event::Begin, None),
        record(Event::Unknown, None),
        record(Event::Begin, None),
        record(Event::Failed, None),
    ];
    assert_eq!(intents_of(asked_again).len(), 1);
    let tail_refused = vec![
        record(Event::Begin, None),
        record(Event::Done, Some("a")),
        record(Event::Begin, Some("a")),
        record(Event::Failed, Some("a")),
    ];
    assert_eq!(intents_of(tail_refused)[0].cloud_id, Some("a".into()));
}

#[test]
fn a_finished_step_tells_what_was_agreed() {
    let intents = intents_of(vec![
        record(Event::Begin, None),
        record(Event::Done, Some("a")),
        record(Event::Finished, Some("a")),
    ]);
    let finished = intents[0].finished.as_ref().expect("it was finished");
    assert_eq!(finished.text("arn"), Some("x"));
}

#[test]
fn steps_of_other_runs_and_tables_are_kept_apart() {
    let mut other_run = record(Event::Begin, None);
    other_run.run = "s".to_owned();
    let mut other_table = record(Event::Begin, None);
    other_table.record.table_name = "unknown".to_owned();
    let intents = intents_of(vec![record(Event::Begin, None), other_run, other_table]);
    let runs: Vec<_> = intents.iter().map(|intent| intent.run.as_str()).collect();
    assert_eq!(runs, ["r", "s"]);
}
