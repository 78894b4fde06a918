//! What really is in an account, counted by direct calls.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{Cloud, Result, Service, elements};

/// Ids of objects by table: as AWS has them, or as the extension's records do.
pub type Inventory = BTreeMap<String, BTreeSet<String>>;

/// Everything in the account of the kinds that have tables and that the emulator knows. An object's id is what the
/// extension calls its cloud id.
pub fn inventory(cloud: &Cloud) -> Result<Inventory> {
    let mut found = Inventory::new();
    let mut add = |table: &str, ids: Vec<String>| {
        found.entry(table.to_owned()).or_default().extend(ids);
    };
    for (table, service, operation, element) in [
        ("vpc", Service::Ec2, "DescribeVpcs", "vpcId"),
        ("subnet", Service::Ec2, "DescribeSubnets", "subnetId"),
        (
            "security_group",
            Service::Ec2,
            "DescribeSecurityGroups",
            "groupId",
        ),
        (
            "security_group_rule",
            Service::Ec2,
            "DescribeSecurityGroupRules",
            "securityGroupRuleId",
        ),
        (
            "load_balancer",
            Service::Elbv2,
            "DescribeLoadBalancers",
            "LoadBalancerArn",
        ),
        (
            "target_group",
            Service::Elbv2,
            "DescribeTargetGroups",
            "TargetGroupArn",
        ),
        ("role", Service::Iam, "ListRoles", "RoleName"),
    ] {
        let answer = cloud.query(service, operation, &[])?;
        add(table, owned(elements(&answer, element)));
    }
    let balancers = cloud.query(Service::Elbv2, "DescribeLoadBalancers", &[])?;
    for balancer in elements(&balancers, "LoadBalancerArn") {
        let of = [("LoadBalancerArn", balancer)];
        let answer = cloud.query(Service::Elbv2, "DescribeListeners", &of)?;
        add("listener", owned(elements(&answer, "ListenerArn")));
    }
    let groups = cloud.json(Service::Logs, "DescribeLogGroups", &json!({}))?;
    add("log_group", members(&groups["logGroups"], "logGroupName"));
    let repositories = cloud.json(Service::Ecr, "DescribeRepositories", &json!({}))?;
    let repositories = members(&repositories["repositories"], "repositoryName");
    for name in &repositories {
        let of = json!({"repositoryName": name});
        // Without a policy it answers with an error.
        if cloud.json(Service::Ecr, "GetRepositoryPolicy", &of).is_ok() {
            add("repository_policy", vec![name.clone()]);
        }
    }
    add("repository", repositories);
    let revisions = cloud.json(Service::Ecs, "ListTaskDefinitions", &json!({}))?;
    add(
        "task_definition",
        owned(texts(&revisions["taskDefinitionArns"])),
    );
    let clusters = cloud.json(Service::Ecs, "ListClusters", &json!({}))?;
    let of = json!({"clusters": clusters["clusterArns"]});
    let clusters = cloud.json(Service::Ecs, "DescribeClusters", &of)?;
    let clusters = active(&clusters["clusters"], "clusterArn");
    for cluster in &clusters {
        let services = cloud.json(Service::Ecs, "ListServices", &json!({"cluster": cluster}))?;
        let services = &services["serviceArns"];
        if texts(services).is_empty() {
            continue;
        }
        let of = json!({"cluster": cluster, "services": services});
        let services = cloud.json(Service::Ecs, "DescribeServices", &of)?;
        add("service", active(&services["services"], "serviceArn"));
    }
    add("cluster", clusters);
    found.retain(|_, ids| !ids.is_empty());
    Ok(found)
}

/// What the first has and the second has not, as `table id`.
pub fn missing(from: &Inventory, than: &Inventory) -> Vec<String> {
    let none = BTreeSet::new();
    from.iter()
        .flat_map(|(table, ids)| {
            let others = than.get(table).unwrap_or(&none);
            ids.difference(others)
                .map(move |id| format!("{table} {id}"))
        })
        .collect()
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

fn members(list: &Value, name: &str) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|item| item[name].as_str().map(str::to_owned))
        .collect()
}

/// A deleted one stays on the list for a while.
fn active(list: &Value, name: &str) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter(|item| item["status"] == "ACTIVE")
        .filter_map(|item| item[name].as_str().map(str::to_owned))
        .collect()
}
