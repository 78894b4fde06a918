//! `subnet` on the wire.

use crate::account::Account;
use crate::ec2::{page, tag_set};
use crate::replay::{Call, Expected, call};
use iasql_aws::ec2::subnet::{SUBNET, Subnet};
use iasql_engine::object::Owner;
use iasql_engine::{Object, Row};
use serde_json::{Value as Json, json};

const ARN: &str = "arn:aws:ec2:us-east-2:123456789012:subnet";

fn subnet(id: &str, state: &str, public: bool, default_for_az: bool) -> String {
    format!(
        "<subnetId>{id}</subnetId><subnetArn>{ARN}/{id}</subnetArn><state>{state}</state><vpcId>vpc-1</vpcId>\
         <ownerId>123456789012</ownerId><cidrBlock>10.0.1.0/24</cidrBlock>\
         <availableIpAddressCount>251</availableIpAddressCount><availabilityZone>us-east-2a</availabilityZone>\
         <defaultForAz>{default_for_az}</defaultForAz><mapPublicIpOnLaunch>{public}</mapPublicIpOnLaunch>{}",
        tag_set(&[("team", "x")])
    )
}

fn said(id: &str, state: &str, public: bool) -> Json {
    json!({
        "availability_zone": "us-east-2a", "state": state, "available_ip_address_count": 251,
        "cidr_block": "10.0.1.0/24", "subnet_id": id, "owner_id": "123456789012",
        "subnet_arn": format!("{ARN}/{id}"), "vpc_id": "vpc-1", "map_public_ip_on_launch": public,
        "tags": {"team": "x"},
    })
}

fn row() -> Row {
    Row::new(&SUBNET)
        .with("availability_zone", "us-east-2a")
        .with("cidr_block", "10.0.1.0/24")
        .with("vpc_id", iasql_engine::Value::object("vpc-1"))
        .with("tags", json!({"team": "x"}))
}

fn object() -> Object {
    let row = row().with("map_public_ip_on_launch", false);
    Object::new(&"us-east-2".into(), "subnet-1", row)
}

fn create() -> Expected {
    call(
        "CreateSubnet",
        json!({
            "VpcId": "vpc-1",
            "CidrBlock": "10.0.1.0/24",
            "AvailabilityZone": "us-east-2a",
            "TagSpecification.1.ResourceType": "subnet",
            "TagSpecification.1.Tag.1.Key": "team",
            "TagSpecification.1.Tag.1.Value": "x",
        }),
    )
}

fn modify(value: &str) -> Call {
    let request = json!({"SubnetId": "subnet-1", "MapPublicIpOnLaunch.Value": value});
    call("ModifySubnetAttribute", request).xml("<return>true</return>")
}

fn one(id: &str, found: &[String]) -> Call {
    let request =
        json!({"MaxResults": "1000", "Filter.1.Name": "subnet-id", "Filter.1.Value.1": id});
    call("DescribeSubnets", request).xml(&page("subnetSet", found, None))
}

#[test]
fn the_list_is_all_pages_and_the_default_subnets_are_the_accounts_own() {
    let next = |token: &str| json!({"MaxResults": "1000", "NextToken": token});
    let aws = Account::new([
        call("DescribeSubnets", json!({"MaxResults": "1000"})).xml(&page(
            "subnetSet",
            &[subnet("subnet-1", "available", true, true)],
            Some("1"),
        )),
        call("DescribeSubnets", next("1")).xml(&page("subnetSet", &[], Some("2"))),
        call("DescribeSubnets", next("2")).xml(&page(
            "subnetSet",
            &[subnet("subnet-2", "unavailable", false, false)],
            None,
        )),
    ]);
    let subnets = aws.list(&Subnet).unwrap();
    assert_eq!(
        subnets[0].row.to_json(),
        said("subnet-1", "available", true)
    );
    assert_eq!(
        subnets[1].row.to_json(),
        said("subnet-2", "unavailable", false)
    );
    assert_eq!(subnets[0].owner, Owner::Account);
    assert_eq!(subnets[1].owner, Owner::User);
}

#[test]
fn a_page_that_is_refused_fails_the_whole_list() {
    let aws = Account::new([
        call("DescribeSubnets", json!({"MaxResults": "1000"})).xml(&page(
            "subnetSet",
            &[subnet("subnet-1", "available", true, true)],
            Some("1"),
        )),
        call(
            "DescribeSubnets",
            json!({"MaxResults": "1000", "NextToken": "1"}),
        )
        .error(403, "UnauthorizedOperation", "You are not authorized."),
    ]);
    assert_eq!(
        aws.list(&Subnet).unwrap_err().to_string(),
        "ec2:DescribeSubnets: UnauthorizedOperation: You are not authorized."
    );
}

#[test]
fn describe_asks_for_the_one_subnet() {
    let aws = Account::new([
        one("subnet-1", &[subnet("subnet-1", "available", true, false)]),
        one("subnet-2", &[]),
    ]);
    let found = aws.describe(&Subnet, "subnet-1").unwrap().unwrap();
    assert_eq!(found.row.to_json(), said("subnet-1", "available", true));
    assert_eq!(aws.describe(&Subnet, "subnet-2").unwrap(), None);
}

#[test]
fn create_takes_what_aws_chose_from_the_answer() {
    let answer = format!(
        "<subnet>{}</subnet>",
        subnet("subnet-1", "available", false, false)
    );
    for wanted in [row(), row().with("map_public_ip_on_launch", false)] {
        let aws = Account::new([create().xml(&answer)]);
        let step = aws.create(&Subnet, &wanted);
        let made = step.result.unwrap();
        assert_eq!(made.row.to_json(), said("subnet-1", "available", false));
        assert_eq!(step.made, ["subnet-1".into()]);
    }
}

#[test]
fn create_waits_for_vpc_and_subnet_and_sets_what_the_row_asks_for() {
    let answer = format!(
        "<subnet>{}</subnet>",
        subnet("subnet-1", "pending", false, false)
    );
    let aws = Account::new([
        create().error(400, "InvalidVpcID.NotFound", "The vpc ID does not exist"),
        create().xml(&answer),
        one("subnet-1", &[]),
        one("subnet-1", &[subnet("subnet-1", "available", false, false)]),
        modify("true"),
    ]);
    let step = aws.create(&Subnet, &row().with("map_public_ip_on_launch", true));
    let made = step.result.unwrap();
    assert_eq!(made.row.to_json(), said("subnet-1", "available", true));
    assert_eq!(step.waited.len(), 2);
}

#[test]
fn an_overlap_is_refused_at_once() {
    let aws = Account::new([create().error(
        400,
        "InvalidSubnet.Conflict",
        "The CIDR '10.0.1.0/24' conflicts with another subnet",
    )]);
    let step = aws.create(&Subnet, &row());
    assert_eq!(
        step.result.unwrap_err().code.as_deref(),
        Some("InvalidSubnet.Conflict")
    );
    assert!(step.waited.is_empty());
}

#[test]
fn an_update_changes_what_changed_and_null_leaves_what_aws_chose() {
    let aws = Account::new([
        modify("true"),
        call(
            "DeleteTags",
            json!({"ResourceId.1": "subnet-1", "Tag.1.Key": "team"}),
        )
        .xml("<return>true</return>"),
    ]);
    let wanted = row()
        .with("map_public_ip_on_launch", true)
        .with("tags", json!({}));
    let changed = ["map_public_ip_on_launch", "tags"];
    aws.update(&Subnet, &object(), &wanted, &changed)
        .result
        .unwrap();
    aws.update(&Subnet, &object(), &row(), &["map_public_ip_on_launch"])
        .result
        .unwrap();
}

#[test]
fn a_change_whose_answer_was_lost_is_sent_again() {
    let request = json!({"SubnetId": "subnet-1", "MapPublicIpOnLaunch.Value": "true"});
    let aws = Account::new([
        call("ModifySubnetAttribute", request).lost(),
        modify("true"),
    ]);
    let wanted = row().with("map_public_ip_on_launch", true);
    aws.update(&Subnet, &object(), &wanted, &["map_public_ip_on_launch"])
        .result
        .unwrap();
}

#[test]
fn delete_waits_for_what_uses_the_subnet_but_not_for_a_subnet_that_is_gone() {
    let delete = || call("DeleteSubnet", json!({"SubnetId": "subnet-1"}));
    let aws = Account::new([
        delete().error(
            400,
            "DependencyViolation",
            "The subnet 'subnet-1' has dependencies and cannot be deleted.",
        ),
        delete().xml("<return>true</return>"),
        delete().error(
            400,
            "InvalidSubnetID.NotFound",
            "The subnet ID does not exist",
        ),
    ]);
    let step = aws.delete(&Subnet, &object());
    step.result.unwrap();
    assert_eq!(step.waited.len(), 1);
    let step = aws.delete(&Subnet, &object());
    assert!(step.result.unwrap_err().is_absent(&SUBNET.errors));
    assert!(step.waited.is_empty());
}
