//! Where `load_balancer` goes when its row does not say.

use crate::account::{Account, REGION};
use crate::elb::default_vpc;
use crate::load_balancer::{created, groups, list, row};
use crate::replay::{Call, call};
use crate::vpc;
use iasql_aws::ec2::subnet::{SUBNET, Subnet};
use iasql_aws::ec2::vpc::Vpc;
use iasql_aws::elb::load_balancer::LoadBalancer;
use iasql_aws::error::Class;
use iasql_engine::{Object, Row, Value};
use serde_json::json;

/// The subnets of a VPC: id, zone, and whether it is the zone's default.
fn subnets(vpc: &str, subnets: &[(&str, &str, bool)]) -> Call {
    call(
        "DescribeSubnets",
        json!({"Filter.1.Name": "vpc-id", "Filter.1.Value.1": vpc, "MaxResults": "1000"}),
    )
    .xml(&subnet_set(vpc, subnets))
}

fn subnet_set(vpc: &str, subnets: &[(&str, &str, bool)]) -> String {
    let items = subnets.iter().map(|(id, zone, default)| {
        format!(
            "<item><subnetId>{id}</subnetId><vpcId>{vpc}</vpcId><availabilityZone>{zone}</availabilityZone>
             <defaultForAz>{default}</defaultForAz></item>"
        )
    });
    format!("<subnetSet>{}</subnetSet>", items.collect::<String>())
}

/// Expects the lists of VPCs and of subnets, and then what follows.
fn after_reading(subnets: &[(&str, &str, bool)], then: &[Call]) -> Account {
    let default = vpc::vpc("vpc-1", "available", true, &[]);
    let list = call("DescribeSubnets", json!({"MaxResults": "1000"}));
    let mut calls = vec![vpc::all(&[default])];
    calls.extend(vpc::attributes("vpc-1", true, false));
    calls.push(list.xml(&subnet_set("vpc-1", subnets)));
    calls.extend_from_slice(then);
    let aws = Account::new(calls);
    aws.list(&Vpc).unwrap();
    aws.list(&Subnet).unwrap();
    aws
}

fn create_in(first: &str, second: &str) -> Call {
    call(
        "CreateLoadBalancer",
        json!({
            "Name": "lb", "Type": "application", "Scheme": "internet-facing", "IpAddressType": "ipv4",
            "Subnets.member.1": first, "Subnets.member.2": second,
        }),
    )
    .xml(&created())
}

#[test]
fn the_network_that_the_run_has_read_is_not_asked_for_again() {
    let there = [
        ("subnet-1", "us-east-2a", false),
        ("subnet-2", "us-east-2a", true),
        ("subnet-3", "us-east-2b", true),
    ];
    let aws = after_reading(&there, &[create_in("subnet-2", "subnet-3")]);
    aws.create(&LoadBalancer, &row()).result.unwrap();
}

#[test]
fn a_subnet_that_the_run_deletes_is_not_taken() {
    let there = [
        ("subnet-1", "us-east-2a", true),
        ("subnet-2", "us-east-2b", false),
        ("subnet-3", "us-east-2b", false),
    ];
    let delete = call("DeleteSubnet", json!({"SubnetId": "subnet-2"}));
    let left = [there[0], there[2]];
    let calls = [
        delete.xml("<return>true</return>"),
        subnets("vpc-1", &left),
        create_in("subnet-1", "subnet-3"),
    ];
    let aws = after_reading(&there, &calls);
    let subnet = Object::new(&REGION.into(), "subnet-2", Row::new(&SUBNET));
    aws.delete(&Subnet, &subnet).result.unwrap();
    aws.create(&LoadBalancer, &row()).result.unwrap();
}

#[test]
fn create_takes_a_subnet_of_the_default_vpc_in_each_zone_and_the_default_one_first() {
    let aws = Account::new([
        default_vpc(true),
        subnets(
            "vpc-1",
            &[
                ("subnet-5", "us-east-2b", false),
                ("subnet-4", "us-east-2b", false),
                ("subnet-1", "us-east-2a", false),
                ("subnet-3", "us-east-2a", true),
                ("subnet-6", "us-east-2-chi-1a", false),
            ],
        ),
        call(
            "CreateLoadBalancer",
            json!({
                "Name": "lb", "Type": "application", "Scheme": "internet-facing", "IpAddressType": "ipv4",
                "Subnets.member.1": "subnet-3", "Subnets.member.2": "subnet-4",
            }),
        )
        .xml(&created()),
    ]);
    let step = aws.create(&LoadBalancer, &row());
    let made = step.result.unwrap();
    let arn = made.row.text("load_balancer_arn").unwrap();
    assert_eq!(step.made, [arn.into()]);
    assert_eq!(made.row.text("dns_name"), Some("lb-1.elb.amazonaws.com"));
    assert_eq!(
        made.row.list("availability_zones"),
        list(&["us-east-2a", "us-east-2b"])
    );
    assert_eq!(made.row.get("security_groups"), &groups(&["sg-1", "sg-2"]));
    assert_eq!(made.row.json("tags"), Some(json!({})));
}

#[test]
fn create_takes_the_zones_and_the_vpc_that_the_row_names() {
    let aws = Account::new([
        subnets(
            "vpc-2",
            &[
                ("subnet-1", "us-east-2a", false),
                ("subnet-2", "us-east-2b", false),
                ("subnet-3", "us-east-2c", false),
            ],
        ),
        call(
            "CreateLoadBalancer",
            json!({
                "Name": "lb", "Type": "application", "Scheme": "internet-facing", "IpAddressType": "ipv4",
                "Subnets.member.1": "subnet-1", "Subnets.member.2": "subnet-3",
            }),
        )
        .xml(&created()),
    ]);
    let row = row()
        .with("vpc", Value::object("vpc-2"))
        .with("availability_zones", list(&["us-east-2c", "us-east-2a"]));
    aws.create(&LoadBalancer, &row).result.unwrap();
}

#[test]
fn a_vpc_that_is_not_that_of_the_subnets_is_refused_before_anything_is_made() {
    let aws = Account::new([subnets("vpc-2", &[("subnet-1", "us-east-2a", false)])]);
    let row = row()
        .with("vpc", Value::object("vpc-2"))
        .with("subnets", list(&["subnet-1", "subnet-b"]));
    let error = aws.create(&LoadBalancer, &row).result.unwrap_err();
    assert_eq!(error.class, Class::Unsupported);
    assert_eq!(
        error.message,
        "subnet-b is not a subnet of vpc-2; set vpc to NULL or name subnets of it"
    );
}

#[test]
fn without_a_default_vpc_nothing_is_made() {
    let aws = Account::new([default_vpc(false)]);
    let error = aws.create(&LoadBalancer, &row()).result.unwrap_err();
    assert_eq!(error.class, Class::Unsupported);
    assert!(error.message.contains("no default VPC"), "{error}");
}

#[test]
fn an_application_load_balancer_needs_two_zones_and_a_network_load_balancer_one() {
    let one_zone = || subnets("vpc-1", &[("subnet-1", "us-east-2a", true)]);
    let aws = Account::new([
        default_vpc(true),
        one_zone(),
        default_vpc(true),
        one_zone(),
        call(
            "CreateLoadBalancer",
            json!({
                "Name": "lb", "Type": "network", "Scheme": "internet-facing", "IpAddressType": "ipv4",
                "Subnets.member.1": "subnet-1",
            }),
        )
        .xml(&created()),
    ]);
    let error = aws.create(&LoadBalancer, &row()).result.unwrap_err();
    assert_eq!(error.class, Class::Unsupported);
    assert_eq!(
        error.message,
        "vpc-1 has subnets in 1 of the 2 zones that are needed; name the subnets in the row"
    );
    let network = row().with("load_balancer_type", "network");
    aws.create(&LoadBalancer, &network).result.unwrap();
}
