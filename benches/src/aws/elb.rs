//! Elastic Load Balancing: target groups, load balancers, listeners.

use iasql_tests::Protocol;
use serde_json::{Value as Json, json};

use super::account::{ACCOUNT, Account, HOME, Kind, TAG};
use super::collection::{Shape, Synthesize};
use super::document::{Document, member};
use super::request::Request;
use super::{Answer, Refusal};

/// The largest page of every list.
const PAGE: usize = 400;

/// The most ARNs that one DescribeTags takes.
const TAGGED_AT_ONCE: usize = 20;

fn target_group_arn(number: usize, name: &str) -> String {
    format!("arn:aws:elasticloadbalancing:{HOME}:{ACCOUNT}:targetgroup/{name}/{number:016x}")
}

fn load_balancer_arn(number: usize, name: &str) -> String {
    format!("arn:aws:elasticloadbalancing:{HOME}:{ACCOUNT}:loadbalancer/app/{name}/{number:016x}")
}

/// The target group of a number.
pub fn target_group(number: usize) -> Shape {
    named_target_group(
        number,
        &format!("targets-{number}"),
        "ip",
        &json!("HTTP"),
        &json!(80),
        &json!("/health"),
    )
}

fn named_target_group(
    number: usize,
    name: &str,
    target_type: &str,
    protocol: &Json,
    port: &Json,
    path: &Json,
) -> Shape {
    let arn = target_group_arn(number, name);
    Shape {
        fields: json!({
            "TargetGroupArn": arn, "TargetGroupName": name, "Protocol": protocol, "Port": port,
            "VpcId": format!("vpc-0{:016x}", 0), "HealthCheckProtocol": "HTTP", "HealthCheckPort": "traffic-port",
            "HealthCheckEnabled": true, "HealthCheckIntervalSeconds": 30, "HealthCheckTimeoutSeconds": 5,
            "HealthyThresholdCount": 5, "UnhealthyThresholdCount": 2, "HealthCheckPath": path,
            "Matcher": {"HttpCode": "200"}, "LoadBalancerArns": [], "TargetType": target_type,
            "ProtocolVersion": "HTTP1", "IpAddressType": "ipv4",
        }),
        parent: String::new(),
        id: arn,
    }
}

/// The load balancer of a number.
pub fn load_balancer(number: usize) -> Shape {
    let subnets: Vec<String> = (0..3).map(|zone| format!("subnet-0{zone:016x}")).collect();
    let groups = vec![format!("sg-0{:016x}", 0)];
    named_load_balancer(
        number,
        &format!("balancer-{number}"),
        "internet-facing",
        &subnets,
        &groups,
    )
}

fn named_load_balancer(
    number: usize,
    name: &str,
    scheme: &str,
    subnets: &[String],
    groups: &[String],
) -> Shape {
    let arn = load_balancer_arn(number, name);
    let zones: Vec<Json> = subnets
        .iter()
        .zip(["a", "b", "c"])
        .map(|(subnet, zone)| {
            json!({"ZoneName": format!("{HOME}{zone}"), "SubnetId": subnet, "LoadBalancerAddresses": []})
        })
        .collect();
    Shape {
        fields: json!({
            "LoadBalancerArn": arn, "DNSName": format!("{name}.{HOME}.elb.amazonaws.com"),
            "CanonicalHostedZoneId": "Z3AADJGX6KTTL2", "CreatedTime": "2024-01-01T00:00:00Z", "LoadBalancerName": name,
            "Scheme": scheme, "VpcId": format!("vpc-0{:016x}", 0), "State": {"Code": "active"}, "Type": "application",
            "AvailabilityZones": zones, "SecurityGroups": groups, "IpAddressType": "ipv4",
        }),
        parent: String::new(),
        id: arn,
    }
}

/// The listeners of this many load balancers.
pub fn listeners(balancers: usize, targets: usize) -> Synthesize {
    Box::new(move |number| {
        let balancer = number % balancers;
        let target = number % targets;
        listener(
            number,
            &load_balancer_arn(balancer, &format!("balancer-{balancer}")),
            &target_group_arn(target, &format!("targets-{target}")),
            &json!("HTTP"),
            &json!(1 + number / balancers % 65_000),
        )
    })
}

fn listener(number: usize, balancer: &str, target: &str, protocol: &Json, port: &Json) -> Shape {
    let arn = format!(
        "{}/{number:016x}",
        balancer.replace(":loadbalancer/", ":listener/")
    );
    Shape {
        fields: json!({
            "ListenerArn": arn, "LoadBalancerArn": balancer, "Port": port, "Protocol": protocol,
            "DefaultActions": [{
                "Type": "forward", "TargetGroupArn": target, "Order": 1,
                "ForwardConfig": {
                    "TargetGroups": [{"TargetGroupArn": target, "Weight": 1}],
                    "TargetGroupStickinessConfig": {"Enabled": false},
                },
            }],
        }),
        parent: balancer.to_owned(),
        id: arn,
    }
}

/// Answers a call.
pub fn answer(account: &mut Account, request: &Request) -> Answer {
    match request.operation.as_str() {
        "DescribeTargetGroups" => describe(account, request, Kind::TargetGroup, "TargetGroups"),
        "DescribeLoadBalancers" => describe(account, request, Kind::LoadBalancer, "LoadBalancers"),
        "DescribeListeners" => describe(account, request, Kind::Listener, "Listeners"),
        "DescribeTags" => describe_tags(account, request),
        // What no table reads and clients of other kinds ask for.
        "DescribeLoadBalancerAttributes"
        | "ModifyLoadBalancerAttributes"
        | "DescribeTargetGroupAttributes"
        | "ModifyTargetGroupAttributes" => none("Attributes"),
        "DescribeTargetHealth" => none("TargetHealthDescriptions"),
        "DescribeRules" => none("Rules"),
        "CreateTargetGroup" => {
            let number = account.next_number();
            let (name, target_type) = (request.text("Name"), request.text("TargetType"));
            let (protocol, port) = (request.get("Protocol"), request.get("Port"));
            let path = request.get("HealthCheckPath");
            let shape = named_target_group(number, name, target_type, protocol, port, path);
            Ok(make(
                account,
                request,
                Kind::TargetGroup,
                "TargetGroups",
                shape,
            ))
        }
        "CreateLoadBalancer" => {
            let number = account.next_number();
            let list = |name| {
                request
                    .numbered(name)
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            let (subnets, groups) = (list("Subnets.member"), list("SecurityGroups.member"));
            let (name, scheme) = (request.text("Name"), request.text("Scheme"));
            let shape = named_load_balancer(number, name, scheme, &subnets, &groups);
            Ok(make(
                account,
                request,
                Kind::LoadBalancer,
                "LoadBalancers",
                shape,
            ))
        }
        "CreateListener" => {
            let number = account.next_number();
            let balancer = request.text("LoadBalancerArn");
            let target = request.text("DefaultActions.member.1.TargetGroupArn");
            let shape = listener(
                number,
                balancer,
                target,
                request.get("Protocol"),
                request.get("Port"),
            );
            Ok(make(account, request, Kind::Listener, "Listeners", shape))
        }
        "DeleteTargetGroup" => Ok(delete(
            account,
            request,
            Kind::TargetGroup,
            "TargetGroupArn",
        )),
        "DeleteLoadBalancer" => Ok(delete(
            account,
            request,
            Kind::LoadBalancer,
            "LoadBalancerArn",
        )),
        "DeleteListener" => Ok(delete(account, request, Kind::Listener, "ListenerArn")),
        _ => Err(Refusal::unknown(request)),
    }
}

fn make(
    account: &mut Account,
    request: &Request,
    kind: Kind,
    list: &str,
    shape: Shape,
) -> Document {
    let made = member(Protocol::Query, &shape.fields);
    account.of(&request.region, kind).insert(shape);
    Document::new(Protocol::Query).list(list, [made.as_str()].into_iter())
}

fn delete(account: &mut Account, request: &Request, kind: Kind, arn: &str) -> Document {
    account.of(&request.region, kind).remove(request.text(arn));
    Document::new(Protocol::Query)
}

fn describe(account: &mut Account, request: &Request, kind: Kind, list: &str) -> Answer {
    let collection = account.of(&request.region, kind);
    let document = Document::new(Protocol::Query);
    let named: Vec<&str> = [
        "TargetGroupArns.member",
        "LoadBalancerArns.member",
        "ListenerArns.member",
    ]
    .iter()
    .flat_map(|name| request.numbered(name))
    .collect();
    if !named.is_empty() {
        let members = named.iter().filter_map(|arn| collection.get(arn));
        return Ok(document.list(list, members));
    }
    if let Some(name) = request.numbered("Names.member").next() {
        let found = collection.containing(&format!("Name>{name}</"));
        return match found.is_empty() {
            true => Err(absent(kind, name)),
            false => Ok(document.list(list, found.into_iter())),
        };
    }
    if kind == Kind::Listener {
        let members = collection.of(request.text("LoadBalancerArn"));
        return Ok(document.list(list, members.into_iter()));
    }
    let size = request.page_size("PageSize", PAGE, PAGE)?;
    let (members, next) = collection.page(request.page_start("Marker"), size);
    let document = document.list(list, members.into_iter());
    Ok(document.optional("NextMarker", next.map(|next| next.to_string())))
}

fn none(list: &str) -> Answer {
    Ok(Document::new(Protocol::Query).field(list, &json!([])))
}

fn absent(kind: Kind, name: &str) -> Refusal {
    let code = match kind {
        Kind::TargetGroup => "TargetGroupNotFound",
        _ => "LoadBalancerNotFound",
    };
    Refusal::new(code, format!("nothing is called {name}"))
}

fn describe_tags(account: &mut Account, request: &Request) -> Answer {
    let arns: Vec<&str> = request.numbered("ResourceArns.member").collect();
    if arns.len() > TAGGED_AT_ONCE {
        return Err(Refusal::new(
            "ValidationError",
            "at most 20 ARNs".to_owned(),
        ));
    }
    let mut is_made = |arn: &str| {
        let kinds = [Kind::TargetGroup, Kind::LoadBalancer, Kind::Listener];
        kinds
            .into_iter()
            .any(|kind| account.of(&request.region, kind).is_made(arn))
    };
    let described: Json = arns
        .iter()
        .map(|arn| match is_made(arn) {
            true => json!({"ResourceArn": arn, "Tags": []}),
            false => json!({"ResourceArn": arn, "Tags": [{"Key": TAG.0, "Value": TAG.1}]}),
        })
        .collect();
    Ok(Document::new(Protocol::Query).field("TagDescriptions", &described))
}
