//! `protected` keeps an object from being deleted or replaced, whatever becomes of its row.

use iasql_tests::{Result, Session, Stage};

fn with_one_log_group() -> Result<(Stage, Session)> {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    let mut session = stage.superuser()?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('a'); SELECT iasql_apply()")?;
    Ok((stage, session))
}

/// Apply refuses to do this to the protected log group; the plan shows it, with the same words as a warning.
fn assert_protected(session: &mut Session, action: &str, name: &str) -> Result {
    let refusal = session.refusal("SAVEPOINT s; SELECT iasql_apply()")?;
    session.query("ROLLBACK TO s")?;
    assert_eq!(refusal.sqlstate, "55000", "{refusal}");
    assert_eq!(
        refusal.message,
        format!("log_group 1 \"{name}\": is protected, and the plan would {action} it")
    );
    assert_eq!(
        refusal.hint,
        "UPDATE the row SET protected = false, apply, and then delete or change it."
    );
    for function in ["iasql_plan_apply", "iasql_explain_apply"] {
        session.take_notices();
        let plan = session.query(&format!("SELECT action FROM {function}()"))?;
        assert_eq!(plan.lines()[0], action, "{plan}");
        let said = session.take_notices();
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].severity, "WARNING");
        assert_eq!(
            (&said[0].message, &said[0].hint),
            (&refusal.message, &refusal.hint)
        );
    }
    Ok(())
}

#[test]
fn protection_set_and_the_row_deleted_in_one_transaction_holds() -> Result {
    let (stage, mut session) = with_one_log_group()?;
    session.query("BEGIN; UPDATE log_group SET protected = true; DELETE FROM log_group")?;
    assert_protected(&mut session, "delete", "a")?;
    session.query("COMMIT; BEGIN")?;
    assert_protected(&mut session, "delete", "a")?;
    session.query("ROLLBACK")?;
    assert_eq!(stage.log_groups()?, ["a"]);
    // sync puts the row back, still protected.
    session.query("SELECT iasql_sync()")?;
    let row = session.query("SELECT log_group_name, protected FROM log_group")?;
    assert_eq!(row.lines(), ["a|t"]);
    Ok(())
}

#[test]
fn protection_that_is_rolled_back_does_not_hold() -> Result {
    let (stage, mut session) = with_one_log_group()?;
    session.query(
        "BEGIN; UPDATE log_group SET protected = true; ROLLBACK;
         DELETE FROM log_group; SELECT iasql_apply()",
    )?;
    assert_eq!(stage.log_groups()?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_row_deleted_by_truncate_is_protected_all_the_same() -> Result {
    let (stage, mut session) = with_one_log_group()?;
    session.query("UPDATE log_group SET protected = true; TRUNCATE log_group; BEGIN")?;
    assert_protected(&mut session, "delete", "a")?;
    assert_eq!(stage.log_groups()?, ["a"]);
    Ok(())
}

#[test]
fn a_protected_object_is_not_replaced() -> Result {
    let (stage, mut session) = with_one_log_group()?;
    session.query(
        "BEGIN; UPDATE log_group SET protected = true;
         UPDATE log_group SET log_group_name = 'b'",
    )?;
    assert_protected(&mut session, "replace", "b")?;
    // A change in place is no danger.
    session.query("UPDATE log_group SET log_group_name = 'a', retention_in_days = 7")?;
    let done = session.query("SELECT action FROM iasql_apply()")?;
    assert_eq!(done.lines(), ["update"]);
    session.query("COMMIT")?;
    assert_eq!(stage.log_groups()?, ["a"]);
    Ok(())
}

#[test]
fn a_row_that_is_inserted_protected_is_protected_from_its_first_apply_on() -> Result {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    let mut session = stage.superuser()?;
    session.query(
        "INSERT INTO log_group (log_group_name, protected) VALUES ('a', true);
         SELECT iasql_apply(); DELETE FROM log_group; BEGIN",
    )?;
    assert_protected(&mut session, "delete", "a")?;
    assert_eq!(stage.log_groups()?, ["a"]);
    Ok(())
}

#[test]
fn a_row_inserted_anew_under_the_id_of_a_protected_one_does_not_take_protection_off() -> Result {
    let (stage, mut superuser) = with_one_log_group()?;
    let mallory = stage.role("mallory")?;
    superuser.query(&format!(
        "UPDATE log_group SET protected = true;
         GRANT SELECT, INSERT, DELETE, UPDATE (retention_in_days) ON log_group TO {mallory}"
    ))?;
    let mut session = stage.as_role(&mallory)?;
    let anew = |name: &str| {
        format!(
            "DELETE FROM log_group; INSERT INTO log_group (row_id, log_group_name) VALUES (1, '{name}')"
        )
    };
    session.query(&anew("b"))?;
    let refusal = superuser.refusal("SELECT iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "55000", "{refusal}");
    assert_eq!(
        refusal.message,
        "log_group 1 \"b\": is protected, and the plan would replace it"
    );
    session.query(&anew("a"))?;
    superuser.query("SELECT iasql_apply(); SELECT iasql_sync()")?;
    session.query("DELETE FROM log_group")?;
    superuser.query("BEGIN")?;
    assert_protected(&mut superuser, "delete", "a")?;
    superuser.query("ROLLBACK")?;
    assert_eq!(stage.log_groups()?, ["a"]);
    // What takes it off is an update, whatever the new row says.
    session.query("INSERT INTO log_group (row_id, log_group_name) VALUES (1, 'a')")?;
    superuser.query(
        "UPDATE log_group SET protected = false; DELETE FROM log_group; SELECT iasql_apply()",
    )?;
    assert_eq!(stage.log_groups()?, Vec::<String>::new());
    Ok(())
}

#[test]
fn delete_all_records_skips_what_is_protected_and_says_so() -> Result {
    let (stage, mut session) = with_one_log_group()?;
    session.query(
        "INSERT INTO log_group (log_group_name) VALUES ('b'); SELECT iasql_apply();
         UPDATE log_group SET protected = true WHERE log_group_name = 'a'",
    )?;
    session.take_notices();
    session.query("SELECT delete_all_records()")?;
    let said = session.take_notices();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(
        said[0].message,
        "protected rows, and what they refer to, are kept: log_group \"a\""
    );
    let done = session.query("SELECT action, description FROM iasql_apply()")?;
    assert_eq!(done.lines(), ["delete|b"]);
    assert_eq!(stage.log_groups()?, ["a"]);
    Ok(())
}

#[test]
fn delete_all_records_names_what_is_protected_though_a_new_row_does_not_say_so() -> Result {
    let (_stage, mut session) = with_one_log_group()?;
    session.query(
        "UPDATE log_group SET protected = true; DELETE FROM log_group;
         INSERT INTO log_group (row_id, log_group_name) VALUES (1, 'a')",
    )?;
    session.take_notices();
    session.query("SELECT delete_all_records()")?;
    let said = session.take_notices();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(
        said[0].message,
        "protected rows, and what they refer to, are kept: log_group \"a\""
    );
    let kept = session.query("SELECT log_group_name FROM log_group")?;
    assert_eq!(kept.lines(), ["a"]);
    Ok(())
}

#[test]
fn a_plan_that_also_holds_what_cannot_be_shown_is_refused() -> Result {
    let (_stage, mut session) = with_one_log_group()?;
    session.query(
        "UPDATE log_group SET protected = true; DELETE FROM log_group;
         ALTER TABLE log_group DROP CONSTRAINT log_group_name_key;
         INSERT INTO log_group (log_group_name) VALUES ('b'), ('b')",
    )?;
    let refusal = session.refusal("SELECT * FROM iasql_plan_apply()")?;
    assert_eq!(refusal.sqlstate, "42710", "{refusal}");
    let said = session.take_notices();
    assert!(
        said.iter().any(|it| it.message.contains("is protected")),
        "{said:?}"
    );
    Ok(())
}

#[test]
fn taking_protection_off_is_an_ordinary_update_that_can_be_granted() -> Result {
    let (stage, mut superuser) = with_one_log_group()?;
    let keeper = stage.role("keeper")?;
    superuser.query(&format!(
        "UPDATE log_group SET protected = true;
         GRANT SELECT, DELETE, UPDATE (retention_in_days) ON log_group TO {keeper}"
    ))?;
    let mut session = stage.as_role(&keeper)?;
    let refusal = session.refusal("UPDATE log_group SET protected = false")?;
    assert_eq!(refusal.sqlstate, "42501", "{refusal}");
    superuser.query(&format!(
        "GRANT UPDATE (protected) ON log_group TO {keeper}"
    ))?;
    session.query("UPDATE log_group SET protected = false; DELETE FROM log_group")?;
    session.query("SELECT iasql_apply()")?;
    assert_eq!(stage.log_groups()?, Vec::<String>::new());
    Ok(())
}
