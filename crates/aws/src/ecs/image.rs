//! A container's image: one text in AWS, several columns in a row.

use crate::ecr::public_repository::PublicRepository;
use crate::ecr::repository::Repository;
use crate::error::AwsError;
use crate::resource::{Reader, Resource};
use iasql_engine::{CloudId, Object, Ref, Region, Row, Value};
use std::collections::HashMap;

/// The account's own repositories, by the address that their images are pulled from.
pub struct Repositories(HashMap<String, (&'static str, CloudId)>);

impl Repositories {
    /// Those of the reader's region, and the public ones. Where the public ones cannot be read, their images are
    /// text like those of strangers.
    pub async fn read(reader: &Reader) -> Result<Repositories, AwsError> {
        let global = reader.in_region(&Region::default());
        let (private, public) = futures::join!(
            reader.objects(&Repository),
            global.objects(&PublicRepository)
        );
        let mut addresses = HashMap::new();
        let mut note = |column, repository: &Object| {
            if let Some(address) = repository.row.text("repository_uri") {
                addresses.insert(address.to_owned(), (column, repository.id.clone()));
            }
        };
        for repository in private?.iter() {
            note("repository_name", repository);
        }
        for repository in public.iter().flat_map(|repositories| repositories.iter()) {
            note("public_repository_name", repository);
        }
        Ok(Repositories(addresses))
    }

    /// Sets the image's columns: one of the account's own repositories, or else the image's name; tag or digest.
    pub fn fill(&self, row: &mut Row, image: &str) {
        let (name, tag, digest) = split(image);
        match self.0.get(name) {
            Some((column, repository)) => row.set(column, repository.clone()),
            None => row.set("image", name),
        }
        row.set("tag", tag);
        row.set("digest", digest);
    }

    /// Says the image of a container by its address where its repository is no longer there.
    pub fn restate(&self, container: &mut Row, registry: &str) {
        let Some(repository) = container.object("repository_name") else {
            return;
        };
        if self.0.contains_key(&format!("{registry}/{repository}")) {
            return;
        }
        if let Some(address) = address(container, registry) {
            container.set("repository_name", Value::Null);
            self.fill(container, &address);
        }
    }
}

/// The host of an account's private registry in a region.
pub fn registry(partition: &str, region: &str, account: &str) -> String {
    let domain = match partition {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    };
    format!("{account}.dkr.ecr.{region}.{domain}")
}

/// The host of the private registry of the account and the region that an ARN names.
pub fn registry_of(arn: &str) -> Option<String> {
    let mut parts = arn.split(':').skip(1);
    let partition = parts.next()?;
    let region = parts.nth(1)?;
    Some(registry(partition, region, parts.next()?))
}

/// The image of a container's row as AWS writes it. None where the row does not say the address: that of a public
/// repository has an alias in it that AWS gives, and a repository that is still to be made has none.
pub fn address(container: &Row, registry: &str) -> Option<String> {
    let private = container.get("repository_name");
    let public = container.get("public_repository_name");
    match (private, public) {
        (Value::Ref(Ref::Object(name)), _) => Some(join(container, &format!("{registry}/{name}"))),
        (Value::Null, Value::Null) => Some(join(container, container.text("image")?)),
        _ => None,
    }
}

/// The same for one that is about to be registered: AWS is asked for the address of a public repository.
pub async fn resolve(
    reader: &Reader,
    container: &Row,
    registry: &str,
) -> Result<Option<String>, AwsError> {
    if let Some(address) = address(container, registry) {
        return Ok(Some(address));
    }
    let Some(name) = container.object("public_repository_name") else {
        return Ok(None);
    };
    let global = reader.in_region(&Region::default());
    let repository = PublicRepository.describe(&global, name).await?;
    Ok(repository
        .as_ref()
        .and_then(|repository| repository.row.text("repository_uri"))
        .map(|address| join(container, address)))
}

fn join(container: &Row, name: &str) -> String {
    match (container.text("tag"), container.text("digest")) {
        (_, Some(digest)) => format!("{name}@{digest}"),
        (Some(tag), None) => format!("{name}:{tag}"),
        (None, None) => name.to_owned(),
    }
}

/// The name, the tag and the digest. Where there are both, the tag stays with the name: a row has room for one.
fn split(image: &str) -> (&str, Option<&str>, Option<&str>) {
    if let Some((name, digest)) = image.split_once('@') {
        return (name, None, Some(digest));
    }
    // A colon before the last slash is that of the registry's port.
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag), None),
        _ => (image, None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::container_definition::CONTAINER_DEFINITION;

    const REGISTRY: &str = "123456789012.dkr.ecr.us-east-2.amazonaws.com";

    #[test]
    fn an_image_reads_back_as_it_was_written() {
        let repositories = Repositories(HashMap::from([(
            format!("{REGISTRY}/team/app"),
            ("repository_name", CloudId::from("team/app")),
        )]));
        for image in [
            "nginx",
            "nginx:1.25",
            "nginx@sha256:0123",
            "nginx:1.25@sha256:0123",
            "localhost:5000/nginx",
            "localhost:5000/nginx:1.25",
            "123456789012.dkr.ecr.us-east-2.amazonaws.com/team/app:v1",
            "123456789012.dkr.ecr.us-east-2.amazonaws.com/other:v1",
        ] {
            let mut row = Row::new(&CONTAINER_DEFINITION);
            repositories.fill(&mut row, image);
            assert_eq!(address(&row, REGISTRY).as_deref(), Some(image));
            assert!(row.get("tag").is_null() || row.get("digest").is_null());
        }
    }

    #[test]
    fn an_image_of_an_own_repository_refers_to_it() {
        let repositories = Repositories(HashMap::from([(
            format!("{REGISTRY}/app"),
            ("repository_name", CloudId::from("app")),
        )]));
        let mut row = Row::new(&CONTAINER_DEFINITION);
        repositories.fill(&mut row, &format!("{REGISTRY}/app:v1"));
        assert_eq!(row.object("repository_name"), Some(&CloudId::from("app")));
        assert_eq!((row.text("image"), row.text("tag")), (None, Some("v1")));
    }

    #[test]
    fn an_image_of_a_repository_that_is_gone_is_text() {
        let mut row = Row::new(&CONTAINER_DEFINITION)
            .with("repository_name", CloudId::from("app"))
            .with("tag", "v1");
        let there = format!("{REGISTRY}/app");
        let repositories = Repositories(HashMap::from([(
            there.clone(),
            ("repository_name", "app".into()),
        )]));
        let before = row.clone();
        repositories.restate(&mut row, REGISTRY);
        assert_eq!(row, before);
        Repositories(HashMap::new()).restate(&mut row, REGISTRY);
        assert_eq!(row.object("repository_name"), None);
        assert_eq!(row.text("image"), Some(there.as_str()));
        assert_eq!(row.text("tag"), Some("v1"));
    }

    #[test]
    fn each_partition_has_its_domain() {
        assert_eq!(
            registry_of("arn:aws:ecs:us-east-2:123456789012:task-definition/app:1").as_deref(),
            Some(REGISTRY)
        );
        assert_eq!(
            registry("aws-cn", "cn-north-1", "123456789012"),
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"
        );
    }
}
