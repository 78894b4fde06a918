//! `task_definition` and its containers on the wire: registering and deregistering revisions.

use crate::account::{Account, OWNER, identity};
use crate::replay::{Call, Expected, call};
use crate::task_definition::{
    REGISTRY, ROLE, container, container_row, definition, describe, merge, object, revision, row,
};
use iasql_aws::ecs::container_definition::CONTAINER_DEFINITION;
use iasql_aws::ecs::task_definition::{TASK_DEFINITION, TaskDefinition};
use iasql_aws::error::Class;
use iasql_aws::iam;
use iasql_engine::kind::Change;
use iasql_engine::{CloudId, Object, Row, Value};
use serde_json::{Value as Json, json};

fn role() -> Call {
    call("GetRole", json!({"RoleName": "exec"})).xml(&format!(
        "<Role><Path>/team/</Path><RoleName>exec</RoleName><RoleId>AROA</RoleId><Arn>{ROLE}</Arn>\
         <CreateDate>2023-11-14T22:13:20Z</CreateDate></Role>"
    ))
}

/// Expects RegisterTaskDefinition of `row(vec![container_row()])` with the owner tag.
fn register(more: Json) -> Expected {
    let mut request = json!({
        "family": "app",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "2048",
        "memory": "8192",
        "containerDefinitions": [{"name": "web", "image": "nginx", "essential": true, "cpu": 0}],
        "tags": [{"key": "iasql:owner", "value": OWNER}],
    });
    merge(&mut request, more);
    call("RegisterTaskDefinition", request)
}

fn registered(number: i32) -> Json {
    json!({"taskDefinition": definition(number, json!({}))})
}

#[test]
fn create_registers_everything_with_the_owner_tag() {
    let web = Row::new(&CONTAINER_DEFINITION)
        .with("name", "web")
        .with("tag", "v1")
        .with("essential", true)
        .with("memory_reservation", 128)
        .with("host_port", 80)
        .with("container_port", 80)
        .with("protocol", "tcp")
        .with("env_variables", json!({"A": "1"}))
        .with("repository_name", CloudId::from("team/app"))
        .with("log_group_name", CloudId::from("logs"));
    let wanted = row(vec![web])
        .with("task_role_name", CloudId::from("exec"))
        .with("execution_role_name", CloudId::from("exec"))
        .with("tags", json!({"team": "x"}));
    let request = json!({
        "taskRoleArn": ROLE,
        "executionRoleArn": ROLE,
        "tags": [{"key": "team", "value": "x"}, {"key": "iasql:owner", "value": OWNER}],
        "containerDefinitions": [{
            "name": "web",
            "image": format!("{REGISTRY}/team/app:v1"),
            "essential": true,
            "cpu": 0,
            "memoryReservation": 128,
            "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
            "environment": [{"name": "A", "value": "1"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "logs",
                "awslogs-region": "us-east-2",
                "awslogs-stream-prefix": "awslogs-web",
            }},
        }],
    });
    let aws = Account::new([identity(), role(), register(request).json(registered(7))]);
    let step = aws.create(&TaskDefinition, &wanted);
    let mut made = object(7, wanted);
    made.owner_tag = Some(OWNER.to_owned());
    assert_eq!(step.result.unwrap(), made);
    assert_eq!(step.made, [made.id]);
}

#[test]
fn a_role_that_the_run_has_made_is_not_asked_for_its_arn() {
    let request = json!({"taskRoleArn": ROLE, "executionRoleArn": ROLE});
    let aws = Account::new([identity(), register(request).json(registered(1))]);
    let made = Row::new(&iam::role::ROLE).with("arn", ROLE);
    let seen = aws.session().seen();
    seen.keep_made(&Object::new(&"".into(), "exec", made));
    let wanted = row(vec![container_row()])
        .with("task_role_name", CloudId::from("exec"))
        .with("execution_role_name", CloudId::from("exec"));
    aws.create(&TaskDefinition, &wanted).result.unwrap();
}

#[test]
fn a_role_that_is_not_known_everywhere_yet_is_waited_for() {
    let request = json!({"taskRoleArn": "arn:aws:iam::123456789012:role/new"});
    let aws = Account::new([
        identity(),
        call("GetRole", json!({"RoleName": "new"})).error(404, "NoSuchEntity", "Not found."),
        register(request.clone()).error(400, "ClientException", "Role is not valid"),
        register(request).json(registered(1)),
    ]);
    let wanted = row(vec![container_row()]).with("task_role_name", CloudId::from("new"));
    let step = aws.create(&TaskDefinition, &wanted);
    step.result.unwrap();
    assert_eq!(step.waited.len(), 1);
}

#[test]
fn a_create_whose_answer_was_lost_is_not_sent_again() {
    let aws = Account::new([identity(), register(json!({})).lost()]);
    let step = aws.create(&TaskDefinition, &row(vec![container_row()]));
    assert_eq!(step.result.unwrap_err().class, Class::NoAnswer);
}

#[test]
fn the_next_revision_keeps_what_no_column_says() {
    let kept = json!({
        "volumes": [{"name": "data"}],
        "placementConstraints": [{"type": "memberOf", "expression": "x"}],
        "requiresCompatibilities": ["EC2", "FARGATE"],
        "pidMode": "task",
        "ipcMode": "none",
        "proxyConfiguration": {"type": "APPMESH", "containerName": "proxy"},
        "ephemeralStorage": {"sizeInGiB": 40},
        "runtimePlatform": {"cpuArchitecture": "ARM64"},
        "enableFaultInjection": true,
    });
    let web = json!({
        "command": ["serve"],
        "secrets": [{"name": "S", "valueFrom": "arn"}],
        "healthCheck": {"command": ["true"]},
        "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
        "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp", "name": "p", "appProtocol": "http"}],
        "logConfiguration": {"logDriver": "splunk", "options": {"splunk-url": "u"}},
    });
    let said = json!({"logDriver": "awslogs", "options": {
        "awslogs-group": "logs",
        "awslogs-region": "us-east-2",
        "awslogs-stream-prefix": "awslogs-web2",
    }});
    let web2 = container(json!({"name": "web2", "logConfiguration": said, "user": "u"}));
    let mut before = definition(1, kept.clone());
    before["containerDefinitions"] = json!([
        container(web.clone()),
        web2,
        container(json!({"name": "old"}))
    ]);

    let mut first = container(web);
    first["image"] = json!("nginx:2");
    first["portMappings"][0]["containerPort"] = json!(81);
    first["portMappings"][0]
        .as_object_mut()
        .unwrap()
        .remove("hostPort");
    first["portMappings"][0]
        .as_object_mut()
        .unwrap()
        .remove("protocol");
    first.as_object_mut().unwrap().remove("environment");
    // The row names no log group any more, so the logs that it had named go.
    let second = json!({
        "name": "web2", "image": "nginx", "essential": true, "cpu": 0, "user": "u",
        "mountPoints": [], "volumesFrom": [],
    });
    let mut request = kept;
    request["containerDefinitions"] = json!([first, second]);
    let aws = Account::new([
        describe(1, before, json!([])),
        identity(),
        register(request).json(registered(2)),
    ])
    .replacing(object(1, row(vec![])));
    let changed = container_row().with("tag", "2").with("container_port", 81);
    let wanted = row(vec![changed, container_row().with("name", "web2")]);
    let step = aws.create(&TaskDefinition, &wanted);
    assert_eq!(step.result.unwrap().id.as_str(), revision(2));
}

#[test]
fn aws_is_asked_for_the_address_of_a_public_repository() {
    let image = json!({"containerDefinitions": [
        {"name": "web", "image": "public.ecr.aws/alias/tool:1", "essential": true, "cpu": 0},
    ]});
    let aws = Account::new([
        identity(),
        call("DescribeRepositories", json!({"repositoryNames": ["tool"]}))
            .json(json!({"repositories": [{
                "repositoryName": "tool",
                "repositoryArn": "arn:aws:ecr-public::123456789012:repository/tool",
                "repositoryUri": "public.ecr.aws/alias/tool",
            }]}))
            .of("ecr-public"),
        call(
            "ListTagsForResource",
            json!({"resourceArn": "arn:aws:ecr-public::123456789012:repository/tool"}),
        )
        .json(json!({"tags": []})),
        register(image).json(registered(1)),
    ]);
    let container = container_row()
        .with("image", Value::Null)
        .with("public_repository_name", CloudId::from("tool"))
        .with("tag", "1");
    aws.create(&TaskDefinition, &row(vec![container]))
        .result
        .unwrap();
}

#[test]
fn tags_are_all_that_changes_in_place() {
    let aws = Account::new([call(
        "TagResource",
        json!({"resourceArn": revision(1), "tags": [{"key": "team", "value": "x"}]}),
    )
    .json(json!({}))]);
    let before = object(1, row(vec![container_row()]));
    let after = row(vec![container_row()]).with("tags", json!({"team": "x"}));
    let step = aws.update(&TaskDefinition, &before, &after, &["tags"]);
    step.result.unwrap();
    for column in TASK_DEFINITION.columns {
        let in_place = column.change == Change::InPlace;
        assert_eq!(in_place, column.name == "tags", "{}", column.name);
    }
}

#[test]
fn delete_deregisters() {
    let deregister = || {
        call(
            "DeregisterTaskDefinition",
            json!({"taskDefinition": revision(1)}),
        )
    };
    let aws = Account::new([
        deregister().json(json!({})),
        deregister().error(
            400,
            "ClientException",
            "Unable to describe task definition.",
        ),
    ]);
    let object = object(1, row(vec![container_row()]));
    aws.delete(&TaskDefinition, &object).result.unwrap();
    let error = aws.delete(&TaskDefinition, &object).result.unwrap_err();
    assert!(error.is_absent(&TASK_DEFINITION.errors));
}
