//! What belongs to the account itself is visible and is never deleted.

use iasql_tests::{Fixture, Result, Service, Session};

use crate::web::value;
use crate::{NOTHING, apply, assert_one_says, assert_settled, notices, writing_calls};

fn network() -> Result<(Fixture, Session)> {
    let fixture = Fixture::with(&["aws_security_group"])?;
    let session = fixture.session()?;
    Ok((fixture, session))
}

#[test]
fn deleted_rows_of_the_default_vpc_are_put_back_with_a_notice() -> Result {
    let (fixture, mut session) = network()?;
    let all = "SELECT v.id, v.vpc_id, s.id, s.subnet_id, g.id, g.group_id, g.group_name, r.id, r.security_group_rule_id
               FROM vpc v JOIN subnet s ON s.vpc_id = v.id JOIN security_group g ON g.vpc_id = v.id
               JOIN security_group_rule r ON r.security_group_id = g.id ORDER BY s.id";
    let before = session.query(all)?;
    assert_eq!(before.len(), 3);
    session.query("DELETE FROM security_group; DELETE FROM subnet; DELETE FROM vpc")?;
    fixture.proxy().forget_calls();
    assert_eq!(apply(&mut session)?, NOTHING);
    let said = notices(&mut session);
    let owned = said
        .iter()
        .filter(|text| text.contains("belongs to the account itself"));
    assert_eq!(owned.count(), 5);
    assert_one_says(&said, &["vpc 1: ", "its row is put back"]);
    // The rules went with the row of their group, and come back with it.
    assert_one_says(
        &said,
        &[
            "security_group_rule 1",
            "goes with sg-",
            "its row is put back",
        ],
    );
    assert_eq!(writing_calls(&fixture), NOTHING);
    assert_eq!(session.query(all)?, before);
    assert_settled(&fixture, &mut session)
}

#[test]
fn rules_of_the_default_group_can_be_edited_but_the_group_cannot_be_made_anew() -> Result {
    let (fixture, mut session) = network()?;
    session.query(
        "INSERT INTO security_group_rule (is_egress, ip_protocol, from_port, to_port, cidr_ipv4, security_group_id)
         SELECT false, 'tcp', 22, 22, '10.0.0.0/8', id FROM security_group",
    )?;
    assert_eq!(apply(&mut session)?, ["create security_group_rule"]);
    session.query("DELETE FROM security_group_rule WHERE is_egress")?;
    assert_eq!(apply(&mut session)?, ["delete security_group_rule"]);
    session.query("UPDATE security_group SET description = 'ours'")?;
    let refusal = session.refusal("SELECT iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "55000", "{refusal}");
    assert!(
        refusal.message.contains("belongs to the account"),
        "{refusal}"
    );
    assert!(refusal.hint.contains("iasql_sync()"), "{refusal}");
    session.query("SELECT iasql_sync()")?;
    assert_settled(&fixture, &mut session)
}

#[test]
fn delete_all_records_leaves_what_the_account_owns() -> Result {
    let (fixture, mut session) = network()?;
    session.query(
        "INSERT INTO security_group (group_name, description) VALUES ('a', 'a');
         INSERT INTO security_group_rule
                 (is_egress, ip_protocol, from_port, to_port, security_group_id, source_security_group_id)
             SELECT false, 'tcp', 80, 80, mine.id, theirs.id FROM security_group mine, security_group theirs
             WHERE mine.group_name = 'default' AND theirs.group_name = 'a'",
    )?;
    apply(&mut session)?;
    session.query("SELECT delete_all_records()")?;
    // The rule of the kept group that refers to the deleted group goes too; its own egress rule stays.
    let left = session.query(
        "SELECT (SELECT count(*) FROM vpc), (SELECT count(*) FROM subnet), (SELECT count(*) FROM security_group),
                (SELECT count(*) FROM security_group_rule), (SELECT bool_and(is_egress) FROM security_group_rule)",
    )?;
    assert_eq!(left.lines(), ["1|3|1|1|t"]);
    let mut done = apply(&mut session)?;
    done.sort();
    assert_eq!(
        done,
        ["delete security_group", "delete security_group_rule"]
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn service_linked_roles_are_imported_and_never_deleted() -> Result {
    let fixture = Fixture::new()?;
    let theirs = [("AWSServiceName", "ecs.amazonaws.com")];
    fixture
        .cloud()
        .query(Service::Iam, "CreateServiceLinkedRole", &theirs)?;
    let mut session = fixture.session()?;
    session.install(&["aws_iam"])?;
    let path = "SELECT path FROM role";
    assert!(value(&mut session, path)?.starts_with("/aws-service-role/"));
    session.query("SELECT delete_all_records()")?;
    assert!(value(&mut session, path)?.starts_with("/aws-service-role/"));
    session.query("DELETE FROM role")?;
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_one_says(
        &notices(&mut session),
        &["role", "belongs to the account itself"],
    );
    assert!(value(&mut session, path)?.starts_with("/aws-service-role/"));
    assert_settled(&fixture, &mut session)
}
