//! IAM: roles. And STS, which says who calls.

use iasql_tests::Protocol;
use serde_json::{Value as Json, json};

use super::account::{ACCOUNT, Account, Kind, TAG};
use super::collection::Shape;
use super::document::{Document, member};
use super::request::Request;
use super::{Answer, Refusal};

/// The largest page of every list.
const PAGE: usize = 1000;

const TRUST: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
    %22Principal%22%3A%7B%22Service%22%3A%22ecs-tasks.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D";

/// The role of a number.
pub fn role(number: usize) -> Shape {
    let name = format!("role-{number}");
    Shape {
        fields: fields(&name, TRUST, &json!("made for the benchmark"), &json!(3600)),
        parent: String::new(),
        id: name,
    }
}

fn fields(name: &str, trust: &str, description: &Json, session: &Json) -> Json {
    json!({
        "Path": "/", "RoleName": name, "RoleId": "AROA0123456789ABCDEFG",
        "Arn": format!("arn:aws:iam::{ACCOUNT}:role/{name}"), "CreateDate": "2024-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": trust, "Description": description, "MaxSessionDuration": session,
    })
}

/// Answers a call to IAM.
pub fn answer(account: &mut Account, request: &Request) -> Answer {
    let name = request.text("RoleName");
    let made_policies = |account: &Account| account.attached.get(name).cloned().unwrap_or_default();
    let document = Document::new(Protocol::Query);
    Ok(match request.operation.as_str() {
        "ListRoles" => {
            let size = request.page_size("MaxItems", 100, PAGE)?;
            let roles = account.of("", Kind::Role);
            let (members, next) = roles.page(request.page_start("Marker"), size);
            end(document.list("Roles", members.into_iter()), next)
        }
        "GetAccountAuthorizationDetails" => {
            let size = request.page_size("MaxItems", 100, PAGE)?;
            let attached = std::mem::take(&mut account.attached);
            let roles = account.of("", Kind::Role);
            let (ids, next) = roles.ids(request.page_start("Marker"), size);
            let details: Vec<String> = ids
                .into_iter()
                .filter_map(|id| {
                    let policies = attached.get(id).map_or(&[][..], Vec::as_slice);
                    let made = roles.is_made(id);
                    Some(member(
                        Protocol::Query,
                        &detail(roles.fields(id)?, policies, made),
                    ))
                })
                .collect();
            account.attached = attached;
            let members = details.iter().map(String::as_str);
            end(document.list("RoleDetailList", members), next)
        }
        "GetRole" => {
            let role = account.of("", Kind::Role).fields(name);
            document.field("Role", &role.ok_or_else(|| absent(name))?)
        }
        "CreateRole" => {
            let trust: String = form_urlencoded::byte_serialize(
                request.text("AssumeRolePolicyDocument").as_bytes(),
            )
            .collect();
            let session = match request.get("MaxSessionDuration") {
                Json::Null => &json!(3600),
                given => given,
            };
            let fields = fields(
                name,
                &trust.replace('+', "%20"),
                request.get("Description"),
                session,
            );
            account.of("", Kind::Role).insert(Shape {
                id: name.to_owned(),
                parent: String::new(),
                fields: fields.clone(),
            });
            document.field("Role", &fields)
        }
        "DeleteRole" => {
            account.of("", Kind::Role).remove(name);
            document
        }
        "AttachRolePolicy" => {
            let policies = account.attached.entry(name.to_owned()).or_default();
            policies.push(request.text("PolicyArn").to_owned());
            document
        }
        "DetachRolePolicy" => {
            let policies = account.attached.entry(name.to_owned()).or_default();
            policies.retain(|policy| policy != request.text("PolicyArn"));
            document
        }
        "ListAttachedRolePolicies" => {
            let policies = made_policies(account);
            end(
                document.field("AttachedPolicies", &policy_list(&policies)),
                None,
            )
        }
        "ListRoleTags" => end(document.field("Tags", &json!([])), None),
        "ListRolePolicies" => end(document.field("PolicyNames", &json!([])), None),
        "ListInstanceProfilesForRole" => end(document.field("InstanceProfiles", &json!([])), None),
        _ => return Err(Refusal::unknown(request)),
    })
}

fn absent(name: &str) -> Refusal {
    let message = format!("The role with name {name} cannot be found.");
    Refusal::new("NoSuchEntity", message)
}

fn end(document: Document, next: Option<usize>) -> Document {
    let document = document.field("IsTruncated", &json!(next.is_some()));
    document.optional("Marker", next.map(|next| next.to_string()))
}

fn policy_list(arns: &[String]) -> Json {
    let policy = |arn: &String| json!({"PolicyArn": arn, "PolicyName": arn.rsplit('/').next()});
    arns.iter().map(policy).collect()
}

/// A role as GetAccountAuthorizationDetails says it: without description and session, with policies and tags.
fn detail(mut role: Json, policies: &[String], made: bool) -> Json {
    if let Some(fields) = role.as_object_mut() {
        fields.remove("Description");
        fields.remove("MaxSessionDuration");
    }
    role["AttachedManagedPolicies"] = policy_list(policies);
    role["RolePolicyList"] = json!([]);
    role["InstanceProfileList"] = json!([]);
    if !made {
        role["Tags"] = json!([{"Key": TAG.0, "Value": TAG.1}]);
    }
    role
}

/// Answers a call to STS.
pub fn identity(request: &Request) -> Answer {
    match request.operation.as_str() {
        "GetCallerIdentity" => Ok(Document::new(Protocol::Query)
            .field("Arn", &json!(format!("arn:aws:iam::{ACCOUNT}:user/bench")))
            .field("UserId", &json!("AIDA0123456789ABCDEFG"))
            .field("Account", &json!(ACCOUNT))),
        _ => Err(Refusal::unknown(request)),
    }
}
