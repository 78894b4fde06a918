//! `target_group`: where load balancers send requests.

use super::{PAGE, PROTOCOLS, op};
use crate::error::AwsError;
use crate::paging::all_pages;
use crate::resource::{Changed, Reader, Resource};
use crate::tags::{Retag, with_tags_of};
use crate::writer::Writer;
use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::types;
use iasql_engine::kind::{Errors, Kind, boolean, int, refers_to, tags, text};
use iasql_engine::{CloudId, Object, Row};

/// The table.
pub static TARGET_GROUP: Kind = Kind {
    errors: Errors {
        absent: &["TargetGroupNotFound"],
        in_use: &["ResourceInUse"],
        propagation: &[],
    },
    ..Kind::regional(
        "target_group",
        &[
            text("target_group_name").key().create_only(),
            text("target_type")
                .one_of(&["alb", "instance", "ip", "lambda"])
                .create_only(),
            text("target_group_arn").cloud_filled().cloud_id(),
            text("ip_address_type")
                .one_of(&["ipv4", "ipv6"])
                .create_only()
                .chosen_when_null(),
            text("protocol").one_of(PROTOCOLS).create_only(),
            text("health_check_protocol")
                .one_of(PROTOCOLS)
                .chosen_when_null(),
            int("port").create_only(),
            text("health_check_port").chosen_when_null(),
            text("health_check_path").chosen_when_null(),
            boolean("health_check_enabled").chosen_when_null(),
            int("health_check_interval_seconds").chosen_when_null(),
            int("health_check_timeout_seconds").chosen_when_null(),
            int("healthy_threshold_count").chosen_when_null(),
            int("unhealthy_threshold_count").chosen_when_null(),
            text("protocol_version")
                .one_of(&["GRPC", "HTTP1", "HTTP2"])
                .create_only()
                .chosen_when_null(),
            refers_to("vpc", "vpc").create_only().chosen_when_null(),
            tags(),
        ],
    )
};

/// The calls.
pub struct TargetGroup;

#[async_trait(?Send)]
impl Resource for TargetGroup {
    fn kind(&self) -> &'static Kind {
        &TARGET_GROUP
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let groups = all_pages(op("DescribeTargetGroups"), async |marker| {
            let page = reader
                .read(op("DescribeTargetGroups"), || {
                    reader
                        .elb()
                        .describe_target_groups()
                        .page_size(PAGE)
                        .set_marker(marker.clone())
                        .send()
                })
                .await?;
            Ok((page.target_groups.unwrap_or_default(), page.next_marker))
        })
        .await?;
        let objects = groups.iter().filter_map(|group| object(reader, group));
        super::with_tags(reader, objects.collect()).await
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let answer = reader
            .read(op("DescribeTargetGroups"), || {
                reader
                    .elb()
                    .describe_target_groups()
                    .target_group_arns(id.as_str())
                    .send()
            })
            .await;
        let groups = super::found(&TARGET_GROUP, answer)?.and_then(|it| it.target_groups);
        let groups = groups.unwrap_or_default();
        let objects = groups.iter().filter_map(|group| object(reader, group));
        Ok(super::with_tags(reader, objects.collect()).await?.pop())
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let vpc = vpc(writer, row).await?;
        let tags = super::sdk_tags(&row.tags());
        let answer = writer
            .create(
                op("CreateTargetGroup"),
                || {
                    writer
                        .elb()
                        .create_target_group()
                        .set_name(row.text("target_group_name").map(str::to_owned))
                        .set_target_type(row.text("target_type").map(Into::into))
                        .set_ip_address_type(row.text("ip_address_type").map(Into::into))
                        .set_protocol(row.text("protocol").map(Into::into))
                        .set_health_check_protocol(
                            row.text("health_check_protocol").map(Into::into),
                        )
                        .set_port(row.int("port"))
                        .set_health_check_port(row.text("health_check_port").map(str::to_owned))
                        .set_health_check_path(row.text("health_check_path").map(str::to_owned))
                        .set_health_check_enabled(row.bool("health_check_enabled"))
                        .set_health_check_interval_seconds(row.int("health_check_interval_seconds"))
                        .set_health_check_timeout_seconds(row.int("health_check_timeout_seconds"))
                        .set_healthy_threshold_count(row.int("healthy_threshold_count"))
                        .set_unhealthy_threshold_count(row.int("unhealthy_threshold_count"))
                        .set_protocol_version(row.text("protocol_version").map(str::to_owned))
                        .set_vpc_id(vpc.as_ref().map(CloudId::to_string))
                        .set_tags(tags.clone())
                        .send()
                },
                |answer| Some(answer.target_groups().first()?.target_group_arn()?.into()),
            )
            .await?;
        let group = answer.target_groups().first();
        let object = group.and_then(|group| object(writer.reader(), group));
        Ok(with_tags_of(
            row,
            writer.made(object, op("CreateTargetGroup"))?,
        ))
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        let arn = object.id.as_str();
        let text = |column| row.text(column).filter(|_| changed.has(column));
        let int = |column| row.int(column).filter(|_| changed.has(column));
        let flag = |column| row.bool(column).filter(|_| changed.has(column));
        if HEALTH_CHECK
            .iter()
            .any(|column| changed.has(column) && !row.get(column).is_null())
        {
            writer
                .write(op("ModifyTargetGroup"), || {
                    writer
                        .elb()
                        .modify_target_group()
                        .target_group_arn(arn)
                        .set_health_check_protocol(text("health_check_protocol").map(Into::into))
                        .set_health_check_port(text("health_check_port").map(str::to_owned))
                        .set_health_check_path(text("health_check_path").map(str::to_owned))
                        .set_health_check_enabled(flag("health_check_enabled"))
                        .set_health_check_interval_seconds(int("health_check_interval_seconds"))
                        .set_health_check_timeout_seconds(int("health_check_timeout_seconds"))
                        .set_healthy_threshold_count(int("healthy_threshold_count"))
                        .set_unhealthy_threshold_count(int("unhealthy_threshold_count"))
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
            .write(op("DeleteTargetGroup"), || {
                writer
                    .elb()
                    .delete_target_group()
                    .target_group_arn(object.id.as_str())
                    .send()
            })
            .await?;
        Ok(())
    }
}

/// What ModifyTargetGroup changes.
const HEALTH_CHECK: &[&str] = &[
    "health_check_protocol",
    "health_check_port",
    "health_check_path",
    "health_check_enabled",
    "health_check_interval_seconds",
    "health_check_timeout_seconds",
    "healthy_threshold_count",
    "unhealthy_threshold_count",
];

/// The VPC of the targets. A lambda function is in none.
async fn vpc(writer: &Writer, row: &Row) -> Result<Option<CloudId>, AwsError> {
    match row.object("vpc") {
        Some(vpc) => Ok(Some(vpc.clone())),
        None if row.text("target_type") == Some("lambda") => Ok(None),
        None => {
            let operation = op("CreateTargetGroup");
            let vpc = super::network::default_vpc(writer.reader(), operation).await?;
            Ok(Some(vpc))
        }
    }
}

fn object(reader: &Reader, group: &types::TargetGroup) -> Option<Object> {
    let arn = group.target_group_arn()?;
    let row = Row::new(&TARGET_GROUP)
        .with("target_group_name", group.target_group_name())
        .with("target_type", group.target_type().map(|it| it.as_str()))
        .with("target_group_arn", arn)
        .with(
            "ip_address_type",
            group.ip_address_type().map(|it| it.as_str()),
        )
        .with("protocol", group.protocol().map(|it| it.as_str()))
        .with(
            "health_check_protocol",
            group.health_check_protocol().map(|it| it.as_str()),
        )
        .with("port", group.port())
        .with("health_check_port", group.health_check_port())
        .with("health_check_path", group.health_check_path())
        .with("health_check_enabled", group.health_check_enabled())
        .with(
            "health_check_interval_seconds",
            group.health_check_interval_seconds(),
        )
        .with(
            "health_check_timeout_seconds",
            group.health_check_timeout_seconds(),
        )
        .with("healthy_threshold_count", group.healthy_threshold_count())
        .with(
            "unhealthy_threshold_count",
            group.unhealthy_threshold_count(),
        )
        .with("protocol_version", group.protocol_version())
        .with("vpc", group.vpc_id().map(CloudId::from));
    reader.sayable(Object::new(reader.region(), arn, row))
}
