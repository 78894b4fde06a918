//! The fault proxy does to calls what its rules say, and counts every one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use iasql_tests::proxy::{Action, Alteration, Call, Gate, Proxy, Reply};
use iasql_tests::{Cloud, Emulator, Error, Result, Service};
use serde_json::json;

const REGION: &str = "us-east-2";

/// Calls `CreateCluster` through the proxy.
fn create_cluster(proxy: &Proxy) -> Result {
    let cloud = Cloud::new(proxy.endpoint(), REGION);
    cloud
        .json(Service::Ecs, "CreateCluster", &json!({"clusterName": "c"}))
        .map(drop)
}

/// Sends a `CreateCluster` to the proxy by hand and does not wait for the answer.
fn send_create_cluster(proxy: &Proxy) -> Result<TcpStream> {
    let mut stream =
        TcpStream::connect(proxy.endpoint().trim_start_matches("http://")).map_err(io)?;
    let request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nX-Amz-Target: \
                   AmazonEC2ContainerServiceV20141113.CreateCluster\r\nAuthorization: AWS4-HMAC-SHA256 \
                   Credential=test/20250101/us-east-2/ecs/aws4_request, Signature=none\r\n\r\n{}";
    stream.write_all(request.as_bytes()).map_err(io)?;
    Ok(stream)
}

fn io(source: std::io::Error) -> Error {
    Error::Io {
        path: "the proxy".into(),
        source,
    }
}

/// How many clusters there really are.
fn clusters(emulator: &Emulator) -> Result<usize> {
    let reply = emulator
        .cloud(REGION)
        .json(Service::Ecs, "ListClusters", &json!({}))?;
    Ok(reply["clusterArns"].as_array().map_or(0, Vec::len))
}

/// A proxy that does this to every `CreateCluster`.
fn with_action(emulator: &Emulator, action: Action) -> Result<Proxy> {
    let proxy = Proxy::start(emulator.endpoint())?;
    proxy.set_rule(move |call| {
        if call.name == "ecs:CreateCluster" {
            action.clone()
        } else {
            Action::Forward
        }
    });
    Ok(proxy)
}

#[test]
fn calls_are_forwarded_and_recorded_in_order() -> Result {
    let emulator = Emulator::take()?;
    let proxy = Proxy::start(emulator.endpoint())?;
    let cloud = Cloud::new(proxy.endpoint(), "eu-west-1");
    cloud.query(Service::Ec2, "DescribeVpcs", &[])?;
    create_cluster(&proxy)?;
    cloud
        .query(Service::Iam, "GetRole", &[("RoleName", "nobody")])
        .map(drop)
        .unwrap_or_default();
    cloud.query(Service::Ec2, "DescribeVpcs", &[("MaxResults", "5")])?;

    let seen = |call: &Call| {
        (
            call.name.clone(),
            call.mutates(),
            call.status,
            call.occurrence,
        )
    };
    let name = str::to_owned;
    assert_eq!(
        proxy.calls().iter().map(seen).collect::<Vec<_>>(),
        [
            (name("ec2:DescribeVpcs"), false, Some(200), 1),
            (name("ecs:CreateCluster"), true, Some(200), 1),
            (name("iam:GetRole"), false, Some(404), 1),
            (name("ec2:DescribeVpcs"), false, Some(200), 2),
        ]
    );
    assert_eq!(proxy.calls()[0].region, "eu-west-1");
    assert_eq!(
        proxy.calls()[3].parameter("MaxResults").as_deref(),
        Some("5")
    );
    proxy.forget_calls();
    assert!(proxy.calls().is_empty());
    Ok(())
}

#[test]
fn a_delayed_call_takes_that_long_and_succeeds() -> Result {
    let emulator = Emulator::take()?;
    let proxy = with_action(&emulator, Action::Delay(Duration::from_millis(300)))?;
    let start = Instant::now();
    create_cluster(&proxy)?;
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(clusters(&emulator)?, 1);
    Ok(())
}

#[test]
fn a_dropped_call_never_reaches_the_cloud() -> Result {
    let emulator = Emulator::take()?;
    let proxy = with_action(&emulator, Action::DropBefore)?;
    assert!(matches!(create_cluster(&proxy), Err(Error::Http { .. })));
    assert_eq!(clusters(&emulator)?, 0);
    let call = &proxy.calls()[0];
    assert_eq!((call.forwarded, call.status), (false, None));
    Ok(())
}

#[test]
fn a_lost_reply_leaves_the_work_done() -> Result {
    let emulator = Emulator::take()?;
    let proxy = with_action(&emulator, Action::LoseReply)?;
    assert!(matches!(create_cluster(&proxy), Err(Error::Http { .. })));
    assert_eq!(clusters(&emulator)?, 1);
    assert_eq!(proxy.calls()[0].status, Some(200));
    Ok(())
}

#[test]
fn a_reset_reply_breaks_off_in_the_middle_of_its_body() -> Result {
    let emulator = Emulator::take()?;
    let proxy = with_action(&emulator, Action::ResetMidBody)?;
    assert!(matches!(create_cluster(&proxy), Err(Error::Http { .. })));
    assert_eq!(clusters(&emulator)?, 1);

    // On the wire: a well-begun answer, and half of the body it announces.
    let mut stream = send_create_cluster(&proxy)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(io)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let announced = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(announced.map(|length| length / 2), Some(body.len()));
    Ok(())
}

#[test]
fn a_held_request_is_carried_out_when_the_gate_opens_though_the_caller_is_gone() -> Result {
    let emulator = Emulator::take()?;
    let gate = Gate::closed();
    let proxy = with_action(&emulator, Action::HoldBefore(gate.clone()))?;
    let stream = send_create_cluster(&proxy)?;
    gate.wait_until_reached()?;
    drop(stream);
    thread::sleep(Duration::from_millis(100));
    assert_eq!(
        (clusters(&emulator)?, proxy.calls()[0].forwarded),
        (0, false)
    );
    gate.open();
    iasql_tests::wait_for(
        "the call to be carried out",
        Duration::from_secs(10),
        || Ok((clusters(&emulator)? == 1).then_some(())),
    )
}

#[test]
fn a_request_that_is_held_and_dropped_never_reaches_the_cloud() -> Result {
    let emulator = Emulator::take()?;
    let gate = Gate::closed();
    let proxy = with_action(&emulator, Action::HoldAndDrop(gate.clone()))?;
    thread::scope(|scope| {
        let caller = scope.spawn(|| create_cluster(&proxy));
        gate.wait_until_reached()?;
        assert!(!caller.is_finished());
        gate.open();
        assert!(matches!(caller.join(), Ok(Err(Error::Http { .. }))));
        assert_eq!(clusters(&emulator)?, 0);
        Ok(())
    })
}

#[test]
fn an_altered_reply_hides_what_the_cloud_said_and_leaves_the_work_done() -> Result {
    let emulator = Emulator::take()?;
    let alteration = Alteration::new(|reply| Reply {
        status: 418,
        body: [b"was: ", reply.body.as_slice()].concat(),
        ..reply
    });
    let proxy = with_action(&emulator, Action::Alter(alteration))?;
    match create_cluster(&proxy) {
        Err(Error::Refused { status, body, .. }) => {
            assert_eq!(status, 418);
            assert!(body.starts_with("was: {"), "{body}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(clusters(&emulator)?, 1);
    assert_eq!(proxy.calls()[0].status, Some(200));
    Ok(())
}

#[test]
fn a_held_reply_comes_when_the_gate_opens_and_the_work_is_done_before() -> Result {
    let emulator = Emulator::take()?;
    let gate = Gate::closed();
    let proxy = with_action(&emulator, Action::HoldAfter(gate.clone()))?;
    thread::scope(|scope| {
        let caller = scope.spawn(|| create_cluster(&proxy));
        gate.wait_until_reached()?;
        assert_eq!(clusters(&emulator)?, 1);
        assert!(!caller.is_finished());
        gate.open();
        assert!(matches!(caller.join(), Ok(Ok(()))));
        Ok(())
    })
}

#[test]
fn errors_have_the_form_of_each_service() -> Result {
    let emulator = Emulator::take()?;
    let proxy = Proxy::start(emulator.endpoint())?;
    let cloud = Cloud::new(proxy.endpoint(), REGION);
    let answers = |make: fn(&Call) -> Reply| -> Vec<(u16, String)> {
        proxy.set_rule(move |call| Action::Reply(make(call)));
        let refused = [
            cloud.query(Service::Ec2, "DescribeVpcs", &[]),
            cloud.query(Service::Elbv2, "DescribeLoadBalancers", &[]),
            cloud
                .json(Service::Logs, "DescribeLogGroups", &json!({}))
                .map(|value| value.to_string()),
        ];
        refused
            .into_iter()
            .filter_map(|reply| match reply {
                Err(Error::Refused { status, body, .. }) => Some((status, body)),
                _ => None,
            })
            .collect()
    };
    let statuses = |answers: &[(u16, String)]| {
        answers
            .iter()
            .map(|(status, _)| *status)
            .collect::<Vec<_>>()
    };

    let throttled = answers(Reply::throttle);
    assert_eq!(statuses(&throttled), [503, 400, 400]);
    assert!(
        throttled[0]
            .1
            .starts_with("<Response><Errors><Error><Code>RequestLimitExceeded</Code>")
    );
    assert!(
        throttled[1]
            .1
            .starts_with("<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>")
    );
    assert_eq!(
        throttled[2].1,
        r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#
    );
    assert_eq!(statuses(&answers(Reply::internal_error)), [500, 500, 500]);
    let denied = answers(Reply::access_denied);
    assert_eq!(statuses(&denied), [403, 403, 400]);
    assert!(
        denied[1]
            .1
            .contains("perform: elasticloadbalancing:DescribeLoadBalancers")
    );
    let own = answers(|call| Reply::error(call, 418, "Teapot", "short and stout"));
    assert!(
        own.iter()
            .all(|(status, body)| *status == 418 && body.contains("Teapot")),
        "{own:?}"
    );
    assert!(proxy.calls().iter().all(|call| !call.forwarded));
    Ok(())
}

#[test]
fn a_rule_can_fail_the_first_call_only() -> Result {
    let emulator = Emulator::take()?;
    let proxy = Proxy::start(emulator.endpoint())?;
    proxy.set_rule(|call| match call.occurrence {
        1 => Action::Reply(Reply::throttle(call)),
        _ => Action::Forward,
    });
    assert!(matches!(
        create_cluster(&proxy),
        Err(Error::Refused { status: 400, .. })
    ));
    create_cluster(&proxy)?;
    assert_eq!(clusters(&emulator)?, 1);
    Ok(())
}
