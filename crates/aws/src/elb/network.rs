//! Where a target group or a load balancer goes when its row does not say: the default VPC and its subnets.

use crate::ec2::subnet::of_vpc;
use crate::ec2::vpc::VPC;
use crate::error::AwsError;
use crate::operation::{Operation, Service};
use crate::resource::Reader;
use aws_sdk_ec2::types::Filter;
use iasql_engine::object::Owner;
use iasql_engine::{CloudId, Object, Row};

/// The region's default VPC. `operation` is the call that needs it. Where the run has not read the list of all VPCs, it
/// is looked for alone, because the list takes two more calls for each.
pub(super) async fn default_vpc(
    reader: &Reader,
    operation: Operation,
) -> Result<CloudId, AwsError> {
    let kept = reader.session().seen().kept(&VPC, reader.region());
    let vpc = match kept {
        Some(vpcs) => vpcs.into_iter().next().map(|vpc| vpc.id),
        None => ask_for_default_vpc(reader).await?,
    };
    vpc.ok_or_else(|| {
        AwsError::unsupported(
            operation,
            "the region has no default VPC; say in the row which VPC or subnets to use",
        )
    })
}

async fn ask_for_default_vpc(reader: &Reader) -> Result<Option<CloudId>, AwsError> {
    let default = Filter::builder().name("is-default").values("true").build();
    let answer = reader
        .read(Service::Ec2.op("DescribeVpcs"), || {
            reader.ec2().describe_vpcs().filters(default.clone()).send()
        })
        .await?;
    let vpcs = answer.vpcs.unwrap_or_default();
    let vpc = vpcs.first().and_then(|vpc| vpc.vpc_id());
    Ok(vpc.map(CloudId::from))
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
    let there = of_vpc(reader, &vpc).await?;
    let strange = |id: &&String| !there.iter().any(|subnet| subnet.id.as_str() == id.as_str());
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

/// One subnet of each zone, or of each of these zones: the zone's default subnet if it has one, else that of the
/// lowest id, so that the same call chooses the same subnets.
fn one_a_zone(reader: &Reader, mut subnets: Vec<Object>, zones: &[String]) -> Vec<String> {
    let region = reader.region().as_str();
    subnets.retain(|subnet| {
        let zone = zone(subnet).unwrap_or_default();
        if zones.is_empty() {
            // Local and Wavelength Zones (`us-west-2-lax-1a`) do not mix with the region's own (`us-west-2a`).
            zone.strip_prefix(region)
                .is_some_and(|rest| rest.len() == 1)
        } else {
            zones.iter().any(|wanted| wanted == zone)
        }
    });
    subnets.sort_by(|a, b| {
        // The account's own are the default ones.
        let rank = |subnet: &Object| subnet.owner != Owner::Account;
        (zone(a), rank(a), &a.id).cmp(&(zone(b), rank(b), &b.id))
    });
    subnets.dedup_by(|a, b| zone(a) == zone(b));
    subnets
        .into_iter()
        .map(|subnet| subnet.id.to_string())
        .collect()
}

fn zone(subnet: &Object) -> Option<&str> {
    subnet.row.text("availability_zone")
}
