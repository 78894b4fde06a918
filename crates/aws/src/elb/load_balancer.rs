//! `load_balancer`: application, network and gateway load balancers, with their security groups.

use super::{PAGE, op};
use crate::error::AwsError;
use crate::paging::all_pages;
use crate::resource::{Changed, Reader, Resource};
use crate::tags::{Retag, with_tags_of};
use crate::time;
use crate::writer::Writer;
use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::types;
use iasql_engine::kind::{
    Errors, Kind, PartOf, Scope, parts, refers_to, set, tags, text, time as time_column,
};
use iasql_engine::{CloudId, Object, Row, Value};

/// The table.
pub static LOAD_BALANCER: Kind = Kind {
    errors: Errors {
        absent: &["LoadBalancerNotFound"],
        in_use: &["ResourceInUse"],
        // The group exists, for the row refers to it.
        propagation: &["InvalidSecurityGroup"],
    },
    ..Kind::regional(
        "load_balancer",
        &[
            text("load_balancer_name").key().create_only(),
            text("load_balancer_arn").cloud_filled().cloud_id(),
            text("dns_name").cloud_filled(),
            text("canonical_hosted_zone_id").cloud_filled(),
            time_column("created_time").cloud_filled(),
            text("scheme")
                .one_of(&[INTERNAL, "internet-facing"])
                .create_only(),
            text("state")
                .one_of(&["active", "active_impaired", "failed", "provisioning"])
                .cloud_filled()
                .volatile(),
            text("load_balancer_type")
                .one_of(&["application", GATEWAY, "network"])
                .create_only(),
            set("subnets").chosen_when_null().mentions("subnet"),
            // The zones follow the subnets. If they could be set too, a change of the subnets alone would leave the
            // row contradicting itself, and apply and sync would never agree. A new row may name zones in place of
            // subnets.
            set("availability_zones").cloud_filled().volatile(),
            text("ip_address_type").one_of(&["dualstack", "ipv4"]),
            text("customer_owned_ipv4_pool").create_only(),
            refers_to("vpc", "vpc").create_only().chosen_when_null(),
            tags(),
            parts("security_groups", &LOAD_BALANCER_SECURITY_GROUPS).chosen_when_null(),
        ],
    )
};

/// The part table: which security groups a load balancer has.
pub static LOAD_BALANCER_SECURITY_GROUPS: Kind = Kind::part(
    "load_balancer_security_groups",
    Scope::Regional,
    PartOf {
        table: "load_balancer",
        column: "security_groups",
        on: &[("load_balancer_name", "load_balancer_name")],
    },
    &[refers_to("security_group_id", "security_group").key()],
);

const GATEWAY: &str = "gateway";
const INTERNAL: &str = "internal";

/// The calls.
pub struct LoadBalancer;

#[async_trait(?Send)]
impl Resource for LoadBalancer {
    fn kind(&self) -> &'static Kind {
        &LOAD_BALANCER
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let balancers = all_pages(op("DescribeLoadBalancers"), async |marker| {
            let page = reader
                .read(op("DescribeLoadBalancers"), || {
                    reader
                        .elb()
                        .describe_load_balancers()
                        .page_size(PAGE)
                        .set_marker(marker.clone())
                        .send()
                })
                .await?;
            Ok((page.load_balancers.unwrap_or_default(), page.next_marker))
        })
        .await?;
        let objects = balancers
            .iter()
            .filter_map(|balancer| object(reader, balancer));
        super::with_tags(reader, objects.collect()).await
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let answer = read(reader, id.as_str()).await;
        let balancer = super::found(&LOAD_BALANCER, answer)?;
        let object = balancer.and_then(|balancer| object(reader, &balancer));
        let objects = object.into_iter().collect();
        Ok(super::with_tags(reader, objects).await?.pop())
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let operation = op("CreateLoadBalancer");
        let scheme = scheme(row)?;
        let subnets = super::network::subnets(writer.reader(), row, operation).await?;
        let groups = security_groups(row);
        let tags = super::sdk_tags(&row.tags());
        let answer = writer
            .create(
                operation,
                || {
                    writer
                        .elb()
                        .create_load_balancer()
                        .set_name(row.text("load_balancer_name").map(str::to_owned))
                        .set_type(row.text("load_balancer_type").map(Into::into))
                        .set_scheme(scheme.map(Into::into))
                        .set_subnets(Some(subnets.clone()))
                        .set_security_groups((!groups.is_empty()).then(|| groups.clone()))
                        .set_ip_address_type(row.text("ip_address_type").map(Into::into))
                        .set_customer_owned_ipv4_pool(
                            row.text("customer_owned_ipv4_pool").map(str::to_owned),
                        )
                        .set_tags(tags.clone())
                        .send()
                },
                |answer| Some(answer.load_balancers().first()?.load_balancer_arn()?.into()),
            )
            .await?;
        // Listeners and services need not wait for the load balancer to be active.
        let balancer = answer.load_balancers().first();
        let object = balancer.and_then(|balancer| object(writer.reader(), balancer));
        Ok(with_tags_of(row, writer.made(object, operation)?))
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        let arn = object.id.as_str();
        let subnets = row.list("subnets");
        let groups = security_groups(row);
        let ip_address_type = row
            .text("ip_address_type")
            .filter(|_| changed.has("ip_address_type"));
        // Only subnets with IPv6 suit a dual-stack load balancer: it becomes IPv4 before its subnets change, and
        // dual-stack after.
        if ip_address_type == Some("ipv4") {
            set_ip_address_type(writer, arn, "ipv4").await?;
        }
        if changed.has("subnets") && !subnets.is_empty() {
            set_subnets(writer, arn, subnets).await?;
        }
        if let Some(other) = ip_address_type.filter(|it| *it != "ipv4") {
            set_ip_address_type(writer, arn, other).await?;
        }
        if changed.has("security_groups") && !groups.is_empty() {
            writer
                .write(op("SetSecurityGroups"), || {
                    writer
                        .elb()
                        .set_security_groups()
                        .load_balancer_arn(arn)
                        .set_security_groups(Some(groups.clone()))
                        .send()
                })
                .await?;
        }
        if changed.has("tags") {
            super::retag(writer, arn, &Retag::between(&object.row, row)).await?;
        }
        Ok(())
    }

    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        writer
            .write(op("DeleteLoadBalancer"), || {
                writer
                    .elb()
                    .delete_load_balancer()
                    .load_balancer_arn(object.id.as_str())
                    .send()
            })
            .await?;
        Ok(())
    }
}

async fn read(reader: &Reader, arn: &str) -> Result<types::LoadBalancer, AwsError> {
    let operation = op("DescribeLoadBalancers");
    let answer = reader
        .read(operation, || {
            reader
                .elb()
                .describe_load_balancers()
                .load_balancer_arns(arn)
                .send()
        })
        .await?;
    let mut balancers = answer.load_balancers.unwrap_or_default();
    balancers
        .pop()
        .ok_or_else(|| AwsError::malformed(operation, "neither a load balancer nor an error"))
}

/// Sets the subnets. Those that stay keep the fixed addresses that a network load balancer may have in them, which
/// have no column.
async fn set_subnets(writer: &Writer, arn: &str, subnets: &[String]) -> Result<(), AwsError> {
    let now = read(writer.reader(), arn).await?;
    let zones = now.availability_zones();
    let mapping = |subnet: &String| {
        let zone = zones.iter().find(|zone| zone.subnet_id() == Some(subnet));
        let address = zone.and_then(|zone| zone.load_balancer_addresses().first());
        let prefix = zone.and_then(|zone| zone.source_nat_ipv6_prefixes().first());
        types::SubnetMapping::builder()
            .subnet_id(subnet)
            .set_allocation_id(address.and_then(|it| it.allocation_id.clone()))
            .set_private_ipv4_address(address.and_then(|it| it.private_ipv4_address.clone()))
            .set_ipv6_address(address.and_then(|it| it.ipv6_address.clone()))
            .set_source_nat_ipv6_prefix(prefix.cloned())
            .build()
    };
    let mappings: Vec<_> = subnets.iter().map(mapping).collect();
    writer
        .write(op("SetSubnets"), || {
            writer
                .elb()
                .set_subnets()
                .load_balancer_arn(arn)
                .set_subnet_mappings(Some(mappings.clone()))
                .send()
        })
        .await?;
    Ok(())
}

async fn set_ip_address_type(writer: &Writer, arn: &str, to: &str) -> Result<(), AwsError> {
    writer
        .write(op("SetIpAddressType"), || {
            writer
                .elb()
                .set_ip_address_type()
                .load_balancer_arn(arn)
                .ip_address_type(to.into())
                .send()
        })
        .await?;
    Ok(())
}

/// The scheme for the create call. A gateway load balancer has none: no client sends it requests.
fn scheme(row: &Row) -> Result<Option<&str>, AwsError> {
    let scheme = row.text("scheme");
    if row.text("load_balancer_type") != Some(GATEWAY) {
        Ok(scheme)
    } else if scheme == Some(INTERNAL) {
        Ok(None)
    } else {
        Err(AwsError::unsupported(
            op("CreateLoadBalancer"),
            "the scheme of a gateway load balancer is internal",
        ))
    }
}

fn security_groups(row: &Row) -> Vec<String> {
    row.parts("security_groups")
        .iter()
        .filter_map(|part| part.object("security_group_id"))
        .map(CloudId::to_string)
        .collect()
}

fn object(reader: &Reader, balancer: &types::LoadBalancer) -> Option<Object> {
    let arn = balancer.load_balancer_arn()?;
    let zones = balancer.availability_zones();
    let subnets = zones.iter().filter_map(|zone| zone.subnet_id.clone());
    let zone_names = zones.iter().filter_map(|zone| zone.zone_name.clone());
    let groups = balancer.security_groups().iter().map(|group| {
        Row::new(&LOAD_BALANCER_SECURITY_GROUPS)
            .with("security_group_id", Value::object(group.as_str()))
    });
    // AWS says neither of these two of a gateway load balancer.
    let scheme = balancer.scheme().map_or(INTERNAL, |it| it.as_str());
    let ip_address_type = balancer.ip_address_type();
    let state = balancer.state().and_then(|state| state.code());
    let row = Row::new(&LOAD_BALANCER)
        .with("load_balancer_name", balancer.load_balancer_name())
        .with("load_balancer_arn", arn)
        .with("dns_name", balancer.dns_name())
        .with(
            "canonical_hosted_zone_id",
            balancer.canonical_hosted_zone_id(),
        )
        .with("created_time", balancer.created_time().and_then(time::text))
        .with("scheme", scheme)
        .with("state", state.map(|it| it.as_str()))
        .with(
            "load_balancer_type",
            balancer.r#type().map(|it| it.as_str()),
        )
        .with("subnets", subnets.collect::<Vec<_>>())
        .with("availability_zones", zone_names.collect::<Vec<_>>())
        .with(
            "ip_address_type",
            ip_address_type.map_or("ipv4", |it| it.as_str()),
        )
        .with(
            "customer_owned_ipv4_pool",
            balancer.customer_owned_ipv4_pool(),
        )
        .with("vpc", balancer.vpc_id().map(CloudId::from))
        .with("security_groups", Value::Parts(groups.collect()));
    reader.sayable(Object::new(reader.region(), arn, row))
}
