//! Somebody else changes what a row stands for.

use iasql_tests::{Fixture, Result, Service, Session};
use serde_json::json;

use crate::{NOTHING, apply, assert_one_says, assert_settled, notices, steps};

/// A role with a description that apply has set and a session time that it has not. Then somebody changes both.
fn drifted() -> Result<(Fixture, Session)> {
    let fixture = Fixture::with(&["aws_iam"])?;
    let mut session = fixture.session()?;
    session.query(&format!(
        "INSERT INTO role (role_name, assume_role_policy_document, description) VALUES ('r', '{TRUST}', 'ours')"
    ))?;
    apply(&mut session)?;
    let theirs = [
        ("RoleName", "r"),
        ("Description", "theirs"),
        ("MaxSessionDuration", "7200"),
    ];
    fixture.cloud().query(Service::Iam, "UpdateRole", &theirs)?;
    Ok((fixture, session))
}

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": []}"#;

fn role(fixture: &Fixture) -> Result<(String, String)> {
    let answer = fixture
        .cloud()
        .query(Service::Iam, "GetRole", &[("RoleName", "r")])?;
    let text = |name| {
        iasql_tests::elements(&answer, name)
            .first()
            .copied()
            .unwrap_or_default()
            .to_owned()
    };
    Ok((text("Description"), text("MaxSessionDuration")))
}

fn are(role: (String, String)) -> [String; 2] {
    [role.0, role.1]
}

#[test]
fn what_apply_has_set_is_put_back_and_the_rest_is_kept_with_a_notice() -> Result {
    let (fixture, mut session) = drifted()?;
    let why = session.query("SELECT column_name, before, after, why FROM iasql_explain_apply()")?;
    assert_eq!(why.lines(), ["description|theirs|ours|cloud changed"]);
    assert_eq!(apply(&mut session)?, ["update role"]);
    assert_one_says(
        &notices(&mut session),
        &[
            "role",
            "\"r\"",
            "max_session_duration: 7200 in AWS, 3600 in the row",
            "iasql_sync()",
        ],
    );
    assert_eq!(are(role(&fixture)?), ["ours", "7200"]);
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_one_says(&notices(&mut session), &["max_session_duration"]);
    assert_eq!(steps(&mut session, "iasql_sync")?, ["update role"]);
    assert_eq!(
        session
            .query("SELECT description, max_session_duration FROM role")?
            .lines(),
        ["ours|7200"]
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn enforce_puts_everything_back() -> Result {
    let (fixture, mut session) = drifted()?;
    session.query("SET iasql.on_drift = 'enforce'")?;
    assert_eq!(apply(&mut session)?, ["update role"]);
    assert_eq!(are(role(&fixture)?), ["ours", "3600"]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn keep_changes_nothing_and_says_what_differs() -> Result {
    let (fixture, mut session) = drifted()?;
    session.query("SET iasql.on_drift = 'keep'")?;
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_one_says(
        &notices(&mut session),
        &["description", "max_session_duration"],
    );
    assert_eq!(are(role(&fixture)?), ["theirs", "7200"]);
    // Kept is not agreed on: back to the default, what apply has set is put back.
    session.query("RESET iasql.on_drift")?;
    assert_eq!(apply(&mut session)?, ["update role"]);
    assert_eq!(are(role(&fixture)?), ["ours", "7200"]);
    Ok(())
}

#[test]
fn refuse_stops_before_anything_is_done() -> Result {
    let (fixture, mut session) = drifted()?;
    session.query("SET iasql.on_drift = 'refuse'")?;
    let refusal = session.refusal("SELECT iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "55000", "{refusal}");
    assert!(
        refusal
            .message
            .contains("description: \"theirs\" in AWS, \"ours\" in the row"),
        "{refusal}"
    );
    assert!(
        refusal.hint.contains("iasql_sync()") && refusal.hint.contains("'enforce'"),
        "{refusal}"
    );
    assert_eq!(are(role(&fixture)?), ["theirs", "7200"]);
    Ok(())
}

#[test]
fn where_both_changed_the_row_wins_and_both_are_shown() -> Result {
    let (fixture, mut session) = drifted()?;
    session.query("UPDATE role SET description = 'newer'")?;
    let why = session.query("SELECT column_name, before, after, why FROM iasql_explain_apply()")?;
    assert_eq!(
        why.lines(),
        ["description|theirs|newer|row and cloud changed"]
    );
    assert_eq!(apply(&mut session)?, ["update role"]);
    assert_eq!(are(role(&fixture)?), ["newer", "7200"]);
    session.query("SELECT iasql_sync()")?;
    assert_settled(&fixture, &mut session)
}

#[test]
fn drift_alone_never_replaces() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('a')")?;
    apply(&mut session)?;
    for (operation, input) in [
        ("DeleteLogGroup", json!({"logGroupName": "a"})),
        ("CreateLogGroup", json!({"logGroupName": "a"})),
    ] {
        fixture.cloud().json(Service::Logs, operation, &input)?;
    }
    // Deleted and made again by somebody: the same name is the same object.
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_settled(&fixture, &mut session)
}
