//! Copies of a database, and sessions that cannot write: all may plan, only the one database applies.

use iasql_tests::{Cluster, Database, Fixture, Output, Result, Session};

fn succeeded(output: Output) -> Output {
    assert!(output.success(), "{output}");
    output
}

/// A database with a VPC, a group with a rule, and a log group, all applied.
fn applied(fixture: &Fixture) -> Result<Session> {
    let mut session = fixture.session()?;
    session.install(&["aws_security_group", "aws_cloudwatch"])?;
    session.query(
        "INSERT INTO vpc (cidr_block) VALUES ('10.0.0.0/16');
         INSERT INTO security_group (group_name, description) VALUES ('a', 'a');
         INSERT INTO security_group_rule (is_egress, ip_protocol, from_port, to_port, cidr_ipv4, security_group_id)
             SELECT false, 'tcp', 80, 80, '0.0.0.0/0', id FROM security_group WHERE group_name = 'a';
         INSERT INTO log_group (log_group_name, retention_in_days, tags) VALUES ('a', 7, '{\"a\": \"1\"}');
         SELECT iasql_apply()",
    )?;
    Ok(session)
}

fn lines(session: &mut Session, sql: &str) -> Result<Vec<String>> {
    Ok(session.query(sql)?.lines())
}

const PLAN: &str = "SELECT action || ' ' || table_name FROM iasql_plan_apply()";
const NOTHING: [&str; 0] = [];

#[test]
fn a_restored_dump_has_an_empty_plan_and_applies_only_when_it_has_taken_over() -> Result {
    let fixture = Fixture::new()?;
    let mut original = applied(&fixture)?;
    let dump = succeeded(fixture.database().program("pg_dump", NOTHING)?);
    let copy = fixture.database().cluster().create_database()?;
    succeeded(copy.psql(&dump.stdout)?);
    let mut session = copy.connect()?;
    for table in [
        "vpc",
        "security_group",
        "security_group_rule",
        "log_group",
        "iasql.region",
    ] {
        let sql = format!("SELECT * FROM {table} ORDER BY 1");
        assert_eq!(session.query(&sql)?, original.query(&sql)?, "{table}");
    }
    assert_eq!(lines(&mut session, PLAN)?, NOTHING);
    assert_eq!(
        lines(&mut session, "SELECT * FROM iasql_plan_sync()")?,
        NOTHING
    );

    session.query("INSERT INTO log_group (log_group_name) VALUES ('b')")?;
    assert_eq!(lines(&mut session, PLAN)?, ["create log_group"]);
    fixture.proxy().forget_calls();
    let refusal = session.refusal("SELECT iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "55000", "{refusal}");
    assert!(refusal.message.contains("copy"), "{refusal}");
    assert!(refusal.hint.contains("iasql_take_over()"), "{refusal}");
    assert!(!fixture.proxy().calls().iter().any(|call| call.mutates()));

    session.query("SELECT iasql_take_over()")?;
    let done = lines(
        &mut session,
        "SELECT action || ' ' || table_name FROM iasql_apply()",
    )?;
    assert_eq!(done, ["create log_group"]);
    assert_eq!(lines(&mut session, PLAN)?, NOTHING);
    // New rows do not take the ids of old ones.
    assert_eq!(
        lines(&mut session, "SELECT count(DISTINCT row_id) FROM log_group")?,
        ["2"]
    );
    Ok(())
}

#[test]
fn a_hot_standby_plans_and_refuses_to_apply() -> Result {
    let primary: &'static Cluster = Box::leak(Box::new(Cluster::start()?));
    let fixture = Fixture::on(primary)?;
    let mut session = applied(&fixture)?;
    session.query("UPDATE log_group SET retention_in_days = 14")?;
    let standby = primary.start_standby()?;
    let copy = Database::existing(&standby, fixture.database().name());
    let mut session = copy.connect()?;
    assert_eq!(lines(&mut session, "SELECT pg_is_in_recovery()")?, ["t"]);
    assert_eq!(lines(&mut session, PLAN)?, ["update log_group"]);
    lines(&mut session, "SELECT * FROM iasql_plan_sync()")?;
    for call in [
        "iasql_apply()",
        "iasql_sync()",
        "delete_all_records()",
        "iasql_install('aws_iam')",
    ] {
        let refusal = session.refusal(&format!("SELECT {call}"))?;
        assert_eq!(refusal.sqlstate, "25006", "{call}: {refusal}");
    }
    Ok(())
}

#[test]
fn a_read_only_transaction_plans_and_refuses_to_apply() -> Result {
    let fixture = Fixture::new()?;
    let mut session = applied(&fixture)?;
    session.query("UPDATE log_group SET retention_in_days = 14")?;
    fixture.proxy().forget_calls();
    session.query("BEGIN READ ONLY")?;
    assert_eq!(lines(&mut session, PLAN)?, ["update log_group"]);
    let xid = session.query("SELECT pg_current_xact_id_if_assigned()")?;
    assert_eq!(xid.scalar(), None);
    let refusal = session.refusal("SELECT iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "25006", "{refusal}");
    assert!(refusal.hint.contains("iasql_plan_apply()"), "{refusal}");
    session.query("ROLLBACK")?;
    assert!(!fixture.proxy().calls().iter().any(|call| call.mutates()));
    Ok(())
}

#[test]
fn a_plan_writes_nothing_into_the_database() -> Result {
    let fixture = Fixture::new()?;
    let mut session = applied(&fixture)?;
    session.query("BEGIN")?;
    session.query("SELECT * FROM iasql_plan_apply(); SELECT * FROM iasql_explain_apply(); SELECT * FROM iasql_plan_sync()")?;
    let xid = session.query("SELECT pg_current_xact_id_if_assigned()")?;
    assert_eq!(xid.scalar(), None);
    session.query("COMMIT")?;

    let state = "SELECT (SELECT count(*) FROM iasql.journal), (SELECT md5(string_agg(k::text, '|' ORDER BY k::text))
                 FROM iasql.known k), (SELECT runs FROM iasql.apply_lock)";
    let before = session.query(state)?;
    session.query("BEGIN; UPDATE log_group SET retention_in_days = 14; DELETE FROM security_group WHERE group_name = 'a'")?;
    assert_eq!(session.query(PLAN)?.len(), 3);
    session.query("ROLLBACK")?;
    assert_eq!(session.query(state)?, before);
    assert_eq!(lines(&mut session, PLAN)?, NOTHING);
    Ok(())
}
