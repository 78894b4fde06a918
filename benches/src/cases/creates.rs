//! Two hundred objects that do not depend on each other, under AWS's request limits.

use std::time::Duration;

use crate::aws::limits::limits;
use crate::aws::{Calls, Pace, Sizes};
use crate::bench::Bench;
use crate::error::{Error, Result};
use crate::peer::{self, Peer};
use crate::result::{Finding, Goal, Sample};

const COUNT: usize = 200;
const CALL: Duration = Duration::from_millis(50);

/// Creates them, in turn with the peers.
pub fn run(bench: &Bench) -> Result<Vec<Finding>> {
    let (mut ratios, mut seconds, mut surfaced) = (Vec::new(), Vec::new(), Vec::new());
    let mut peers: Vec<(Peer, Vec<f64>)> = Peer::ALL.map(|peer| (peer, Vec::new())).into();
    // Each run lasts as long as AWS's limits make it last.
    for _ in 0..bench.runs.min(2) {
        let database = bench.account(&Sizes::fresh(), Pace::of(CALL).limited())?;
        let mut session = database.connect()?;
        session.query("SELECT iasql_install('aws_cloudwatch')")?;
        session.query(&format!(
            "INSERT INTO log_group (log_group_name) SELECT format('bench-%s', n) FROM generate_series(1, {COUNT}) n"
        ))?;
        bench.aws.set_pace(Pace::of(CALL).limited());
        let measured = bench.measure(&mut session, "SELECT iasql_apply()")?;
        let made = measured
            .calls
            .by_operation()
            .get("logs:CreateLogGroup")
            .copied();
        if made.unwrap_or_default() < COUNT {
            let found = format!("{:?}", measured.calls.by_operation());
            return Err(Error::Unexpected {
                case: "200 creates",
                found,
            });
        }
        let took = measured.took.as_secs_f64();
        ratios.push(took / allowed(&measured.calls).as_secs_f64());
        seconds.push(took);
        surfaced.push(measured.calls.throttled() as f64);
        for (peer, figures) in &mut peers {
            bench.aws.reset(&Sizes::fresh(), Pace::of(CALL).limited());
            figures.push(peer::run(*peer, "creates", &bench.aws.endpoint())?);
        }
    }
    let case = "200 log groups created at 50 ms a call, limits on";
    let ours = Sample::new(seconds);
    let mut findings = vec![
        Finding::new(
            format!("{case}, against what the limits allow"),
            "",
            Goal::AtMost(1.15),
            Sample::new(ratios),
        ),
        // Every statement above ended well: none was surfaced.
        Finding::new(
            format!("{case}: refused by the limits and sent again"),
            "calls",
            Goal::Told,
            Sample::new(surfaced),
        ),
        Finding::new(case, "s", Goal::Told, ours.clone()),
    ];
    findings.extend(peer::compared(case, &ours, peers));
    Ok(findings)
}

/// The least time in which the limits let these calls through, and the last of them is answered.
fn allowed(calls: &Calls) -> Duration {
    let seconds = calls.by_operation().into_iter().flat_map(|(name, count)| {
        let (service, operation) = name.split_once(':').unwrap_or_default();
        let limits = limits(service, operation).into_iter();
        limits.map(move |limit| (count as f64 - limit.burst).max(0.0) / limit.refill)
    });
    Duration::from_secs_f64(seconds.fold(0.0, f64::max)) + CALL
}
