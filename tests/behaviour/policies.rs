//! Policy documents are compared by what they mean.

use iasql_tests::{Fixture, Result, Service};
use serde_json::json;

use crate::{apply, assert_settled, writing_calls};

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"Service": ["ecs-tasks.amazonaws.com", "ec2.amazonaws.com"], "AWS": "123456789012"}}]}"#;
const SAME_TRUST: &str = r#"{"Statement": {"Principal": {"AWS": ["arn:aws:iam::123456789012:root"],
    "Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]}, "Action": ["sts:AssumeRole"], "Effect": "Allow"},
    "Version": "2012-10-17"}"#;

#[test]
fn a_trust_policy_said_in_other_words_is_no_change() -> Result {
    let fixture = Fixture::with(&["aws_iam"])?;
    let mut session = fixture.session()?;
    session.query(&format!(
        "INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '{TRUST}')"
    ))?;
    apply(&mut session)?;
    session.query(&format!(
        "UPDATE role SET assume_role_policy_document = '{SAME_TRUST}'"
    ))?;
    assert_settled(&fixture, &mut session)?;
    // The same in the cloud: what somebody else wrote in other words is no drift.
    let theirs = [("RoleName", "r"), ("PolicyDocument", TRUST)];
    fixture
        .cloud()
        .query(Service::Iam, "UpdateAssumeRolePolicy", &theirs)?;
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_trust_policy_with_another_meaning_is_changed_in_place() -> Result {
    let fixture = Fixture::with(&["aws_iam"])?;
    let mut session = fixture.session()?;
    session.query(&format!(
        "INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '{TRUST}')"
    ))?;
    apply(&mut session)?;
    fixture.proxy().forget_calls();
    session.query(
        "UPDATE role SET assume_role_policy_document =
             jsonb_set(assume_role_policy_document, '{Statement,0,Effect}', '\"Deny\"')",
    )?;
    assert_eq!(apply(&mut session)?, ["update role"]);
    assert_eq!(writing_calls(&fixture), ["UpdateAssumeRolePolicy"]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn attached_policies_have_no_order_and_are_attached_before_others_are_detached() -> Result {
    let fixture = Fixture::with(&["aws_iam"])?;
    let mut session = fixture.session()?;
    let arn = |name: &str| format!("arn:aws:iam::aws:policy/{name}");
    let (one, two, three) = (
        arn("ReadOnlyAccess"),
        arn("AmazonEC2FullAccess"),
        arn("AmazonS3FullAccess"),
    );
    session.query(&format!(
        "INSERT INTO role (role_name, assume_role_policy_document, attached_policies_arns)
         VALUES ('r', '{TRUST}', '{{{one},{two}}}')"
    ))?;
    apply(&mut session)?;
    session.query(&format!(
        "UPDATE role SET attached_policies_arns = '{{{two},{one}}}'"
    ))?;
    assert_settled(&fixture, &mut session)?;
    fixture.proxy().forget_calls();
    session.query(&format!(
        "UPDATE role SET attached_policies_arns = '{{{two},{three}}}'"
    ))?;
    assert_eq!(apply(&mut session)?, ["update role"]);
    assert_eq!(
        writing_calls(&fixture),
        ["AttachRolePolicy", "DetachRolePolicy"]
    );
    session.query("UPDATE role SET attached_policies_arns = NULL")?;
    apply(&mut session)?;
    let attached = fixture.cloud().query(
        Service::Iam,
        "ListAttachedRolePolicies",
        &[("RoleName", "r")],
    )?;
    assert!(!attached.contains("PolicyArn>"), "{attached}");
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_repository_policy_is_made_compared_by_meaning_changed_and_deleted() -> Result {
    let fixture = Fixture::with(&["aws_ecr"])?;
    let mut session = fixture.session()?;
    session.query(
        r#"INSERT INTO repository (repository_name) VALUES ('with'), ('without');
           INSERT INTO repository_policy (repository_name, policy_text) VALUES ('with',
           '{"Version": "2012-10-17", "Statement": [{"Sid": "a", "Effect": "Allow", "Principal": "*",
             "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}]}')"#,
    )?;
    let mut done = apply(&mut session)?;
    done.sort();
    assert_eq!(
        done,
        [
            "create repository",
            "create repository",
            "create repository_policy"
        ]
    );
    assert_settled(&fixture, &mut session)?;
    session.query(
        r#"UPDATE repository_policy SET policy_text = '{"Statement": {"Effect": "Allow", "Sid": "a",
             "Principal": {"AWS": ["*"]}, "Action": ["ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]},
             "Version": "2012-10-17"}'"#,
    )?;
    assert_settled(&fixture, &mut session)?;
    session.query(
        "UPDATE repository_policy SET policy_text = replace(policy_text, 'Allow', 'Deny')",
    )?;
    assert_eq!(apply(&mut session)?, ["update repository_policy"]);
    let policy = || {
        let input = json!({"repositoryName": "with"});
        fixture
            .cloud()
            .json(Service::Ecr, "GetRepositoryPolicy", &input)
    };
    assert!(
        policy()?["policyText"]
            .as_str()
            .is_some_and(|text| text.contains("Deny"))
    );
    assert_settled(&fixture, &mut session)?;
    session.query("DELETE FROM repository_policy")?;
    assert_eq!(apply(&mut session)?, ["delete repository_policy"]);
    assert!(policy().is_err());
    assert_settled(&fixture, &mut session)
}
