//! Objects that cannot become what their row wants.

use crate::kinds::{
    BALANCER, BALANCER_GROUPS, GROUP, LISTENER, RULE, SERVICE, SUBNET, TARGET_GROUP, TASK, VPC,
};
use crate::scene::{Scene, WEST, key, object};
use iasql_engine::object::Owner;
use iasql_engine::plan::{Action, Because, Place, Work};
use iasql_engine::{Row, Value};

fn target(name: &str) -> Row {
    Row::new(&TARGET_GROUP)
        .with("target_group_name", name)
        .with("port", 80)
}

fn listener(to: Value) -> Row {
    Row::new(&LISTENER)
        .with("port", 80)
        .with("target_group_name", to)
}

/// A listener that forwards to target group `t`.
fn forwarding() -> Scene {
    Scene::new()
        .settled(1, "arn:t", target("t"))
        .settled(1, "l", listener(Value::object("arn:t")))
}

#[test]
fn a_rename_makes_the_new_object_moves_what_uses_it_and_deletes_the_old_one() {
    let scene = forwarding()
        .set(&TARGET_GROUP, 1, "target_group_name", "u")
        .set(&LISTENER, 1, "target_group_name", "u");
    assert_eq!(
        scene.steps(),
        [
            "replace target_group 1: target_group_name \"t\" → \"u\" (row changed)",
            "update listener 1: target_group_name \"arn:t\" → null (refers to an object made anew)",
            "… delete target_group 1",
        ]
    );
    assert_eq!(
        scene.plan().bindings.place_of(&key(&TARGET_GROUP, 1)),
        Some(&Place::ToBeMade {
            delete_first: false
        })
    );
}

#[test]
fn a_block_is_free_only_when_the_one_that_it_overlaps_is_gone() {
    let subnet = |block: &str| {
        Row::new(&SUBNET)
            .with("cidr_block", block)
            .with("vpc_id", Value::object("vpc-1"))
    };
    let scene = Scene::new().settled(1, "vpc-1", Row::new(&VPC)).settled(
        1,
        "subnet-1",
        subnet("10.0.0.0/24"),
    );
    let smaller = scene
        .clone()
        .set(&SUBNET, 1, "cidr_block", "10.0.0.128/25")
        .plan();
    assert_eq!(smaller.steps[0].work, Work::Delete);
    assert_eq!(smaller.steps[1].after, [0].into());
    let elsewhere = scene.clone().set(&SUBNET, 1, "cidr_block", "10.0.1.0/24");
    assert_eq!(elsewhere.plan().steps[0].work, Work::Create);
    let other = Row::new(&SUBNET)
        .with("cidr_block", "10.0.0.0/25")
        .with("vpc_id", 1);
    let another_row = scene.delete(&SUBNET, 1).row(2, other);
    assert_eq!(another_row.steps(), ["delete subnet 1", "create subnet 2"]);
}

#[test]
fn under_the_same_name_the_old_object_goes_first_if_nothing_uses_it() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .set(&TARGET_GROUP, 1, "port", 81);
    assert_eq!(
        scene.steps(),
        [
            "… delete target_group 1",
            "replace target_group 1: port 80 → 81 (row changed)",
        ]
    );
}

#[test]
fn under_the_same_name_what_is_used_is_refused_with_its_user() {
    let refusals = forwarding()
        .set(&TARGET_GROUP, 1, "port", 81)
        .plan()
        .refusals;
    assert_eq!(refusals.len(), 1, "the circle that would be is not told");
    assert_eq!(
        refusals[0].why,
        Because::ReplaceInUse {
            columns: vec!["port"],
            user: object("l", listener(Value::Null)).key(),
        }
    );
}

#[test]
fn under_the_same_name_what_only_leaving_objects_use_is_replaced() {
    let deleted = forwarding()
        .set(&TARGET_GROUP, 1, "port", 81)
        .delete(&LISTENER, 1);
    assert_eq!(
        deleted.steps(),
        [
            "delete listener 1",
            "… delete target_group 1",
            "replace target_group 1: port 80 → 81 (row changed)",
        ]
    );
    let moved = forwarding()
        .set(&TARGET_GROUP, 1, "port", 81)
        .settled(2, "arn:u", target("u"))
        .set(&LISTENER, 1, "target_group_name", "u");
    assert_eq!(
        moved.steps(),
        [
            "update listener 1: target_group_name \"arn:t\" → \"arn:u\" (row changed)",
            "… delete target_group 1",
            "replace target_group 1: port 80 → 81 (row changed)",
        ]
    );
}

#[test]
fn what_cannot_change_its_reference_is_replaced_with_what_it_refers_to() {
    let balancer = Row::new(&BALANCER)
        .with("load_balancer_name", "b")
        .with("scheme", "internal");
    let listener = Row::new(&LISTENER)
        .with("port", 80)
        .with("load_balancer_name", Value::object("arn:b"));
    let scene = Scene::new()
        .settled(1, "arn:b", balancer)
        .settled(1, "l", listener)
        .set(&BALANCER, 1, "scheme", "internet-facing");
    assert_eq!(
        scene.steps(),
        [
            "… delete listener 1",
            "… delete load_balancer 1",
            "replace load_balancer 1: scheme \"internal\" → \"internet-facing\" (row changed)",
            "replace listener 1: load_balancer_name \"arn:b\" → null (refers to an object made anew)",
        ]
    );
}

#[test]
fn what_a_row_mentions_by_an_id_that_is_written_out_cannot_be_replaced() {
    let balancer = |subnets: &[&str]| {
        let subnets = subnets.iter().map(|it| (*it).to_owned()).collect();
        Row::new(&BALANCER)
            .with("load_balancer_name", "b")
            .with("subnets", Value::List(subnets))
    };
    let subnet = Row::new(&SUBNET)
        .with("cidr_block", "10.0.0.0/24")
        .with("vpc_id", Value::object("vpc-1"));
    let scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC))
        .settled(1, "subnet-1", subnet)
        .set(&SUBNET, 1, "cidr_block", "10.0.0.0/25");
    let because = |scene: Scene| scene.plan().refusals.remove(0).why;
    let in_use = |id: &str| Because::ReplaceInUse {
        columns: vec!["cidr_block"],
        user: object(id, balancer(&[])).key(),
    };
    let used = scene.clone().settled(1, "arn:b", balancer(&["subnet-1"]));
    assert_eq!(because(used), in_use("arn:b"));
    let to_be_used = scene.clone().settled(1, "arn:b", balancer(&[])).set(
        &BALANCER,
        1,
        "subnets",
        Value::from(vec!["subnet-1".to_owned()]),
    );
    assert_eq!(because(to_be_used), in_use("arn:b"));
    let new = scene.row(1, balancer(&["subnet-1"]));
    assert_eq!(because(new), in_use("b"));
}

#[test]
fn a_kind_that_says_so_is_deleted_first_even_under_a_new_name() {
    let subnet = Row::new(&SUBNET)
        .with("cidr_block", "10.0.0.0/24")
        .with("vpc_id", Value::object("vpc-1"));
    let scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC))
        .settled(1, "subnet-1", subnet)
        .set(&SUBNET, 1, "cidr_block", "10.0.0.0/25");
    assert_eq!(
        scene.steps(),
        [
            "… delete subnet 1",
            "replace subnet 1: cidr_block \"10.0.0.0/24\" → \"10.0.0.0/25\" (row changed)",
        ]
    );
}

#[test]
fn a_new_revision_is_made_before_the_service_moves_and_the_old_one_goes() {
    let scene = Scene::new()
        .settled(1, "task:1", Row::new(&TASK).with("family", "f"))
        .settled(
            1,
            "s",
            Row::new(&SERVICE)
                .with("name", "s")
                .with("task_definition_id", Value::object("task:1")),
        )
        .set(&TASK, 1, "family", "g");
    assert_eq!(
        scene.steps(),
        [
            "replace task_definition 1: family \"f\" → \"g\" (row changed)",
            "update service 1: task_definition_id \"task:1\" → null (refers to an object made anew)",
            "… delete task_definition 1",
        ]
    );
}

#[test]
fn a_row_that_moves_to_another_region_is_made_there_first() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .edit(&TARGET_GROUP, 1, |row| row.region = WEST.into());
    assert_eq!(
        scene.steps(),
        [
            "replace target_group 1: region \"us-east-2\" → \"us-west-1\" (row changed)",
            "… delete target_group 1",
        ]
    );
    let steps = scene.plan().steps;
    assert_eq!(steps[0].region.as_str(), WEST);
    assert_eq!(steps[1].region.as_str(), crate::scene::EAST);
}

#[test]
fn a_protected_object_is_neither_replaced_nor_deleted() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .edit(&TARGET_GROUP, 1, |row| row.protected = true)
        .agree(&TARGET_GROUP, 1, |known| known.protected = true);
    let replaced = scene.clone().set(&TARGET_GROUP, 1, "port", 81).plan();
    assert_eq!(
        replaced.refusals[0].why,
        Because::Protected(Action::Replace)
    );
    // What is refused can be looked at.
    assert_eq!(replaced.steps.len(), 2);
    let deleted = scene.delete(&TARGET_GROUP, 1).plan();
    assert_eq!(deleted.refusals.len(), 1);
    assert_eq!(deleted.refusals[0].why, Because::Protected(Action::Delete));
    assert_eq!(deleted.steps.len(), 1);
    assert_eq!(deleted.steps[0].action, Action::Delete);
}

#[test]
fn a_row_does_not_take_off_the_protection_that_was_agreed_on() {
    // The update that takes it off changes the agreement itself, at once.
    let agreed = |protected| {
        Scene::new()
            .settled(1, "arn:t", target("t"))
            .agree(&TARGET_GROUP, 1, |known| known.protected = protected)
            .set(&TARGET_GROUP, 1, "target_group_name", "u")
    };
    assert_eq!(
        agreed(true).plan().refusals[0].why,
        Because::Protected(Action::Replace)
    );
    assert_eq!(agreed(false).steps().len(), 2);
}

#[test]
fn an_object_of_the_account_is_not_replaced() {
    for owner in [Owner::Account, Owner::Object("vpc-1".into())] {
        let mut group = object("sg-1", Row::new(&GROUP).with("group_name", "default"));
        group.owner = owner;
        let scene = Scene::new()
            .settled_object(1, group)
            .set(&GROUP, 1, "description", "mine");
        assert_eq!(
            scene.plan().refusals[0].why,
            Because::AccountOwned(vec!["description"])
        );
    }
}

#[test]
fn what_comes_and_goes_with_a_replaced_object_is_made_anew_with_it() {
    let mut group = object(
        "sg-1",
        Row::new(&GROUP)
            .with("group_name", "default")
            .with("vpc_id", Value::object("vpc-1")),
    );
    group.owner = Owner::Object("vpc-1".into());
    let scene = Scene::new()
        .settled(1, "vpc-1", Row::new(&VPC).with("cidr_block", "10.0.0.0/16"))
        .settled_object(1, group)
        .set(&VPC, 1, "cidr_block", "10.1.0.0/16");
    assert_eq!(
        scene.steps(),
        [
            "replace vpc 1: cidr_block \"10.0.0.0/16\" → \"10.1.0.0/16\" (row changed)",
            "replace security_group 1: vpc_id \"vpc-1\" → null (refers to an object made anew)",
            "… delete vpc 1",
        ],
        "AWS deletes the old one with its VPC"
    );
    let edited = scene.set(&GROUP, 1, "description", "mine");
    assert_eq!(
        edited.plan().refusals[0].why,
        Because::AccountOwned(vec!["description"]),
        "and makes the new one as it likes"
    );
}

#[test]
fn a_rename_onto_an_object_that_exists_is_an_adoption() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .object("arn:u", target("u"))
        .set(&TARGET_GROUP, 1, "target_group_name", "u");
    assert_eq!(
        scene.steps(),
        ["replace target_group 1: ", "… delete target_group 1"]
    );
    assert_eq!(scene.plan().steps[0].work, Work::Bind);
    let other = scene
        .drift("arn:u", "interval", 5)
        .set(&TARGET_GROUP, 1, "interval", 6);
    assert!(matches!(
        other.plan().refusals[0].why,
        Because::Differs { .. }
    ));
}

#[test]
fn a_rename_onto_the_name_of_a_deleted_row_waits_for_its_object_to_go() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .settled(2, "arn:u", target("u"))
        .delete(&TARGET_GROUP, 2)
        .set(&TARGET_GROUP, 1, "target_group_name", "u");
    assert_eq!(
        scene.steps(),
        [
            "delete target_group 2",
            "replace target_group 1: target_group_name \"t\" → \"u\" (row changed)",
            "… delete target_group 1",
        ]
    );
}

#[test]
fn two_rows_that_swap_their_names_wait_for_each_other() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .settled(2, "arn:u", target("u"))
        .set(&TARGET_GROUP, 1, "target_group_name", "u")
        .set(&TARGET_GROUP, 2, "target_group_name", "t");
    let refusals = scene.plan().refusals;
    assert_eq!(refusals.len(), 1);
    assert_eq!(
        refusals[0].why,
        Because::Circle(vec![key(&TARGET_GROUP, 1), key(&TARGET_GROUP, 2)])
    );
}

#[test]
fn a_part_that_refers_to_a_replaced_object_is_a_change_of_the_whole() {
    let group = Row::new(&GROUP).with("group_name", "g");
    let part = Row::new(&BALANCER_GROUPS).with("security_group_id", Value::object("sg-1"));
    let balancer = Row::new(&BALANCER)
        .with("load_balancer_name", "b")
        .with("security_groups", Value::from(vec![part]));
    let scene = Scene::new()
        .settled(1, "sg-1", group)
        .settled(1, "arn:b", balancer)
        .set(&GROUP, 1, "group_name", "h");
    let steps = scene.steps();
    assert_eq!(steps.len(), 3);
    assert!(steps[0].starts_with("replace security_group 1"));
    assert!(steps[1].starts_with("update load_balancer 1: security_groups"));
    assert_eq!(steps[2], "… delete security_group 1");
}

#[test]
fn a_rule_between_two_groups_follows_both() {
    let rule = Row::new(&RULE)
        .with("port", 80)
        .with("security_group_id", Value::object("sg-1"))
        .with("source_security_group_id", Value::object("sg-2"));
    let scene = Scene::new()
        .settled(1, "sg-1", Row::new(&GROUP).with("group_name", "g"))
        .settled(2, "sg-2", Row::new(&GROUP).with("group_name", "h"))
        .settled(1, "sgr-1", rule);
    let source = scene.clone().set(&GROUP, 2, "group_name", "i");
    assert_eq!(
        source.steps()[1],
        "update security_group_rule 1: source_security_group_id \"sg-2\" → null (refers to an object made anew)"
    );
    let own = scene.set(&GROUP, 1, "group_name", "i");
    assert_eq!(
        own.steps(),
        [
            "replace security_group 1: group_name \"g\" → \"i\" (row changed)",
            "replace security_group_rule 1: security_group_id \"sg-1\" → null (refers to an object made anew)",
            "… delete security_group_rule 1",
            "… delete security_group 1",
        ]
    );
}

#[test]
fn a_plan_that_deletes_more_than_allowed_is_refused() {
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .settled(2, "arn:u", target("u"))
        .delete(&TARGET_GROUP, 2)
        .set(&TARGET_GROUP, 1, "target_group_name", "v");
    let allowing = |deletes| {
        let scene = scene.clone();
        scene
            .rules(|rules| rules.max_deletes = Some(deletes))
            .plan()
    };
    assert_eq!(
        allowing(1).refusals[0].why,
        Because::TooManyDeletes {
            deletes: vec![
                (key(&TARGET_GROUP, 1), "t".to_owned()),
                (key(&TARGET_GROUP, 2), "u".to_owned())
            ],
            allowed: 1
        },
        "a replacement counts"
    );
    assert_eq!(allowing(2).refusals, []);
}
