//! `vpc` on the wire.

use crate::account::{Account, OWNER};
use crate::ec2::{page, tag_set};
use crate::replay::{Call, call};
use crate::security_group::group;
use crate::security_group_rule::rule;
use iasql_aws::ec2::vpc::{VPC, Vpc};
use iasql_aws::error::Class;
use iasql_aws::writer::Unmatched;
use iasql_engine::object::Owner;
use iasql_engine::{Object, Row, Value};
use serde_json::json;

/// A VPC of a list.
pub fn vpc(id: &str, state: &str, is_default: bool, tags: &[(&str, &str)]) -> String {
    format!(
        "<vpcId>{id}</vpcId><ownerId>123456789012</ownerId><state>{state}</state><cidrBlock>10.0.0.0/16</cidrBlock>\
         <isDefault>{is_default}</isDefault>{}",
        tag_set(tags)
    )
}

/// The list's only page.
pub fn all(vpcs: &[String]) -> Call {
    call("DescribeVpcs", json!({"MaxResults": "1000"})).xml(&page("vpcSet", vpcs, None))
}

/// The two calls for the DNS attributes, which are sent side by side.
pub fn attributes(id: &str, support: bool, hostnames: bool) -> [Call; 2] {
    [
        ("enableDnsSupport", support),
        ("enableDnsHostnames", hostnames),
    ]
    .map(|(attribute, value)| {
        call(
            "DescribeVpcAttribute",
            json!({"VpcId": id, "Attribute": attribute}),
        )
        .xml(&format!(
            "<vpcId>{id}</vpcId><{attribute}><value>{value}</value></{attribute}>"
        ))
        .beside()
    })
}

fn one(id: &str, found: &[String]) -> Call {
    let request = json!({"MaxResults": "1000", "Filter.1.Name": "vpc-id", "Filter.1.Value.1": id});
    call("DescribeVpcs", request).xml(&page("vpcSet", found, None))
}

fn modify(attribute: &str, value: &str) -> Call {
    let request = json!({"VpcId": "vpc-1", (format!("{attribute}.Value")): value});
    call("ModifyVpcAttribute", request).xml("<return>true</return>")
}

fn row() -> Row {
    Row::new(&VPC)
        .with("cidr_block", "10.0.0.0/16")
        .with("tags", json!({}))
}

fn object() -> Object {
    let row = row()
        .with("vpc_id", "vpc-1")
        .with("enable_dns_support", true)
        .with("enable_dns_hostnames", false);
    Object::new(&"us-east-2".into(), "vpc-1", row)
}

fn create() -> crate::replay::Expected {
    call(
        "CreateVpc",
        json!({
            "CidrBlock": "10.0.0.0/16",
            "TagSpecification.1.ResourceType": "vpc",
            "TagSpecification.1.Tag.1.Key": "team",
            "TagSpecification.1.Tag.1.Value": "x",
            "TagSpecification.1.Tag.2.Key": "iasql:owner",
            "TagSpecification.1.Tag.2.Value": OWNER,
        }),
    )
}

#[test]
fn the_list_is_all_pages_with_two_attributes_for_each_vpc() {
    let first = json!({"MaxResults": "1000"});
    let next = |token: &str| json!({"MaxResults": "1000", "NextToken": token});
    let mut script = vec![
        call("DescribeVpcs", first).xml(&page(
            "vpcSet",
            &[vpc("vpc-1", "available", true, &[])],
            Some("1"),
        )),
        call("DescribeVpcs", next("1")).xml(&page("vpcSet", &[], Some("2"))),
        call("DescribeVpcs", next("2")).xml(&page(
            "vpcSet",
            &[vpc("vpc-2", "pending", false, &[("team", "x")])],
            None,
        )),
    ];
    script.extend(attributes("vpc-1", true, true));
    script.extend(attributes("vpc-2", true, false));
    let aws = Account::new(script);
    let vpcs = aws.list(&Vpc).unwrap();
    let said: Vec<_> = vpcs.iter().map(|vpc| vpc.row.to_json()).collect();
    let expected = |id: &str, state: &str, is_default: bool, hostnames: bool, tags| {
        json!({
            "vpc_id": id, "cidr_block": "10.0.0.0/16", "state": state, "is_default": is_default,
            "enable_dns_support": true, "enable_dns_hostnames": hostnames, "tags": tags,
        })
    };
    assert_eq!(
        said,
        [
            expected("vpc-1", "available", true, true, json!({})),
            expected("vpc-2", "pending", false, false, json!({"team": "x"})),
        ]
    );
    assert_eq!(vpcs[0].owner, Owner::Account);
    assert_eq!(vpcs[1].owner, Owner::User);
}

#[test]
fn a_page_that_is_refused_fails_the_whole_list() {
    let aws = Account::new([
        call("DescribeVpcs", json!({"MaxResults": "1000"})).xml(&page(
            "vpcSet",
            &[vpc("vpc-1", "available", false, &[])],
            Some("1"),
        )),
        call(
            "DescribeVpcs",
            json!({"MaxResults": "1000", "NextToken": "1"}),
        )
        .error(400, "InvalidNextToken", "The specified token is not valid."),
    ]);
    assert_eq!(
        aws.list(&Vpc).unwrap_err().to_string(),
        "ec2:DescribeVpcs: InvalidNextToken: The specified token is not valid."
    );
}

#[test]
fn the_owner_tag_is_told_apart_from_the_users_tags() {
    let tags = [("iasql:owner", OWNER), ("team", "x"), ("aws:stack", "y")];
    let mut script = vec![all(&[vpc("vpc-1", "available", false, &tags)])];
    script.extend(attributes("vpc-1", true, false));
    let vpcs = Account::new(script).list(&Vpc).unwrap();
    assert_eq!(vpcs[0].owner_tag.as_deref(), Some(OWNER));
    assert_eq!(vpcs[0].row.json("tags"), Some(json!({"team": "x"})));
}

#[test]
fn a_vpc_that_goes_while_it_is_read_is_left_out() {
    let mut script = vec![all(&[
        vpc("vpc-1", "deleting", false, &[]),
        vpc("vpc-2", "available", false, &[]),
    ])];
    let [support, _] = attributes("vpc-2", true, false);
    script.push(support);
    script.push(
        call(
            "DescribeVpcAttribute",
            json!({"VpcId": "vpc-2", "Attribute": "enableDnsHostnames"}),
        )
        .error(400, "InvalidVpcID.NotFound", "The vpc ID does not exist")
        .beside(),
    );
    assert_eq!(Account::new(script).list(&Vpc).unwrap(), []);
}

#[test]
fn a_state_that_nobody_knows_is_left_out() {
    let mut script = vec![all(&[vpc("vpc-1", "dreaming", false, &[])])];
    script.extend(attributes("vpc-1", true, false));
    let vpcs = Account::new(script).list(&Vpc).unwrap();
    assert_eq!(vpcs[0].row.get("state"), &Value::Null);
}

#[test]
fn describe_asks_for_the_one_vpc() {
    let mut script = vec![one("vpc-1", &[vpc("vpc-1", "available", false, &[])])];
    script.extend(attributes("vpc-1", true, false));
    script.push(one("vpc-2", &[]));
    let aws = Account::new(script);
    assert_eq!(
        aws.describe(&Vpc, "vpc-1").unwrap().unwrap().id,
        "vpc-1".into()
    );
    assert_eq!(aws.describe(&Vpc, "vpc-2").unwrap(), None);
}

#[test]
fn create_waits_for_the_vpc_sets_what_differs_and_tells_of_the_default_group() {
    let mut script = vec![
        create().xml(&format!(
            "<vpc>{}</vpc>",
            vpc("vpc-1", "pending", false, &[])
        )),
        one("vpc-1", &[]),
        one(
            "vpc-1",
            &[vpc(
                "vpc-1",
                "available",
                false,
                &[("team", "x"), ("iasql:owner", OWNER)],
            )],
        ),
    ];
    script.extend(attributes("vpc-1", true, false));
    script.extend([
        // Not known everywhere yet.
        call(
            "ModifyVpcAttribute",
            json!({"VpcId": "vpc-1", "EnableDnsHostnames.Value": "true"}),
        )
        .error(400, "InvalidVpcID.NotFound", "The vpc ID does not exist"),
        modify("EnableDnsHostnames", "true"),
        call(
            "DescribeSecurityGroups",
            json!({"MaxResults": "1000", "Filter.1.Name": "vpc-id", "Filter.1.Value.1": "vpc-1"}),
        )
        .xml(&page(
            "securityGroupInfo",
            &[group("sg-1", "default", "vpc-1", &[])],
            None,
        )),
        call(
            "DescribeSecurityGroupRules",
            json!({"MaxResults": "1000", "Filter.1.Name": "group-id", "Filter.1.Value.1": "sg-1"}),
        )
        .xml(&page(
            "securityGroupRuleSet",
            &[
                rule(
                    "sgr-1",
                    "sg-1",
                    false,
                    "<referencedGroupInfo><groupId>sg-1</groupId></referencedGroupInfo>",
                ),
                rule("sgr-2", "sg-1", true, "<cidrIpv4>0.0.0.0/0</cidrIpv4>"),
            ],
            None,
        )),
    ]);
    let aws = Account::new(script);
    let wanted = row()
        .with("enable_dns_support", true)
        .with("enable_dns_hostnames", true)
        .with("tags", json!({"team": "x"}));
    let step = aws.create(&Vpc, &wanted);
    let made = step.result.unwrap();
    assert_eq!(step.made, ["vpc-1".into()]);
    assert_eq!(
        made.row.to_json(),
        json!({
            "vpc_id": "vpc-1", "cidr_block": "10.0.0.0/16", "state": "available", "is_default": false,
            "enable_dns_support": true, "enable_dns_hostnames": true, "tags": {"team": "x"},
        })
    );
    assert_eq!(made.owner_tag.as_deref(), Some(OWNER));
    let brought: Vec<_> = step
        .brought
        .iter()
        .map(|companion| (companion.object.id.as_str(), companion.object.owner.clone()))
        .collect();
    assert_eq!(
        brought,
        [
            ("sg-1", Owner::Object("vpc-1".into())),
            ("sgr-1", Owner::User),
            ("sgr-2", Owner::User),
        ]
    );
    assert!(
        step.brought
            .iter()
            .all(|companion| companion.unmatched == Unmatched::Import)
    );
}

#[test]
fn a_create_that_was_cut_off_ends_with_what_differs_and_the_default_group() {
    let groups =
        json!({"MaxResults": "1000", "Filter.1.Name": "vpc-id", "Filter.1.Value.1": "vpc-1"});
    let rules =
        json!({"MaxResults": "1000", "Filter.1.Name": "group-id", "Filter.1.Value.1": "sg-1"});
    let automatic = rule("sgr-1", "sg-1", true, "<cidrIpv4>0.0.0.0/0</cidrIpv4>");
    let aws = Account::new([
        modify("EnableDnsHostnames", "true"),
        call("DescribeSecurityGroups", groups).xml(&page(
            "securityGroupInfo",
            &[
                group("sg-2", "web", "vpc-1", &[]),
                group("sg-1", "default", "vpc-1", &[]),
            ],
            None,
        )),
        call("DescribeSecurityGroupRules", rules).xml(&page(
            "securityGroupRuleSet",
            &[automatic],
            None,
        )),
    ]);
    let wanted = row().with("enable_dns_hostnames", true);
    let step = aws.finish(&Vpc, &object(), &wanted);
    step.result.unwrap();
    let brought = step.brought.iter();
    let brought: Vec<_> = brought.map(|it| it.object.id.as_str()).collect();
    assert_eq!(brought, ["sg-1", "sgr-1"]);
}

#[test]
fn a_create_whose_answer_was_lost_is_not_sent_again() {
    let aws = Account::new([create().lost()]);
    let step = aws.create(&Vpc, &row().with("tags", json!({"team": "x"})));
    assert_eq!(step.result.unwrap_err().class, Class::NoAnswer);
    assert_eq!(step.made, []);
}

#[test]
fn host_names_are_turned_on_after_dns_and_off_before_it() {
    for (value, script) in [
        (true, ["EnableDnsSupport", "EnableDnsHostnames"]),
        (false, ["EnableDnsHostnames", "EnableDnsSupport"]),
    ] {
        let script = script.map(|attribute| modify(attribute, &value.to_string()));
        let aws = Account::new(script);
        let wanted = row()
            .with("enable_dns_support", value)
            .with("enable_dns_hostnames", value);
        let changed = ["enable_dns_support", "enable_dns_hostnames"];
        aws.update(&Vpc, &object(), &wanted, &changed)
            .result
            .unwrap();
    }
}

#[test]
fn null_leaves_what_aws_chose_and_unchanged_columns_are_not_touched() {
    let aws = Account::new([]);
    let changed = ["enable_dns_support", "enable_dns_hostnames"];
    aws.update(&Vpc, &object(), &row(), &changed)
        .result
        .unwrap();
    let other = row()
        .with("enable_dns_support", false)
        .with("tags", json!({"team": "x"}));
    aws.update(&Vpc, &object(), &other, &[]).result.unwrap();
}

#[test]
fn tags_are_set_and_taken_away() {
    let aws = Account::new([
        call(
            "CreateTags",
            json!({"ResourceId.1": "vpc-1", "Tag.1.Key": "new", "Tag.1.Value": "1"}),
        )
        .xml("<return>true</return>"),
        call(
            "DeleteTags",
            json!({"ResourceId.1": "vpc-1", "Tag.1.Key": "old"}),
        )
        .xml("<return>true</return>"),
    ]);
    let mut before = object();
    before.row.set("tags", json!({"old": "1", "kept": "1"}));
    let after = row().with("tags", json!({"new": "1", "kept": "1"}));
    aws.update(&Vpc, &before, &after, &["tags"]).result.unwrap();
}

#[test]
fn delete_waits_for_what_is_in_the_vpc_but_not_for_a_vpc_that_is_gone() {
    let delete = || call("DeleteVpc", json!({"VpcId": "vpc-1"}));
    let aws = Account::new([
        delete().error(
            400,
            "DependencyViolation",
            "The vpc 'vpc-1' has dependencies and cannot be deleted.",
        ),
        delete().xml("<return>true</return>"),
        delete().error(400, "InvalidVpcID.NotFound", "The vpc ID does not exist"),
    ]);
    let step = aws.delete(&Vpc, &object());
    step.result.unwrap();
    assert_eq!(step.waited.len(), 1);
    let step = aws.delete(&Vpc, &object());
    assert!(step.result.unwrap_err().is_absent(&VPC.errors));
    assert!(step.waited.is_empty());
}
