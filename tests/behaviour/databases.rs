//! Two databases on one account.

use iasql_tests::Result;

use crate::web::{self, value};
use crate::{NOTHING, apply, steps};

#[test]
fn a_second_database_imports_what_the_first_has_made_and_agrees_with_it() -> Result {
    let (fixture, mut first) = web::running()?;
    let database = fixture.another_database()?;
    let mut second = database.connect()?;
    second.install(&["aws_ecs_fargate"])?;
    assert_eq!(steps(&mut second, "iasql_plan_apply")?, NOTHING);
    assert_eq!(steps(&mut second, "iasql_plan_sync")?, NOTHING);
    for columns in [
        "load_balancer_name, dns_name, scheme, subnets FROM load_balancer",
        "load_balancer_name, port, protocol, target_group_name FROM listener",
        "target_group_name, target_group_arn, port, health_check_path FROM target_group",
        "family, revision, status, cpu_memory, execution_role_name FROM task_definition",
        "name, repository_name, tag, container_port, log_group_name, essential FROM container_definition",
        "name, arn, desired_count, cluster_name, target_group_name, subnets FROM service",
        "service_name, cluster_name, group_name FROM service_security_groups
             JOIN security_group g ON g.id = security_group_id",
        "load_balancer_name, group_name FROM load_balancer_security_groups
             JOIN security_group g ON g.id = security_group_id",
        "group_name, is_egress, ip_protocol, from_port, to_port, cidr_ipv4 FROM security_group_rule
             JOIN security_group g ON g.id = security_group_id ORDER BY 1, 2",
        "role_name, arn, description FROM role",
    ] {
        let sql = format!("SELECT {columns}");
        assert_eq!(second.query(&sql)?, first.query(&sql)?, "{columns}");
    }
    Ok(())
}

#[test]
fn what_one_database_changes_is_drift_for_the_other() -> Result {
    let (fixture, mut first) = web::running()?;
    let database = fixture.another_database()?;
    let mut second = database.connect()?;
    second.install(&["aws_ecs_fargate"])?;
    second.query("UPDATE service SET desired_count = 5")?;
    assert_eq!(apply(&mut second)?, ["update service"]);
    // The first has set the count itself, so it would put it back; its sync takes it.
    assert_eq!(steps(&mut first, "iasql_plan_apply")?, ["update service"]);
    first.query("SELECT iasql_sync()")?;
    assert_eq!(value(&mut first, "SELECT desired_count FROM service")?, "5");
    assert_eq!(steps(&mut first, "iasql_plan_apply")?, NOTHING);
    Ok(())
}

#[test]
fn uninstall_leaves_the_cloud_alone_and_install_imports_it_again() -> Result {
    let (fixture, mut session) = web::running()?;
    let refusal = session.refusal("SELECT * FROM iasql_uninstall('aws_elb')")?;
    assert_eq!(refusal.sqlstate, "2BP01", "{refusal}");
    assert!(refusal.message.contains("aws_ecs_fargate"), "{refusal}");
    fixture.proxy().forget_calls();
    let dropped = session.query("SELECT * FROM iasql_uninstall('aws_elb', 'aws_ecs_fargate')")?;
    assert_eq!(
        dropped.columns,
        ["module_name", "dropped_table_name", "record_count"]
    );
    assert_eq!(dropped.len(), 9);
    assert!(fixture.proxy().calls().is_empty());
    assert_eq!(steps(&mut session, "iasql_plan_apply")?, NOTHING);
    let installed = session.install(&["aws_ecs_fargate"])?;
    assert!(
        installed
            .lines()
            .contains(&"aws_ecs_fargate@0.0.1|service|1".to_owned()),
        "{installed}"
    );
    assert_eq!(steps(&mut session, "iasql_plan_apply")?, NOTHING);
    Ok(())
}
