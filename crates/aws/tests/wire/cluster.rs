//! `cluster` on the wire.

use crate::account::Account;
use crate::ecs::{arn, clusters};
use crate::replay::call;
use iasql_aws::ecs::cluster::{CLUSTER, Cluster};
use iasql_aws::error::Class;
use iasql_engine::{Object, Row};
use serde_json::{Value as Json, json};

fn row(name: &str) -> Row {
    Row::new(&CLUSTER)
        .with("cluster_name", name)
        .with("tags", json!({}))
}

fn object(name: &str) -> Object {
    let arn = arn(&format!("cluster/{name}"));
    let row = row(name)
        .with("cluster_arn", arn.as_str())
        .with("cluster_status", "ACTIVE");
    Object::new(&"us-east-2".into(), arn, row)
}

fn described(arns: &[String]) -> Json {
    json!({"clusters": arns, "include": ["TAGS"]})
}

#[test]
fn the_list_is_all_pages_and_clusters_are_described_together() {
    let (a, b) = (arn("cluster/a"), arn("cluster/b"));
    let aws = Account::new([
        call("ListClusters", json!({"maxResults": 100}))
            .json(json!({"clusterArns": [a], "nextToken": "1"})),
        call("ListClusters", json!({"maxResults": 100, "nextToken": "1"}))
            .json(json!({"clusterArns": [], "nextToken": "2"})),
        call("ListClusters", json!({"maxResults": 100, "nextToken": "2"}))
            .json(json!({"clusterArns": [b]})),
        call("DescribeClusters", described(&[a.clone(), b.clone()])).json(json!({"clusters": [
            {"clusterName": "a", "clusterArn": a, "status": "ACTIVE", "tags": [
                {"key": "team", "value": "x"},
                {"key": "aws:cloudformation:stack-id", "value": "y"},
            ]},
            {"clusterName": "b", "clusterArn": b, "status": "ACTIVE"},
        ]})),
    ]);
    let mut first = object("a");
    first.row.set("tags", json!({"team": "x"}));
    assert_eq!(aws.list(&Cluster).unwrap(), [first, object("b")]);
}

#[test]
fn a_hundred_clusters_are_described_in_one_call() {
    let names: Vec<String> = (0..101).map(|number| format!("c{number:03}")).collect();
    let arns: Vec<String> = names
        .iter()
        .map(|name| arn(&format!("cluster/{name}")))
        .collect();
    let clusters: Vec<Json> = names
        .iter()
        .zip(&arns)
        .map(|(name, arn)| json!({"clusterName": name, "clusterArn": arn, "status": "ACTIVE"}))
        .collect();
    let aws = Account::new([
        call("ListClusters", json!({"maxResults": 100}))
            .json(json!({"clusterArns": arns[..100], "nextToken": "1"})),
        call("ListClusters", json!({"maxResults": 100, "nextToken": "1"}))
            .json(json!({"clusterArns": arns[100..]})),
        call("DescribeClusters", described(&arns[..100]))
            .json(json!({"clusters": clusters[..100]})),
        call("DescribeClusters", described(&arns[100..]))
            .json(json!({"clusters": clusters[100..]}))
            .beside(),
    ]);
    let found = aws.list(&Cluster).unwrap();
    let found: Vec<&str> = found
        .iter()
        .filter_map(|cluster| cluster.row.text("cluster_name"))
        .collect();
    assert_eq!(found, names);
}

#[test]
fn an_account_without_clusters_is_asked_once() {
    // DescribeClusters without names would describe the cluster called default.
    assert_eq!(Account::new(clusters(&[])).list(&Cluster).unwrap(), []);
}

#[test]
fn a_page_that_is_refused_fails_the_whole_list() {
    let aws = Account::new([
        call("ListClusters", json!({"maxResults": 100}))
            .json(json!({"clusterArns": [arn("cluster/a")], "nextToken": "1"})),
        call("ListClusters", json!({"maxResults": 100, "nextToken": "1"})).error(
            400,
            "InvalidParameterException",
            "Invalid token.",
        ),
    ]);
    assert_eq!(
        aws.list(&Cluster).unwrap_err().to_string(),
        "ecs:ListClusters: InvalidParameterException: Invalid token."
    );
}

#[test]
fn an_inactive_cluster_does_not_exist() {
    let gone = arn("cluster/gone");
    let inactive = json!({"clusterName": "gone", "clusterArn": gone, "status": "INACTIVE"});
    let missing = json!({"arn": gone, "reason": "MISSING"});
    let describe = || call("DescribeClusters", described(std::slice::from_ref(&gone)));
    let aws = Account::new([
        call("ListClusters", json!({"maxResults": 100})).json(json!({"clusterArns": [gone]})),
        describe().json(json!({"clusters": [inactive]})),
        describe().json(json!({"clusters": [inactive]})),
        describe().json(json!({"clusters": [], "failures": [missing]})),
    ]);
    assert_eq!(aws.list(&Cluster).unwrap(), []);
    assert_eq!(aws.describe(&Cluster, &gone).unwrap(), None);
    assert_eq!(aws.describe(&Cluster, &gone).unwrap(), None);
}

#[test]
fn create_carries_the_tags() {
    let answer = json!({"cluster": {
        "clusterName": "a", "clusterArn": arn("cluster/a"), "status": "ACTIVE",
    }});
    let aws = Account::new([
        call(
            "CreateCluster",
            json!({"clusterName": "a", "tags": [{"key": "team", "value": "x"}]}),
        )
        .json(answer.clone()),
        // ECS refuses an empty list of tags.
        call("CreateCluster", json!({"clusterName": "a"})).json(answer),
    ]);
    let step = aws.create(&Cluster, &row("a").with("tags", json!({"team": "x"})));
    let mut wanted = object("a");
    wanted.row.set("tags", json!({"team": "x"}));
    assert_eq!(step.result.unwrap(), wanted);
    assert_eq!(step.made, [wanted.id]);
    let step = aws.create(&Cluster, &row("a"));
    assert_eq!(step.result.unwrap(), object("a"));
}

#[test]
fn a_create_whose_answer_was_lost_is_not_sent_again() {
    let aws = Account::new([call("CreateCluster", json!({"clusterName": "a"})).lost()]);
    let step = aws.create(&Cluster, &row("a"));
    assert_eq!(step.result.unwrap_err().class, Class::NoAnswer);
}

#[test]
fn an_update_sets_new_tags_and_takes_old_ones_away() {
    let aws = Account::new([
        call(
            "TagResource",
            json!({"resourceArn": arn("cluster/a"), "tags": [{"key": "new", "value": "1"}]}),
        )
        .json(json!({})),
        call(
            "UntagResource",
            json!({"resourceArn": arn("cluster/a"), "tagKeys": ["old"]}),
        )
        .json(json!({})),
    ]);
    let mut before = object("a");
    before.row.set("tags", json!({"old": "1", "kept": "1"}));
    let after = row("a").with("tags", json!({"new": "1", "kept": "1"}));
    let step = aws.update(&Cluster, &before, &after, &["tags"]);
    step.result.unwrap();
}

#[test]
fn delete_waits_while_services_and_tasks_are_left() {
    let delete = || call("DeleteCluster", json!({"cluster": arn("cluster/a")}));
    let aws = Account::new([
        delete().error(
            400,
            "ClusterContainsServicesException",
            "The Cluster cannot be deleted while Services are active.",
        ),
        delete().error(
            400,
            "ClusterContainsTasksException",
            "The Cluster cannot be deleted while Tasks are active.",
        ),
        delete().json(json!({})),
    ]);
    let step = aws.delete(&Cluster, &object("a"));
    step.result.unwrap();
    assert_eq!(step.waited.len(), 2);
}

#[test]
fn a_cluster_that_is_gone_is_said_to_be_absent() {
    let aws = Account::new([
        call("DeleteCluster", json!({"cluster": arn("cluster/a")})).error(
            400,
            "ClusterNotFoundException",
            "Cluster not found.",
        ),
    ]);
    let error = aws.delete(&Cluster, &object("a")).result.unwrap_err();
    assert!(error.is_absent(&CLUSTER.errors));
}
