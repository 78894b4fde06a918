//! `listener` on the wire.

use crate::account::{Account, REGION};
use crate::elb::{no_tags, page};
use crate::replay::{Call, call};
use iasql_aws::elb::listener::{LISTENER, Listener};
use iasql_aws::error::Class;
use iasql_aws::resource::Resource;
use iasql_engine::{Object, Row, Value};
use serde_json::{Value as Json, json};

fn arn(what: &str) -> String {
    format!("arn:aws:elasticloadbalancing:{REGION}:123456789012:{what}")
}

fn balancer_arn(name: &str) -> String {
    arn(&format!("loadbalancer/app/{name}/1"))
}

fn listener_arn(name: &str) -> String {
    arn(&format!("listener/app/{name}/1/2"))
}

fn group_arn(name: &str) -> String {
    arn(&format!("targetgroup/{name}/3"))
}

/// The list of load balancers, which listeners are read by.
fn balancers(names: &[&str]) -> Vec<Call> {
    let members = names.iter().map(|name| {
        format!(
            "<member><LoadBalancerArn>{}</LoadBalancerArn><LoadBalancerName>{name}</LoadBalancerName>
             <Type>application</Type><Scheme>internal</Scheme><IpAddressType>ipv4</IpAddressType></member>",
            balancer_arn(name)
        )
    });
    let arns: Vec<String> = names.iter().map(|name| balancer_arn(name)).collect();
    vec![
        call("DescribeLoadBalancers", json!({"PageSize": "400"})).xml(&page(
            "LoadBalancers",
            &members.collect::<Vec<_>>(),
            None,
        )),
        no_tags(&arns),
    ]
}

fn forward(group: &str) -> String {
    format!(
        "<member><Type>forward</Type><TargetGroupArn>{0}</TargetGroupArn><ForwardConfig>
           <TargetGroups><member><TargetGroupArn>{0}</TargetGroupArn><Weight>1</Weight></member></TargetGroups>
           <TargetGroupStickinessConfig><Enabled>true</Enabled><DurationSeconds>60</DurationSeconds>
           </TargetGroupStickinessConfig>
         </ForwardConfig></member>",
        group_arn(group)
    )
}

const HTTP: &str = "<Port>80</Port><Protocol>HTTP</Protocol>";

/// A listener as AWS describes it.
fn listener(balancer: &str, what: &str, actions: &str) -> String {
    format!(
        "<member><ListenerArn>{}</ListenerArn><LoadBalancerArn>{}</LoadBalancerArn>{what}
         <DefaultActions>{actions}</DefaultActions></member>",
        listener_arn(balancer),
        balancer_arn(balancer),
    )
}

fn listeners(members: &[String]) -> String {
    page("Listeners", members, None)
}

fn of(balancer: &str) -> Json {
    json!({"LoadBalancerArn": balancer_arn(balancer), "PageSize": "400"})
}

/// An account with one load balancer that has this listener.
fn with_one(what: &str, actions: &str) -> Vec<Call> {
    let mut script = balancers(&["a"]);
    let found = listeners(&[listener("a", what, actions)]);
    script.push(call("DescribeListeners", of("a")).xml(&found));
    script
}

fn row() -> Row {
    Row::new(&LISTENER)
        .with("port", 80)
        .with("protocol", "HTTP")
        .with("action_type", "forward")
        .with("load_balancer_name", Value::object(balancer_arn("a")))
        .with("target_group_name", Value::object(group_arn("g")))
        .with("tags", json!({}))
}

fn object() -> Object {
    Object::new(&REGION.into(), listener_arn("a"), row())
}

#[test]
fn the_list_asks_each_load_balancer_for_all_its_pages() {
    let mut script = balancers(&["a", "b", "gone"]);
    let mut next = of("a");
    next["Marker"] = json!("1");
    let certificate = "<Port>443</Port><Protocol>HTTPS</Protocol><SslPolicy>ELBSecurityPolicy-2016-08</SslPolicy>
        <Certificates><member><CertificateArn>arn:aws:acm:x</CertificateArn></member></Certificates>";
    script.extend([
        call("DescribeListeners", of("a")).xml(&page("Listeners", &[], Some("1"))),
        call("DescribeListeners", of("b"))
            .xml(&listeners(&[listener("b", certificate, &forward("h"))]))
            .beside(),
        call("DescribeListeners", of("gone"))
            .error(400, "LoadBalancerNotFound", "not found")
            .beside(),
        call("DescribeListeners", next)
            .xml(&listeners(&[listener("a", HTTP, &forward("g"))]))
            .beside(),
        no_tags(&[listener_arn("a"), listener_arn("b")]),
    ]);
    let aws = Account::new(script);
    let listeners = aws.list(&Listener).unwrap();
    assert_eq!(listeners.len(), 2);
    assert_eq!(listeners[0].id.as_str(), listener_arn("a"));
    assert_eq!(
        listeners[0].row.to_json(),
        json!({
            "listener_arn": listener_arn("a"), "port": 80, "protocol": "HTTP", "action_type": "forward",
            "load_balancer_name": balancer_arn("a"), "target_group_name": group_arn("g"),
            "certificate_arn": null, "ssl_policy": null, "tags": {},
        })
    );
    let row = &listeners[1].row;
    assert_eq!(
        row.object("load_balancer_name"),
        Some(&balancer_arn("b").into())
    );
    assert_eq!(
        row.object("target_group_name"),
        Some(&group_arn("h").into())
    );
    assert_eq!(row.text("certificate_arn"), Some("arn:aws:acm:x"));
    assert_eq!(row.text("ssl_policy"), Some("ELBSecurityPolicy-2016-08"));
}

#[test]
fn a_load_balancer_that_cannot_be_asked_fails_the_whole_list() {
    let mut script = balancers(&["a"]);
    script.push(call("DescribeListeners", of("a")).error(403, "AccessDenied", "no"));
    let aws = Account::new(script);
    assert_eq!(aws.list(&Listener).unwrap_err().class, Class::Denied);
}

#[test]
fn what_is_more_than_forwarding_to_one_group_is_left_out_and_noted() {
    let group = |name: &str| {
        format!(
            "<member><TargetGroupArn>{}</TargetGroupArn><Weight>1</Weight></member>",
            group_arn(name)
        )
    };
    let redirect =
        "<member><Type>redirect</Type><RedirectConfig><Port>443</Port></RedirectConfig></member>";
    let fixed =
        "<member><Type>fixed-response</Type><FixedResponseConfig><StatusCode>404</StatusCode>
        </FixedResponseConfig></member>";
    let weighted = format!(
        "<member><Type>forward</Type><ForwardConfig><TargetGroups>{}{}</TargetGroups></ForwardConfig></member>",
        group("g"),
        group("h")
    );
    let authenticated = format!(
        "<member><Type>authenticate-oidc</Type></member>{}",
        forward("g")
    );
    let new_type = forward("g").replace("<Type>forward</Type>", "<Type>mirror</Type>");
    for actions in [redirect, fixed, &weighted, &authenticated, &new_type, ""] {
        let aws = Account::new(with_one(HTTP, actions));
        let reader = aws.reader(&Listener);
        assert_eq!(aws.run(Listener.list(&reader)).unwrap(), [], "{actions}");
        let [unsaid] = &reader.unsaid()[..] else {
            panic!("one listener cannot be said: {actions}");
        };
        assert_eq!(unsaid.object.id.as_str(), listener_arn("a"));
        assert_eq!(
            unsaid.why,
            "its default action is not to forward to one target group"
        );
    }
}

#[test]
fn a_protocol_that_the_column_does_not_know_is_left_out_and_noted() {
    let quic = "<Port>443</Port><Protocol>TCP_QUIC</Protocol>";
    let aws = Account::new(with_one(quic, &forward("g")));
    let reader = aws.reader(&Listener);
    assert_eq!(aws.run(Listener.list(&reader)).unwrap(), []);
    assert_eq!(reader.unsaid()[0].why, "its protocol is TCP_QUIC");
}

#[test]
fn a_gateways_listener_takes_geneve_though_aws_does_not_say_so() {
    let mut script = with_one("", &forward("g"));
    script.push(no_tags(&[listener_arn("a")]));
    let made = listeners(&[listener("a", "", &forward("g"))]);
    script.push(
        call(
            "CreateListener",
            json!({
                "LoadBalancerArn": balancer_arn("a"),
                "DefaultActions.member.1.Type": "forward",
                "DefaultActions.member.1.TargetGroupArn": group_arn("g"),
            }),
        )
        .xml(&made),
    );
    let aws = Account::new(script);
    let found = aws.list(&Listener).unwrap();
    assert_eq!(found[0].row.text("protocol"), Some("GENEVE"));
    assert_eq!(found[0].row.int("port"), Some(6081));

    let row = row().with("protocol", "GENEVE").with("port", 6081);
    let made = aws.create(&Listener, &row).result.unwrap();
    assert_eq!(made.row.int("port"), Some(6081));
    let error = aws
        .create(&Listener, &row.with("port", 80))
        .result
        .unwrap_err();
    assert_eq!(error.class, Class::Unsupported);
    assert_eq!(error.message, "the port of GENEVE is 6081");
}

#[test]
fn a_listener_that_is_not_found_does_not_exist() {
    let request = json!({"ListenerArns.member.1": listener_arn("a")});
    let aws = Account::new([
        call("DescribeListeners", request.clone()).xml(&listeners(&[listener(
            "a",
            HTTP,
            &forward("g"),
        )])),
        no_tags(&[listener_arn("a")]),
        call("DescribeListeners", request).error(400, "ListenerNotFound", "not found"),
    ]);
    let found = aws
        .describe(&Listener, &listener_arn("a"))
        .unwrap()
        .unwrap();
    assert_eq!(found.row.int("port"), Some(80));
    assert_eq!(aws.describe(&Listener, &listener_arn("a")).unwrap(), None);
}

#[test]
fn create_is_one_call_with_certificate_policy_and_tags() {
    let aws = Account::new([call(
        "CreateListener",
        json!({
            "LoadBalancerArn": balancer_arn("a"), "Port": "443", "Protocol": "HTTPS",
            "DefaultActions.member.1.Type": "forward",
            "DefaultActions.member.1.TargetGroupArn": group_arn("g"),
            "Certificates.member.1.CertificateArn": "arn:aws:acm:x",
            "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "Tags.member.1.Key": "team", "Tags.member.1.Value": "x",
        }),
    )
    .xml(&listeners(&[listener(
        "a",
        "<Port>443</Port><Protocol>HTTPS</Protocol><SslPolicy>ELBSecurityPolicy-TLS13-1-2-2021-06</SslPolicy>",
        &forward("g"),
    )]))]);
    let row = row()
        .with("port", 443)
        .with("protocol", "HTTPS")
        .with("certificate_arn", "arn:aws:acm:x")
        .with("ssl_policy", "ELBSecurityPolicy-TLS13-1-2-2021-06")
        .with("tags", json!({"team": "x"}));
    let step = aws.create(&Listener, &row);
    let made = step.result.unwrap();
    assert_eq!(step.made, [listener_arn("a").into()]);
    assert_eq!(
        made.row.text("listener_arn"),
        Some(listener_arn("a").as_str())
    );
    assert_eq!(made.row.json("tags"), Some(json!({"team": "x"})));
}

#[test]
fn a_target_group_that_is_not_known_everywhere_yet_is_waited_for() {
    let request = json!({
        "LoadBalancerArn": balancer_arn("a"), "Port": "80", "Protocol": "HTTP",
        "DefaultActions.member.1.Type": "forward",
        "DefaultActions.member.1.TargetGroupArn": group_arn("g"),
    });
    let aws = Account::new([
        call("CreateListener", request.clone()).error(400, "TargetGroupNotFound", "not found"),
        call("CreateListener", request).xml(&listeners(&[listener("a", HTTP, &forward("g"))])),
    ]);
    let step = aws.create(&Listener, &row());
    step.result.unwrap();
    assert_eq!(step.waited.len(), 1);
}

#[test]
fn a_security_policy_is_not_sent_for_and_means_nothing_to_a_listener_without_tls() {
    let aws = Account::new([call(
        "ModifyListener",
        json!({"ListenerArn": listener_arn("a"), "Protocol": "HTTP"}),
    )
    .xml(&listeners(&[listener("a", HTTP, &forward("g"))]))]);
    let was = row()
        .with("protocol", "HTTPS")
        .with("certificate_arn", "arn:aws:acm:x")
        .with("ssl_policy", "ELBSecurityPolicy-2016-08");
    let before = Object::new(&REGION.into(), listener_arn("a"), was.clone());
    let row = row().with("ssl_policy", "ELBSecurityPolicy-2016-08");
    let changed = ["protocol", "certificate_arn", "ssl_policy"];
    let step = aws.update(&Listener, &before, &row, &changed);
    step.result.unwrap();

    let align = LISTENER.align.unwrap();
    let mut without = self::row();
    align(&mut without, &row);
    assert_eq!(without, row);
    let mut other = was.clone().with("ssl_policy", "another");
    align(&mut other, &was);
    assert_ne!(other, was);
}

#[test]
fn another_target_group_leaves_stickiness_as_it_is() {
    let aws = Account::new([
        call(
            "DescribeListeners",
            json!({"ListenerArns.member.1": listener_arn("a")}),
        )
        .xml(&listeners(&[listener("a", HTTP, &forward("g"))])),
        call(
            "ModifyListener",
            json!({
                "ListenerArn": listener_arn("a"), "Port": "81",
                "DefaultActions.member.1.Type": "forward",
                "DefaultActions.member.1.TargetGroupArn": group_arn("h"),
                "DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn": group_arn("h"),
                "DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.Weight": "1",
                "DefaultActions.member.1.ForwardConfig.TargetGroupStickinessConfig.Enabled": "true",
                "DefaultActions.member.1.ForwardConfig.TargetGroupStickinessConfig.DurationSeconds": "60",
            }),
        )
        .xml(&listeners(&[listener("a", HTTP, &forward("h"))])),
    ]);
    let row = row()
        .with("port", 81)
        .with("target_group_name", Value::object(group_arn("h")));
    let changed = ["port", "target_group_name"];
    let step = aws.update(&Listener, &object(), &row, &changed);
    step.result.unwrap();
}

#[test]
fn only_what_changed_is_sent() {
    let aws = Account::new([
        call(
            "ModifyListener",
            json!({
                "ListenerArn": listener_arn("a"),
                "Certificates.member.1.CertificateArn": "arn:aws:acm:y",
            }),
        )
        .xml(&listeners(&[listener("a", HTTP, &forward("g"))])),
        call(
            "RemoveTags",
            json!({"ResourceArns.member.1": listener_arn("a"), "TagKeys.member.1": "team"}),
        )
        .xml(""),
    ]);
    let mut before = object();
    before.row.set("tags", json!({"team": "x"}));
    let row = row()
        .with("protocol", "HTTPS")
        .with("certificate_arn", "arn:aws:acm:y")
        .with("ssl_policy", "ELBSecurityPolicy-2016-08");
    let step = aws.update(&Listener, &before, &row, &["certificate_arn", "tags"]);
    step.result.unwrap();
}

#[test]
fn a_listener_that_is_gone_is_said_to_be_absent() {
    let aws = Account::new([
        call("DeleteListener", json!({"ListenerArn": listener_arn("a")})).error(
            400,
            "ListenerNotFound",
            "One or more listeners not found",
        ),
    ]);
    let error = aws.delete(&Listener, &object()).result.unwrap_err();
    assert!(error.is_absent(&LISTENER.errors));
}

#[test]
fn delete_waits_while_a_target_group_sends_requests_to_the_port() {
    let request = json!({"ListenerArn": listener_arn("a")});
    let aws = Account::new([
        call("DeleteListener", request.clone()).error(
            400,
            "ResourceInUse",
            "Listener port 80 is in use",
        ),
        call("DeleteListener", request).xml(""),
    ]);
    let step = aws.delete(&Listener, &object());
    step.result.unwrap();
    assert_eq!(step.waited.len(), 1);
}
