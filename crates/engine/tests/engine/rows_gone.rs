//! Rows that were deleted.

use crate::kinds::{
    BALANCER, BALANCER_GROUPS, GROUP, LISTENER, LOG_GROUP, RULE, SERVICE, SUBNET, TARGET_GROUP, VPC,
};
use crate::scene::{EAST, Scene, key, object};
use iasql_engine::object::Owner;
use iasql_engine::plan::News;
use iasql_engine::{Object, Row, Value};

fn group(owner: Owner) -> Object {
    let row = Row::new(&GROUP)
        .with("group_name", "default")
        .with("vpc_id", Value::object("vpc-1"));
    Object {
        owner,
        ..object("sg-1", row)
    }
}

#[test]
fn what_belongs_to_the_account_comes_back() {
    let scene = Scene::new()
        .settled_object(1, group(Owner::Account))
        .delete(&GROUP, 1);
    assert_eq!(scene.steps(), [""; 0]);
    let plan = scene.plan();
    assert_eq!(plan.notices[0].what, News::AccountOwned);
    assert_eq!(plan.effects.restore[0].0, key(&GROUP, 1));
    assert_eq!(
        plan.bindings.row_of(&group(Owner::Account).key()),
        Some(key(&GROUP, 1))
    );
}

#[test]
fn what_goes_with_another_comes_back_unless_that_goes_too() {
    let scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC))
        .settled_object(1, group(Owner::Object("vpc-1".into())))
        .delete(&GROUP, 1);
    let alone = scene.plan();
    assert_eq!(alone.notices[0].what, News::GoesWithAnother("vpc-1".into()));
    assert_eq!(alone.effects.restore.len(), 1);
    let both = scene.clone().delete(&VPC, 1);
    assert_eq!(both.steps(), ["delete vpc 1"]);
    assert_eq!(both.plan().effects.forget, [key(&GROUP, 1)]);
    let replaced = scene.set(&VPC, 1, "cidr_block", "10.1.0.0/16").plan();
    assert_eq!(replaced.effects.restore, []);
    assert_eq!(replaced.effects.forget, [key(&GROUP, 1)]);
}

#[test]
fn what_goes_with_an_object_of_the_account_does_not_go_with_its_row() {
    let vpc = Object {
        owner: Owner::Account,
        ..object("vpc-1", Row::new(&VPC))
    };
    let scene = Scene::new()
        .settled_object(1, vpc)
        .settled_object(1, group(Owner::Object("vpc-1".into())))
        .delete(&GROUP, 1)
        .delete(&VPC, 1);
    assert_eq!(scene.steps(), [""; 0]);
    assert_eq!(scene.plan().effects.restore.len(), 2);
    assert_eq!(scene.plan().effects.forget, []);
}

#[test]
fn a_rule_of_a_group_that_comes_back_comes_back_unless_it_refers_to_what_goes() {
    let other = Row::new(&GROUP).with("group_name", "g");
    let rule = |source: Value| {
        Row::new(&RULE)
            .with("port", 80)
            .with("security_group_id", Value::object("sg-1"))
            .with("source_security_group_id", source)
    };
    let mut scene = Scene::new()
        .settled_object(1, group(Owner::Account))
        .settled(2, "sg-2", other)
        .settled(1, "sgr-1", rule(Value::Null))
        .settled(2, "sgr-2", rule(Value::object("sg-2")));
    scene.desired.clear();
    assert_eq!(
        scene.steps(),
        ["delete security_group_rule 2", "delete security_group 2"]
    );
    let restored = scene.plan().effects.restore.into_iter();
    let restored: Vec<_> = restored.map(|(key, _)| key).collect();
    assert_eq!(restored, [key(&GROUP, 1), key(&RULE, 1)]);
}

#[test]
fn a_rule_that_refers_to_a_group_that_comes_back_comes_back_with_it() {
    let with = Owner::Object("vpc-1".into());
    let rule = Row::new(&RULE)
        .with("security_group_id", Value::object("sg-1"))
        .with("source_security_group_id", Value::object("sg-1"));
    let mut scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC))
        .settled_object(1, group(with))
        .settled(1, "sgr-1", rule);
    scene = scene.delete(&GROUP, 1).delete(&RULE, 1);
    assert_eq!(scene.steps(), [""; 0]);
    let restored = scene.plan().effects.restore.into_iter();
    let restored: Vec<_> = restored.map(|(key, _)| key).collect();
    assert_eq!(restored, [key(&GROUP, 1), key(&RULE, 1)]);
}

/// A VPC with its `default` group, and another group of which a rule of the `default` group lets traffic in.
fn vpc_with_groups() -> Scene {
    let other = Row::new(&GROUP)
        .with("group_name", "g")
        .with("vpc_id", Value::object("vpc-1"));
    let rule = Row::new(&RULE)
        .with("security_group_id", Value::object("sg-1"))
        .with("source_security_group_id", Value::object("sg-2"));
    Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC))
        .settled_object(1, group(Owner::Object("vpc-1".into())))
        .settled(2, "sg-2", other)
        .settled(1, "sgr-1", rule)
}

#[test]
fn what_was_in_a_group_comes_back_in_the_group_that_took_its_place() {
    let rule = Row::new(&RULE).with("security_group_id", Value::object("sg-1"));
    let scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC))
        .settled_object(1, group(Owner::Object("vpc-1".into())))
        .settled(1, "sgr-1", rule)
        .gone("sgr-1")
        .gone("sg-1")
        .with(Object {
            id: "sg-2".into(),
            ..group(Owner::Object("vpc-1".into()))
        });
    assert_eq!(
        scene.steps(),
        ["adopt security_group 1", "create security_group_rule 1"]
    );
}

#[test]
fn a_rule_of_a_group_that_goes_with_its_vpc_goes_first_where_it_holds_another_group_back() {
    let mut scene = vpc_with_groups();
    scene.desired.clear();
    assert_eq!(
        scene.steps(),
        [
            "delete security_group_rule 1",
            "delete security_group 2",
            "delete vpc 1"
        ]
    );
    assert_eq!(scene.plan().effects.forget, [key(&GROUP, 1)]);
}

#[test]
fn a_rule_that_refers_to_a_group_that_goes_with_its_vpc_does_not_come_back() {
    let account = Object {
        owner: Owner::Account,
        ..object("sg-9", Row::new(&GROUP).with("group_name", "default"))
    };
    let rule = Row::new(&RULE)
        .with("security_group_id", Value::object("sg-9"))
        .with("source_security_group_id", Value::object("sg-1"));
    let mut scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC))
        .settled_object(1, group(Owner::Object("vpc-1".into())))
        .settled_object(9, account)
        .settled(1, "sgr-1", rule);
    scene.desired.clear();
    assert_eq!(
        scene.steps(),
        ["delete security_group_rule 1", "delete vpc 1"]
    );
}

#[test]
fn a_vpc_waits_for_what_leaves_the_group_that_goes_with_it() {
    let groups = |id: &str| {
        let group = Row::new(&BALANCER_GROUPS).with("security_group_id", Value::object(id));
        Value::from(vec![group])
    };
    let balancer = Row::new(&BALANCER)
        .with("load_balancer_name", "b")
        .with("security_groups", groups("sg-1"));
    let scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC))
        .settled_object(1, group(Owner::Object("vpc-1".into())))
        .settled(2, "sg-2", Row::new(&GROUP).with("group_name", "g"))
        .settled(1, "arn:b", balancer)
        .set(&BALANCER, 1, "security_groups", {
            let group = Row::new(&BALANCER_GROUPS).with("security_group_id", 2);
            Value::from(vec![group])
        })
        .delete(&GROUP, 1)
        .delete(&VPC, 1);
    let plan = scene.plan();
    assert_eq!(plan.refusals, []);
    assert_eq!(plan.steps[0].key, key(&BALANCER, 1));
    assert_eq!(plan.steps[1].key, key(&VPC, 1));
    assert_eq!(plan.steps[1].after, [0].into());
}

#[test]
fn everything_goes_before_what_it_refers_to() {
    let subnet = Row::new(&SUBNET)
        .with("cidr_block", "10.0.0.0/24")
        .with("vpc_id", Value::object("vpc-1"));
    let group = Row::new(&GROUP)
        .with("group_name", "g")
        .with("vpc_id", Value::object("vpc-1"));
    let rule = Row::new(&RULE)
        .with("port", 80)
        .with("security_group_id", Value::object("sg-1"));
    let service = Row::new(&SERVICE)
        .with("name", "s")
        .with("subnets", Value::from(vec!["subnet-1".to_owned()]))
        .with("target_group_name", Value::object("arn:t"));
    let target = Row::new(&TARGET_GROUP)
        .with("target_group_name", "t")
        .with("vpc", Value::object("vpc-1"));
    let listener = Row::new(&LISTENER)
        .with("port", 80)
        .with("target_group_name", Value::object("arn:t"));
    let mut scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC))
        .settled(1, "subnet-1", subnet)
        .settled(1, "sg-1", group)
        .settled(1, "sgr-1", rule)
        .settled(1, "arn:t", target)
        .settled(1, "l", listener)
        .settled(1, "s", service);
    scene.desired.clear();
    let steps = scene.steps();
    let place = |table: &str| {
        let line = format!("delete {table} 1");
        steps.iter().position(|step| *step == line).expect(table)
    };
    for (first, then) in [
        ("security_group_rule", "security_group"),
        ("security_group", "vpc"),
        ("subnet", "vpc"),
        ("target_group", "vpc"),
        ("listener", "target_group"),
        ("service", "target_group"),
        // By the id that a user wrote out.
        ("service", "subnet"),
        // By what the service's kind declares.
        ("service", "listener"),
    ] {
        assert!(place(first) < place(then), "{first} before {then}");
    }
}

#[test]
fn a_table_that_is_not_in_play_keeps_its_agreements() {
    let mut scene = Scene::new().settled(1, "a", Row::new(&LOG_GROUP).with("log_group_name", "a"));
    scene.catalog = iasql_engine::Catalog::new([&VPC]).expect("one kind has an order");
    scene.desired.clear();
    assert_eq!(scene.steps(), [""; 0]);
    assert_eq!(scene.plan().effects, Default::default());
}

#[test]
fn what_is_used_by_something_unread_is_not_deleted_before_that_can_be() {
    let subnet = Row::new(&SUBNET).with("vpc_id", Value::object("vpc-1"));
    let scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC))
        .settled(1, "subnet-1", subnet)
        .settled(2, "vpc-2", Row::new(&VPC))
        .delete(&SUBNET, 1)
        .delete(&VPC, 1)
        .delete(&VPC, 2);
    let mut unread = scene.clone();
    unread.unread.insert((SUBNET.table, EAST.into()));
    unread.actual.retain(|object| object.kind() != &SUBNET);
    assert_eq!(unread.steps(), ["delete vpc 2"]);
    let plan = unread.plan();
    assert_eq!(plan.notices.len(), 1);
    assert_eq!(plan.notices[0].key, key(&VPC, 1));
    assert_eq!(plan.notices[0].what, News::UsersUnread);
    assert_eq!(plan.effects.forget, []);
    assert_eq!(scene.steps().len(), 3);
}

#[test]
fn what_is_used_by_something_that_is_not_deleted_yet_is_not_deleted_either() {
    let group = group(Owner::User);
    let rule = Row::new(&RULE).with("source_security_group_id", Value::object("sg-1"));
    let mut scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC))
        .settled_object(1, group)
        .settled(1, "sgr-1", rule)
        .delete(&RULE, 1)
        .delete(&GROUP, 1)
        .delete(&VPC, 1);
    scene.unread.insert((RULE.table, EAST.into()));
    assert_eq!(scene.steps(), [""; 0]);
}
