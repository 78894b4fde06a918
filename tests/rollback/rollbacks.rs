//! Transactions that are rolled back, whole or in part.

use iasql_tests::Result;

use crate::world::{APPLY, count, heard, in_cloud, settles, world};

const ROWS: &str = "INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('a', 7);
                    INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16');
                    INSERT INTO security_group (group_name, description) VALUES ('g', 'g');";

const ALL: [&str; 3] = ["log_group a", "security_group g", "vpc 10.1.0.0/16"];

#[test]
fn creates_that_are_rolled_back_are_named_and_imported() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!("BEGIN; {ROWS} {APPLY}; ROLLBACK"))?;
    assert_eq!(in_cloud(&fixture)?, ALL);
    settles(&fixture, &ALL)?;
    assert_eq!(
        session
            .query("SELECT retention_in_days FROM log_group")?
            .scalar(),
        Some("7")
    );
    Ok(())
}

#[test]
fn creates_that_are_rolled_back_are_taken_over_when_the_rows_come_back() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!("BEGIN; {ROWS} {APPLY}; ROLLBACK"))?;
    let made = fixture
        .proxy()
        .calls()
        .into_iter()
        .filter(|call| call.mutates())
        .count();
    session.query(ROWS)?;
    let (rows, _) = heard(&mut session, APPLY)?;
    let mut lines = rows.lines();
    lines.sort();
    assert_eq!(
        lines,
        ["adopt|log_group", "adopt|security_group", "adopt|vpc"]
    );
    let calls = fixture
        .proxy()
        .calls()
        .into_iter()
        .filter(|call| call.mutates())
        .count();
    assert_eq!(calls, made, "something was made twice");
    settles(&fixture, &ALL)
}

#[test]
fn an_update_that_is_rolled_back_is_undone() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(ROWS)?;
    session.query(APPLY)?;
    session.query(&format!(
        "BEGIN;
         UPDATE log_group SET retention_in_days = 30, tags = '{{\"a\": \"b\"}}';
         UPDATE vpc SET enable_dns_hostnames = true, tags = '{{\"a\": \"b\"}}' WHERE NOT is_default;
         {APPLY}; ROLLBACK"
    ))?;
    let plan = session
        .query("SELECT column_name, before, after FROM iasql_explain_apply() ORDER BY 1, 2")?;
    assert_eq!(
        plan.lines(),
        [
            "enable_dns_hostnames|true|false",
            "retention_in_days|30|7",
            "tags|{\"a\":\"b\"}|{}",
            "tags|{\"a\":\"b\"}|{}"
        ]
    );
    settles(&fixture, &ALL)?;
    let rows = session.query(
        "SELECT l.retention_in_days, l.tags, v.enable_dns_hostnames, v.tags FROM log_group l, vpc v WHERE NOT v.is_default",
    )?;
    assert_eq!(rows.lines(), ["7|{}|f|{}"]);
    Ok(())
}

#[test]
fn a_replacement_that_is_rolled_back_is_made_again_under_the_old_name() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(ROWS)?;
    session.query(APPLY)?;
    session.query(&format!(
        "BEGIN;
         UPDATE log_group SET log_group_name = 'b';
         UPDATE security_group SET group_name = 'h' WHERE group_name = 'g';
         UPDATE vpc SET cidr_block = '10.2.0.0/16' WHERE NOT is_default;
         {APPLY}; ROLLBACK"
    ))?;
    assert_eq!(
        in_cloud(&fixture)?,
        ["log_group b", "security_group h", "vpc 10.2.0.0/16"]
    );
    // What the replacement made was made for these rows, which want something else again.
    let plan = session.query("SELECT action, table_name FROM iasql_plan_apply()")?;
    assert!(
        plan.lines().contains(&"replace|log_group".to_owned()),
        "{plan}"
    );
    settles(&fixture, &ALL)
}

#[test]
fn a_replacement_that_is_rolled_back_and_wanted_again_is_taken_over() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(ROWS)?;
    session.query(APPLY)?;
    let rename = "UPDATE log_group SET log_group_name = 'b';
                  UPDATE vpc SET cidr_block = '10.2.0.0/16' WHERE NOT is_default;";
    session.query(&format!("BEGIN; {rename} {APPLY}; ROLLBACK"))?;
    session.query(rename)?;
    session.query(APPLY)?;
    assert_eq!(count(&fixture, "logs:CreateLogGroup"), 2);
    assert_eq!(count(&fixture, "ec2:CreateVpc"), 2);
    settles(
        &fixture,
        &["log_group b", "security_group g", "vpc 10.2.0.0/16"],
    )
}

#[test]
fn a_delete_that_is_rolled_back_is_made_again() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(ROWS)?;
    session.query(APPLY)?;
    session.query(&format!(
        "BEGIN; SELECT delete_all_records(); {APPLY}; ROLLBACK"
    ))?;
    assert!(in_cloud(&fixture)?.is_empty());
    let (rows, said) = heard(
        &mut session,
        "SELECT action, table_name FROM iasql_plan_apply()",
    )?;
    assert!(rows.lines().contains(&"create|vpc".to_owned()), "{rows}");
    assert!(said.contains("made again"), "{said}");
    settles(&fixture, &ALL)?;
    assert_eq!(
        session
            .query("SELECT retention_in_days FROM log_group")?
            .scalar(),
        Some("7")
    );
    Ok(())
}

#[test]
fn after_rollback_to_a_savepoint_the_same_transaction_plans_and_applies_again() -> Result {
    for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        let fixture = world()?;
        let mut session = fixture.session()?;
        session.query(&format!(
            "BEGIN ISOLATION LEVEL {level}; {ROWS} SAVEPOINT s; {APPLY}; ROLLBACK TO s"
        ))?;
        let plan = session.query("SELECT action, table_name FROM iasql_plan_apply() ORDER BY 2")?;
        assert_eq!(
            plan.lines(),
            ["adopt|log_group", "adopt|security_group", "adopt|vpc"],
            "{level}"
        );
        session.query(&format!("{APPLY}; COMMIT"))?;
        assert_eq!(count(&fixture, "ec2:CreateVpc"), 1, "{level}");
        settles(&fixture, &ALL)?;
    }
    Ok(())
}

#[test]
fn rollback_to_a_savepoint_and_commit_keeps_the_rows_that_were_before_it() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!(
        "BEGIN; {ROWS} SAVEPOINT s; {APPLY}; ROLLBACK TO s; COMMIT"
    ))?;
    let rows = session.query("SELECT vpc_id IS NULL FROM vpc WHERE NOT is_default")?;
    assert_eq!(rows.lines(), ["t"]);
    settles(&fixture, &ALL)?;
    assert_eq!(
        count(&fixture, "ec2:CreateVpc"),
        0,
        "the VPC was made twice"
    );
    Ok(())
}

#[test]
fn rollback_to_a_savepoint_and_commit_without_the_rows_is_said() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!(
        "BEGIN; SAVEPOINT s; {ROWS} {APPLY}; ROLLBACK TO s; COMMIT"
    ))?;
    settles(&fixture, &ALL)
}

#[test]
fn a_released_savepoint_goes_with_the_transaction() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!(
        "BEGIN; SAVEPOINT s; SAVEPOINT t; {ROWS} {APPLY}; RELEASE t; RELEASE s; ROLLBACK"
    ))?;
    settles(&fixture, &ALL)
}

#[test]
fn a_statement_that_fails_after_apply_takes_the_rows_along() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!("BEGIN; {ROWS} {APPLY}"))?;
    assert_eq!(session.refusal("SELECT 1 / 0")?.sqlstate, "22012");
    assert_eq!(session.refusal(APPLY)?.sqlstate, "25P02");
    session.query("COMMIT")?;
    settles(&fixture, &ALL)
}

#[test]
fn a_constraint_that_fails_at_commit_takes_the_rows_along() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(
        "CREATE TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO late VALUES (1)",
    )?;
    session.query(&format!(
        "BEGIN; INSERT INTO late VALUES (1); {ROWS} {APPLY}"
    ))?;
    assert_eq!(session.refusal("COMMIT")?.sqlstate, "23505");
    settles(&fixture, &ALL)
}

#[test]
fn a_client_that_leaves_without_commit_takes_the_rows_along() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!("BEGIN; {ROWS} {APPLY}"))?;
    drop(session);
    // The lock goes with the session; the server may need a moment to notice.
    iasql_tests::wait_for("the lock", std::time::Duration::from_secs(10), || {
        Ok(fixture
            .session()?
            .query("BEGIN; SELECT iasql_sync(); ROLLBACK")
            .ok())
    })?;
    settles(&fixture, &ALL)
}

#[test]
fn two_applies_in_one_transaction_are_committed_or_rolled_back_together() -> Result {
    for end in ["COMMIT", "ROLLBACK"] {
        let fixture = world()?;
        let mut session = fixture.session()?;
        session.query(&format!(
            "BEGIN; {ROWS} {APPLY}; UPDATE log_group SET retention_in_days = 30"
        ))?;
        session.query(
            "INSERT INTO vpc (cidr_block) VALUES ('10.2.0.0/16');
             DELETE FROM security_group WHERE vpc_id = (SELECT id FROM vpc WHERE cidr_block = '10.1.0.0/16');
             DELETE FROM vpc WHERE cidr_block = '10.1.0.0/16'",
        )?;
        let (rows, said) = heard(&mut session, APPLY)?;
        let mut lines = rows.lines();
        lines.sort();
        assert_eq!(lines, ["create|vpc", "delete|vpc", "update|log_group"]);
        assert!(!said.contains("rolled back"), "{said}");
        session.query(end)?;
        settles(
            &fixture,
            &["log_group a", "security_group g", "vpc 10.2.0.0/16"],
        )?;
    }
    Ok(())
}

#[test]
fn a_sync_that_is_rolled_back_can_be_repeated() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!("BEGIN; {ROWS} {APPLY}; ROLLBACK"))?;
    session.query("BEGIN; SELECT iasql_sync(); ROLLBACK")?;
    settles(&fixture, &ALL)
}
