//! The settings that limit an apply hold for whom they are set, and only superusers loosen them.

use iasql_tests::{Result, Session, Stage};

/// The settings that limit an apply, and what a lesser role might want them to be.
const GUARDS: [(&str, &str); 4] = [
    ("iasql.max_deletes", "100"),
    ("iasql.adopt", "overwrite"),
    ("iasql.on_drift", "enforce"),
    ("iasql.journal_retention", "0"),
];

/// A stage with two log groups that are applied, and a role that may do everything with them but delete more than one.
fn limited() -> Result<(Stage, String)> {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    let role = stage.role("limited")?;
    stage.superuser()?.query(&format!(
        "INSERT INTO log_group (log_group_name) VALUES ('a'), ('b');
         SELECT iasql_apply();
         GRANT ALL ON log_group TO {role};
         GRANT ALL ON SEQUENCE log_group_row_id_seq TO {role};
         ALTER ROLE {role} SET iasql.max_deletes = 1"
    ))?;
    Ok((stage, role))
}

fn assert_too_many(session: &mut Session, allowed: u32) -> Result {
    let refusal = session.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "55000", "{refusal}");
    assert_eq!(
        refusal.message,
        format!("the plan deletes 2 objects; iasql.max_deletes allows {allowed}")
    );
    Ok(())
}

#[test]
fn a_limit_of_a_role_refuses_the_plan_names_the_deletes_and_says_what_helps() -> Result {
    let (stage, role) = limited()?;
    let mut session = stage.as_role(&role)?;
    session.query("DELETE FROM log_group")?;
    stage.fixture().proxy().forget_calls();
    let refusal = session.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(
        refusal.message,
        "the plan deletes 2 objects; iasql.max_deletes allows 1"
    );
    assert_eq!(
        refusal.detail,
        "It deletes log_group 1 \"a\", log_group 2 \"b\"."
    );
    assert_eq!(
        refusal.hint,
        format!(
            "SELECT * FROM iasql_plan_apply(); shows the plan, SELECT iasql_sync(); puts rows back. SET \
             iasql.max_deletes = 2; lets it pass, where a superuser allows it: GRANT SET ON PARAMETER \
             iasql.max_deletes TO {role};"
        )
    );
    assert_eq!(stage.changes(), Vec::<String>::new());
    // The plan itself can be looked at, with a warning.
    for function in ["iasql_plan_apply", "iasql_explain_apply"] {
        session.take_notices();
        let plan = session.query(&format!(
            "SELECT action, description FROM {function}() ORDER BY 2"
        ))?;
        assert_eq!(plan.lines(), ["delete|a", "delete|b"]);
        let said = session.take_notices();
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].severity, "WARNING");
        assert_eq!(
            said[0].message,
            "the plan deletes 2 objects; iasql.max_deletes allows 1"
        );
    }
    // A superuser does what the hint says.
    stage.superuser()?.query(&format!(
        "GRANT SET ON PARAMETER iasql.max_deletes TO {role}"
    ))?;
    session.query("SET iasql.max_deletes = 2")?;
    assert_eq!(session.query("SELECT * FROM iasql_apply()")?.len(), 2);
    stage.superuser()?.query(&format!(
        "REVOKE SET ON PARAMETER iasql.max_deletes FROM {role}"
    ))?;
    Ok(())
}

#[test]
fn who_may_set_the_limit_is_told_how() -> Result {
    let (stage, _) = limited()?;
    let mut superuser = stage.superuser()?;
    superuser.query("SET iasql.max_deletes = 0; DELETE FROM log_group")?;
    let refusal = superuser.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(
        refusal.hint,
        "SELECT * FROM iasql_plan_apply(); shows the plan, SELECT iasql_sync(); puts rows back. SET \
         iasql.max_deletes = 2; lets it pass."
    );
    superuser.query("SET iasql.max_deletes = 2; SELECT iasql_apply()")?;
    assert_eq!(stage.log_groups()?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_replacement_counts_as_a_delete() -> Result {
    let (stage, _) = limited()?;
    let mut superuser = stage.superuser()?;
    superuser.query(
        "SET iasql.max_deletes = 0;
         UPDATE log_group SET log_group_name = 'c' WHERE log_group_name = 'a'",
    )?;
    let refusal = superuser.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(
        (refusal.message.as_str(), refusal.detail.as_str()),
        (
            "the plan deletes 1 object; iasql.max_deletes allows 0",
            "It deletes log_group 1 \"a\"."
        )
    );
    assert_eq!(stage.log_groups()?, ["a", "b"]);
    Ok(())
}

#[test]
fn a_limited_role_cannot_loosen_its_limit() -> Result {
    let (stage, role) = limited()?;
    let mut session = stage.as_role(&role)?;
    session.query("DELETE FROM log_group")?;
    for (name, value) in GUARDS {
        for statement in [
            format!("SET {name} = '{value}'"),
            format!("ALTER ROLE {role} SET {name} = '{value}'"),
            format!("ALTER ROLE {role} RESET {name}"),
            format!(
                "CREATE FUNCTION pg_temp.loose() RETURNS void LANGUAGE sql SET {name} = '{value}' AS 'SELECT 1'"
            ),
            format!("SELECT set_config('{name}', '{value}', false)"),
            format!("UPDATE pg_settings SET setting = '{value}' WHERE name = '{name}'"),
        ] {
            // In a new session the library is not loaded, and in this one it is after the first refusal.
            for known in [false, true] {
                let mut session = stage.as_role(&role)?;
                if known {
                    session.query("SELECT iasql_version()")?;
                }
                match session.query(&statement) {
                    Ok(_) => {}
                    Err(iasql_tests::Error::Sql(refusal)) => {
                        assert_eq!(refusal.sqlstate, "42501", "{statement}: {refusal}");
                    }
                    Err(other) => return Err(other),
                }
                assert_too_many(&mut session, 1)?;
            }
        }
    }
    for statement in ["RESET ALL", "DISCARD ALL"] {
        session.query(statement)?;
        assert_too_many(&mut session, 1)?;
    }
    session.query(&format!("ALTER ROLE {role} RESET ALL"))?;
    assert_too_many(&mut stage.as_role(&role)?, 1)?;
    Ok(())
}

#[test]
fn a_limit_cannot_be_displaced_when_connecting() -> Result {
    let (stage, role) = limited()?;
    stage.as_role(&role)?.query("DELETE FROM log_group")?;
    stage.fixture().proxy().forget_calls();
    for (name, value) in GUARDS {
        for spelling in [name.to_owned(), name.to_uppercase()] {
            let option = format!("-c {spelling}={value}");
            let mut session = stage.fixture().database().connect_with(&role, &option)?;
            for function in ["iasql_plan_apply()", "iasql_apply()"] {
                let refusal = session.refusal(&format!("SELECT {function}"))?;
                assert_eq!(refusal.sqlstate, "42501", "{refusal}");
                assert_eq!(
                    refusal.message,
                    format!("permission denied to set parameter \"{name}\" when connecting")
                );
                assert_eq!(
                    refusal.hint,
                    format!("Connect without {name} in the options (PGOPTIONS).")
                );
            }
        }
    }
    assert_eq!(stage.changes(), Vec::<String>::new());
    // Who may set them may do so when connecting, too.
    let mut superuser = stage
        .fixture()
        .database()
        .connect_with("postgres", "-c iasql.max_deletes=0")?;
    assert_too_many(&mut superuser, 0)
}

#[test]
fn a_misspelt_setting_is_said_and_not_taken_for_one() -> Result {
    let stage = Stage::with(&[])?;
    let mut superuser = stage.superuser()?;
    superuser.query("SELECT iasql_version()")?;
    let refusal = superuser.refusal("SET iasql.max_delete = 0")?;
    assert_eq!(refusal.sqlstate, "42602", "{refusal}");
    assert_eq!(
        refusal.message,
        "invalid configuration parameter name \"iasql.max_delete\""
    );
    Ok(())
}

#[test]
fn a_single_refusal_is_said_once() -> Result {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    let mut superuser = stage.superuser()?;
    stage.create_log_group("there")?;
    superuser
        .query("INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('there', 7)")?;
    let refusal = superuser.refusal("SELECT iasql_apply()")?;
    assert!(
        refusal.message.contains("there exists already"),
        "{refusal}"
    );
    assert_eq!(refusal.detail, "");
    stage.create_log_group("too")?;
    superuser
        .query("INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('too', 7)")?;
    let refusal = superuser.refusal("SELECT iasql_apply()")?;
    assert_eq!(refusal.detail.lines().count(), 2, "{refusal}");
    Ok(())
}

#[test]
fn who_may_not_loosen_a_guard_is_told_who_can() -> Result {
    let (stage, role) = limited()?;
    stage.create_log_group("there")?;
    let mut session = stage.as_role(&role)?;
    session
        .query("INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('there', 7)")?;
    let refusal = session.refusal("SELECT iasql_apply()")?;
    assert_eq!(
        refusal.hint,
        format!(
            "SELECT iasql_sync(); takes what is in AWS, SET iasql.adopt = 'overwrite'; lets the row win, where a \
             superuser allows it: GRANT SET ON PARAMETER iasql.adopt TO {role};"
        )
    );
    Ok(())
}

#[test]
fn anybody_may_tighten_a_guard_and_nobody_loosens_one_by_that() -> Result {
    let (stage, role) = limited()?;
    let mut session = stage.as_role(&role)?;
    let mut tighten = |setting: &str, value: &str| -> Result<String> {
        let tightened = session.query(&format!("SELECT iasql_tighten('{setting}', '{value}')"))?;
        let now = session.query(&format!("SHOW {setting}"))?;
        assert_eq!(tightened.scalar(), now.scalar());
        Ok(now.scalar().unwrap_or_default().to_owned())
    };
    // The limit of the role is 1.
    for (value, now) in [("100", "1"), ("-1", "1"), ("0", "0"), ("1", "0")] {
        assert_eq!(tighten("iasql.max_deletes", value)?, now, "{value}");
    }
    assert_eq!(tighten("iasql.adopt", "overwrite")?, "equal");
    for (value, now) in [
        ("enforce", "owned"),
        ("refuse", "refuse"),
        ("keep", "refuse"),
    ] {
        assert_eq!(tighten("IASQL.on_drift", value)?, now, "{value}");
    }
    session.query("DELETE FROM log_group WHERE log_group_name = 'a'")?;
    let refusal = session.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(
        refusal.message,
        "the plan deletes 1 object; iasql.max_deletes allows 0"
    );
    // What a superuser has set is the loosest that there is.
    session.refusal("RESET iasql.max_deletes")?;
    session.query("RESET ALL")?;
    assert_eq!(session.query("SHOW iasql.max_deletes")?.scalar(), Some("1"));
    session.query("BEGIN; SELECT iasql_tighten('iasql.max_deletes', '0'); ROLLBACK")?;
    assert_eq!(session.query("SHOW iasql.max_deletes")?.scalar(), Some("1"));
    Ok(())
}

#[test]
fn what_is_no_guard_and_no_value_of_one_is_not_set() -> Result {
    let (stage, role) = limited()?;
    let mut session = stage.as_role(&role)?;
    // Loads the library, and with it the settings.
    session.query("SELECT iasql_version()")?;
    for (setting, value, sqlstate) in [
        ("log_statement", "none", "42704"),
        ("iasql.journal_retention", "0", "42704"),
        ("iasql.server", "other", "42704"),
        ("iasql.max_deletes", "-2", "22023"),
        ("iasql.max_deletes", "none", "22023"),
        ("iasql.adopt", "owned", "22023"),
    ] {
        let before = session.query("SELECT name, setting FROM pg_settings")?;
        let refusal = session.refusal(&format!("SELECT iasql_tighten('{setting}', '{value}')"))?;
        assert_eq!(refusal.sqlstate, sqlstate, "{refusal}");
        assert!(!refusal.hint.is_empty());
        assert_eq!(
            session.query("SELECT name, setting FROM pg_settings")?,
            before
        );
    }
    Ok(())
}
