//! A hundred thousand objects: imported, planned, changed.

use std::time::{Duration, Instant};

use iasql_tests::Session;

use crate::aws::{Kind, Pace, Sizes};
use crate::bench::{Bench, memory, peak_memory};
use crate::error::{Error, Result};
use crate::result::{Finding, Goal, Sample};

const GROUPS: usize = 1_000;
const RULES: usize = 99_000;

/// Bytes of memory that a backend may take for a hundred thousand objects, in megabytes.
const MEMORY: f64 = 200.0;

/// How long a call of AWS takes, where it does not answer at once.
const LATENCY: Duration = Duration::from_millis(50);

const INSTALL: &str = "SELECT iasql_install('aws_security_group')";
const PLAN: &str = "SELECT iasql_plan_apply()";

/// Imports the objects in a new database and plans over them, so often.
pub fn run(bench: &Bench) -> Result<Vec<Finding>> {
    let sizes = Sizes::fresh()
        .with(Kind::SecurityGroup, GROUPS)
        .with(Kind::SecurityGroupRule, RULES);
    let rows = sizes.total() as f64;
    let mut found = Found::default();
    for _ in 0..bench.runs {
        run_once(bench, &sizes, rows, &mut found)?;
        import_from_afar(bench, &sizes, rows, &mut found)?;
    }
    let at_most = |case: &str, unit, bound, figures: Vec<f64>| {
        Finding::new(case, unit, Goal::AtMost(bound), Sample::new(figures))
    };
    let seconds = |figures: Vec<f64>| Sample::new(figures).median();
    let on_processor = |what: &str, figures: Vec<f64>| {
        format!(
            "{what} {:.2} s of the backend's processor time",
            seconds(figures)
        )
    };
    Ok(vec![
        Finding::new(
            "import of 100,000 objects, reading taken out",
            "rows/s",
            Goal::AtLeast(50_000.0),
            Sample::new(found.import_from_afar),
        )
        .note(format!(
            "at 50 ms a call; the import took {:.2} s, to read alone takes {:.2} s",
            seconds(found.import_took),
            seconds(found.reading),
        )),
        Finding::new(
            "the same from an AWS that answers at once",
            "rows/s",
            Goal::Told,
            Sample::new(found.import),
        )
        .note(on_processor("the import took", found.import_processor)),
        Finding::new(
            "the same rows, by Postgres's own COPY from text, and the foreign keys after it",
            "rows/s",
            Goal::Told,
            Sample::new(found.copy),
        )
        .note("text is what AWS sends; the types, checks and indexes are the same"),
        Finding::new(
            "the same rows, by Postgres's own INSERT ... SELECT, and the foreign keys after it",
            "rows/s",
            Goal::Told,
            Sample::new(found.select),
        )
        .note("from tables that have the values in Postgres's own form already"),
        at_most(
            "no-change plan of 100,000 rows, reading taken out",
            "s",
            1.0,
            found.plan,
        )
        .note(on_processor("the plan took", found.plan_processor)),
        at_most(
            "plan of one changed row, nothing read (`iasql.refresh = off`)",
            "ms",
            50.0,
            found.one,
        )
        .note(on_processor("the plan took", found.one_processor)),
        at_most("the same: calls", "calls", 0.0, found.one_calls),
        // The rule, its group and their VPC, each by its id or by its list.
        at_most(
            "apply of one changed row (`iasql.refresh = changed`): calls",
            "calls",
            closure_bound(),
            found.apply,
        ),
        at_most(
            "memory of the backend above idle, import",
            "MB",
            MEMORY,
            found.import_memory,
        ),
        at_most(
            "memory of the backend above idle, plan",
            "MB",
            MEMORY,
            found.plan_memory,
        ),
        at_most(
            "memory of the backend above idle, afterwards",
            "MB",
            10.0,
            found.left_memory,
        )
        .note("of the first plan, with which clients and connections come to stay"),
        Finding::new(
            "the same, after another plan",
            "MB",
            Goal::Told,
            Sample::new(found.left_again),
        ),
    ])
}

/// The calls of reading the tables that a changed rule leads to, and the change itself.
fn closure_bound() -> f64 {
    let rules = RULES.div_ceil(1000);
    let groups = GROUPS.div_ceil(1000);
    // The group's VPC tells whether AWS owns the group: one list and two attributes.
    let networks = 3;
    (1.1 * (rules + groups + networks) as f64).floor() + 1.0
}

#[derive(Default)]
struct Found {
    import: Vec<f64>,
    import_from_afar: Vec<f64>,
    import_took: Vec<f64>,
    reading: Vec<f64>,
    plan: Vec<f64>,
    one: Vec<f64>,
    one_calls: Vec<f64>,
    copy: Vec<f64>,
    select: Vec<f64>,
    import_processor: Vec<f64>,
    plan_processor: Vec<f64>,
    one_processor: Vec<f64>,
    apply: Vec<f64>,
    import_memory: Vec<f64>,
    plan_memory: Vec<f64>,
    left_memory: Vec<f64>,
    left_again: Vec<f64>,
}

/// How Postgres itself inserts the rows and what was agreed on.
enum By {
    /// From files of text.
    Copy,
    /// From tables of its own.
    Select,
}

/// How long Postgres takes to insert the rows and what was agreed on, and to add the foreign keys then, as an install
/// does.
fn insert_again(session: &mut Session, by: By) -> Result<Duration> {
    let mut keys = |format: &str| {
        let keys = session.query(&format!(
            "SELECT format('{format}', conname, pg_get_constraintdef(oid)) FROM pg_constraint
             WHERE conrelid = 'security_group_rule'::regclass AND contype = 'f'"
        ))?;
        let changes = keys.lines().join(", ");
        Ok::<_, Error>(format!("ALTER TABLE security_group_rule {changes}"))
    };
    let (drop, add) = (
        keys("DROP CONSTRAINT %1$I")?,
        keys("ADD CONSTRAINT %1$I %2$s")?,
    );
    session.query(&format!(
        "BEGIN;
         ALTER TABLE security_group_rule DISABLE TRIGGER USER;
         {drop};
         CREATE TEMP TABLE rules AS SELECT * FROM security_group_rule;
         CREATE TEMP TABLE agreements AS SELECT * FROM iasql.known WHERE table_name = 'security_group_rule';
         CREATE TABLE agreed (LIKE iasql.known INCLUDING ALL);
         TRUNCATE security_group_rule"
    ))?;
    let insert = match by {
        By::Copy => {
            let folder = session.query("SHOW data_directory")?;
            let file =
                |table: &str| format!("'{}/{table}.copy'", folder.scalar().unwrap_or_default());
            let (rules, agreements) = (file("rules"), file("agreements"));
            session.query(&format!(
                "COPY rules TO {rules}; COPY agreements TO {agreements}"
            ))?;
            format!("COPY security_group_rule FROM {rules}; COPY agreed FROM {agreements}")
        }
        By::Select => "INSERT INTO security_group_rule SELECT * FROM rules;
                       INSERT INTO agreed SELECT * FROM agreements"
            .to_owned(),
    };
    let start = Instant::now();
    session.query(&format!("{insert}; {add}"))?;
    let took = start.elapsed();
    session.query("ROLLBACK")?;
    Ok(took)
}

/// Imports at a pace at which rows can be written while AWS is read. Taken out is what a plan in the same session reads for,
/// and what of the import lies between its first call and its last: whichever is less.
fn import_from_afar(bench: &Bench, sizes: &Sizes, rows: f64, found: &mut Found) -> Result {
    let database = bench.account(sizes, Pace::of(LATENCY))?;
    let mut session = database.connect()?;
    session.query("SELECT iasql_install('aws_cloudwatch')")?;
    let import = bench.measure(&mut session, INSTALL)?;
    let plan = bench.measure(&mut session, PLAN)?;
    let reading = plan.took.saturating_sub(plan.own);
    let own = import.own.max(import.took.saturating_sub(reading));
    found.import_from_afar.push(rows / own.as_secs_f64());
    found.import_took.push(import.took.as_secs_f64());
    found.reading.push(reading.as_secs_f64());
    Ok(())
}

fn run_once(bench: &Bench, sizes: &Sizes, rows: f64, found: &mut Found) -> Result {
    let database = bench.account(sizes, Pace::default())?;
    let mut session = database.connect()?;
    // Idle is a backend that has called AWS: what that takes does not grow with the account.
    session.query("SELECT iasql_install('aws_cloudwatch')")?;
    let pid = session.backend_pid()?;
    let idle = memory(pid)?;
    let install = || bench.measure(&mut session, INSTALL);
    let (measured, peak) = peak_memory(pid, install)?;
    found.import.push(rows / measured.own.as_secs_f64());
    found.import_memory.push(peak - idle);
    found
        .import_processor
        .push(measured.processor.as_secs_f64());
    // In a session of its own: what a session takes for temporary tables it keeps.
    let mut other = database.connect()?;
    let mut again = |by| Ok::<_, Error>(rows / insert_again(&mut other, by)?.as_secs_f64());
    found.copy.push(again(By::Copy)?);
    found.select.push(again(By::Select)?);
    drop(other);
    session.query("ANALYZE")?;

    let plan = || bench.measure(&mut session, PLAN);
    let (measured, peak) = peak_memory(pid, plan)?;
    found.plan.push(measured.own.as_secs_f64());
    found.plan_memory.push(peak - idle);
    found.plan_processor.push(measured.processor.as_secs_f64());
    found.left_memory.push(memory(pid)? - idle);
    session.query(PLAN)?;
    found.left_again.push(memory(pid)? - idle);

    session.query(
        "UPDATE security_group_rule SET description = 'changed' WHERE id = (SELECT min(id) FROM security_group_rule);
         SET iasql.refresh = off",
    )?;
    let measured = bench.measure(&mut session, PLAN)?;
    found.one.push(measured.took.as_secs_f64() * 1000.0);
    found.one_calls.push(measured.calls.count() as f64);
    found.one_processor.push(measured.processor.as_secs_f64());

    session.query("SET iasql.refresh = changed")?;
    let measured = bench.measure(&mut session, "SELECT iasql_apply()")?;
    let operations = measured.calls.by_operation();
    if operations.get("ec2:ModifySecurityGroupRules") != Some(&1) {
        let found = format!("{operations:?}");
        return Err(Error::Unexpected {
            case: "apply of one changed row",
            found,
        });
    }
    found.apply.push(measured.calls.count() as f64);
    Ok(())
}
