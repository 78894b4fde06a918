//! Apply in statements and blocks of all sorts: what they roll back, what they leave out, and what is refused.

use iasql_tests::Result;
use iasql_tests::proxy::{Action, Reply};

use crate::world::{APPLY, count, in_cloud, is_settled, settles, world, writes};

/// A row with a name, and one with neither name nor key.
const ROWS: &str = "INSERT INTO log_group (log_group_name) VALUES ('a');
                    INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16');";

const ALL: [&str; 2] = ["log_group a", "vpc 10.1.0.0/16"];

#[test]
fn a_block_that_catches_an_error_rolls_its_apply_back_and_goes_on() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!(
        "DO $$ BEGIN
             BEGIN
                 {ROWS}
                 PERFORM iasql_apply();
                 RAISE division_by_zero;
             EXCEPTION WHEN division_by_zero THEN
                 INSERT INTO log_group (log_group_name) VALUES ('b');
             END;
         END $$"
    ))?;
    assert_eq!(in_cloud(&fixture)?, ALL);
    settles(&fixture, &["log_group a", "log_group b", "vpc 10.1.0.0/16"])
}

#[test]
fn a_block_that_catches_the_failure_of_an_apply_loses_the_rows_and_no_object() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    fixture.proxy().set_rule(|call| match call.name.as_str() {
        "ec2:CreateVpc" => Action::Reply(Reply::access_denied(call)),
        _ => Action::Forward,
    });
    session.query(&format!(
        "DO $$ BEGIN
             {ROWS}
             PERFORM iasql_apply();
         EXCEPTION WHEN insufficient_privilege THEN
             RAISE NOTICE 'caught';
         END $$"
    ))?;
    assert_eq!(in_cloud(&fixture)?, ["log_group a"]);
    fixture.proxy().forward_all();
    settles(&fixture, &["log_group a"])
}

#[test]
fn a_function_that_raises_after_its_apply_takes_the_rows_along() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!(
        "CREATE FUNCTION deploy() RETURNS void LANGUAGE plpgsql AS $$
         BEGIN {ROWS} PERFORM iasql_apply(); RAISE 'no, not like that'; END $$"
    ))?;
    assert_eq!(session.refusal("SELECT deploy()")?.sqlstate, "P0001");
    assert_eq!(in_cloud(&fixture)?, ALL);
    settles(&fixture, &ALL)
}

#[test]
fn a_procedure_that_commits_after_its_apply_keeps_it_and_loses_the_next() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(
        "CREATE PROCEDURE deploy() LANGUAGE plpgsql AS $$
         BEGIN
             INSERT INTO log_group (log_group_name) VALUES ('a');
             PERFORM iasql_apply();
             COMMIT;
             INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16');
             PERFORM iasql_apply();
             ROLLBACK;
         END $$",
    )?;
    session.query("CALL deploy()")?;
    let rows = session.query("SELECT log_group_arn IS NOT NULL FROM log_group")?;
    assert_eq!(rows.lines(), ["t"]);
    assert_eq!(
        session
            .query("SELECT count(*) FROM vpc WHERE NOT is_default")?
            .scalar(),
        Some("0")
    );
    settles(&fixture, &ALL)
}

#[test]
fn a_limit_does_not_cut_an_apply_short() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(ROWS)?;
    assert_eq!(session.query(&format!("{APPLY} LIMIT 1"))?.rows.len(), 1);
    assert_eq!(in_cloud(&fixture)?, ALL);
    is_settled(&fixture)
}

#[test]
fn a_cursor_applies_once_and_closed_early_it_leaves_nothing_out() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!(
        "{ROWS} BEGIN; DECLARE c CURSOR FOR SELECT action FROM iasql_apply()"
    ))?;
    assert!(
        in_cloud(&fixture)?.is_empty(),
        "a cursor that is only declared does nothing"
    );
    assert_eq!(session.query("FETCH 1 FROM c")?.lines(), ["create"]);
    assert_eq!(session.query("FETCH 1 FROM c")?.lines(), ["create"]);
    session.query("CLOSE c; COMMIT")?;
    assert_eq!(count(&fixture, "ec2:CreateVpc"), 1);
    is_settled(&fixture)
}

#[test]
fn a_cursor_that_is_rolled_back_takes_the_rows_along() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!(
        "BEGIN; {ROWS} DECLARE c CURSOR FOR SELECT action FROM iasql_apply(); FETCH 1 FROM c; ROLLBACK"
    ))?;
    assert_eq!(in_cloud(&fixture)?, ALL);
    settles(&fixture, &ALL)
}

#[test]
fn the_result_of_an_apply_can_be_kept_in_a_table_and_goes_with_it() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!(
        "BEGIN; {ROWS} CREATE TABLE done AS SELECT * FROM iasql_apply(); ROLLBACK"
    ))?;
    assert_eq!(session.refusal("TABLE done")?.sqlstate, "42P01");
    settles(&fixture, &ALL)
}

#[test]
fn a_with_clause_applies_once_however_often_it_is_read() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(ROWS)?;
    let rows = session.query(
        "WITH done AS (SELECT * FROM iasql_apply())
         SELECT count(*) FROM done a JOIN done b ON a.table_name = b.table_name",
    )?;
    assert_eq!(rows.scalar(), Some("2"));
    assert_eq!(count(&fixture, "ec2:CreateVpc"), 1);
    is_settled(&fixture)
}

#[test]
fn explain_applies_nothing_and_explain_analyze_does() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(ROWS)?;
    session.query("EXPLAIN SELECT * FROM iasql_apply()")?;
    assert_eq!(writes(&fixture), Vec::<String>::new());
    session.query("EXPLAIN ANALYZE SELECT * FROM iasql_apply()")?;
    assert_eq!(in_cloud(&fixture)?, ALL);
    is_settled(&fixture)
}

#[test]
fn a_trigger_cannot_start_an_apply() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(
        "CREATE FUNCTION apply_now() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM iasql_apply(); RETURN NULL; END $$;
         CREATE TRIGGER apply_now AFTER INSERT ON log_group EXECUTE FUNCTION apply_now()",
    )?;
    let refused = session.refusal("INSERT INTO log_group (log_group_name) VALUES ('a')")?;
    assert_eq!(refused.sqlstate, "55000");
    assert!(refused.message.contains("trigger"), "{refused}");
    assert_eq!(writes(&fixture), Vec::<String>::new());
    session.query("DROP TRIGGER apply_now ON log_group")?;
    is_settled(&fixture)
}

#[test]
fn no_parallel_worker_runs_an_apply_or_a_plan() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    let rows = session.query(
        "SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass
         JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
         WHERE e.extname = 'iasql' AND p.proparallel <> 'u' AND p.proname IN ('iasql_apply', 'iasql_plan_apply',
               'iasql_explain_apply', 'iasql_sync', 'iasql_plan_sync', 'iasql_install', 'iasql_uninstall',
               'delete_all_records')",
    )?;
    assert!(rows.is_empty(), "{rows}");
    session.query(&format!(
        "{ROWS} SET force_parallel_mode = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
         SET min_parallel_table_scan_size = 0"
    ))?;
    session.query(
        "SELECT a.action, count(*) FROM iasql_apply() a, generate_series(1, 1000) GROUP BY a.action",
    )?;
    assert_eq!(count(&fixture, "ec2:CreateVpc"), 1);
    is_settled(&fixture)
}

#[test]
fn a_transaction_that_has_applied_cannot_be_prepared() -> Result {
    let fixture = world()?;
    let mut session = fixture.session()?;
    session.query(&format!("BEGIN; {ROWS} {APPLY}"))?;
    let refused = session.refusal("PREPARE TRANSACTION 'later'")?;
    assert_eq!(refused.sqlstate, "0A000");
    assert!(refused.hint.contains("committed in one step"), "{refused}");
    let prepared = session.query("SELECT count(*) FROM pg_prepared_xacts")?;
    assert_eq!(prepared.scalar(), Some("0"));
    settles(&fixture, &ALL)
}
