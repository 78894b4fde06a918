//! Two sessions at once: whichever comes first, no edit is lost, nothing is done twice, nobody hangs, and who has to
//! stand back is told why.

mod editing;
mod isolation;
mod reading;
mod running;

use iasql_tests::running::sqlstate;
use iasql_tests::{Fixture, Result, Rows, Service, Session};
use serde_json::{Value, json};

const APPLY: &str = "SELECT action, description FROM iasql_apply()";

/// An account, a database with the log groups `a` and `b` in both, and two sessions.
fn pair() -> Result<(Fixture, Session, Session)> {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let (mut first, second) = (fixture.session()?, fixture.session()?);
    first.query("INSERT INTO log_group (log_group_name) VALUES ('a'), ('b')")?;
    first.query(APPLY)?;
    // What AWS has filled in meanwhile is in the rows: the next apply has no reason to hold them.
    first.query(APPLY)?;
    fixture.proxy().forget_calls();
    Ok((fixture, first, second))
}

/// Sets how long a log group keeps what it holds.
fn keep(name: &str, days: u32) -> String {
    format!("UPDATE log_group SET retention_in_days = {days} WHERE log_group_name = '{name}'")
}

/// A statement that gives up soon when it has to wait. If it does, the next one has patience again.
fn impatient(statement: &str) -> String {
    format!("SET lock_timeout = '500ms'; {statement}")
}

/// Asserts that the statement had to give way to another session.
fn assert_locked(answer: Result<Rows>) {
    assert_eq!(sqlstate(answer), "55P03");
}

/// Somebody else sets how long a log group keeps what it holds.
fn drift(fixture: &Fixture, name: &str, days: u32) -> Result {
    let input = json!({"logGroupName": name, "retentionInDays": days});
    let cloud = fixture.cloud();
    cloud
        .json(Service::Logs, "PutRetentionPolicy", &input)
        .map(drop)
}

/// The log groups in the account, each as `name|retention`.
fn in_cloud(fixture: &Fixture) -> Result<Vec<String>> {
    let reply = fixture
        .cloud()
        .json(Service::Logs, "DescribeLogGroups", &json!({}))?;
    let groups = reply["logGroups"].as_array().into_iter().flatten();
    let group = |group: &Value| {
        let days = group["retentionInDays"].as_u64();
        let days = days.map(|days| days.to_string()).unwrap_or_default();
        format!(
            "{}|{days}",
            group["logGroupName"].as_str().unwrap_or_default()
        )
    };
    Ok(groups.map(group).collect())
}

/// Asserts what the rows, the account and the journal (without the two creates that each test begins with) hold at the
/// end, and that nothing is left to do.
fn assert_end(fixture: &Fixture, groups: &[&str], journal: &[&str]) -> Result {
    let mut session = fixture.session()?;
    let rows = session
        .query("SELECT log_group_name, retention_in_days FROM log_group ORDER BY log_group_name")?;
    assert_eq!(rows.lines(), groups, "the rows");
    assert_eq!(in_cloud(fixture)?, groups, "the account");
    let steps = session.query(
        "SELECT format('%s %s %s', action, cloud_id, outcome) FROM iasql.journal_steps ORDER BY started OFFSET 2",
    )?;
    assert_eq!(steps.lines(), journal, "the journal");
    for function in ["iasql_plan_apply()", "iasql_plan_sync()"] {
        let plan = session.query(&format!("SELECT * FROM {function}"))?;
        assert!(plan.is_empty(), "{function} has rows:\n{plan}");
    }
    let unresolved = session.query(
        "SELECT FROM iasql.journal j WHERE NOT EXISTS
             (SELECT FROM iasql.resolved r WHERE r.run = j.run AND r.step = j.step)",
    )?;
    assert!(unresolved.is_empty(), "steps that leave a question");
    Ok(())
}
