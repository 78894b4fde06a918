//! `service` on the wire: reading and making services.

use crate::account::Account;
use crate::ecs::{arn, clusters, service, services};
use crate::replay::{Call, call};
use iasql_aws::ecs::container_definition::CONTAINER_DEFINITION;
use iasql_aws::ecs::service::{SERVICE, SERVICE_SECURITY_GROUPS, Service};
use iasql_aws::ecs::task_definition::TASK_DEFINITION;
use iasql_aws::error::Class;
use iasql_engine::{CloudId, Object, Row, Value};
use serde_json::{Value as Json, json};

const GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/web/0123456789abcdef";

/// Security groups, as the part of a service.
pub fn security_groups(ids: &[&str]) -> Value {
    let group = |id: &&str| {
        Row::new(&SERVICE_SECURITY_GROUPS).with("security_group_id", CloudId::from(*id))
    };
    Value::Parts(ids.iter().map(group).collect())
}

/// The row of the service that `ecs::service` describes.
pub fn row(name: &str) -> Row {
    Row::new(&SERVICE)
        .with("name", name)
        .with("desired_count", 1)
        .with(
            "subnets",
            vec!["subnet-1".to_owned(), "subnet-2".to_owned()],
        )
        .with("assign_public_ip", "ENABLED")
        .with("force_new_deployment", false)
        .with("cluster_name", CloudId::from(arn("cluster/c")))
        .with(
            "task_definition_id",
            CloudId::from(arn("task-definition/app:1")),
        )
        .with("tags", json!({}))
        .with("security_groups", security_groups(&["sg-1"]))
}

/// The same behind the target group.
pub fn behind(row: Row) -> Row {
    row.with("target_group_name", CloudId::from(GROUP))
}

/// The object of a row.
pub fn object(row: Row) -> Object {
    let arn = arn(&format!(
        "service/c/{}",
        row.text("name").unwrap_or_default()
    ));
    let row = row.with("arn", arn.as_str()).with("status", "ACTIVE");
    Object::new(&"us-east-2".into(), arn, row)
}

/// Expects DescribeServices of one service.
pub fn describe(name: &str, services: &[Json]) -> Call {
    let id = arn(&format!("service/c/{name}"));
    call(
        "DescribeServices",
        json!({"cluster": arn("cluster/c"), "services": [id], "include": ["TAGS"]}),
    )
    .json(json!({"services": services, "failures": []}))
}

/// Expects DescribeTaskDefinition of a revision whose containers have these ports.
pub fn ports(revision: &str, containers: &[(&str, i32)]) -> Call {
    let containers: Vec<Json> = containers
        .iter()
        .map(|(name, port)| json!({"name": name, "portMappings": [{"containerPort": port}]}))
        .collect();
    let id = arn(&format!("task-definition/{revision}"));
    call(
        "DescribeTaskDefinition",
        json!({"taskDefinition": id, "include": ["TAGS"]}),
    )
    .json(json!({"taskDefinition": {"containerDefinitions": containers}}))
}

fn target_group(port: i32) -> Call {
    call("DescribeTargetGroups", json!({"TargetGroupArns.member.1": GROUP})).xml(&format!(
        "<TargetGroups><member><TargetGroupArn>{GROUP}</TargetGroupArn><Port>{port}</Port></member></TargetGroups>"
    ))
}

/// The `loadBalancers` of a service behind the target group.
pub fn balanced(container: &str, port: i32) -> Json {
    json!([{"targetGroupArn": GROUP, "containerName": container, "containerPort": port}])
}

/// What CreateService is sent for `row("web")`.
fn request(more: Json) -> Json {
    let mut request = json!({
        "cluster": arn("cluster/c"),
        "serviceName": "web",
        "taskDefinition": arn("task-definition/app:1"),
        "desiredCount": 1,
        "launchType": "FARGATE",
        "schedulingStrategy": "REPLICA",
        "networkConfiguration": {"awsvpcConfiguration": {
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroups": ["sg-1"],
            "assignPublicIp": "ENABLED",
        }},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        request[key] = value.clone();
    }
    request
}

#[test]
fn a_service_is_read_with_its_references() {
    let more = json!({
        "loadBalancers": balanced("app", 8088),
        "tags": [{"key": "team", "value": "x"}, {"key": "aws:ecs:serviceName", "value": "web"}],
    });
    let calls = [
        clusters(&["c"]),
        services("c", &[service("c", "web", more)]),
    ]
    .concat();
    let wanted = object(behind(row("web")).with("tags", json!({"team": "x"})));
    assert_eq!(Account::new(calls).list(&Service).unwrap(), [wanted]);
}

#[test]
fn services_are_listed_by_cluster_and_described_by_tens() {
    let all: Vec<Json> = (0..11)
        .map(|number| service("c", &format!("s{number:02}"), json!({})))
        .collect();
    let arns: Vec<Json> = all.iter().map(|one| one["serviceArn"].clone()).collect();
    let list = |more: Json| {
        let mut request = json!({"cluster": arn("cluster/c"), "maxResults": 100});
        for (key, value) in more.as_object().into_iter().flatten() {
            request[key] = value.clone();
        }
        call("ListServices", request)
    };
    let describe = |range: std::ops::Range<usize>| {
        call(
            "DescribeServices",
            json!({"cluster": arn("cluster/c"), "services": arns[range.clone()], "include": ["TAGS"]}),
        )
        .json(json!({"services": all[range]}))
        .beside()
    };
    let mut calls = clusters(&["c", "empty"]);
    calls.push(
        list(json!({}))
            .json(json!({"serviceArns": arns[..4], "nextToken": "1"}))
            .beside(),
    );
    calls.extend(services("empty", &[]));
    calls.push(
        list(json!({"nextToken": "1"}))
            .json(json!({"serviceArns": [], "nextToken": "2"}))
            .beside(),
    );
    calls.push(
        list(json!({"nextToken": "2"}))
            .json(json!({"serviceArns": arns[4..]}))
            .beside(),
    );
    calls.push(describe(0..10));
    calls.push(describe(10..11));
    let aws = Account::new(calls);
    let names: Vec<String> = aws
        .list(&Service)
        .unwrap()
        .iter()
        .filter_map(|service| service.row.text("name").map(str::to_owned))
        .collect();
    assert_eq!(
        names,
        (0..11)
            .map(|number| format!("s{number:02}"))
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_page_that_is_refused_fails_the_whole_list() {
    let mut calls = clusters(&["c"]);
    let list = json!({"cluster": arn("cluster/c"), "maxResults": 100});
    calls.push(call("ListServices", list).error(400, "InvalidParameterException", "no"));
    let error = Account::new(calls).list(&Service).unwrap_err();
    assert_eq!(
        error.to_string(),
        "ecs:ListServices: InvalidParameterException: no"
    );
}

#[test]
fn services_that_are_going_and_clusters_that_have_gone_are_absent() {
    let states = ["DRAINING", "INACTIVE"];
    let going: Vec<Json> = states
        .iter()
        .map(|state| service("c", state, json!({"status": state})))
        .collect();
    let mut calls = [clusters(&["c", "gone"]), services("c", &going)].concat();
    calls.push(
        call(
            "ListServices",
            json!({"cluster": arn("cluster/gone"), "maxResults": 100}),
        )
        .error(400, "ClusterNotFoundException", "Cluster not found.")
        .beside(),
    );
    assert_eq!(Account::new(calls).list(&Service).unwrap(), []);
}

#[test]
fn what_a_row_cannot_say_is_left_out_and_noted() {
    let provider = |name: &str| json!({"launchType": null, "capacityProviderStrategy": [{"capacityProvider": name}]});
    let other_group =
        json!({"targetGroupArn": "other", "containerName": "app", "containerPort": 1});
    let unsaid = [
        (
            json!({"launchType": "EC2"}),
            "its tasks do not run on Fargate",
        ),
        (provider("mine"), "its tasks do not run on Fargate"),
        (json!({"schedulingStrategy": "DAEMON"}), "it is a daemon"),
        (
            json!({"deploymentController": {"type": "CODE_DEPLOY"}}),
            "something else than ECS does its deployments",
        ),
        (
            json!({"resourceManagementType": "ECS"}),
            "it is an Express service, which ECS manages itself",
        ),
        (
            json!({"loadBalancers": [balanced("app", 1)[0], other_group]}),
            "it has more than one target group, or a classic load balancer",
        ),
        (
            json!({"loadBalancers": [{"loadBalancerName": "old", "containerName": "app", "containerPort": 1}]}),
            "it has more than one target group, or a classic load balancer",
        ),
        (
            json!({"networkConfiguration": null}),
            "its network mode is not awsvpc",
        ),
    ];
    let mut all: Vec<Json> = unsaid
        .iter()
        .enumerate()
        .map(|(number, (more, _))| service("c", &format!("s{number}"), more.clone()))
        .collect();
    all.push(service("c", "spot", provider("FARGATE_SPOT")));
    let aws = Account::new([clusters(&["c"]), services("c", &all)].concat());
    let reader = aws.reader(&Service);
    let said = aws.run(async {
        use iasql_aws::resource::Resource;
        Service.list(&reader).await.unwrap()
    });
    assert_eq!(said, [object(row("spot"))]);
    let noted: Vec<String> = reader.unsaid().into_iter().map(|one| one.why).collect();
    assert_eq!(noted, unsaid.map(|(_, why)| why));
}

#[test]
fn describe_asks_in_the_cluster_of_the_service() {
    let short = arn("service/web");
    let asked = |cluster: &str, id: &str| {
        let request = json!({"cluster": cluster, "services": [id], "include": ["TAGS"]});
        call("DescribeServices", request)
    };
    let mut old = object(row("web"));
    old.id = short.as_str().into();
    let long = arn("service/c/web");
    let aws = Account::new([
        asked("c", &long).json(json!({"services": [service("c", "web", json!({}))]})),
        // The ARN of an old service does not name its cluster.
        asked(&arn("cluster/c"), &short)
            .json(json!({"services": [], "failures": [{"arn": short, "reason": "MISSING"}]})),
        asked("c", &long).error(400, "ClusterNotFoundException", "Cluster not found."),
    ])
    .knowing(old);
    assert_eq!(
        aws.describe(&Service, &long).unwrap(),
        Some(object(row("web")))
    );
    assert_eq!(aws.describe(&Service, &short).unwrap(), None);
    assert_eq!(aws.describe(&Service, &long).unwrap(), None);
}

#[test]
fn create_sends_everything_at_once() {
    let wanted = row("web")
        .with("tags", json!({"team": "x"}))
        .with("force_new_deployment", true);
    let aws = Account::new([call(
        "CreateService",
        request(json!({"tags": [{"key": "team", "value": "x"}]})),
    )
    .json(json!({"service": service("c", "web", json!({}))}))]);
    let step = aws.create(&Service, &wanted);
    let wanted = object(wanted.with("force_new_deployment", false));
    assert_eq!(step.result.unwrap(), wanted);
    assert_eq!(step.made, [wanted.id]);
}

fn create_behind(containers: &[(&str, i32)], group: Option<i32>, chosen: Json) {
    let mut calls = vec![ports("app:1", containers)];
    calls.extend(group.map(target_group));
    calls.push(
        call("CreateService", request(json!({"loadBalancers": chosen})))
            .json(json!({"service": service("c", "web", json!({}))})),
    );
    let step = Account::new(calls).create(&Service, &behind(row("web")));
    step.result.unwrap();
}

#[test]
fn the_only_container_with_a_port_is_behind_the_target_group() {
    create_behind(&[("app", 3000)], None, balanced("app", 3000));
}

#[test]
fn among_several_it_is_the_one_with_the_port_of_the_target_group() {
    let containers = [("metrics", 9090), ("app", 8088)];
    create_behind(&containers, Some(8088), balanced("app", 8088));
}

#[test]
fn where_no_container_stands_out_nothing_is_created() {
    for containers in [&[("a", 1), ("b", 2)][..], &[("a", 80), ("b", 80)], &[]] {
        let aws = Account::new([ports("app:1", containers), target_group(80)]);
        let error = aws
            .create(&Service, &behind(row("web")))
            .result
            .unwrap_err();
        assert_eq!(error.class, Class::Unsupported);
        assert!(
            error.message.contains("exactly one must have port 80"),
            "{error}"
        );
    }
}

#[test]
fn create_waits_for_the_cluster_the_listener_and_the_name() {
    let create = || call("CreateService", request(json!({})));
    let aws = Account::new([
        create().error(400, "ClusterNotFoundException", "Cluster not found."),
        create().error(
            400,
            "InvalidParameterException",
            "The target group with targetGroupArn x does not have an associated load balancer.",
        ),
        create().error(
            400,
            "InvalidParameterException",
            "Unable to Start a service that is still Draining.",
        ),
        create().json(json!({"service": service("c", "web", json!({}))})),
    ]);
    let step = aws.create(&Service, &row("web"));
    step.result.unwrap();
    assert_eq!(step.waited.len(), 3);
}

#[test]
fn other_refusals_of_a_create_are_final() {
    let aws = Account::new([call("CreateService", request(json!({}))).error(
        400,
        "InvalidParameterException",
        "Creation of service was not idempotent.",
    )]);
    let error = aws.create(&Service, &row("web")).result.unwrap_err();
    assert_eq!(error.class, Class::Refused);
}

#[test]
fn a_service_that_replaces_another_keeps_what_no_column_says() {
    let connect = json!({"enabled": true, "namespace": "n"});
    let before = service(
        "c",
        "old",
        json!({
            "launchType": null,
            "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 2}],
            "platformVersion": "1.4.0",
            "deploymentConfiguration": {"minimumHealthyPercent": 50, "maximumPercent": 300},
            "serviceRegistries": [{"registryArn": "r"}],
            "healthCheckGracePeriodSeconds": 30,
            "enableECSManagedTags": true,
            "propagateTags": "SERVICE",
            "enableExecuteCommand": true,
            "availabilityZoneRebalancing": "DISABLED",
            "loadBalancers": balanced("side", 81),
            "deployments": [
                {"status": "ACTIVE", "serviceConnectConfiguration": {"enabled": false}},
                {"status": "PRIMARY", "serviceConnectConfiguration": connect},
            ],
        }),
    );
    let mut wanted = request(json!({
        "capacityProviderStrategy": before["capacityProviderStrategy"],
        "platformVersion": "1.4.0",
        "deploymentConfiguration": before["deploymentConfiguration"],
        "serviceRegistries": before["serviceRegistries"],
        "healthCheckGracePeriodSeconds": 30,
        "enableECSManagedTags": true,
        "propagateTags": "SERVICE",
        "enableExecuteCommand": true,
        "availabilityZoneRebalancing": "DISABLED",
        "loadBalancers": balanced("side", 81),
        "serviceConnectConfiguration": connect,
    }));
    wanted.as_object_mut().unwrap().remove("launchType");
    let aws = Account::new([
        describe("old", &[before]),
        ports("app:1", &[("app", 80), ("side", 81)]),
        call("CreateService", wanted).json(json!({"service": service("c", "web", json!({}))})),
    ])
    .replacing(object(behind(row("old"))));
    aws.create(&Service, &behind(row("web"))).result.unwrap();
}

#[test]
fn the_containers_of_a_revision_that_the_run_has_made_are_not_asked_for() {
    let id = arn("task-definition/app:1");
    let container = |name: &str| Row::new(&CONTAINER_DEFINITION).with("name", name);
    let containers = vec![
        container("sidecar"),
        container("app").with("container_port", 8088),
    ];
    let made = Row::new(&TASK_DEFINITION).with("container_definitions", containers);
    let request = request(json!({"loadBalancers": balanced("app", 8088)}));
    let made_service = json!({"service": service("c", "web", json!({}))});
    let aws = Account::new([call("CreateService", request).json(made_service)]);
    let seen = aws.session().seen();
    seen.keep_made(&Object::new(&"us-east-2".into(), id, made));
    aws.create(&Service, &behind(row("web"))).result.unwrap();
}
