//! The other direction: the tables follow the cloud.

use crate::kinds::{
    BALANCER, BALANCER_GROUPS, GROUP, LISTENER, LOG_GROUP, SERVICE, TARGET_GROUP, VPC,
};
use crate::scene::{Scene, key, object, region};
use iasql_engine::journal::{IntendedWork, Intent};
use iasql_engine::sync::{RowChange, deletes_that_wait, renamed};
use iasql_engine::{Row, Value};
use std::time::Duration;

fn log_group(name: &str) -> Row {
    Row::new(&LOG_GROUP).with("log_group_name", name)
}

fn target(name: &str) -> Row {
    Row::new(&TARGET_GROUP)
        .with("target_group_name", name)
        .with("port", 80)
}

fn listener(to: impl Into<Value>) -> Row {
    Row::new(&LISTENER)
        .with("port", 80)
        .with("target_group_name", to)
}

/// A change in a line: `update log_group 1: retention`.
fn line(change: &RowChange) -> String {
    let columns: Vec<_> = change.columns.iter().map(|it| it.column).collect();
    format!("{} {}: {}", change.action, change.key, columns.join(", "))
}

fn changes(scene: &Scene) -> Vec<String> {
    scene.sync().changes.iter().map(line).collect()
}

#[test]
fn what_agrees_stays_as_it_is() {
    let scene = Scene::new().settled(1, "a", log_group("a"));
    let plan = scene.sync();
    assert_eq!(changes(&scene), [""; 0]);
    assert_eq!(plan.refreshed, []);
    assert_eq!(plan.agree, []);
    assert_eq!(plan.forget, []);
}

#[test]
fn what_no_row_stands_for_is_imported_after_what_it_refers_to() {
    let scene = Scene::new()
        .object("l", listener(Value::object("arn:t")))
        .object("arn:t", target("t"));
    assert_eq!(
        changes(&scene),
        ["create target_group -1: ", "create listener -2: "]
    );
    let plan = scene.sync();
    assert_eq!(plan.changes[1].row.text("target_group_name"), Some("t"));
    assert_eq!(plan.agree.len(), 2);
    assert!(!plan.agree[0].1.made, "found is not made");
    let by_id = Scene::new()
        .object(
            "sg-1",
            Row::new(&GROUP)
                .with("group_name", "g")
                .with("vpc_id", Value::object("vpc-1")),
        )
        .object("vpc-1", Row::new(&VPC));
    assert_eq!(
        by_id.sync().changes[1].row.get("vpc_id"),
        &Value::Int(-1),
        "a row to come is referred to by its number in the plan"
    );
}

#[test]
fn edits_that_were_not_applied_are_undone() {
    let edited = Scene::new()
        .settled(1, "a", log_group("a"))
        .set(&LOG_GROUP, 1, "retention", 7);
    assert_eq!(changes(&edited), ["update log_group 1: retention"]);
    assert!(edited.sync().changes[0].row.get("retention").is_null());
    let inserted = Scene::new().row(1, log_group("a"));
    assert_eq!(changes(&inserted), ["delete log_group 1: "]);
    let deleted = Scene::new()
        .settled(1, "a", log_group("a"))
        .delete(&LOG_GROUP, 1);
    assert_eq!(changes(&deleted), ["create log_group 1: "], "under its id");
}

#[test]
fn what_somebody_else_changed_is_taken_over_and_ours_no_more() {
    let scene = Scene::new()
        .settled(1, "a", log_group("a").with("retention", 7))
        .owns(&LOG_GROUP, 1, "retention")
        .drift("a", "retention", 3);
    assert_eq!(changes(&scene), ["update log_group 1: retention"]);
    let plan = scene.sync();
    assert_eq!(plan.changes[0].row.get("retention"), &Value::Int(3));
    assert!(!plan.agree[0].1.owned.contains("retention"));
}

#[test]
fn what_is_gone_takes_its_row_along() {
    let scene = Scene::new().settled(1, "a", log_group("a")).gone("a");
    assert_eq!(changes(&scene), ["delete log_group 1: "]);
    assert_eq!(scene.sync().forget, [key(&LOG_GROUP, 1)]);
}

#[test]
fn rows_are_deleted_before_the_rows_they_refer_to() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .settled(1, "l", listener(Value::object("arn:t")))
        .gone("l")
        .gone("arn:t");
    assert_eq!(
        changes(&scene),
        ["delete listener 1: ", "delete target_group 1: "]
    );
}

#[test]
fn what_changes_by_itself_is_refreshed_without_a_word() {
    let scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC).with("state", "pending"))
        .drift("vpc-1", "state", "available");
    assert_eq!(changes(&scene), [""; 0]);
    assert_eq!(
        scene.sync().refreshed[0].row.text("state"),
        Some("available")
    );
    let both = scene.drift("vpc-1", "dns", true).sync();
    assert_eq!(both.changes.len(), 1);
    assert_eq!(both.refreshed.len(), 1, "also where something else changed");
}

#[test]
fn a_button_that_was_not_pressed_is_no_difference() {
    let service = Row::new(&SERVICE).with("name", "s");
    let scene = Scene::new().settled(1, "s", service);
    let unpressed = scene.clone().set(&SERVICE, 1, "redeploy", false);
    assert_eq!(changes(&unpressed), [""; 0]);
    let pressed = scene.set(&SERVICE, 1, "redeploy", true);
    assert_eq!(changes(&pressed), ["update service 1: redeploy"]);
}

#[test]
fn a_reference_without_a_row_is_null_and_no_difference() {
    let scene = Scene::new()
        .settled(1, "l", listener(Value::object("arn:foreign")))
        .clone();
    assert_eq!(changes(&scene), [""; 0]);
    let new = Scene::new().object("l", listener(Value::object("arn:foreign")));
    let plan = new.sync();
    assert!(plan.changes[0].row.get("target_group_name").is_null());
    assert_eq!(
        plan.agree[0].1.row.get("target_group_name"),
        &Value::object("arn:foreign"),
        "the raw id stays in what was agreed on"
    );
}

#[test]
fn a_part_that_no_row_can_say_is_left_out_and_kept() {
    let part = |id: &str| Row::new(&BALANCER_GROUPS).with("security_group_id", Value::object(id));
    let balancer = Row::new(&BALANCER).with("load_balancer_name", "b").with(
        "security_groups",
        Value::from(vec![part("sg-1"), part("sg-foreign")]),
    );
    let group = Row::new(&GROUP).with("group_name", "g");
    let imported = Scene::new()
        .object("sg-1", group.clone())
        .object("arn:b", balancer.clone())
        .sync();
    let row = &imported.changes[1].row;
    assert_eq!(row.parts("security_groups").len(), 1);
    let scene = Scene::new()
        .settled(1, "sg-1", group)
        .settled(1, "arn:b", balancer);
    let said = Row::new(&BALANCER_GROUPS).with("security_group_id", 1);
    let scene = scene.set(&BALANCER, 1, "security_groups", Value::from(vec![said]));
    assert_eq!(changes(&scene), [""; 0]);
    assert_eq!(scene.steps(), [""; 0], "nor is it an edit");
    let none = scene.set(&BALANCER, 1, "scheme", "internal");
    let made = none.plan().steps.into_iter().find_map(|step| step.row);
    let row = made.expect("a replacement has its row");
    assert_eq!(
        row.parts("security_groups").len(),
        2,
        "nor ever lost to one"
    );
}

#[test]
fn what_belongs_to_an_object_without_a_row_is_not_imported() {
    let rule = Row::new(&crate::kinds::RULE)
        .with("port", 80)
        .with("security_group_id", Value::object("sg-foreign"));
    assert_eq!(changes(&Scene::new().object("sgr-1", rule)), [""; 0]);
}

#[test]
fn a_row_that_moved_region_goes_back() {
    let scene = Scene::new()
        .settled(1, "a", log_group("a"))
        .edit(&LOG_GROUP, 1, |row| row.region = crate::scene::WEST.into());
    assert_eq!(changes(&scene), ["update log_group 1: region"]);
    assert_eq!(scene.sync().changes[0].region, region(&LOG_GROUP));
}

#[test]
fn an_edit_that_leads_nowhere_undoes_no_more_than_itself() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .settled(
            1,
            "l",
            listener(Value::object("arn:t")).with("ssl_policy", "x"),
        )
        .set(&LISTENER, 1, "load_balancer_name", "new");
    assert_eq!(changes(&scene), ["update listener 1: load_balancer_name"]);
}

#[test]
fn tables_that_could_not_be_read_stay_as_they_are_with_what_they_refer_to() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .settled(1, "l", listener(Value::object("arn:t")))
        .gone("l")
        .unread(&LISTENER);
    assert_eq!(changes(&scene), [""; 0]);
    let gone = scene.gone("arn:t");
    assert_eq!(
        changes(&gone),
        [""; 0],
        "a row that is referred to cannot go"
    );
    assert_eq!(gone.sync().forget, []);
}

#[test]
fn a_reference_to_a_table_that_could_not_be_read_keeps_its_name() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .settled(1, "l", listener(Value::object("arn:t")))
        .gone("arn:t")
        .set(&LISTENER, 1, "port", 81)
        .unread(&TARGET_GROUP);
    let plan = scene.sync();
    assert_eq!(
        plan.changes.iter().map(line).collect::<Vec<_>>(),
        ["update listener 1: port"]
    );
    assert_eq!(plan.changes[0].row.text("target_group_name"), Some("t"));
}

#[test]
fn a_row_whose_object_was_made_anew_by_somebody_stands_for_the_new_one() {
    let scene = Scene::new()
        .settled(1, "arn:old", target("t"))
        .made(&TARGET_GROUP, 1)
        .gone("arn:old")
        .object("arn:new", target("t"));
    assert_eq!(changes(&scene), ["update target_group 1: target_group_arn"]);
    let plan = scene.sync();
    assert_eq!(plan.forget, []);
    assert_eq!(plan.agree[0].1.id.as_str(), "arn:new");
    assert!(!plan.agree[0].1.made, "we did not make this one");
}

#[test]
fn what_an_earlier_run_made_is_imported_as_ours() {
    let vpc = Row::new(&VPC).with("cidr_block", "10.0.0.0/16");
    let scene = Scene::new().object("vpc-1", vpc.clone()).intends(Intent {
        run: "r".to_owned(),
        step: 0,
        key: key(&VPC, 7),
        region: region(&VPC),
        work: IntendedWork::Create,
        cloud_id: Some("vpc-1".into()),
        owner_tag: None,
        wanted: Some(vpc.clone()),
        age: Duration::ZERO,
        is_complete: false,
        finished: None,
    });
    assert_eq!(changes(&scene), ["create vpc -1: "]);
    assert!(scene.sync().agree[0].1.made);
    assert_eq!(scene.sync().resolved, [("r".to_owned(), 0)]);
    let still_there = scene.row(7, vpc);
    assert_eq!(
        changes(&still_there),
        ["update vpc 7: vpc_id"],
        "the row that it was made for gets it"
    );
}

#[test]
fn an_object_that_a_row_cannot_say_keeps_its_row() {
    let mut scene = Scene::new().settled(1, "a", log_group("a")).gone("a");
    scene.unsaid.insert(object("a", log_group("a")).key());
    assert_eq!(changes(&scene), [""; 0]);
    assert_eq!(scene.sync().forget, []);
}

#[test]
fn deletes_wait_for_rows_that_stay_and_still_lead_to_them() {
    let listener = |to: &str| listener(Value::object(to));
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .settled(2, "arn:u", target("u"))
        .settled(3, "arn:v", target("v"))
        .settled(1, "l", listener("arn:t"))
        .settled(2, "m", listener("arn:u").with("port", 81))
        .drift("l", "target_group_name", Value::object("arn:v"))
        .gone("arn:t")
        .gone("arn:u")
        .gone("m");
    let plan = scene.sync();
    let waits = deletes_that_wait(&scene.catalog, &scene.desired, &plan.changes);
    assert_eq!(
        changes(&scene),
        [
            "update listener 1: target_group_name",
            "delete listener 2: ",
            "delete target_group 2: ",
            "delete target_group 1: "
        ]
    );
    assert_eq!(
        Vec::from_iter(waits),
        [key(&TARGET_GROUP, 1)],
        "the others are free to go"
    );
}

#[test]
fn a_row_is_renamed_where_its_natural_key_or_its_region_changes() {
    let scene =
        Scene::new()
            .settled(1, "a", log_group("a"))
            .set(&LOG_GROUP, 1, "log_group_name", "b");
    assert!(renamed(&scene.sync().changes[0]));
    let moved = Scene::new()
        .settled(1, "a", log_group("a"))
        .edit(&LOG_GROUP, 1, |row| row.region = crate::scene::WEST.into());
    assert!(renamed(&moved.sync().changes[0]));
    let other = Scene::new()
        .settled(1, "a", log_group("a"))
        .set(&LOG_GROUP, 1, "retention", 7);
    assert!(!renamed(&other.sync().changes[0]));
    let deleted = Scene::new().settled(1, "a", log_group("a")).gone("a");
    assert!(!renamed(&deleted.sync().changes[0]));
}
