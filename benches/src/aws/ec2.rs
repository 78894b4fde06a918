//! EC2: VPCs, subnets, security groups and their rules.

use serde_json::{Value as Json, json};

use super::account::{ACCOUNT, Account, HOME, Kind, TAG};
use super::collection::{Collection, Shape, Synthesize};
use super::document::{Document, member};
use super::request::Request;
use super::{Answer, Refusal};
use iasql_tests::Protocol;

/// The largest page. A list for which none is asked comes in one.
const PAGE: usize = 1000;

fn vpc_id(number: usize) -> String {
    format!("vpc-0{number:016x}")
}

fn subnet_id(number: usize) -> String {
    format!("subnet-0{number:016x}")
}

fn group_id(number: usize) -> String {
    format!("sg-0{number:016x}")
}

fn rule_id(number: usize) -> String {
    format!("sgr-0{number:016x}")
}

/// The tags of every synthetic object, as EC2 writes them.
fn tag_set() -> Json {
    json!([{"key": TAG.0, "value": TAG.1}])
}

/// An address block of 16 addresses.
fn block(number: usize) -> String {
    let first = number * 16;
    format!(
        "10.{}.{}.{}/28",
        first >> 16 & 255,
        first >> 8 & 255,
        first & 255
    )
}

/// The VPC of a number; the first is the default one.
pub fn vpc(number: usize) -> Shape {
    Shape {
        id: vpc_id(number),
        parent: String::new(),
        fields: json!({
            "vpcId": vpc_id(number), "ownerId": ACCOUNT, "state": "available", "cidrBlock": "10.0.0.0/16",
            "dhcpOptionsId": "dopt-0123456789abcdef0", "instanceTenancy": "default", "isDefault": number == 0,
            "cidrBlockAssociationSet": [{
                "cidrBlock": "10.0.0.0/16", "associationId": format!("vpc-cidr-assoc-0{number:016x}"),
                "cidrBlockState": {"state": "associated"},
            }],
            "tagSet": tag_set(),
        }),
    }
}

/// The subnets of this many VPCs; the first three are those of the default one.
pub fn subnets(vpcs: usize) -> Synthesize {
    Box::new(move |number| {
        let id = subnet_id(number);
        let vpc = if number < 3 { 0 } else { number % vpcs };
        let zone = ["a", "b", "c"][number % 3];
        Shape {
            fields: json!({
                "subnetId": id, "subnetArn": format!("arn:aws:ec2:{HOME}:{ACCOUNT}:subnet/{id}"), "state": "available",
                "ownerId": ACCOUNT, "vpcId": vpc_id(vpc), "cidrBlock": block(number), "availableIpAddressCount": 11,
                "availabilityZone": format!("{HOME}{zone}"), "availabilityZoneId": format!("use2-az{}", number % 3 + 1),
                "defaultForAz": number < 3, "mapPublicIpOnLaunch": number < 3, "assignIpv6AddressOnCreation": false,
                "tagSet": tag_set(),
            }),
            parent: vpc_id(vpc),
            id,
        }
    })
}

/// The groups of this many VPCs. The first is the group `default` of the first.
pub fn groups(vpcs: usize) -> Synthesize {
    Box::new(move |number| match number {
        0 => group(0, 0, "default", "default VPC security group"),
        _ => group(
            number,
            number % vpcs,
            &format!("group-{number}"),
            "made for the benchmark",
        ),
    })
}

fn group(number: usize, vpc: usize, name: &str, description: &str) -> Shape {
    let id = group_id(number);
    Shape {
        fields: json!({
            "groupId": id, "groupName": name, "groupDescription": description, "ownerId": ACCOUNT, "vpcId": vpc_id(vpc),
            "securityGroupArn": format!("arn:aws:ec2:{HOME}:{ACCOUNT}:security-group/{id}"),
            "ipPermissions": [{"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "ipRanges": [{"cidrIp": "10.0.0.0/8"}]}],
            "ipPermissionsEgress": [], "tagSet": tag_set(),
        }),
        parent: vpc_id(vpc),
        id,
    }
}

/// The rules of this many groups.
pub fn rules(groups: usize) -> Synthesize {
    Box::new(move |number| {
        // No two rules of a group are alike.
        let place = number / groups;
        let (port, block) = (1024 + place % 60_000, place / 60_000);
        rule(
            number,
            &group_id(number % groups),
            json!({
                "isEgress": false, "ipProtocol": "tcp", "fromPort": port, "toPort": port, "cidrIpv4": format!("10.{block}.0.0/16"),
                "description": "made for the benchmark", "tagSet": tag_set(),
            }),
        )
    })
}

fn rule(number: usize, group: &str, mut fields: Json) -> Shape {
    let id = rule_id(number);
    fields["securityGroupRuleId"] = json!(id);
    fields["securityGroupRuleArn"] = json!(format!(
        "arn:aws:ec2:{HOME}:{ACCOUNT}:security-group-rule/{id}"
    ));
    fields["groupId"] = json!(group);
    fields["groupOwnerId"] = json!(ACCOUNT);
    Shape {
        id,
        parent: group.to_owned(),
        fields,
    }
}

/// Answers a call.
pub fn answer(account: &mut Account, request: &Request) -> Answer {
    let document = Document::new(Protocol::Ec2);
    let region = request.region.as_str();
    match request.operation.as_str() {
        "DescribeVpcs" => describe(account.of(region, Kind::Vpc), request, "vpcSet"),
        "DescribeSubnets" => describe(account.of(region, Kind::Subnet), request, "subnetSet"),
        "DescribeSecurityGroups" => {
            let groups = account.of(region, Kind::SecurityGroup);
            describe_groups(groups, request)
        }
        // What objects are made with has no tags: those of calls are not kept.
        "DescribeTags" => Ok(document.field("tagSet", &json!([]))),
        "DescribeSecurityGroupRules" => {
            let rules = account.of(region, Kind::SecurityGroupRule);
            describe(rules, request, "securityGroupRuleSet")
        }
        "DescribeVpcAttribute" => {
            let attribute = request.text("Attribute");
            let document = document.field("vpcId", request.get("VpcId"));
            Ok(document.field(
                attribute,
                &json!({"value": attribute == "enableDnsSupport"}),
            ))
        }
        "CreateSecurityGroup" => create_group(account, request, document),
        "DeleteSecurityGroup" => {
            account
                .of(region, Kind::SecurityGroup)
                .remove(request.text("GroupId"));
            Ok(document.field("return", &json!(true)))
        }
        "AuthorizeSecurityGroupIngress" => authorize(account, request, false),
        "AuthorizeSecurityGroupEgress" => authorize(account, request, true),
        "RevokeSecurityGroupIngress" | "RevokeSecurityGroupEgress" => {
            let rules = account.of(region, Kind::SecurityGroupRule);
            for id in request.numbered("SecurityGroupRuleId") {
                rules.remove(id);
            }
            restate(account, region, request.text("GroupId"));
            Ok(document.field("return", &json!(true)))
        }
        "ModifySecurityGroupRules" => {
            let id = request.text("SecurityGroupRule.1.SecurityGroupRuleId");
            account
                .of(region, Kind::SecurityGroupRule)
                .change(id, |rule| {
                    for (name, parameter) in RULE {
                        rule[name] = request
                            .get(&format!(
                                "SecurityGroupRule.1.SecurityGroupRule.{parameter}"
                            ))
                            .clone();
                    }
                });
            restate(account, region, request.text("GroupId"));
            Ok(document.field("return", &json!(true)))
        }
        "UpdateSecurityGroupRuleDescriptionsEgress" => {
            describe_egress(account, request);
            Ok(document.field("return", &json!(true)))
        }
        _ => Err(Refusal::unknown(request)),
    }
}

/// What a change of a rule says anew: our name and the parameter's.
const RULE: [(&str, &str); 5] = [
    ("ipProtocol", "IpProtocol"),
    ("fromPort", "FromPort"),
    ("toPort", "ToPort"),
    ("cidrIpv4", "CidrIpv4"),
    ("description", "Description"),
];

fn describe(collection: &Collection, request: &Request, list: &str) -> Answer {
    let document = Document::new(Protocol::Ec2);
    let wanted = request.text("Filter.1.Value.1");
    match request.text("Filter.1.Name") {
        "" => {
            let size = request.page_size("MaxResults", usize::MAX, PAGE)?;
            let (members, next) = collection.page(request.page_start("NextToken"), size);
            let document = document.list(list, members.into_iter());
            Ok(document.optional("nextToken", next.map(|next| next.to_string())))
        }
        "is-default" => Ok(document.list(list, collection.page(0, 1).0.into_iter())),
        // Ids of one kind and of what it is listed under never look alike.
        _ => {
            let one = collection.get(wanted).into_iter();
            Ok(document.list(list, one.chain(collection.of(wanted))))
        }
    }
}

/// Groups by their ids or by a name, which other clients than ours ask for, or as any list.
fn describe_groups(groups: &Collection, request: &Request) -> Answer {
    let list = "securityGroupInfo";
    let document = Document::new(Protocol::Ec2);
    let ids: Vec<&str> = request.numbered("GroupId").collect();
    if !ids.is_empty() {
        let members = ids.into_iter().filter_map(|id| groups.get(id));
        return Ok(document.list(list, members));
    }
    if request.text("Filter.1.Name") == "group-name" {
        let name = request.text("Filter.1.Value.1");
        let named = groups.containing(&format!("<groupName>{name}</groupName>"));
        return Ok(document.list(list, named.into_iter()));
    }
    describe(groups, request, list)
}

/// Writes a group's rules into the group, which names them in an older form.
fn restate(account: &mut Account, region: &str, group: &str) {
    let rules = account.of(region, Kind::SecurityGroupRule);
    let (ids, _) = rules.ids_of(group, 0, PAGE);
    let rules: Vec<Json> = ids.into_iter().filter_map(|id| rules.fields(id)).collect();
    let permissions = |is_egress: bool| -> Json {
        let of_that_way = rules.iter().filter(|rule| rule["isEgress"] == is_egress);
        of_that_way.map(permission).collect()
    };
    let groups = account.of(region, Kind::SecurityGroup);
    groups.change(group, |group| {
        group["ipPermissions"] = permissions(false);
        group["ipPermissionsEgress"] = permissions(true);
    });
}

fn permission(rule: &Json) -> Json {
    let mut permission = json!({
        "ipProtocol": rule["ipProtocol"],
        "ipRanges": [{"cidrIp": rule["cidrIpv4"], "description": rule["description"]}],
    });
    // All protocols have no ports.
    if rule["ipProtocol"] != "-1" {
        permission["fromPort"] = rule["fromPort"].clone();
        permission["toPort"] = rule["toPort"].clone();
    }
    permission
}

/// Sets the description of the rule that lets a group's traffic out to a block of addresses.
fn describe_egress(account: &mut Account, request: &Request) {
    let group = request.text("GroupId");
    let rules = account.of(&request.region, Kind::SecurityGroupRule);
    let (ids, _) = rules.ids_of(group, 0, PAGE);
    let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    for id in ids {
        rules.change(&id, |rule| {
            let block = request.get("IpPermissions.1.IpRanges.1.CidrIp");
            if rule["isEgress"] == true && rule["cidrIpv4"] == *block {
                let description = "IpPermissions.1.IpRanges.1.Description";
                rule["description"] = request.get(description).clone();
            }
        });
    }
    restate(account, &request.region, group);
}

fn create_group(account: &mut Account, request: &Request, document: Document) -> Answer {
    let number = account.next_number();
    let id = group_id(number);
    let (name, description) = (request.text("GroupName"), request.text("GroupDescription"));
    let mut shape = group(number, 0, name, description);
    shape.fields["vpcId"] = request.get("VpcId").clone();
    shape.parent = request.text("VpcId").to_owned();
    shape.fields["ipPermissions"] = json!([]);
    shape.fields["tagSet"] = json!([]);
    let number = account.next_number();
    account
        .of(&request.region, Kind::SecurityGroup)
        .insert(shape);
    // Everything may leave a new group.
    let all = json!({"isEgress": true, "ipProtocol": "-1", "fromPort": -1, "toPort": -1, "cidrIpv4": "0.0.0.0/0"});
    account
        .of(&request.region, Kind::SecurityGroupRule)
        .insert(rule(number, &id, all));
    restate(account, &request.region, &id);
    Ok(document
        .field("return", &json!(true))
        .field("groupId", &json!(id)))
}

fn authorize(account: &mut Account, request: &Request, is_egress: bool) -> Answer {
    let number = account.next_number();
    let parameter = |name: &str| request.get(&format!("IpPermissions.1.{name}")).clone();
    let fields = json!({
        "isEgress": is_egress, "ipProtocol": parameter("IpProtocol"), "fromPort": parameter("FromPort"),
        "toPort": parameter("ToPort"), "cidrIpv4": parameter("IpRanges.1.CidrIp"),
        "description": parameter("IpRanges.1.Description"),
    });
    let shape = rule(number, request.text("GroupId"), fields);
    let made = member(Protocol::Ec2, &shape.fields);
    account
        .of(&request.region, Kind::SecurityGroupRule)
        .insert(shape);
    restate(account, &request.region, request.text("GroupId"));
    let document = Document::new(Protocol::Ec2).field("return", &json!(true));
    Ok(document.list("securityGroupRuleSet", [made.as_str()].into_iter()))
}
