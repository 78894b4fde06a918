//! A change that only a new object can have, and what becomes of what uses the old one.

use iasql_tests::{Fixture, Result, Service, elements};
use serde_json::json;

use crate::web::{self, load_balancer, security_groups, service, value};
use crate::{NOTHING, apply, assert_in_order, assert_settled, writing_calls};

#[test]
fn a_security_group_renamed_while_it_is_used_moves_its_users_first() -> Result {
    let (fixture, mut session) = web::running()?;
    let before =
        session.query("SELECT id, group_id FROM security_group WHERE group_name = 'web'")?;
    session.query("UPDATE security_group SET group_name = 'front' WHERE group_name = 'web'")?;
    let mut done = apply(&mut session)?;
    done.sort();
    assert_eq!(
        done,
        [
            "replace security_group",
            "replace security_group_rule",
            "update load_balancer",
            "update service"
        ]
    );
    let calls = writing_calls(&fixture);
    for user in ["SetSecurityGroups", "UpdateService"] {
        assert_in_order(
            &calls,
            &["CreateSecurityGroup", user, "DeleteSecurityGroup"],
        );
    }
    assert_in_order(
        &calls,
        &["AuthorizeSecurityGroupIngress", "SetSecurityGroups"],
    );
    let after =
        session.query("SELECT id, group_id FROM security_group WHERE group_name = 'front'")?;
    assert_eq!(after.rows[0][0], before.rows[0][0]);
    assert_ne!(after.rows[0][1], before.rows[0][1]);
    let group = after.rows[0][1].clone().unwrap_or_default();
    assert_eq!(security_groups(&fixture)?, ["default", "front"]);
    let network = &service(&fixture, "web", "web")?["networkConfiguration"]["awsvpcConfiguration"];
    assert_eq!(network["securityGroups"], json!([group]));
    let balancer = fixture
        .cloud()
        .query(Service::Elbv2, "DescribeLoadBalancers", &[])?;
    assert!(
        balancer.contains(&format!("<member>{group}</member>")),
        "{balancer}"
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_new_description_of_a_group_in_use_is_refused_with_a_hint() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query("UPDATE security_group SET description = 'new' WHERE group_name = 'web'")?;
    for function in ["iasql_plan_apply", "iasql_apply"] {
        let refusal = session.refusal(&format!("SELECT * FROM {function}()"))?;
        assert_eq!(refusal.sqlstate, "55000", "{refusal}");
        assert!(refusal.message.contains("\"web "), "{refusal}");
        assert!(refusal.message.contains("description"), "{refusal}");
        assert!(
            refusal.hint.contains("Change the row's name as well"),
            "{refusal}"
        );
    }
    assert_eq!(writing_calls(&fixture), NOTHING);
    // As the hint says.
    session.query("UPDATE security_group SET group_name = 'front' WHERE group_name = 'web'")?;
    assert!(apply(&mut session)?.contains(&"replace security_group".to_owned()));
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_new_description_of_a_group_that_nothing_uses_makes_it_anew() -> Result {
    let fixture = Fixture::with(&["aws_security_group"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO security_group (group_name, description) VALUES ('a', 'old');
         INSERT INTO security_group_rule (is_egress, ip_protocol, from_port, to_port, cidr_ipv4, security_group_id)
             SELECT false, 'tcp', 80, 80, '0.0.0.0/0', id FROM security_group WHERE group_name = 'a'",
    )?;
    apply(&mut session)?;
    session.query("UPDATE security_group SET description = 'new' WHERE group_name = 'a'")?;
    fixture.proxy().forget_calls();
    let mut done = apply(&mut session)?;
    done.sort();
    assert_eq!(
        done,
        ["replace security_group", "replace security_group_rule"]
    );
    let calls = writing_calls(&fixture);
    assert_in_order(
        &calls,
        &[
            "DeleteSecurityGroup",
            "CreateSecurityGroup",
            "AuthorizeSecurityGroupIngress",
        ],
    );
    assert_eq!(security_groups(&fixture)?, ["a", "default"]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_role_with_a_new_path_is_made_anew() -> Result {
    let fixture = Fixture::with(&["aws_iam"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO role (role_name, assume_role_policy_document, attached_policies_arns)
         VALUES ('r', '{\"Version\": \"2012-10-17\", \"Statement\": []}', '{arn:aws:iam::aws:policy/ReadOnlyAccess}')",
    )?;
    apply(&mut session)?;
    session.query("UPDATE role SET path = '/team/'")?;
    fixture.proxy().forget_calls();
    assert_eq!(apply(&mut session)?, ["replace role"]);
    assert_eq!(
        writing_calls(&fixture),
        [
            "DetachRolePolicy",
            "DeleteRole",
            "CreateRole",
            "AttachRolePolicy"
        ]
    );
    assert_eq!(
        value(&mut session, "SELECT arn FROM role")?,
        "arn:aws:iam::123456789012:role/team/r"
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_role_with_a_new_path_that_a_task_definition_uses_is_refused() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query("UPDATE role SET path = '/team/'")?;
    let refusal = session.refusal("SELECT iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "55000", "{refusal}");
    assert!(
        refusal.message.contains("path") && refusal.message.contains("task_definition"),
        "{refusal}"
    );
    assert_eq!(writing_calls(&fixture), NOTHING);
    Ok(())
}

#[test]
fn a_role_renamed_while_it_is_used_moves_its_users_first() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query("UPDATE role SET role_name = 'runner'")?;
    assert_eq!(
        apply(&mut session)?,
        ["replace role", "replace task_definition", "update service"]
    );
    assert_in_order(
        &writing_calls(&fixture),
        &[
            "CreateRole",
            "RegisterTaskDefinition",
            "UpdateService",
            "DeregisterTaskDefinition",
            "DeleteRole",
        ],
    );
    let definition = &service(&fixture, "web", "web")?["taskDefinition"];
    let input = json!({"taskDefinition": definition});
    let definition = fixture
        .cloud()
        .json(Service::Ecs, "DescribeTaskDefinition", &input)?;
    assert_eq!(
        definition["taskDefinition"]["executionRoleArn"],
        json!("arn:aws:iam::123456789012:role/runner")
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_new_port_of_a_target_group_in_use_needs_a_new_name() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query("UPDATE target_group SET port = 8080")?;
    let refusal = session.refusal("SELECT iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "55000", "{refusal}");
    assert!(refusal.message.contains("port"), "{refusal}");
    assert!(refusal.hint.contains("name"), "{refusal}");
    assert_eq!(writing_calls(&fixture), NOTHING);
    session.query("UPDATE target_group SET target_group_name = 'web-8080'")?;
    assert_eq!(
        apply(&mut session)?,
        ["replace target_group", "update listener", "update service"]
    );
    assert_in_order(
        &writing_calls(&fixture),
        &[
            "CreateTargetGroup",
            "ModifyListener",
            "UpdateService",
            "DeleteTargetGroup",
        ],
    );
    let groups = fixture
        .cloud()
        .query(Service::Elbv2, "DescribeTargetGroups", &[])?;
    assert_eq!(elements(&groups, "TargetGroupName"), ["web-8080"]);
    let balancers = &service(&fixture, "web", "web")?["loadBalancers"];
    assert_eq!(balancers.as_array().map(Vec::len), Some(1));
    let arn = value(&mut session, "SELECT target_group_arn FROM target_group")?;
    assert_eq!(balancers[0]["targetGroupArn"], json!(arn));
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_renamed_load_balancer_takes_its_listeners_along() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query("UPDATE load_balancer SET load_balancer_name = 'front'")?;
    assert_eq!(
        apply(&mut session)?,
        ["replace load_balancer", "replace listener"]
    );
    assert_eq!(load_balancer(&fixture, "LoadBalancerName")?, ["front"]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_renamed_cluster_takes_its_services_along() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query("UPDATE cluster SET cluster_name = 'prod'")?;
    assert_eq!(apply(&mut session)?, ["replace cluster", "replace service"]);
    assert_in_order(
        &writing_calls(&fixture),
        &[
            "CreateCluster",
            "CreateService",
            "DeleteService",
            "DeleteCluster",
        ],
    );
    assert_eq!(service(&fixture, "prod", "web")?["status"], json!("ACTIVE"));
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_renamed_service_is_there_before_the_old_one_goes() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query("UPDATE service SET name = 'api'")?;
    assert_eq!(apply(&mut session)?, ["replace service"]);
    assert_in_order(
        &writing_calls(&fixture),
        &["CreateService", "DeleteService"],
    );
    assert_eq!(service(&fixture, "web", "api")?["status"], json!("ACTIVE"));
    assert_eq!(
        service(&fixture, "web", "web")?["status"],
        json!("INACTIVE")
    );
    assert_eq!(
        value(
            &mut session,
            "SELECT service_name FROM service_security_groups"
        )?,
        "api"
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_vpc_with_a_new_range_takes_all_that_is_in_it_along() -> Result {
    let fixture = Fixture::with(&["aws_security_group"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO vpc (cidr_block, tags) VALUES ('10.0.0.0/16', '{\"Name\": \"net\"}');
         INSERT INTO subnet (availability_zone, cidr_block, vpc_id)
             SELECT 'us-east-2a', '10.0.1.0/24', id FROM vpc WHERE NOT is_default;
         INSERT INTO security_group (group_name, description, vpc_id)
             SELECT 'in', 'in', id FROM vpc WHERE NOT is_default",
    )?;
    apply(&mut session)?;
    assert_settled(&fixture, &mut session)?;
    let before = session.query("SELECT id, vpc_id FROM vpc WHERE NOT is_default")?;
    session.query(
        "UPDATE vpc SET cidr_block = '10.1.0.0/16' WHERE NOT is_default;
         UPDATE subnet SET cidr_block = '10.1.1.0/24' WHERE cidr_block = '10.0.1.0/24'",
    )?;
    apply(&mut session)?;
    let after = session.query("SELECT id, vpc_id FROM vpc WHERE NOT is_default")?;
    assert_eq!(after.rows[0][0], before.rows[0][0]);
    assert_ne!(after.rows[0][1], before.rows[0][1]);
    let vpcs = fixture.cloud().query(
        Service::Ec2,
        "DescribeVpcs",
        &[
            ("Filter.1.Name", "is-default"),
            ("Filter.1.Value.1", "false"),
        ],
    )?;
    assert_eq!(elements(&vpcs, "cidrBlock").first(), Some(&"10.1.0.0/16"));
    assert_eq!(elements(&vpcs, "vpcId").len(), 1);
    assert_eq!(security_groups(&fixture)?, ["default", "default", "in"]);
    assert_settled(&fixture, &mut session)
}
