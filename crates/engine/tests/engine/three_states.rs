//! A row, its last agreement and its object: what follows from each being there or not, and from each column.

use crate::kinds::{LISTENER, LOG_GROUP, ROLE, SERVICE, TARGET_GROUP, VPC};
use crate::scene::{Scene, key, object};
use iasql_engine::plan::{Because, News, Why};
use iasql_engine::{Row, Value};
use serde_json::json;

fn log_group(name: &str) -> Row {
    Row::new(&LOG_GROUP).with("log_group_name", name)
}

fn news(scene: &Scene) -> Vec<News> {
    let notices = scene.plan().notices.into_iter();
    notices.map(|notice| notice.what).collect()
}

#[test]
fn a_row_alone_is_created() {
    let scene = Scene::new().row(1, log_group("a"));
    assert_eq!(scene.steps(), ["create log_group 1"]);
    let step = &scene.plan().steps[0];
    assert_eq!(step.why, Why::NewRow);
    assert!(step.made);
    assert!(step.owned.contains("log_group_name"));
}

#[test]
fn three_that_agree_are_left_alone() {
    let scene = Scene::new().settled(1, "a", log_group("a"));
    let plan = scene.plan();
    assert_eq!(scene.steps(), [""; 0]);
    assert_eq!(plan.effects, Default::default());
    assert_eq!(plan.notices, []);
}

#[test]
fn an_object_alone_is_left_alone() {
    let scene = Scene::new().object("a", log_group("a"));
    assert_eq!(scene.steps(), [""; 0]);
}

#[test]
fn an_object_gone_is_made_again_if_we_made_it() {
    let scene = Scene::new().settled(1, "a", log_group("a")).gone("a");
    let ours = scene.clone().made(&LOG_GROUP, 1);
    assert_eq!(ours.steps(), ["create log_group 1"]);
    assert_eq!(news(&ours), [News::GoneAndMadeAgain]);
    assert_eq!(scene.steps(), [""; 0]);
    assert_eq!(news(&scene), [News::GoneAndLeft]);
}

#[test]
fn an_object_gone_that_has_a_namesake_is_taken_like_any_that_exists() {
    let target = |arn: &str, interval: i32| {
        let row = Row::new(&TARGET_GROUP)
            .with("target_group_name", "t")
            .with("port", 80)
            .with("interval", interval);
        object(arn, row)
    };
    let scene = Scene::new()
        .settled_object(1, target("old", 10))
        .made(&TARGET_GROUP, 1)
        .gone("old");
    let same = scene.clone().with(target("new", 10));
    assert_eq!(same.steps(), ["adopt target_group 1"]);
    let other = scene.with(target("new", 20)).plan();
    assert!(matches!(other.refusals[0].why, Because::Differs { .. }));
}

#[test]
fn a_deleted_row_takes_its_object_along() {
    let scene = Scene::new()
        .settled(1, "a", log_group("a"))
        .delete(&LOG_GROUP, 1);
    assert_eq!(scene.steps(), ["delete log_group 1"]);
}

#[test]
fn a_deleted_row_whose_object_is_gone_is_forgotten() {
    let scene = Scene::new()
        .settled(1, "a", log_group("a"))
        .delete(&LOG_GROUP, 1)
        .gone("a");
    assert_eq!(scene.steps(), [""; 0]);
    assert_eq!(scene.plan().effects.forget, [key(&LOG_GROUP, 1)]);
}

#[test]
fn an_edit_is_an_update_that_says_what_changes() {
    let scene = Scene::new()
        .settled(1, "a", log_group("a"))
        .set(&LOG_GROUP, 1, "retention", 7);
    assert_eq!(
        scene.steps(),
        ["update log_group 1: retention null → 7 (row changed)"]
    );
    assert!(scene.plan().steps[0].owned.contains("retention"));
}

#[test]
fn null_is_a_value_where_it_means_absent() {
    let scene = Scene::new()
        .settled(1, "a", log_group("a").with("retention", 7))
        .set(&LOG_GROUP, 1, "retention", Value::Null);
    assert_eq!(
        scene.steps(),
        ["update log_group 1: retention 7 → null (row changed)"]
    );
}

#[test]
fn null_leaves_the_choice_to_aws_where_it_means_so() {
    let role = Row::new(&ROLE)
        .with("role_name", "r")
        .with("description", "x");
    let scene = Scene::new()
        .settled(1, "r", role)
        .owns(&ROLE, 1, "description")
        .set(&ROLE, 1, "description", Value::Null);
    assert_eq!(scene.steps(), [""; 0]);
    assert_eq!(news(&scene), [News::ChoiceStays(vec!["description"])]);
    let effects = scene.plan().effects;
    assert_eq!(effects.write_back[0].column, "description");
    assert_eq!(effects.write_back[0].value, Value::from("x"));
    assert!(
        !effects.agree[0].1.owned.contains("description"),
        "what is left to AWS is ours no more"
    );
}

#[test]
fn what_aws_fills_in_is_put_back_and_said() {
    let scene = Scene::new()
        .settled(1, "a", log_group("a").with("arn", "arn:a"))
        .set(&LOG_GROUP, 1, "arn", "mine");
    assert_eq!(scene.steps(), [""; 0]);
    assert_eq!(news(&scene), [News::PutBack(vec!["arn"])]);
    let write_back = &scene.plan().effects.write_back[0];
    assert_eq!(
        (write_back.column, &write_back.value),
        ("arn", &Value::from("arn:a"))
    );
}

#[test]
fn what_aws_fills_in_later_is_written_back_without_a_word() {
    let scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC).with("state", "pending"))
        .drift("vpc-1", "state", "available");
    assert_eq!(news(&scene), []);
    assert_eq!(scene.plan().effects.write_back[0].column, "state");
}

#[test]
fn a_button_is_pressed_once() {
    let scene = Scene::new()
        .settled(
            1,
            "s",
            Row::new(&SERVICE).with("name", "s").with("redeploy", false),
        )
        .set(&SERVICE, 1, "redeploy", true);
    assert_eq!(
        scene.steps(),
        ["update service 1: redeploy false → true (row changed)"]
    );
    assert!(
        !scene.plan().steps[0].owned.contains("redeploy"),
        "a button holds nothing"
    );
}

#[test]
fn what_row_and_cloud_changed_alike_is_agreed_on_without_a_step() {
    let scene = Scene::new()
        .settled(1, "a", log_group("a"))
        .set(&LOG_GROUP, 1, "retention", 7)
        .drift("a", "retention", 7);
    assert_eq!(scene.steps(), [""; 0]);
    let agree = scene.plan().effects.agree;
    assert_eq!(agree[0].1.row.get("retention"), &Value::Int(7));
}

#[test]
fn where_both_changed_the_row_wins_and_it_is_said() {
    let scene = Scene::new()
        .settled(1, "a", log_group("a"))
        .set(&LOG_GROUP, 1, "retention", 7)
        .drift("a", "retention", 3);
    assert_eq!(
        scene.steps(),
        ["update log_group 1: retention 3 → 7 (row and cloud changed)"]
    );
}

#[test]
fn spellings_of_one_meaning_are_no_difference() {
    let policy =
        |action: serde_json::Value| json!({"Statement": {"Effect": "Allow", "Action": action}});
    let set = |values: &[&str]| Value::List(values.iter().map(|it| (*it).to_owned()).collect());
    let role = Row::new(&ROLE)
        .with("role_name", "r")
        .with("trust", policy(json!(["a", "b"])))
        .with("attached", set(&["x", "y"]));
    let scene = Scene::new()
        .settled(1, "r", role)
        .set(&ROLE, 1, "trust", policy(json!(["b", "a", "b"])))
        .set(&ROLE, 1, "attached", set(&["y", "x"]));
    assert_eq!(scene.steps(), [""; 0]);
    assert_eq!(scene.plan().effects, Default::default());
}

#[test]
fn a_copied_cloud_id_does_not_change_what_a_row_stands_for() {
    let target = |name: &str| {
        Row::new(&TARGET_GROUP)
            .with("target_group_name", name)
            .with("port", 80)
    };
    let scene = Scene::new()
        .settled(1, "arn:a", target("a"))
        .settled(2, "arn:b", target("b"))
        .set(&TARGET_GROUP, 2, "target_group_arn", "arn:a");
    assert_eq!(scene.steps(), [""; 0]);
    assert_eq!(news(&scene), [News::PutBack(vec!["target_group_arn"])]);
    let deleted = scene.delete(&TARGET_GROUP, 2);
    assert_eq!(deleted.steps(), ["delete target_group 2"]);
    let object = deleted.plan().steps[0].object.clone();
    assert_eq!(
        object.map(|object| object.id.to_string()),
        Some("arn:b".to_owned())
    );
}

#[test]
fn a_reference_without_a_row_is_null_and_no_difference() {
    let listener = Row::new(&LISTENER)
        .with("port", 80)
        .with("target_group_name", Value::object("arn:foreign"));
    let scene = Scene::new().settled(1, "l", listener);
    assert!(scene.desired[0].row.get("target_group_name").is_null());
    assert_eq!(scene.steps(), [""; 0]);
    let edited = scene.set(&LISTENER, 1, "port", 81);
    assert_eq!(
        edited.steps(),
        ["update listener 1: port 80 → 81 (row changed)"]
    );
    let step = &edited.plan().steps[0];
    assert_eq!(
        step.row
            .as_ref()
            .map(|row| row.get("target_group_name").clone()),
        Some(Value::object("arn:foreign")),
        "an update of something else keeps it"
    );
}

#[test]
fn a_reference_that_is_set_to_null_is_an_edit() {
    let target = Row::new(&TARGET_GROUP)
        .with("target_group_name", "t")
        .with("port", 80);
    let listener = Row::new(&LISTENER)
        .with("port", 80)
        .with("target_group_name", Value::object("arn:t"));
    let scene = Scene::new()
        .settled(1, "arn:t", target)
        .settled(1, "l", listener)
        .set(&LISTENER, 1, "target_group_name", Value::Null);
    assert_eq!(
        scene.steps(),
        ["update listener 1: target_group_name \"arn:t\" → null (row changed)"]
    );
}

#[test]
fn tables_that_could_not_be_read_are_left_alone_with_what_refers_to_them() {
    let target = |name: &str| {
        Row::new(&TARGET_GROUP)
            .with("target_group_name", name)
            .with("port", 80)
    };
    let listener = |to: &str| {
        Row::new(&LISTENER)
            .with("port", 80)
            .with("target_group_name", to)
    };
    let scene = Scene::new()
        .settled(1, "arn:t", target("known"))
        .gone("arn:t")
        .made(&TARGET_GROUP, 1)
        .row(2, target("new"))
        .agreed(3, &object("arn:u", target("deleted")))
        .row(1, listener("known"))
        .row(2, listener("new").with("port", 81))
        .unread(&TARGET_GROUP);
    assert_eq!(
        scene.steps(),
        ["create listener 1"],
        "what refers to an object that was known can go on"
    );
    assert_eq!(scene.plan().effects, Default::default());
    let notices = scene.plan().notices;
    assert_eq!(notices.len(), 1);
    assert_eq!(
        (notices[0].key, &notices[0].what),
        (key(&LISTENER, 2), &News::Unread)
    );
}

#[test]
fn a_reference_that_leads_nowhere_is_refused_once() {
    let listener = Row::new(&LISTENER)
        .with("port", 80)
        .with("load_balancer_name", "nowhere");
    let refusals = Scene::new().row(1, listener).plan().refusals;
    assert_eq!(refusals.len(), 1);
    assert_eq!(
        refusals[0].why,
        Because::Dangling {
            column: "load_balancer_name",
            table: "load_balancer",
            value: json!("nowhere"),
        }
    );
}

#[test]
fn what_refers_to_a_refused_row_is_not_refused_for_it() {
    let target = Row::new(&TARGET_GROUP)
        .with("target_group_name", "t")
        .with("port", 80);
    let scene = Scene::new()
        .object("arn:t", target.clone())
        .row(1, target.with("port", 81))
        .row(
            1,
            Row::new(&LISTENER)
                .with("port", 80)
                .with("target_group_name", "t"),
        )
        .row(
            2,
            Row::new(&LISTENER)
                .with("port", 81)
                .with("target_group_name", "nowhere"),
        );
    let refused: Vec<_> = scene.plan().refusals.iter().map(|it| it.key).collect();
    assert_eq!(
        refused,
        [key(&TARGET_GROUP, 1), key(&LISTENER, 2)],
        "in the order of the kinds"
    );
}

#[test]
fn what_no_row_can_say_is_not_changed() {
    let mut scene = Scene::new()
        .settled(1, "a", log_group("a"))
        .gone("a")
        .made(&LOG_GROUP, 1);
    scene
        .unsaid
        .insert(scene.known[&key(&LOG_GROUP, 1)].object_key("log_group"));
    assert_eq!(scene.steps(), [""; 0]);
    assert_eq!(news(&scene), [News::Unsaid]);
    let edited = scene.clone().set(&LOG_GROUP, 1, "retention", 7);
    assert_eq!(edited.plan().refusals[0].why, Because::Unsaid);
    let deleted = scene.delete(&LOG_GROUP, 1);
    assert_eq!(deleted.steps(), ["delete log_group 1"]);
}

#[test]
fn a_world_listed_in_another_order_has_the_same_plan_byte_for_byte() {
    let mut scene = Scene::new();
    for id in 1..20 {
        let target = Row::new(&TARGET_GROUP)
            .with("target_group_name", format!("t{id}"))
            .with("port", 80);
        scene = match id % 3 {
            0 => scene.row(id, target),
            1 => scene.settled(id, &format!("arn:{id}"), target),
            _ => scene
                .settled(id, &format!("arn:{id}"), target)
                .delete(&TARGET_GROUP, id),
        };
        scene = scene.row(
            id,
            Row::new(&LISTENER)
                .with("port", id)
                .with("target_group_name", format!("t{}", id - id % 3)),
        );
    }
    scene
        .desired
        .retain(|row| row.key.table == "target_group" || row.key.id > 2);
    let plan = format!("{:?}", scene.plan());
    scene.desired.reverse();
    scene.actual.reverse();
    assert_eq!(format!("{:?}", scene.plan()), plan);
}
