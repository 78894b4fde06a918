//! Elastic Load Balancing, version 2.

pub mod listener;
pub mod load_balancer;
mod network;
pub mod target_group;

use crate::error::{AwsError, found};
use crate::operation::{Operation, Service};
use crate::paging::side_by_side;
use crate::resource::{Reader, Resource};
use crate::tags::{Retag, from_pairs};
use crate::writer::Writer;
use aws_sdk_elasticloadbalancingv2::types::Tag;
use futures::future::try_join_all;
use iasql_engine::{Object, Value};
use std::collections::HashMap;

/// The tables of this service.
pub static RESOURCES: &[&dyn Resource] = &[
    &target_group::TargetGroup,
    &load_balancer::LoadBalancer,
    &listener::Listener,
];

/// The largest page of every list.
const PAGE: i32 = 400;

/// The most ARNs that one DescribeTags takes.
const TAGGED_AT_ONCE: usize = 20;

/// The protocols of target groups, health checks and listeners that rows can say.
const PROTOCOLS: &[&str] = &["GENEVE", "HTTP", "HTTPS", "TCP", "TCP_UDP", "TLS", "UDP"];

const fn op(name: &'static str) -> Operation {
    Service::Elb.op(name)
}

/// Fills the `tags` of objects that were just described, which the describe calls do not return. The cloud ids are
/// ARNs.
async fn with_tags(reader: &Reader, objects: Vec<Object>) -> Result<Vec<Object>, AwsError> {
    let chunks = objects.chunks(TAGGED_AT_ONCE);
    let tagged = side_by_side(chunks, |chunk| tag(reader, chunk.to_vec())).await?;
    Ok(tagged.concat())
}

async fn tag(reader: &Reader, mut objects: Vec<Object>) -> Result<Vec<Object>, AwsError> {
    match describe_tags(reader, &objects).await {
        Ok(mut tags) => {
            for object in &mut objects {
                let tags = tags.remove(object.id.as_str());
                object
                    .row
                    .set("tags", tags.unwrap_or_else(|| from_pairs([])));
            }
            Ok(objects)
        }
        Err(error) if error.is_absent(&objects[0].kind().errors) => {
            if objects.len() == 1 {
                return Ok(Vec::new());
            }
            // One of them has gone since it was described; only asking about each alone tells which.
            let each = objects.into_iter().map(|object| tag(reader, vec![object]));
            Ok(Box::pin(try_join_all(each)).await?.concat())
        }
        Err(error) => Err(error),
    }
}

async fn describe_tags(
    reader: &Reader,
    objects: &[Object],
) -> Result<HashMap<String, Value>, AwsError> {
    let arns: Vec<String> = objects.iter().map(|object| object.id.to_string()).collect();
    let answer = reader
        .read(op("DescribeTags"), || {
            reader
                .elb()
                .describe_tags()
                .set_resource_arns(Some(arns.clone()))
                .send()
        })
        .await?;
    let tags = answer.tag_descriptions.unwrap_or_default();
    let tags = tags.into_iter().filter_map(|described| {
        let pairs = described.tags.unwrap_or_default().into_iter();
        let pairs = pairs.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
        Some((described.resource_arn?, from_pairs(pairs)))
    });
    Ok(tags.collect())
}

/// Tags for a create call; None where there are none.
fn sdk_tags(tags: &[(String, String)]) -> Option<Vec<Tag>> {
    let tag = |(key, value): &(String, String)| Tag::builder().key(key).value(value).build();
    (!tags.is_empty()).then(|| tags.iter().map(tag).collect())
}

async fn retag(writer: &Writer, arn: &str, retag: &Retag) -> Result<(), AwsError> {
    let set = |tags: Vec<(String, String)>| {
        writer
            .elb()
            .add_tags()
            .resource_arns(arn)
            .set_tags(sdk_tags(&tags))
            .send()
    };
    let remove = |keys: Vec<String>| {
        writer
            .elb()
            .remove_tags()
            .resource_arns(arn)
            .set_tag_keys(Some(keys))
            .send()
    };
    retag
        .send(writer, (op("AddTags"), set), (op("RemoveTags"), remove))
        .await
}
