//! Everything can be granted, and nothing else is needed.

use iasql_tests::{Result, Stage};

#[test]
fn a_role_may_plan_and_not_apply() -> Result {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    let planner = stage.role("planner")?;
    stage.superuser()?.query(&format!(
        "INSERT INTO log_group (log_group_name) VALUES ('wanted');
         GRANT SELECT ON log_group TO {planner};
         REVOKE EXECUTE ON FUNCTION iasql_apply(), iasql_sync() FROM PUBLIC"
    ))?;
    let mut session = stage.as_role(&planner)?;
    let plan = session.query("SELECT * FROM iasql_plan_apply()")?;
    assert_eq!(plan.lines(), ["create|log_group|1|wanted"]);
    assert!(
        session
            .query("SELECT * FROM iasql_plan_sync()")?
            .lines()
            .starts_with(&["delete|log_group||wanted".to_owned()])
    );
    for function in ["iasql_apply", "iasql_sync"] {
        let refusal = session.refusal(&format!("SELECT * FROM {function}()"))?;
        assert_eq!(refusal.sqlstate, "42501");
        assert_eq!(
            refusal.message,
            format!("permission denied for function {function}")
        );
    }
    assert_eq!(stage.changes(), Vec::<String>::new());
    Ok(())
}

#[test]
fn a_role_may_read_the_tables_and_not_plan() -> Result {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    let reader = stage.stranger("reader")?;
    stage.superuser()?.query(&format!(
        "INSERT INTO log_group (log_group_name) VALUES ('wanted');
         GRANT SELECT ON log_group TO {reader}"
    ))?;
    let mut session = stage.as_role(&reader)?;
    let rows = session.query("SELECT log_group_name FROM log_group")?;
    assert_eq!(rows.lines(), ["wanted"]);
    for function in ["iasql_plan_apply", "iasql_apply", "iasql_sync"] {
        let refusal = session.refusal(&format!("SELECT * FROM {function}()"))?;
        assert_eq!(refusal.sqlstate, "42501", "{refusal}");
        assert_eq!(refusal.message, "permission denied for foreign server aws");
        assert_eq!(
            refusal.hint,
            format!("GRANT USAGE ON FOREIGN SERVER aws TO {reader};")
        );
    }
    let refusal = session.refusal("DELETE FROM log_group")?;
    assert_eq!(refusal.sqlstate, "42501");
    Ok(())
}

#[test]
fn a_role_may_insert_and_apply_and_can_in_no_way_delete() -> Result {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    stage.create_log_group("precious")?;
    let writer = stage.role("writer")?;
    stage.superuser()?.query(&format!(
        "SELECT iasql_sync();
         GRANT SELECT, INSERT, UPDATE ON log_group TO {writer};
         GRANT USAGE ON SEQUENCE log_group_row_id_seq TO {writer}"
    ))?;
    let mut session = stage.as_role(&writer)?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('new')")?;
    let applied = session.query("SELECT * FROM iasql_apply()")?;
    assert_eq!(applied.lines(), ["create|log_group|2|new"]);

    let refusal = session.refusal("DELETE FROM log_group WHERE log_group_name = 'precious'")?;
    assert_eq!(refusal.sqlstate, "42501");
    let refusal = session.refusal("TRUNCATE log_group")?;
    assert_eq!(refusal.sqlstate, "42501");
    let refusal = session.refusal("SELECT delete_all_records()")?;
    assert_eq!(
        (refusal.sqlstate.as_str(), refusal.message.as_str()),
        ("42501", "permission denied for table log_group")
    );
    // A row that is known by another id would be as good as deleted.
    let refusal = session.refusal("UPDATE log_group SET row_id = row_id + 100")?;
    assert_eq!(refusal.sqlstate, "23000", "{refusal}");
    assert_eq!(
        refusal.message,
        "column \"row_id\" of table \"log_group\" identifies the row and never changes"
    );
    assert_eq!(
        refusal.hint,
        "Change the other columns, or delete the row and insert another one."
    );
    assert!(session.query("SELECT * FROM iasql_apply()")?.is_empty());
    assert_eq!(stage.log_groups()?, ["new", "precious"]);
    Ok(())
}

#[test]
fn a_missing_privilege_is_found_before_the_first_call() -> Result {
    let stage = Stage::with(&["aws_cloudwatch", "aws_iam"])?;
    let writer = stage.role("writer")?;
    stage.superuser()?.query(&format!(
        "GRANT SELECT, INSERT ON log_group TO {writer};
         GRANT SELECT, INSERT, UPDATE ON role TO {writer};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {writer}"
    ))?;
    let mut session = stage.as_role(&writer)?;
    session.query(
        r#"INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '{"Statement": []}');
           INSERT INTO log_group (log_group_name) VALUES ('new')"#,
    )?;
    let refusal = session.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(
        (refusal.sqlstate.as_str(), refusal.message.as_str()),
        ("42501", "permission denied for table log_group")
    );
    assert_eq!(refusal.detail, "The plan needs UPDATE on log_group.");
    assert_eq!(
        refusal.hint,
        format!("GRANT UPDATE ON log_group TO {writer};")
    );
    assert_eq!(stage.changes(), Vec::<String>::new());
    assert_eq!(
        session
            .query("SELECT log_group_name FROM log_group")?
            .lines(),
        ["new"]
    );

    stage
        .superuser()?
        .query(&format!("GRANT UPDATE ON log_group TO {writer}"))?;
    assert_eq!(session.query("SELECT * FROM iasql_apply()")?.len(), 2);
    Ok(())
}

#[test]
fn a_table_that_may_not_be_read_is_an_error_and_never_an_empty_table() -> Result {
    let stage = Stage::with(&["aws_cloudwatch", "aws_iam"])?;
    stage.create_log_group("precious")?;
    let blind = stage.role("blind")?;
    stage.superuser()?.query(&format!(
        "SELECT iasql_sync(); GRANT SELECT ON role TO {blind}"
    ))?;
    let mut session = stage.as_role(&blind)?;
    for function in ["iasql_plan_apply", "iasql_apply", "iasql_plan_sync"] {
        let refusal = session.refusal(&format!("SELECT * FROM {function}()"))?;
        assert_eq!(
            (refusal.sqlstate.as_str(), refusal.message.as_str()),
            ("42501", "permission denied for table log_group")
        );
    }
    assert_eq!(stage.log_groups()?, ["precious"]);
    Ok(())
}

#[test]
fn rows_that_a_policy_hides_are_an_error_and_not_taken_for_deleted() -> Result {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    stage.create_log_group("precious")?;
    let tenant = stage.role("tenant")?;
    stage.superuser()?.query(&format!(
        "SELECT iasql_sync();
         GRANT ALL ON log_group TO {tenant};
         ALTER TABLE log_group ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own_rows ON log_group TO {tenant} USING (tags ? 'tenant')"
    ))?;
    let mut session = stage.as_role(&tenant)?;
    assert!(session.query("TABLE log_group")?.is_empty());
    for statement in [
        "SELECT * FROM iasql_plan_apply()",
        "SELECT * FROM iasql_apply()",
        "SELECT * FROM iasql_sync()",
        "SELECT delete_all_records()",
    ] {
        let refusal = session.refusal(statement)?;
        assert_eq!(
            (refusal.sqlstate.as_str(), refusal.message.as_str()),
            (
                "42501",
                "query would be affected by row-level security policy for table \"log_group\""
            )
        );
    }
    assert_eq!(stage.log_groups()?, ["precious"]);
    // Who sees all rows is not hindered.
    let mut superuser = stage.superuser()?;
    assert!(
        superuser
            .query("SELECT * FROM iasql_plan_apply()")?
            .is_empty()
    );
    Ok(())
}

#[test]
fn a_role_that_may_install_does_so_in_its_own_schema() -> Result {
    let stage = Stage::with(&[])?;
    let owner = stage.role("owner")?;
    let mut superuser = stage.superuser()?;
    superuser.query(&format!("CREATE SCHEMA cloud AUTHORIZATION {owner}"))?;

    let mut session = stage.as_role(&owner)?;
    session.query("SET search_path = cloud, public")?;
    // Who installs decides what every later apply acts on. So that is not for everybody.
    for function in ["iasql_install", "iasql_uninstall"] {
        let refusal = session.refusal(&format!("SELECT * FROM {function}('aws_cloudwatch')"))?;
        assert_eq!(
            (refusal.sqlstate, refusal.message),
            (
                "42501".to_owned(),
                format!("permission denied for function {function}")
            )
        );
    }
    superuser.query(&format!(
        "GRANT EXECUTE ON FUNCTION iasql_install, iasql_uninstall TO {owner}"
    ))?;
    let installed = session.query("SELECT * FROM iasql_install('aws_cloudwatch')")?;
    assert_eq!(installed.lines(), ["aws_cloudwatch@0.0.1|log_group|0"]);
    let table = session
        .query("SELECT schemaname, tableowner FROM pg_tables WHERE tablename = 'log_group'")?;
    assert_eq!(table.lines(), [format!("cloud|{owner}")]);

    session.query("INSERT INTO log_group (log_group_name) VALUES ('mine')")?;
    assert_eq!(
        session.query("SELECT * FROM iasql_apply()")?.lines(),
        ["create|log_group|1|mine"]
    );
    session.query("DELETE FROM log_group; SELECT iasql_sync()")?;
    let rows = session.query("SELECT log_group_name, log_group_arn IS NULL FROM log_group")?;
    assert_eq!(rows.lines(), ["mine|f"]);
    let dropped = session.query("SELECT * FROM iasql_uninstall('aws_cloudwatch')")?;
    assert_eq!(dropped.lines(), ["aws_cloudwatch@0.0.1|log_group|1"]);
    assert_eq!(stage.log_groups()?, ["mine"]);
    Ok(())
}
