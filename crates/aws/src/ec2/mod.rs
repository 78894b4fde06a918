//! Elastic Compute Cloud: networks and their security groups.

pub mod security_group;
pub mod security_group_rule;
pub mod subnet;
pub mod vpc;

use crate::error::AwsError;
use crate::operation::{Operation, Service};
use crate::resource::{Reader, Resource};
use crate::tags::{OWNER_TAG, Retag, from_pairs};
use crate::writer::Writer;
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use iasql_engine::{CloudId, Object, Row};

/// The tables of this service.
pub static RESOURCES: &[&dyn Resource] = &[
    &vpc::Vpc,
    &subnet::Subnet,
    &security_group::SecurityGroup,
    &security_group_rule::SecurityGroupRule,
];

/// The largest page. A list without a page size counts against a tighter limit ("Request throttling for the Amazon EC2
/// API").
const PAGE: i32 = 1000;

const fn op(name: &'static str) -> Operation {
    Service::Ec2.op(name)
}

/// What a read is confined to. One object is asked for by a filter too: that goes with a page size, and an id that does
/// not exist is no error.
fn filter(name: &str, id: &CloudId) -> Filter {
    Filter::builder().name(name).values(id.as_str()).build()
}

/// An object with these tags, one of which may be our owner tag.
fn tagged(reader: &Reader, id: &str, row: Row, tags: &[Tag]) -> Object {
    let pairs = || {
        tags.iter()
            .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
    };
    let row = row.with("tags", from_pairs(pairs()));
    let mut object = Object::new(reader.region(), id, row);
    reader.share(&mut object);
    object.owner_tag = pairs().find_map(|(key, value)| (key == OWNER_TAG).then_some(value));
    object
}

/// The tags that a create call carries.
fn tag_specifications(
    writer: &Writer,
    resource: ResourceType,
    row: &Row,
) -> Option<Vec<TagSpecification>> {
    let owner = writer.owner_tag().map(|owner| (OWNER_TAG, owner));
    let tags = row.tags();
    let all = tags
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .chain(owner);
    let all: Vec<Tag> = all
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    // AWS refuses a specification without tags.
    (!all.is_empty()).then(|| {
        vec![
            TagSpecification::builder()
                .resource_type(resource)
                .set_tags(Some(all))
                .build(),
        ]
    })
}

async fn retag(writer: &Writer, id: &CloudId, retag: &Retag) -> Result<(), AwsError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    // Without a value a tag goes whatever its value is.
    let any = |key| Tag::builder().key(key).build();
    let set = |tags: Vec<(String, String)>| {
        let tags = tags.into_iter().map(tag).collect();
        writer
            .ec2()
            .create_tags()
            .resources(id.as_str())
            .set_tags(Some(tags))
            .send()
    };
    let remove = |keys: Vec<String>| {
        let tags = keys.into_iter().map(any).collect();
        writer
            .ec2()
            .delete_tags()
            .resources(id.as_str())
            .set_tags(Some(tags))
            .send()
    };
    retag
        .send(writer, (op("CreateTags"), set), (op("DeleteTags"), remove))
        .await
}

/// Waits until the object just made is ready for what is to be made in it. `list` is the call that shows it.
async fn available(
    writer: &Writer,
    resource: &dyn Resource,
    list: Operation,
    id: &CloudId,
) -> Result<Object, AwsError> {
    let what = format!("{id} to become available");
    let found = writer
        .until(list, &what, async || {
            let found = resource.describe(writer.reader(), id).await?;
            Ok(found.filter(|object| object.row.text("state") == Some("available")))
        })
        .await?;
    writer.made(found, list)
}
