//! `repository_policy` on the wire.

use crate::account::{Account, REGION};
use crate::replay::{Call, call};
use iasql_aws::ecr::repository::REPOSITORY;
use iasql_aws::ecr::repository_policy::{REPOSITORY_POLICY, RepositoryPolicy};
use iasql_aws::error::Class;
use iasql_engine::{Object, Row, Value};
use serde_json::{Value as Json, json};

fn policy() -> Json {
    json!({
        "Version": "2008-10-17",
        "Statement": [{"Sid": "pull", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                       "Action": ["ecr:BatchGetImage"]}],
    })
}

fn row(name: &str) -> Row {
    Row::new(&REPOSITORY_POLICY)
        .with("repository_name", Value::object(name))
        .with("registry_id", "123456789012")
        .with("policy_text", policy())
}

fn object(name: &str) -> Object {
    Object::new(&REGION.into(), name, row(name))
}

fn repositories(names: &[&str]) -> Vec<Call> {
    let found: Vec<Json> = names
        .iter()
        .map(|name| json!({"repositoryName": name, "repositoryArn": name, "imageTagMutability": "MUTABLE"}))
        .collect();
    vec![
        call("DescribeRepositories", json!({"maxResults": 1000}))
            .json(json!({"repositories": found})),
        call(
            "GetResources",
            json!({"ResourceTypeFilters": ["ecr:repository"], "ResourcesPerPage": 100}),
        )
        .json(json!({"ResourceTagMappingList": []})),
    ]
}

/// An account whose repositories were seen before, without tags.
fn account(names: &[&str], calls: impl IntoIterator<Item = Call>) -> Account {
    let script = repositories(names).into_iter().chain(calls);
    names.iter().fold(Account::new(script), |account, name| {
        let known = Row::new(&REPOSITORY).with("tags", json!({}));
        account.knowing(Object::new(&REGION.into(), *name, known))
    })
}

fn get(name: &str, policy: &str) -> Call {
    call("GetRepositoryPolicy", json!({"repositoryName": name})).json(json!({
        "registryId": "123456789012", "repositoryName": name, "policyText": policy,
    }))
}

fn none(name: &str, code: &'static str) -> Call {
    call("GetRepositoryPolicy", json!({"repositoryName": name})).error(400, code, "does not exist")
}

fn set(name: &str) -> crate::replay::Expected {
    call(
        "SetRepositoryPolicy",
        json!({"repositoryName": name, "policyText": policy().to_string()}),
    )
}

#[test]
fn the_list_asks_once_per_repository_and_takes_no_policy_for_no_row() {
    let spaced = serde_json::to_string_pretty(&policy()).unwrap();
    let aws = account(
        &["aa", "bare", "gone", "bb"],
        [
            get("aa", &spaced),
            none("bare", "RepositoryPolicyNotFoundException").beside(),
            none("gone", "RepositoryNotFoundException").beside(),
            get("bb", &spaced).beside(),
        ],
    );
    let policies = aws.list(&RepositoryPolicy).unwrap();
    assert_eq!(policies, [object("aa"), object("bb")]);
}

#[test]
fn a_policy_that_may_not_be_read_fails_the_whole_list() {
    let denied = call("GetRepositoryPolicy", json!({"repositoryName": "bb"})).error(
        400,
        "AccessDeniedException",
        "not authorized to perform: ecr:GetRepositoryPolicy",
    );
    let aws = account(&["aa", "bb"], [get("aa", "{}").perhaps(), denied.beside()]);
    assert_eq!(
        aws.list(&RepositoryPolicy).unwrap_err().class,
        Class::Denied
    );
}

#[test]
fn a_policy_that_is_no_json_is_left_out_and_noted() {
    let aws = account(&["aa"], [get("aa", "{")]);
    let reader = aws.reader(&RepositoryPolicy);
    let policies = aws.run(reader.objects(&RepositoryPolicy)).unwrap();
    assert_eq!(*policies, []);
    assert_eq!(reader.unsaid()[0].object.id.as_str(), "aa");
}

#[test]
fn describe_reads_one_policy() {
    let aws = Account::new([
        get("aa", &policy().to_string()),
        none("bare", "RepositoryPolicyNotFoundException"),
    ]);
    assert_eq!(
        aws.describe(&RepositoryPolicy, "aa").unwrap(),
        Some(object("aa"))
    );
    assert_eq!(aws.describe(&RepositoryPolicy, "bare").unwrap(), None);
}

#[test]
fn create_sets_the_policy_and_reads_it_from_the_answer() {
    let aws = Account::new([set("aa").json(json!({
        "registryId": "123456789012", "repositoryName": "aa", "policyText": policy().to_string(),
    }))]);
    let wanted = row("aa").with("registry_id", Value::Null);
    let step = aws.create(&RepositoryPolicy, &wanted);
    assert_eq!(step.result.unwrap(), object("aa"));
    assert_eq!(step.made, ["aa".into()]);
}

#[test]
fn create_waits_for_a_principal_that_was_made_moments_ago() {
    let aws = Account::new([
        set("aa").error(
            400,
            "InvalidParameterException",
            "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'",
        ),
        set("aa").json(json!({"registryId": "123456789012", "policyText": policy().to_string()})),
    ]);
    let step = aws.create(&RepositoryPolicy, &row("aa"));
    step.result.unwrap();
    assert_eq!(step.waited.len(), 1);
}

#[test]
fn a_policy_that_is_wrong_is_not_waited_for() {
    let aws = Account::new([set("aa").error(
        400,
        "InvalidParameterException",
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
    )]);
    let step = aws.create(&RepositoryPolicy, &row("aa"));
    assert_eq!(step.result.unwrap_err().class, Class::Refused);
    assert_eq!(step.waited, Vec::<String>::new());
}

#[test]
fn a_row_without_a_policy_is_refused_before_any_call() {
    let aws = Account::new([]);
    let empty = row("aa").with("policy_text", Value::Null);
    let error = aws.create(&RepositoryPolicy, &empty).result.unwrap_err();
    assert_eq!(error.class, Class::Unsupported);
    assert_eq!(
        error.message,
        "policy_text is NULL: a repository without a policy has no row here"
    );
}

#[test]
fn an_update_sets_the_policy_again() {
    let aws = Account::new([set("aa").json(json!({}))]);
    let mut before = object("aa");
    before.row.set("policy_text", json!({"Statement": []}));
    let step = aws.update(&RepositoryPolicy, &before, &row("aa"), &["policy_text"]);
    step.result.unwrap();
}

#[test]
fn delete_deletes_the_policy_and_its_absence_is_known() {
    let delete = || call("DeleteRepositoryPolicy", json!({"repositoryName": "aa"}));
    let aws = Account::new([
        delete().json(json!({})),
        delete().error(400, "RepositoryPolicyNotFoundException", "does not exist"),
        delete().error(400, "RepositoryNotFoundException", "does not exist"),
    ]);
    aws.delete(&RepositoryPolicy, &object("aa")).result.unwrap();
    for _ in 0..2 {
        let error = aws
            .delete(&RepositoryPolicy, &object("aa"))
            .result
            .unwrap_err();
        assert!(error.is_absent(&REPOSITORY_POLICY.errors));
    }
}
