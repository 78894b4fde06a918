//! `security_group_rule` on the wire.

use crate::account::Account;
use crate::ec2::{page, tag_set};
use crate::replay::{Call, call};
use iasql_aws::ec2::security_group_rule::{SECURITY_GROUP_RULE, SecurityGroupRule};
use iasql_aws::error::Class;
use iasql_aws::resource::Resource;
use iasql_engine::{Object, Row, Value};
use serde_json::{Value as Json, json};

/// A rule for all protocols of a list, with this peer.
pub fn rule(id: &str, group: &str, is_egress: bool, peer: &str) -> String {
    format!(
        "<securityGroupRuleId>{id}</securityGroupRuleId><groupId>{group}</groupId>\
         <groupOwnerId>123456789012</groupOwnerId><isEgress>{is_egress}</isEgress><ipProtocol>-1</ipProtocol>\
         <fromPort>-1</fromPort><toPort>-1</toPort>{peer}"
    )
}

fn tcp(id: &str, ports: &str, rest: &str) -> String {
    format!(
        "<securityGroupRuleId>{id}</securityGroupRuleId><groupId>sg-1</groupId>\
         <groupOwnerId>123456789012</groupOwnerId><isEgress>false</isEgress><ipProtocol>tcp</ipProtocol>{ports}{rest}"
    )
}

const HTTP: &str = "<fromPort>0</fromPort><toPort>80</toPort>";

fn all(rules: &[String]) -> Call {
    call("DescribeSecurityGroupRules", json!({"MaxResults": "1000"})).xml(&page(
        "securityGroupRuleSet",
        rules,
        None,
    ))
}

fn one(id: &str, found: &[String]) -> Call {
    let request = json!({
        "MaxResults": "1000", "Filter.1.Name": "security-group-rule-id", "Filter.1.Value.1": id,
    });
    call("DescribeSecurityGroupRules", request).xml(&page("securityGroupRuleSet", found, None))
}

fn row() -> Row {
    Row::new(&SECURITY_GROUP_RULE)
        .with("is_egress", false)
        .with("ip_protocol", "tcp")
        .with("from_port", 0)
        .with("to_port", 80)
        .with("cidr_ipv4", "0.0.0.0/0")
        .with("security_group_id", Value::object("sg-1"))
        .with("tags", json!({}))
}

fn object(row: Row) -> Object {
    Object::new(&"us-east-2".into(), "sgr-1", row)
}

fn permission(more: Json) -> Json {
    let mut request = json!({
        "GroupId": "sg-1", "IpPermissions.1.IpProtocol": "tcp", "IpPermissions.1.FromPort": "0",
        "IpPermissions.1.ToPort": "80",
    });
    merge(&mut request, more);
    request
}

fn merge(request: &mut Json, more: Json) {
    let (Json::Object(request), Json::Object(more)) = (request, more) else {
        panic!("parameters are an object");
    };
    request.extend(more);
}

#[test]
fn the_list_is_all_pages_in_the_words_of_the_rows() {
    let next = |token: &str| json!({"MaxResults": "1000", "NextToken": token});
    let aws = Account::new([
        call("DescribeSecurityGroupRules", json!({"MaxResults": "1000"})).xml(&page(
            "securityGroupRuleSet",
            &[tcp(
                "sgr-1",
                HTTP,
                &format!(
                    "<cidrIpv4>10.0.0.0/8</cidrIpv4><description>http</description>{}",
                    tag_set(&[("team", "x")])
                ),
            )],
            Some("1"),
        )),
        call("DescribeSecurityGroupRules", next("1")).xml(&page(
            "securityGroupRuleSet",
            &[],
            Some("2"),
        )),
        call("DescribeSecurityGroupRules", next("2")).xml(&page(
            "securityGroupRuleSet",
            &[rule(
                "sgr-2",
                "sg-1",
                true,
                "<referencedGroupInfo><groupId>sg-2</groupId><userId>123456789012</userId></referencedGroupInfo>",
            )],
            None,
        )),
    ]);
    let rules = aws.list(&SecurityGroupRule).unwrap();
    let said: Vec<Json> = rules.iter().map(|rule| rule.row.to_json()).collect();
    assert_eq!(
        said,
        [
            json!({
                "security_group_rule_id": "sgr-1", "is_egress": false, "ip_protocol": "tcp", "from_port": 0,
                "to_port": 80, "cidr_ipv4": "10.0.0.0/8", "cidr_ipv6": null, "prefix_list_id": null,
                "description": "http", "security_group_id": "sg-1", "source_security_group_id": null,
                "tags": {"team": "x"},
            }),
            json!({
                "security_group_rule_id": "sgr-2", "is_egress": true, "ip_protocol": "-1", "from_port": -1,
                "to_port": -1, "cidr_ipv4": null, "cidr_ipv6": null, "prefix_list_id": null,
                "description": null, "security_group_id": "sg-1", "source_security_group_id": "sg-2",
                "tags": {},
            }),
        ]
    );
    assert_eq!(
        rules[1].row.get("source_security_group_id"),
        &Value::object("sg-2")
    );
}

#[test]
fn a_page_that_is_refused_fails_the_whole_list() {
    let aws = Account::new([
        call("DescribeSecurityGroupRules", json!({"MaxResults": "1000"})).xml(&page(
            "securityGroupRuleSet",
            &[rule(
                "sgr-1",
                "sg-1",
                true,
                "<cidrIpv4>0.0.0.0/0</cidrIpv4>",
            )],
            Some("1"),
        )),
        call(
            "DescribeSecurityGroupRules",
            json!({"MaxResults": "1000", "NextToken": "1"}),
        )
        .error(400, "InvalidNextToken", "The token is not valid."),
    ]);
    let error = aws.list(&SecurityGroupRule).unwrap_err();
    assert_eq!(error.code.as_deref(), Some("InvalidNextToken"));
}

#[test]
fn ports_mean_something_for_four_protocols_only() {
    let with = |protocol: &str, ports: &str| {
        let peer = "<cidrIpv4>0.0.0.0/0</cidrIpv4><description></description>";
        tcp("sgr-1", ports, peer).replace(">tcp<", &format!(">{protocol}<"))
    };
    for (protocol, ports, said) in [
        ("icmp", "<fromPort>8</fromPort><toPort>-1</toPort>", (8, -1)),
        ("icmpv6", "", (-1, -1)),
        ("-1", "", (-1, -1)),
        ("50", "<fromPort>0</fromPort><toPort>0</toPort>", (-1, -1)),
    ] {
        let rules = Account::new([all(&[with(protocol, ports)])])
            .list(&SecurityGroupRule)
            .unwrap();
        let row = &rules[0].row;
        assert_eq!(row.text("ip_protocol"), Some(protocol));
        assert_eq!(
            (row.int("from_port"), row.int("to_port")),
            (Some(said.0), Some(said.1)),
            "{protocol}"
        );
        assert_eq!(row.get("description"), &Value::Null);
    }
}

#[test]
fn what_a_row_cannot_say_is_left_out_and_noted() {
    let peer = |inner: &str| format!("<referencedGroupInfo>{inner}</referencedGroupInfo>");
    let aws = Account::new([all(&[
        rule(
            "sgr-1",
            "sg-1",
            false,
            &peer("<groupId>sg-9</groupId><userId>999999999999</userId>"),
        ),
        rule(
            "sgr-2",
            "sg-1",
            false,
            &peer(
                "<groupId>sg-8</groupId><userId>123456789012</userId><peeringStatus>deleted</peeringStatus>",
            ),
        ),
        rule("sgr-3", "sg-1", false, "<moonPhase>full</moonPhase>"),
        rule(
            "sgr-4",
            "sg-1",
            false,
            &peer(
                "<groupId>sg-7</groupId><userId>123456789012</userId><peeringStatus>active</peeringStatus>",
            ),
        ),
    ])]);
    let reader = aws.reader(&SecurityGroupRule);
    let rules = aws.run(SecurityGroupRule.list(&reader)).unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0].id, "sgr-4".into());
    let unsaid: Vec<_> = reader
        .unsaid()
        .into_iter()
        .map(|unsaid| (unsaid.object.id.to_string(), unsaid.why))
        .collect();
    let expected = [
        ("sgr-1", "its peer is group sg-9 of account 999999999999"),
        (
            "sgr-2",
            "its peer is group sg-8 behind a peering connection that is deleted",
        ),
        ("sgr-3", "its peer is of a kind that has no column"),
    ];
    assert_eq!(
        unsaid,
        expected.map(|(id, why)| (id.to_owned(), why.to_owned()))
    );
}

#[test]
fn describe_asks_for_the_one_rule() {
    let aws = Account::new([
        one(
            "sgr-1",
            &[tcp("sgr-1", HTTP, "<cidrIpv4>0.0.0.0/0</cidrIpv4>")],
        ),
        one("sgr-2", &[]),
    ]);
    let found = aws.describe(&SecurityGroupRule, "sgr-1").unwrap().unwrap();
    assert_eq!(found.id, "sgr-1".into());
    assert_eq!(aws.describe(&SecurityGroupRule, "sgr-2").unwrap(), None);
}

#[test]
fn create_names_the_one_peer_with_the_description() {
    let none = Value::Null;
    let group = Value::object("sg-2");
    let answer = |peer: &str| page("securityGroupRuleSet", &[tcp("sgr-1", HTTP, peer)], None);
    for (column, value, asked, answered) in [
        (
            "cidr_ipv4",
            Value::from("10.0.0.0/8"),
            json!({"IpPermissions.1.IpRanges.1.CidrIp": "10.0.0.0/8",
                   "IpPermissions.1.IpRanges.1.Description": "d"}),
            "<cidrIpv4>10.0.0.0/8</cidrIpv4>",
        ),
        (
            "cidr_ipv6",
            Value::from("::/0"),
            json!({"IpPermissions.1.Ipv6Ranges.1.CidrIpv6": "::/0",
                   "IpPermissions.1.Ipv6Ranges.1.Description": "d"}),
            "<cidrIpv6>::/0</cidrIpv6>",
        ),
        (
            "prefix_list_id",
            Value::from("pl-1"),
            json!({"IpPermissions.1.PrefixListIds.1.PrefixListId": "pl-1",
                   "IpPermissions.1.PrefixListIds.1.Description": "d"}),
            "<prefixListId>pl-1</prefixListId>",
        ),
        (
            "source_security_group_id",
            group,
            json!({"IpPermissions.1.Groups.1.GroupId": "sg-2",
                   "IpPermissions.1.Groups.1.Description": "d"}),
            "<referencedGroupInfo><groupId>sg-2</groupId></referencedGroupInfo>",
        ),
    ] {
        let aws = Account::new([call("AuthorizeSecurityGroupIngress", permission(asked))
            .xml(&answer(&format!("{answered}<description>d</description>")))]);
        let wanted = row()
            .with("cidr_ipv4", none.clone())
            .with(column, value.clone())
            .with("description", "d");
        let step = aws.create(&SecurityGroupRule, &wanted);
        assert_eq!(step.made, ["sgr-1".into()]);
        assert_eq!(
            step.result.unwrap().row,
            wanted.with("security_group_rule_id", "sgr-1")
        );
    }
}

#[test]
fn a_rule_for_what_leaves_is_made_with_its_tags_and_without_an_empty_description() {
    let aws = Account::new([call(
        "AuthorizeSecurityGroupEgress",
        json!({
            "GroupId": "sg-1",
            "IpPermissions.1.IpProtocol": "-1",
            "IpPermissions.1.FromPort": "-1",
            "IpPermissions.1.ToPort": "-1",
            "IpPermissions.1.IpRanges.1.CidrIp": "0.0.0.0/0",
            "TagSpecification.1.ResourceType": "security-group-rule",
            "TagSpecification.1.Tag.1.Key": "team",
            "TagSpecification.1.Tag.1.Value": "x",
        }),
    )
    .xml(&page(
        "securityGroupRuleSet",
        &[rule(
            "sgr-1",
            "sg-1",
            true,
            &format!(
                "<cidrIpv4>0.0.0.0/0</cidrIpv4>{}",
                tag_set(&[("team", "x")])
            ),
        )],
        None,
    ))]);
    let wanted = row()
        .with("is_egress", true)
        .with("ip_protocol", "-1")
        .with("from_port", -1)
        .with("to_port", -1)
        .with("description", "")
        .with("tags", json!({"team": "x"}));
    let mut made = aws.create(&SecurityGroupRule, &wanted).result.unwrap();
    assert_eq!(made.row.get("description"), &Value::Null);
    // The row may say "" for the description that is not there.
    let align = SECURITY_GROUP_RULE.align.unwrap();
    align(&mut made.row, &wanted.clone().with("description", "d"));
    assert_eq!(made.row.get("description"), &Value::Null);
    align(&mut made.row, &wanted);
    assert_eq!(made.row, wanted.with("security_group_rule_id", "sgr-1"));
}

#[test]
fn create_waits_for_a_group_that_was_just_made_but_not_for_a_rule_that_is_there() {
    let authorize = || {
        let peer = json!({"IpPermissions.1.IpRanges.1.CidrIp": "0.0.0.0/0"});
        call("AuthorizeSecurityGroupIngress", permission(peer))
    };
    let aws = Account::new([
        authorize().error(400, "InvalidGroup.NotFound", "sg-1 does not exist"),
        authorize().error(
            400,
            "InvalidPermission.Duplicate",
            "the specified rule already exists",
        ),
    ]);
    let step = aws.create(&SecurityGroupRule, &row());
    assert_eq!(
        step.result.unwrap_err().code.as_deref(),
        Some("InvalidPermission.Duplicate")
    );
    assert_eq!(step.waited.len(), 1);
}

#[test]
fn a_create_whose_answer_was_lost_is_not_sent_again() {
    let peer = json!({"IpPermissions.1.IpRanges.1.CidrIp": "0.0.0.0/0"});
    let aws = Account::new([call("AuthorizeSecurityGroupIngress", permission(peer)).lost()]);
    let step = aws.create(&SecurityGroupRule, &row());
    assert_eq!(step.result.unwrap_err().class, Class::NoAnswer);
}

#[test]
fn one_call_changes_everything_but_the_tags() {
    let modify = |more: Json| {
        let mut request = json!({
            "GroupId": "sg-1",
            "SecurityGroupRule.1.SecurityGroupRuleId": "sgr-1",
            "SecurityGroupRule.1.SecurityGroupRule.IpProtocol": "tcp",
            "SecurityGroupRule.1.SecurityGroupRule.FromPort": "0",
            "SecurityGroupRule.1.SecurityGroupRule.ToPort": "443",
        });
        merge(&mut request, more);
        call("ModifySecurityGroupRules", request).xml("<return>true</return>")
    };
    let aws = Account::new([
        modify(json!({
            "SecurityGroupRule.1.SecurityGroupRule.CidrIpv4": "10.0.0.0/8",
            "SecurityGroupRule.1.SecurityGroupRule.Description": "https",
        })),
        call(
            "CreateTags",
            json!({"ResourceId.1": "sgr-1", "Tag.1.Key": "team", "Tag.1.Value": "x"}),
        )
        .xml("<return>true</return>"),
        modify(json!({"SecurityGroupRule.1.SecurityGroupRule.ReferencedGroupId": "sg-2"})),
    ]);
    let https = row().with("to_port", 443);
    let wanted = https
        .clone()
        .with("cidr_ipv4", "10.0.0.0/8")
        .with("description", "https")
        .with("tags", json!({"team": "x"}));
    let changed = ["to_port", "cidr_ipv4", "description", "tags"];
    aws.update(&SecurityGroupRule, &object(row()), &wanted, &changed)
        .result
        .unwrap();
    // Its old group was replaced, and the description goes.
    let before = https.clone().with("cidr_ipv4", Value::Null);
    let wanted = before
        .clone()
        .with("source_security_group_id", Value::object("sg-2"));
    let before = before
        .with("source_security_group_id", Value::object("sg-3"))
        .with("description", "https");
    let changed = ["description", "source_security_group_id"];
    aws.update(&SecurityGroupRule, &object(before), &wanted, &changed)
        .result
        .unwrap();
}

#[test]
fn delete_revokes_in_the_direction_of_the_rule_and_does_not_wait_for_what_is_gone() {
    let request = || json!({"GroupId": "sg-1", "SecurityGroupRuleId.1": "sgr-1"});
    let aws = Account::new([
        call("RevokeSecurityGroupIngress", request()).xml("<return>true</return>"),
        call("RevokeSecurityGroupEgress", request()).xml("<return>true</return>"),
        call("RevokeSecurityGroupEgress", request()).error(
            400,
            "InvalidSecurityGroupRuleId.NotFound",
            "sgr-1 does not exist",
        ),
        call("RevokeSecurityGroupEgress", request()).error(
            400,
            "InvalidGroup.NotFound",
            "sg-1 does not exist",
        ),
    ]);
    let egress = || object(row().with("is_egress", true));
    aws.delete(&SecurityGroupRule, &object(row()))
        .result
        .unwrap();
    aws.delete(&SecurityGroupRule, &egress()).result.unwrap();
    for _ in 0..2 {
        let step = aws.delete(&SecurityGroupRule, &egress());
        let error = step.result.unwrap_err();
        assert!(error.is_absent(&SECURITY_GROUP_RULE.errors));
        assert!(step.waited.is_empty());
    }
}
