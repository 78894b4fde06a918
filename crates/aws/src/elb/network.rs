//! Where a target group or a load balancer goes when its row does not say: the default VPC and its subnets.

use crate::error::AwsError;
use crate::operation::{Operation, Service};
use crate::paging::all_pages;
use crate::resource::Reader;
use aws_sdk_ec2::types::{Filter, Subnet};
use iasql_engine::{CloudId, Row};

/// The region's default VPC. `operation` is the call that needs it. Looked for alone, because the list of all VPCs
/// takes two more calls for each.
pub(super) async fn default_vpc(
    reader: &Reader,
    operation: Operation,
) -> Result<CloudId, AwsError> {
    let answer = reader
        .read(Service::Ec2.op("DescribeVpcs"), || {
            reader
                .ec2()
                .describe_vpcs()
                .filters(filter("is-default", "true"))
                .send()
        })
        .await?;
    let vpcs = answer.vpcs.unwrap_or_default();
    let vpc = vpcs.first().and_then(|vpc| vpc.vpc_id());
    vpc.map(CloudId::from).ok_or_else(|| {
        AwsError::unsupported(
            operation,
            "the region has no default VPC; say in the row which VPC or subnets to use",
        )
    })
}

/// The subnets of a new load balancer: those that the row names, or else one in each zone of its VPC. If the row
/// names zones, only in these.
pub(super) async fn subnets(
    reader: &Reader,
    row: &Row,
    operation: Operation,
) -> Result<Vec<String>, AwsError> {
    let named = row.list("subnets");
    let vpc = match row.object("vpc") {
        Some(vpc) => vpc.clone(),
        // AWS takes the VPC from the subnets.
        None if !named.is_empty() => return Ok(named.to_vec()),
        None => default_vpc(reader, operation).await?,
    };
    let there = subnets_of(reader, &vpc).await?;
    let strange = |id: &&String| !there.iter().any(|subnet| subnet.subnet_id() == Some(id));
    if let Some(id) = named.iter().find(strange) {
        return Err(AwsError::unsupported(
            operation,
            format!("{id} is not a subnet of {vpc}; set vpc to NULL or name subnets of it"),
        ));
    }
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let chosen = one_a_zone(reader, there, row.list("availability_zones"));
    let needed = match row.text("load_balancer_type") {
        Some("application") => 2,
        _ => 1,
    };
    if chosen.len() < needed {
        return Err(AwsError::unsupported(
            operation,
            format!(
                "{vpc} has subnets in {} of the {needed} zones that are needed; name the subnets in the row",
                chosen.len()
            ),
        ));
    }
    Ok(chosen)
}

async fn subnets_of(reader: &Reader, vpc: &CloudId) -> Result<Vec<Subnet>, AwsError> {
    let operation = Service::Ec2.op("DescribeSubnets");
    all_pages(operation, async |token| {
        let page = reader
            .read(operation, || {
                reader
                    .ec2()
                    .describe_subnets()
                    .filters(filter("vpc-id", vpc.as_str()))
                    .max_results(1000)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        Ok((page.subnets.unwrap_or_default(), page.next_token))
    })
    .await
}

/// One subnet of each zone, or of each of these zones: the zone's default subnet if it has one, else that of the
/// lowest id, so that the same call chooses the same subnets.
fn one_a_zone(reader: &Reader, mut subnets: Vec<Subnet>, zones: &[String]) -> Vec<String> {
    let region = reader.region().as_str();
    subnets.retain(|subnet| {
        let zone = subnet.availability_zone().unwrap_or_default();
        if zones.is_empty() {
            // Local and Wavelength Zones (`us-west-2-lax-1a`) do not mix with the region's own (`us-west-2a`).
            zone.strip_prefix(region)
                .is_some_and(|rest| rest.len() == 1)
        } else {
            zones.iter().any(|wanted| wanted == zone)
        }
    });
    subnets.sort_by(|a, b| {
        let rank = |subnet: &Subnet| {
            let zone = subnet.availability_zone.clone();
            let not_default = subnet.default_for_az != Some(true);
            (zone, not_default, subnet.subnet_id.clone())
        };
        rank(a).cmp(&rank(b))
    });
    subnets.dedup_by(|a, b| a.availability_zone == b.availability_zone);
    subnets
        .into_iter()
        .filter_map(|subnet| subnet.subnet_id)
        .collect()
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}
