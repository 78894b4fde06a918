//! What RegisterTaskDefinition is sent for a row.

use super::{container_definition, cpu_memory, image};
use crate::error::AwsError;
use crate::iam;
use crate::iam::role::ROLE;
use crate::tags::OWNER_TAG;
use crate::writer::Writer;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionInputBuilder;
use aws_sdk_ecs::types;
use iasql_engine::{CloudId, Row};

/// The revision to register. What no column says stays as it was in the one that it replaces.
pub(super) async fn wanted(
    writer: &Writer,
    row: &Row,
    before: Option<&types::TaskDefinition>,
) -> Result<RegisterTaskDefinitionInputBuilder, AwsError> {
    let identity = writer.session().identity().await?;
    let region = writer.region();
    let registry = image::registry(&identity.partition, region.as_str(), &identity.account_id);
    let mut containers = Vec::new();
    for container in row.parts("container_definitions") {
        let before = before.and_then(|before| {
            let mut containers = before.container_definitions().iter();
            containers.find(|before| before.name() == container.text("name"))
        });
        let image = image::resolve(writer.reader(), container, &registry).await?;
        containers.push(container_definition::definition(
            container, image, region, before,
        ));
    }
    let (cpu, memory) = row.text("cpu_memory").and_then(cpu_memory::units).unzip();
    let (task, execution) = (
        row.object("task_role_name"),
        row.object("execution_role_name"),
    );
    let task_arn = role_arn(writer, task).await?;
    let execution_arn = if execution == task {
        task_arn.clone()
    } else {
        role_arn(writer, execution).await?
    };
    let owner = writer
        .owner_tag()
        .map(|tag| (OWNER_TAG.to_owned(), tag.to_owned()));
    let request = match before {
        Some(before) => unsaid(before),
        None => RegisterTaskDefinitionInput::builder()
            .requires_compatibilities(types::Compatibility::Fargate),
    };
    Ok(request
        .network_mode(types::NetworkMode::Awsvpc)
        .set_family(row.text("family").map(str::to_owned))
        .set_cpu(cpu)
        .set_memory(memory)
        .set_task_role_arn(task_arn)
        .set_execution_role_arn(execution_arn)
        .set_container_definitions(Some(containers))
        .set_tags(super::tags(row.tags().into_iter().chain(owner))))
}

/// What a revision has that no column says.
fn unsaid(definition: &types::TaskDefinition) -> RegisterTaskDefinitionInputBuilder {
    RegisterTaskDefinitionInput::builder()
        .set_requires_compatibilities(definition.requires_compatibilities.clone())
        .set_volumes(definition.volumes.clone())
        .set_placement_constraints(definition.placement_constraints.clone())
        .set_pid_mode(definition.pid_mode.clone())
        .set_ipc_mode(definition.ipc_mode.clone())
        .set_proxy_configuration(definition.proxy_configuration.clone())
        .set_ephemeral_storage(definition.ephemeral_storage.clone())
        .set_runtime_platform(definition.runtime_platform.clone())
        .set_enable_fault_injection(definition.enable_fault_injection)
}

/// A role's ARN. It holds the role's path, which its name does not say.
async fn role_arn(writer: &Writer, role: Option<&CloudId>) -> Result<Option<String>, AwsError> {
    let Some(name) = role else {
        return Ok(None);
    };
    let made = writer.session().seen().made(&ROLE, writer.region(), name);
    if let Some(arn) = made.as_ref().and_then(|made| made.text("arn")) {
        return Ok(Some(arn.to_owned()));
    }
    if let Some(role) = iam::calls::role(writer.reader(), name).await? {
        return Ok(Some(role.arn));
    }
    // Made moments ago and not known everywhere yet; most likely without a path.
    let identity = writer.session().identity().await?;
    let (partition, account) = (&identity.partition, &identity.account_id);
    Ok(Some(format!("arn:{partition}:iam::{account}:role/{name}")))
}
