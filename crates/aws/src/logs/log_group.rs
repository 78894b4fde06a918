//! `log_group`: a CloudWatch log group.

use super::op;
use crate::error::AwsError;
use crate::paging::all_pages;
use crate::resource::{Changed, Reader, Resource};
use crate::tags::{Retag, from_pairs, with_tags_of};
use crate::writer::Writer;
use crate::{tagging, time};
use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::types;
use iasql_engine::kind::{Errors, Kind, int, tags, text, time as time_column};
use iasql_engine::{CloudId, Object, Row, Value};

/// The table.
pub static LOG_GROUP: Kind = Kind {
    errors: Errors {
        absent: &["ResourceNotFoundException"],
        in_use: &["OperationAbortedException"],
        propagation: &[],
    },
    ..Kind::regional(
        "log_group",
        &[
            text("log_group_name").key().cloud_id(),
            text("log_group_arn").cloud_filled(),
            // Not that it changes: the answer to the create does not say it, and the next reading does.
            time_column("creation_time").cloud_filled().volatile(),
            int("retention_in_days"),
            tags(),
        ],
    )
};

/// The calls.
pub struct LogGroup;

#[async_trait(?Send)]
impl Resource for LogGroup {
    fn kind(&self) -> &'static Kind {
        &LOG_GROUP
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let groups = all_pages(op("DescribeLogGroups"), async |token| {
            let page = reader
                .read(op("DescribeLogGroups"), || {
                    reader
                        .logs()
                        .describe_log_groups()
                        .limit(50)
                        .set_next_token(token.clone())
                        .send()
                })
                .await?;
            Ok((page.log_groups.unwrap_or_default(), page.next_token))
        })
        .await?;
        let mut objects: Vec<Object> = groups
            .iter()
            .filter_map(|group| object(reader, group))
            .collect();
        tagging::fill(
            reader,
            &LOG_GROUP,
            "logs:log-group",
            &mut objects,
            tagged_arn,
            async |object| super::tags(reader, &tagged_arn(object).unwrap_or_default()).await,
        )
        .await?;
        Ok(objects)
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let page = reader
            .read(op("DescribeLogGroups"), || {
                reader
                    .logs()
                    .describe_log_groups()
                    .log_group_name_prefix(id.as_str())
                    .send()
            })
            .await?;
        let groups = page.log_groups.unwrap_or_default();
        let group = groups
            .iter()
            .find(|group| group.log_group_name() == Some(id.as_str()));
        let Some(mut object) = group.and_then(|group| object(reader, group)) else {
            return Ok(None);
        };
        let tags = super::tags(reader, &tagged_arn(&object).unwrap_or_default()).await?;
        object.row.set("tags", tags);
        Ok(Some(object))
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let name = row.text("log_group_name").unwrap_or_default();
        let tags = row.tags();
        writer
            .create(
                op("CreateLogGroup"),
                || {
                    writer
                        .logs()
                        .create_log_group()
                        .log_group_name(name)
                        .set_tags((!tags.is_empty()).then(|| tags.iter().cloned().collect()))
                        .send()
                },
                |_| Some(name.into()),
            )
            .await?;
        if row.int("retention_in_days").is_some() {
            put_retention(writer, name, row).await?;
        }
        let made = row
            .clone()
            .with("log_group_arn", arn(writer, name).await?)
            .with("creation_time", Value::Null);
        let made = Object::new(writer.region(), name, made);
        Ok(with_tags_of(row, made))
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        let name = object.id.as_str();
        if changed.has("retention_in_days") {
            put_retention(writer, name, row).await?;
        }
        if changed.has("tags") {
            let arn = tagged_arn(object).unwrap_or_default();
            super::retag(writer, &arn, &Retag::between(&object.row, row)).await?;
        }
        Ok(())
    }

    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        writer
            .write(op("DeleteLogGroup"), || {
                writer
                    .logs()
                    .delete_log_group()
                    .log_group_name(object.id.as_str())
                    .send()
            })
            .await?;
        Ok(())
    }
}

fn object(reader: &Reader, group: &types::LogGroup) -> Option<Object> {
    let name = group.log_group_name()?;
    let row = Row::new(&LOG_GROUP)
        .with("log_group_name", name)
        .with("log_group_arn", group.arn())
        .with(
            "creation_time",
            group.creation_time().and_then(time::from_millis),
        )
        .with("retention_in_days", group.retention_in_days())
        .with("tags", from_pairs([]));
    Some(Object::new(reader.region(), name, row))
}

/// The answer to the create does not say the ARN. Its form:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html>.
async fn arn(writer: &Writer, name: &str) -> Result<String, AwsError> {
    let identity = writer.session().identity().await?;
    let (partition, account) = (&identity.partition, &identity.account_id);
    let region = writer.region();
    Ok(format!(
        "arn:{partition}:logs:{region}:{account}:log-group:{name}:*"
    ))
}

/// The tagging calls want the ARN without the `:*` that the describe call ends it with.
fn tagged_arn(object: &Object) -> Option<String> {
    let arn = object.row.text("log_group_arn")?;
    Some(arn.strip_suffix(":*").unwrap_or(arn).to_owned())
}

/// NULL means that events never expire, which is the absence of a retention policy.
async fn put_retention(writer: &Writer, name: &str, row: &Row) -> Result<(), AwsError> {
    match row.int("retention_in_days") {
        Some(days) => {
            writer
                .write(op("PutRetentionPolicy"), || {
                    writer
                        .logs()
                        .put_retention_policy()
                        .log_group_name(name)
                        .retention_in_days(days)
                        .send()
                })
                .await?;
        }
        None => {
            writer
                .write(op("DeleteRetentionPolicy"), || {
                    writer
                        .logs()
                        .delete_retention_policy()
                        .log_group_name(name)
                        .send()
                })
                .await?;
        }
    }
    Ok(())
}
