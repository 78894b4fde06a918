//! CloudWatch Logs.

pub mod log_group;

use crate::error::AwsError;
use crate::operation::{Operation, Service};
use crate::resource::{Reader, Resource};
use crate::tags::{Retag, from_pairs};
use crate::writer::Writer;
use iasql_engine::Value;

/// The tables of this service.
pub static RESOURCES: &[&dyn Resource] = &[&log_group::LogGroup];

const fn op(name: &'static str) -> Operation {
    Service::Logs.op(name)
}

async fn tags(reader: &Reader, arn: &str) -> Result<Value, AwsError> {
    let answer = reader
        .read(op("ListTagsForResource"), || {
            reader
                .logs()
                .list_tags_for_resource()
                .resource_arn(arn)
                .send()
        })
        .await?;
    Ok(from_pairs(answer.tags.unwrap_or_default()))
}

async fn retag(writer: &Writer, arn: &str, retag: &Retag) -> Result<(), AwsError> {
    let set = |tags: Vec<(String, String)>| {
        writer
            .logs()
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(tags.into_iter().collect()))
            .send()
    };
    let remove = |keys: Vec<String>| {
        writer
            .logs()
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(keys))
            .send()
    };
    retag
        .send(
            writer,
            (op("TagResource"), set),
            (op("UntagResource"), remove),
        )
        .await
}
