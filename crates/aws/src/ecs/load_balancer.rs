//! Which container of a task gets the requests of a service's target group. No column says it.

use super::op;
use super::task_definition::{self, TASK_DEFINITION};
use crate::error::AwsError;
use crate::operation::Service;
use crate::resource::Reader;
use aws_sdk_ecs::types;
use iasql_engine::{CloudId, Row};

/// The `loadBalancers` of a service: the container and the port that its target group sends requests to. That is the
/// container it was `before`, where it still has that port. Else the only container with the target group's port, or
/// else the only container with a port.
pub(super) async fn of(
    reader: &Reader,
    service: &Row,
    before: Option<&types::LoadBalancer>,
) -> Result<Vec<types::LoadBalancer>, AwsError> {
    let Some(group) = service.object("target_group_name") else {
        return Ok(Vec::new());
    };
    let ports = match service.object("task_definition_id") {
        Some(definition) => ports(reader, definition).await?,
        None => Vec::new(),
    };
    let kept = before.filter(|before| {
        before.target_group_arn() == Some(group.as_str())
            && ports.iter().any(|(name, port)| {
                before.container_name() == Some(name) && before.container_port() == Some(*port)
            })
    });
    if let Some(kept) = kept {
        return Ok(vec![kept.clone()]);
    }
    let (container, port) = match ports.as_slice() {
        [only] => only.clone(),
        _ => choose(reader, group, &ports).await?,
    };
    Ok(vec![
        types::LoadBalancer::builder()
            .target_group_arn(group.as_str())
            .container_name(container)
            .container_port(port)
            .build(),
    ])
}

/// The containers that have a port, and the port. A revision never changes: one that the run has made is not asked for.
async fn ports(reader: &Reader, definition: &CloudId) -> Result<Vec<(String, i32)>, AwsError> {
    let seen = reader.session().seen();
    if let Some(made) = seen.made(&TASK_DEFINITION, reader.region(), definition) {
        let containers = made.parts("container_definitions").iter();
        let ports = containers.filter_map(|container| {
            let name = container.text("name").unwrap_or_default().to_owned();
            Some((name, container.int("container_port")?))
        });
        return Ok(ports.collect());
    }
    let answer = task_definition::read(reader, definition).await?;
    let definition = answer.and_then(|answer| answer.task_definition);
    let containers = definition.and_then(|definition| definition.container_definitions);
    let containers = containers.unwrap_or_default();
    let ports = containers.iter().flat_map(|container| {
        let name = container.name().unwrap_or_default();
        let mappings = container.port_mappings().iter();
        mappings.filter_map(|mapping| Some((name.to_owned(), mapping.container_port()?)))
    });
    Ok(ports.collect())
}

async fn choose(
    reader: &Reader,
    group: &CloudId,
    ports: &[(String, i32)],
) -> Result<(String, i32), AwsError> {
    let operation = Service::Elb.op("DescribeTargetGroups");
    let answer = reader
        .read(operation, || {
            reader
                .elb()
                .describe_target_groups()
                .target_group_arns(group.as_str())
                .send()
        })
        .await?;
    let wanted = answer
        .target_groups()
        .first()
        .and_then(|group| group.port());
    let mut same = ports.iter().filter(|(_, port)| Some(*port) == wanted);
    match (same.next(), same.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => Err(AwsError::unsupported(
            op("CreateService"),
            format!(
                "of the {} containers with a port, exactly one must have port {} of the target group {group}",
                ports.len(),
                wanted.unwrap_or_default(),
            ),
        )),
    }
}
