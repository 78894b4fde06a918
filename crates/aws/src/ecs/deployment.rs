//! What CreateService and UpdateService are sent for a row.

use super::service::SERVICE;
use crate::resource::Changed;
use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::operation::create_service::builders::CreateServiceInputBuilder;
use aws_sdk_ecs::operation::update_service::UpdateServiceInput;
use aws_sdk_ecs::operation::update_service::builders::UpdateServiceInputBuilder;
use aws_sdk_ecs::types;
use iasql_engine::{CloudId, Object, Row};

const NETWORK: &[&str] = &["subnets", "assign_public_ip", "security_groups"];

/// The columns that UpdateService changes.
pub(super) const COLUMNS: &[&str] = &[
    "desired_count",
    "subnets",
    "assign_public_ip",
    "force_new_deployment",
    "target_group_name",
    "task_definition_id",
    "security_groups",
];

/// The service to create. What no column says stays as it was in the one that it replaces.
pub(super) fn wanted(
    row: &Row,
    load_balancers: Vec<types::LoadBalancer>,
    before: Option<&types::Service>,
) -> CreateServiceInputBuilder {
    let request = match before {
        Some(before) => unsaid(before, !load_balancers.is_empty()),
        None => CreateServiceInput::builder().launch_type(types::LaunchType::Fargate),
    };
    request
        .set_cluster(row.object("cluster_name").map(CloudId::to_string))
        .set_service_name(row.text("name").map(str::to_owned))
        .set_task_definition(row.object("task_definition_id").map(CloudId::to_string))
        .set_desired_count(row.int("desired_count"))
        .scheduling_strategy(types::SchedulingStrategy::Replica)
        .network_configuration(network(row))
        .set_load_balancers(full(&load_balancers))
        .set_tags(super::tags(row.tags()))
}

/// What a service has that no column says. A grace period is refused where there is no load balancer.
fn unsaid(service: &types::Service, balanced: bool) -> CreateServiceInputBuilder {
    let deployment = service
        .deployments()
        .iter()
        .find(|deployment| deployment.status() == Some("PRIMARY"));
    let grace = service.health_check_grace_period_seconds();
    CreateServiceInput::builder()
        .set_launch_type(service.launch_type().cloned())
        .set_capacity_provider_strategy(full(service.capacity_provider_strategy()))
        .set_platform_version(service.platform_version().map(str::to_owned))
        .set_deployment_configuration(service.deployment_configuration().cloned())
        .set_service_registries(full(service.service_registries()))
        .set_health_check_grace_period_seconds(grace.filter(|_| balanced))
        .enable_ecs_managed_tags(service.enable_ecs_managed_tags())
        .set_propagate_tags(service.propagate_tags().cloned())
        .enable_execute_command(service.enable_execute_command())
        .set_availability_zone_rebalancing(service.availability_zone_rebalancing().cloned())
        .set_service_connect_configuration(
            deployment.and_then(|deployment| deployment.service_connect_configuration().cloned()),
        )
        .set_volume_configurations(
            deployment.and_then(|deployment| full(deployment.volume_configurations())),
        )
        .set_vpc_lattice_configurations(
            deployment.and_then(|deployment| full(deployment.vpc_lattice_configurations())),
        )
}

/// The object's row with the changed columns of the other.
pub(super) fn overlaid(object: &Row, row: &Row, changed: &Changed) -> Row {
    let mut overlaid = object.clone();
    for column in SERVICE.columns {
        if changed.has(column.name) {
            overlaid.set(column.name, row.get(column.name).clone());
        }
    }
    overlaid
}

/// What UpdateService is sent besides the load balancers: what changed.
pub(super) fn changes(
    object: &Object,
    wanted: &Row,
    changed: &Changed,
) -> UpdateServiceInputBuilder {
    let count = wanted.int("desired_count");
    let definition = wanted.object("task_definition_id").map(CloudId::to_string);
    let force = wanted.bool("force_new_deployment");
    UpdateServiceInput::builder()
        .service(object.id.as_str())
        .set_desired_count(count.filter(|_| changed.has("desired_count")))
        .set_task_definition(definition.filter(|_| changed.has("task_definition_id")))
        .set_network_configuration(changed.any(NETWORK).then(|| network(wanted)))
        .set_force_new_deployment(force.filter(|force| *force))
}

/// A list, where there is something in it.
fn full<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

fn network(row: &Row) -> types::NetworkConfiguration {
    let groups = row.parts("security_groups").iter();
    let groups = groups.filter_map(|group| group.object("security_group_id"));
    let network = types::AwsVpcConfiguration::builder()
        .set_subnets(Some(row.list("subnets").to_vec()))
        .set_security_groups(Some(groups.map(CloudId::to_string).collect()))
        .set_assign_public_ip(
            row.text("assign_public_ip")
                .map(types::AssignPublicIp::from),
        )
        .build();
    types::NetworkConfiguration::builder()
        .set_awsvpc_configuration(network.ok())
        .build()
}
