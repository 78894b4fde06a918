//! The tags of private repositories, which the describe call does not return.

use super::op;
use super::repository::REPOSITORY;
use crate::error::AwsError;
use crate::paging::side_by_side;
use crate::resource::Reader;
use crate::tagging;
use crate::tags::{Retag, from_pairs};
use crate::writer::Writer;
use aws_sdk_ecr::types::Tag;
use iasql_engine::{Object, Value};

/// Fills the `tags` of the objects.
pub async fn fill(reader: &Reader, objects: &mut [Object]) -> Result<(), AwsError> {
    tagging::fill(
        reader,
        &REPOSITORY,
        "ecr:repository",
        objects,
        arn,
        async |object| of(reader, object).await,
    )
    .await?;
    fill_new(reader, objects).await
}

/// The tagging API learns late of what is new, and emulators leave this service out of theirs. So a repository that
/// is new to us and bears no tags there is asked about once.
async fn fill_new(reader: &Reader, objects: &mut [Object]) -> Result<(), AwsError> {
    let last = reader.agreed().await;
    let new = objects.iter_mut().filter(|object| {
        last.row(&REPOSITORY, &object.id).is_none() && object.row.tags().is_empty()
    });
    side_by_side(new, async |object: &mut Object| {
        let tags = of(reader, object).await?;
        object.row.set("tags", tags);
        Ok(())
    })
    .await?;
    Ok(())
}

/// The tags of one repository.
pub async fn of(reader: &Reader, object: &Object) -> Result<Value, AwsError> {
    let answer = reader
        .read(op("ListTagsForResource"), || {
            reader
                .ecr()
                .list_tags_for_resource()
                .set_resource_arn(arn(object))
                .send()
        })
        .await;
    let tags = match answer {
        // The repository went just now.
        Err(error) if error.is_absent(&REPOSITORY.errors) => Vec::new(),
        answer => answer?.tags.unwrap_or_default(),
    };
    Ok(from_pairs(tags.into_iter().map(|tag| (tag.key, tag.value))))
}

fn arn(object: &Object) -> Option<String> {
    object.row.text("repository_arn").map(str::to_owned)
}

/// Tags as the calls take them. Each has the key and the value that the builder asks for.
pub fn sdk_tags(pairs: &[(String, String)]) -> Vec<Tag> {
    let tags = pairs
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.flatten().collect()
}

/// Changes the tags of a repository.
pub async fn retag(writer: &Writer, object: &Object, retag: &Retag) -> Result<(), AwsError> {
    let set = |tags: Vec<(String, String)>| {
        writer
            .ecr()
            .tag_resource()
            .set_resource_arn(arn(object))
            .set_tags(Some(sdk_tags(&tags)))
            .send()
    };
    let remove = |keys: Vec<String>| {
        writer
            .ecr()
            .untag_resource()
            .set_resource_arn(arn(object))
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
