//! `security_group` on the wire.

use crate::account::Account;
use crate::ec2::{page, tag_set};
use crate::replay::{Call, Expected, call};
use crate::security_group_rule::rule;
use crate::vpc;
use iasql_aws::ec2::security_group::{SECURITY_GROUP, SecurityGroup};
use iasql_aws::writer::Unmatched;
use iasql_engine::object::Owner;
use iasql_engine::{Object, Row, Value};
use serde_json::json;

/// A group of a list.
pub fn group(id: &str, name: &str, vpc: &str, tags: &[(&str, &str)]) -> String {
    format!(
        "<ownerId>123456789012</ownerId><groupId>{id}</groupId><groupName>{name}</groupName>\
         <groupDescription>about {name}</groupDescription><vpcId>{vpc}</vpcId>{}",
        tag_set(tags)
    )
}

fn all(groups: &[String]) -> Call {
    call("DescribeSecurityGroups", json!({"MaxResults": "1000"})).xml(&page(
        "securityGroupInfo",
        groups,
        None,
    ))
}

fn one(id: &str, found: &[String]) -> Call {
    let request =
        json!({"MaxResults": "1000", "Filter.1.Name": "group-id", "Filter.1.Value.1": id});
    call("DescribeSecurityGroups", request).xml(&page("securityGroupInfo", found, None))
}

fn rules(found: &[String]) -> Call {
    let request =
        json!({"MaxResults": "1000", "Filter.1.Name": "group-id", "Filter.1.Value.1": "sg-1"});
    call("DescribeSecurityGroupRules", request).xml(&page("securityGroupRuleSet", found, None))
}

fn identity() -> Call {
    call("GetCallerIdentity", json!({})).xml(
        "<Arn>arn:aws:iam::123456789012:user/ana</Arn><UserId>AIDA</UserId><Account>123456789012</Account>",
    )
}

fn row() -> Row {
    Row::new(&SECURITY_GROUP)
        .with("description", "about web")
        .with("group_name", "web")
        .with("vpc_id", Value::object("vpc-1"))
        .with("tags", json!({}))
}

fn object() -> Object {
    Object::new(&"us-east-2".into(), "sg-1", row())
}

fn create() -> Expected {
    let request = json!({"GroupName": "web", "GroupDescription": "about web", "VpcId": "vpc-1"});
    call("CreateSecurityGroup", request)
}

#[test]
fn the_list_is_all_pages_and_asks_for_nothing_else() {
    let next = |token: &str| json!({"MaxResults": "1000", "NextToken": token});
    let aws = Account::new([
        call("DescribeSecurityGroups", json!({"MaxResults": "1000"})).xml(&page(
            "securityGroupInfo",
            &[group("sg-1", "web", "vpc-1", &[("team", "x")])],
            Some("1"),
        )),
        call("DescribeSecurityGroups", next("1")).xml(&page("securityGroupInfo", &[], Some("2"))),
        call("DescribeSecurityGroups", next("2")).xml(&page(
            "securityGroupInfo",
            &[group("sg-2", "db", "vpc-1", &[])],
            None,
        )),
    ]);
    let groups = aws.list(&SecurityGroup).unwrap();
    assert_eq!(
        groups[0].row.to_json(),
        json!({
            "description": "about web", "group_name": "web", "owner_id": "123456789012", "group_id": "sg-1",
            "vpc_id": "vpc-1", "tags": {"team": "x"},
        })
    );
    assert_eq!(groups[0].row.get("vpc_id"), &Value::object("vpc-1"));
    assert_eq!(groups[0].owner, Owner::User);
    assert_eq!(groups[1].id, "sg-2".into());
}

#[test]
fn a_page_that_is_refused_fails_the_whole_list() {
    let aws = Account::new([
        call("DescribeSecurityGroups", json!({"MaxResults": "1000"})).xml(&page(
            "securityGroupInfo",
            &[group("sg-1", "web", "vpc-1", &[])],
            Some("1"),
        )),
        call(
            "DescribeSecurityGroups",
            json!({"MaxResults": "1000", "NextToken": "1"}),
        )
        .error(400, "InvalidNextToken", "The token is not valid."),
    ]);
    let error = aws.list(&SecurityGroup).unwrap_err();
    assert_eq!(error.code.as_deref(), Some("InvalidNextToken"));
}

#[test]
fn a_default_group_belongs_to_its_vpc_and_that_of_the_default_vpc_to_the_account() {
    let mut script = vec![
        all(&[
            group("sg-1", "default", "vpc-1", &[]),
            group("sg-2", "default", "vpc-2", &[]),
        ]),
        vpc::all(&[
            vpc::vpc("vpc-1", "available", true, &[]),
            vpc::vpc("vpc-2", "available", false, &[]),
        ]),
    ];
    script.extend(vpc::attributes("vpc-1", true, true));
    script.extend(vpc::attributes("vpc-2", true, true));
    let groups = Account::new(script).list(&SecurityGroup).unwrap();
    assert_eq!(groups[0].owner, Owner::Account);
    assert_eq!(groups[1].owner, Owner::Object("vpc-2".into()));
}

#[test]
fn describe_asks_for_the_one_group() {
    let aws = Account::new([
        one("sg-1", &[group("sg-1", "web", "vpc-1", &[])]),
        one("sg-2", &[]),
    ]);
    let found = aws.describe(&SecurityGroup, "sg-1").unwrap().unwrap();
    assert_eq!(found.id, "sg-1".into());
    assert_eq!(aws.describe(&SecurityGroup, "sg-2").unwrap(), None);
}

#[test]
fn create_tells_of_the_rules_that_let_everything_out() {
    let aws = Account::new([
        identity(),
        // The VPC was made a moment ago.
        create().error(400, "InvalidVpcID.NotFound", "The vpc ID does not exist"),
        create().xml("<groupId>sg-1</groupId>"),
        // The rules are not to be seen yet.
        rules(&[]),
        rules(&[
            rule("sgr-1", "sg-1", true, "<cidrIpv4>0.0.0.0/0</cidrIpv4>"),
            rule("sgr-2", "sg-1", true, "<cidrIpv6>::/0</cidrIpv6>"),
        ]),
    ]);
    let step = aws.create(&SecurityGroup, &row());
    assert_eq!(
        step.result.unwrap().row.to_json(),
        json!({
            "description": "about web", "group_name": "web", "owner_id": "123456789012", "group_id": "sg-1",
            "vpc_id": "vpc-1", "tags": {},
        })
    );
    assert_eq!(step.made, ["sg-1".into()]);
    let brought: Vec<_> = step
        .brought
        .iter()
        .map(|companion| (companion.object.id.as_str(), companion.unmatched))
        .collect();
    assert_eq!(
        brought,
        [("sgr-1", Unmatched::Discard), ("sgr-2", Unmatched::Discard)]
    );
}

#[test]
fn a_create_that_was_cut_off_ends_without_the_automatic_rules_and_with_those_of_others() {
    let everywhere = "<cidrIpv4>0.0.0.0/0</cidrIpv4>";
    let by_hand = format!("{everywhere}<description>by hand</description>");
    let aws = Account::new([
        rules(&[
            rule("sgr-1", "sg-1", true, everywhere),
            rule("sgr-2", "sg-1", true, "<cidrIpv6>::/0</cidrIpv6>"),
            rule("sgr-3", "sg-1", false, everywhere),
            rule("sgr-4", "sg-1", true, "<cidrIpv4>10.0.0.0/8</cidrIpv4>"),
            rule("sgr-5", "sg-1", true, &by_hand),
        ]),
        // They are discarded once, and are not waited for.
        rules(&[]),
    ]);
    let step = aws.finish(&SecurityGroup, &object(), &row());
    step.result.unwrap();
    let brought = step.brought.iter();
    let brought: Vec<_> = brought.map(|it| it.object.id.as_str()).collect();
    assert_eq!(brought, ["sgr-1", "sgr-2"]);
    let step = aws.finish(&SecurityGroup, &object(), &row());
    step.result.unwrap();
    assert!(step.brought.is_empty() && step.waited.is_empty());
}

#[test]
fn without_a_vpc_the_group_is_made_in_the_default_vpc_with_its_tags() {
    let mut script = vec![vpc::all(&[
        vpc::vpc("vpc-1", "available", false, &[]),
        vpc::vpc("vpc-2", "available", true, &[]),
    ])];
    script.extend(vpc::attributes("vpc-1", true, false));
    script.extend(vpc::attributes("vpc-2", true, true));
    script.extend([
        identity(),
        call(
            "CreateSecurityGroup",
            json!({
                "GroupName": "web",
                "GroupDescription": "about web",
                "VpcId": "vpc-2",
                "TagSpecification.1.ResourceType": "security-group",
                "TagSpecification.1.Tag.1.Key": "team",
                "TagSpecification.1.Tag.1.Value": "x",
            }),
        )
        .xml("<groupId>sg-1</groupId>"),
        rules(&[rule(
            "sgr-1",
            "sg-1",
            true,
            "<cidrIpv4>0.0.0.0/0</cidrIpv4>",
        )]),
    ]);
    let wanted = row()
        .with("vpc_id", Value::Null)
        .with("tags", json!({"team": "x"}));
    let made = Account::new(script)
        .create(&SecurityGroup, &wanted)
        .result
        .unwrap();
    assert_eq!(made.row.get("vpc_id"), &Value::object("vpc-2"));
}

#[test]
fn a_name_that_is_taken_is_refused_at_once() {
    let aws = Account::new([
        identity(),
        create().error(
            400,
            "InvalidGroup.Duplicate",
            "The security group 'web' already exists for VPC 'vpc-1'",
        ),
    ]);
    let step = aws.create(&SecurityGroup, &row());
    assert_eq!(
        step.result.unwrap_err().code.as_deref(),
        Some("InvalidGroup.Duplicate")
    );
    assert!(step.waited.is_empty());
}

#[test]
fn an_update_changes_the_tags() {
    let aws = Account::new([call(
        "CreateTags",
        json!({"ResourceId.1": "sg-1", "Tag.1.Key": "team", "Tag.1.Value": "x y&z"}),
    )
    .xml("<return>true</return>")]);
    let wanted = row().with("tags", json!({"team": "x y&z"}));
    aws.update(&SecurityGroup, &object(), &wanted, &["tags"])
        .result
        .unwrap();
}

#[test]
fn delete_waits_for_what_uses_the_group_but_not_for_a_group_that_is_gone() {
    let delete = || call("DeleteSecurityGroup", json!({"GroupId": "sg-1"}));
    let aws = Account::new([
        delete().error(
            400,
            "DependencyViolation",
            "resource sg-1 has a dependent object",
        ),
        delete().error(400, "InvalidGroup.InUse", "sg-1 is in use"),
        delete().xml("<return>true</return>"),
        delete().error(400, "InvalidGroup.NotFound", "sg-1 does not exist"),
    ]);
    let step = aws.delete(&SecurityGroup, &object());
    step.result.unwrap();
    assert_eq!(step.waited.len(), 2);
    let step = aws.delete(&SecurityGroup, &object());
    assert!(step.result.unwrap_err().is_absent(&SECURITY_GROUP.errors));
    assert!(step.waited.is_empty());
}
