//! `security_group`: a security group of a VPC.

use super::vpc::default_vpc;
use super::{PAGE, filter, op, security_group_rule};
use crate::error::AwsError;
use crate::paging::all_pages;
use crate::resource::{Changed, Reader, Resource};
use crate::tags::Retag;
use crate::writer::{Unmatched, Writer};
use async_trait::async_trait;
use aws_sdk_ec2::types::{self, Filter, ResourceType};
use iasql_engine::kind::{Errors, Kind, refers_to, tags, text};
use iasql_engine::object::Owner;
use iasql_engine::{CloudId, Object, Row};

/// The table.
pub static SECURITY_GROUP: Kind = Kind {
    errors: Errors {
        absent: &["InvalidGroup.NotFound"],
        in_use: &["DependencyViolation", "InvalidGroup.InUse"],
        propagation: &["InvalidVpcID.NotFound"],
    },
    ..Kind::regional(
        "security_group",
        &[
            text("description").create_only(),
            text("group_name").key().create_only(),
            text("owner_id").cloud_filled(),
            text("group_id").cloud_filled().cloud_id(),
            refers_to("vpc_id", "vpc")
                .key()
                .create_only()
                .chosen_when_null(),
            tags(),
        ],
    )
};

/// The calls.
pub struct SecurityGroup;

#[async_trait(?Send)]
impl Resource for SecurityGroup {
    fn kind(&self) -> &'static Kind {
        &SECURITY_GROUP
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let groups = read(reader, None).await?;
        owned(reader, groups).await
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let groups = read(reader, Some(filter("group-id", id))).await?;
        Ok(owned(reader, groups).await?.into_iter().next())
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let vpc = match row.object("vpc_id") {
            Some(vpc) => Some(vpc.clone()),
            None => default_vpc(writer.reader()).await?,
        };
        let owner = &writer.session().identity().await?.account_id;
        let tags = super::tag_specifications(writer, ResourceType::SecurityGroup, row);
        let answer = writer
            .create(
                op("CreateSecurityGroup"),
                || {
                    writer
                        .ec2()
                        .create_security_group()
                        .set_group_name(row.text("group_name").map(str::to_owned))
                        .set_description(row.text("description").map(str::to_owned))
                        .set_vpc_id(vpc.as_ref().map(CloudId::to_string))
                        .set_tag_specifications(tags.clone())
                        .send()
                },
                |answer| answer.group_id().map(CloudId::from),
            )
            .await?;
        let id = answer.group_id().map(CloudId::from);
        let id = id.ok_or_else(|| {
            AwsError::malformed(op("CreateSecurityGroup"), "the answer has no id")
        })?;
        bring_rules(writer, &id).await?;
        let row = row
            .clone()
            .with("owner_id", owner.as_str())
            .with("group_id", id.as_str())
            .with("vpc_id", vpc);
        Ok(Object::new(writer.region(), id, row))
    }

    async fn finish(&self, writer: &Writer, object: &Object, row: &Row) -> Result<(), AwsError> {
        // Since the create was cut off, others may have given the group rules.
        for rule in security_group_rule::automatic(writer.reader(), &object.id).await? {
            writer.brought(rule, Unmatched::Discard);
        }
        self.update(writer, object, row, &Changed::new(["tags"]))
            .await
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        if changed.has("tags") {
            super::retag(writer, &object.id, &Retag::between(&object.row, row)).await?;
        }
        Ok(())
    }

    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        writer
            .delete(op("DeleteSecurityGroup"), || {
                writer
                    .ec2()
                    .delete_security_group()
                    .group_id(object.id.as_str())
                    .send()
            })
            .await?;
        Ok(())
    }
}

/// Tells of the rules that AWS makes with a group: they let everything out, which is to be only if a row says so.
async fn bring_rules(writer: &Writer, group: &CloudId) -> Result<(), AwsError> {
    for rule in security_group_rule::made_with(writer, group).await? {
        writer.brought(rule, Unmatched::Discard);
    }
    Ok(())
}

/// The groups of a VPC that is not the default one.
pub(super) async fn of_vpc(reader: &Reader, vpc: &CloudId) -> Result<Vec<Object>, AwsError> {
    read(reader, Some(filter("vpc-id", vpc))).await
}

async fn read(reader: &Reader, filter: Option<Filter>) -> Result<Vec<Object>, AwsError> {
    all_pages(op("DescribeSecurityGroups"), async |token| {
        let page = reader
            .read(op("DescribeSecurityGroups"), || {
                reader
                    .ec2()
                    .describe_security_groups()
                    .set_filters(filter.clone().map(|filter| vec![filter]))
                    .max_results(PAGE)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        let groups = page.security_groups().iter();
        let objects = groups.filter_map(|group| object(reader, group));
        Ok((objects.collect(), page.next_token))
    })
    .await
}

fn object(reader: &Reader, group: &types::SecurityGroup) -> Option<Object> {
    let id = group.group_id()?;
    let vpc = group.vpc_id().map(CloudId::from);
    let row = Row::new(&SECURITY_GROUP)
        .with("description", group.description())
        .with("group_name", group.group_name())
        .with("owner_id", group.owner_id())
        .with("group_id", id)
        .with("vpc_id", vpc.clone());
    let mut object = super::tagged(reader, id, row, group.tags());
    // AWS keeps the name for the group that it makes with each VPC and that goes with it.
    if let Some(vpc) = vpc
        && group.group_name() == Some("default")
    {
        object.owner = Owner::Object(vpc);
    }
    Some(object)
}

/// The default VPC is the account's own, and so is its `default` group.
async fn owned(reader: &Reader, mut groups: Vec<Object>) -> Result<Vec<Object>, AwsError> {
    if groups.iter().any(|group| group.owner != Owner::User)
        && let Some(vpc) = default_vpc(reader).await?
    {
        let owner = Owner::Object(vpc);
        for group in groups.iter_mut().filter(|group| group.owner == owner) {
            group.owner = Owner::Account;
        }
    }
    Ok(groups)
}
