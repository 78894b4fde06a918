//! Names are unique: a sync writes rows that change names with each other, whatever the order.

use iasql_tests::{Fixture, Result, Service, Session, elements};

use crate::web::{running, value};
use crate::{apply, assert_settled};

/// A load balancer with listeners on the ports 80 and 8080, in this order of rows and of ARNs.
fn listeners() -> Result<(Fixture, Session, [String; 2])> {
    let fixture = Fixture::with(&["aws_elb"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO target_group (target_group_name, target_type, protocol, port) VALUES ('a', 'ip', 'HTTP', 80);
         INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)
             VALUES ('a', 'internet-facing', 'application', 'ipv4');
         INSERT INTO listener (load_balancer_name, port, protocol, target_group_name)
             VALUES ('a', 80, 'HTTP', 'a'), ('a', 8080, 'HTTP', 'a')",
    )?;
    apply(&mut session)?;
    let arns = session.query("SELECT listener_arn FROM listener ORDER BY id")?;
    let arns = <[String; 2]>::try_from(arns.lines());
    assert!(arns.is_ok(), "there should be two listeners: {arns:?}");
    Ok((fixture, session, arns.unwrap_or_default()))
}

/// Somebody else moves a listener.
fn move_to(fixture: &Fixture, listener: &str, port: &str) -> Result {
    let input = [("ListenerArn", listener), ("Port", port)];
    let cloud = fixture.cloud();
    cloud
        .query(Service::Elbv2, "ModifyListener", &input)
        .map(drop)
}

fn ports(session: &mut Session) -> Result<Vec<String>> {
    let rows = session.query("SELECT id, port FROM listener ORDER BY id")?;
    Ok(rows.lines())
}

#[test]
fn two_listeners_that_have_changed_ports_with_each_other_are_synced() -> Result {
    let (fixture, mut session, [first, second]) = listeners()?;
    move_to(&fixture, &first, "81")?;
    move_to(&fixture, &second, "80")?;
    move_to(&fixture, &first, "8080")?;
    session.query("SELECT iasql_sync()")?;
    assert_eq!(ports(&mut session)?, ["1|8080", "2|80"]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_listener_that_got_the_port_of_one_that_is_gone_is_synced() -> Result {
    let (fixture, mut session, [first, second]) = listeners()?;
    let gone = [("ListenerArn", first.as_str())];
    let cloud = fixture.cloud();
    cloud.query(Service::Elbv2, "DeleteListener", &gone)?;
    move_to(&fixture, &second, "80")?;
    session.query("SELECT iasql_sync()")?;
    assert_eq!(ports(&mut session)?, ["2|80"]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_default_vpc_that_somebody_made_anew_is_synced() -> Result {
    let fixture = Fixture::with(&["aws_vpc"])?;
    let mut session = fixture.session()?;
    let cloud = fixture.cloud();
    let old = value(&mut session, "SELECT vpc_id FROM vpc WHERE is_default")?;
    for subnet in session.query("SELECT subnet_id FROM subnet")?.lines() {
        cloud.query(Service::Ec2, "DeleteSubnet", &[("SubnetId", &subnet)])?;
    }
    cloud.query(Service::Ec2, "DeleteVpc", &[("VpcId", &old)])?;
    let made = cloud.query(Service::Ec2, "CreateDefaultVpc", &[])?;
    session.query("SELECT iasql_sync()")?;
    let vpcs = session.query("SELECT vpc_id FROM vpc WHERE is_default")?;
    assert_eq!(vpcs.lines(), elements(&made, "vpcId")[..1]);
    assert_settled(&fixture, &mut session)
}

/// Beside each row of the service `web` another one.
const OTHERS: &str = "
    INSERT INTO log_group (log_group_name) VALUES ('other');
    INSERT INTO repository (repository_name) VALUES ('other'), ('third');
    INSERT INTO repository_policy (repository_name, policy_text)
        SELECT name, '{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"pull\", \"Effect\": \"Allow\",
            \"Principal\": \"*\", \"Action\": \"ecr:BatchGetImage\"}]}'
        FROM unnest(ARRAY['web', 'other']) name;
    INSERT INTO role (role_name, assume_role_policy_document)
        VALUES ('other', '{\"Version\": \"2012-10-17\", \"Statement\": []}');
    INSERT INTO cluster (cluster_name) VALUES ('other');
    INSERT INTO service (name, desired_count, subnets, cluster_name, task_definition_id)
        SELECT 'other', 0, subnets, cluster_name, task_definition_id FROM service;
    INSERT INTO security_group (group_name, description) VALUES ('other', 'other');
    INSERT INTO security_group_rule (is_egress, ip_protocol, from_port, to_port, cidr_ipv4, security_group_id)
        SELECT false, 'tcp', 81, 81, '0.0.0.0/0', id FROM security_group WHERE group_name = 'web';
    INSERT INTO target_group (target_group_name, target_type, protocol, port) VALUES ('other', 'ip', 'HTTP', 80);
    INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)
        VALUES ('other', 'internet-facing', 'application', 'ipv4');
    INSERT INTO listener (load_balancer_name, port, protocol, target_group_name) VALUES ('web', 81, 'HTTP', 'web')";

/// Columns of names, what two rows have in them, and what neither has.
const NAMES: [(&str, &str, [&str; 3]); 12] = [
    (
        "log_group",
        "log_group_name",
        ["'web'", "'other'", "'free'"],
    ),
    (
        "repository_policy",
        "repository_name",
        ["'web'", "'other'", "'third'"],
    ),
    (
        "repository",
        "repository_name",
        ["'web'", "'other'", "'free'"],
    ),
    ("role", "role_name", ["'web'", "'other'", "'free'"]),
    ("cluster", "cluster_name", ["'web'", "'other'", "'free'"]),
    ("service", "name", ["'web'", "'other'", "'free'"]),
    (
        "subnet",
        "cidr_block",
        ["'172.31.0.0/20'", "'172.31.16.0/20'", "'172.31.240.0/20'"],
    ),
    (
        "security_group",
        "group_name",
        ["'web'", "'other'", "'free'"],
    ),
    (
        "security_group_rule",
        "from_port, to_port",
        ["80, 80", "81, 81", "82, 82"],
    ),
    (
        "target_group",
        "target_group_name",
        ["'web'", "'other'", "'free'"],
    ),
    (
        "load_balancer",
        "load_balancer_name",
        ["'web'", "'other'", "'free'"],
    ),
    ("listener", "port", ["80", "81", "82"]),
];

#[test]
fn rows_of_every_table_that_were_given_each_others_names_get_them_back_by_sync() -> Result {
    let (fixture, mut session) = running()?;
    session.query(OTHERS)?;
    apply(&mut session)?;
    for (table, columns, [one, other, free]) in NAMES {
        let id = "coalesce(to_jsonb(x)->'row_id', to_jsonb(x)->'id')";
        let rows = format!("SELECT {id}, {columns} FROM {table} x ORDER BY 1");
        let before = session.query(&rows)?;
        for (from, to) in [(one, free), (other, one), (free, other)] {
            let renamed = session.execute(&format!(
                "UPDATE {table} SET ({columns}) = ROW({to}) WHERE ROW({columns}) = ROW({from})"
            ))?;
            assert_eq!(renamed, 1, "{table} from {from}");
        }
        session.query("SELECT iasql_sync()")?;
        assert_eq!(session.query(&rows)?.lines(), before.lines(), "{table}");
        assert_settled(&fixture, &mut session)?;
    }
    Ok(())
}
