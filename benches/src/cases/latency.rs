//! What comes on top of the calls themselves: the first call of a backend, a cancel, many regions.

use std::thread;
use std::time::{Duration, Instant};

use postgres::NoTls;

use crate::aws::{Pace, Sizes};
use crate::bench::Bench;
use crate::error::{Error, Result};
use crate::result::{Finding, Goal, Sample};

const CALL: Duration = Duration::from_millis(50);

/// All three.
pub fn run(bench: &Bench) -> Result<Vec<Finding>> {
    Ok(vec![first_call(bench)?, cancel(bench)?, regions(bench)?])
}

/// What the first call of a fresh backend takes, less the time in which a call was under way.
fn first_call(bench: &Bench) -> Result<Finding> {
    let database = bench.account(&Sizes::fresh(), Pace::of(CALL))?;
    database
        .connect()?
        .query("SELECT iasql_install('aws_security_group')")?;
    let mut overhead = Vec::new();
    for _ in 0..bench.runs {
        let mut session = database.connect()?;
        let measured = bench.measure(&mut session, "SELECT iasql_plan_apply()")?;
        let own = measured.took.saturating_sub(measured.calls.busy());
        overhead.push(own.as_secs_f64() * 1000.0);
    }
    let case = "first call of a fresh backend, over the calls themselves";
    Ok(Finding::new(
        case,
        "ms",
        Goal::AtMost(50.0),
        Sample::new(overhead),
    ))
}

/// How long a backend goes on after it was cancelled in the middle of a call.
fn cancel(bench: &Bench) -> Result<Finding> {
    let database = bench.account(&Sizes::fresh(), Pace::default())?;
    let mut session = database.connect()?;
    session.query("SELECT iasql_install('aws_security_group')")?;
    bench.aws.set_pace(Pace::of(Duration::from_secs(5)));
    let mut went_on = Vec::new();
    for _ in 0..bench.runs {
        let token = session.cancel_token();
        let canceller = thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            let cancelled = Instant::now();
            token.cancel_query(NoTls).map(|()| cancelled)
        });
        let refusal = session.refusal("SELECT iasql_plan_apply()")?;
        let returned = Instant::now();
        let cancelled = match canceller.join() {
            Ok(Ok(cancelled)) if refusal.sqlstate == "57014" => cancelled,
            _ => {
                let found = refusal.to_string();
                return Err(Error::Unexpected {
                    case: "cancel",
                    found,
                });
            }
        };
        went_on.push((returned - cancelled).as_secs_f64() * 1000.0);
    }
    let case = "cancel while reading";
    Ok(Finding::new(
        case,
        "ms",
        Goal::AtMost(200.0),
        Sample::new(went_on),
    ))
}

/// Twenty empty regions, one of them slow, against the slow one alone.
fn regions(bench: &Bench) -> Result<Finding> {
    const SLOW: &str = "ap-southeast-2";
    let pace = Pace::of(CALL).region(SLOW, CALL * 4);
    let database = bench.account(&Sizes::empty(), pace)?;
    let mut session = database.connect()?;
    session.query("SELECT iasql_install('aws_ecs_fargate')")?;
    session.query(&format!(
        "UPDATE iasql.region SET is_default = false, is_enabled = false;
         INSERT INTO iasql.region (region, is_default) VALUES ('{SLOW}', true);
         INSERT INTO iasql.region (region, is_enabled) SELECT format('eu-test-%s', n), false FROM generate_series(1, 19) n"
    ))?;
    let mut ratios = Vec::new();
    for _ in 0..bench.runs {
        let mut plan = |enabled: bool| {
            session.query(&format!(
                "UPDATE iasql.region SET is_enabled = {enabled} WHERE region LIKE 'eu-test-%'"
            ))?;
            let measured = bench.measure(&mut session, "SELECT iasql_plan_apply()")?;
            Ok::<_, Error>(measured.took.as_secs_f64())
        };
        // The first plan of a backend with new regions makes their clients.
        plan(true)?;
        ratios.push(plan(true)? / plan(false)?);
    }
    let case = "20 empty regions against the slowest alone";
    Ok(Finding::new(
        case,
        "",
        Goal::AtMost(1.2),
        Sample::new(ratios),
    ))
}
