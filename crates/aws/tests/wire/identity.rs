//! Whose account it is, and what is said where nobody answers that.

use crate::account::{Account, keys};
use crate::replay::{ANYTHING, call};
use iasql_aws::error::{AwsError, Class};
use iasql_aws::session::Credentials;
use serde_json::json;
use std::net::TcpListener;

#[test]
fn the_caller_names_account_and_partition_and_is_asked_once() {
    let aws = Account::new([call("GetCallerIdentity", json!({})).xml(
        "<Arn>arn:aws-cn:iam::123456789012:user/ana</Arn><UserId>AIDA</UserId><Account>123456789012</Account>",
    )]);
    aws.run(async {
        for _ in 0..2 {
            let identity = aws.session().identity().await.unwrap();
            assert_eq!(identity.account_id, "123456789012");
            assert_eq!(identity.partition, "aws-cn");
            assert_eq!(identity.arn, "arn:aws-cn:iam::123456789012:user/ana");
        }
    });
}

#[test]
fn a_role_is_assumed_in_the_name_of_the_database_user() {
    const ROLE: &str = "arn:aws:iam::123456789012:role/deployer";
    let role = Credentials::Role {
        role_arn: ROLE.to_owned(),
        external_id: Some("shared".to_owned()),
        session_name: "iasql-ana".to_owned(),
        source: Box::new(keys()),
    };
    let assume = json!({"RoleArn": ROLE, "ExternalId": "shared", "RoleSessionName": "iasql-ana"});
    let aws = Account::called_with(
        role,
        [
            call("AssumeRole", assume).xml(
                "<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
                 <SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>",
            ),
            call("GetCallerIdentity", json!({})).xml(
                "<Arn>arn:aws:sts::123456789012:assumed-role/deployer/iasql-ana</Arn><Account>123456789012</Account>",
            ),
        ],
    );
    let identity = aws.run(async { aws.session().identity().await.unwrap().clone() });
    assert_eq!(
        identity.arn,
        "arn:aws:sts::123456789012:assumed-role/deployer/iasql-ana"
    );
}

fn refusal(aws: &Account) -> AwsError {
    aws.run(async { aws.session().identity().await.unwrap_err() })
}

#[test]
fn an_endpoint_that_is_no_aws_is_said_in_one_line() {
    let page = |status| call("GetCallerIdentity", json!({})).html(status);
    let error = refusal(&Account::new([page(404), page(404), page(404)]));
    assert_eq!(error.class, Class::Malformed);
    assert_eq!(
        error.to_string(),
        "sts:GetCallerIdentity: answered with HTTP 404 and a body that AWS does not send"
    );
    let error = refusal(&Account::new([page(500), page(500), page(500)]));
    assert_eq!(error.class, Class::Fault);
    assert_eq!(
        error.to_string(),
        "sts:GetCallerIdentity: answered with HTTP 500 and a body that AWS does not send"
    );
}

#[test]
fn an_endpoint_that_is_down_is_told_apart_from_an_answer_that_is_lost() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let error = refusal(&Account::at(format!("http://{address}")));
    assert_eq!(error.class, Class::NotSent);
    assert_eq!(
        error.to_string(),
        "sts:GetCallerIdentity: dispatch failure: io error: client error (Connect): tcp connect error: Connection \
         refused (os error 111)"
    );
    let lost = || call("GetCallerIdentity", json!({})).lost();
    let error = refusal(&Account::new([lost(), lost(), lost()]));
    assert_eq!(error.class, Class::NoAnswer);
}

#[test]
fn a_secret_that_the_endpoint_echoes_is_not_repeated() {
    let keys = Credentials::Keys {
        access_key_id: "AKIA".to_owned(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: Some("IQoJb3JpZ2luX2VjEJr==".to_owned()),
    };
    let refused = call("GetCallerIdentity", json!({})).error(
        403,
        "SignatureDoesNotMatch",
        "The canonical string is x-amz-security-token:IQoJb3JpZ2luX2VjEJr==, the key \
         wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYEXAMPLEKEY.",
    );
    assert_eq!(
        refusal(&Account::called_with(keys, [refused])).message,
        "The canonical string is x-amz-security-token:***, the key ***."
    );
}

#[test]
fn the_secrets_of_who_assumes_a_role_are_kept_too() {
    let role = Credentials::Role {
        role_arn: "arn:aws:iam::123456789012:role/deployer".to_owned(),
        external_id: None,
        session_name: "iasql-ana".to_owned(),
        source: Box::new(Credentials::Keys {
            access_key_id: "AKIA".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        }),
    };
    let request = json!({"RoleArn": ANYTHING, "RoleSessionName": ANYTHING});
    let refused = call("AssumeRole", request).error(
        403,
        "AccessDenied",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY may not",
    );
    let error = refusal(&Account::called_with(role, [refused]));
    assert!(error.message.contains("*** may not"), "{error}");
    assert!(!error.message.contains("EXAMPLEKEY"), "{error}");
}
