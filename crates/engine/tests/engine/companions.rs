//! Running a plan: what AWS makes along with an object.

use crate::executing::Run;
use crate::kinds::{BALANCER, GROUP, RULE, VPC};
use crate::scene::{EAST, Scene, key, object};
use iasql_engine::execute::{Companion, Outcome, Unmatched};
use iasql_engine::journal::{IntendedWork, Intent};
use iasql_engine::object::Owner;
use iasql_engine::plan::Work;
use iasql_engine::{Object, Row, Value};
use std::time::Duration;

fn vpc() -> Row {
    Row::new(&VPC).with("cidr_block", "10.0.0.0/16")
}

fn default_group() -> Companion {
    let row = Row::new(&GROUP)
        .with("group_name", "default")
        .with("description", "default VPC security group")
        .with("vpc_id", Value::object("vpc-1"));
    Companion {
        object: Object {
            owner: Owner::Object("vpc-1".into()),
            ..object("sg-1", row)
        },
        unmatched: Unmatched::Import,
    }
}

fn egress_rule() -> Companion {
    let row = Row::new(&RULE)
        .with("is_egress", true)
        .with("cidr", "0.0.0.0/0")
        .with("security_group_id", Value::object("sg-1"));
    Companion {
        object: object("sgr-1", row),
        unmatched: Unmatched::Discard,
    }
}

fn egress_row() -> Row {
    Row::new(&RULE)
        .with("is_egress", true)
        .with("cidr", "0.0.0.0/0")
        .with("security_group_id", 1)
}

fn group_row(description: &str) -> Row {
    Row::new(&GROUP)
        .with("group_name", "default")
        .with("description", description)
        .with("vpc_id", 1)
}

#[test]
fn what_comes_along_belongs_to_the_rows_that_describe_it() {
    for reversed in [false, true] {
        let mut run = Run::of(
            &Scene::new()
                .row(1, vpc())
                .row(1, group_row("default VPC security group"))
                .row(1, egress_row().with("description", "all out")),
        );
        let mut companions = vec![default_group(), egress_rule()];
        if reversed {
            companions.reverse();
        }
        run.finish_with(0, Some(object("vpc-1", vpc())), companions);
        let rule = &run.started[&2];
        assert_eq!(rule.work, Work::Update, "the group had nothing to do");
        assert_eq!(rule.changed, ["description"]);
        assert_eq!(
            rule.object.as_ref().map(|object| object.id.as_str()),
            Some("sgr-1")
        );
        run.finish(2, None);
        let outcomes = run.executor.outcomes();
        assert_eq!(outcomes.imported, []);
        let ids: Vec<_> = outcomes
            .effects("r")
            .agree
            .into_iter()
            .map(|(_, known)| known.id.to_string())
            .collect();
        assert_eq!(ids, ["vpc-1", "sg-1", "sgr-1"]);
    }
}

#[test]
fn what_comes_along_and_has_no_row_gets_one_or_goes() {
    let mut run = Run::of(&Scene::new().row(1, vpc()));
    let made = Some(object("vpc-1", vpc()));
    run.finish_with(0, made, vec![default_group(), egress_rule()]);
    let task = &run.started[&0];
    assert_eq!(
        (task.work, task.kind.table),
        (Work::Delete, "security_group_rule")
    );
    assert!(!run.executor.is_over(), "the step is done when it has gone");
    run.finish(0, None);
    assert!(run.executor.is_over());
    let outcomes = run.executor.outcomes();
    assert_eq!(outcomes.imported, [default_group().object]);
    let Outcome::Done(Some(made)) = &outcomes.outcomes[0] else {
        panic!("the step made an object");
    };
    assert_eq!(made.id.as_str(), "vpc-1");
}

/// A VPC that an earlier run has made, its row not yet agreed on.
fn unfinished_vpc() -> Scene {
    Scene::new()
        .row(1, vpc())
        .object("vpc-1", vpc())
        .intends(Intent {
            run: "earlier".to_owned(),
            step: 3,
            key: key(&VPC, 1),
            region: EAST.into(),
            work: IntendedWork::Create,
            cloud_id: Some("vpc-1".into()),
            owner_tag: None,
            wanted: Some(vpc()),
            age: Duration::ZERO,
            is_complete: false,
            finished: None,
        })
}

#[test]
fn what_came_along_earlier_and_has_its_row_keeps_it() {
    let group = default_group().object;
    let scene = unfinished_vpc()
        .row(7, group_row("default VPC security group"))
        .agreed(7, &group)
        .with(group);
    let mut run = Run::of(&scene);
    run.finish_with(0, None, vec![default_group()]);
    assert!(run.executor.is_over());
    assert_eq!(run.executor.outcomes().imported, []);
}

#[test]
fn what_an_earlier_run_left_is_settled_only_when_the_row_s_step_is_done() {
    let earlier = ("earlier".to_owned(), 3);
    let mut done = Run::of(&unfinished_vpc());
    done.finish(0, None);
    let resolved = done.executor.outcomes().effects("r").resolved;
    assert_eq!(resolved, [earlier.clone(), ("r".to_owned(), 0)]);
    let mut failed = Run::of(&unfinished_vpc());
    failed.fail(0);
    assert_eq!(failed.executor.outcomes().effects("r").resolved, []);
    assert_eq!(unfinished_vpc().plan().effects.resolved, []);
}

#[test]
fn what_comes_along_and_cannot_be_what_its_namesake_wants_is_not_its() {
    let mut run = Run::of(&Scene::new().row(1, vpc()).row(1, group_row("mine")));
    let made = Some(object("vpc-1", vpc()));
    run.finish_with(0, made, vec![default_group()]);
    assert_eq!(run.started[&1].work, Work::Create, "AWS will say why not");
    run.fail(1);
    assert_eq!(
        run.executor.outcomes().imported,
        [],
        "two rows of one name would hide it"
    );
}

#[test]
fn what_comes_along_and_is_planned_already_is_left_to_its_step() {
    let group = Row::new(&GROUP)
        .with("group_name", "default")
        .with("description", "default VPC security group")
        .with("vpc_id", Value::object("vpc-1"));
    let scene = Scene::new()
        .settled(1, "vpc-1", vpc())
        .settled(1, "sg-1", group)
        .settled(1, "sgr-1", egress_rule().object.row)
        .set(&RULE, 1, "description", "all out")
        .row(1, Row::new(&BALANCER).with("load_balancer_name", "b"));
    let mut run = Run::of(&scene);
    let create = run.creating();
    let balancer = Row::new(&BALANCER).with("load_balancer_name", "b");
    run.finish_with(create, Some(object("arn:b", balancer)), vec![egress_rule()]);
    assert_eq!(
        run.started[&create].work,
        Work::Create,
        "nothing is deleted"
    );
}
