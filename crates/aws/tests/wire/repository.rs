//! `repository` on the wire.

use crate::account::{Account, REGION};
use crate::replay::{Call, call};
use iasql_aws::ecr::repository::{REPOSITORY, Repository};
use iasql_engine::{Object, Row};
use serde_json::{Value as Json, json};

fn arn(name: &str) -> String {
    format!("arn:aws:ecr:us-east-2:123456789012:repository/{name}")
}

/// What the calls answer with.
fn repository(name: &str) -> Json {
    json!({
        "repositoryName": name,
        "repositoryArn": arn(name),
        "registryId": "123456789012",
        "repositoryUri": format!("123456789012.dkr.ecr.us-east-2.amazonaws.com/{name}"),
        "createdAt": 1_700_000_000.5,
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": true},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    })
}

/// The row that says the same.
fn row(name: &str) -> Row {
    Row::new(&REPOSITORY)
        .with("repository_name", name)
        .with("repository_arn", arn(name))
        .with("registry_id", "123456789012")
        .with(
            "repository_uri",
            format!("123456789012.dkr.ecr.us-east-2.amazonaws.com/{name}"),
        )
        .with("created_at", "2023-11-14T22:13:20.5Z")
        .with("image_tag_mutability", "IMMUTABLE")
        .with("scan_on_push", true)
        .with("tags", json!({}))
}

fn object(name: &str) -> Object {
    Object::new(&REGION.into(), name, row(name))
}

fn listed(token: Option<&str>, repositories: Json, next: Option<&str>) -> Call {
    let mut request = json!({"maxResults": 1000});
    if let Some(token) = token {
        request["nextToken"] = json!(token);
    }
    call("DescribeRepositories", request)
        .json(json!({"repositories": repositories, "nextToken": next}))
}

fn tagged(resources: Json) -> Call {
    call(
        "GetResources",
        json!({"ResourceTypeFilters": ["ecr:repository"], "ResourcesPerPage": 100}),
    )
    .json(json!({"ResourceTagMappingList": resources}))
}

fn tags_of(name: &str, tags: Json) -> Call {
    call("ListTagsForResource", json!({"resourceArn": arn(name)})).json(json!({"tags": tags}))
}

fn done(operation: &'static str, request: Json) -> Call {
    call(operation, request).json(json!({}))
}

#[test]
fn the_list_is_all_pages_and_an_empty_page_with_a_token_is_no_end() {
    let aws = Account::new([
        listed(None, json!([repository("aa")]), Some("1")),
        listed(Some("1"), json!([]), Some("2")),
        listed(Some("2"), json!([repository("team/bb")]), None),
        tagged(json!([])),
    ])
    .knowing(object("aa"))
    .knowing(object("team/bb"));
    let repositories = aws.list(&Repository).unwrap();
    assert_eq!(repositories, [object("aa"), object("team/bb")]);
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
    let error = aws.list(&Repository).unwrap_err();
    assert_eq!(
        error.to_string(),
        "ecr:DescribeRepositories: InvalidParameterException: Invalid parameter at 'nextToken'"
    );
}

#[test]
fn only_a_new_repository_without_tags_in_the_tagging_api_is_asked_about() {
    let aws = Account::new([
        listed(
            None,
            json!([
                repository("known"),
                repository("tagged"),
                repository("new"),
                repository("going")
            ]),
            None,
        ),
        tagged(json!([
            {"ResourceARN": arn("tagged"), "Tags": [{"Key": "team", "Value": "x"}]},
        ])),
        tags_of("new", json!([{"Key": "team", "Value": "y"}])),
        call("ListTagsForResource", json!({"resourceArn": arn("going")}))
            .error(
                400,
                "RepositoryNotFoundException",
                "The repository does not exist",
            )
            .beside(),
    ])
    .knowing(object("known"));
    let repositories = aws.list(&Repository).unwrap();
    let tags: Vec<_> = repositories
        .iter()
        .map(|repository| repository.row.json("tags").unwrap())
        .collect();
    assert_eq!(
        tags,
        [
            json!({}),
            json!({"team": "x"}),
            json!({"team": "y"}),
            json!({})
        ]
    );
}

#[test]
fn a_mutability_that_no_row_can_say_leaves_the_repository_out_and_is_noted() {
    let mut odd = repository("odd");
    odd["imageTagMutability"] = json!("IMMUTABLE_WITH_EXCLUSION");
    let aws = Account::new([
        listed(None, json!([odd, repository("aa")]), None),
        tagged(json!([])),
    ])
    .knowing(object("aa"));
    let reader = aws.reader(&Repository);
    let repositories = aws.run(reader.objects(&Repository)).unwrap();
    assert_eq!(*repositories, [object("aa")]);
    let unsaid = reader.unsaid();
    assert_eq!(unsaid.len(), 1);
    assert_eq!(unsaid[0].object.id.as_str(), "odd");
    assert_eq!(
        unsaid[0].why,
        "its image_tag_mutability is IMMUTABLE_WITH_EXCLUSION"
    );
}

#[test]
fn describe_reads_one_repository_with_its_tags() {
    let aws = Account::new([
        call("DescribeRepositories", json!({"repositoryNames": ["aa"]}))
            .json(json!({"repositories": [repository("aa")]})),
        tags_of(
            "aa",
            json!([{"Key": "team", "Value": "x"}, {"Key": "aws:x", "Value": "y"}]),
        ),
    ]);
    let found = aws.describe(&Repository, "aa").unwrap().unwrap();
    assert_eq!(found.row, row("aa").with("tags", json!({"team": "x"})));
}

#[test]
fn a_repository_that_is_gone_is_none() {
    let aws = Account::new([
        call("DescribeRepositories", json!({"repositoryNames": ["aa"]})).error(
            400,
            "RepositoryNotFoundException",
            "The repository with name 'aa' does not exist in the registry with id '123456789012'",
        ),
    ]);
    assert_eq!(aws.describe(&Repository, "aa").unwrap(), None);
}

#[test]
fn create_is_one_call_whose_answer_has_everything() {
    let aws = Account::new([call(
        "CreateRepository",
        json!({
            "repositoryName": "aa",
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": true},
            "tags": [{"Key": "team", "Value": "x"}],
        }),
    )
    .json(json!({"repository": repository("aa")}))]);
    let wanted = Row::new(&REPOSITORY)
        .with("repository_name", "aa")
        .with("image_tag_mutability", "IMMUTABLE")
        .with("scan_on_push", true)
        .with("tags", json!({"team": "x"}));
    let step = aws.create(&Repository, &wanted);
    assert_eq!(
        step.result.unwrap().row,
        row("aa").with("tags", json!({"team": "x"}))
    );
    assert_eq!(step.made, ["aa".into()]);
}

#[test]
fn an_update_sends_what_changed() {
    let aws = Account::new([
        done(
            "PutImageTagMutability",
            json!({"repositoryName": "aa", "imageTagMutability": "MUTABLE"}),
        ),
        done(
            "PutImageScanningConfiguration",
            json!({"repositoryName": "aa", "imageScanningConfiguration": {"scanOnPush": false}}),
        ),
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
    let after = row("aa")
        .with("image_tag_mutability", "MUTABLE")
        .with("scan_on_push", false)
        .with("tags", json!({"new": "1"}));
    let all = ["image_tag_mutability", "scan_on_push", "tags"];
    aws.update(&Repository, &before, &after, &all)
        .result
        .unwrap();
    let none = Account::new([]);
    none.update(&Repository, &before, &after, &[])
        .result
        .unwrap();
}

#[test]
fn a_repository_with_images_is_not_deleted_and_not_waited_for() {
    let aws = Account::new([call("DeleteRepository", json!({"repositoryName": "aa"})).error(
        400,
        "RepositoryNotEmptyException",
        "The repository with name 'aa' in registry with id '123456789012' cannot be deleted because it still contains \
         images",
    )]);
    let step = aws.delete(&Repository, &object("aa"));
    let error = step.result.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("RepositoryNotEmptyException"));
    assert!(
        error
            .message
            .ends_with("cannot be deleted because it still contains images")
    );
    assert_eq!(step.waited, Vec::<String>::new());
}
