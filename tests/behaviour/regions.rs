//! One database, many regions.

use iasql_tests::{Fixture, Result, Service, Session};
use serde_json::json;

use crate::web::value;
use crate::{NOTHING, apply, assert_settled, steps};

fn two_regions(modules: &[&str]) -> Result<(Fixture, Session)> {
    let fixture = Fixture::with(modules)?;
    let mut session = fixture.session()?;
    session.query("INSERT INTO iasql.region (region) VALUES ('eu-west-1')")?;
    session.query("SELECT iasql_sync()")?;
    Ok((fixture, session))
}

fn log_groups(fixture: &Fixture, region: &str) -> Result<Vec<String>> {
    let answer = fixture
        .cloud_in(region)
        .json(Service::Logs, "DescribeLogGroups", &json!({}))?;
    let names = answer["logGroups"].as_array().into_iter().flatten();
    Ok(names
        .map(|group| {
            group["logGroupName"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect())
}

#[test]
fn a_row_goes_to_its_region_and_to_the_default_region_where_it_names_none() -> Result {
    let (fixture, mut session) = two_regions(&["aws_cloudwatch"])?;
    session.query(
        "INSERT INTO log_group (log_group_name, region) VALUES ('a', NULL), ('b', ''), ('c', 'eu-west-1');
         INSERT INTO log_group (log_group_name) VALUES ('c')",
    )?;
    assert_eq!(apply(&mut session)?.len(), 4);
    assert_eq!(log_groups(&fixture, "us-east-2")?, ["a", "b", "c"]);
    assert_eq!(log_groups(&fixture, "eu-west-1")?, ["c"]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_second_region_has_its_own_default_vpc_and_groups_find_theirs() -> Result {
    let (fixture, mut session) = two_regions(&["aws_security_group"])?;
    assert_eq!(
        value(&mut session, "SELECT count(*) FROM vpc WHERE is_default")?,
        "2"
    );
    session.query(
        "INSERT INTO security_group (group_name, description, region)
         VALUES ('a', 'a', 'us-east-2'), ('a', 'a', 'eu-west-1')",
    )?;
    let mixed = session.query(
        "SELECT count(*) FROM security_group g JOIN vpc ON vpc.id = g.vpc_id WHERE vpc.region <> g.region",
    )?;
    assert_eq!(mixed.lines(), ["0"]);
    assert_eq!(apply(&mut session)?.len(), 2);
    assert_settled(&fixture, &mut session)?;
    let mix = session.refusal(
        "INSERT INTO security_group_rule (is_egress, ip_protocol, from_port, to_port, cidr_ipv4, security_group_id)
         SELECT false, 'tcp', 80, 80, '0.0.0.0/0', id FROM security_group WHERE group_name = 'a' AND region = 'eu-west-1'",
    )?;
    assert_eq!(mix.sqlstate, "23503", "{mix}");
    Ok(())
}

#[test]
fn a_disabled_region_costs_nothing_and_its_rows_are_left_alone() -> Result {
    let (fixture, mut session) = two_regions(&["aws_cloudwatch"])?;
    session.query(
        "INSERT INTO log_group (log_group_name, region) VALUES ('a', 'eu-west-1'), ('b', 'eu-west-1');
         SELECT iasql_apply();
         UPDATE iasql.region SET is_enabled = false WHERE region = 'eu-west-1'",
    )?;
    fixture.proxy().forget_calls();
    session.query(
        "DELETE FROM log_group WHERE log_group_name = 'a';
         UPDATE log_group SET retention_in_days = 7 WHERE log_group_name = 'b';
         INSERT INTO log_group (log_group_name, region) VALUES ('c', 'eu-west-1')",
    )?;
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_eq!(steps(&mut session, "iasql_sync")?, NOTHING);
    assert!(
        fixture
            .proxy()
            .calls()
            .iter()
            .all(|call| call.region != "eu-west-1")
    );
    assert_eq!(value(&mut session, "SELECT count(*) FROM log_group")?, "2");
    // Enabled again, the edits are still there.
    session.query("UPDATE iasql.region SET is_enabled = true")?;
    let mut planned = steps(&mut session, "iasql_plan_apply")?;
    planned.sort();
    assert_eq!(
        planned,
        ["create log_group", "delete log_group", "update log_group"]
    );
    Ok(())
}

#[test]
fn a_row_moved_to_another_region_is_made_there_and_deleted_here() -> Result {
    let (fixture, mut session) = two_regions(&["aws_cloudwatch"])?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('a')")?;
    apply(&mut session)?;
    session.query("UPDATE log_group SET region = 'eu-west-1'")?;
    assert_eq!(apply(&mut session)?, ["replace log_group"]);
    assert!(log_groups(&fixture, "us-east-2")?.is_empty());
    assert_eq!(log_groups(&fixture, "eu-west-1")?, ["a"]);
    assert_eq!(
        value(&mut session, "SELECT log_group_arn FROM log_group")?,
        "arn:aws:logs:eu-west-1:123456789012:log-group:a:*"
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_service_with_subnets_of_another_region_is_refused_with_the_filter_in_the_hint() -> Result {
    let (_fixture, mut session) = two_regions(&["aws_ecs_fargate"])?;
    session.query("INSERT INTO cluster (cluster_name) VALUES ('c')")?;
    let refusal = session.refusal(
        "INSERT INTO service (name, desired_count, cluster_name, subnets)
         SELECT 's', 1, 'c', array(SELECT subnet_id FROM subnet JOIN vpc ON vpc.id = subnet.vpc_id WHERE is_default)",
    )?;
    assert_eq!(refusal.sqlstate, "23503", "{refusal}");
    assert!(refusal.hint.contains("region = 'us-east-2'"), "{refusal}");
    Ok(())
}
