//! `container_definition`: a container of a task definition. A part: it is read and written with the whole.

use super::image::{self, Repositories};
use aws_sdk_ecs::types;
use iasql_engine::kind::{Kind, PartOf, Scope, boolean, int, json, refers_by_name, text};
use iasql_engine::{CloudId, Region, Row, Value};
use serde_json::{Map, Value as Json};
use std::collections::HashMap;

/// The table.
pub static CONTAINER_DEFINITION: Kind = Kind::part(
    "container_definition",
    Scope::Regional,
    PartOf {
        table: "task_definition",
        column: "container_definitions",
        on: &[("task_definition_id", "id")],
    },
    &[
        text("name").key(),
        text("image"),
        text("tag"),
        text("digest"),
        boolean("essential"),
        int("cpu"),
        int("memory"),
        int("memory_reservation"),
        int("host_port"),
        int("container_port"),
        text("protocol").one_of(PROTOCOLS),
        json("env_variables"),
        refers_by_name("repository_name", "repository", "repository_name"),
        refers_by_name(
            "public_repository_name",
            "public_repository",
            "repository_name",
        ),
        refers_by_name("log_group_name", "log_group", "log_group_name"),
    ],
);

const PROTOCOLS: &[&str] = &["tcp", "udp"];

/// The container as a row, or what it has that a row cannot say.
pub(super) fn row(
    container: &types::ContainerDefinition,
    region: &Region,
    repositories: &Repositories,
) -> Result<Row, String> {
    let name = container.name().unwrap_or_default();
    let port = match container.port_mappings() {
        [] => None,
        [port] if port.container_port().is_some() => Some(port),
        [_] => return Err(format!("its container {name} has a range of ports")),
        _ => return Err(format!("its container {name} has several ports")),
    };
    let protocol = port
        .and_then(|port| port.protocol())
        .map(types::TransportProtocol::as_str);
    if protocol.is_some_and(|protocol| !PROTOCOLS.contains(&protocol)) {
        return Err(format!(
            "its container {name} has a port of an unknown protocol"
        ));
    }
    let mut row = Row::new(&CONTAINER_DEFINITION)
        .with("name", name)
        .with("essential", container.essential().unwrap_or(true))
        .with("cpu", Some(container.cpu()).filter(|units| *units != 0))
        .with("memory", container.memory())
        .with("memory_reservation", container.memory_reservation())
        .with("host_port", port.and_then(|port| port.host_port()))
        .with(
            "container_port",
            port.and_then(|port| port.container_port()),
        )
        .with("protocol", protocol)
        .with("env_variables", environment(container))
        .with("log_group_name", log_group(container, region));
    repositories.fill(&mut row, container.image().unwrap_or_default());
    Ok(row)
}

/// The row as a container. What no column says stays as it was in the container that it replaces.
pub(super) fn definition(
    row: &Row,
    image: Option<String>,
    region: &Region,
    before: Option<&types::ContainerDefinition>,
) -> types::ContainerDefinition {
    let mut container = match before {
        Some(before) => before.clone(),
        None => types::ContainerDefinition::builder().build(),
    };
    container.name = row.text("name").map(str::to_owned);
    container.image = image;
    container.essential = row.bool("essential");
    container.cpu = row.int("cpu").unwrap_or_default();
    container.memory = row.int("memory");
    container.memory_reservation = row.int("memory_reservation");
    container.port_mappings = row.int("container_port").map(|port| {
        let mut mapping = match before.and_then(|before| before.port_mappings().first()) {
            Some(mapping) => mapping.clone(),
            None => types::PortMapping::builder().build(),
        };
        mapping.container_port = Some(port);
        mapping.host_port = row.int("host_port");
        mapping.protocol = row.text("protocol").map(types::TransportProtocol::from);
        vec![mapping]
    });
    container.environment = row
        .json("env_variables")
        .as_ref()
        .and_then(Json::as_object)
        .map(key_values);
    let name = row.text("name").unwrap_or_default();
    match row.object("log_group_name") {
        Some(group) => container.log_configuration = logs_to(group, name, region),
        // Logs that no column says are kept.
        None if log_group(&container, region).is_some() => container.log_configuration = None,
        None => {}
    }
    container
}

/// Says a container in a row's own words where both mean the same. `registry` is the host of the private registry.
pub(super) fn align(object: &mut Row, row: &Row, registry: &str) {
    let (theirs, ours) = (plain(object, registry), plain(row, registry));
    for columns in [
        IMAGE,
        &["cpu"],
        &["host_port", "container_port", "protocol"],
        &["env_variables"],
    ] {
        let same = columns
            .iter()
            .all(|column| theirs.get(column) == ours.get(column));
        for column in columns.iter().filter(|_| same) {
            object.set(column, row.get(column).clone());
        }
    }
}

const IMAGE: &[&str] = &[
    "image",
    "tag",
    "digest",
    "repository_name",
    "public_repository_name",
];

/// The row in the one spelling that each of its meanings has here.
fn plain(row: &Row, registry: &str) -> Row {
    let mut plain = row.clone();
    match image::address(row, registry) {
        Some(address) => {
            for column in IMAGE {
                plain.set(column, Value::Null);
            }
            plain.set("image", address);
        }
        // A reference takes precedence over the text.
        None => plain.set("image", Value::Null),
    }
    let port = row.int("container_port");
    plain.set("cpu", row.int("cpu").unwrap_or_default());
    plain.set("host_port", port.and(row.int("host_port").or(port)));
    plain.set(
        "protocol",
        port.map(|_| row.text("protocol").unwrap_or("tcp")),
    );
    if row.get("env_variables").is_null() {
        plain.set("env_variables", Json::Object(Map::new()));
    }
    plain
}

fn environment(container: &types::ContainerDefinition) -> Option<Json> {
    let variables = container.environment();
    let pair = |variable: &types::KeyValuePair| {
        let value = variable.value().unwrap_or_default();
        Some((variable.name()?.to_owned(), Json::from(value)))
    };
    (!variables.is_empty()).then(|| Json::Object(variables.iter().filter_map(pair).collect()))
}

fn key_values(variables: &Map<String, Json>) -> Vec<types::KeyValuePair> {
    let pair = |(name, value): (&String, &Json)| {
        types::KeyValuePair::builder()
            .name(name)
            .value(value.as_str().unwrap_or_default())
            .build()
    };
    variables.iter().map(pair).collect()
}

/// The log group of a container that logs in the one way that a row can say.
fn log_group(container: &types::ContainerDefinition, region: &Region) -> Option<CloudId> {
    let logs = container.log_configuration()?;
    let group = CloudId::from(logs.options()?.get("awslogs-group")?.as_str());
    let said = logs_to(&group, container.name()?, region)?;
    (logs.log_driver == said.log_driver
        && logs.options == said.options
        && logs.secret_options().is_empty())
    .then_some(group)
}

fn logs_to(group: &CloudId, container: &str, region: &Region) -> Option<types::LogConfiguration> {
    let options = [
        ("awslogs-group", group.to_string()),
        ("awslogs-region", region.to_string()),
        ("awslogs-stream-prefix", format!("awslogs-{container}")),
    ];
    let options: HashMap<String, String> = options
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    types::LogConfiguration::builder()
        .log_driver(types::LogDriver::Awslogs)
        .set_options(Some(options))
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use iasql_engine::Ref;
    use serde_json::json;

    const REGISTRY: &str = "123456789012.dkr.ecr.us-east-2.amazonaws.com";

    fn container() -> Row {
        Row::new(&CONTAINER_DEFINITION).with("name", "web")
    }

    /// Whether the object, said in the row's words, is the row.
    fn same(mut object: Row, row: &Row) -> bool {
        align(&mut object, row, REGISTRY);
        object == *row
    }

    #[test]
    fn an_image_may_be_written_in_several_ways() {
        let own = container()
            .with("repository_name", CloudId::from("app"))
            .with("tag", "v1");
        let written = container().with("image", format!("{REGISTRY}/app:v1"));
        assert!(same(own.clone(), &written));
        assert!(same(written.clone(), &own));
        assert!(same(own.clone(), &own.clone().with("image", "ignored")));
        let split = container().with("image", "nginx").with("tag", "1.25");
        let whole = container().with("image", "nginx:1.25");
        assert!(same(split.clone(), &whole));

        assert!(!same(split, &container().with("image", "nginx:1.26")));
        assert!(!same(own.clone(), &own.clone().with("tag", "v2")));
        let elsewhere = container().with("image", "other.dkr.ecr.us-east-2.amazonaws.com/app:v1");
        assert!(!same(own, &elsewhere));
    }

    #[test]
    fn images_whose_address_only_aws_knows_are_told_apart_by_reference() {
        let refers = |column: &str, to: Ref| container().with("tag", "v1").with(column, to);
        let public = |name: &str| {
            let repository = Ref::Object(CloudId::from(name));
            refers("public_repository_name", repository)
        };
        assert!(same(public("app"), &public("app")));
        assert!(!same(public("app"), &public("other")));
        assert!(!same(public("app"), &public("app").with("tag", "v2")));
        let text = container().with("image", "public.ecr.aws/alias/app:v1");
        assert!(!same(public("app"), &text));
        let unmade = iasql_engine::RowKey {
            table: "repository",
            id: 1,
        };
        let unmade = refers("repository_name", Ref::Row(unmade.into()));
        assert!(!same(public("app"), &unmade));
    }

    #[test]
    fn defaults_are_no_difference() {
        let port = container().with("container_port", 80);
        let filled = port.clone().with("host_port", 80).with("protocol", "tcp");
        assert!(same(filled.clone(), &port));
        assert!(same(port.clone(), &filled));
        assert!(!same(filled, &port.clone().with("protocol", "udp")));
        assert!(!same(port, &container().with("container_port", 81)));
        // A protocol without a port says nothing.
        assert!(same(container(), &container().with("protocol", "udp")));
        assert!(same(container(), &container().with("cpu", 0)));
        assert!(!same(container(), &container().with("cpu", 256)));
        let empty = container().with("env_variables", json!({}));
        assert!(same(container(), &empty));
        let variables = container().with("env_variables", json!({"A": "1"}));
        assert!(!same(container(), &variables));
    }
}
