//! `subnet`: a subnet of a VPC.

use super::{PAGE, available, filter, op};
use crate::error::AwsError;
use crate::paging::all_pages;
use crate::resource::{Changed, Reader, Resource};
use crate::tags::Retag;
use crate::writer::Writer;
use async_trait::async_trait;
use aws_sdk_ec2::types::{self, AttributeBooleanValue, Filter, ResourceType};
use iasql_engine::kind::{Errors, Kind, boolean, int, refers_to, tags, text};
use iasql_engine::object::Owner;
use iasql_engine::{CloudId, Object, Row, Value};

/// The table.
pub static SUBNET: Kind = Kind {
    errors: Errors {
        absent: &["InvalidSubnetID.NotFound"],
        in_use: &["DependencyViolation"],
        propagation: &["InvalidVpcID.NotFound", "InvalidSubnetID.NotFound"],
    },
    ..Kind::regional(
        "subnet",
        &[
            text("availability_zone").create_only(),
            text("state").cloud_filled().volatile().one_of(&[
                "available",
                "failed",
                "failed-insufficient-capacity",
                "pending",
                "unavailable",
            ]),
            int("available_ip_address_count").cloud_filled().volatile(),
            text("cidr_block").key().disjoint().create_only(),
            text("subnet_id").cloud_filled().cloud_id(),
            text("owner_id").cloud_filled(),
            text("subnet_arn").cloud_filled(),
            refers_to("vpc_id", "vpc").key().create_only(),
            boolean("map_public_ip_on_launch").chosen_when_null(),
            tags(),
        ],
    )
};

/// The calls.
pub struct Subnet;

#[async_trait(?Send)]
impl Resource for Subnet {
    fn kind(&self) -> &'static Kind {
        &SUBNET
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let subnets = read(reader, None).await?;
        // New load balancers are put into subnets.
        let seen = reader.session().seen();
        seen.keep(&SUBNET, reader.region(), subnets.clone());
        Ok(subnets)
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let subnets = read(reader, Some(filter("subnet-id", id))).await?;
        Ok(subnets.into_iter().next())
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        writer.session().seen().outdate(&SUBNET, writer.region());
        let tags = super::tag_specifications(writer, ResourceType::Subnet, row);
        let answer = writer
            .create(
                op("CreateSubnet"),
                || {
                    writer
                        .ec2()
                        .create_subnet()
                        .set_vpc_id(row.object("vpc_id").map(CloudId::to_string))
                        .set_cidr_block(row.text("cidr_block").map(str::to_owned))
                        .set_availability_zone(row.text("availability_zone").map(str::to_owned))
                        .set_tag_specifications(tags.clone())
                        .send()
                },
                |answer| answer.subnet()?.subnet_id().map(CloudId::from),
            )
            .await?;
        let subnet = answer
            .subnet()
            .and_then(|subnet| object(writer.reader(), subnet));
        let mut subnet = subnet
            .ok_or_else(|| AwsError::malformed(op("CreateSubnet"), "the answer has no id"))?;
        if subnet.row.text("state") != Some("available") {
            subnet = available(writer, self, op("DescribeSubnets"), &subnet.id).await?;
        }
        let public = row.bool("map_public_ip_on_launch");
        if public.is_some() && public != subnet.row.bool("map_public_ip_on_launch") {
            set_public(writer, &subnet.id, row).await?;
            subnet.row.set("map_public_ip_on_launch", public);
        }
        Ok(subnet)
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        if changed.has("map_public_ip_on_launch") {
            set_public(writer, &object.id, row).await?;
        }
        if changed.has("tags") {
            super::retag(writer, &object.id, &Retag::between(&object.row, row)).await?;
        }
        Ok(())
    }

    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        writer.session().seen().outdate(&SUBNET, writer.region());
        writer
            .delete(op("DeleteSubnet"), || {
                writer
                    .ec2()
                    .delete_subnet()
                    .subnet_id(object.id.as_str())
                    .send()
            })
            .await?;
        Ok(())
    }
}

/// The subnets of a VPC: as the run has read them, else as AWS says now.
pub(crate) async fn of_vpc(reader: &Reader, vpc: &CloudId) -> Result<Vec<Object>, AwsError> {
    let kept = reader.session().seen().kept(&SUBNET, reader.region());
    match kept {
        Some(mut subnets) => {
            subnets.retain(|subnet| subnet.row.object("vpc_id") == Some(vpc));
            Ok(subnets)
        }
        None => read(reader, Some(filter("vpc-id", vpc))).await,
    }
}

async fn read(reader: &Reader, filter: Option<Filter>) -> Result<Vec<Object>, AwsError> {
    all_pages(op("DescribeSubnets"), async |token| {
        let page = reader
            .read(op("DescribeSubnets"), || {
                reader
                    .ec2()
                    .describe_subnets()
                    .set_filters(filter.clone().map(|filter| vec![filter]))
                    .max_results(PAGE)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        let subnets = page.subnets().iter();
        let objects = subnets.filter_map(|subnet| object(reader, subnet));
        Ok((objects.collect(), page.next_token))
    })
    .await
}

fn object(reader: &Reader, subnet: &types::Subnet) -> Option<Object> {
    let id = subnet.subnet_id()?;
    let row = Row::new(&SUBNET)
        .with("availability_zone", subnet.availability_zone())
        .with("state", subnet.state().map(|state| state.as_str()))
        .with(
            "available_ip_address_count",
            subnet.available_ip_address_count(),
        )
        .with("cidr_block", subnet.cidr_block())
        .with("subnet_id", id)
        .with("owner_id", subnet.owner_id())
        .with("subnet_arn", subnet.subnet_arn())
        .with("vpc_id", subnet.vpc_id().map(Value::object))
        .with("map_public_ip_on_launch", subnet.map_public_ip_on_launch());
    let mut object = super::tagged(reader, id, row, subnet.tags());
    // A default VPC's own; users may add others to it.
    if subnet.default_for_az() == Some(true) {
        object.owner = Owner::Account;
    }
    reader.sayable(object)
}

async fn set_public(writer: &Writer, id: &CloudId, row: &Row) -> Result<(), AwsError> {
    // NULL leaves what AWS chose.
    let Some(public) = row.bool("map_public_ip_on_launch") else {
        return Ok(());
    };
    let value = AttributeBooleanValue::builder().value(public).build();
    writer
        .write(op("ModifySubnetAttribute"), || {
            writer
                .ec2()
                .modify_subnet_attribute()
                .subnet_id(id.as_str())
                .map_public_ip_on_launch(value.clone())
                .send()
        })
        .await?;
    Ok(())
}
