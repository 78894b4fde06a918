//! A web service behind a load balancer: rows that refer to each other, for tests of what one change does to others.

use iasql_tests::{Fixture, Result, Service, Session, elements};
use serde_json::{Value, json};

use crate::apply;

/// A cluster, a service `web` on it behind a load balancer, and all it needs, each named `web`.
pub fn running() -> Result<(Fixture, Session)> {
    let fixture = Fixture::with(&["aws_ecs_fargate"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO security_group (group_name, description) VALUES ('web', 'web');
         INSERT INTO security_group_rule (is_egress, ip_protocol, from_port, to_port, cidr_ipv4, security_group_id)
             SELECT false, 'tcp', 80, 80, '0.0.0.0/0', id FROM security_group WHERE group_name = 'web';
         INSERT INTO target_group (target_group_name, target_type, protocol, port) VALUES ('web', 'ip', 'HTTP', 80);
         INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)
             VALUES ('web', 'internet-facing', 'application', 'ipv4');
         INSERT INTO load_balancer_security_groups (load_balancer_name, security_group_id)
             SELECT 'web', id FROM security_group WHERE group_name = 'web';
         INSERT INTO listener (load_balancer_name, port, protocol, target_group_name) VALUES ('web', 80, 'HTTP', 'web');
         INSERT INTO log_group (log_group_name) VALUES ('web');
         INSERT INTO repository (repository_name) VALUES ('web');
         INSERT INTO role (role_name, assume_role_policy_document)
             VALUES ('web', '{\"Version\": \"2012-10-17\", \"Statement\": []}');
         INSERT INTO cluster (cluster_name) VALUES ('web');
         INSERT INTO task_definition (family, cpu_memory, execution_role_name) VALUES ('web', 'vCPU0.25-0.5GB', 'web');
         INSERT INTO container_definition
                 (name, essential, repository_name, tag, task_definition_id, container_port, log_group_name)
             SELECT 'web', true, 'web', 'latest', id, 80, 'web' FROM task_definition;
         INSERT INTO service (name, desired_count, subnets, cluster_name, task_definition_id, target_group_name)
             SELECT 'web', 1, array(SELECT subnet_id FROM subnet), 'web', id, 'web' FROM task_definition;
         INSERT INTO service_security_groups (service_name, security_group_id)
             SELECT 'web', id FROM security_group WHERE group_name = 'web'",
    )?;
    apply(&mut session)?;
    fixture.proxy().forget_calls();
    Ok((fixture, session))
}

/// The service as AWS describes it.
pub fn service(fixture: &Fixture, cluster: &str, name: &str) -> Result<Value> {
    let input = json!({"cluster": cluster, "services": [name]});
    let answer = fixture
        .cloud()
        .json(Service::Ecs, "DescribeServices", &input)?;
    Ok(answer["services"][0].clone())
}

/// The only load balancer's value of this XML element.
pub fn load_balancer(fixture: &Fixture, element: &str) -> Result<Vec<String>> {
    let answer = fixture
        .cloud()
        .query(Service::Elbv2, "DescribeLoadBalancers", &[])?;
    Ok(owned(elements(&answer, element)))
}

/// The names of the security groups, in order.
pub fn security_groups(fixture: &Fixture) -> Result<Vec<String>> {
    let answer = fixture
        .cloud()
        .query(Service::Ec2, "DescribeSecurityGroups", &[])?;
    let mut names = owned(elements(&answer, "groupName"));
    names.sort();
    Ok(names)
}

/// One value of the database.
pub fn value(session: &mut Session, sql: &str) -> Result<String> {
    Ok(session.query(sql)?.scalar().unwrap_or_default().to_owned())
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}
