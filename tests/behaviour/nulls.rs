//! What NULL means, column by column: nothing is there, or AWS chooses.

use iasql_tests::{Fixture, Result, Service};
use serde_json::json;

use crate::{NOTHING, apply, assert_one_says, assert_settled, notices};

#[test]
fn a_log_group_without_retention_never_expires_and_null_takes_retention_away() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    let retention = || -> Result<serde_json::Value> {
        let answer = fixture
            .cloud()
            .json(Service::Logs, "DescribeLogGroups", &json!({}))?;
        Ok(answer["logGroups"][0]["retentionInDays"].clone())
    };
    session.query("INSERT INTO log_group (log_group_name) VALUES ('a')")?;
    apply(&mut session)?;
    assert_eq!(retention()?, json!(null));
    session.query("UPDATE log_group SET retention_in_days = 14")?;
    assert_eq!(apply(&mut session)?, ["update log_group"]);
    assert_eq!(retention()?, json!(14));
    session.query("UPDATE log_group SET retention_in_days = NULL")?;
    assert_eq!(apply(&mut session)?, ["update log_group"]);
    assert_eq!(retention()?, json!(null));
    // Somebody's retention is drift: NULL is a value like any other.
    let theirs = json!({"logGroupName": "a", "retentionInDays": 30});
    fixture
        .cloud()
        .json(Service::Logs, "PutRetentionPolicy", &theirs)?;
    assert_eq!(apply(&mut session)?, ["update log_group"]);
    assert_eq!(retention()?, json!(null));
    assert_settled(&fixture, &mut session)
}

#[test]
fn what_aws_chooses_is_written_back_and_null_again_is_no_change() -> Result {
    let fixture = Fixture::with(&["aws_elb"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO target_group (target_group_name, target_type, protocol, port) VALUES ('t', 'ip', 'HTTP', 80)",
    )?;
    assert_eq!(apply(&mut session)?, ["create target_group"]);
    let chosen = "SELECT health_check_path, health_check_port, healthy_threshold_count, vpc IS NOT NULL FROM target_group";
    let written_back = session.query(chosen)?.lines();
    assert_eq!(written_back, ["/|traffic-port|5|t"]);
    assert_settled(&fixture, &mut session)?;
    session.query(
        "UPDATE target_group SET health_check_path = NULL, healthy_threshold_count = NULL",
    )?;
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_one_says(
        &notices(&mut session),
        &[
            "target_group",
            "\"t\"",
            "health_check_path",
            "healthy_threshold_count",
            "NULL",
        ],
    );
    assert_eq!(session.query(chosen)?.lines(), written_back);
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_value_that_the_user_set_and_then_leaves_to_aws_stays_as_it_is() -> Result {
    let fixture = Fixture::with(&["aws_elb"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO target_group (target_group_name, target_type, protocol, port, health_check_path)
         VALUES ('t', 'ip', 'HTTP', 80, '/health')",
    )?;
    apply(&mut session)?;
    session.query("UPDATE target_group SET health_check_path = NULL")?;
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_eq!(
        session
            .query("SELECT health_check_path FROM target_group")?
            .lines(),
        ["/health"]
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_role_without_description_gets_what_aws_answers() -> Result {
    let fixture = Fixture::with(&["aws_iam"])?;
    let mut session = fixture.session()?;
    session.query(
        r#"INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '{"Version": "2012-10-17", "Statement": []}')"#,
    )?;
    apply(&mut session)?;
    assert_eq!(
        session
            .query("SELECT description, path, max_session_duration FROM role")?
            .rows,
        [[
            Some(String::new()),
            Some("/".to_owned()),
            Some("3600".to_owned())
        ]]
    );
    assert_settled(&fixture, &mut session)
}
