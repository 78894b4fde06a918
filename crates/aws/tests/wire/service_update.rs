//! `service` on the wire: changing and deleting services.

use crate::account::Account;
use crate::ecs::{arn, service};
use crate::replay::{Call, call};
use crate::service::{balanced, behind, describe, object, ports, row, security_groups};
use iasql_aws::ecs::service::{SERVICE, Service};
use iasql_engine::{CloudId, Row};
use serde_json::{Value as Json, json};

fn update(more: Json) -> Call {
    let mut request = json!({"cluster": arn("cluster/c"), "service": arn("service/c/web")});
    for (key, value) in more.as_object().into_iter().flatten() {
        request[key] = value.clone();
    }
    call("UpdateService", request).json(json!({}))
}

#[test]
fn an_update_sends_what_changed() {
    let before = object(row("web"));
    let after = row("web").with("desired_count", 3);
    let aws = Account::new([update(json!({"desiredCount": 3}))]);
    let step = aws.update(&Service, &before, &after, &["desired_count"]);
    step.result.unwrap();

    let after = row("web").with("force_new_deployment", true);
    let aws = Account::new([update(json!({"forceNewDeployment": true}))]);
    let step = aws.update(&Service, &before, &after, &["force_new_deployment"]);
    step.result.unwrap();
}

#[test]
fn the_network_is_sent_whole_and_starts_from_what_was_read() {
    // The row knows nothing of the second group, which no row stands for.
    let mut before = object(row("web"));
    before
        .row
        .set("security_groups", security_groups(&["sg-1", "sg-strange"]));
    let after = row("web").with("subnets", vec!["subnet-3".to_owned()]);
    let aws = Account::new([update(
        json!({"networkConfiguration": {"awsvpcConfiguration": {
            "subnets": ["subnet-3"],
            "securityGroups": ["sg-1", "sg-strange"],
            "assignPublicIp": "ENABLED",
        }}}),
    )]);
    let step = aws.update(&Service, &before, &after, &["subnets"]);
    step.result.unwrap();
}

#[test]
fn new_tags_alone_are_no_update_of_the_service() {
    let aws = Account::new([call(
        "TagResource",
        json!({"resourceArn": arn("service/c/web"), "tags": [{"key": "team", "value": "x"}]}),
    )
    .json(json!({}))]);
    let after = row("web").with("tags", json!({"team": "x"}));
    let step = aws.update(&Service, &object(row("web")), &after, &["tags"]);
    step.result.unwrap();
}

fn next_revision(row: Row) -> Row {
    row.with(
        "task_definition_id",
        CloudId::from(arn("task-definition/app:2")),
    )
}

fn now(container: &str, port: i32) -> Call {
    let balancers = json!({"loadBalancers": balanced(container, port)});
    describe("web", &[service("c", "web", balancers)])
}

#[test]
fn a_new_revision_keeps_the_container_behind_the_target_group() {
    let aws = Account::new([
        now("side", 81),
        ports("app:2", &[("app", 80), ("side", 81)]),
        update(json!({"taskDefinition": arn("task-definition/app:2")})),
    ]);
    let (before, after) = (
        object(behind(row("web"))),
        behind(next_revision(row("web"))),
    );
    let step = aws.update(&Service, &before, &after, &["task_definition_id"]);
    step.result.unwrap();
}

#[test]
fn where_the_new_revision_lacks_that_container_another_takes_its_place() {
    let aws = Account::new([
        now("side", 81),
        ports("app:2", &[("app", 80)]),
        update(json!({
            "taskDefinition": arn("task-definition/app:2"),
            "loadBalancers": balanced("app", 80),
        })),
    ]);
    let (before, after) = (
        object(behind(row("web"))),
        behind(next_revision(row("web"))),
    );
    let step = aws.update(&Service, &before, &after, &["task_definition_id"]);
    step.result.unwrap();
}

#[test]
fn a_service_leaves_its_target_group() {
    let aws = Account::new([now("app", 80), update(json!({"loadBalancers": []}))]);
    let before = object(behind(row("web")));
    let step = aws.update(&Service, &before, &row("web"), &["target_group_name"]);
    step.result.unwrap();
}

fn delete() -> Call {
    call(
        "DeleteService",
        json!({"cluster": arn("cluster/c"), "service": arn("service/c/web")}),
    )
    .json(json!({}))
}

#[test]
fn delete_scales_to_nothing_and_waits_until_the_tasks_have_stopped() {
    let state = |status: &str| {
        let service = service("c", "web", json!({"status": status}));
        describe("web", &[service])
    };
    let aws = Account::new([
        update(json!({"desiredCount": 0})),
        delete(),
        state("DRAINING"),
        state("INACTIVE"),
    ]);
    let step = aws.delete(&Service, &object(row("web")));
    step.result.unwrap();
    assert_eq!(step.waited, ["its tasks to stop"]);
}

#[test]
fn a_service_without_tasks_is_deleted_at_once() {
    let aws = Account::new([delete(), describe("web", &[])]);
    let idle = object(row("web").with("desired_count", 0));
    let step = aws.delete(&Service, &idle);
    step.result.unwrap();
    assert!(step.waited.is_empty());
}

#[test]
fn a_service_that_is_gone_is_said_to_be_absent() {
    for code in ["ServiceNotFoundException", "ServiceNotActiveException"] {
        let request = json!({
            "cluster": arn("cluster/c"),
            "service": arn("service/c/web"),
            "desiredCount": 0,
        });
        let aws = Account::new([call("UpdateService", request).error(400, code, "It is gone.")]);
        let error = aws
            .delete(&Service, &object(row("web")))
            .result
            .unwrap_err();
        assert!(error.is_absent(&SERVICE.errors));
    }
}
