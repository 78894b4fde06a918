//! `public_repository` on the wire.

use crate::account::Account;
use crate::replay::{Call, call};
use iasql_aws::ecr::public_repository::{PUBLIC_REPOSITORY, PublicRepository};
use iasql_aws::error::Class;
use iasql_engine::{Object, Row};
use serde_json::{Value as Json, json};

fn arn(name: &str) -> String {
    format!("arn:aws:ecr-public::123456789012:repository/{name}")
}

/// What the calls answer with.
fn repository(name: &str) -> Json {
    json!({
        "repositoryName": name,
        "repositoryArn": arn(name),
        "registryId": "123456789012",
        "repositoryUri": format!("public.ecr.aws/a1b2c3d4/{name}"),
        "createdAt": 1_700_000_000.5,
    })
}

/// The row that says the same.
fn row(name: &str) -> Row {
    Row::new(&PUBLIC_REPOSITORY)
        .with("repository_name", name)
        .with("repository_arn", arn(name))
        .with("registry_id", "123456789012")
        .with("repository_uri", format!("public.ecr.aws/a1b2c3d4/{name}"))
        .with("created_at", "2023-11-14T22:13:20.5Z")
        .with("tags", json!({}))
}

fn object(name: &str) -> Object {
    Object::new(&"".into(), name, row(name))
}

fn listed(token: Option<&str>, repositories: Json, next: Option<&str>) -> Call {
    let mut request = json!({"maxResults": 1000});
    if let Some(token) = token {
        request["nextToken"] = json!(token);
    }
    call("DescribeRepositories", request)
        .json(json!({"repositories": repositories, "nextToken": next}))
}

fn tags_of(name: &str, tags: Json) -> Call {
    call("ListTagsForResource", json!({"resourceArn": arn(name)})).json(json!({"tags": tags}))
}

fn done(operation: &'static str, request: Json) -> Call {
    call(operation, request).json(json!({}))
}

fn asked_in_us_east_1(aws: &Account) {
    let requests = aws.requests();
    assert!(!requests.is_empty());
    for request in requests {
        let wanted = ("us-east-1".to_owned(), "ecr-public".to_owned());
        assert_eq!(request.signed_for, wanted);
    }
}

#[test]
fn the_list_is_all_pages_with_tags_and_is_read_in_us_east_1() {
    let aws = Account::new([
        listed(None, json!([repository("aa")]), Some("1")),
        listed(Some("1"), json!([]), Some("2")),
        listed(
            Some("2"),
            json!([repository("bb"), repository("going")]),
            None,
        ),
        tags_of("aa", json!([{"Key": "team", "Value": "x"}])),
        tags_of("bb", json!([])).beside(),
        call("ListTagsForResource", json!({"resourceArn": arn("going")}))
            .error(
                400,
                "RepositoryNotFoundException",
                "The repository does not exist",
            )
            .beside(),
    ]);
    let repositories = aws.list(&PublicRepository).unwrap();
    let mut tagged = object("aa");
    tagged.row.set("tags", json!({"team": "x"}));
    assert_eq!(repositories, [tagged, object("bb"), object("going")]);
    asked_in_us_east_1(&aws);
}

#[test]
fn a_page_that_is_refused_fails_the_whole_list() {
    let aws = Account::new([
        listed(None, json!([repository("aa")]), Some("1")),
        call(
            "DescribeRepositories",
            json!({"maxResults": 1000, "nextToken": "1"}),
        )
        .error(
            400,
            "InvalidParameterException",
            "Invalid parameter at 'nextToken'",
        ),
    ]);
    assert_eq!(
        aws.list(&PublicRepository).unwrap_err().class,
        Class::Refused
    );
}

#[test]
fn an_endpoint_without_the_service_is_a_fault_after_three_attempts() {
    let page = || call("DescribeRepositories", json!({"maxResults": 1000})).html(500);
    let error = Account::new([page(), page(), page()])
        .list(&PublicRepository)
        .unwrap_err();
    assert_eq!(error.class, Class::Fault);
    assert_eq!(
        error.to_string(),
        "ecr-public:DescribeRepositories: answered with HTTP 500 and a body that AWS does not send"
    );
}

#[test]
fn describe_reads_one_repository_or_none() {
    let one = |name: &str| call("DescribeRepositories", json!({"repositoryNames": [name]}));
    let aws = Account::new([
        one("aa").json(json!({"repositories": [repository("aa")]})),
        tags_of("aa", json!([])),
        one("bb").error(
            400,
            "RepositoryNotFoundException",
            "The repository does not exist",
        ),
    ]);
    assert_eq!(
        aws.describe(&PublicRepository, "aa").unwrap(),
        Some(object("aa"))
    );
    assert_eq!(aws.describe(&PublicRepository, "bb").unwrap(), None);
}

#[test]
fn create_is_one_call_in_us_east_1() {
    let aws = Account::new([call(
        "CreateRepository",
        json!({"repositoryName": "aa", "tags": [{"Key": "team", "Value": "x"}]}),
    )
    .json(json!({"repository": repository("aa"), "catalogData": {}}))]);
    let wanted = Row::new(&PUBLIC_REPOSITORY)
        .with("repository_name", "aa")
        .with("tags", json!({"team": "x"}));
    let step = aws.create(&PublicRepository, &wanted);
    assert_eq!(
        step.result.unwrap().row,
        row("aa").with("tags", json!({"team": "x"}))
    );
    assert_eq!(step.made, ["aa".into()]);
    asked_in_us_east_1(&aws);
}

#[test]
fn an_update_changes_the_tags_in_us_east_1() {
    let aws = Account::new([
        done(
            "TagResource",
            json!({"resourceArn": arn("aa"), "tags": [{"Key": "new", "Value": "1"}]}),
        ),
        done(
            "UntagResource",
            json!({"resourceArn": arn("aa"), "tagKeys": ["old"]}),
        ),
    ]);
    let mut before = object("aa");
    before.row.set("tags", json!({"old": "1"}));
    let after = row("aa").with("tags", json!({"new": "1"}));
    aws.update(&PublicRepository, &before, &after, &["tags"])
        .result
        .unwrap();
    asked_in_us_east_1(&aws);
}

#[test]
fn a_repository_with_images_is_not_deleted_and_not_waited_for() {
    let delete = |name: &str| call("DeleteRepository", json!({"repositoryName": name}));
    let aws = Account::new([
        delete("aa").error(
            400,
            "RepositoryNotEmptyException",
            "The repository with name 'aa' cannot be deleted because it still contains images",
        ),
        delete("bb").json(json!({"repository": repository("bb")})),
    ]);
    let step = aws.delete(&PublicRepository, &object("aa"));
    let error = step.result.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("RepositoryNotEmptyException"));
    assert_eq!(step.waited, Vec::<String>::new());
    aws.delete(&PublicRepository, &object("bb")).result.unwrap();
    asked_in_us_east_1(&aws);
}
