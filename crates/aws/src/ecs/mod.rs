//! Elastic Container Service on Fargate.

pub mod cluster;
pub mod container_definition;
mod cpu_memory;
mod deployment;
mod image;
mod load_balancer;
mod registration;
pub mod service;
pub mod task_definition;

use crate::error::AwsError;
use crate::operation::{Operation, Service};
use crate::resource::Resource;
use crate::tags::Retag;
use crate::writer::Writer;
use aws_sdk_ecs::types;

/// The tables of this service.
pub static RESOURCES: &[&dyn Resource] = &[
    &cluster::Cluster,
    &task_definition::TaskDefinition,
    &service::Service,
];

const fn op(name: &'static str) -> Operation {
    Service::Ecs.op(name)
}

/// ECS's tags as pairs.
fn pairs(tags: &[types::Tag]) -> impl Iterator<Item = (String, String)> + '_ {
    tags.iter().filter_map(|tag| {
        let value = tag.value().unwrap_or_default();
        Some((tag.key()?.to_owned(), value.to_owned()))
    })
}

/// Pairs as ECS's tags. ECS refuses an empty list.
fn tags(pairs: impl IntoIterator<Item = (String, String)>) -> Option<Vec<types::Tag>> {
    let tag = |(key, value)| types::Tag::builder().key(key).value(value).build();
    let tags: Vec<types::Tag> = pairs.into_iter().map(tag).collect();
    (!tags.is_empty()).then_some(tags)
}

async fn retag(writer: &Writer, arn: &str, retag: &Retag) -> Result<(), AwsError> {
    let set = |tags: Vec<(String, String)>| {
        writer
            .ecs()
            .tag_resource()
            .resource_arn(arn)
            .set_tags(self::tags(tags))
            .send()
    };
    let remove = |keys: Vec<String>| {
        writer
            .ecs()
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
