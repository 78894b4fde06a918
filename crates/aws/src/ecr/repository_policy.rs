//! `repository_policy`: the policy of a private repository. A repository without one has no row.

use super::op;
use super::repository::Repository;
use crate::error::AwsError;
use crate::paging::side_by_side;
use crate::resource::{Changed, Reader, Resource};
use crate::writer::Writer;
use async_trait::async_trait;
use aws_sdk_ecr::operation::set_repository_policy::builders::SetRepositoryPolicyFluentBuilder;
use iasql_engine::kind::{Errors, Kind, policy, refers_by_name, text};
use iasql_engine::{CloudId, Object, Row, Value};
use serde_json::Value as Json;

/// The table.
pub static REPOSITORY_POLICY: Kind = Kind {
    errors: Errors {
        absent: &[
            "RepositoryPolicyNotFoundException",
            "RepositoryNotFoundException",
        ],
        // The policy may name a role that was made moments ago:
        // <https://github.com/hashicorp/terraform-provider-aws/issues/39064>.
        propagation: &["InvalidParameterException:Principal not found"],
        ..Errors::NONE
    },
    ..Kind::regional(
        "repository_policy",
        &[
            refers_by_name("repository_name", "repository", "repository_name")
                .belongs()
                .key()
                .create_only(),
            text("registry_id").cloud_filled(),
            policy("policy_text").chosen_when_null(),
        ],
    )
};

/// The calls.
pub struct RepositoryPolicy;

#[async_trait(?Send)]
impl Resource for RepositoryPolicy {
    fn kind(&self) -> &'static Kind {
        &REPOSITORY_POLICY
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let repositories = reader.objects(&Repository).await?;
        let policies = side_by_side(repositories.iter(), |repository| {
            self.describe(reader, &repository.id)
        })
        .await?;
        Ok(policies.into_iter().flatten().collect())
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let answer = reader
            .read(op("GetRepositoryPolicy"), || {
                reader
                    .ecr()
                    .get_repository_policy()
                    .repository_name(id.as_str())
                    .send()
            })
            .await;
        match answer {
            Ok(answer) => Ok(object(reader, id, answer.registry_id, answer.policy_text)),
            Err(error) if error.is_absent(&REPOSITORY_POLICY.errors) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let operation = op("SetRepositoryPolicy");
        let Some(id) = row.object("repository_name") else {
            let message = "the repository of this policy does not exist";
            return Err(AwsError::unsupported(operation, message));
        };
        let policy = policy_text(row)?;
        let answer = writer
            .create(
                operation,
                || set_policy(writer, id, &policy).send(),
                |_| Some(id.clone()),
            )
            .await?;
        let reader = writer.reader();
        let made = object(reader, id, answer.registry_id, answer.policy_text);
        writer.made(made, operation)
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        if changed.has("policy_text") {
            let policy = policy_text(row)?;
            writer
                .write(op("SetRepositoryPolicy"), || {
                    set_policy(writer, &object.id, &policy).send()
                })
                .await?;
        }
        Ok(())
    }

    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        writer
            .write(op("DeleteRepositoryPolicy"), || {
                writer
                    .ecr()
                    .delete_repository_policy()
                    .repository_name(object.id.as_str())
                    .send()
            })
            .await?;
        Ok(())
    }
}

fn object(
    reader: &Reader,
    repository: &CloudId,
    registry_id: Option<String>,
    policy_text: Option<String>,
) -> Option<Object> {
    let Ok(policy) = serde_json::from_str::<Json>(&policy_text.unwrap_or_default()) else {
        let why = "its policy is no JSON document";
        reader.cannot_say(&REPOSITORY_POLICY, repository, why);
        return None;
    };
    let row = Row::new(&REPOSITORY_POLICY)
        .with("repository_name", repository.clone())
        .with("registry_id", registry_id)
        .with("policy_text", Value::from(policy));
    Some(Object::new(reader.region(), repository.clone(), row))
}

fn policy_text(row: &Row) -> Result<String, AwsError> {
    let policy = row.json("policy_text").map(|policy| policy.to_string());
    policy.ok_or_else(|| {
        let message = "policy_text is NULL: a repository without a policy has no row here";
        AwsError::unsupported(op("SetRepositoryPolicy"), message)
    })
}

fn set_policy(
    writer: &Writer,
    repository: &CloudId,
    policy: &str,
) -> SetRepositoryPolicyFluentBuilder {
    writer
        .ecr()
        .set_repository_policy()
        .repository_name(repository.as_str())
        .policy_text(policy)
}
