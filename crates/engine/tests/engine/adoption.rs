//! Objects that exist already.

use crate::kinds::{LISTENER, LOG_GROUP, ROLE, TARGET_GROUP, VPC};
use crate::scene::{Scene, key, object};
use iasql_engine::plan::{Action, Adopt, Because, Work, can_be_made_for};
use iasql_engine::{Row, Value};
use serde_json::json;

fn target(port: i32) -> Row {
    Row::new(&TARGET_GROUP)
        .with("target_group_name", "t")
        .with("port", port)
        .with("interval", 10)
}

#[test]
fn what_is_the_same_is_taken_without_a_call() {
    let scene = Scene::new().row(1, target(80)).object("arn:t", target(80));
    let step = scene.plan().steps.remove(0);
    assert_eq!((step.action, step.work), (Action::Adopt, Work::Bind));
    assert!(!step.made, "found is not made");
}

#[test]
fn what_differs_is_refused_with_the_columns() {
    let scene = Scene::new()
        .row(1, target(80).with("interval", 20))
        .object("arn:t", target(80));
    let mut plan = scene.plan();
    let refusal = plan.refusals.remove(0);
    assert!(
        matches!(&refusal.why, Because::Differs { object, differences }
            if object.as_str() == "arn:t" && differences.len() == 1 && differences[0].column == "interval")
    );
    // What is refused can be looked at.
    let step = plan.steps.remove(0);
    assert_eq!(step.action, Action::Adopt);
    assert_eq!(step.changed_columns(), ["interval"]);
}

#[test]
fn what_may_be_overwritten_is_updated() {
    let scene = Scene::new()
        .row(1, target(80).with("interval", 20))
        .object("arn:t", target(80))
        .rules(|rules| rules.adopt = Adopt::Overwrite);
    assert_eq!(
        scene.steps(),
        ["adopt target_group 1: interval 10 → 20 (row changed)"]
    );
}

#[test]
fn what_is_not_ours_is_never_replaced_to_fit() {
    let scene = Scene::new()
        .row(1, target(81))
        .object("arn:t", target(80))
        .rules(|rules| rules.adopt = Adopt::Overwrite);
    assert!(matches!(
        scene.plan().refusals[0].why,
        Because::Differs { .. }
    ));
}

#[test]
fn what_the_row_leaves_to_aws_is_no_difference() {
    let scene = Scene::new()
        .row(1, target(80).with("interval", Value::Null))
        .object("arn:t", target(80));
    assert_eq!(scene.steps(), ["adopt target_group 1"]);
}

#[test]
fn tags_are_merged_and_the_rows_win() {
    let row = Row::new(&LOG_GROUP).with("log_group_name", "a");
    let scene = Scene::new()
        .row(1, row.clone().with("tags", json!({"mine": "1"})))
        .object("a", row.clone().with("tags", json!({"theirs": "2"})))
        .rules(|rules| rules.adopt = Adopt::Overwrite);
    let plan = scene.plan();
    let merged = json!({"mine": "1", "theirs": "2"});
    assert_eq!(
        plan.effects.write_back[0].value,
        Value::from(merged.clone())
    );
    assert_eq!(plan.steps[0].changes[0].after, merged);
    let same = Scene::new()
        .row(1, row.clone().with("tags", json!({"a": "1"})))
        .object("a", row.with("tags", json!({"a": "2"})))
        .plan();
    assert!(
        matches!(same.refusals[0].why, Because::Differs { .. }),
        "a tag of another value is a difference"
    );
}

#[test]
fn without_a_natural_key_nothing_is_taken() {
    let vpc = Row::new(&VPC).with("cidr_block", "10.0.0.0/16");
    let scene = Scene::new().row(1, vpc.clone()).object("vpc-1", vpc);
    assert_eq!(scene.steps(), ["create vpc 1"]);
}

#[test]
fn a_natural_key_is_looked_for_in_the_rows_own_region() {
    let mut elsewhere = object("arn:t", target(80));
    elsewhere.region = crate::scene::WEST.into();
    let scene = Scene::new().row(1, target(80)).with(elsewhere);
    assert_eq!(scene.steps(), ["create target_group 1"]);
}

#[test]
fn two_rows_that_claim_one_object_are_refused() {
    let scene = Scene::new()
        .settled(1, "arn:t", target(80))
        .row(2, target(80));
    let refusal = scene.plan().refusals.remove(0);
    assert_eq!(refusal.key, key(&TARGET_GROUP, 2));
    assert!(
        matches!(refusal.why, Because::TwoRows { other, .. } if other == key(&TARGET_GROUP, 1))
    );
    let both_new = Scene::new()
        .object("arn:t", target(80))
        .row(1, target(80))
        .row(2, target(80));
    assert!(matches!(
        both_new.plan().refusals[0].why,
        Because::TwoRows { .. }
    ));
}

#[test]
fn what_a_create_cannot_have_made_is_another_s_for_all_its_name() {
    let row = target(80).with("interval", 20);
    assert!(can_be_made_for(&row, &target(80)), "the rest can be set");
    assert!(!can_be_made_for(&row, &target(81)));
    let other = target(80).with("target_group_name", "u");
    assert!(!can_be_made_for(&row, &other));
    let nameless = Row::new(&VPC);
    assert!(!can_be_made_for(&nameless, &nameless));
}

#[test]
fn what_two_rows_would_make_is_refused() {
    let new = Scene::new().row(1, target(80)).row(2, target(80));
    let edited = Scene::new()
        .settled(1, "l", Row::new(&LISTENER).with("port", 80))
        .set(&LISTENER, 1, "port", 81)
        .row(2, Row::new(&LISTENER).with("port", 81));
    for (scene, kind) in [(new, &TARGET_GROUP), (edited, &LISTENER)] {
        let refusal = scene.plan().refusals.remove(0);
        assert_eq!(refusal.key, key(kind, 2));
        let other = key(kind, 1);
        assert_eq!(refusal.why, Because::WantedTwice { other });
    }
}

#[test]
fn a_name_that_another_row_gives_up_is_free() {
    let listener = |port: i32| Row::new(&LISTENER).with("port", port);
    let scene = Scene::new()
        .settled(1, "l", listener(80))
        .set(&LISTENER, 1, "port", 81)
        .row(2, listener(80));
    assert_eq!(
        scene.steps(),
        [
            "update listener 1: port 80 → 81 (row changed)",
            "create listener 2",
        ],
        "and is taken only when it is given up"
    );
    let replaced = Scene::new()
        .settled(1, "arn:t", target(80))
        .set(&TARGET_GROUP, 1, "target_group_name", "u")
        .row(2, target(80));
    assert_eq!(
        replaced.steps(),
        [
            "replace target_group 1: target_group_name \"t\" → \"u\" (row changed)",
            "… delete target_group 1",
            "create target_group 2",
        ]
    );
}

#[test]
fn a_new_row_takes_over_the_object_of_a_deleted_one() {
    let scene = Scene::new()
        .settled(1, "arn:t", target(80))
        .made(&TARGET_GROUP, 1)
        .owns(&TARGET_GROUP, 1, "interval")
        .delete(&TARGET_GROUP, 1)
        .row(2, target(80).with("interval", 20));
    assert_eq!(
        scene.steps(),
        ["adopt target_group 2: interval 10 → 20 (row changed)"]
    );
    let plan = scene.plan();
    assert!(plan.steps[0].made);
    assert_eq!(plan.effects.forget, [key(&TARGET_GROUP, 1)]);
    assert_eq!(
        plan.effects.agree[0].0,
        key(&TARGET_GROUP, 2),
        "if the update fails, the object is still somebody's"
    );
}

#[test]
fn a_take_over_does_not_lift_a_protection() {
    let scene = Scene::new()
        .settled(1, "arn:t", target(80))
        .agree(&TARGET_GROUP, 1, |known| known.protected = true)
        .delete(&TARGET_GROUP, 1)
        .row(2, target(80));
    assert_eq!(
        scene.plan().refusals[0].why,
        Because::Protected(Action::Delete)
    );
    let protected = scene.edit(&TARGET_GROUP, 2, |row| row.protected = true);
    assert_eq!(protected.steps(), ["adopt target_group 2"]);
}

#[test]
fn a_global_object_is_found_in_no_region() {
    let role = Row::new(&ROLE).with("role_name", "r");
    let scene = Scene::new().row(1, role.clone()).object("r", role);
    assert_eq!(scene.steps(), ["adopt role 1"]);
}
