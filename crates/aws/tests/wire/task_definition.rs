//! `task_definition` and its containers on the wire: reading revisions.

use crate::account::{Account, OWNER};
use crate::ecs::{arn, clusters, service, services};
use crate::replay::{Call, Expected, call};
use iasql_aws::ecs::container_definition::CONTAINER_DEFINITION;
use iasql_aws::ecs::task_definition::{TASK_DEFINITION, TaskDefinition};
use iasql_aws::resource::Resource;
use iasql_engine::{CloudId, Object, Row, Value};
use serde_json::{Value as Json, json};

/// The private registry.
pub const REGISTRY: &str = "123456789012.dkr.ecr.us-east-2.amazonaws.com";
/// A role with a path.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/team/exec";

/// The ARN of a revision.
pub fn revision(number: i32) -> String {
    arn(&format!("task-definition/app:{number}"))
}

/// A revision as AWS describes it.
pub fn definition(number: i32, more: Json) -> Json {
    let mut definition = json!({
        "taskDefinitionArn": revision(number),
        "family": "app",
        "revision": number,
        "status": "ACTIVE",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "compatibilities": ["EC2", "FARGATE"],
        "cpu": "2048",
        "memory": "8192",
        "volumes": [],
        "placementConstraints": [],
        "containerDefinitions": [container(json!({}))],
    });
    merge(&mut definition, more);
    definition
}

/// A container as AWS describes it.
pub fn container(more: Json) -> Json {
    let mut container = json!({
        "name": "web", "image": "nginx", "cpu": 0, "essential": true, "portMappings": [],
        "environment": [], "mountPoints": [], "volumesFrom": [],
    });
    merge(&mut container, more);
    container
}

/// Sets more fields.
pub fn merge(object: &mut Json, more: Json) {
    for (key, value) in more.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
}

/// The row of `container`.
pub fn container_row() -> Row {
    Row::new(&CONTAINER_DEFINITION)
        .with("name", "web")
        .with("image", "nginx")
        .with("essential", true)
}

/// The row of `definition`, before it is applied.
pub fn row(containers: Vec<Row>) -> Row {
    Row::new(&TASK_DEFINITION)
        .with("family", "app")
        .with("cpu_memory", "vCPU2-8GB")
        .with("tags", json!({}))
        .with("container_definitions", containers)
}

/// The object of a row.
pub fn object(number: i32, row: Row) -> Object {
    let row = row
        .with("task_definition_arn", revision(number))
        .with("revision", number)
        .with("status", "ACTIVE");
    Object::new(&"us-east-2".into(), revision(number), row)
}

fn list(numbers: &[i32]) -> Call {
    let arns: Vec<String> = numbers.iter().copied().map(revision).collect();
    call(
        "ListTaskDefinitions",
        json!({"status": "ACTIVE", "maxResults": 100}),
    )
    .json(json!({"taskDefinitionArns": arns}))
    .beside()
}

/// Expects DescribeTaskDefinition.
pub fn describe(number: i32, definition: Json, tags: Json) -> Call {
    asked(number).json(json!({"taskDefinition": definition, "tags": tags}))
}

fn asked(number: i32) -> Expected {
    call(
        "DescribeTaskDefinition",
        json!({"taskDefinition": revision(number), "include": ["TAGS"]}),
    )
}

/// Expects the lists of repositories, with their tags. They run beside others.
fn repositories(private: &[&str], public: &[&str]) -> Vec<Call> {
    let list = |host: &str, service: &'static str, names: &[&str]| {
        let repository = |name: &&str| {
            json!({
                "repositoryName": name,
                "repositoryArn": format!("arn:aws:{service}:repository/{name}"),
                "repositoryUri": format!("{host}/{name}"),
            })
        };
        let repositories: Vec<Json> = names.iter().map(repository).collect();
        call("DescribeRepositories", json!({"maxResults": 1000}))
            .json(json!({"repositories": repositories}))
            .of(service)
    };
    let mut calls = vec![
        list(REGISTRY, "ecr", private),
        list("public.ecr.aws/alias", "ecr-public", public),
    ];
    if !private.is_empty() {
        let resource = |name: &&str| {
            let arn = format!("arn:aws:ecr:repository/{name}");
            json!({"ResourceARN": arn, "Tags": [{"Key": "team", "Value": "x"}]})
        };
        calls.push(tagged(
            "ecr:repository",
            private.iter().map(resource).collect(),
        ));
    }
    calls.extend(public.iter().map(|name| {
        let arn = format!("arn:aws:ecr-public:repository/{name}");
        call("ListTagsForResource", json!({"resourceArn": arn})).json(json!({"tags": []}))
    }));
    calls.into_iter().map(Call::beside).collect()
}

fn nothing_else() -> Vec<Call> {
    [clusters(&[]), repositories(&[], &[])].concat()
}

fn tagged(what: &str, resources: Json) -> Call {
    call(
        "GetResources",
        json!({"ResourceTypeFilters": [what], "ResourcesPerPage": 100}),
    )
    .json(json!({"ResourceTagMappingList": resources}))
    .beside()
}

#[test]
fn the_list_is_all_pages_and_reads_every_new_revision() {
    let page = |token: Option<&str>| {
        let mut request = json!({"status": "ACTIVE", "maxResults": 100});
        merge(
            &mut request,
            token.map_or(json!({}), |token| json!({"nextToken": token})),
        );
        call("ListTaskDefinitions", request)
    };
    let mut calls =
        vec![page(None).json(json!({"taskDefinitionArns": [revision(1)], "nextToken": "1"}))];
    calls.extend(nothing_else());
    calls.push(
        page(Some("1"))
            .json(json!({"taskDefinitionArns": [], "nextToken": "2"}))
            .beside(),
    );
    calls.push(
        page(Some("2"))
            .json(json!({"taskDefinitionArns": [revision(2)]}))
            .beside(),
    );
    calls.push(describe(1, definition(1, json!({})), json!([])).beside());
    calls.push(
        describe(
            2,
            definition(2, json!({})),
            json!([{"key": "team", "value": "x"}, {"key": "iasql:owner", "value": OWNER}]),
        )
        .beside(),
    );
    let first = object(1, row(vec![container_row()]));
    let mut second = object(
        2,
        row(vec![container_row()]).with("tags", json!({"team": "x"})),
    );
    second.owner_tag = Some(OWNER.to_owned());
    assert_eq!(
        Account::new(calls).list(&TaskDefinition).unwrap(),
        [first, second]
    );
}

#[test]
fn a_page_that_is_refused_fails_the_whole_list() {
    let mut calls = vec![
        call(
            "ListTaskDefinitions",
            json!({"status": "ACTIVE", "maxResults": 100}),
        )
        .error(400, "InvalidParameterException", "no"),
    ];
    calls.extend(nothing_else().into_iter().map(Call::perhaps));
    let error = Account::new(calls).list(&TaskDefinition).unwrap_err();
    assert_eq!(
        error.to_string(),
        "ecs:ListTaskDefinitions: InvalidParameterException: no"
    );
}

#[test]
fn a_revision_is_read_with_everything_that_columns_say() {
    let full = json!([
        container(json!({
            "image": format!("{REGISTRY}/team/app:v1"),
            "cpu": 256,
            "memory": 512,
            "memoryReservation": 128,
            "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "udp", "name": "p"}],
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": ""}],
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "logs",
                "awslogs-region": "us-east-2",
                "awslogs-stream-prefix": "awslogs-web",
            }},
        })),
        container(json!({
            "name": "side",
            "essential": false,
            "image": "public.ecr.aws/alias/tool@sha256:0123",
            // Another prefix than ours is something that no column says.
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "logs",
                "awslogs-region": "us-east-2",
                "awslogs-stream-prefix": "ecs",
            }},
        })),
    ]);
    let more = json!({"containerDefinitions": full, "taskRoleArn": ROLE, "executionRoleArn": ROLE});
    let mut calls = vec![list(&[1])];
    calls.extend(clusters(&[]));
    calls.extend(repositories(&["team/app"], &["tool"]));
    calls.push(describe(1, definition(1, more), json!([])).beside());
    let web = Row::new(&CONTAINER_DEFINITION)
        .with("name", "web")
        .with("tag", "v1")
        .with("essential", true)
        .with("cpu", 256)
        .with("memory", 512)
        .with("memory_reservation", 128)
        .with("host_port", 80)
        .with("container_port", 80)
        .with("protocol", "udp")
        .with("env_variables", json!({"A": "1", "B": ""}))
        .with("repository_name", CloudId::from("team/app"))
        .with("log_group_name", CloudId::from("logs"));
    let side = Row::new(&CONTAINER_DEFINITION)
        .with("name", "side")
        .with("digest", "sha256:0123")
        .with("essential", false)
        .with("public_repository_name", CloudId::from("tool"));
    let wanted = row(vec![web, side])
        .with("task_role_name", CloudId::from("exec"))
        .with("execution_role_name", CloudId::from("exec"));
    assert_eq!(
        Account::new(calls).list(&TaskDefinition).unwrap(),
        [object(1, wanted)]
    );
}

#[test]
fn what_a_row_cannot_say_is_left_out_and_noted() {
    let port = |port: i32| json!({"containerPort": port});
    let with = |more: Json| json!({"containerDefinitions": [container(more)]});
    let unsaid = [
        (
            json!({"requiresCompatibilities": ["EC2"]}),
            "it is not one for Fargate",
        ),
        (
            json!({"networkMode": "bridge"}),
            "it is not one for Fargate",
        ),
        (
            json!({"cpu": "8192", "memory": "16384"}),
            "its cpu_memory is vCPU8-16GB",
        ),
        (
            with(json!({"portMappings": [port(1), port(2)]})),
            "its container web has several ports",
        ),
        (
            with(json!({"portMappings": [{"containerPortRange": "1-9"}]})),
            "its container web has a range of ports",
        ),
        (
            with(json!({"portMappings": [{"containerPort": 1, "protocol": "sctp"}]})),
            "its container web has a port of an unknown protocol",
        ),
    ];
    let numbers: Vec<i32> = (1..).take(unsaid.len()).collect();
    let mut calls = vec![list(&numbers)];
    calls.extend(nothing_else());
    for (number, (more, _)) in numbers.iter().zip(&unsaid) {
        calls.push(describe(*number, definition(*number, more.clone()), json!([])).beside());
    }
    let aws = Account::new(calls);
    let reader = aws.reader(&TaskDefinition);
    assert_eq!(aws.run(TaskDefinition.list(&reader)).unwrap(), []);
    let noted: Vec<String> = reader.unsaid().into_iter().map(|one| one.why).collect();
    assert_eq!(noted, unsaid.map(|(_, why)| why));
}

#[test]
fn what_a_row_cannot_say_is_read_once_a_session() {
    let ec2 = json!({"requiresCompatibilities": ["EC2"]});
    let mut calls = vec![list(&[1])];
    calls.extend(nothing_else());
    calls.push(describe(1, definition(1, ec2), json!([])));
    calls.push(list(&[1]));
    calls.extend(nothing_else());
    let aws = Account::new(calls);
    for _ in 0..2 {
        let reader = aws.reader(&TaskDefinition);
        assert_eq!(aws.run(TaskDefinition.list(&reader)).unwrap(), []);
        assert_eq!(reader.unsaid().len(), 1);
    }
}

#[test]
fn a_known_revision_is_not_read_again() {
    let tags = json!([{"ResourceARN": revision(2), "Tags": [{"Key": "team", "Value": "x"}]}]);
    let mut calls = vec![list(&[1, 2])];
    calls.extend(nothing_else());
    calls.push(tagged("ecs:task-definition", tags));
    let first = object(1, row(vec![container_row()]));
    let second = object(
        2,
        row(vec![container_row()]).with("tags", json!({"team": "x"})),
    );
    let aws = Account::new(calls)
        .knowing(first.clone())
        .knowing(second.clone());
    assert_eq!(aws.list(&TaskDefinition).unwrap(), [first, second]);
}

#[test]
fn the_service_is_asked_where_the_tagging_api_contradicts_the_last_agreement() {
    let mut calls = vec![list(&[1])];
    calls.extend(nothing_else());
    calls.push(tagged("ecs:task-definition", json!([])));
    calls.push(
        describe(
            1,
            definition(1, json!({})),
            json!([{"key": "team", "value": "x"}]),
        )
        .beside(),
    );
    let known = object(
        1,
        row(vec![container_row()]).with("tags", json!({"team": "x"})),
    );
    let aws = Account::new(calls).knowing(known.clone());
    assert_eq!(aws.list(&TaskDefinition).unwrap(), [known]);
}

#[test]
fn a_known_image_whose_repository_is_gone_is_said_by_its_address() {
    let mut calls = vec![list(&[1])];
    calls.extend(nothing_else());
    calls.push(tagged("ecs:task-definition", json!([])));
    let image = |container: Row| object(1, row(vec![container.with("tag", "v1")]));
    let gone = container_row()
        .with("image", Value::Null)
        .with("repository_name", CloudId::from("gone"));
    let said = container_row().with("image", format!("{REGISTRY}/gone"));
    let aws = Account::new(calls).knowing(image(gone));
    assert_eq!(aws.list(&TaskDefinition).unwrap(), [image(said)]);
}

#[test]
fn a_deregistered_revision_is_absent_unless_a_service_runs_it() {
    let inactive = |number| definition(number, json!({"status": "INACTIVE"}));
    let mut calls = vec![list(&[])];
    calls.extend(clusters(&["c"]));
    calls.extend(services("c", &[service("c", "web", json!({}))]));
    calls.extend(repositories(&[], &[]));
    calls.push(describe(1, inactive(1), json!([])).beside());
    let mut wanted = object(1, row(vec![container_row()]));
    wanted.row.set("status", "INACTIVE");
    let aws = Account::new(calls);
    assert_eq!(aws.list(&TaskDefinition).unwrap(), [wanted.clone()]);
    // It is not deregistered again.
    let none = Account::new([]);
    none.delete(&TaskDefinition, &wanted).result.unwrap();

    let mut calls = vec![describe(2, inactive(2), json!([]))];
    calls.extend(nothing_else());
    let aws = Account::new(calls);
    assert_eq!(aws.describe(&TaskDefinition, &revision(2)).unwrap(), None);
}

#[test]
fn a_revision_deleted_meanwhile_is_absent() {
    let deleted = || {
        asked(1).error(
            400,
            "ClientException",
            "Unable to describe task definition.",
        )
    };
    let mut calls = vec![list(&[1])];
    calls.extend(nothing_else());
    calls.push(deleted().beside());
    calls.push(deleted());
    let aws = Account::new(calls);
    assert_eq!(aws.list(&TaskDefinition).unwrap(), []);
    assert_eq!(aws.describe(&TaskDefinition, &revision(1)).unwrap(), None);
}

#[test]
fn public_repositories_that_cannot_be_read_sink_nothing() {
    let image = "public.ecr.aws/alias/tool:1";
    let more = json!({"containerDefinitions": [container(json!({"image": image}))]});
    let mut calls = vec![list(&[1])];
    calls.extend(clusters(&[]));
    calls.push(repositories(&[], &[]).remove(0));
    calls.push(
        call("DescribeRepositories", json!({"maxResults": 1000}))
            .error(400, "AccessDeniedException", "no")
            .of("ecr-public")
            .beside(),
    );
    calls.push(describe(1, definition(1, more), json!([])).beside());
    let said = container_row()
        .with("image", "public.ecr.aws/alias/tool")
        .with("tag", "1");
    assert_eq!(
        Account::new(calls).list(&TaskDefinition).unwrap(),
        [object(1, row(vec![said]))]
    );
}
