//! `role`: an IAM role with its trust policy and its attached managed policies.

use super::{calls, document, op, sdk_tags};
use crate::error::AwsError;
use crate::operation::Operation;
use crate::resource::{Changed, Reader, Resource};
use crate::tags::Retag;
use crate::writer::Writer;
use async_trait::async_trait;
use aws_sdk_iam::types::{self, AttachedPolicy, RoleDetail, Tag};
use futures::future::try_join;
use iasql_engine::kind::{Errors, Kind, int, policy, set, tags, text};
use iasql_engine::object::Owner;
use iasql_engine::{CloudId, Object, Row, Value};
use std::collections::HashMap;

/// The table.
pub static ROLE: Kind = Kind {
    errors: Errors {
        absent: &["NoSuchEntity"],
        // Not DeleteConflict: inline policies and instance profiles do not go away by waiting.
        in_use: &["ConcurrentModification"],
        // A trust policy may name a role that was made moments ago, and the role's own policies follow its making.
        propagation: &[
            "MalformedPolicyDocument:Invalid principal in policy",
            "NoSuchEntity:The role with name",
        ],
    },
    align: Some(align),
    ..Kind::global(
        "role",
        &[
            text("role_name").key().cloud_id(),
            text("arn").cloud_filled(),
            policy("assume_role_policy_document"),
            text("description").chosen_when_null(),
            set("attached_policies_arns"),
            text("path").create_only().chosen_when_null(),
            int("max_session_duration").chosen_when_null(),
            tags(),
        ],
    )
};

/// Seconds, where CreateRole and UpdateRole are not told:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>.
const DEFAULT_SESSION: i32 = 3600;

/// The path of roles that an AWS service makes for itself.
const SERVICE_LINKED: &str = "/aws-service-role/";

/// The calls.
pub struct Role;

#[async_trait(?Send)]
impl Resource for Role {
    fn kind(&self) -> &'static Kind {
        &ROLE
    }

    /// One call knows the policies and the tags, the other the description and the longest session.
    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let (details, roles) = try_join(calls::details(reader), calls::roles(reader)).await?;
        let details: HashMap<&str, &RoleDetail> = details
            .iter()
            .filter_map(|detail| Some((detail.role_name()?, detail)))
            .collect();
        let objects = roles.iter().filter_map(|role| {
            let detail = details.get(role.role_name())?;
            // Deletes ask for it.
            let seen = reader.session().seen();
            seen.keep_besides(
                reader.key(&ROLE, &role.role_name().into()),
                calls::besides_in(detail),
            );
            object(
                reader,
                role,
                detail.attached_managed_policies(),
                detail.tags(),
            )
        });
        Ok(objects.collect())
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let Some(role) = calls::role(reader, id).await? else {
            return Ok(None);
        };
        let policies = calls::attached_policies(reader, id).await?;
        Ok(object(reader, &role, &policies, role.tags()))
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        if let Some(replaced) = writer.replaces() {
            lose_nothing(writer.reader(), &replaced.id).await?;
        }
        let name = row.text("role_name").unwrap_or_default();
        let tags = sdk_tags(&row.tags());
        let answer = writer
            .create(
                op("CreateRole"),
                || {
                    writer
                        .iam()
                        .create_role()
                        .role_name(name)
                        .assume_role_policy_document(trust_policy(row))
                        .set_description(row.text("description").map(str::to_owned))
                        .set_path(row.text("path").map(str::to_owned))
                        .set_max_session_duration(row.int("max_session_duration"))
                        .set_tags((!tags.is_empty()).then(|| tags.clone()))
                        .send()
                },
                |_| Some(name.into()),
            )
            .await?;
        for policy in row.list("attached_policies_arns") {
            calls::attach(writer, name, policy).await?;
        }
        let made = answer.role.ok_or_else(|| {
            AwsError::malformed(op("CreateRole"), "the answer says nothing of the role")
        })?;
        let mut row = row
            .clone()
            .with("arn", made.arn())
            .with("path", made.path());
        or_default(&mut row, "description", "");
        or_default(&mut row, "max_session_duration", DEFAULT_SESSION);
        Ok(Object::new(writer.region(), name, row))
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        let name = object.id.as_str();
        if changed.has("assume_role_policy_document") {
            calls::update_trust_policy(writer, name, &trust_policy(row)).await?;
        }
        if changed.any(&["description", "max_session_duration"]) {
            // What UpdateRole is not told it sets to the default, so it is always told both.
            let description = row.text("description");
            let session = row.int("max_session_duration");
            calls::update_role(
                writer,
                name,
                description.or(object.row.text("description")),
                session.or(object.row.int("max_session_duration")),
            )
            .await?;
        }
        if changed.has("attached_policies_arns") {
            let before = object.row.list("attached_policies_arns");
            let after = row.list("attached_policies_arns");
            // Attached first: what both the old and the new policies allow stays allowed all the time.
            for policy in after.iter().filter(|policy| !before.contains(policy)) {
                calls::attach(writer, name, policy).await?;
            }
            for policy in before.iter().filter(|policy| !after.contains(policy)) {
                calls::detach(writer, name, policy).await?;
            }
        }
        if changed.has("tags") {
            calls::retag(writer, name, &Retag::between(&object.row, row)).await?;
        }
        Ok(())
    }

    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        let name = object.id.as_str();
        // AWS would refuse the delete, after the detaches have taken from the role what it needs. What the run began with
        // is believed: whatever the role has got since, AWS does not delete it then either, and the detaches were asked for.
        let seen = writer.session().seen();
        let besides = match seen.besides(&ROLE, writer.region(), &object.id) {
            Some(besides) => besides,
            None => calls::besides(writer.reader(), &object.id).await?,
        };
        nothing_besides(op("DeleteRole"), &object.id, &besides)?;
        for policy in object.row.list("attached_policies_arns") {
            calls::detach(writer, name, policy).await?;
        }
        writer
            .delete(op("DeleteRole"), || {
                writer.iam().delete_role().role_name(name).send()
            })
            .await?;
        Ok(())
    }
}

/// No attached policies: the row may say so by NULL or by an empty list.
fn align(object: &mut Row, row: &Row) {
    if object.list("attached_policies_arns").is_empty()
        && row.list("attached_policies_arns").is_empty()
    {
        object.set(
            "attached_policies_arns",
            row.get("attached_policies_arns").clone(),
        );
    }
}

fn object(
    reader: &Reader,
    role: &types::Role,
    policies: &[AttachedPolicy],
    tags: &[Tag],
) -> Option<Object> {
    let name = role.role_name();
    let Some(trust_policy) = role.assume_role_policy_document().and_then(document) else {
        reader.cannot_say(&ROLE, &name.into(), "its trust policy is no JSON document");
        return None;
    };
    let policies = policies
        .iter()
        .filter_map(|policy| policy.policy_arn.clone());
    let row = Row::new(&ROLE)
        .with("role_name", name)
        .with("arn", role.arn())
        .with("assume_role_policy_document", trust_policy)
        .with("description", role.description().unwrap_or_default())
        .with("attached_policies_arns", policies.collect::<Vec<_>>())
        .with("path", role.path())
        .with("max_session_duration", role.max_session_duration())
        .with("tags", super::tags(tags));
    let mut object = Object::new(reader.region(), name, row);
    if role.path().starts_with(SERVICE_LINKED) {
        object.owner = Owner::Account;
    }
    Some(object)
}

/// A role that takes another's place has only what the columns say. Where the other one has more, nothing is begun.
async fn lose_nothing(reader: &Reader, replaced: &CloudId) -> Result<(), AwsError> {
    let Some(role) = calls::role(reader, replaced).await? else {
        return Ok(());
    };
    let mut besides = calls::besides(reader, replaced).await?;
    if role.permissions_boundary.is_some() {
        besides.push("a permissions boundary");
    }
    nothing_besides(op("CreateRole"), replaced, &besides)
}

/// Refuses to do away with what no column says.
fn nothing_besides(operation: Operation, role: &CloudId, besides: &[&str]) -> Result<(), AwsError> {
    if besides.is_empty() {
        return Ok(());
    }
    let besides = besides.join(" and ");
    let message =
        format!("the role {role} has {besides}, which no column says; take them away first");
    Err(AwsError::unsupported(operation, message))
}

fn or_default(row: &mut Row, column: &str, default: impl Into<Value>) {
    if row.get(column).is_null() {
        row.set(column, default);
    }
}

fn trust_policy(row: &Row) -> String {
    row.json("assume_role_policy_document")
        .map(|policy| policy.to_string())
        .unwrap_or_default()
}
