//! ECS: clusters, task definitions, services.

use iasql_tests::Protocol;
use serde_json::{Value as Json, json};

use super::account::{ACCOUNT, Account, HOME, Kind, TAG};
use super::collection::{Shape, Synthesize};
use super::document::Document;
use super::request::Request;
use super::{Answer, Refusal};

/// The largest page of every list, and the most clusters that one call describes.
const PAGE: usize = 100;

/// The most services that one call describes.
const SERVICES_AT_ONCE: usize = 10;

fn arn(what: &str) -> String {
    format!("arn:aws:ecs:{HOME}:{ACCOUNT}:{what}")
}

/// The ARN of what is named by a name or by its ARN.
fn cluster_arn(name: &str) -> String {
    match name.starts_with("arn:") {
        true => name.to_owned(),
        false => arn(&format!("cluster/{name}")),
    }
}

fn tags() -> Json {
    json!([{"key": TAG.0, "value": TAG.1}])
}

/// The cluster of a number.
pub fn cluster(number: usize) -> Shape {
    named_cluster(&format!("cluster-{number}"))
}

fn named_cluster(name: &str) -> Shape {
    Shape {
        id: cluster_arn(name),
        parent: String::new(),
        fields: json!({
            "clusterArn": cluster_arn(name), "clusterName": name, "status": "ACTIVE",
            "registeredContainerInstancesCount": 0, "runningTasksCount": 0, "pendingTasksCount": 0,
            "activeServicesCount": 0, "statistics": [], "tags": tags(), "settings": [], "capacityProviders": [],
            "defaultCapacityProviderStrategy": [],
        }),
    }
}

/// The task definition of a number.
pub fn task_definition(number: usize) -> Shape {
    let container = json!([{
        "name": "web", "image": format!("public.ecr.aws/bench/web:{number}"), "cpu": 0, "essential": true,
        "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}], "environment": [],
        "mountPoints": [], "volumesFrom": [],
    }]);
    revision(
        &format!("task-{number}"),
        &container,
        json!({"cpu": "256", "memory": "512"}),
    )
}

/// The first revision of a family.
fn revision(family: &str, containers: &Json, more: Json) -> Shape {
    let id = arn(&format!("task-definition/{family}:1"));
    let mut fields = json!({
        "taskDefinitionArn": id, "containerDefinitions": containers, "family": family, "networkMode": "awsvpc",
        "revision": 1, "volumes": [], "status": "ACTIVE", "placementConstraints": [], "compatibilities": ["EC2", "FARGATE"],
        "requiresCompatibilities": ["FARGATE"], "registeredAt": 1_704_067_200.0,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        fields[name] = value.clone();
    }
    Shape {
        id,
        parent: String::new(),
        fields,
    }
}

/// The services of this many clusters.
pub fn services(clusters: usize, definitions: usize) -> Synthesize {
    Box::new(move |number| {
        let cluster = format!("cluster-{}", number % clusters);
        service(
            &cluster,
            &format!("service-{number}"),
            json!({
                "taskDefinition": arn(&format!("task-definition/task-{}:1", number % definitions)),
                "desiredCount": 1, "loadBalancers": [],
                "networkConfiguration": {"awsvpcConfiguration": {
                    "subnets": [format!("subnet-0{:016x}", 0)], "securityGroups": [format!("sg-0{:016x}", 0)],
                    "assignPublicIp": "ENABLED",
                }},
            }),
        )
    })
}

fn service(cluster: &str, name: &str, mut fields: Json) -> Shape {
    let cluster_arn = cluster_arn(cluster);
    let cluster = cluster_arn.rsplit('/').next().unwrap_or_default();
    let id = arn(&format!("service/{cluster}/{name}"));
    for (name, value) in [
        ("serviceArn", json!(id)),
        ("serviceName", json!(name)),
        ("clusterArn", json!(cluster_arn)),
        ("status", json!("ACTIVE")),
        ("runningCount", json!(1)),
        ("pendingCount", json!(0)),
        ("launchType", json!("FARGATE")),
        ("schedulingStrategy", json!("REPLICA")),
        ("deploymentController", json!({"type": "ECS"})),
        ("deployments", json!([])),
        ("events", json!([])),
        ("createdAt", json!(1_704_067_200.0)),
        ("tags", tags()),
    ] {
        fields[name] = value;
    }
    Shape {
        id,
        parent: cluster_arn,
        fields,
    }
}

/// Answers a call.
pub fn answer(account: &mut Account, request: &Request) -> Answer {
    let document = Document::new(Protocol::Json);
    let region = request.region.as_str();
    Ok(match request.operation.as_str() {
        "ListClusters" => {
            let size = request.page_size("maxResults", PAGE, PAGE)?;
            let start = request.page_start("nextToken");
            ids(
                document,
                "clusterArns",
                account.of(region, Kind::Cluster).ids(start, size),
            )
        }
        "ListTaskDefinitions" => {
            let size = request.page_size("maxResults", PAGE, PAGE)?;
            let start = request.page_start("nextToken");
            let definitions = account.of(region, Kind::TaskDefinition);
            ids(document, "taskDefinitionArns", definitions.ids(start, size))
        }
        "ListServices" => {
            let size = request.page_size("maxResults", 10, PAGE)?;
            let start = request.page_start("nextToken");
            let cluster = cluster_arn(request.text("cluster"));
            let services = account.of(region, Kind::Service);
            ids(
                document,
                "serviceArns",
                services.ids_of(&cluster, start, size),
            )
        }
        "DescribeClusters" => describe(account, request, Kind::Cluster, "clusters", PAGE)?,
        "DescribeServices" => describe(
            account,
            request,
            Kind::Service,
            "services",
            SERVICES_AT_ONCE,
        )?,
        "DescribeTaskDefinition" => {
            let id = request.text("taskDefinition");
            let definitions = account.of(region, Kind::TaskDefinition);
            let definition = definitions.fields(id);
            let absent = || {
                Refusal::new(
                    "ClientException",
                    "Unable to describe task definition.".to_owned(),
                )
            };
            let document = document.field("taskDefinition", &definition.ok_or_else(absent)?);
            let tags = if definitions.is_made(id) {
                json!([])
            } else {
                tags()
            };
            document.field("tags", &tags)
        }
        "CreateCluster" => make(
            account,
            region,
            Kind::Cluster,
            "cluster",
            named_cluster(request.text("clusterName")),
        ),
        "RegisterTaskDefinition" => {
            let more = given(
                request,
                &["cpu", "memory", "taskRoleArn", "executionRoleArn"],
            );
            let shape = revision(
                request.text("family"),
                request.get("containerDefinitions"),
                more,
            );
            make(
                account,
                region,
                Kind::TaskDefinition,
                "taskDefinition",
                shape,
            )
        }
        "CreateService" => {
            let more = [
                "taskDefinition",
                "desiredCount",
                "loadBalancers",
                "networkConfiguration",
            ];
            let shape = service(
                request.text("cluster"),
                request.text("serviceName"),
                given(request, &more),
            );
            make(account, region, Kind::Service, "service", shape)
        }
        "UpdateService" => {
            let services = account.of(region, Kind::Service);
            services.change(request.text("service"), |service| {
                service["desiredCount"] = request.get("desiredCount").clone();
            });
            let fields = services.fields(request.text("service"));
            document.field("service", &fields.unwrap_or_default())
        }
        "DeleteService" => remove(account, request, Kind::Service, "service"),
        "DeleteCluster" => remove(account, request, Kind::Cluster, "cluster"),
        "DeregisterTaskDefinition" => {
            remove(account, request, Kind::TaskDefinition, "taskDefinition")
        }
        _ => return Err(Refusal::unknown(request)),
    })
}

fn ids(document: Document, list: &str, (ids, next): super::collection::Page<'_>) -> Document {
    let document = document.field(list, &json!(ids));
    document.optional("nextToken", next.map(|next| next.to_string()))
}

fn describe(
    account: &mut Account,
    request: &Request,
    kind: Kind,
    list: &str,
    at_once: usize,
) -> Answer {
    let collection = account.of(&request.region, kind);
    let wanted: Vec<&str> = request.texts(list).collect();
    if wanted.len() > at_once {
        let message = format!("at most {at_once} {list}");
        return Err(Refusal::new("InvalidParameterException", message));
    }
    let found = wanted.iter().filter_map(|id| collection.get(id));
    let document = Document::new(Protocol::Json).list(list, found);
    let missing = wanted.iter().filter(|id| collection.get(id).is_none());
    let missing: Json = missing
        .map(|id| json!({"arn": id, "reason": "MISSING"}))
        .collect();
    Ok(document.field("failures", &missing))
}

/// Those of the parameters that the request has.
fn given(request: &Request, names: &[&str]) -> Json {
    let fields = names
        .iter()
        .map(|name| ((*name).to_owned(), request.get(name).clone()));
    Json::Object(fields.filter(|(_, value)| !value.is_null()).collect())
}

fn make(account: &mut Account, region: &str, kind: Kind, name: &str, mut shape: Shape) -> Document {
    if let Some(fields) = shape.fields.as_object_mut() {
        fields.remove("tags");
    }
    let document = Document::new(Protocol::Json).field(name, &shape.fields);
    account.of(region, kind).insert(shape);
    document
}

fn remove(account: &mut Account, request: &Request, kind: Kind, name: &str) -> Document {
    let id = request.text(name);
    let collection = account.of(&request.region, kind);
    let mut fields = collection.fields(id).unwrap_or_default();
    fields["status"] = json!("INACTIVE");
    collection.remove(id);
    Document::new(Protocol::Json).field(name, &fields)
}
