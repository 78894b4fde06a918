//! The calls behind roles, one function each.

use super::role::ROLE;
use super::{op, sdk_tags};
use crate::error::AwsError;
use crate::paging::{Page, all_pages};
use crate::resource::Reader;
use crate::tags::Retag;
use crate::writer::Writer;
use aws_sdk_iam::types::{AttachedPolicy, EntityType, Role, RoleDetail};
use iasql_engine::CloudId;

/// The largest page of every list.
const PAGE: i32 = 1000;

/// IAM says apart from the token of the next page whether there is one.
fn page<T>(items: Option<Vec<T>>, is_truncated: bool, marker: Option<String>) -> Page<T> {
    (items.unwrap_or_default(), marker.filter(|_| is_truncated))
}

pub async fn details(reader: &Reader) -> Result<Vec<RoleDetail>, AwsError> {
    let operation = op("GetAccountAuthorizationDetails");
    all_pages(operation, async |marker| {
        let answer = reader
            .read(operation, || {
                reader
                    .iam()
                    .get_account_authorization_details()
                    .filter(EntityType::Role)
                    .max_items(PAGE)
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        Ok(page(
            answer.role_detail_list,
            answer.is_truncated,
            answer.marker,
        ))
    })
    .await
}

pub async fn roles(reader: &Reader) -> Result<Vec<Role>, AwsError> {
    all_pages(op("ListRoles"), async |marker| {
        let answer = reader
            .read(op("ListRoles"), || {
                reader
                    .iam()
                    .list_roles()
                    .max_items(PAGE)
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        Ok(page(Some(answer.roles), answer.is_truncated, answer.marker))
    })
    .await
}

pub async fn role(reader: &Reader, id: &CloudId) -> Result<Option<Role>, AwsError> {
    let answer = reader
        .read(op("GetRole"), || {
            reader.iam().get_role().role_name(id.as_str()).send()
        })
        .await;
    match answer {
        Ok(answer) => Ok(answer.role),
        Err(error) if error.is_absent(&ROLE.errors) => Ok(None),
        Err(error) => Err(error),
    }
}

pub async fn attached_policies(
    reader: &Reader,
    id: &CloudId,
) -> Result<Vec<AttachedPolicy>, AwsError> {
    all_pages(op("ListAttachedRolePolicies"), async |marker| {
        let answer = reader
            .read(op("ListAttachedRolePolicies"), || {
                reader
                    .iam()
                    .list_attached_role_policies()
                    .role_name(id.as_str())
                    .max_items(PAGE)
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        Ok(page(
            answer.attached_policies,
            answer.is_truncated,
            answer.marker,
        ))
    })
    .await
}

/// What the role has that no column says and that keeps AWS from deleting it.
pub async fn besides(reader: &Reader, id: &CloudId) -> Result<Vec<&'static str>, AwsError> {
    let inline = reader
        .read(op("ListRolePolicies"), || {
            reader
                .iam()
                .list_role_policies()
                .role_name(id.as_str())
                .send()
        })
        .await?;
    let profiles = reader
        .read(op("ListInstanceProfilesForRole"), || {
            reader
                .iam()
                .list_instance_profiles_for_role()
                .role_name(id.as_str())
                .send()
        })
        .await?;
    Ok(named_besides(
        !inline.policy_names.is_empty(),
        !profiles.instance_profiles.is_empty(),
    ))
}

/// The same, of a role that was read with all its details.
pub fn besides_in(role: &RoleDetail) -> Vec<&'static str> {
    named_besides(
        !role.role_policy_list().is_empty(),
        !role.instance_profile_list().is_empty(),
    )
}

fn named_besides(has_inline_policies: bool, has_instance_profiles: bool) -> Vec<&'static str> {
    let inline = has_inline_policies.then_some("inline policies");
    let profiles = has_instance_profiles.then_some("instance profiles");
    inline.into_iter().chain(profiles).collect()
}

pub async fn update_trust_policy(
    writer: &Writer,
    role: &str,
    policy: &str,
) -> Result<(), AwsError> {
    writer
        .write(op("UpdateAssumeRolePolicy"), || {
            writer
                .iam()
                .update_assume_role_policy()
                .role_name(role)
                .policy_document(policy)
                .send()
        })
        .await?;
    Ok(())
}

pub async fn update_role(
    writer: &Writer,
    role: &str,
    description: Option<&str>,
    max_session_duration: Option<i32>,
) -> Result<(), AwsError> {
    writer
        .write(op("UpdateRole"), || {
            writer
                .iam()
                .update_role()
                .role_name(role)
                .set_description(description.map(str::to_owned))
                .set_max_session_duration(max_session_duration)
                .send()
        })
        .await?;
    Ok(())
}

pub async fn attach(writer: &Writer, role: &str, policy: &str) -> Result<(), AwsError> {
    writer
        .write(op("AttachRolePolicy"), || {
            writer
                .iam()
                .attach_role_policy()
                .role_name(role)
                .policy_arn(policy)
                .send()
        })
        .await?;
    Ok(())
}

/// Takes a policy from a role. That it is not attached any more is what was wanted.
pub async fn detach(writer: &Writer, role: &str, policy: &str) -> Result<(), AwsError> {
    let detach = async || {
        writer
            .delete(op("DetachRolePolicy"), || {
                writer
                    .iam()
                    .detach_role_policy()
                    .role_name(role)
                    .policy_arn(policy)
                    .send()
            })
            .await?;
        Ok(())
    };
    let is_attached = async || {
        let attached = attached_policies(writer.reader(), &role.into()).await?;
        Ok(attached.iter().any(|it| it.policy_arn() == Some(policy)))
    };
    writer.take_away(detach, is_attached).await
}

pub async fn retag(writer: &Writer, role: &str, retag: &Retag) -> Result<(), AwsError> {
    let set = |tags: Vec<(String, String)>| {
        writer
            .iam()
            .tag_role()
            .role_name(role)
            .set_tags(Some(sdk_tags(&tags)))
            .send()
    };
    let remove = |keys: Vec<String>| {
        writer
            .iam()
            .untag_role()
            .role_name(role)
            .set_tag_keys(Some(keys))
            .send()
    };
    retag
        .send(writer, (op("TagRole"), set), (op("UntagRole"), remove))
        .await
}
