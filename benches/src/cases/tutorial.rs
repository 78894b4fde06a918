//! The tutorial: its calls, and its time against the critical path of its own graph.

use std::path::Path;
use std::time::Duration;

use iasql_tests::{Database, Migrations, Session};

use crate::aws::{Calls, Pace, Sizes, reads};
use crate::bench::Bench;
use crate::error::{Error, Result};
use crate::peer;
use crate::result::{Finding, Goal, Sample};

const CALL: Duration = Duration::from_millis(50);

/// The calls of the tutorial, each time they are the same; then its time at 50 ms a call.
pub fn run(bench: &Bench) -> Result<Vec<Finding>> {
    let mut findings = count_calls(bench)?;
    let (ours, timed) = time(bench)?;
    findings.extend(timed);
    findings.extend(compare(bench, ours)?);
    Ok(findings)
}

/// The tutorial's statements up to its apply.
fn prepare(database: &Database<'_>) -> Result<Session> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/tutorial");
    let scripts = Migrations::open(&folder)?.scripts()?;
    let mut session = database.connect()?;
    // The last one is the apply.
    for script in &scripts[..scripts.len() - 1] {
        session.query(script)?;
    }
    Ok(session)
}

fn count_calls(bench: &Bench) -> Result<Vec<Finding>> {
    let database = bench.account(&Sizes::fresh(), Pace::default())?;
    let mut session = prepare(&database)?;
    let install = bench.aws.take_calls().count();
    let read = bench
        .measure(&mut session, "SELECT iasql_plan_apply()")?
        .calls
        .count();
    let create = bench.measure(&mut session, "SELECT iasql_apply()")?.calls;
    let read_again = bench
        .measure(&mut session, "SELECT iasql_plan_apply()")?
        .calls
        .count();
    session.query("SELECT delete_all_records()")?;
    let delete = bench.measure(&mut session, "SELECT iasql_apply()")?.calls;
    let finding = |what: &str, goal: usize, found: usize, note: String| {
        let case = format!("tutorial: calls of {what}");
        Finding::new(
            case,
            "calls",
            Goal::AtMost(goal as f64),
            Sample::new([found as f64]),
        )
        .note(note)
    };
    let split = |calls: &Calls| {
        let all = calls.count();
        let writes = writes(calls);
        format!("{writes} writes, {} reads", all - writes)
    };
    Ok(vec![
        finding(
            "install",
            read + 1,
            install,
            "one read, and who calls".to_owned(),
        ),
        finding("create", 15 + read, create.count(), split(&create)),
        finding("create: the writes", 15, writes(&create), String::new()),
        finding(
            "no-change plan",
            read_again,
            read_again,
            "one read".to_owned(),
        ),
        finding("delete", 15 + read_again, delete.count(), split(&delete)),
        finding("delete: the writes", 15, writes(&delete), String::new()),
    ])
}

fn writes(calls: &Calls) -> usize {
    let operations = calls.by_operation().into_iter();
    let writes = operations.filter(|(name, _)| !name.split(':').nth(1).is_some_and(reads));
    writes.map(|(_, count)| count).sum()
}

/// The seconds of the applies, and what was found about them.
fn time(bench: &Bench) -> Result<(Sample, Vec<Finding>)> {
    let (mut ratios, mut shares, mut rests, mut seconds) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut paths = String::new();
    for _ in 0..bench.runs {
        let database = bench.account(&Sizes::fresh(), Pace::default())?;
        let mut session = prepare(&database)?;
        bench.aws.set_pace(Pace::of(CALL));
        let graph = session.query(
            "SELECT DISTINCT step, table_name, waits_for FROM iasql_explain_apply() ORDER BY step",
        )?;
        let read = bench.measure(&mut session, "SELECT iasql_plan_apply()")?;
        session.query("SET client_min_messages = debug1")?;
        session.take_notices();
        let apply = bench.measure(&mut session, "SELECT iasql_apply()")?;
        let journal = time_of_journal(&mut session)?;
        let (longest, all) = critical_path(&graph.lines())?;
        let made = apply.calls.count() - read.calls.count();
        if made != all {
            let found = format!(
                "the steps made {made} calls, {all} were expected: {:?}",
                apply.calls.by_operation()
            );
            return Err(Error::Unexpected {
                case: "tutorial",
                found,
            });
        }
        let path = read.calls.busy() + CALL * longest;
        ratios.push(apply.took.as_secs_f64() / path.as_secs_f64());
        let rest = apply.took.saturating_sub(apply.calls.busy());
        let share = |part: Duration| 100.0 * part.as_secs_f64() / apply.took.as_secs_f64();
        shares.push(share(journal));
        rests.push(share(rest));
        seconds.push(apply.took.as_secs_f64());
        paths = format!(
            "{:.2} s, critical path {:.2} s",
            apply.took.as_secs_f64(),
            path.as_secs_f64()
        );
    }
    let ours = Sample::new(seconds);
    let share = "journal's share of the tutorial's apply at 50 ms a call";
    let note = "the time that the run waited for it; other calls may be under way meanwhile";
    let findings = vec![
        Finding::new(
            "tutorial: apply at 50 ms a call, against its critical path",
            "",
            Goal::AtMost(1.15),
            Sample::new(ratios),
        )
        .note(paths),
        Finding::new(share, "%", Goal::AtMost(5.0), Sample::new(shares)).note(note),
        Finding::new(
            "the same: all time in which no call was under way",
            "%",
            Goal::Told,
            Sample::new(rests),
        )
        .note("the plan, the statements and the journal"),
        Finding::new(
            "tutorial: apply at 50 ms a call",
            "s",
            Goal::Told,
            ours.clone(),
        ),
    ];
    Ok((ours, findings))
}

/// How long the last apply waited for the journal, as it says to who listens.
fn time_of_journal(session: &mut Session) -> Result<Duration> {
    let notices = session.take_notices();
    let said = notices.iter().find_map(|notice| {
        let rest = notice.message.strip_prefix("the journal took ")?;
        rest.strip_suffix(" ms")?.parse::<f64>().ok()
    });
    let milliseconds = said.ok_or_else(|| Error::Unexpected {
        case: "tutorial",
        found: format!("{notices:?}"),
    })?;
    Ok(Duration::from_secs_f64(milliseconds / 1000.0))
}

/// The same by Ansible's collections.
fn compare(bench: &Bench, ours: Sample) -> Result<Vec<Finding>> {
    let (mut seconds, mut calls) = (Vec::new(), 0);
    // Each run lasts for many seconds, and they differ little.
    for _ in 0..bench.runs.min(2) {
        bench.aws.reset(&Sizes::fresh(), Pace::of(CALL));
        seconds.push(peer::ansible(&bench.aws.endpoint())?);
        calls = bench.aws.take_calls().count();
    }
    let theirs = Sample::new(seconds);
    let times = theirs.median() / ours.median();
    let note = format!("{times:.0} × ours, {calls} calls, from its start to its end");
    let case = "tutorial at 50 ms a call: Ansible's collections";
    Ok(vec![Finding::new(case, "s", Goal::Told, theirs).note(note)])
}

/// How many calls one after the other the longest way through the graph takes, and how many all steps take.
/// A line of the graph is `step|table|{steps it waits for}`.
fn critical_path(lines: &[String]) -> Result<(u32, usize)> {
    let mut ends: Vec<u32> = Vec::new();
    let mut all = 0;
    for line in lines {
        let fields: Vec<&str> = line.split('|').collect();
        let [_, table, waits] = fields[..] else {
            let found = line.clone();
            return Err(Error::Unexpected {
                case: "tutorial",
                found,
            });
        };
        let waits = waits.trim_matches(['{', '}']).split(',');
        let before = waits.filter_map(|step| ends.get(step.parse::<usize>().ok()? - 1));
        let calls = calls_of(table);
        ends.push(before.max().copied().unwrap_or_default() + calls);
        all += calls as usize;
    }
    Ok((ends.into_iter().max().unwrap_or_default(), all))
}

/// The calls that a step of the tutorial makes, one after the other.
fn calls_of(table: &str) -> u32 {
    match table {
        // The create, and the rules that came with it; the tutorial's own rule takes one of them over.
        "security_group" => 2,
        // The create, and its retention.
        "log_group" => 2,
        // The create, and the policy.
        "role" => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_way_counts() -> Result {
        let lines = [
            "1|role|{}",
            "2|cluster|{}",
            "3|task_definition|{1}",
            "4|service|{2,3}",
        ];
        let lines = lines.map(str::to_owned);
        assert_eq!(critical_path(&lines)?, (4, 5));
        Ok(())
    }
}
