//! What earlier runs left behind: cut off, or rolled back.

use crate::kinds::{
    BALANCER, BALANCER_GROUPS, GROUP, LOG_GROUP, RULE, SUBNET, TARGET_GROUP, TASK, VPC,
};
use crate::scene::{Scene, key, object, region};
use iasql_engine::journal::{IntendedWork, Intent};
use iasql_engine::object::Owner;
use iasql_engine::plan::{Adopt, Because, News, Why, Work};
use iasql_engine::{Object, Row, Value};
use serde_json::json;
use std::time::Duration;

fn target(name: &str) -> Row {
    Row::new(&TARGET_GROUP)
        .with("target_group_name", name)
        .with("port", 80)
}

fn vpc(cidr: &str) -> Row {
    Row::new(&VPC).with("cidr_block", cidr)
}

/// A step of run `r` on the row of this id, which wanted this.
fn intent(work: IntendedWork, id: i64, wanted: &Row) -> Intent {
    Intent {
        run: "r".to_owned(),
        step: 0,
        key: key(wanted.kind(), id),
        region: region(wanted.kind()),
        work,
        cloud_id: None,
        owner_tag: None,
        wanted: Some(wanted.clone()),
        age: Duration::ZERO,
        is_complete: false,
        finished: None,
    }
}

/// The create of an object, whose id was told.
fn created(id: i64, cloud_id: &str, wanted: &Row) -> Intent {
    Intent {
        cloud_id: Some(cloud_id.into()),
        ..intent(IntendedWork::Create, id, wanted)
    }
}

fn orphans(scene: &Scene) -> Vec<News> {
    let notices = scene.plan().notices.into_iter();
    let news = notices.map(|notice| notice.what);
    news.filter(|what| matches!(what, News::RolledBack(_)))
        .collect()
}

/// The steps of earlier runs that the plan leaves no question about.
fn resolved(scene: &Scene) -> usize {
    scene.plan().effects.resolved.len()
}

#[test]
fn what_was_made_for_a_row_is_finished_and_ours() {
    let scene = Scene::new()
        .row(1, vpc("10.0.0.0/16"))
        .object("vpc-1", vpc("10.0.0.0/16"))
        .intends(created(1, "vpc-1", &vpc("10.0.0.0/16")));
    assert_eq!(scene.steps(), ["adopt vpc 1"]);
    let step = &scene.plan().steps[0];
    assert_eq!((step.work, step.why), (Work::Finish, Why::Unfinished));
    assert!(step.made);
    assert_eq!(resolved(&scene), 0, "before the step is done");
    assert_eq!(step.resolves, [("r".to_owned(), 0)]);
}

#[test]
fn a_lost_create_is_found_by_its_owner_tag() {
    let made = Object {
        owner_tag: Some("db/r/0".to_owned()),
        ..object("vpc-1", vpc("10.0.0.0/16"))
    };
    let lost = Intent {
        owner_tag: Some("db/r/0".to_owned()),
        ..intent(IntendedWork::Create, 1, &vpc("10.0.0.0/16"))
    };
    let scene = Scene::new().row(1, vpc("10.0.0.0/16")).intends(lost);
    let found = scene.clone().with(made);
    assert_eq!(found.steps(), ["adopt vpc 1"]);
    let other = scene.object("vpc-2", vpc("10.0.0.0/16"));
    assert_eq!(other.steps(), ["create vpc 1"], "another's is not taken");
}

#[test]
fn a_lost_create_is_found_by_its_natural_key_and_then_ours() {
    let scene = Scene::new()
        .row(1, target("t").with("interval", 20))
        .object("arn:t", target("t").with("interval", 10))
        .intends(intent(IntendedWork::Create, 1, &target("t")));
    assert_eq!(scene.plan().refusals, []);
    assert!(scene.plan().steps[0].made);
}

#[test]
fn what_was_made_for_a_row_that_was_edited_since_is_replaced() {
    let scene = Scene::new()
        .row(1, target("t").with("port", 81))
        .object("arn:t", target("t"))
        .intends(created(1, "arn:t", &target("t")));
    assert_eq!(
        scene.steps(),
        [
            "… delete target_group 1",
            "replace target_group 1: port 80 → 81 (row changed)",
        ]
    );
}

#[test]
fn what_was_made_for_a_row_that_is_gone_is_said_and_left() {
    let scene = Scene::new()
        .object("vpc-1", vpc("10.0.0.0/16"))
        .intends(created(1, "vpc-1", &vpc("10.0.0.0/16")));
    assert_eq!(scene.steps(), [""; 0]);
    assert_eq!(orphans(&scene), [News::RolledBack("vpc-1".into())]);
    assert_eq!(resolved(&scene), 0, "it is not forgotten either");
    let gone = scene.gone("vpc-1");
    assert_eq!(orphans(&gone), []);
    assert_eq!(resolved(&gone), 1);
}

#[test]
fn a_row_that_comes_back_under_another_id_takes_what_was_made_for_it() {
    let scene = Scene::new()
        .object("vpc-1", vpc("10.0.0.0/16"))
        .object("vpc-2", vpc("10.0.0.0/16"))
        .object("arn:t", target("t").with("interval", 10))
        .intends(created(1, "vpc-1", &vpc("10.0.0.0/16")))
        .intends(Intent {
            step: 1,
            ..created(2, "vpc-2", &vpc("10.0.0.0/16"))
        })
        .intends(Intent {
            step: 2,
            ..created(1, "arn:t", &target("t"))
        });
    let back = scene
        .clone()
        .row(11, vpc("10.0.0.0/16"))
        .row(12, vpc("10.0.0.0/16"))
        .row(11, target("t").with("interval", 20));
    assert_eq!(
        back.steps(),
        ["adopt vpc 11", "adopt vpc 12", "adopt target_group 11"]
    );
    assert_eq!(orphans(&back), []);
    let other = scene.row(11, vpc("10.1.0.0/16"));
    assert_eq!(
        other.steps(),
        ["create vpc 11"],
        "a row that wants something else is another row"
    );
}

#[test]
fn what_was_made_for_another_row_is_not_replaced_to_fit() {
    let scene = Scene::new()
        .object("arn:t", target("t"))
        .intends(created(1, "arn:t", &target("t")))
        .row(2, target("t").with("port", 81))
        .rules(|rules| rules.adopt = Adopt::Overwrite);
    assert!(matches!(
        scene.plan().refusals[0].why,
        Because::Differs { .. }
    ));
}

#[test]
fn what_aws_made_along_is_ours_too() {
    let group = Row::new(&GROUP)
        .with("group_name", "g")
        .with("vpc_id", Value::object("vpc-1"));
    let rule = Row::new(&RULE)
        .with("is_egress", true)
        .with("security_group_id", Value::object("sg-1"));
    let scene = Scene::new()
        .settled(1, "vpc-1", vpc("10.0.0.0/16"))
        .object("sg-1", group.clone())
        .object("sgr-1", rule)
        .intends(created(1, "sg-1", &group))
        .row(
            1,
            Row::new(&GROUP).with("group_name", "g").with("vpc_id", 1),
        )
        .row(
            1,
            Row::new(&RULE)
                .with("is_egress", true)
                .with("security_group_id", 1)
                .with("description", "all out"),
        );
    assert_eq!(
        scene.steps(),
        [
            "adopt security_group 1",
            "adopt security_group_rule 1: description null → \"all out\" (row changed)",
        ]
    );
    assert_eq!(
        scene.plan().steps[1].after,
        [0].into(),
        "the group is finished first"
    );
}

#[test]
fn an_update_that_was_rolled_back_is_an_edit_the_other_way_and_not_drift() {
    let row = |retention: i32| {
        Row::new(&LOG_GROUP)
            .with("log_group_name", "a")
            .with("retention", retention)
    };
    let update = Intent {
        cloud_id: Some("a".into()),
        ..intent(IntendedWork::Update, 1, &row(3))
    };
    let scene = Scene::new()
        .settled(1, "a", row(7))
        .drift("a", "retention", 3);
    for finished in [None, Some(row(3))] {
        let update = Intent {
            finished,
            ..update.clone()
        };
        assert_eq!(
            scene.clone().intends(update).steps(),
            ["update log_group 1: retention 3 → 7 (row changed)"]
        );
    }
    let never_left = scene.drift("a", "retention", 5).intends(update);
    assert_eq!(
        never_left.steps(),
        [""; 0],
        "what the object does not show was not done"
    );
    assert_eq!(never_left.plan().notices.len(), 1);
}

#[test]
fn an_update_that_nobody_wrote_down_leaves_its_columns_ours() {
    let row = |retention: i32| {
        Row::new(&LOG_GROUP)
            .with("log_group_name", "a")
            .with("retention", retention)
    };
    let scene = Scene::new()
        .settled(1, "a", row(7))
        .set(&LOG_GROUP, 1, "retention", 3)
        .drift("a", "retention", 3)
        .intends(Intent {
            cloud_id: Some("a".into()),
            ..intent(IntendedWork::Update, 1, &row(3))
        });
    assert_eq!(scene.steps(), [""; 0]);
    let agree = scene.plan().effects.agree;
    assert!(agree[0].1.owned.contains("retention"));
}

#[test]
fn what_we_deleted_ourselves_is_made_again_though_we_had_found_it() {
    let deleted = Intent {
        cloud_id: Some("arn:t".into()),
        wanted: None,
        ..intent(IntendedWork::Delete, 1, &target("t"))
    };
    let scene = Scene::new()
        .settled(1, "arn:t", target("t"))
        .gone("arn:t")
        .intends(deleted);
    assert_eq!(scene.steps(), ["create target_group 1"]);
    let deleted_again = scene.delete(&TARGET_GROUP, 1);
    assert_eq!(deleted_again.steps(), [""; 0]);
    assert_eq!(deleted_again.plan().effects.forget, [key(&TARGET_GROUP, 1)]);
}

#[test]
fn what_has_the_name_of_what_we_deleted_is_another() {
    let log_group = |retention: i64| {
        Row::new(&LOG_GROUP)
            .with("log_group_name", "a")
            .with("retention", retention)
    };
    let deleted = Intent {
        cloud_id: Some("a".into()),
        wanted: None,
        is_complete: true,
        ..intent(IntendedWork::Delete, 1, &log_group(1))
    };
    let made = Intent {
        step: 1,
        ..created(2, "a", &log_group(2))
    };
    let scene = Scene::new()
        .agreed(1, &object("a", log_group(1)))
        .object("a", log_group(2))
        .row(2, log_group(2))
        .intends(deleted)
        .intends(made);
    assert_eq!(scene.steps(), ["adopt log_group 2"]);
    assert_eq!(scene.plan().effects.forget, [key(&LOG_GROUP, 1)]);
}

#[test]
fn a_group_that_comes_with_an_unfinished_vpc_is_awaited_where_no_list_shows_it_yet() {
    let group = |vpc: Value| {
        Row::new(&GROUP)
            .with("group_name", "default")
            .with("vpc_id", vpc)
    };
    let old = Object {
        owner: Owner::Object("vpc-1".into()),
        ..object("sg-1", group(Value::object("vpc-1")))
    };
    let scene = Scene::new()
        .settled(1, "vpc-1", vpc("10.0.0.0/16"))
        .settled_object(1, old)
        .set(&VPC, 1, "cidr_block", "10.1.0.0/16")
        .gone("vpc-1")
        .gone("sg-1")
        .object("vpc-2", vpc("10.1.0.0/16"))
        .intends(created(1, "vpc-2", &vpc("10.1.0.0/16")));
    assert_eq!(scene.steps(), ["adopt vpc 1", "create security_group 1"]);
    assert_eq!(scene.plan().steps[1].after, [0].into());
}

#[test]
fn what_a_half_replaced_object_stands_for_is_said_by_its_row() {
    let balancer = |group: Value| {
        let group = Row::new(&BALANCER_GROUPS).with("security_group_id", group);
        Row::new(&BALANCER)
            .with("load_balancer_name", "b")
            .with("security_groups", Value::from(vec![group]))
    };
    let group = |name: &str| Row::new(&GROUP).with("group_name", name);
    let moved = Intent {
        cloud_id: Some("arn:b".into()),
        finished: Some(balancer(Value::object("sg-2"))),
        ..intent(IntendedWork::Update, 1, &balancer(Value::object("sg-2")))
    };
    let scene = Scene::new()
        .settled(1, "sg-1", group("g"))
        .set(&GROUP, 1, "group_name", "h")
        .object("sg-2", group("h"))
        .intends(created(1, "sg-2", &group("h")))
        .settled(1, "arn:b", balancer(Value::object("sg-1")))
        .drift("arn:b", "security_groups", {
            let group = Row::new(&BALANCER_GROUPS);
            Value::from(vec![group.with("security_group_id", Value::object("sg-2"))])
        })
        .intends(moved);
    assert_eq!(
        scene.steps(),
        ["replace security_group 1: ", "… delete security_group 1"]
    );
}

/// A target group `t` that an earlier run began to replace by `u`.
fn half_replaced() -> Scene {
    Scene::new()
        .settled(1, "arn:t", target("t"))
        .made(&TARGET_GROUP, 1)
        .object("arn:u", target("u"))
        .intends(created(1, "arn:u", &target("u")))
}

#[test]
fn a_replacement_that_was_cut_off_goes_on_with_what_it_made() {
    let scene = half_replaced().set(&TARGET_GROUP, 1, "target_group_name", "u");
    assert_eq!(
        scene.steps(),
        ["replace target_group 1: ", "… delete target_group 1"]
    );
    let plan = scene.plan();
    assert_eq!(plan.steps[0].work, Work::Finish);
    assert_eq!(plan.steps[1].after, [0].into());
}

#[test]
fn a_replacement_that_was_rolled_back_leaves_what_it_made_and_says_so() {
    let scene = half_replaced();
    assert_eq!(scene.steps(), [""; 0]);
    assert_eq!(orphans(&scene), [News::RolledBack("arn:u".into())]);
}

#[test]
fn a_replacement_whose_old_object_is_gone_stands_for_the_new_one() {
    let scene = half_replaced().gone("arn:t");
    let edited = scene
        .clone()
        .set(&TARGET_GROUP, 1, "target_group_name", "u");
    assert_eq!(edited.steps(), ["adopt target_group 1"]);
    assert_eq!(
        scene.steps(),
        [
            "replace target_group 1: target_group_name \"u\" → \"t\" (row changed)",
            "… delete target_group 1",
        ],
        "and goes back with the row"
    );
    assert_eq!(orphans(&scene), []);
}

#[test]
fn what_is_in_the_way_of_another_attempt_goes_first() {
    let scene = half_replaced()
        .set(&TARGET_GROUP, 1, "target_group_name", "u")
        .set(&TARGET_GROUP, 1, "port", 81);
    let plan = scene.plan();
    assert_eq!(plan.refusals, []);
    let deleted: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| step.work == Work::Delete)
        .map(|step| step.object.as_ref().map(|object| object.id.as_str()))
        .collect();
    assert_eq!(deleted, [Some("arn:u"), Some("arn:t")]);
    assert_eq!(plan.steps[1].work, Work::Create);
    assert_eq!(plan.steps[1].after, [0].into());
    assert_eq!(plan.steps[2].after, [1].into());
}

#[test]
fn several_attempts_leave_the_latest_to_go_on_with() {
    let task = |family: &str| Row::new(&TASK).with("family", family);
    let scene = Scene::new()
        .settled(1, "task:1", task("f"))
        .made(&TASK, 1)
        .set(&TASK, 1, "family", "g")
        .object("task:2", task("g"))
        .object("task:3", task("g"))
        .intends(created(1, "task:2", &task("g")))
        .intends(Intent {
            step: 1,
            ..created(1, "task:3", &task("g"))
        });
    let plan = scene.plan();
    assert_eq!(
        plan.steps[0]
            .object
            .as_ref()
            .map(|object| object.id.as_str()),
        Some("task:3")
    );
    assert_eq!(orphans(&scene), [News::RolledBack("task:2".into())]);
}

#[test]
fn intents_of_tables_that_could_not_be_read_stay_open() {
    let scene = Scene::new()
        .row(1, target("t"))
        .intends(intent(IntendedWork::Create, 1, &target("t")))
        .unread(&TARGET_GROUP);
    assert_eq!(resolved(&scene), 0);
    assert_eq!(scene.sync().resolved.len(), 0);
}

#[test]
fn a_companion_that_came_with_a_lost_vpc_is_its_row_s() {
    let group = Row::new(&GROUP)
        .with("group_name", "default")
        .with("vpc_id", Value::object("vpc-1"));
    let came_along = Object {
        owner: Owner::Object("vpc-1".into()),
        ..object("sg-1", group.with("tags", json!({})))
    };
    let scene = Scene::new()
        .row(1, vpc("10.0.0.0/16"))
        .row(
            1,
            Row::new(&GROUP)
                .with("group_name", "default")
                .with("vpc_id", 1)
                .with("tags", json!({"a": "b"})),
        )
        .object("vpc-1", vpc("10.0.0.0/16"))
        .with(came_along)
        .intends(created(1, "vpc-1", &vpc("10.0.0.0/16")));
    assert_eq!(
        scene.steps()[1],
        "adopt security_group 1: tags {} → {\"a\":\"b\"} (row changed)"
    );
}

#[test]
fn what_came_along_and_was_changed_is_finished_with_what_brought_it() {
    let group = Row::new(&GROUP)
        .with("group_name", "default")
        .with("vpc_id", Value::object("vpc-1"));
    let came_along = Object {
        owner: Owner::Object("vpc-1".into()),
        ..object("sg-1", group.clone().with("tags", json!({})))
    };
    let tagged = group.with("tags", json!({"a": "b"}));
    let scene = Scene::new()
        .row(1, vpc("10.0.0.0/16"))
        .row(1, tagged.clone().with("vpc_id", 1))
        .object("vpc-1", vpc("10.0.0.0/16"))
        .with(came_along)
        .intends(created(1, "vpc-1", &vpc("10.0.0.0/16")))
        .intends(Intent {
            step: 1,
            ..created(1, "sg-1", &tagged)
        });
    let works: Vec<_> = scene.plan().steps.iter().map(|step| step.work).collect();
    assert_eq!(works, [Work::Finish, Work::Update]);
}

#[test]
fn a_subnet_that_somebody_puts_into_a_lost_vpc_is_not_ours() {
    let subnet = |public: bool| {
        Row::new(&SUBNET)
            .with("cidr_block", "10.0.0.0/24")
            .with("public", public)
    };
    let scene = Scene::new()
        .row(1, vpc("10.0.0.0/16"))
        .row(1, subnet(true).with("vpc_id", 1))
        .object("vpc-1", vpc("10.0.0.0/16"))
        .object(
            "subnet-1",
            subnet(false).with("vpc_id", Value::object("vpc-1")),
        )
        .intends(created(1, "vpc-1", &vpc("10.0.0.0/16")));
    assert!(matches!(
        scene.plan().refusals[0].why,
        Because::Differs { .. }
    ));
}
