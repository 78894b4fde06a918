//! A run that fails fails loudly, unless somebody wants its failures as rows.

use iasql_tests::proxy::{Action, Reply};
use iasql_tests::{Result, Stage};

#[test]
fn a_failed_step_raises_or_is_a_row_and_what_was_done_is_kept_either_way() -> Result {
    for reported in [false, true] {
        let stage = Stage::with(&["aws_cloudwatch", "aws_iam"])?;
        let role = stage.role("anybody")?;
        stage.superuser()?.query(&format!(
            "GRANT ALL ON log_group, role TO {role};
             GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}"
        ))?;
        let mut session = stage.as_role(&role)?;
        session.query(
            r#"INSERT INTO log_group (log_group_name) VALUES ('a');
               INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '{"Statement": []}')"#,
        )?;
        stage
            .fixture()
            .proxy()
            .set_rule(|call| match call.name.as_str() {
                "iam:CreateRole" => Action::Reply(Reply::access_denied(call)),
                _ => Action::Forward,
            });
        let apply = "SELECT action, table_name FROM iasql_apply() ORDER BY 1";
        if reported {
            session.query("SET iasql.on_error = 'report'")?;
            let rows = session.query(apply)?;
            assert_eq!(rows.lines(), ["create|log_group", "failed|role"]);
            let filled = session.query("SELECT log_group_arn IS NOT NULL FROM log_group")?;
            assert_eq!(filled.lines(), ["t"]);
        } else {
            let refusal = session.refusal(apply)?;
            assert_eq!(refusal.sqlstate, "42501", "{refusal}");
            assert!(
                refusal.detail.contains("done: create log_group a"),
                "{refusal}"
            );
            assert!(
                refusal.detail.contains("failed: create role r"),
                "{refusal}"
            );
        }
        assert_eq!(stage.log_groups()?, ["a"]);
        // Once the cause is gone, the same call is all it takes.
        stage.fixture().proxy().forward_all();
        session.query("SELECT iasql_apply()")?;
        assert!(
            session
                .query("SELECT * FROM iasql_plan_apply()")?
                .is_empty()
        );
        let creates = stage.changes();
        let count = |name| creates.iter().filter(|call| *call == name).count();
        assert_eq!(count("logs:CreateLogGroup"), 1, "{creates:?}");
    }
    Ok(())
}
