//! `repository`: a private image repository.

use super::{PAGE, op, tags};
use crate::error::AwsError;
use crate::paging::all_pages;
use crate::resource::{Changed, Reader, Resource};
use crate::tags::{Retag, from_pairs, with_tags_of};
use crate::time;
use crate::writer::Writer;
use async_trait::async_trait;
use aws_sdk_ecr::types::{self, ImageScanningConfiguration, ImageTagMutability};
use aws_smithy_types::body::SdkBody;
use iasql_engine::kind::{self, Errors, Kind, boolean, text, time as time_column};
use iasql_engine::{CloudId, Object, Row};
use serde_json::json;

/// The table.
pub static REPOSITORY: Kind = Kind {
    errors: Errors {
        absent: &["RepositoryNotFoundException"],
        // Not RepositoryNotEmptyException: images do not go away by waiting.
        ..Errors::NONE
    },
    ..Kind::regional(
        "repository",
        &[
            text("repository_name").key().cloud_id(),
            text("repository_arn").cloud_filled(),
            text("registry_id").cloud_filled(),
            text("repository_uri").cloud_filled(),
            time_column("created_at").cloud_filled(),
            text("image_tag_mutability").one_of(&["IMMUTABLE", "MUTABLE"]),
            boolean("scan_on_push"),
            kind::tags(),
        ],
    )
};

/// The calls.
pub struct Repository;

#[async_trait(?Send)]
impl Resource for Repository {
    fn kind(&self) -> &'static Kind {
        &REPOSITORY
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let repositories = all_pages(op("DescribeRepositories"), async |token| {
            let page = reader
                .read(op("DescribeRepositories"), || {
                    reader
                        .ecr()
                        .describe_repositories()
                        .max_results(PAGE)
                        .set_next_token(token.clone())
                        .send()
                })
                .await?;
            Ok((page.repositories.unwrap_or_default(), page.next_token))
        })
        .await?;
        let mut objects: Vec<Object> = repositories
            .iter()
            .filter_map(|repository| object(reader, repository))
            .collect();
        tags::fill(reader, &mut objects).await?;
        Ok(objects)
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let answer = reader
            .read(op("DescribeRepositories"), || {
                reader
                    .ecr()
                    .describe_repositories()
                    .repository_names(id.as_str())
                    .send()
            })
            .await;
        let repositories = match answer {
            Err(error) if error.is_absent(&REPOSITORY.errors) => return Ok(None),
            answer => answer?.repositories.unwrap_or_default(),
        };
        let repository = repositories.first();
        let Some(mut object) = repository.and_then(|repository| object(reader, repository)) else {
            return Ok(None);
        };
        let tags = tags::of(reader, &object).await?;
        object.row.set("tags", tags);
        Ok(Some(object))
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let name = row.text("repository_name").unwrap_or_default();
        let tags = tags::sdk_tags(&row.tags());
        let answer = writer
            .create(
                op("CreateRepository"),
                || {
                    writer
                        .ecr()
                        .create_repository()
                        .repository_name(name)
                        .set_image_tag_mutability(mutability(row))
                        .image_scanning_configuration(scanning(row))
                        .set_tags((!tags.is_empty()).then(|| tags.clone()))
                        .send()
                },
                |_| Some(name.into()),
            )
            .await?;
        let made = answer
            .repository
            .and_then(|repository| object(writer.reader(), &repository));
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
        let name = object.id.as_str();
        if changed.has("image_tag_mutability") {
            writer
                .write(op("PutImageTagMutability"), || {
                    writer
                        .ecr()
                        .put_image_tag_mutability()
                        .repository_name(name)
                        .set_image_tag_mutability(mutability(row))
                        .send()
                })
                .await?;
        }
        if changed.has("scan_on_push") {
            put_scanning(writer, name, row).await?;
        }
        if changed.has("tags") {
            tags::retag(writer, object, &Retag::between(&object.row, row)).await?;
        }
        Ok(())
    }

    /// Without `force`: a repository that holds images is kept, and AWS says why.
    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        writer
            .write(op("DeleteRepository"), || {
                writer
                    .ecr()
                    .delete_repository()
                    .repository_name(object.id.as_str())
                    .send()
            })
            .await?;
        Ok(())
    }
}

fn object(reader: &Reader, repository: &types::Repository) -> Option<Object> {
    let name = repository.repository_name()?;
    let mutability = repository.image_tag_mutability();
    let scanning = repository.image_scanning_configuration();
    let row = Row::new(&REPOSITORY)
        .with("repository_name", name)
        .with("repository_arn", repository.repository_arn())
        .with("registry_id", repository.registry_id())
        .with("repository_uri", repository.repository_uri())
        .with("created_at", repository.created_at().and_then(time::text))
        .with(
            "image_tag_mutability",
            mutability.map(ImageTagMutability::as_str),
        )
        .with(
            "scan_on_push",
            scanning.is_some_and(|scanning| scanning.scan_on_push),
        )
        .with("tags", from_pairs([]));
    reader.sayable(Object::new(reader.region(), name, row))
}

fn mutability(row: &Row) -> Option<ImageTagMutability> {
    row.text("image_tag_mutability")
        .map(ImageTagMutability::from)
}

fn scanning(row: &Row) -> ImageScanningConfiguration {
    ImageScanningConfiguration::builder()
        .scan_on_push(row.bool("scan_on_push").unwrap_or_default())
        .build()
}

/// The SDK leaves `false` out of the request. ECR takes that for `false`, but an emulator may take it for no change; so
/// the request is written out.
async fn put_scanning(writer: &Writer, name: &str, row: &Row) -> Result<(), AwsError> {
    let scanning = scanning(row);
    let request = json!({
        "repositoryName": name,
        "imageScanningConfiguration": {"scanOnPush": scanning.scan_on_push},
    })
    .to_string();
    writer
        .write(op("PutImageScanningConfiguration"), || {
            let request = request.clone();
            writer
                .ecr()
                .put_image_scanning_configuration()
                .repository_name(name)
                .image_scanning_configuration(scanning.clone())
                .customize()
                .mutate_request(move |sent| {
                    let length = request.len().to_string();
                    sent.headers_mut().insert("content-length", length);
                    *sent.body_mut() = SdkBody::from(request.as_str());
                })
                .send()
        })
        .await?;
    Ok(())
}
