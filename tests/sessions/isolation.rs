//! Above READ COMMITTED a transaction sees the past. It must not act on it.

use super::{APPLY, assert_end, keep, pair};
use iasql_tests::Result;
use iasql_tests::running::{changes, sqlstate};

const LEVELS: [&str; 2] = ["REPEATABLE READ", "SERIALIZABLE"];

#[test]
fn a_transaction_that_does_not_see_the_last_run_cannot_start_one() -> Result {
    for level in LEVELS {
        let (fixture, mut first, mut second) = pair()?;
        let runs = [
            "iasql_apply()",
            "iasql_sync()",
            "iasql_install('aws_iam')",
            "iasql_uninstall('aws_cloudwatch')",
            "delete_all_records()",
        ];
        for (run, days) in runs.into_iter().zip([1, 3, 5, 7, 14]) {
            first.query(&format!("BEGIN ISOLATION LEVEL {level}; TABLE log_group"))?;
            second.query(&format!("{}; SELECT iasql_apply()", keep("a", days)))?;
            fixture.proxy().forget_calls();
            let refusal = first.refusal(&format!("SELECT {run}"))?;
            assert_eq!(refusal.sqlstate, "40001", "{level}, {run}: {refusal}");
            assert_eq!(changes(&fixture), Vec::<String>::new());
            first.query("ROLLBACK")?;
        }
        assert_end(&fixture, &["a|14", "b|"], &["update a finished"; 5])?;
    }
    Ok(())
}

#[test]
fn an_edit_that_is_newer_than_the_snapshot_makes_an_apply_fail_before_the_first_call() -> Result {
    for level in LEVELS {
        let (fixture, mut first, mut second) = pair()?;
        first.query(&keep("a", 7))?;
        first.query(&format!("BEGIN ISOLATION LEVEL {level}; TABLE log_group"))?;
        second.query(&keep("a", 30))?;
        // The row that the old snapshot shows cannot be held any more.
        let refusal = first.refusal(APPLY)?;
        assert_eq!(refusal.sqlstate, "40001", "{level}: {refusal}");
        assert_eq!(
            refusal.message,
            "row 1 of log_group was changed by another since this transaction took its snapshot"
        );
        assert_eq!(changes(&fixture), Vec::<String>::new());
        first.query("ROLLBACK")?;
        assert_eq!(first.query(APPLY)?.lines(), ["update|a"]);
        assert_end(&fixture, &["a|30", "b|"], &["update a finished"])?;
    }
    Ok(())
}

#[test]
fn an_edit_in_a_transaction_that_does_not_see_the_last_run_fails_or_is_applied_next() -> Result {
    for level in LEVELS {
        let (fixture, mut first, mut second) = pair()?;
        first.query("INSERT INTO log_group (log_group_name) VALUES ('c')")?;
        second.query(&format!("BEGIN ISOLATION LEVEL {level}; TABLE log_group"))?;
        first.query(APPLY)?;
        // The run has filled the row of `c` since, and left that of `a` as it was.
        assert_eq!(sqlstate(second.query(&keep("c", 7))), "40001", "{level}");
        second.query("ROLLBACK")?;
        second.query(&format!("BEGIN ISOLATION LEVEL {level}; TABLE log_group"))?;
        first.query(&keep("b", 30))?;
        first.query(APPLY)?;
        second.query(&format!("{}; COMMIT", keep("a", 7)))?;
        assert_eq!(first.query(APPLY)?.lines(), ["update|a"]);
        assert_end(
            &fixture,
            &["a|7", "b|30", "c|"],
            &[
                "create c finished",
                "update b finished",
                "update a finished",
            ],
        )?;
    }
    Ok(())
}

#[test]
fn an_edit_and_its_apply_in_one_transaction_work_at_every_level() -> Result {
    for level in LEVELS {
        let (fixture, mut first, mut second) = pair()?;
        first.query(&format!("BEGIN ISOLATION LEVEL {level}; {}", keep("a", 7)))?;
        first.query("SELECT iasql_plan_apply()")?;
        assert_eq!(first.query(APPLY)?.lines(), ["update|a"]);
        second.query(&keep("b", 30))?;
        first.query("COMMIT")?;
        assert_eq!(second.query(APPLY)?.lines(), ["update|b"]);
        assert_end(
            &fixture,
            &["a|7", "b|30"],
            &["update a finished", "update b finished"],
        )?;
    }
    Ok(())
}
