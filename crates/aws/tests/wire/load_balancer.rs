//! `load_balancer` on the wire.

use crate::account::{Account, REGION};
use crate::elb::{describe_tags, no_tags, page};
use crate::replay::{Call, call};
use iasql_aws::elb::load_balancer::{LOAD_BALANCER, LOAD_BALANCER_SECURITY_GROUPS, LoadBalancer};
use iasql_aws::error::Class;
use iasql_aws::resource::Resource;
use iasql_engine::{Object, Row, Value};
use serde_json::{Value as Json, json};

fn arn(name: &str) -> String {
    format!(
        "arn:aws:elasticloadbalancing:{REGION}:123456789012:loadbalancer/app/{name}/50dc6c495c0c9188"
    )
}

/// A load balancer in two zones as AWS describes it. `what` is the rest of it.
fn balancer(name: &str, what: &str) -> String {
    format!(
        "<member>
           <LoadBalancerArn>{}</LoadBalancerArn><LoadBalancerName>{name}</LoadBalancerName>
           <DNSName>{name}-1.elb.amazonaws.com</DNSName>
           <CanonicalHostedZoneId>Z3AADJGX6KTTL2</CanonicalHostedZoneId>
           <CreatedTime>2026-01-02T03:04:05.678Z</CreatedTime><VpcId>vpc-1</VpcId>
           <AvailabilityZones>
             <member><SubnetId>subnet-a</SubnetId><ZoneName>us-east-2a</ZoneName></member>
             <member><SubnetId>subnet-b</SubnetId><ZoneName>us-east-2b</ZoneName></member>
           </AvailabilityZones>
           {what}
         </member>",
        arn(name)
    )
}

const APPLICATION: &str = "<Type>application</Type><Scheme>internet-facing</Scheme>
    <State><Code>provisioning</Code></State><IpAddressType>ipv4</IpAddressType>
    <SecurityGroups><member>sg-1</member><member>sg-2</member></SecurityGroups>";

fn balancers(members: &[String], next: Option<&str>) -> String {
    page("LoadBalancers", members, next)
}

fn described(request: Json, members: &[String], next: Option<&str>) -> Call {
    call("DescribeLoadBalancers", request).xml(&balancers(members, next))
}

/// The answer to a create.
pub fn created() -> String {
    balancers(&[balancer("lb", APPLICATION)], None)
}

/// A row with as little as a row needs.
pub fn row() -> Row {
    Row::new(&LOAD_BALANCER)
        .with("load_balancer_name", "lb")
        .with("scheme", "internet-facing")
        .with("load_balancer_type", "application")
        .with("ip_address_type", "ipv4")
        .with("tags", json!({}))
}

fn object() -> Object {
    Object::new(&REGION.into(), arn("lb"), row())
}

/// The value of the security groups.
pub fn groups(ids: &[&str]) -> Value {
    let part = |id: &&str| {
        Row::new(&LOAD_BALANCER_SECURITY_GROUPS).with("security_group_id", Value::object(*id))
    };
    Value::Parts(ids.iter().map(part).collect())
}

/// The value of a set column.
pub fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[test]
fn the_list_is_all_pages_with_every_column() {
    let aws = Account::new([
        described(json!({"PageSize": "400"}), &[balancer("a", APPLICATION)], Some("1")),
        described(json!({"PageSize": "400", "Marker": "1"}), &[], Some("2")),
        described(
            json!({"PageSize": "400", "Marker": "2"}),
            &[balancer("b", APPLICATION)],
            None,
        ),
        describe_tags(&[arn("a"), arn("b")])
        .xml(&format!(
            "<TagDescriptions><member><ResourceArn>{}</ResourceArn>
             <Tags><member><Key>team</Key><Value>x</Value></member></Tags></member></TagDescriptions>",
            arn("a")
        )),
    ]);
    let balancers = aws.list(&LoadBalancer).unwrap();
    assert_eq!(balancers.len(), 2);
    assert_eq!(balancers[0].id.as_str(), arn("a"));
    assert_eq!(
        balancers[0].row.to_json(),
        json!({
            "load_balancer_name": "a", "load_balancer_arn": arn("a"), "dns_name": "a-1.elb.amazonaws.com",
            "canonical_hosted_zone_id": "Z3AADJGX6KTTL2", "created_time": "2026-01-02T03:04:05.678Z",
            "scheme": "internet-facing", "state": "provisioning", "load_balancer_type": "application",
            "subnets": ["subnet-a", "subnet-b"], "availability_zones": ["us-east-2a", "us-east-2b"],
            "ip_address_type": "ipv4", "customer_owned_ipv4_pool": null, "vpc": "vpc-1",
            "tags": {"team": "x"},
            "security_groups": [{"security_group_id": "sg-1"}, {"security_group_id": "sg-2"}],
        })
    );
    assert_eq!(balancers[0].row.object("vpc"), Some(&"vpc-1".into()));
    assert_eq!(
        balancers[0].row.get("security_groups"),
        &groups(&["sg-1", "sg-2"])
    );
    assert_eq!(balancers[1].row.json("tags"), Some(json!({})));
}

#[test]
fn a_page_that_is_refused_fails_the_whole_list() {
    let aws = Account::new([
        described(
            json!({"PageSize": "400"}),
            &[balancer("a", APPLICATION)],
            Some("1"),
        ),
        call(
            "DescribeLoadBalancers",
            json!({"PageSize": "400", "Marker": "1"}),
        )
        .error(400, "ValidationError", "Marker is not valid"),
    ]);
    assert_eq!(aws.list(&LoadBalancer).unwrap_err().class, Class::Refused);
}

#[test]
fn an_address_type_that_the_column_does_not_know_is_left_out_and_noted() {
    let odd = APPLICATION.replace("ipv4", "dualstack-without-public-ipv4");
    let aws = Account::new([described(
        json!({"PageSize": "400"}),
        &[balancer("a", &odd)],
        None,
    )]);
    let reader = aws.reader(&LoadBalancer);
    assert_eq!(aws.run(LoadBalancer.list(&reader)).unwrap(), []);
    let [unsaid] = &reader.unsaid()[..] else {
        panic!("one load balancer cannot be said");
    };
    assert_eq!(unsaid.object.id.as_str(), arn("a"));
    assert_eq!(
        unsaid.why,
        "its ip_address_type is dualstack-without-public-ipv4"
    );
}

#[test]
fn a_state_that_the_column_does_not_know_is_no_reason_to_leave_the_load_balancer_out() {
    let odd = APPLICATION.replace("provisioning", "hibernating");
    let aws = Account::new([
        described(json!({"PageSize": "400"}), &[balancer("a", &odd)], None),
        no_tags(&[arn("a")]),
    ]);
    let balancers = aws.list(&LoadBalancer).unwrap();
    assert_eq!(balancers[0].row.get("state"), &Value::Null);
}

#[test]
fn a_gateway_of_which_aws_says_neither_scheme_nor_address_type_is_internal_and_ipv4() {
    let aws = Account::new([
        described(
            json!({"PageSize": "400"}),
            &[balancer("a", "<Type>gateway</Type>")],
            None,
        ),
        no_tags(&[arn("a")]),
    ]);
    let balancers = aws.list(&LoadBalancer).unwrap();
    assert_eq!(balancers[0].row.text("scheme"), Some("internal"));
    assert_eq!(balancers[0].row.text("ip_address_type"), Some("ipv4"));
    assert_eq!(balancers[0].row.get("security_groups"), &groups(&[]));
}

#[test]
fn a_load_balancer_that_is_not_found_does_not_exist() {
    let request = json!({"LoadBalancerArns.member.1": arn("lb")});
    let aws = Account::new([
        described(request.clone(), &[balancer("lb", APPLICATION)], None),
        no_tags(&[arn("lb")]),
        call("DescribeLoadBalancers", request).error(400, "LoadBalancerNotFound", "not found"),
    ]);
    let found = aws.describe(&LoadBalancer, &arn("lb")).unwrap().unwrap();
    assert_eq!(found.row.text("load_balancer_name"), Some("lb"));
    assert_eq!(aws.describe(&LoadBalancer, &arn("lb")).unwrap(), None);
}

#[test]
fn create_with_named_subnets_is_one_call() {
    let aws = Account::new([call(
        "CreateLoadBalancer",
        json!({
            "Name": "lb", "Type": "application", "Scheme": "internet-facing", "IpAddressType": "ipv4",
            "Subnets.member.1": "subnet-b", "Subnets.member.2": "subnet-a",
            "SecurityGroups.member.1": "sg-1", "SecurityGroups.member.2": "sg-2",
            "CustomerOwnedIpv4Pool": "ipv4pool-coip-1",
            "Tags.member.1.Key": "team", "Tags.member.1.Value": "x",
        }),
    )
    .xml(&created())]);
    let row = row()
        .with("subnets", list(&["subnet-b", "subnet-a"]))
        .with("security_groups", groups(&["sg-1", "sg-2"]))
        .with("customer_owned_ipv4_pool", "ipv4pool-coip-1")
        .with("tags", json!({"team": "x"}));
    let made = aws.create(&LoadBalancer, &row).result.unwrap();
    assert_eq!(made.row.json("tags"), Some(json!({"team": "x"})));
}

#[test]
fn a_gateway_is_made_without_a_scheme_and_only_as_internal() {
    let aws = Account::new([call(
        "CreateLoadBalancer",
        json!({
            "Name": "lb", "Type": "gateway", "IpAddressType": "ipv4", "Subnets.member.1": "subnet-a",
        }),
    )
    .xml(&balancers(&[balancer("lb", "<Type>gateway</Type>")], None))]);
    let gateway = row()
        .with("load_balancer_type", "gateway")
        .with("subnets", list(&["subnet-a"]));
    let error = aws.create(&LoadBalancer, &gateway).result.unwrap_err();
    assert_eq!(error.class, Class::Unsupported);
    let gateway = gateway.with("scheme", "internal");
    aws.create(&LoadBalancer, &gateway).result.unwrap();
}

#[test]
fn a_security_group_that_is_not_known_everywhere_yet_is_waited_for() {
    let request = json!({
        "Name": "lb", "Type": "application", "Scheme": "internet-facing", "IpAddressType": "ipv4",
        "Subnets.member.1": "subnet-a", "SecurityGroups.member.1": "sg-1",
    });
    let aws = Account::new([
        call("CreateLoadBalancer", request.clone()).error(
            400,
            "InvalidSecurityGroup",
            "The security group 'sg-1' does not exist",
        ),
        call("CreateLoadBalancer", request).xml(&created()),
    ]);
    let row = row()
        .with("subnets", list(&["subnet-a"]))
        .with("security_groups", groups(&["sg-1"]));
    let step = aws.create(&LoadBalancer, &row);
    step.result.unwrap();
    assert_eq!(step.waited.len(), 1);
}

#[test]
fn a_create_whose_answer_was_lost_is_not_sent_again() {
    let aws = Account::new([call(
        "CreateLoadBalancer",
        json!({
            "Name": "lb", "Type": "application", "Scheme": "internet-facing", "IpAddressType": "ipv4",
            "Subnets.member.1": "subnet-a",
        }),
    )
    .lost()]);
    let row = row().with("subnets", list(&["subnet-a"]));
    let step = aws.create(&LoadBalancer, &row);
    assert_eq!(step.result.unwrap_err().class, Class::NoAnswer);
    assert_eq!(step.made, []);
}

#[test]
fn subnets_that_stay_keep_their_fixed_addresses() {
    let fixed =
        "<Type>network</Type><Scheme>internet-facing</Scheme><IpAddressType>ipv4</IpAddressType>";
    let now = balancer("lb", fixed).replace(
        "<ZoneName>us-east-2a</ZoneName>",
        "<ZoneName>us-east-2a</ZoneName><LoadBalancerAddresses><member>
           <IpAddress>35.161.207.171</IpAddress><AllocationId>eipalloc-1</AllocationId>
         </member></LoadBalancerAddresses>",
    );
    let aws = Account::new([
        described(
            json!({"LoadBalancerArns.member.1": arn("lb")}),
            &[now],
            None,
        ),
        call(
            "SetSubnets",
            json!({
                "LoadBalancerArn": arn("lb"),
                "SubnetMappings.member.1.SubnetId": "subnet-a",
                "SubnetMappings.member.1.AllocationId": "eipalloc-1",
                "SubnetMappings.member.2.SubnetId": "subnet-c",
            }),
        )
        .xml(""),
    ]);
    let row = row().with("subnets", list(&["subnet-a", "subnet-c"]));
    let step = aws.update(&LoadBalancer, &object(), &row, &["subnets"]);
    step.result.unwrap();
}

#[test]
fn a_load_balancer_becomes_dual_stack_after_its_subnets_change_and_ipv4_before() {
    let read = || {
        described(
            json!({"LoadBalancerArns.member.1": arn("lb")}),
            &[balancer("lb", APPLICATION)],
            None,
        )
    };
    let set_subnets = || {
        call(
            "SetSubnets",
            json!({"LoadBalancerArn": arn("lb"), "SubnetMappings.member.1.SubnetId": "subnet-c"}),
        )
        .xml("")
    };
    let set_type = |to: &str| {
        call(
            "SetIpAddressType",
            json!({"LoadBalancerArn": arn("lb"), "IpAddressType": to}),
        )
        .xml("")
    };
    let aws = Account::new([
        read(),
        set_subnets(),
        set_type("dualstack"),
        set_type("ipv4"),
        read(),
        set_subnets(),
    ]);
    for ip_address_type in ["dualstack", "ipv4"] {
        let row = row()
            .with("subnets", list(&["subnet-c"]))
            .with("ip_address_type", ip_address_type);
        let changed = ["subnets", "ip_address_type"];
        aws.update(&LoadBalancer, &object(), &row, &changed)
            .result
            .unwrap();
    }
}

#[test]
fn security_groups_and_tags_change_in_place() {
    let aws = Account::new([
        call(
            "SetSecurityGroups",
            json!({"LoadBalancerArn": arn("lb"), "SecurityGroups.member.1": "sg-3"}),
        )
        .xml(""),
        call(
            "AddTags",
            json!({
                "ResourceArns.member.1": arn("lb"),
                "Tags.member.1.Key": "team", "Tags.member.1.Value": "x",
            }),
        )
        .xml(""),
    ]);
    let row = row()
        .with("security_groups", groups(&["sg-3"]))
        .with("tags", json!({"team": "x"}));
    let step = aws.update(&LoadBalancer, &object(), &row, &["security_groups", "tags"]);
    step.result.unwrap();
}

#[test]
fn what_the_row_leaves_to_aws_is_not_sent() {
    let aws = Account::new([]);
    let changed = ["subnets", "security_groups", "tags"];
    let step = aws.update(&LoadBalancer, &object(), &row(), &changed);
    step.result.unwrap();
}

#[test]
fn delete_waits_while_another_load_balancer_forwards_to_this_one() {
    let request = json!({"LoadBalancerArn": arn("lb")});
    let aws = Account::new([
        call("DeleteLoadBalancer", request.clone()).error(400, "ResourceInUse", "in use"),
        call("DeleteLoadBalancer", request).xml(""),
    ]);
    let step = aws.delete(&LoadBalancer, &object());
    step.result.unwrap();
    assert_eq!(step.waited.len(), 1);
}

#[test]
fn deletion_protection_is_said_at_once() {
    let aws = Account::new([
        call("DeleteLoadBalancer", json!({"LoadBalancerArn": arn("lb")})).error(
            400,
            "OperationNotPermitted",
            "Load balancer cannot be deleted because deletion protection is enabled",
        ),
    ]);
    let step = aws.delete(&LoadBalancer, &object());
    assert_eq!(step.result.unwrap_err().class, Class::Refused);
    assert!(step.waited.is_empty());
}
