//! What the tests of ECS's tables have in common.

use crate::replay::{Call, call};
use serde_json::{Value as Json, json};

/// An ARN of the account.
pub fn arn(what: &str) -> String {
    format!("arn:aws:ecs:us-east-2:123456789012:{what}")
}

/// Expects ListClusters and DescribeClusters, of clusters with these names. They may run beside others.
pub fn clusters(names: &[&str]) -> Vec<Call> {
    let arns: Vec<String> = names
        .iter()
        .map(|name| arn(&format!("cluster/{name}")))
        .collect();
    let clusters: Vec<Json> = names
        .iter()
        .zip(&arns)
        .map(|(name, arn)| json!({"clusterName": name, "clusterArn": arn, "status": "ACTIVE"}))
        .collect();
    let mut calls = vec![
        call("ListClusters", json!({"maxResults": 100})).json(json!({"clusterArns": arns.clone()})),
    ];
    if !names.is_empty() {
        calls.push(
            call(
                "DescribeClusters",
                json!({"clusters": arns, "include": ["TAGS"]}),
            )
            .json(json!({"clusters": clusters, "failures": []})),
        );
    }
    calls.into_iter().map(Call::beside).collect()
}

/// Expects ListServices and DescribeServices of one cluster. They may run beside others.
pub fn services(cluster: &str, services: &[Json]) -> Vec<Call> {
    let cluster = arn(&format!("cluster/{cluster}"));
    let arns: Vec<&Json> = services
        .iter()
        .map(|service| &service["serviceArn"])
        .collect();
    let mut calls = vec![
        call(
            "ListServices",
            json!({"cluster": cluster, "maxResults": 100}),
        )
        .json(json!({"serviceArns": arns})),
    ];
    if !services.is_empty() {
        calls.push(
            call(
                "DescribeServices",
                json!({"cluster": cluster, "services": arns, "include": ["TAGS"]}),
            )
            .json(json!({"services": services, "failures": []})),
        );
    }
    calls.into_iter().map(Call::beside).collect()
}

/// A service as AWS describes it.
pub fn service(cluster: &str, name: &str, more: Json) -> Json {
    let mut service = json!({
        "serviceArn": arn(&format!("service/{cluster}/{name}")),
        "serviceName": name,
        "clusterArn": arn(&format!("cluster/{cluster}")),
        "status": "ACTIVE",
        "desiredCount": 1,
        "runningCount": 1,
        "pendingCount": 0,
        "launchType": "FARGATE",
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "loadBalancers": [],
        "taskDefinition": arn("task-definition/app:1"),
        "networkConfiguration": {"awsvpcConfiguration": {
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroups": ["sg-1"],
            "assignPublicIp": "ENABLED",
        }},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        service[key] = value.clone();
    }
    service
}
