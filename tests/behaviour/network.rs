//! VPCs, subnets, security groups and rules: what AWS makes along with them and what it allows.

use iasql_tests::{Fixture, Result, Service, Session, elements};

use crate::web::{security_groups, value};
use crate::{NOTHING, apply, assert_in_order, assert_settled, steps, writing_calls};

fn network() -> Result<(Fixture, Session)> {
    let fixture = Fixture::with(&["aws_security_group"])?;
    let session = fixture.session()?;
    Ok((fixture, session))
}

/// How many rules the group has in AWS.
fn rules(fixture: &Fixture, session: &mut Session, group: &str) -> Result<usize> {
    let group = value(
        session,
        &format!("SELECT group_id FROM security_group WHERE group_name = '{group}'"),
    )?;
    let parameters = [
        ("Filter.1.Name", "group-id"),
        ("Filter.1.Value.1", group.as_str()),
    ];
    let answer = fixture
        .cloud()
        .query(Service::Ec2, "DescribeSecurityGroupRules", &parameters)?;
    Ok(elements(&answer, "securityGroupRuleId").len())
}

const GROUP: &str = "INSERT INTO security_group (group_name, description) VALUES ('a', 'a');";

fn rule(columns: &str, values: &str) -> String {
    format!(
        "INSERT INTO security_group_rule (security_group_id, {columns})
         SELECT id, {values} FROM security_group WHERE group_name = 'a';"
    )
}

#[test]
fn a_row_like_the_automatic_egress_rule_takes_it_over_with_one_modify_for_its_description() -> Result
{
    let (fixture, mut session) = network()?;
    let egress = rule(
        "is_egress, ip_protocol, from_port, to_port, cidr_ipv4, description",
        "true, '-1', -1, -1, '0.0.0.0/0', 'out'",
    );
    session.query(&format!("{GROUP} {egress}"))?;
    fixture.proxy().forget_calls();
    let done = apply(&mut session)?;
    assert_eq!(
        done,
        ["create security_group", "create security_group_rule"]
    );
    assert_eq!(
        writing_calls(&fixture),
        ["CreateSecurityGroup", "ModifySecurityGroupRules"]
    );
    assert_eq!(rules(&fixture, &mut session, "a")?, 1);
    assert!(
        value(
            &mut session,
            "SELECT security_group_rule_id FROM security_group_rule WHERE description = 'out'"
        )?
        .starts_with("sgr-")
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn without_such_a_row_the_automatic_egress_rule_is_removed_with_the_groups_create() -> Result {
    let (fixture, mut session) = network()?;
    session.query(GROUP)?;
    fixture.proxy().forget_calls();
    assert_eq!(apply(&mut session)?, ["create security_group"]);
    assert_eq!(
        writing_calls(&fixture),
        ["CreateSecurityGroup", "RevokeSecurityGroupEgress"]
    );
    assert_eq!(rules(&fixture, &mut session, "a")?, 0);
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_group_without_vpc_is_in_the_default_vpc_at_once() -> Result {
    let (_fixture, mut session) = network()?;
    session.query(GROUP)?;
    assert_eq!(
        value(
            &mut session,
            "SELECT is_default FROM vpc JOIN security_group g ON g.vpc_id = vpc.id WHERE group_name = 'a'"
        )?,
        "t"
    );
    Ok(())
}

#[test]
fn ports_zero_and_minus_one_are_values() -> Result {
    let (fixture, mut session) = network()?;
    let rules = [
        rule(
            "is_egress, ip_protocol, from_port, to_port, cidr_ipv4",
            "false, 'tcp', 0, 0, '10.0.0.0/8'",
        ),
        rule(
            "is_egress, ip_protocol, from_port, to_port, cidr_ipv4",
            "false, 'icmp', -1, -1, '10.0.0.0/8'",
        ),
        rule(
            "is_egress, ip_protocol, from_port, to_port, cidr_ipv4",
            "false, 'icmp', 0, 0, '10.0.0.0/8'",
        ),
        rule(
            "is_egress, ip_protocol, cidr_ipv6",
            "true, '-1', 'fd00::/8'",
        ),
        rule(
            "is_egress, ip_protocol, from_port, to_port, cidr_ipv4",
            "false, '50', -1, -1, '10.0.0.0/8'",
        ),
    ];
    session.query(&format!("{GROUP} {}", rules.concat()))?;
    assert_eq!(apply(&mut session)?.len(), 6);
    assert_settled(&fixture, &mut session)?;
    // Another database reads the same.
    let database = fixture.another_database()?;
    let mut other = database.connect()?;
    other.install(&["aws_security_group"])?;
    let sql = "SELECT is_egress, ip_protocol, from_port, to_port, cidr_ipv4, cidr_ipv6 FROM security_group_rule
               JOIN security_group g ON g.id = security_group_id WHERE group_name = 'a' ORDER BY 1, 2, 3";
    assert_eq!(other.query(sql)?, session.query(sql)?);
    Ok(())
}

#[test]
fn a_rule_is_changed_in_place_and_keeps_its_id() -> Result {
    let (fixture, mut session) = network()?;
    let tcp = rule(
        "is_egress, ip_protocol, from_port, to_port, cidr_ipv4",
        "false, 'tcp', 80, 80, '10.0.0.0/8'",
    );
    session.query(&format!("{GROUP} {tcp}"))?;
    apply(&mut session)?;
    let id = "SELECT security_group_rule_id FROM security_group_rule WHERE ip_protocol <> '-1'";
    let before = value(&mut session, id)?;
    for edit in [
        "from_port = 8080, to_port = 8090",
        "cidr_ipv4 = '10.1.0.0/16'",
        "description = 'new'",
        "ip_protocol = 'udp'",
    ] {
        fixture.proxy().forget_calls();
        session.query(&format!(
            "UPDATE security_group_rule SET {edit} WHERE ip_protocol <> '-1'"
        ))?;
        assert_eq!(
            apply(&mut session)?,
            ["update security_group_rule"],
            "{edit}"
        );
        assert_eq!(
            writing_calls(&fixture),
            ["ModifySecurityGroupRules"],
            "{edit}"
        );
    }
    assert_eq!(value(&mut session, id)?, before);
    assert_settled(&fixture, &mut session)?;
    session.query("UPDATE security_group_rule SET is_egress = true WHERE ip_protocol = 'udp'")?;
    assert_eq!(apply(&mut session)?, ["replace security_group_rule"]);
    assert_ne!(value(&mut session, id)?, before);
    assert_settled(&fixture, &mut session)
}

#[test]
fn groups_that_refer_to_each_other_are_made_and_deleted_in_order() -> Result {
    let (fixture, mut session) = network()?;
    session.query(
        "INSERT INTO security_group (group_name, description) VALUES ('a', 'a'), ('b', 'b');
         INSERT INTO security_group_rule
                 (is_egress, ip_protocol, from_port, to_port, security_group_id, source_security_group_id)
             SELECT false, 'tcp', 80, 80, mine.id, theirs.id FROM security_group mine, security_group theirs
             WHERE mine.group_name IN ('a', 'b') AND theirs.group_name IN ('a', 'b')",
    )?;
    assert_eq!(apply(&mut session)?.len(), 6);
    assert_settled(&fixture, &mut session)?;
    fixture.proxy().forget_calls();
    session.query("SELECT delete_all_records()")?;
    assert_eq!(apply(&mut session)?.len(), 6);
    let calls = writing_calls(&fixture);
    let last_revoke = calls
        .iter()
        .rposition(|call| call == "RevokeSecurityGroupIngress");
    let first_delete = calls.iter().position(|call| call == "DeleteSecurityGroup");
    assert!(last_revoke < first_delete, "{calls:?}");
    assert_eq!(security_groups(&fixture)?, ["default"]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_new_vpc_brings_its_default_group_which_gets_a_row_and_goes_with_it() -> Result {
    let (fixture, mut session) = network()?;
    session.query("INSERT INTO vpc (cidr_block) VALUES ('10.0.0.0/16')")?;
    assert_eq!(apply(&mut session)?, ["create vpc"]);
    let imported = session.query(
        "SELECT group_name, group_id IS NOT NULL, (SELECT count(*) FROM security_group_rule r WHERE r.security_group_id = g.id)
         FROM security_group g JOIN vpc ON vpc.id = g.vpc_id WHERE NOT is_default",
    )?;
    assert_eq!(imported.lines(), ["default|t|1"]);
    assert_settled(&fixture, &mut session)?;

    // Its row alone cannot go.
    session.query(
        "DELETE FROM security_group g USING vpc WHERE vpc.id = g.vpc_id AND NOT is_default",
    )?;
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_eq!(
        value(&mut session, "SELECT count(*) FROM security_group")?,
        "2"
    );
    assert_settled(&fixture, &mut session)?;

    session.query(
        "DELETE FROM security_group g USING vpc WHERE vpc.id = g.vpc_id AND NOT is_default;
         DELETE FROM vpc WHERE NOT is_default",
    )?;
    fixture.proxy().forget_calls();
    assert_eq!(apply(&mut session)?, ["delete vpc"]);
    assert_eq!(writing_calls(&fixture), ["DeleteVpc"]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn subnets_and_dns_flags_are_changed_in_place_and_a_new_range_makes_a_subnet_anew() -> Result {
    let (fixture, mut session) = network()?;
    session.query(
        "INSERT INTO vpc (cidr_block, enable_dns_hostnames) VALUES ('10.0.0.0/16', true);
         INSERT INTO subnet (availability_zone, cidr_block, vpc_id, map_public_ip_on_launch)
             SELECT 'us-east-2a', '10.0.1.0/24', id, true FROM vpc WHERE NOT is_default",
    )?;
    assert_eq!(apply(&mut session)?, ["create vpc", "create subnet"]);
    assert_eq!(
        session.query("SELECT enable_dns_support, enable_dns_hostnames, state FROM vpc WHERE NOT is_default")?.lines(),
        ["t|t|available"]
    );
    let subnet = "SELECT subnet_id LIKE 'subnet-%', subnet_arn LIKE 'arn:aws:ec2:us-east-2:%', owner_id, map_public_ip_on_launch
                  FROM subnet JOIN vpc ON vpc.id = subnet.vpc_id WHERE NOT is_default";
    assert_eq!(session.query(subnet)?.lines(), ["t|t|123456789012|t"]);
    assert_settled(&fixture, &mut session)?;

    session.query(
        "UPDATE vpc SET enable_dns_hostnames = false, enable_dns_support = false WHERE NOT is_default;
         UPDATE subnet SET map_public_ip_on_launch = false WHERE cidr_block = '10.0.1.0/24'",
    )?;
    let mut done = apply(&mut session)?;
    done.sort();
    assert_eq!(done, ["update subnet", "update vpc"]);
    assert_settled(&fixture, &mut session)?;

    fixture.proxy().forget_calls();
    session
        .query("UPDATE subnet SET cidr_block = '10.0.2.0/24' WHERE cidr_block = '10.0.1.0/24'")?;
    assert_eq!(apply(&mut session)?, ["replace subnet"]);
    assert_in_order(&writing_calls(&fixture), &["CreateSubnet", "DeleteSubnet"]);
    assert_settled(&fixture, &mut session)?;

    session.query(
        "UPDATE subnet SET availability_zone = 'us-east-2b' WHERE cidr_block = '10.0.2.0/24'",
    )?;
    fixture.proxy().forget_calls();
    assert_eq!(apply(&mut session)?, ["replace subnet"]);
    // The same range cannot be there twice.
    assert_in_order(&writing_calls(&fixture), &["DeleteSubnet", "CreateSubnet"]);
    assert_settled(&fixture, &mut session)?;
    assert_eq!(steps(&mut session, "iasql_plan_sync")?, NOTHING);
    Ok(())
}
