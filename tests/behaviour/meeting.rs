//! A row and an object meet, or miss each other: every row of the table that a plan is made by.

use iasql_tests::proxy::{Action, Alteration, Reply};
use iasql_tests::{Fixture, Result, Service, Session};
use serde_json::{Value, json};

use crate::{NOTHING, apply, assert_one_says, assert_settled, notices, steps, writing_calls};

fn log_groups() -> Result<(Fixture, Session)> {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let session = fixture.session()?;
    Ok((fixture, session))
}

/// The log groups that there really are, with their retention.
fn in_cloud(fixture: &Fixture) -> Result<Vec<(String, Option<i64>)>> {
    let answer = fixture
        .cloud()
        .json(Service::Logs, "DescribeLogGroups", &json!({}))?;
    let group = |group: &Value| {
        (
            group["logGroupName"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            group["retentionInDays"].as_i64(),
        )
    };
    Ok(answer["logGroups"]
        .as_array()
        .into_iter()
        .flatten()
        .map(group)
        .collect())
}

fn make(fixture: &Fixture, name: &str, retention: Option<i64>) -> Result {
    let cloud = fixture.cloud();
    cloud.json(
        Service::Logs,
        "CreateLogGroup",
        &json!({"logGroupName": name}),
    )?;
    if let Some(days) = retention {
        let input = json!({"logGroupName": name, "retentionInDays": days});
        cloud.json(Service::Logs, "PutRetentionPolicy", &input)?;
    }
    Ok(())
}

fn remove(fixture: &Fixture, name: &str) -> Result {
    let input = json!({"logGroupName": name});
    fixture
        .cloud()
        .json(Service::Logs, "DeleteLogGroup", &input)
        .map(drop)
}

#[test]
fn a_row_without_an_object_makes_one_and_is_filled_in_the_same_transaction() -> Result {
    let (fixture, mut session) = log_groups()?;
    session.query(
        "BEGIN; INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('a', 7)",
    )?;
    let plan = session.query("SELECT * FROM iasql_plan_apply()")?;
    assert_eq!(plan.columns, ["action", "table_name", "id", "description"]);
    assert_eq!(plan.lines(), ["create|log_group|1|a"]);
    assert_eq!(
        session.query("SELECT * FROM iasql_apply()")?.lines(),
        ["create|log_group|1|a"]
    );
    let filled = session.query("SELECT log_group_arn FROM log_group")?;
    assert_eq!(
        filled.lines(),
        ["arn:aws:logs:us-east-2:123456789012:log-group:a:*"]
    );
    session.query("COMMIT")?;
    assert_eq!(in_cloud(&fixture)?, [("a".to_owned(), Some(7))]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn an_object_like_the_row_is_adopted_without_a_writing_call() -> Result {
    let (fixture, mut session) = log_groups()?;
    make(&fixture, "a", Some(7))?;
    session.query("INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('a', 7)")?;
    fixture.proxy().forget_calls();
    assert_eq!(apply(&mut session)?, ["adopt log_group"]);
    assert_eq!(writing_calls(&fixture), NOTHING);
    let filled = session.query("SELECT log_group_arn IS NOT NULL FROM log_group")?;
    assert_eq!(filled.lines(), ["t"]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn an_object_that_differs_is_refused_with_a_hint() -> Result {
    let (fixture, mut session) = log_groups()?;
    make(&fixture, "a", Some(30))?;
    session.query("INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('a', 7)")?;
    let refusal = session.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "42710", "{refusal}");
    assert!(refusal.message.contains("\"a\""), "{refusal}");
    assert!(
        refusal
            .message
            .contains("retention_in_days: 30 in AWS, 7 in the row"),
        "{refusal}"
    );
    assert!(refusal.hint.contains("iasql_sync()"), "{refusal}");
    assert!(refusal.hint.contains("iasql.adopt"), "{refusal}");
    // The plan shows what it would be, and warns.
    session.take_notices();
    let plan = session.query(
        "SELECT action, description, column_name, before, after FROM iasql_explain_apply()",
    )?;
    assert_eq!(plan.lines(), ["adopt|a|retention_in_days|30|7"]);
    let said = session.take_notices();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].severity, "WARNING");
    assert_eq!(said[0].message, refusal.message);
    assert_eq!(in_cloud(&fixture)?, [("a".to_owned(), Some(30))]);
    Ok(())
}

#[test]
fn one_refused_row_refuses_the_whole_apply() -> Result {
    let (fixture, mut session) = log_groups()?;
    make(&fixture, "a", Some(30))?;
    session.query(
        "INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('a', 7), ('b', 7)",
    )?;
    session.refusal("SELECT iasql_apply()")?;
    assert_eq!(in_cloud(&fixture)?.len(), 1);
    Ok(())
}

#[test]
fn overwrite_adopts_what_differs_and_the_row_wins() -> Result {
    let (fixture, mut session) = log_groups()?;
    make(&fixture, "a", Some(30))?;
    session.query(
        "INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('a', 7);
         SET iasql.adopt = 'overwrite'",
    )?;
    assert_eq!(apply(&mut session)?, ["adopt log_group"]);
    assert_eq!(in_cloud(&fixture)?, [("a".to_owned(), Some(7))]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn sync_takes_what_is_in_aws_into_the_row_that_was_refused() -> Result {
    let (fixture, mut session) = log_groups()?;
    make(&fixture, "a", Some(30))?;
    session.query("INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('a', 7)")?;
    session.query("SELECT iasql_sync()")?;
    assert_eq!(
        session
            .query("SELECT log_group_name, retention_in_days FROM log_group")?
            .lines(),
        ["a|30"]
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn what_apply_made_and_somebody_deleted_is_made_again() -> Result {
    let (fixture, mut session) = log_groups()?;
    session.query("INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('a', 7)")?;
    apply(&mut session)?;
    remove(&fixture, "a")?;
    assert_eq!(apply(&mut session)?, ["create log_group"]);
    assert_one_says(
        &notices(&mut session),
        &["log_group", "\"a\"", "made again"],
    );
    assert_eq!(in_cloud(&fixture)?, [("a".to_owned(), Some(7))]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn what_was_imported_and_somebody_deleted_is_left_until_sync_drops_the_row() -> Result {
    let fixture = Fixture::new()?;
    make(&fixture, "a", None)?;
    let mut session = fixture.session()?;
    session.install(&["aws_cloudwatch"])?;
    remove(&fixture, "a")?;
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_one_says(
        &notices(&mut session),
        &["\"a\"", "is gone", "iasql_sync()"],
    );
    assert!(in_cloud(&fixture)?.is_empty());
    assert_eq!(steps(&mut session, "iasql_sync")?, ["delete log_group"]);
    assert!(session.query("TABLE log_group")?.is_empty());
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_deleted_row_deletes_its_object_made_or_imported() -> Result {
    let fixture = Fixture::new()?;
    make(&fixture, "imported", None)?;
    let mut session = fixture.session()?;
    session.install(&["aws_cloudwatch"])?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('made')")?;
    apply(&mut session)?;
    assert_eq!(in_cloud(&fixture)?.len(), 2);
    session.query("DELETE FROM log_group")?;
    let plan = session.query("SELECT * FROM iasql_plan_apply() ORDER BY description")?;
    assert_eq!(
        plan.lines(),
        ["delete|log_group||imported", "delete|log_group||made"]
    );
    assert_eq!(
        apply(&mut session)?,
        ["delete log_group", "delete log_group"]
    );
    assert!(in_cloud(&fixture)?.is_empty());
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_deleted_row_whose_object_is_gone_is_forgotten_without_a_step() -> Result {
    let (fixture, mut session) = log_groups()?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('a')")?;
    apply(&mut session)?;
    remove(&fixture, "a")?;
    session.query("DELETE FROM log_group")?;
    assert_eq!(apply(&mut session)?, NOTHING);
    // Somebody's new object of the same name is theirs.
    make(&fixture, "a", None)?;
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_eq!(in_cloud(&fixture)?.len(), 1);
    Ok(())
}

#[test]
fn what_no_row_ever_stood_for_is_left_alone_until_sync_imports_it() -> Result {
    let (fixture, mut session) = log_groups()?;
    make(&fixture, "theirs", Some(30))?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('ours')")?;
    assert_eq!(apply(&mut session)?, ["create log_group"]);
    session.query("DELETE FROM log_group")?;
    assert_eq!(apply(&mut session)?, ["delete log_group"]);
    assert_eq!(in_cloud(&fixture)?, [("theirs".to_owned(), Some(30))]);
    assert_eq!(
        steps(&mut session, "iasql_plan_sync")?,
        ["create log_group"]
    );
    assert_eq!(steps(&mut session, "iasql_sync")?, ["create log_group"]);
    assert_eq!(
        session
            .query("SELECT log_group_name, retention_in_days FROM log_group")?
            .lines(),
        ["theirs|30"]
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_row_and_an_object_that_changed_alike_need_no_step() -> Result {
    let (fixture, mut session) = log_groups()?;
    session.query("INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('a', 7)")?;
    apply(&mut session)?;
    let input = json!({"logGroupName": "a", "retentionInDays": 30});
    fixture
        .cloud()
        .json(Service::Logs, "PutRetentionPolicy", &input)?;
    session.query("UPDATE log_group SET retention_in_days = 30")?;
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_settled(&fixture, &mut session)?;
    // What was agreed on is the new value: a change of the row is a change of the row.
    session.query("UPDATE log_group SET retention_in_days = 7")?;
    let why = session.query("SELECT before, after, why FROM iasql_explain_apply()")?;
    assert_eq!(why.lines(), ["30|7|row changed"]);
    Ok(())
}

#[test]
fn a_new_row_takes_over_the_object_of_a_deleted_one() -> Result {
    let (fixture, mut session) = log_groups()?;
    session.query("INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('a', 7)")?;
    apply(&mut session)?;
    session.query(
        "DELETE FROM log_group; INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('a', 14)",
    )?;
    fixture.proxy().forget_calls();
    assert_eq!(apply(&mut session)?, ["adopt log_group"]);
    assert!(
        !fixture
            .proxy()
            .calls()
            .iter()
            .any(|call| call.name == "logs:DeleteLogGroup")
    );
    assert_eq!(in_cloud(&fixture)?, [("a".to_owned(), Some(14))]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_rolled_back_plan_leaves_nothing_behind() -> Result {
    let (fixture, mut session) = log_groups()?;
    let plan = session.query(
        "BEGIN;
         INSERT INTO log_group (log_group_name) VALUES ('a');
         SELECT action, table_name FROM iasql_plan_apply()",
    )?;
    assert_eq!(plan.lines(), ["create|log_group"]);
    session.query("ROLLBACK")?;
    assert!(in_cloud(&fixture)?.is_empty());
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_protected_object_is_not_deleted_and_not_replaced() -> Result {
    let (fixture, mut session) = log_groups()?;
    session.query("INSERT INTO log_group (log_group_name, protected) VALUES ('a', true)")?;
    apply(&mut session)?;
    for edit in [
        "DELETE FROM log_group",
        "UPDATE log_group SET log_group_name = 'b'",
    ] {
        session.query(&format!("BEGIN; {edit}"))?;
        let refusal = session.refusal("SELECT iasql_apply()")?;
        assert_eq!(refusal.sqlstate, "55000", "{refusal}");
        assert!(refusal.message.contains("protected"), "{refusal}");
        session.query("ROLLBACK")?;
    }
    session.query("SELECT delete_all_records()")?;
    assert_one_says(&notices(&mut session), &["protected", "\"a\""]);
    assert_settled(&fixture, &mut session)?;
    session.query("UPDATE log_group SET protected = false")?;
    assert_eq!(apply(&mut session)?, NOTHING);
    session.query("DELETE FROM log_group")?;
    assert_eq!(apply(&mut session)?, ["delete log_group"]);
    Ok(())
}

#[test]
fn no_more_is_deleted_than_max_deletes_allows() -> Result {
    let (fixture, mut session) = log_groups()?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('a'), ('b')")?;
    apply(&mut session)?;
    session.query("SET iasql.max_deletes = 1; DELETE FROM log_group")?;
    let refusal = session.refusal("SELECT iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "55000", "{refusal}");
    assert!(refusal.message.contains("deletes 2 objects"), "{refusal}");
    assert!(refusal.hint.contains("iasql.max_deletes"), "{refusal}");
    assert_eq!(in_cloud(&fixture)?.len(), 2);
    session.query("SET iasql.max_deletes = 2")?;
    assert_eq!(apply(&mut session)?.len(), 2);
    Ok(())
}

#[test]
fn what_was_just_deleted_and_is_still_listed_is_not_imported() -> Result {
    let (fixture, mut session) = log_groups()?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('a'), ('b')")?;
    apply(&mut session)?;
    session.query("DELETE FROM log_group WHERE log_group_name = 'a'")?;
    apply(&mut session)?;
    // The list is behind; the answer to a question about the one object is not.
    fixture.proxy().set_rule(|call| {
        let is_list =
            call.name == "logs:DescribeLogGroups" && call.parameter("logGroupNamePrefix").is_none();
        match is_list {
            true => Action::Alter(Alteration::new(list_a_too)),
            false => Action::Forward,
        }
    });
    assert_eq!(steps(&mut session, "iasql_plan_sync")?, NOTHING);
    session.query("INSERT INTO log_group (log_group_name) VALUES ('a')")?;
    assert_eq!(apply(&mut session)?, ["create log_group"]);
    fixture.proxy().forward_all();
    assert_settled(&fixture, &mut session)
}

fn list_a_too(mut reply: Reply) -> Reply {
    if let Ok(mut list) = serde_json::from_slice::<Value>(&reply.body)
        && let Some(groups) = list["logGroups"].as_array_mut()
        && let Some(mut other) = groups.first().cloned()
    {
        for field in ["logGroupName", "arn", "logGroupArn"] {
            if let Some(text) = other[field].as_str() {
                other[field] = match field {
                    "logGroupName" => json!("a"),
                    _ => json!(text.replace("log-group:b", "log-group:a")),
                };
            }
        }
        groups.push(other);
        reply.body = list.to_string().into_bytes();
    }
    reply
}

#[test]
fn a_rename_that_sync_undoes_makes_room_for_the_object_of_that_name() -> Result {
    let (fixture, mut session) = log_groups()?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('a')")?;
    apply(&mut session)?;
    session.query("UPDATE log_group SET log_group_name = 'b'")?;
    make(&fixture, "b", None)?;
    session.query("SELECT iasql_sync()")?;
    let rows = session.query("SELECT row_id, log_group_name FROM log_group ORDER BY row_id")?;
    assert_eq!(rows.lines(), ["1|a", "2|b"]);
    assert_settled(&fixture, &mut session)
}
