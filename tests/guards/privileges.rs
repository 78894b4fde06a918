//! What a run will write besides the caller's own edits is checked before the first call.

use iasql_tests::{Result, Stage};

/// A role that may read, change and delete rows of these tables, and insert none.
fn without_insert(stage: &Stage, tables: &str) -> Result<String> {
    let role = stage.role("editor")?;
    stage.superuser()?.query(&format!(
        "GRANT SELECT, UPDATE, DELETE ON {tables} TO {role}"
    ))?;
    Ok(role)
}

#[test]
fn a_row_that_is_put_back_needs_insert_before_the_first_call() -> Result {
    let stage = Stage::with(&["aws_cloudwatch", "aws_vpc"])?;
    let role = without_insert(&stage, "log_group, vpc, subnet")?;
    stage
        .superuser()?
        .query("INSERT INTO log_group (log_group_name) VALUES ('new')")?;
    let mut session = stage.as_role(&role)?;
    session.query("DELETE FROM subnet; DELETE FROM vpc")?;
    let refusal = session.refusal("SELECT iasql_apply()")?;
    assert_eq!(
        (refusal.sqlstate.as_str(), refusal.message.as_str()),
        ("42501", "permission denied for table vpc")
    );
    assert_eq!(refusal.detail, "The plan needs INSERT on vpc.");
    assert_eq!(refusal.hint, format!("GRANT INSERT ON vpc TO {role};"));
    assert_eq!(stage.changes(), Vec::<String>::new());
    // What the hints say helps.
    for table in ["vpc", "subnet"] {
        let refusal = session.refusal("SELECT iasql_apply()")?;
        assert_eq!(refusal.hint, format!("GRANT INSERT ON {table} TO {role};"));
        stage.superuser()?.query(&refusal.hint)?;
    }
    assert_eq!(
        session.query("SELECT action FROM iasql_apply()")?.lines(),
        ["create"]
    );
    assert_eq!(session.query("SELECT FROM subnet")?.len(), 3);
    Ok(())
}

#[test]
fn rows_for_what_comes_along_need_insert_before_the_first_call() -> Result {
    let stage = Stage::with(&["aws_security_group"])?;
    let role = without_insert(&stage, "vpc, subnet, security_group, security_group_rule")?;
    stage
        .superuser()?
        .query("INSERT INTO vpc (cidr_block) VALUES ('10.9.0.0/16')")?;
    let mut session = stage.as_role(&role)?;
    for (message, hint) in [
        (
            "permission denied for table security_group",
            "GRANT INSERT ON security_group TO",
        ),
        (
            "permission denied for sequence public.security_group_id_seq",
            "GRANT USAGE ON SEQUENCE public.security_group_id_seq TO",
        ),
        (
            "permission denied for table security_group_rule",
            "GRANT INSERT ON security_group_rule TO",
        ),
        (
            "permission denied for sequence public.security_group_rule_id_seq",
            "GRANT USAGE ON SEQUENCE public.security_group_rule_id_seq TO",
        ),
    ] {
        let refusal = session.refusal("SELECT iasql_apply()")?;
        assert_eq!(refusal.sqlstate, "42501", "{refusal}");
        assert_eq!(
            (refusal.message.as_str(), refusal.hint.as_str()),
            (message, format!("{hint} {role};").as_str())
        );
        stage.superuser()?.query(&refusal.hint)?;
    }
    assert_eq!(stage.changes(), Vec::<String>::new());
    assert_eq!(
        session
            .query("SELECT action, table_name FROM iasql_apply()")?
            .lines(),
        ["create|vpc"]
    );
    let groups = session.query("SELECT count(*) FROM security_group")?;
    assert_eq!(groups.scalar(), Some("2"));
    Ok(())
}
