//! Objects with something that no column says are left alone, and nothing of them is lost.

use super::{assert_nothing_to_do, changes, warnings};
use iasql_tests::{Fixture, Result, Service, elements};
use serde_json::json;

#[test]
fn a_listener_that_redirects_is_left_alone() -> Result {
    let fixture = Fixture::with(&["aws_elb"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)
         VALUES ('web', 'internet-facing', 'application', 'ipv4');
         SELECT iasql_apply()",
    )?;
    let arn = session.query("SELECT load_balancer_arn FROM load_balancer")?;
    let cloud = fixture.cloud();
    let made = cloud.query(
        Service::Elbv2,
        "CreateListener",
        &[
            ("LoadBalancerArn", arn.scalar().unwrap_or_default()),
            ("Protocol", "HTTP"),
            ("Port", "80"),
            ("DefaultActions.member.1.Type", "redirect"),
            ("DefaultActions.member.1.RedirectConfig.Protocol", "HTTPS"),
            ("DefaultActions.member.1.RedirectConfig.Port", "443"),
            (
                "DefaultActions.member.1.RedirectConfig.StatusCode",
                "HTTP_301",
            ),
        ],
    )?;
    let listener = elements(&made, "ListenerArn")
        .first()
        .copied()
        .unwrap_or_default()
        .to_owned();
    fixture.proxy().forget_calls();
    session.take_notices();
    for run in ["iasql_sync", "iasql_apply"] {
        let rows = session.query(&format!("SELECT * FROM {run}()"))?;
        assert!(rows.is_empty(), "{run}: {rows}");
        let said = warnings(&mut session);
        let of_listener: Vec<_> = said
            .iter()
            .filter(|warning| warning.message.starts_with("listener"))
            .collect();
        assert_eq!(of_listener.len(), 1, "{said:?}");
        let start = format!("listener: 1 object that no row can say, left unmanaged: {listener} (");
        assert!(
            of_listener[0].message.starts_with(&start),
            "{}",
            of_listener[0]
        );
    }
    assert!(session.query("TABLE listener")?.is_empty());
    assert_eq!(changes(&fixture), Vec::<String>::new());
    let after = cloud.query(
        Service::Elbv2,
        "DescribeListeners",
        &[("ListenerArns.member.1", &listener)],
    )?;
    assert_eq!(elements(&after, "StatusCode"), ["HTTP_301"]);
    Ok(())
}

#[test]
fn a_task_definition_that_is_not_for_fargate_is_left_alone() -> Result {
    let fixture = Fixture::with(&["aws_ecs_fargate"])?;
    let cloud = fixture.cloud();
    cloud.json(
        Service::Ecs,
        "RegisterTaskDefinition",
        &json!({
            "family": "classic", "networkMode": "bridge", "requiresCompatibilities": ["EC2"],
            "volumes": [{"name": "data", "host": {"sourcePath": "/data"}}],
            "containerDefinitions": [{"name": "app", "image": "nginx", "memory": 128, "essential": true,
                                      "privileged": true}]
        }),
    )?;
    let mut session = fixture.session()?;
    session.take_notices();
    for run in ["iasql_sync", "iasql_apply"] {
        let rows = session.query(&format!("SELECT * FROM {run}()"))?;
        assert!(rows.is_empty(), "{run}: {rows}");
        let said = warnings(&mut session);
        assert!(
            said.iter().any(|warning| warning
                .message
                .starts_with("task_definition: 1 object that no row can say")
                && warning.message.contains("task-definition/classic:1")),
            "{said:?}"
        );
    }
    assert!(session.query("TABLE task_definition")?.is_empty());
    assert_eq!(changes(&fixture), Vec::<String>::new());
    let listed = cloud.json(
        Service::Ecs,
        "DescribeTaskDefinition",
        &json!({"taskDefinition": "classic:1"}),
    )?;
    assert_eq!(listed["taskDefinition"]["status"], "ACTIVE");
    assert_nothing_to_do(&mut session)
}
