//! `vpc`: a virtual private cloud.

use super::{PAGE, available, filter, op, security_group, security_group_rule};
use crate::error::AwsError;
use crate::paging::{all_pages, side_by_side};
use crate::resource::{Changed, Reader, Resource};
use crate::tags::Retag;
use crate::writer::{Unmatched, Writer};
use async_trait::async_trait;
use aws_sdk_ec2::types::{
    self, AttributeBooleanValue, Filter, ResourceType, VpcAttributeName, VpcState,
};
use futures::future::join;
use iasql_engine::kind::{Errors, Kind, Repeat, boolean, tags, text};
use iasql_engine::object::Owner;
use iasql_engine::{CloudId, Object, Row};

/// The table.
pub static VPC: Kind = Kind {
    repeat: Repeat::OwnerTag,
    brings: &["security_group", "security_group_rule"],
    errors: Errors {
        absent: &["InvalidVpcID.NotFound"],
        in_use: &["DependencyViolation"],
        propagation: &["InvalidVpcID.NotFound"],
    },
    ..Kind::regional(
        "vpc",
        &[
            text("vpc_id").cloud_filled().cloud_id(),
            text("cidr_block").create_only(),
            text("state")
                .cloud_filled()
                .volatile()
                .one_of(&["available", "deleting", "pending"]),
            boolean("is_default").cloud_filled(),
            boolean(DNS_SUPPORT).chosen_when_null(),
            boolean(DNS_HOSTNAMES).chosen_when_null(),
            tags(),
        ],
    )
};

const DNS_SUPPORT: &str = "enable_dns_support";
const DNS_HOSTNAMES: &str = "enable_dns_hostnames";

/// The calls.
pub struct Vpc;

#[async_trait(?Send)]
impl Resource for Vpc {
    fn kind(&self) -> &'static Kind {
        &VPC
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let vpcs = read(reader, None).await?;
        let objects = side_by_side(vpcs.iter(), |vpc| object(reader, vpc)).await?;
        let objects: Vec<Object> = objects.into_iter().flatten().collect();
        let default = objects.iter().filter(|vpc| is_default(vpc));
        // Target groups and load balancers whose rows name no VPC are put into it.
        let seen = reader.session().seen();
        seen.keep(&VPC, reader.region(), default.cloned().collect());
        Ok(objects)
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        match read(reader, Some(filter("vpc-id", id))).await?.first() {
            Some(vpc) => object(reader, vpc).await,
            None => Ok(None),
        }
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let tags = super::tag_specifications(writer, ResourceType::Vpc, row);
        let answer = writer
            .create(
                op("CreateVpc"),
                || {
                    writer
                        .ec2()
                        .create_vpc()
                        .set_cidr_block(row.text("cidr_block").map(str::to_owned))
                        .set_tag_specifications(tags.clone())
                        .send()
                },
                |answer| answer.vpc()?.vpc_id().map(CloudId::from),
            )
            .await?;
        let id = answer.vpc().and_then(|vpc| vpc.vpc_id());
        let id = id.ok_or_else(|| AwsError::malformed(op("CreateVpc"), "the answer has no id"))?;
        let mut vpc = available(writer, self, op("DescribeVpcs"), &id.into()).await?;
        for column in dns_columns(row) {
            if let Some(value) = row.bool(column)
                && vpc.row.bool(column) != Some(value)
            {
                set_dns(writer, &vpc.id, column, value).await?;
                vpc.row.set(column, value);
            }
        }
        bring_default_group(writer, &vpc.id).await?;
        Ok(vpc)
    }

    async fn finish(&self, writer: &Writer, object: &Object, row: &Row) -> Result<(), AwsError> {
        self.update(writer, object, row, &Changed::between(object, row))
            .await?;
        bring_default_group(writer, &object.id).await
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        for column in dns_columns(row) {
            if let Some(value) = row.bool(column)
                && changed.has(column)
            {
                set_dns(writer, &object.id, column, value).await?;
            }
        }
        if changed.has("tags") {
            super::retag(writer, &object.id, &Retag::between(&object.row, row)).await?;
        }
        Ok(())
    }

    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        writer
            .delete(op("DeleteVpc"), || {
                writer.ec2().delete_vpc().vpc_id(object.id.as_str()).send()
            })
            .await?;
        Ok(())
    }
}

/// The default VPC of the reader's region, which AWS takes where none is named.
pub async fn default_vpc(reader: &Reader) -> Result<Option<CloudId>, AwsError> {
    let vpcs = reader.objects(&Vpc).await?;
    let default = vpcs.iter().find(|vpc| is_default(vpc));
    Ok(default.map(|vpc| vpc.id.clone()))
}

fn is_default(vpc: &Object) -> bool {
    vpc.row.bool("is_default") == Some(true)
}

async fn read(reader: &Reader, filter: Option<Filter>) -> Result<Vec<types::Vpc>, AwsError> {
    all_pages(op("DescribeVpcs"), async |token| {
        let page = reader
            .read(op("DescribeVpcs"), || {
                reader
                    .ec2()
                    .describe_vpcs()
                    .set_filters(filter.clone().map(|filter| vec![filter]))
                    .max_results(PAGE)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        Ok((page.vpcs.unwrap_or_default(), page.next_token))
    })
    .await
}

/// The list lacks the DNS attributes; they take a call each.
async fn object(reader: &Reader, vpc: &types::Vpc) -> Result<Option<Object>, AwsError> {
    // One that is being deleted is as good as gone.
    let state = vpc.state();
    let Some(id) = vpc.vpc_id().filter(|_| state != Some(&VpcState::Deleting)) else {
        return Ok(None);
    };
    let (support, hostnames) = join(
        attribute(reader, id, VpcAttributeName::EnableDnsSupport),
        attribute(reader, id, VpcAttributeName::EnableDnsHostnames),
    )
    .await;
    let (support, hostnames) = match support.and_then(|support| Ok((support, hostnames?))) {
        // Deleted since it was listed.
        Err(error) if error.is_absent(&VPC.errors) => return Ok(None),
        attributes => attributes?,
    };
    let row = Row::new(&VPC)
        .with("vpc_id", id)
        .with("cidr_block", vpc.cidr_block())
        .with("state", state.map(VpcState::as_str))
        .with("is_default", vpc.is_default().unwrap_or_default())
        .with(DNS_SUPPORT, support)
        .with(DNS_HOSTNAMES, hostnames);
    let mut object = super::tagged(reader, id, row, vpc.tags());
    if vpc.is_default() == Some(true) {
        object.owner = Owner::Account;
    }
    Ok(reader.sayable(object))
}

async fn attribute(
    reader: &Reader,
    id: &str,
    name: VpcAttributeName,
) -> Result<Option<bool>, AwsError> {
    let answer = reader
        .read(op("DescribeVpcAttribute"), || {
            reader
                .ec2()
                .describe_vpc_attribute()
                .vpc_id(id)
                .attribute(name.clone())
                .send()
        })
        .await?;
    // The answer holds the one that was asked for.
    let value = answer.enable_dns_support.or(answer.enable_dns_hostnames);
    Ok(value.and_then(|value| value.value))
}

/// The DNS columns in the order in which they are set: AWS allows host names only where DNS is supported.
fn dns_columns(row: &Row) -> [&'static str; 2] {
    match row.bool(DNS_SUPPORT) {
        Some(false) => [DNS_HOSTNAMES, DNS_SUPPORT],
        _ => [DNS_SUPPORT, DNS_HOSTNAMES],
    }
}

/// AWS changes one attribute a call.
async fn set_dns(writer: &Writer, id: &CloudId, column: &str, value: bool) -> Result<(), AwsError> {
    let value = AttributeBooleanValue::builder().value(value).build();
    writer
        .write(op("ModifyVpcAttribute"), || {
            let call = writer.ec2().modify_vpc_attribute().vpc_id(id.as_str());
            match column {
                DNS_SUPPORT => call.enable_dns_support(value.clone()),
                _ => call.enable_dns_hostnames(value.clone()),
            }
            .send()
        })
        .await?;
    Ok(())
}

/// With each VPC AWS makes a group named `default`, which cannot be deleted, and its rules.
async fn bring_default_group(writer: &Writer, vpc: &CloudId) -> Result<(), AwsError> {
    let what = format!("the default security group of {vpc}");
    let groups = writer
        .until(op("DescribeSecurityGroups"), &what, async || {
            let mut groups = security_group::of_vpc(writer.reader(), vpc).await?;
            // A VPC whose create was cut off may have others by now.
            groups.retain(|group| group.owner == Owner::Object(vpc.clone()));
            Ok((!groups.is_empty()).then_some(groups))
        })
        .await?;
    for group in groups.unwrap_or_default() {
        let rules = security_group_rule::made_with(writer, &group.id).await?;
        for object in [group].into_iter().chain(rules) {
            writer.brought(object, Unmatched::Import);
        }
    }
    Ok(())
}
