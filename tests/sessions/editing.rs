//! One session edits rows, the other runs.

use super::{APPLY, assert_end, assert_locked, impatient, keep, pair};
use iasql_tests::Result;
use iasql_tests::running::{changes, end, hold, sqlstate, start, wait_until_blocked};

#[test]
fn an_uncommitted_edit_is_not_applied_by_another_session_and_is_when_it_is_committed() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.query("BEGIN; INSERT INTO log_group (log_group_name) VALUES ('c')")?;
    second.query(&keep("a", 7))?;
    assert_eq!(second.query(APPLY)?.lines(), ["update|a"]);
    first.query("COMMIT")?;
    assert_eq!(second.query(APPLY)?.lines(), ["create|c"]);
    assert_end(
        &fixture,
        &["a|7", "b|", "c|"],
        &["update a finished", "create c finished"],
    )
}

#[test]
fn a_row_that_another_session_is_editing_is_waited_for_with_a_bound_and_then_refused() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    let pid = first.backend_pid()?;
    second.query(&keep("a", 7))?;
    first.query(&format!("BEGIN; {}", keep("a", 30)))?;
    let refusal = second.refusal(&impatient(APPLY))?;
    assert_eq!(refusal.sqlstate, "55P03", "{refusal}");
    assert_eq!(
        refusal.message,
        "row 1 of log_group is locked by another transaction"
    );
    let holder = format!("Process {pid} of user postgres holds it since 20");
    assert!(refusal.detail.starts_with(&holder), "{refusal}");
    assert_eq!(changes(&fixture), Vec::<String>::new());
    first.query("COMMIT")?;
    assert_eq!(second.query(APPLY)?.lines(), ["update|a"]);
    assert_end(&fixture, &["a|30", "b|"], &["update a finished"])
}

#[test]
fn of_two_edits_of_one_row_the_later_one_is_applied() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    let pid = second.backend_pid()?;
    first.query(&format!("BEGIN; {}", keep("a", 7)))?;
    let waiting = start(second, &keep("a", 30));
    wait_until_blocked(&fixture, pid)?;
    assert_eq!(first.query(APPLY)?.lines(), ["update|a"]);
    first.query("COMMIT")?;
    let (mut second, answer) = end(waiting);
    answer?;
    assert_eq!(second.query(APPLY)?.lines(), ["update|a"]);
    assert_end(
        &fixture,
        &["a|30", "b|"],
        &["update a finished", "update a finished"],
    )
}

#[test]
fn a_row_that_is_deleted_while_it_is_applied_is_deleted_after_it_and_then_its_object() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    let pid = second.backend_pid()?;
    first.query(&keep("a", 7))?;
    let gate = hold(&fixture, "logs:PutRetentionPolicy");
    let running = start(first, APPLY);
    gate.wait_until_reached()?;
    let delete = "DELETE FROM log_group WHERE log_group_name = 'a'";
    assert_locked(second.query(&impatient(delete)));
    let waiting = start(second, delete);
    wait_until_blocked(&fixture, pid)?;
    gate.open();
    let (mut first, answer) = end(running);
    assert_eq!(answer?.lines(), ["update|a"]);
    end(waiting).1?;
    assert_eq!(first.query(APPLY)?.lines(), ["delete|a"]);
    assert_end(
        &fixture,
        &["b|"],
        &["update a finished", "delete a finished"],
    )
}

#[test]
fn a_row_that_is_inserted_while_another_is_applied_waits_for_the_next_apply() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.query(&keep("a", 7))?;
    let gate = hold(&fixture, "logs:PutRetentionPolicy");
    let running = start(first, APPLY);
    gate.wait_until_reached()?;
    second.query("INSERT INTO log_group (log_group_name) VALUES ('c')")?;
    gate.open();
    assert_eq!(end(running).1?.lines(), ["update|a"]);
    assert_eq!(second.query(APPLY)?.lines(), ["create|c"]);
    assert_end(
        &fixture,
        &["a|7", "b|", "c|"],
        &["update a finished", "create c finished"],
    )
}

#[test]
fn an_apply_that_is_rolled_back_lets_the_waiting_edit_through_and_is_caught_up_with() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    let pid = second.backend_pid()?;
    first.query(&keep("a", 7))?;
    first.query("BEGIN")?;
    first.query(APPLY)?;
    let waiting = start(second, &keep("a", 30));
    wait_until_blocked(&fixture, pid)?;
    first.query("ROLLBACK")?;
    let (mut second, answer) = end(waiting);
    answer?;
    assert_eq!(second.query(APPLY)?.lines(), ["update|a"]);
    assert_end(
        &fixture,
        &["a|30", "b|"],
        &["update a finished", "update a finished"],
    )
}

#[test]
fn delete_all_records_stands_back_for_a_row_that_is_being_edited() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.query(&format!("BEGIN; {}", keep("a", 7)))?;
    let refusal = second.refusal(&impatient("SELECT delete_all_records()"))?;
    assert_eq!(
        (refusal.sqlstate.as_str(), refusal.message.as_str()),
        (
            "55P03",
            "row 1 of log_group is locked by another transaction"
        )
    );
    first.query("COMMIT")?;
    first.query(APPLY)?;
    assert_end(&fixture, &["a|7", "b|"], &["update a finished"])
}

#[test]
fn a_part_that_another_session_is_editing_is_waited_for_like_its_whole() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.install(&["aws_ecs_fargate"])?;
    first.query(
        "INSERT INTO task_definition (family, cpu_memory) VALUES ('web', 'vCPU0.25-0.5GB');
         INSERT INTO container_definition (name, image, essential, task_definition_id)
         SELECT 'web', 'nginx', true, id FROM task_definition",
    )?;
    fixture.proxy().forget_calls();
    second.query("BEGIN; UPDATE container_definition SET image = 'httpd'")?;
    let refusal = first.refusal(&impatient(APPLY))?;
    assert_eq!(refusal.sqlstate, "55P03", "{refusal}");
    assert_eq!(
        refusal.message,
        "row 1 of container_definition is locked by another transaction"
    );
    assert_eq!(changes(&fixture), Vec::<String>::new());
    second.query("COMMIT")?;
    let applied = first.query("SELECT action, table_name FROM iasql_apply()")?;
    assert_eq!(applied.lines(), ["create|task_definition"]);
    assert!(first.query("SELECT * FROM iasql_plan_apply()")?.is_empty());
    Ok(())
}

#[test]
fn an_edit_of_a_part_while_its_whole_is_applied_waits_and_is_applied_next() -> Result {
    let (fixture, mut first, mut second) = pair()?;
    first.install(&["aws_ecs_fargate"])?;
    first.query(
        "INSERT INTO task_definition (family, cpu_memory) VALUES ('web', 'vCPU0.25-0.5GB');
         INSERT INTO container_definition (name, image, essential, task_definition_id)
         SELECT 'web', 'nginx', true, id FROM task_definition",
    )?;
    let gate = hold(&fixture, "ecs:RegisterTaskDefinition");
    let running = start(first, "SELECT action, table_name FROM iasql_apply()");
    gate.wait_until_reached()?;
    let edit = "UPDATE container_definition SET image = 'httpd'";
    assert_eq!(sqlstate(second.query(&impatient(edit))), "55P03");
    gate.open();
    let (mut first, answer) = end(running);
    assert_eq!(answer?.lines(), ["create|task_definition"]);
    second.query(edit)?;
    let applied = first.query("SELECT action, table_name FROM iasql_apply()")?;
    assert_eq!(applied.lines(), ["replace|task_definition"]);
    Ok(())
}
