//! `public_repository`: an image repository that everybody may pull from.

use super::{PAGE, public_op as op};
use crate::access::Access;
use crate::error::AwsError;
use crate::paging::{all_pages, side_by_side};
use crate::resource::{Changed, Reader, Resource};
use crate::tags::{Retag, from_pairs, with_tags_of};
use crate::time;
use crate::writer::Writer;
use async_trait::async_trait;
use aws_sdk_ecrpublic::types::{self, Tag};
use iasql_engine::kind::{Errors, Kind, tags, text, time as time_column};
use iasql_engine::{CloudId, Object, Region, Row};

/// The table.
pub static PUBLIC_REPOSITORY: Kind = Kind {
    errors: Errors {
        absent: &["RepositoryNotFoundException"],
        // Not RepositoryNotEmptyException: images do not go away by waiting.
        ..Errors::NONE
    },
    ..Kind::global(
        "public_repository",
        &[
            text("repository_name").key().cloud_id(),
            text("repository_arn").cloud_filled(),
            text("registry_id").cloud_filled(),
            text("repository_uri").cloud_filled(),
            time_column("created_at").cloud_filled(),
            tags(),
        ],
    )
};

/// Where AWS keeps public repositories, whichever the session's region is.
const REGION: &str = "us-east-1";

/// The calls.
pub struct PublicRepository;

#[async_trait(?Send)]
impl Resource for PublicRepository {
    fn kind(&self) -> &'static Kind {
        &PUBLIC_REPOSITORY
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let access = there(reader);
        let repositories = all_pages(op("DescribeRepositories"), async |token| {
            let page = access
                .read(op("DescribeRepositories"), || {
                    access
                        .ecr_public()
                        .describe_repositories()
                        .max_results(PAGE)
                        .set_next_token(token.clone())
                        .send()
                })
                .await?;
            Ok((page.repositories.unwrap_or_default(), page.next_token))
        })
        .await?;
        let objects = repositories.iter().filter_map(object);
        side_by_side(objects, |object| with_tags(&access, object)).await
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let access = there(reader);
        let answer = access
            .read(op("DescribeRepositories"), || {
                access
                    .ecr_public()
                    .describe_repositories()
                    .repository_names(id.as_str())
                    .send()
            })
            .await;
        let repositories = match answer {
            Err(error) if error.is_absent(&PUBLIC_REPOSITORY.errors) => return Ok(None),
            answer => answer?.repositories.unwrap_or_default(),
        };
        match repositories.first().and_then(object) {
            Some(object) => with_tags(&access, object).await.map(Some),
            None => Ok(None),
        }
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let access = there(writer);
        let name = row.text("repository_name").unwrap_or_default();
        let tags = sdk_tags(&row.tags());
        let answer = writer
            .create(
                op("CreateRepository"),
                || {
                    access
                        .ecr_public()
                        .create_repository()
                        .repository_name(name)
                        .set_tags((!tags.is_empty()).then(|| tags.clone()))
                        .send()
                },
                |_| Some(name.into()),
            )
            .await?;
        let made = answer.repository.as_ref().and_then(object);
        Ok(with_tags_of(
            row,
            writer.made(made, op("CreateRepository"))?,
        ))
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        if changed.has("tags") {
            retag(writer, object, &Retag::between(&object.row, row)).await?;
        }
        Ok(())
    }

    /// Without `force`: a repository that holds images is kept, and AWS says why.
    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        let access = there(writer);
        writer
            .write(op("DeleteRepository"), || {
                access
                    .ecr_public()
                    .delete_repository()
                    .repository_name(object.id.as_str())
                    .send()
            })
            .await?;
        Ok(())
    }
}

fn there(access: &Access) -> Access {
    access.in_region(&REGION.into())
}

fn object(repository: &types::Repository) -> Option<Object> {
    let name = repository.repository_name()?;
    let row = Row::new(&PUBLIC_REPOSITORY)
        .with("repository_name", name)
        .with("repository_arn", repository.repository_arn())
        .with("registry_id", repository.registry_id())
        .with("repository_uri", repository.repository_uri())
        .with("created_at", repository.created_at().and_then(time::text))
        .with("tags", from_pairs([]));
    Some(Object::new(&Region::default(), name, row))
}

/// Fills the `tags`, which the describe call does not return.
async fn with_tags(access: &Access, mut object: Object) -> Result<Object, AwsError> {
    let answer = access
        .read(op("ListTagsForResource"), || {
            access
                .ecr_public()
                .list_tags_for_resource()
                .set_resource_arn(arn(&object))
                .send()
        })
        .await;
    let tags = match answer {
        // The repository went just now.
        Err(error) if error.is_absent(&PUBLIC_REPOSITORY.errors) => Vec::new(),
        answer => answer?.tags.unwrap_or_default(),
    };
    let pairs = tags
        .into_iter()
        .filter_map(|tag| Some((tag.key?, tag.value?)));
    object.row.set("tags", from_pairs(pairs));
    Ok(object)
}

fn arn(object: &Object) -> Option<String> {
    object.row.text("repository_arn").map(str::to_owned)
}

fn sdk_tags(pairs: &[(String, String)]) -> Vec<Tag> {
    let tags = pairs
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.collect()
}

async fn retag(writer: &Writer, object: &Object, retag: &Retag) -> Result<(), AwsError> {
    let access = there(writer);
    let set = |tags: Vec<(String, String)>| {
        access
            .ecr_public()
            .tag_resource()
            .set_resource_arn(arn(object))
            .set_tags(Some(sdk_tags(&tags)))
            .send()
    };
    let remove = |keys: Vec<String>| {
        access
            .ecr_public()
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
