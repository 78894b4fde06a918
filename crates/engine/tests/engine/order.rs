//! Which step waits for which.

use crate::kinds::{
    BALANCER, CONTAINER, GROUP, LISTENER, LOG_GROUP, ROLE, RULE, SERVICE, TARGET_GROUP, TASK, VPC,
};
use crate::scene::Scene;
use iasql_engine::kind::{Catalog, CircularKinds, Kind, refers_to};
use iasql_engine::plan::Plan;
use iasql_engine::{Row, Value};

/// The tables that the step of this table waits for.
fn waits_for<'p>(plan: &'p Plan, table: &str) -> Vec<&'p str> {
    let step = plan.steps.iter().find(|step| step.kind.table == table);
    let after = &step.expect("there is such a step").after;
    after
        .iter()
        .map(|step| plan.steps[*step].kind.table)
        .collect()
}

#[test]
fn everything_is_made_after_what_it_refers_to() {
    let container = Row::new(&CONTAINER)
        .with("name", "c")
        .with("log_group_name", "logs");
    let plan = Scene::new()
        .row(
            1,
            Row::new(&SERVICE)
                .with("name", "s")
                .with("task_definition_id", 1),
        )
        .row(
            1,
            Row::new(&TASK)
                .with("family", "f")
                .with("role_name", "r")
                .with("containers", Value::from(vec![container])),
        )
        .row(1, Row::new(&ROLE).with("role_name", "r"))
        .row(1, Row::new(&LOG_GROUP).with("log_group_name", "logs"))
        .plan();
    assert_eq!(plan.refusals, []);
    assert_eq!(waits_for(&plan, "service"), ["task_definition"]);
    assert_eq!(
        waits_for(&plan, "task_definition"),
        ["log_group", "role"],
        "by itself and by its parts"
    );
}

#[test]
fn only_what_depends_on_each_other_waits() {
    let plan = Scene::new()
        .row(1, Row::new(&VPC))
        .row(1, Row::new(&LOG_GROUP).with("log_group_name", "a"))
        .plan();
    assert!(plan.steps.iter().all(|step| step.after.is_empty()));
}

#[test]
fn a_service_waits_for_the_listener_of_its_target_group() {
    let target = Row::new(&TARGET_GROUP).with("target_group_name", "t");
    let listener = Row::new(&LISTENER)
        .with("port", 80)
        .with("target_group_name", "t");
    let service = Row::new(&SERVICE)
        .with("name", "s")
        .with("target_group_name", "t");
    let all_new = Scene::new()
        .row(1, target.clone())
        .row(1, listener.clone())
        .row(1, service.clone())
        .plan();
    assert_eq!(waits_for(&all_new, "service"), ["target_group", "listener"]);
    let target_exists = Scene::new()
        .settled(1, "arn:t", target)
        .row(1, listener)
        .row(1, service)
        .plan();
    assert_eq!(waits_for(&target_exists, "service"), ["listener"]);
}

#[test]
fn a_name_in_place_is_taken_when_it_is_given_up() {
    let listener = |port: i32| Row::new(&LISTENER).with("port", port);
    let scene = Scene::new()
        .settled(1, "a", listener(80))
        .settled(2, "b", listener(81))
        .set(&LISTENER, 1, "port", 81)
        .set(&LISTENER, 2, "port", 82);
    assert_eq!(
        scene.steps(),
        [
            "update listener 2: port 81 → 82 (row changed)",
            "update listener 1: port 80 → 81 (row changed)",
        ]
    );
}

#[test]
fn a_name_is_taken_when_its_old_bearer_is_deleted() {
    let balancer = Row::new(&BALANCER).with("load_balancer_name", "b");
    let listener = Row::new(&LISTENER)
        .with("port", 80)
        .with("load_balancer_name", Value::object("arn:b"));
    let scene = Scene::new()
        .settled(1, "arn:b", balancer)
        .settled(1, "l", listener.clone())
        .settled(2, "m", listener.with("port", 81))
        .delete(&LISTENER, 1)
        .set(&LISTENER, 2, "port", 80);
    assert_eq!(
        scene.steps(),
        [
            "delete listener 1",
            "update listener 2: port 81 → 80 (row changed)",
        ]
    );
}

#[test]
fn what_lets_an_object_go_comes_before_its_delete() {
    let rule = Row::new(&RULE)
        .with("port", 80)
        .with("security_group_id", Value::object("sg-1"))
        .with("source_security_group_id", Value::object("sg-2"));
    let scene = Scene::new()
        .settled(1, "sg-1", Row::new(&GROUP).with("group_name", "g"))
        .settled(2, "sg-2", Row::new(&GROUP).with("group_name", "h"))
        .settled(1, "sgr-1", rule)
        .set(&RULE, 1, "source_security_group_id", Value::Null)
        .set(&RULE, 1, "cidr", "10.0.0.0/8")
        .delete(&GROUP, 2);
    let steps = scene.steps();
    assert!(steps[0].starts_with("update security_group_rule 1"));
    assert_eq!(steps[1], "delete security_group 2");
    assert_eq!(scene.plan().steps[1].after, [0].into());
}

#[test]
fn kinds_that_refer_to_each_other_have_no_order() {
    static HEN: Kind = Kind::regional("hen", &[refers_to("egg_id", "egg")]);
    static EGG: Kind = Kind::regional("egg", &[refers_to("hen_id", "hen")]);
    let error = Catalog::new([&HEN, &EGG]).err();
    let tables = vec!["egg", "hen"];
    assert_eq!(error, Some(CircularKinds { tables }));
}
