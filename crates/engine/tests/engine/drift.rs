//! Changes that somebody else made.

use crate::kinds::{LOG_GROUP, TARGET_GROUP};
use crate::scene::{Scene, key};
use iasql_engine::plan::{Because, News, OnDrift};
use iasql_engine::{Row, Value};

/// A log group whose retention somebody else has changed from 7 to 3.
fn drifted(on_drift: OnDrift) -> Scene {
    let row = Row::new(&LOG_GROUP)
        .with("log_group_name", "a")
        .with("retention", 7);
    Scene::new()
        .settled(1, "a", row)
        .drift("a", "retention", 3)
        .rules(|rules| rules.on_drift = on_drift)
}

const PUT_BACK: [&str; 1] = ["update log_group 1: retention 3 → 7 (cloud changed)"];

#[test]
fn what_we_have_set_is_put_back_and_the_rest_is_kept() {
    let ours = drifted(OnDrift::Owned).owns(&LOG_GROUP, 1, "retention");
    assert_eq!(ours.steps(), PUT_BACK);
    let theirs = drifted(OnDrift::Owned);
    assert_eq!(theirs.steps(), [""; 0]);
    let notices = theirs.plan().notices;
    assert!(matches!(&notices[0].what, News::DriftKept(kept) if kept[0].column == "retention"));
}

#[test]
fn enforce_puts_everything_back() {
    assert_eq!(drifted(OnDrift::Enforce).steps(), PUT_BACK);
}

#[test]
fn keep_puts_nothing_back() {
    let ours = drifted(OnDrift::Keep).owns(&LOG_GROUP, 1, "retention");
    assert_eq!(ours.steps(), [""; 0]);
}

#[test]
fn refuse_goes_no_further() {
    let plan = drifted(OnDrift::Refuse).plan();
    assert!(
        matches!(&plan.refusals[0].why, Because::Drift(drift) if drift[0].column == "retention")
    );
}

#[test]
fn a_kept_change_is_still_a_change_after_an_update_of_something_else() {
    let scene = drifted(OnDrift::Owned).set(&LOG_GROUP, 1, "tags", serde_json::json!({"a": "b"}));
    let step = scene.plan().steps.remove(0);
    let row = step.row.as_ref().expect("an update has its row");
    assert_eq!(
        row.get("retention"),
        &Value::Int(3),
        "a call that says more than what changes says what is there"
    );
    assert_eq!(
        step.kept,
        [("retention", Value::Int(7))],
        "agreeing on what was never agreed on would turn their change into an edit of ours"
    );
}

#[test]
fn drift_alone_never_replaces() {
    let target = Row::new(&TARGET_GROUP)
        .with("target_group_name", "t")
        .with("port", 80);
    for on_drift in [OnDrift::Owned, OnDrift::Enforce, OnDrift::Keep] {
        let scene = Scene::new()
            .settled(1, "arn:t", target.clone())
            .owns(&TARGET_GROUP, 1, "port")
            .drift("arn:t", "port", 81)
            .rules(|rules| rules.on_drift = on_drift);
        assert_eq!(scene.steps(), [""; 0]);
        assert_eq!(scene.plan().notices.len(), 1);
    }
}

#[test]
fn kept_drift_does_not_show_twice_in_what_is_written() {
    let effects = drifted(OnDrift::Keep).plan().effects;
    assert_eq!(effects, Default::default());
    let scene = drifted(OnDrift::Keep).edit(&LOG_GROUP, 1, |row| row.protected = true);
    let agree = scene.plan().effects.agree;
    assert_eq!(agree[0].0, key(&LOG_GROUP, 1));
    assert_eq!(agree[0].1.row.get("retention"), &Value::Int(7));
    assert!(agree[0].1.protected);
}
