//! `service`: an ECS service on Fargate, which keeps a number of tasks running.

use super::cluster::Cluster;
use super::{deployment, load_balancer, op};
use crate::error::{AwsError, found};
use crate::paging::{all_pages, side_by_side};
use crate::resource::{Changed, Reader, Resource};
use crate::tags::{Retag, from_pairs};
use crate::writer::Writer;
use async_trait::async_trait;
use aws_sdk_ecs::types;
use iasql_engine::kind::{
    After, Errors, Kind, PartOf, Scope, boolean, int, parts, refers_by_name, refers_to, set, tags,
    text,
};
use iasql_engine::{CloudId, Object, Row, Value};

/// The table.
pub static SERVICE: Kind = Kind {
    after: &[After {
        table: "listener",
        mine: "target_group_name",
        theirs: "target_group_name",
    }],
    errors: Errors {
        absent: &[
            "ServiceNotFoundException",
            "ServiceNotActiveException",
            "ClusterNotFoundException",
        ],
        in_use: &[
            // The name of a deleted service is free when its last task has stopped.
            "InvalidParameterException:still Draining",
            "InvalidParameterException:while deployments are active",
        ],
        propagation: &[
            "ClusterNotFoundException",
            "InvalidParameterException:Unable to assume the service linked role",
            "InvalidParameterException:does not have an associated load balancer",
        ],
    },
    ..Kind::regional(
        "service",
        &[
            text("name").key().create_only(),
            text("arn").cloud_filled().cloud_id(),
            text("status").cloud_filled().volatile(),
            int("desired_count"),
            set("subnets").mentions("subnet"),
            text("assign_public_ip").one_of(&["DISABLED", "ENABLED"]),
            boolean("force_new_deployment").button(),
            refers_by_name("cluster_name", "cluster", "cluster_name")
                .key()
                .create_only(),
            refers_by_name("target_group_name", "target_group", "target_group_name"),
            refers_to("task_definition_id", "task_definition").chosen_when_null(),
            tags(),
            parts("security_groups", &SERVICE_SECURITY_GROUPS),
        ],
    )
};

/// The table of the security groups of services. No group at all is a value: AWS keeps none, and the tasks get the
/// `default` group of the VPC.
pub static SERVICE_SECURITY_GROUPS: Kind = Kind::part(
    "service_security_groups",
    Scope::Regional,
    PartOf {
        table: "service",
        column: "security_groups",
        on: &[("service_name", "name"), ("cluster_name", "cluster_name")],
    },
    &[refers_to("security_group_id", "security_group").key()],
);

/// The calls.
pub struct Service;

#[async_trait(?Send)]
impl Resource for Service {
    fn kind(&self) -> &'static Kind {
        &SERVICE
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let clusters = reader.objects(&Cluster).await?;
        let services =
            side_by_side(clusters.iter(), |cluster| in_cluster(reader, &cluster.id)).await?;
        let services = services.iter().flatten().flatten();
        let objects = services.filter_map(|service| object(reader, service));
        Ok(objects.collect())
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let service = read(reader, cluster(reader, id).await, id).await?;
        Ok(service.and_then(|service| object(reader, &service)))
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let reader = writer.reader();
        let before = match writer.replaces() {
            Some(object) => read(reader, own_cluster(object), &object.id).await?,
            None => None,
        };
        let balanced = before
            .as_ref()
            .and_then(|before| before.load_balancers().first());
        let load_balancers = load_balancer::of(reader, row, balanced).await?;
        let request = deployment::wanted(row, load_balancers, before.as_ref());
        let answer = writer
            .create(
                op("CreateService"),
                || request.clone().send_with(writer.ecs()),
                |answer| answer.service()?.service_arn().map(CloudId::from),
            )
            .await?;
        let object = answer.service().and_then(|service| {
            let arn = service.service_arn()?;
            let row = row
                .clone()
                .with("arn", arn)
                .with("status", service.status())
                .with("force_new_deployment", false);
            Some(Object::new(writer.region(), arn, row))
        });
        writer.made(object, op("CreateService"))
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        if changed.any(deployment::COLUMNS) {
            let wanted = deployment::overlaid(&object.row, row, changed);
            let load_balancers = rebalanced(writer, object, &wanted, changed).await?;
            let request = deployment::changes(object, &wanted, changed)
                .set_cluster(own_cluster(object))
                .set_load_balancers(load_balancers);
            writer
                .write(op("UpdateService"), || {
                    request.clone().send_with(writer.ecs())
                })
                .await?;
        }
        if changed.has("tags") {
            let retag = Retag::between(&object.row, row);
            super::retag(writer, object.id.as_str(), &retag).await?;
        }
        Ok(())
    }

    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        if object.row.int("desired_count") != Some(0) {
            writer
                .write(op("UpdateService"), || {
                    writer
                        .ecs()
                        .update_service()
                        .set_cluster(own_cluster(object))
                        .service(object.id.as_str())
                        .desired_count(0)
                        .send()
                })
                .await?;
        }
        writer
            .write(op("DeleteService"), || {
                writer
                    .ecs()
                    .delete_service()
                    .set_cluster(own_cluster(object))
                    .service(object.id.as_str())
                    .send()
            })
            .await?;
        // Where the tasks take longer than the patience lasts, the deletes of what they use tell.
        writer
            .until(op("DescribeServices"), "its tasks to stop", async || {
                let service = read(writer.reader(), own_cluster(object), &object.id).await?;
                let gone = service.is_none_or(|service| service.status() == Some("INACTIVE"));
                Ok(gone.then_some(()))
            })
            .await?;
        Ok(())
    }
}

/// Every service of a cluster, whatever its state; None where the cluster is gone by now.
async fn in_cluster(
    reader: &Reader,
    cluster: &CloudId,
) -> Result<Option<Vec<types::Service>>, AwsError> {
    let arns = all_pages(op("ListServices"), async |token| {
        let page = reader
            .read(op("ListServices"), || {
                reader
                    .ecs()
                    .list_services()
                    .cluster(cluster.as_str())
                    .max_results(100)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        Ok((page.service_arns.unwrap_or_default(), page.next_token))
    })
    .await;
    let Some(arns) = found(&SERVICE, arns)? else {
        return Ok(None);
    };
    let services = side_by_side(arns.chunks(10), |arns| {
        services(reader, Some(cluster.to_string()), arns)
    })
    .await;
    Ok(found(&SERVICE, services)?.map(|services| services.concat()))
}

/// Up to ten services of a cluster.
async fn services(
    reader: &Reader,
    cluster: Option<String>,
    arns: &[String],
) -> Result<Vec<types::Service>, AwsError> {
    let answer = reader
        .read(op("DescribeServices"), || {
            reader
                .ecs()
                .describe_services()
                .set_cluster(cluster.clone())
                .set_services(Some(arns.to_vec()))
                .include(types::ServiceField::Tags)
                .send()
        })
        .await?;
    Ok(answer.services.unwrap_or_default())
}

/// One service, whatever its state.
async fn read(
    reader: &Reader,
    cluster: Option<String>,
    id: &CloudId,
) -> Result<Option<types::Service>, AwsError> {
    let services = services(reader, cluster, &[id.to_string()]).await;
    Ok(found(&SERVICE, services)?.and_then(|services| services.into_iter().next()))
}

/// The cluster in a service's ARN, `…:service/cluster/name`. The ARNs of old services leave it out.
async fn cluster(reader: &Reader, id: &CloudId) -> Option<String> {
    match id.as_str().split('/').collect::<Vec<_>>().as_slice() {
        [_, cluster, _] => Some((*cluster).to_owned()),
        _ => {
            let last = reader.agreed().await;
            let cluster = last.row(&SERVICE, id)?.object("cluster_name");
            cluster.map(CloudId::to_string)
        }
    }
}

fn own_cluster(object: &Object) -> Option<String> {
    object.row.object("cluster_name").map(CloudId::to_string)
}

/// A service that is being deleted is absent, though its name is not free yet: a create waits for that.
fn object(reader: &Reader, service: &types::Service) -> Option<Object> {
    if service.status() != Some("ACTIVE") {
        return None;
    }
    let id = CloudId::from(service.service_arn()?);
    match said(service) {
        Ok(row) => reader.sayable(Object::new(reader.region(), id, row)),
        Err(why) => {
            reader.cannot_say(&SERVICE, &id, why);
            None
        }
    }
}

/// The service as a row, or what it has that a row cannot say.
fn said(service: &types::Service) -> Result<Row, &'static str> {
    let providers = service.capacity_provider_strategy();
    let fargate = match service.launch_type() {
        Some(launch_type) => *launch_type == types::LaunchType::Fargate,
        // The account's own capacity providers cannot have such a name.
        None => {
            !providers.is_empty()
                && providers
                    .iter()
                    .all(|provider| provider.capacity_provider().starts_with("FARGATE"))
        }
    };
    if !fargate {
        return Err("its tasks do not run on Fargate");
    }
    if service.scheduling_strategy() == Some(&types::SchedulingStrategy::Daemon) {
        return Err("it is a daemon");
    }
    let controller = service.deployment_controller();
    if controller
        .is_some_and(|controller| controller.r#type != types::DeploymentControllerType::Ecs)
    {
        return Err("something else than ECS does its deployments");
    }
    if service.resource_management_type() == Some(&types::ResourceManagementType::Ecs) {
        return Err("it is an Express service, which ECS manages itself");
    }
    let target_group = match service.load_balancers() {
        [] => None,
        [one] if one.advanced_configuration().is_none() && one.target_group_arn().is_some() => {
            one.target_group_arn()
        }
        _ => return Err("it has more than one target group, or a classic load balancer"),
    };
    let network = service
        .network_configuration()
        .and_then(|network| network.awsvpc_configuration())
        .ok_or("its network mode is not awsvpc")?;
    let security_groups = network.security_groups().iter().map(|group| {
        Row::new(&SERVICE_SECURITY_GROUPS).with("security_group_id", CloudId::from(group.as_str()))
    });
    let public_ip = network
        .assign_public_ip()
        .map_or("DISABLED", |assign| assign.as_str());
    Ok(Row::new(&SERVICE)
        .with("name", service.service_name())
        .with("arn", service.service_arn())
        .with("status", service.status())
        .with("desired_count", service.desired_count())
        .with("subnets", network.subnets().to_vec())
        .with("assign_public_ip", public_ip)
        .with("force_new_deployment", false)
        .with("cluster_name", service.cluster_arn().map(CloudId::from))
        .with("target_group_name", target_group.map(CloudId::from))
        .with(
            "task_definition_id",
            service.task_definition().map(CloudId::from),
        )
        .with("tags", from_pairs(super::pairs(service.tags())))
        .with("security_groups", Value::Parts(security_groups.collect())))
}

/// The `loadBalancers` of the service, where they change with its target group or its task definition.
async fn rebalanced(
    writer: &Writer,
    object: &Object,
    wanted: &Row,
    changed: &Changed,
) -> Result<Option<Vec<types::LoadBalancer>>, AwsError> {
    let behind = |row: &Row| row.object("target_group_name").is_some();
    if !changed.any(&["target_group_name", "task_definition_id"])
        || !(behind(wanted) || behind(&object.row))
    {
        return Ok(None);
    }
    let reader = writer.reader();
    let service = read(reader, own_cluster(object), &object.id).await?;
    let now = service
        .and_then(|service| service.load_balancers)
        .unwrap_or_default();
    let then = load_balancer::of(reader, wanted, now.first()).await?;
    Ok((then != now).then_some(then))
}
