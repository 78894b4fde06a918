//! Rows that AWS, or what is known of AWS, refuses.

use super::{assert_nothing_to_do, assert_says, changes};
use iasql_tests::proxy::{Action, Reply};
use iasql_tests::{Fixture, Result, Service};
use serde_json::json;

const CHANGE_THE_ROW: &str =
    "Change the row, look at iasql_plan_apply(), and run iasql_apply() again.";

#[test]
fn a_row_that_aws_refuses_is_named_with_all_that_aws_says() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    fixture.proxy().set_rule(|call| {
        let bad = call.parameter("logGroupName").as_deref() == Some("bad");
        if call.name == "logs:CreateLogGroup" && bad {
            Action::Reply(Reply::error(
                call,
                400,
                "LimitExceededException",
                "Resource limit exceeded.",
            ))
        } else {
            Action::Forward
        }
    });
    session.query("INSERT INTO log_group (log_group_name) VALUES ('bad'), ('good')")?;
    let error = session.refusal("SELECT * FROM iasql_apply()")?;
    assert_says(
        &error,
        "HV000",
        "create log_group bad: logs:CreateLogGroup: LimitExceededException: Resource limit exceeded.",
        CHANGE_THE_ROW,
    );
    assert_eq!(
        error.detail,
        format!(
            "AWS operation logs:CreateLogGroup, code LimitExceededException, request id {}: Resource limit exceeded.\n\
             done: create log_group good (good)\n\
             failed: create log_group bad: logs:CreateLogGroup: LimitExceededException: Resource limit exceeded.\n\
             not tried: none",
            Reply::REQUEST_ID
        )
    );
    let rows = session.query("SELECT log_group_name FROM log_group ORDER BY 1")?;
    assert_eq!(rows.lines(), ["bad", "good"]);
    fixture.proxy().forward_all();
    session.query("SELECT * FROM iasql_apply()")?;
    assert_nothing_to_do(&mut session)
}

#[test]
fn a_reference_to_a_row_of_another_region_is_refused_by_the_foreign_key() -> Result {
    let fixture = Fixture::with(&["aws_security_group"])?;
    let mut session = fixture.session()?;
    session.query("INSERT INTO iasql.region (region) VALUES ('eu-west-1'); SELECT iasql_sync()")?;
    let error = session.refusal(
        "INSERT INTO security_group (group_name, description, vpc_id, region)
         SELECT 'web', 'web', id, 'eu-west-1' FROM vpc WHERE region = 'us-east-2'",
    )?;
    assert_says(
        &error,
        "23503",
        "insert or update on table \"security_group\" violates foreign key constraint \"security_group_vpc_id_fkey\"",
        "",
    );
    assert!(
        error
            .detail
            .contains("eu-west-1) is not present in table \"vpc\""),
        "{error}"
    );
    assert_nothing_to_do(&mut session)
}

#[test]
fn what_aws_would_refuse_is_refused_when_it_is_written() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch", "aws_iam", "aws_ecr", "aws_elb"])?;
    let mut session = fixture.session()?;
    let check = |name: &str| ("23514", name.to_owned());
    let cases = [
        ("INSERT INTO log_group (log_group_name) VALUES ('no spaces')", check("log_group_name_characters")),
        ("INSERT INTO log_group (log_group_name) VALUES (repeat('x', 513))", check("log_group_name_length")),
        ("INSERT INTO log_group (log_group_name, tags) VALUES ('x', '{\"aws:mine\": \"x\"}')", check("log_group_tags_valid")),
        ("INSERT INTO log_group (log_group_name, tags) VALUES ('x', '{\"n\": 1}')", check("log_group_tags_valid")),
        ("INSERT INTO log_group (log_group_name, tags) VALUES ('x', '{\"n\": 1e400}')", check("log_group_tags_valid")),
        ("INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r r', '{\"Statement\": []}')", check("role_name_characters")),
        ("INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '[]')", check("role_assume_role_policy_document_valid")),
        ("INSERT INTO repository (repository_name) VALUES ('Upper')", check("repository_name_form")),
        ("INSERT INTO vpc (cidr_block) VALUES ('10.00.0.0/16')", check("vpc_cidr_block_canonical")),
        ("INSERT INTO vpc (cidr_block) VALUES ('10.0.0.0/8')", check("vpc_cidr_block_size")),
        ("INSERT INTO security_group (group_name, description) VALUES ('sg-mine', 'x')", check("security_group_name_prefix")),
        ("INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)
          VALUES ('-web', 'internal', 'application', 'ipv4')", check("load_balancer_name_form")),
        ("INSERT INTO target_group (target_group_name, target_type, protocol, port) VALUES ('web', 'ip', 'HTTP', 70000)", check("target_group_port_range")),
    ];
    for (statement, (sqlstate, constraint)) in cases {
        let error = session.refusal(statement)?;
        assert_eq!(error.sqlstate, sqlstate, "{statement}: {error}");
        assert!(
            error.message.contains(&format!("\"{constraint}\"")),
            "{statement}: {error}"
        );
    }
    assert_nothing_to_do(&mut session)
}

#[test]
fn a_policy_that_is_not_json_is_refused_when_it_is_written() -> Result {
    let fixture = Fixture::with(&["aws_iam", "aws_ecr"])?;
    let mut session = fixture.session()?;
    let error = session.refusal(
        "INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '{Statement}')",
    )?;
    assert_eq!(
        (error.sqlstate.as_str(), error.message.as_str()),
        ("22P02", "invalid input syntax for type json")
    );
    session.query("INSERT INTO repository (repository_name) VALUES ('images')")?;
    for policy in ["{Statement}", "", "[]", "{\"Version\": \"2012-10-17\"}"] {
        let error = session.refusal(&format!(
            "INSERT INTO repository_policy (repository_name, policy_text) VALUES ('images', '{policy}')"
        ))?;
        assert_eq!(error.sqlstate, "23514", "{policy}: {error}");
        assert!(
            error.message.contains("\"repository_policy_text_valid\""),
            "{error}"
        );
    }
    Ok(())
}

#[test]
fn a_policy_of_64_kilobytes_goes_there_and_back() -> Result {
    let fixture = Fixture::with(&["aws_iam"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO role (role_name, assume_role_policy_document)
         SELECT 'big', jsonb_build_object('Version', '2012-10-17', 'Statement', jsonb_agg(jsonb_build_object(
             'Sid', 'S' || n, 'Effect', 'Allow', 'Action', 'sts:AssumeRole',
             'Principal', jsonb_build_object('Service', 'ecs-tasks.amazonaws.com'))))
         FROM generate_series(1, 600) n",
    )?;
    let size =
        session.query("SELECT length(assume_role_policy_document::text) > 65536 FROM role")?;
    assert_eq!(size.scalar(), Some("t"));
    let applied = session.query("SELECT * FROM iasql_apply()")?;
    assert_eq!(applied.lines(), ["create|role|1|big"]);
    assert_nothing_to_do(&mut session)
}

#[test]
fn names_and_texts_with_quotes_percents_and_unicode_come_through() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch", "aws_iam"])?;
    let mut session = fixture.session()?;
    let odd = r#"it's 100% "fun" %s %n {} \ <&> é 日本"#;
    let quoted = odd.replace('\'', "''");
    session.query(&format!(
        "INSERT INTO log_group (log_group_name, tags) VALUES ('a/b.c#d_e', jsonb_build_object('{quoted}', '{quoted}'));
         INSERT INTO role (role_name, description, assume_role_policy_document)
         VALUES ('r+=,.@-', 'it''s 100% \"fun\" %s é', '{{\"Statement\": []}}')"
    ))?;
    assert_eq!(session.query("SELECT * FROM iasql_apply()")?.len(), 2);
    assert_nothing_to_do(&mut session)?;
    let tags = session.query("SELECT key, value FROM log_group, jsonb_each_text(tags)")?;
    assert_eq!(tags.lines(), [format!("{odd}|{odd}")]);
    let description = session.query("SELECT description FROM role")?;
    assert_eq!(description.scalar(), Some("it's 100% \"fun\" %s é"));
    // They come through errors and notices too.
    fixture.proxy().set_rule(|call| {
        if call.name == "iam:UpdateRole" || call.name == "iam:UpdateRoleDescription" {
            Action::Reply(Reply::error(
                call,
                400,
                "ValidationError",
                "100% %s %n {} wrong",
            ))
        } else {
            Action::Forward
        }
    });
    session.query("UPDATE role SET description = '%d %s'")?;
    let error = session.refusal("SELECT * FROM iasql_apply()")?;
    assert!(
        error
            .message
            .starts_with("update role r+=,.@-: iam:UpdateRole")
            && error
                .message
                .ends_with(": ValidationError: 100% %s %n {} wrong"),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_row_for_an_object_that_exists_and_differs_is_refused_with_what_differs() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let cloud = fixture.cloud();
    cloud.json(
        Service::Logs,
        "CreateLogGroup",
        &json!({"logGroupName": "there"}),
    )?;
    cloud.json(
        Service::Logs,
        "PutRetentionPolicy",
        &json!({"logGroupName": "there", "retentionInDays": 7}),
    )?;
    let mut session = fixture.session()?;
    session
        .query("INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('there', 30)")?;
    let error = session.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(error.sqlstate, "42710", "{error}");
    assert!(
        error.message.starts_with("log_group 1 \"there\": "),
        "{error}"
    );
    assert!(
        error
            .message
            .ends_with("retention_in_days: 7 in AWS, 30 in the row"),
        "{error}"
    );
    assert_eq!(
        error.hint,
        "SELECT iasql_sync(); takes what is in AWS, SET iasql.adopt = 'overwrite'; lets the row win."
    );
    assert_eq!(changes(&fixture), Vec::<String>::new());
    Ok(())
}

#[test]
fn two_rows_that_claim_one_object_are_refused() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('one'); SELECT iasql_apply()")?;
    fixture.proxy().forget_calls();
    // Only without the constraint that keeps names apart can there be two.
    session.query(
        "ALTER TABLE log_group DROP CONSTRAINT log_group_name_key;
         INSERT INTO log_group (log_group_name) VALUES ('one')",
    )?;
    let error = session.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(error.sqlstate, "42710", "{error}");
    assert!(
        error.message.starts_with("log_group 2 \"one\": "),
        "{error}"
    );
    assert!(error.message.contains("log_group 1"), "{error}");
    assert_eq!(error.hint, "Delete one of the rows.");
    assert_eq!(changes(&fixture), Vec::<String>::new());
    session.query("DELETE FROM log_group WHERE row_id = 2")?;
    assert_nothing_to_do(&mut session)
}

#[test]
fn two_rows_that_would_make_one_object_are_refused() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query(
        "ALTER TABLE log_group DROP CONSTRAINT log_group_name_key;
         INSERT INTO log_group (log_group_name) VALUES ('one'), ('one')",
    )?;
    let error = session.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(error.sqlstate, "42710", "{error}");
    assert_eq!(
        error.message,
        "log_group 2 \"one\": the same object is wanted by log_group 1"
    );
    assert_eq!(error.hint, "Delete one of the rows.");
    assert_eq!(changes(&fixture), Vec::<String>::new());
    session.query("DELETE FROM log_group")?;
    assert_nothing_to_do(&mut session)
}

#[test]
fn a_read_only_transaction_plans_and_does_not_write() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('new')")?;
    for function in [
        "iasql_apply()",
        "iasql_sync()",
        "iasql_install('aws_iam')",
        "iasql_uninstall('aws_cloudwatch')",
        "delete_all_records()",
        "iasql_take_over()",
    ] {
        session.query("BEGIN READ ONLY")?;
        let plan = session.query("SELECT * FROM iasql_plan_apply()")?;
        assert_eq!(plan.lines(), ["create|log_group|1|new"]);
        let error = session.refusal(&format!("SELECT {function}"))?;
        let name = function.split('(').next().unwrap_or_default();
        assert_says(
            &error,
            "25006",
            &format!("cannot execute {name}() in a read-only transaction"),
            "iasql_plan_apply() and iasql_plan_sync() need no writing.",
        );
        session.query("ROLLBACK")?;
    }
    assert_eq!(changes(&fixture), Vec::<String>::new());
    Ok(())
}
