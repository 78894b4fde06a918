//! `log_group` on the wire.

use crate::account::{Account, identity};
use crate::format::REQUEST_ID;
use crate::replay::{Call, call};
use iasql_aws::error::Class;
use iasql_aws::logs::log_group::{LOG_GROUP, LogGroup};
use iasql_engine::{Object, Row, Value};
use serde_json::{Value as Json, json};
use std::time::SystemTime;

const ARN: &str = "arn:aws:logs:us-east-2:123456789012:log-group";

fn group(name: &str) -> Json {
    json!({"logGroupName": name, "arn": format!("{ARN}:{name}:*"), "creationTime": 1_700_000_000_123_i64})
}

fn row(name: &str) -> Row {
    Row::new(&LOG_GROUP)
        .with("log_group_name", name)
        .with("tags", json!({}))
}

fn object(name: &str) -> Object {
    let row = row(name).with("log_group_arn", format!("{ARN}:{name}:*"));
    Object::new(&"us-east-2".into(), name, row)
}

fn names(objects: &[Object]) -> Vec<&str> {
    objects.iter().map(|object| object.id.as_str()).collect()
}

fn tagged(resources: Json) -> Call {
    call(
        "GetResources",
        json!({"ResourceTypeFilters": ["logs:log-group"], "ResourcesPerPage": 100}),
    )
    .json(json!({"ResourceTagMappingList": resources}))
}

#[test]
fn the_list_is_all_pages_and_an_empty_page_with_a_token_is_no_end() {
    let aws = Account::new([
        call("DescribeLogGroups", json!({"limit": 50}))
            .json(json!({"logGroups": [group("a")], "nextToken": "1"})),
        call("DescribeLogGroups", json!({"limit": 50, "nextToken": "1"}))
            .json(json!({"logGroups": [], "nextToken": "2"})),
        call("DescribeLogGroups", json!({"limit": 50, "nextToken": "2"}))
            .json(json!({"logGroups": [group("b")]})),
        tagged(json!([])),
    ]);
    let groups = aws.list(&LogGroup).unwrap();
    assert_eq!(names(&groups), ["a", "b"]);
    assert_eq!(
        groups[0].row.text("log_group_arn"),
        Some(format!("{ARN}:a:*").as_str())
    );
    assert_eq!(
        groups[0].row.text("creation_time"),
        Some("2023-11-14T22:13:20.123Z")
    );
    assert_eq!(groups[0].row.get("retention_in_days"), &Value::Null);
    for request in aws.requests() {
        assert_eq!(request.signed_for.0, "us-east-2");
    }
}

#[test]
fn a_page_that_is_refused_fails_the_whole_list() {
    let aws = Account::new([
        call("DescribeLogGroups", json!({"limit": 50}))
            .json(json!({"logGroups": [group("a")], "nextToken": "1"})),
        call("DescribeLogGroups", json!({"limit": 50, "nextToken": "1"})).error(
            400,
            "InvalidParameterException",
            "The specified nextToken is invalid.",
        ),
    ]);
    let error = aws.list(&LogGroup).unwrap_err();
    assert_eq!(
        error.to_string(),
        "logs:DescribeLogGroups: InvalidParameterException: The specified nextToken is invalid."
    );
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
}

#[test]
fn a_page_token_that_repeats_itself_is_refused() {
    let page = |request: Json| {
        call("DescribeLogGroups", request)
            .json(json!({"logGroups": [group("a")], "nextToken": "1"}))
    };
    let aws = Account::new([
        page(json!({"limit": 50})),
        page(json!({"limit": 50, "nextToken": "1"})),
    ]);
    assert_eq!(aws.list(&LogGroup).unwrap_err().class, Class::Malformed);
}

#[test]
fn a_throttled_read_is_sent_again() {
    let aws = Account::new([
        call("DescribeLogGroups", json!({"limit": 50})).error(
            400,
            "ThrottlingException",
            "Rate exceeded",
        ),
        call("DescribeLogGroups", json!({"limit": 50})).json(json!({"logGroups": []})),
    ]);
    assert_eq!(aws.list(&LogGroup).unwrap(), []);
}

#[test]
fn tags_come_from_the_tagging_api_without_those_of_aws() {
    let aws = Account::new([
        call("DescribeLogGroups", json!({"limit": 50}))
            .json(json!({"logGroups": [group("a"), group("b")]})),
        tagged(json!([{
            "ResourceARN": format!("{ARN}:b"),
            "Tags": [{"Key": "team", "Value": "x"}, {"Key": "aws:cloudformation:stack-id", "Value": "y"}],
        }])),
    ]);
    let groups = aws.list(&LogGroup).unwrap();
    assert_eq!(groups[0].row.json("tags"), Some(json!({})));
    assert_eq!(groups[1].row.json("tags"), Some(json!({"team": "x"})));
}

#[test]
fn where_the_tagging_api_contradicts_the_last_agreement_the_service_is_asked() {
    let mut agreed = object("a");
    agreed.row.set("tags", json!({"team": "x"}));
    let aws = Account::new([
        call("DescribeLogGroups", json!({"limit": 50})).json(json!({"logGroups": [group("a")]})),
        tagged(json!([])),
        call(
            "ListTagsForResource",
            json!({"resourceArn": format!("{ARN}:a")}),
        )
        .json(json!({"tags": {"team": "x"}})),
    ])
    .knowing(agreed);
    let groups = aws.list(&LogGroup).unwrap();
    assert_eq!(groups[0].row.json("tags"), Some(json!({"team": "x"})));
}

#[test]
fn a_group_that_was_just_made_is_asked_itself_as_the_tagging_api_knows_of_it_late() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let mut new = group("a");
    new["creationTime"] = json!(u64::try_from(now.unwrap().as_millis()).unwrap());
    let aws = Account::new([
        call("DescribeLogGroups", json!({"limit": 50})).json(json!({"logGroups": [new]})),
        tagged(json!([])),
        call(
            "ListTagsForResource",
            json!({"resourceArn": format!("{ARN}:a")}),
        )
        .json(json!({"tags": {"team": "x"}})),
    ]);
    let groups = aws.list(&LogGroup).unwrap();
    assert_eq!(groups[0].row.json("tags"), Some(json!({"team": "x"})));
}

#[test]
fn describe_takes_the_group_of_that_very_name() {
    let aws = Account::new([
        call("DescribeLogGroups", json!({"logGroupNamePrefix": "app"}))
            .json(json!({"logGroups": [group("app"), group("app-2")]})),
        call(
            "ListTagsForResource",
            json!({"resourceArn": format!("{ARN}:app")}),
        )
        .json(json!({"tags": {}})),
        call("DescribeLogGroups", json!({"logGroupNamePrefix": "ap"}))
            .json(json!({"logGroups": [group("app")]})),
    ]);
    let found = aws.describe(&LogGroup, "app").unwrap().unwrap();
    assert_eq!(found.id.as_str(), "app");
    assert_eq!(aws.describe(&LogGroup, "ap").unwrap(), None);
}

#[test]
fn create_carries_the_tags_and_sets_the_retention() {
    let aws = Account::new([
        call(
            "CreateLogGroup",
            json!({"logGroupName": "a", "tags": {"team": "x"}}),
        )
        .json(json!({})),
        call(
            "PutRetentionPolicy",
            json!({"logGroupName": "a", "retentionInDays": 7}),
        )
        .json(json!({})),
        identity(),
    ]);
    let row = row("a")
        .with("tags", json!({"team": "x"}))
        .with("retention_in_days", 7);
    let step = aws.create(&LogGroup, &row);
    let group = step.result.unwrap();
    assert_eq!(
        group.row.text("log_group_arn"),
        Some(format!("{ARN}:a:*").as_str())
    );
    // The next reading tells when it was made.
    assert_eq!(group.row.get("creation_time"), &Value::Null);
    assert_eq!(group.row.int("retention_in_days"), Some(7));
    assert_eq!(group.row.json("tags"), Some(json!({"team": "x"})));
    assert_eq!(step.made, ["a".into()]);
}

#[test]
fn a_create_whose_answer_was_lost_is_not_sent_again() {
    let aws = Account::new([call("CreateLogGroup", json!({"logGroupName": "a"})).lost()]);
    let step = aws.create(&LogGroup, &row("a"));
    assert_eq!(step.result.unwrap_err().class, Class::NoAnswer);
    assert_eq!(step.made, []);
}

#[test]
fn a_create_that_was_throttled_is_sent_again() {
    let aws = Account::new([
        call("CreateLogGroup", json!({"logGroupName": "a"})).error(
            400,
            "ThrottlingException",
            "Rate exceeded",
        ),
        call("CreateLogGroup", json!({"logGroupName": "a"})).json(json!({})),
        identity(),
    ]);
    assert!(aws.create(&LogGroup, &row("a")).result.is_ok());
}

#[test]
fn an_update_changes_what_changed_and_no_retention_means_for_ever() {
    let aws = Account::new([
        call("DeleteRetentionPolicy", json!({"logGroupName": "a"})).json(json!({})),
        call(
            "TagResource",
            json!({"resourceArn": format!("{ARN}:a"), "tags": {"new": "1"}}),
        )
        .json(json!({})),
        call(
            "UntagResource",
            json!({"resourceArn": format!("{ARN}:a"), "tagKeys": ["old"]}),
        )
        .json(json!({})),
    ]);
    let mut before = object("a");
    before.row.set("retention_in_days", 7);
    before.row.set("tags", json!({"old": "1", "kept": "1"}));
    let after = row("a").with("tags", json!({"new": "1", "kept": "1"}));
    let step = aws.update(&LogGroup, &before, &after, &["retention_in_days", "tags"]);
    step.result.unwrap();
    let none = Account::new([]);
    none.update(&LogGroup, &before, &after, &[]).result.unwrap();
}

#[test]
fn delete_waits_while_another_change_of_the_group_is_going_on() {
    let delete = || call("DeleteLogGroup", json!({"logGroupName": "a"}));
    let aws = Account::new([
        delete().error(
            400,
            "OperationAbortedException",
            "A conflicting operation is in progress.",
        ),
        delete().json(json!({})),
    ]);
    let step = aws.delete(&LogGroup, &object("a"));
    step.result.unwrap();
    assert_eq!(step.waited.len(), 1);
}

#[test]
fn a_group_that_is_gone_is_said_to_be_absent() {
    let aws = Account::new([call("DeleteLogGroup", json!({"logGroupName": "a"})).error(
        400,
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )]);
    let error = aws.delete(&LogGroup, &object("a")).result.unwrap_err();
    assert!(error.is_absent(&LOG_GROUP.errors));
}
