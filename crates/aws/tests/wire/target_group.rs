//! `target_group` on the wire.

use crate::account::{Account, REGION};
use crate::elb::{default_vpc, describe_tags, no_tags, page};
use crate::replay::call;
use iasql_aws::elb::target_group::{TARGET_GROUP, TargetGroup};
use iasql_aws::error::Class;
use iasql_aws::resource::Resource;
use iasql_engine::{Object, Row, Value};
use serde_json::json;

fn arn(name: &str) -> String {
    format!(
        "arn:aws:elasticloadbalancing:{REGION}:123456789012:targetgroup/{name}/73e2d6bc24d8a067"
    )
}

/// A group as AWS describes it.
fn group(name: &str, protocol: &str) -> String {
    format!(
        "<member>
           <TargetGroupArn>{}</TargetGroupArn><TargetGroupName>{name}</TargetGroupName>
           <TargetType>ip</TargetType><IpAddressType>ipv4</IpAddressType><VpcId>vpc-1</VpcId>
           <Protocol>{protocol}</Protocol><ProtocolVersion>HTTP1</ProtocolVersion><Port>8088</Port>
           <HealthCheckEnabled>true</HealthCheckEnabled><HealthCheckProtocol>HTTP</HealthCheckProtocol>
           <HealthCheckPort>traffic-port</HealthCheckPort><HealthCheckPath>/health</HealthCheckPath>
           <HealthCheckIntervalSeconds>30</HealthCheckIntervalSeconds>
           <HealthCheckTimeoutSeconds>5</HealthCheckTimeoutSeconds>
           <HealthyThresholdCount>5</HealthyThresholdCount>
           <UnhealthyThresholdCount>2</UnhealthyThresholdCount>
           <Matcher><HttpCode>200</HttpCode></Matcher>
         </member>",
        arn(name)
    )
}

fn groups(members: &[String], next: Option<&str>) -> String {
    page("TargetGroups", members, next)
}

fn arns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| arn(name)).collect()
}

fn row(name: &str) -> Row {
    Row::new(&TARGET_GROUP)
        .with("target_group_name", name)
        .with("target_type", "ip")
        .with("protocol", "HTTP")
        .with("port", 8088)
        .with("tags", json!({}))
}

fn object(name: &str) -> Object {
    Object::new(&REGION.into(), arn(name), row(name))
}

fn names(objects: &[Object]) -> Vec<&str> {
    let names = objects
        .iter()
        .map(|object| object.row.text("target_group_name"));
    names.map(Option::unwrap_or_default).collect()
}

#[test]
fn the_list_is_all_pages_with_every_column() {
    let aws = Account::new([
        call("DescribeTargetGroups", json!({"PageSize": "400"}))
            .xml(&groups(&[group("a", "HTTP")], Some("1"))),
        call(
            "DescribeTargetGroups",
            json!({"PageSize": "400", "Marker": "1"}),
        )
        .xml(&groups(&[], Some("2"))),
        call(
            "DescribeTargetGroups",
            json!({"PageSize": "400", "Marker": "2"}),
        )
        .xml(&groups(&[group("b", "HTTPS")], None)),
        describe_tags(&arns(&["a", "b"])).xml(&format!(
            "<TagDescriptions>
               <member><ResourceArn>{}</ResourceArn><Tags></Tags></member>
               <member><ResourceArn>{}</ResourceArn><Tags>
                 <member><Key>team</Key><Value>x</Value></member>
                 <member><Key>aws:cloudformation:stack-name</Key><Value>y</Value></member>
               </Tags></member>
             </TagDescriptions>",
            arn("a"),
            arn("b"),
        )),
    ]);
    let groups = aws.list(&TargetGroup).unwrap();
    assert_eq!(names(&groups), ["a", "b"]);
    assert_eq!(groups[0].id.as_str(), arn("a"));
    assert_eq!(
        groups[0].row.to_json(),
        json!({
            "target_group_name": "a", "target_type": "ip", "target_group_arn": arn("a"),
            "ip_address_type": "ipv4", "protocol": "HTTP", "health_check_protocol": "HTTP", "port": 8088,
            "health_check_port": "traffic-port", "health_check_path": "/health",
            "health_check_enabled": true, "health_check_interval_seconds": 30,
            "health_check_timeout_seconds": 5, "healthy_threshold_count": 5,
            "unhealthy_threshold_count": 2, "protocol_version": "HTTP1", "vpc": "vpc-1", "tags": {},
        })
    );
    assert_eq!(groups[0].row.object("vpc"), Some(&"vpc-1".into()));
    assert_eq!(groups[1].row.json("tags"), Some(json!({"team": "x"})));
}

#[test]
fn a_page_that_is_refused_fails_the_whole_list() {
    let aws = Account::new([
        call("DescribeTargetGroups", json!({"PageSize": "400"}))
            .xml(&groups(&[group("a", "HTTP")], Some("1"))),
        call(
            "DescribeTargetGroups",
            json!({"PageSize": "400", "Marker": "1"}),
        )
        .error(400, "ValidationError", "Marker is not valid"),
    ]);
    let error = aws.list(&TargetGroup).unwrap_err();
    assert_eq!(
        error.to_string(),
        "elasticloadbalancing:DescribeTargetGroups: ValidationError: Marker is not valid"
    );
}

#[test]
fn tags_are_read_twenty_groups_a_call() {
    let all: Vec<String> = (0..21).map(|number| format!("group-{number}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let members: Vec<String> = all.iter().map(|name| group(name, "HTTP")).collect();
    let aws = Account::new([
        call("DescribeTargetGroups", json!({"PageSize": "400"})).xml(&groups(&members, None)),
        no_tags(&arns(&all[..20])),
        no_tags(&arns(&all[20..])).beside(),
    ]);
    assert_eq!(names(&aws.list(&TargetGroup).unwrap()), all);
}

#[test]
fn a_group_that_goes_while_the_tags_are_read_does_not_fail_the_list() {
    let aws = Account::new([
        call("DescribeTargetGroups", json!({"PageSize": "400"}))
            .xml(&groups(&[group("a", "HTTP"), group("b", "HTTP")], None)),
        describe_tags(&arns(&["a", "b"])).error(
            400,
            "TargetGroupNotFound",
            "One or more not found",
        ),
        describe_tags(&arns(&["a"])).error(400, "TargetGroupNotFound", "One or more not found"),
        no_tags(&arns(&["b"])).beside(),
    ]);
    assert_eq!(names(&aws.list(&TargetGroup).unwrap()), ["b"]);
}

#[test]
fn a_protocol_that_the_column_does_not_know_is_left_out_and_noted() {
    let aws = Account::new([
        call("DescribeTargetGroups", json!({"PageSize": "400"}))
            .xml(&groups(&[group("a", "QUIC"), group("b", "HTTP")], None)),
        no_tags(&arns(&["b"])),
    ]);
    let reader = aws.reader(&TargetGroup);
    let groups = aws.run(TargetGroup.list(&reader)).unwrap();
    assert_eq!(names(&groups), ["b"]);
    let [unsaid] = &reader.unsaid()[..] else {
        panic!("one group cannot be said");
    };
    assert_eq!(unsaid.object.id.as_str(), arn("a"));
    assert_eq!(unsaid.why, "its protocol is QUIC");
}

#[test]
fn a_group_that_is_not_found_does_not_exist() {
    let request = json!({"TargetGroupArns.member.1": arn("a")});
    let aws = Account::new([
        call("DescribeTargetGroups", request.clone()).xml(&groups(&[group("a", "HTTP")], None)),
        no_tags(&arns(&["a"])),
        call("DescribeTargetGroups", request).error(400, "TargetGroupNotFound", "not found"),
    ]);
    let found = aws.describe(&TargetGroup, &arn("a")).unwrap().unwrap();
    assert_eq!(found.row.int("port"), Some(8088));
    assert_eq!(aws.describe(&TargetGroup, &arn("a")).unwrap(), None);
}

#[test]
fn create_takes_the_default_vpc_and_the_answer_fills_the_row() {
    let aws = Account::new([
        default_vpc(true),
        call(
            "CreateTargetGroup",
            json!({
                "Name": "a", "TargetType": "ip", "Protocol": "HTTP", "Port": "8088", "VpcId": "vpc-1",
                "HealthCheckPath": "/health",
                "Tags.member.1.Key": "team", "Tags.member.1.Value": "x",
            }),
        )
        .xml(&groups(&[group("a", "HTTP")], None)),
    ]);
    let row = row("a")
        .with("health_check_path", "/health")
        .with("tags", json!({"team": "x"}));
    let step = aws.create(&TargetGroup, &row);
    let group = step.result.unwrap();
    assert_eq!(step.made, [arn("a").into()]);
    assert_eq!(group.row.int("unhealthy_threshold_count"), Some(2));
    assert_eq!(group.row.object("vpc"), Some(&"vpc-1".into()));
    assert_eq!(group.row.json("tags"), Some(json!({"team": "x"})));
}

#[test]
fn create_sends_every_column_that_is_set() {
    let aws = Account::new([call(
        "CreateTargetGroup",
        json!({
            "Name": "a", "TargetType": "ip", "IpAddressType": "ipv6", "Protocol": "HTTPS",
            "HealthCheckProtocol": "HTTP", "Port": "443", "HealthCheckPort": "81", "HealthCheckPath": "/up",
            "HealthCheckEnabled": "true", "HealthCheckIntervalSeconds": "15",
            "HealthCheckTimeoutSeconds": "4", "HealthyThresholdCount": "3",
            "UnhealthyThresholdCount": "6", "ProtocolVersion": "GRPC", "VpcId": "vpc-2",
        }),
    )
    .xml(&groups(&[group("a", "HTTPS")], None))]);
    let row = row("a")
        .with("ip_address_type", "ipv6")
        .with("protocol", "HTTPS")
        .with("health_check_protocol", "HTTP")
        .with("port", 443)
        .with("health_check_port", "81")
        .with("health_check_path", "/up")
        .with("health_check_enabled", true)
        .with("health_check_interval_seconds", 15)
        .with("health_check_timeout_seconds", 4)
        .with("healthy_threshold_count", 3)
        .with("unhealthy_threshold_count", 6)
        .with("protocol_version", "GRPC")
        .with("vpc", Value::object("vpc-2"));
    aws.create(&TargetGroup, &row).result.unwrap();
}

#[test]
fn a_lambda_has_no_vpc() {
    let member = format!(
        "<member><TargetGroupArn>{}</TargetGroupArn><TargetGroupName>a</TargetGroupName>
         <TargetType>lambda</TargetType></member>",
        arn("a")
    );
    let aws = Account::new([call(
        "CreateTargetGroup",
        json!({"Name": "a", "TargetType": "lambda"}),
    )
    .xml(&groups(&[member], None))]);
    let row = Row::new(&TARGET_GROUP)
        .with("target_group_name", "a")
        .with("target_type", "lambda");
    let group = aws.create(&TargetGroup, &row).result.unwrap();
    assert!(group.row.get("vpc").is_null());
    assert!(group.row.get("port").is_null());
}

#[test]
fn without_a_default_vpc_nothing_is_sent_and_the_error_says_what_to_do() {
    let aws = Account::new([default_vpc(false)]);
    let step = aws.create(&TargetGroup, &row("a"));
    let error = step.result.unwrap_err();
    assert_eq!(error.class, Class::Unsupported);
    assert_eq!(
        error.message,
        "the region has no default VPC; say in the row which VPC or subnets to use"
    );
}

#[test]
fn a_create_whose_answer_was_lost_is_not_sent_again() {
    let aws = Account::new([call(
        "CreateTargetGroup",
        json!({"Name": "a", "TargetType": "ip", "Protocol": "HTTP", "Port": "8088", "VpcId": "vpc-1"}),
    )
    .lost()]);
    let step = aws.create(&TargetGroup, &row("a").with("vpc", Value::object("vpc-1")));
    assert_eq!(step.result.unwrap_err().class, Class::NoAnswer);
    assert_eq!(step.made, []);
}

#[test]
fn update_sends_what_changed_and_no_more() {
    let aws = Account::new([
        call(
            "ModifyTargetGroup",
            json!({
                "TargetGroupArn": arn("a"), "HealthCheckPath": "/up", "HealthCheckEnabled": "true",
                "HealthyThresholdCount": "3",
            }),
        )
        .xml(&groups(&[group("a", "HTTP")], None)),
        call(
            "AddTags",
            json!({
                "ResourceArns.member.1": arn("a"),
                "Tags.member.1.Key": "team", "Tags.member.1.Value": "y",
            }),
        )
        .xml(""),
        call(
            "RemoveTags",
            json!({"ResourceArns.member.1": arn("a"), "TagKeys.member.1": "old"}),
        )
        .xml(""),
    ]);
    let mut before = object("a");
    before.row.set("tags", json!({"team": "x", "old": "1"}));
    let row = row("a")
        .with("health_check_path", "/up")
        .with("health_check_enabled", true)
        .with("healthy_threshold_count", 3)
        .with("health_check_interval_seconds", 20)
        .with("tags", json!({"team": "y"}));
    let changed = [
        "health_check_path",
        "health_check_enabled",
        "healthy_threshold_count",
        "tags",
    ];
    let step = aws.update(&TargetGroup, &before, &row, &changed);
    step.result.unwrap();
}

#[test]
fn what_the_row_leaves_to_aws_is_not_sent() {
    let aws = Account::new([]);
    let changed = ["health_check_path", "health_check_enabled", "tags"];
    let step = aws.update(&TargetGroup, &object("a"), &row("a"), &changed);
    step.result.unwrap();
}

#[test]
fn delete_waits_until_no_listener_uses_the_group() {
    let request = json!({"TargetGroupArn": arn("a")});
    let aws = Account::new([
        call("DeleteTargetGroup", request.clone()).error(
            400,
            "ResourceInUse",
            "Target group is currently in use by a listener or a rule",
        ),
        call("DeleteTargetGroup", request).xml(""),
    ]);
    let step = aws.delete(&TargetGroup, &object("a"));
    step.result.unwrap();
    assert_eq!(step.waited.len(), 1);
}

#[test]
fn a_group_that_is_gone_is_said_to_be_absent() {
    let aws = Account::new([
        call("DeleteTargetGroup", json!({"TargetGroupArn": arn("a")})).error(
            400,
            "TargetGroupNotFound",
            "One or more target groups not found",
        ),
    ]);
    let error = aws.delete(&TargetGroup, &object("a")).result.unwrap_err();
    assert!(error.is_absent(&TARGET_GROUP.errors));
}
