//! Deletes and replacements of `role` on the wire.

use crate::account::Account;
use crate::replay::{Call, Expected, call};
use crate::role::{
    EXECUTION, READ_ONLY, done, more, object, policies, role, roles, row, take_its_policy_away,
    trust,
};
use iasql_aws::error::Class;
use iasql_aws::iam::role::{ROLE, Role};
use serde_json::json;

/// The calls that look for what no column says.
fn besides(name: &str, inline: &str, profiles: &str) -> [Call; 2] {
    [
        call("ListRolePolicies", json!({"RoleName": name})).xml(&format!(
            "<PolicyNames>{inline}</PolicyNames>{}",
            more(None)
        )),
        call("ListInstanceProfilesForRole", json!({"RoleName": name})).xml(&format!(
            "<InstanceProfiles>{profiles}</InstanceProfiles>{}",
            more(None)
        )),
    ]
}
const INLINE: &str = "<member>s3</member>";
const PROFILE: &str = "<member><Path>/</Path><InstanceProfileName>web</InstanceProfileName>\
    <InstanceProfileId>AIPA</InstanceProfileId><Arn>arn:aws:iam::123456789012:instance-profile/web</Arn>\
    <CreateDate>2024-01-01T00:00:00Z</CreateDate><Roles/></member>";

#[test]
fn delete_detaches_first_and_goes_on_when_a_policy_is_gone_already() {
    let aws = Account::new(besides("a", "", "").into_iter().chain([
        detach(EXECUTION).xml(""),
        detach(READ_ONLY).error(404, "NoSuchEntity", "Policy was not found."),
        attached("a", &[]),
        done("DeleteRole", json!({"RoleName": "a"})),
    ]));
    let step = aws.delete(&Role, &object("a", &[EXECUTION, READ_ONLY]));
    step.result.unwrap();
    assert_eq!(step.waited, Vec::<String>::new());
}

#[test]
fn a_policy_that_is_said_not_to_be_attached_and_is_listed_is_detached_again() {
    let not_found = || detach(EXECUTION).error(404, "NoSuchEntity", "Policy was not found.");
    let aws = Account::new([
        not_found(),
        attached("a", &[READ_ONLY, EXECUTION]),
        not_found(),
        attached("a", &[EXECUTION]),
        detach(EXECUTION).xml(""),
    ]);
    let step = take_its_policy_away(&aws);
    step.result.unwrap();
    assert_eq!(step.waited.len(), 2);
}

#[test]
fn a_policy_of_a_role_that_is_gone_is_not_said_to_be_detached() {
    let aws = Account::new([
        detach(EXECUTION).error(404, "NoSuchEntity", "The role cannot be found."),
        list_attached("a").error(404, "NoSuchEntity", "The role cannot be found."),
    ]);
    let step = take_its_policy_away(&aws);
    assert!(step.result.unwrap_err().is_absent(&ROLE.errors));
}

fn detach(policy: &str) -> Expected {
    call(
        "DetachRolePolicy",
        json!({"RoleName": "a", "PolicyArn": policy}),
    )
}

fn list_attached(role: &str) -> Expected {
    let request = json!({"RoleName": role, "MaxItems": "1000"});
    call("ListAttachedRolePolicies", request)
}

/// What ListAttachedRolePolicies answers with.
fn attached(role: &str, arns: &[&str]) -> Call {
    list_attached(role).xml(&format!(
        "<AttachedPolicies>{}</AttachedPolicies>{}",
        policies(arns),
        more(None)
    ))
}

#[test]
fn a_role_with_inline_policies_is_not_deleted_and_keeps_its_managed_ones() {
    let aws = Account::new(besides("a", INLINE, PROFILE));
    let error = aws
        .delete(&Role, &object("a", &[EXECUTION]))
        .result
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "iam:DeleteRole: the role a has inline policies and instance profiles, which no column says; take them away \
         first"
    );
}

#[test]
fn what_the_run_has_read_of_a_role_is_not_asked_for_before_its_delete() {
    let inline = "<member><PolicyName>s3</PolicyName><PolicyDocument>p</PolicyDocument></member>";
    let read = |name: &str, more: &str| {
        let request = json!({"MaxItems": "1000", "Filter.member.1": "Role"});
        let detail = call("GetAccountAuthorizationDetails", request).xml(&format!(
            "<RoleDetailList><member><RoleName>{name}</RoleName>{more}</member></RoleDetailList>{}",
            self::more(None)
        ));
        let list = roles(None, None, &[role(name, "/", "")]);
        [detail, list.beside()]
    };
    let aws = Account::new(read("a", "").into_iter().chain([
        done(
            "DetachRolePolicy",
            json!({"RoleName": "a", "PolicyArn": EXECUTION}),
        ),
        done("DeleteRole", json!({"RoleName": "a"})),
    ]));
    aws.list(&Role).unwrap();
    let step = aws.delete(&Role, &object("a", &[EXECUTION]));
    step.result.unwrap();

    let more = format!(
        "<RolePolicyList>{inline}</RolePolicyList><InstanceProfileList>{PROFILE}</InstanceProfileList>"
    );
    let aws = Account::new(read("a", &more));
    aws.list(&Role).unwrap();
    let step = aws.delete(&Role, &object("a", &[EXECUTION]));
    assert_eq!(
        step.result.unwrap_err().message,
        "the role a has inline policies and instance profiles, which no column says; take them away first"
    );
}

#[test]
fn a_delete_that_aws_refuses_is_not_waited_for() {
    let refused = call("DeleteRole", json!({"RoleName": "a"})).error(
        409,
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
    );
    let aws = Account::new(besides("a", "", "").into_iter().chain([refused]));
    let step = aws.delete(&Role, &object("a", &[]));
    assert_eq!(
        step.result.unwrap_err().to_string(),
        "iam:DeleteRole: DeleteConflict: Cannot delete entity, must detach all policies first."
    );
    assert_eq!(step.waited, Vec::<String>::new());
}

#[test]
fn a_role_that_is_gone_before_its_delete_is_said_to_be_absent() {
    let aws = Account::new([call("ListRolePolicies", json!({"RoleName": "a"})).error(
        404,
        "NoSuchEntity",
        "The role with name a cannot be found.",
    )]);
    let error = aws.delete(&Role, &object("a", &[])).result.unwrap_err();
    assert!(error.is_absent(&ROLE.errors));
}

/// What CreateRole and the calls before it are given when `new` takes the place of `old`.
fn get_old(more: &str) -> Call {
    call("GetRole", json!({"RoleName": "old"}))
        .xml(&format!("<Role>{}</Role>", role("old", "/", more)))
}
fn create_new() -> Call {
    let request = json!({"RoleName": "new", "AssumeRolePolicyDocument": trust().to_string()});
    call("CreateRole", request).xml(&format!("<Role>{}</Role>", role("new", "/", "")))
}

#[test]
fn a_replacement_that_would_lose_what_no_column_says_is_not_begun() {
    let boundary = "<PermissionsBoundary><PermissionsBoundaryArn>b</PermissionsBoundaryArn></PermissionsBoundary>";
    let calls = [get_old(boundary)].into_iter();
    let aws = Account::new(calls.chain(besides("old", INLINE, ""))).replacing(object("old", &[]));
    let error = aws.create(&Role, &row("new")).result.unwrap_err();
    assert_eq!(error.class, Class::Unsupported);
    assert_eq!(
        error.message,
        "the role old has inline policies and a permissions boundary, which no column says; take them away first"
    );
}

#[test]
fn a_role_takes_the_place_of_one_that_has_no_more_than_the_columns_say() {
    let calls = [get_old("")].into_iter();
    let calls = calls.chain(besides("old", "", "")).chain([create_new()]);
    let aws = Account::new(calls).replacing(object("old", &[]));
    aws.create(&Role, &row("new")).result.unwrap();
}

#[test]
fn a_role_takes_the_place_of_one_that_is_gone() {
    let gone = call("GetRole", json!({"RoleName": "old"})).error(
        404,
        "NoSuchEntity",
        "The role with name old cannot be found.",
    );
    let aws = Account::new([gone, create_new()]).replacing(object("old", &[]));
    aws.create(&Role, &row("new")).result.unwrap();
}
